"""Whatever a provider answers, byte by byte: a result that is what was asked for, or a failure of the known classes."""

import asyncio
import gzip
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, Final, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from providers.openai_client import openai_client
from providers.openai_images import OpenAIImages
from providers.openai_text import text_provider
from sessions.artifacts import Made
from sessions.errors import AttemptError
from sessions.money import Usage
from sessions.ports import ReferencePicture, Written
from tests.fuzz.effort import LIMIT, effort
from tests.unit.providers.asking import KEY, a_call, body_with, picture
from tests.unit.providers.asking_texts import a_text_call, completion, output_text, response, unheard
from tests.unit.providers.loopback import Answer, Loopback

_SILENCE: Final = timedelta(milliseconds=150)
_HANG: Final = timedelta(seconds=5)
_LARGEST_COUNT: Final = 10**12
"""Dearer than any call, and far from what the records and the sums over them can hold."""

Ask = Callable[[Any], Awaitable[Made | Written]]

_PICTURE: Final = picture()
_REFERENCE: Final = ReferencePicture(name="a.png", media_type="image/png", data=_PICTURE)
KINDS: Final[dict[str, tuple[object, Ask]]] = {
    "images": (body_with(_PICTURE), lambda client: OpenAIImages(client).generate(a_call())),
    "edits": (body_with(_PICTURE), lambda client: OpenAIImages(client).generate(a_call(references=(_REFERENCE,)))),
    "responses": (
        response(output_text()),
        lambda client: text_provider(client, api="responses").write(a_text_call(), on_pending=unheard),
    ),
    "chat": (completion(), lambda client: text_provider(client, api="chat").write(a_text_call(), on_pending=unheard)),
}

_WORDS: Final = (
    "b64_json code content data error id input_tokens input_tokens_details image_tokens message output output_tokens "
    "param reason refusal status text total_tokens type usage choices finish_reason prompt_tokens completion_tokens"
)
NAMES: Final = tuple(_WORDS.split())
LEAVES: Final = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([10**9, 10**19, 10**30, -1, 2**63, 2**63 - 1])
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["\0", "\ud800", "insufficient_quota", "moderation_blocked", "rate_limit_exceeded", "x" * 5000])
)
ANY_JSON: Final = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=8), inner),
    max_leaves=12,
)
_REFUSALS: Final = "400 401 402 403 404 405 408 409 413 415 422 425 429 451 499 500 501 502 503 504 520 529 599"
STATUSES: Final = (
    st.just(200)
    | st.sampled_from([201, 202, 204, 206, 300, 301, 304, 307])
    | st.sampled_from([int(status) for status in _REFUSALS.split()])
    | st.integers(200, 999)
)
HEADER_VALUES: Final = st.text(
    st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40
)
HEADERS: Final = st.dictionaries(
    st.sampled_from(["x-request-id", "retry-after", "retry-after-ms", "x-should-retry", "date", "x-other"]),
    HEADER_VALUES | st.sampled_from(["-1", "0", "1e400", "nan", "inf", "9" * 400, "Sun, 06 Nov 1994 08:49:37 GMT"]),
    max_size=4,
)
MEDIA_TYPES: Final = st.sampled_from(["application/json", "application/json; charset=x", "text/html", "", "a/b"])
ENCODINGS: Final = st.sampled_from([None, None, None, "gzip", "deflate", "br", "x"])


@st.composite
def odd_somewhere(draw: st.DrawFn, value: object) -> object:
    """Walk down a random way, and put something odd at its end."""
    if draw(st.integers(0, 4)) and isinstance(value, dict) and value:
        name = draw(st.sampled_from(sorted(value)))
        return {**value, name: draw(odd_somewhere(value[name]))}
    if draw(st.integers(0, 4)) and isinstance(value, list) and value:
        index = draw(st.integers(0, len(value) - 1))
        return [*value[:index], draw(odd_somewhere(value[index])), *value[index + 1 :]]
    return draw(LEAVES | ANY_JSON)


@st.composite
def bodies(draw: st.DrawFn, whole: object) -> bytes:
    """Any bytes, any JSON, or a whole answer with something wrong in it."""
    match draw(st.sampled_from(["bytes", "json", "odd", "odd", "counts", "error", "cut", "garbled"])):
        case "bytes":
            return draw(st.binary(max_size=300))
        case "json":
            return json.dumps(draw(ANY_JSON)).encode()
        case "odd":
            return json.dumps(draw(odd_somewhere(whole))).encode()
        case "counts":
            counts = st.dictionaries(st.sampled_from([name for name in NAMES if "tokens" in name]), LEAVES | ANY_JSON)
            return json.dumps({**cast(dict[str, object], whole), "usage": draw(counts)}).encode()
        case "error":
            error: dict[str, object] = {
                "message": "No.",
                "type": "t",
                "param": None,
                "code": None,
                "moderation_details": {},
            }
            return json.dumps(draw(odd_somewhere({"error": error}))).encode()
        case kind:
            body = bytearray(json.dumps(whole).encode())
            if kind == "cut":
                return bytes(body[: draw(st.integers(0, len(body)))])
            for _ in range(draw(st.integers(1, 4))):
                body[draw(st.integers(0, len(body) - 1))] = draw(st.integers(0, 255))
            return bytes(body)


@st.composite
def answers(draw: st.DrawFn, whole: object) -> bytes:
    """An answer as it goes over the wire, with a length that may be wrong."""
    body = draw(bodies(whole))
    encoding = draw(ENCODINGS)
    if encoding == "gzip" and draw(st.booleans()):
        body = gzip.compress(body)
    length = draw(st.sampled_from([len(body)] * 6 + [len(body) + 1, max(0, len(body) - 1), 0, 10**20]))
    headers = {"content-type": draw(MEDIA_TYPES), "content-length": str(length), **draw(HEADERS)}
    if encoding:
        headers["content-encoding"] = encoding
    lines = [f"HTTP/1.1 {draw(STATUSES)} Odd", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def sent(raw: bytes) -> Answer:
    """Bytes as they are, and then the end of the connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(raw)
        await writer.drain()
        writer.close()

    return answer


async def outcome(ask: Ask, *, raw: bytes) -> Made | Written | AttemptError:
    """Return what one call comes to; whatever else is raised, and waiting for long, is a defect."""
    async with (
        Loopback([sent(raw)]) as server,
        openai_client(api_key=KEY, base_url=server.base_url, longest_silence=_SILENCE) as client,
        asyncio.timeout(_HANG.total_seconds()),
    ):
        try:
            return await ask(client)
        except AttemptError as failure:
            return failure


def check_usable(result: Made | Written | AttemptError) -> None:
    """Check that what a call came to can be kept, counted and shown."""
    if isinstance(result, Made):
        assert (result.data, result.media_type, result.width, result.height) == (_PICTURE, "image/png", 64, 32)
    elif isinstance(result, Written):
        assert result.text.strip()
        result.text.encode()
    else:
        assert result.message.strip()
        assert result.advice.strip()
        assert result.as_item_error().message
        for text in (result.message, result.advice):
            assert "\0" not in text
            assert KEY not in text
            text.encode()
        assert len(result.message) < 2000
    usage = result.usage or Usage()
    for counted in (usage.input_tokens, usage.input_image_tokens, usage.output_tokens):
        assert 0 <= counted < _LARGEST_COUNT
    assert "\0" not in (result.request_id or "")
    assert len(result.request_id or "") <= 200
    (result.request_id or "").encode()


@pytest.mark.timeout(LIMIT)
@effort(150)
@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
async def test_any_answer_is_a_result_or_a_classified_failure(kind: str, data: st.DataObject) -> None:
    """Any status, any headers, any body, whole or broken: nothing else is raised, and nothing hangs."""
    whole, ask = KINDS[kind]
    check_usable(await outcome(ask, raw=data.draw(answers(whole))))


@pytest.mark.timeout(LIMIT)
@effort(25)
@given(kind=st.sampled_from(sorted(KINDS)), raw=st.binary(max_size=200))
async def test_any_bytes_are_a_classified_failure(kind: str, raw: bytes) -> None:
    """No HTTP at all, before and after something that looks like it."""
    _, ask = KINDS[kind]
    for bytes_sent in (raw, b"HTTP/1.1 200 OK\r\n" + raw):
        result = await outcome(ask, raw=bytes_sent)
        check_usable(result)
        assert isinstance(result, AttemptError)
