"""Reading what a text API answered: the text or what went wrong, and in either case the usage that was billed.

Compatible servers answer in many forms, so nothing is taken for granted: every field may be missing or hold any JSON.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import httpx2
from pydantic_core import from_json

from providers.openai_advice import ASKING_CHAT, ASKING_RESPONSES, CHECK_ADDRESS, Advice
from providers.openai_errors import failed_answer, unreadable_answer
from providers.quoting import quoted, request_id_of
from sessions.errors import AttemptError, ContentRejected, PermanentFailure
from sessions.money import MOST_TOKENS, Usage
from sessions.ports import TextCall, Written

_WRITE_ANOTHER: Final = (
    "Press Retry failed; if it keeps happening, start a new session with another model "
    "(RETAKES_TEXT_MODEL, or `model` in the request)."
)
_WRITE_LESS: Final = (
    "Press Retry failed; if it is cut off again, start a new session with fewer segments in a set, or with a model or "
    "server that writes longer answers."
)

_TOO_LONG: Final = "The answer before was too long and was cut off. Keep every text in it shorter."


def written_response(answer: httpx2.Response, *, call: TextCall) -> Written:
    """Return what was written, out of an answer of the Responses API. CPU-bound, for a thread.

    Raises:
        AttemptError: the answer holds no whole text; the error carries the usage.
    """
    body = _json(answer)
    usage = _usage(_field(body, "usage"), read="input_tokens", written="output_tokens")
    told = _Answer(http=answer, call=call, advice=ASKING_RESPONSES, usage=usage)
    status, error, output = (_field(body, name) for name in ("status", "error", "output"))
    if status == "incomplete":
        raise told.stopped(_field(_field(body, "incomplete_details"), "reason"))
    if status == "failed" or (error and not output):
        raise told.failed(error)
    if status in ("cancelled", "in_progress", "queued"):
        raise told.rejected(f"is not finished ({status})", advice=_WRITE_ANOTHER)
    # Commentary is what a model says on its way to the answer.
    messages = [
        item for item in _items(output) if _field(item, "type") == "message" and _field(item, "phase") != "commentary"
    ]
    return told.written([part for message in messages for part in _items(_field(message, "content"))])


def written_chat(answer: httpx2.Response, *, call: TextCall) -> Written:
    """Return what was written, out of an answer of the chat completions API. CPU-bound, for a thread.

    Raises:
        AttemptError: the answer holds no whole text; the error carries the usage.
    """
    body = _json(answer)
    usage = _usage(_field(body, "usage"), read="prompt_tokens", written="completion_tokens")
    told = _Answer(http=answer, call=call, advice=ASKING_CHAT, usage=usage)
    choice = next(iter(_items(_field(body, "choices"))), None)
    # Gateways report what went wrong behind them with the status 200, for the whole call or for the choice.
    if error := _field(body if choice is None else choice, "error"):
        raise told.failed(error)
    reason = _field(choice, "finish_reason")
    if reason in ("length", "content_filter"):
        raise told.stopped(reason)
    message = _field(choice, "message")
    refusal, content = _field(message, "refusal"), _field(message, "content")
    if refusal:
        raise told.refused([refusal])
    return told.written([{"type": "text", "text": content}] if isinstance(content, str) else _items(content))


@dataclass(frozen=True, kw_only=True)
class _Answer:
    """An answer that is JSON, and what it comes to."""

    http: httpx2.Response
    call: TextCall
    advice: Advice
    usage: Usage | None

    def written(self, parts: Sequence[object]) -> Written:
        """Put the parts of a message together."""
        refusals = [_field(part, "refusal") for part in parts if _field(part, "type") == "refusal"]
        if refusals:
            raise self.refused(refusals)
        texts = [_field(part, "text") for part in parts if _field(part, "type") in ("output_text", "text")]
        text = "".join(text for text in texts if isinstance(text, str))
        if not text.strip():
            raise self.rejected("holds no text", advice=_WRITE_ANOTHER)
        return Written(text=text, model=self.call.model, request_id=self._request_id, usage=self.usage)

    def stopped(self, reason: object) -> ContentRejected:
        """Return what an answer comes to that was ended before its end."""
        if reason == "content_filter":
            return self.rejected("was stopped by its content filter (content_filter)", advice=self.advice.reword)
        named = f" ({quoted(reason, prompt=self.call.prompt, limit=64)})" if isinstance(reason, str) else ""
        return self.rejected(f"was cut off before its end{named}", advice=_WRITE_LESS, correction=_TOO_LONG)

    def refused(self, refusals: Sequence[object]) -> ContentRejected:
        said = " ".join(refusal for refusal in refusals if isinstance(refusal, str))
        words = quoted(said, prompt=self.call.prompt)
        message = f"The model refused to write it: {words}" if words else "The model refused to write it."
        return ContentRejected(message, advice=self.advice.reword, request_id=self._request_id, usage=self.usage)

    def failed(self, error: object) -> AttemptError:
        return failed_answer(error, answer=self.http, prompt=self.call.prompt, advice=self.advice, usage=self.usage)

    def rejected(self, what: str, *, advice: str, correction: str | None = None) -> ContentRejected:
        message = f"The provider's answer {what}."
        return ContentRejected(
            message, advice=advice, request_id=self._request_id, usage=self.usage, correction=correction
        )

    @property
    def _request_id(self) -> str | None:
        return request_id_of(self.http)


def _json(answer: httpx2.Response) -> object:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type in ("text/html", "application/xhtml+xml"):
        raise _no_such_api("a web page", answer=answer)
    try:
        return from_json(answer.content)
    except ValueError:
        # Only now: some servers call their JSON text.
        if media_type.startswith("text/"):
            raise _no_such_api(quoted(media_type, prompt="", limit=64), answer=answer) from None
        raise unreadable_answer(request_id=request_id_of(answer)) from None


def _no_such_api(what: str, *, answer: httpx2.Response) -> PermanentFailure:
    return PermanentFailure(
        f"The address answered with {what} instead of JSON: it is no OpenAI-compatible API.",
        advice=CHECK_ADDRESS,
        request_id=request_id_of(answer),
    )


def _usage(counts: object, *, read: str, written: str) -> Usage | None:
    """Return what was counted. A count that makes no sense is left out: the other one is still worth knowing."""
    input_tokens, output_tokens = _count(_field(counts, read)), _count(_field(counts, written))
    if input_tokens is None and output_tokens is None:
        return None
    return Usage(input_tokens=input_tokens or 0, output_tokens=output_tokens or 0)


def _count(value: object) -> int | None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    return int(value) if 0 <= value <= MOST_TOKENS and value == int(value) else None


def _field(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def _items(value: object) -> Sequence[object]:
    return value if isinstance(value, list) else ()
