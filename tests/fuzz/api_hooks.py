"""What Schemathesis is told about this API; it loads this module by SCHEMATHESIS_HOOKS, in a process of its own.

The description says what has which form, but not which sessions there are, nor that a title must not be blank. A
request that is meant to be valid is therefore mended half of the time: it then gets past the validation, into what
lies behind. What is meant to be wrong is left as it is.
"""

import json
import os
import random
import zlib
from collections.abc import Callable, Mapping
from typing import Any, Final

import schemathesis
from schemathesis import Case, CheckContext, HookContext, Response

KNOWN_SESSIONS: Final = "RETAKES_FUZZ_SESSIONS"
"""The variable with the sessions there are: JSON, item keys by session."""

_PROBLEM: Final = "application/problem+json"
_NOWHERE: Final = "http://127.0.0.1:9/"
_MOST_SEGMENTS: Final = 12
_MOST_IMAGES: Final = 4
_LINE_BREAKS: Final = "\n\r\t\x0b\x0c\x85\u2028\u2029"


@schemathesis.check
def errors_are_problems(ctx: CheckContext, response: Response, case: Case[Any]) -> None:
    """Every error is a problem (RFC 9457) that says what to do; only readiness tells in its own way."""
    if response.status_code < 400 or case.path == "/health/ready":
        return
    (content_type,) = response.headers["content-type"]
    assert content_type == _PROBLEM, f"an error of type {content_type}"
    problem = json.loads(response.content)
    assert problem["status"] == response.status_code, "the problem tells another status"
    assert problem["title"], "the problem has no title"
    assert problem["detail"].strip(), "the problem says nothing"
    assert response.status_code != 503 or "retry-after" in response.headers, "503 without Retry-After"


@schemathesis.hook
def before_call(context: HookContext, case: Case[Any], kwargs: dict[str, Any]) -> None:
    """Mend what is meant to be valid, and keep every request from the network beyond this machine."""
    body: Any = case.body
    if isinstance(body, dict) and isinstance(body.get("url"), str):
        body["url"] = _NOWHERE
    if isinstance(body, dict) and isinstance(body.get("callback_url"), str):
        body["callback_url"] = None
    meta = case.meta
    if meta is None or not meta.generation.mode.is_positive:
        return
    # By what it holds, so that the same seed mends the same requests.
    told = repr((case.method, case.path, case.path_parameters, case.query, body))
    chance = random.Random(zlib.crc32(told.encode(errors="replace")))
    known: Mapping[str, list[str]] = json.loads(os.environ[KNOWN_SESSIONS])
    is_alone = meta.phase.name != "stateful"
    if known and is_alone and "session_id" in (case.path_parameters or {}) and chance.random() < 0.8:
        session = chance.choice(sorted(known))
        case.path_parameters["session_id"] = session
        if "key" in case.path_parameters:
            case.path_parameters["key"] = chance.choice(known[session])
    if isinstance(body, dict) and chance.random() < 0.8:
        _bound(body)
        mended: dict[str, Any] = _spoken(body)
        if mend := _MENDS.get(case.path):
            mend(mended)
        case.body = mended


def _bound(body: dict[str, Any]) -> None:
    """Keep what is started small: how long large sessions take is measured elsewhere."""
    for name, most in (("total_segments", _MOST_SEGMENTS), ("max_attempts", 3)):
        if isinstance(body.get(name), int | float):
            body[name] = max(1, min(int(body[name]), most))
    if isinstance(body.get("images"), list):
        unlike = {str(image.get("type")): image for image in body["images"] if isinstance(image, dict)}
        body["images"] = [
            {**image, **({"key": f"own-{at}", "prompt": "A box"} if kind == "custom" else {"prompt": None})}
            for at, (kind, image) in enumerate(list(unlike.items())[:_MOST_IMAGES])
        ] or [{"type": "main"}]
        for image in body["images"]:
            image.setdefault("key", None)
            image["key"] = image["key"] if image["type"] == "custom" else None


def _spoken(value: Any) -> Any:
    """Return the value with texts that say something."""
    if isinstance(value, str):
        text = "".join("·" if character < " " or character in _LINE_BREAKS else character for character in value)
        text = "".join("·" if "\x7f" <= character <= "\x9f" else character for character in text)
        return text if text.strip() else "Something"
    if isinstance(value, list):
        return [_spoken(entry) for entry in value]
    return {name: _spoken(entry) for name, entry in value.items()} if isinstance(value, dict) else value


def _image_start(body: dict[str, Any]) -> None:
    body |= {"size": "256x256", "references": [], "style_reference": None, "tolerated_failures": None}


def _story_start(body: dict[str, Any]) -> None:
    body |= {"language": "en", "tolerated_failures": None, "characters": [{"name": "Ada"}]}


def _generation(body: dict[str, Any]) -> None:
    body["custom_character_roster"] = [{"name": "Ada"}]


def _rates(body: dict[str, Any]) -> None:
    body["images_per_minute"] = None


def _retake(body: dict[str, Any]) -> None:
    body |= {"prompt": None, "note": "Brighter", "from_previous": False}


def _selection(body: dict[str, Any]) -> None:
    body["attempt"] = 1


def _retry(body: dict[str, Any]) -> None:
    body["items"] = None


def _outline(body: dict[str, Any]) -> None:
    body.clear()
    body["approve"] = True


_MENDS: Final[Mapping[str, Callable[[dict[str, Any]], None]]] = {
    "/api/sessions/images": _image_start,
    "/api/sessions/stories": _story_start,
    "/generate-movie-auto": _generation,
    "/api/generate-movie-auto": _generation,
    "/api/rates": _rates,
    "/api/sessions/{session_id}/items/{key}/retake": _retake,
    "/api/sessions/{session_id}/items/{key}/selected": _selection,
    "/api/sessions/{session_id}/retry": _retry,
    "/api/sessions/{session_id}/outline": _outline,
}
