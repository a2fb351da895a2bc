"""What the SDK's exceptions mean for an attempt: one function that knows every case.

The status and the provider's own code decide. `x-should-retry` is not asked: it speaks to a client that repeats one
request within seconds and knows nothing of billing, while the classes here say by cause whether an attempt counts,
varies its prompt, may have been paid for, or is pointless.
"""

import json
import math
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
import openai

from providers.quoting import MAX_CHARACTERS, quoted
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)

_BILLING: Final = {
    "billing_hard_limit_reached",
    "billing_not_active",
    "credit_balance_exhausted",
    "insufficient_quota",
    "organization_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "project_spend_limit_exceeded",
    "usage_limit_exceeded",
}
_CONTENT: Final = {
    "bio_policy",
    "content_filter",
    "content_policy_violation",
    "cyber_policy",
    "image_content_policy_violation",
    "invalid_prompt",
    "misalignment_policy_violation",
    "moderation_blocked",
}
_OVERLOADED: Final = {"rate_limit_exceeded", "server_is_overloaded", "server_overloaded", "slow_down"}

_BEFORE_SENDING: Final = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    ssl.SSLCertVerificationError,
)
_CANNOT_BE_SENT: Final = (httpx2.LocalProtocolError, httpx2.TooManyRedirects, httpx2.UnsupportedProtocol)

_WAITS: Final = (
    "Nothing to do while it waits. Should it give up, press Retry failed later, or ask the provider for a higher limit."
)
_REPEATS: Final = "If it keeps failing, look at the provider's status page and press Retry failed later."
_MAY_BE_BILLED: Final = (
    "The provider may have billed this call, so its highest price is counted as uncertain. "
    "Press Retry failed to make it again."
)
_PAY: Final = "Add credit or raise the spending limit in the provider's billing settings, then press Retry failed."
_REWORD: Final = (
    "Retry it with a note that asks for something milder, or start a new session with another title, other features "
    "or other photos."
)
_CHECK_ADDRESS: Final = (
    "Check OPENAI_BASE_URL (for most servers it ends in /v1) and the network, restart, then press Retry failed."
)
_ADVICE: Final = {
    401: "Check OPENAI_API_KEY, restart with the right key, then press Retry failed.",
    # A session keeps the model it was started with, so another model means another session.
    403: (
        "Give the key access to this model (OpenAI asks to verify the organisation for some) and press Retry failed, "
        "or start a new session with another model (RETAKES_IMAGE_MODEL, or `model` in the request)."
    ),
    404: (
        "If OPENAI_BASE_URL is wrong, correct it, restart and press Retry failed. If the model's name is, start a new "
        "session with another (RETAKES_IMAGE_MODEL, or `model` in the request)."
    ),
    413: "Start a new session with fewer or smaller reference photos.",
}
_WHAT_IS_WRONG: Final = {
    401: "The provider does not accept the key",
    403: "The provider does not allow this key to make the call",
    404: "The provider knows no such model or address",
    413: "The request is too large for the provider",
}
_STAGES: Final = {"input": "seen in the prompt or the photos", "output": "seen in the picture it made"}


def classified(error: Exception, *, prompt: str) -> AttemptError:
    """Return what an exception of the SDK means for the attempt.

    Args:
        error: what a call of the SDK raised.
        prompt: what was sent, to keep it out of the messages when the provider quotes it.

    Raises:
        Exception: ``error`` itself, when it is not about the call: a bug must not pass for a provider's failure.
    """
    match error:
        case openai.APIStatusError():
            return _of_status(error, prompt=prompt)
        case openai.APIConnectionError():
            return _of_connection(error)
        case openai.APIResponseValidationError():
            return unreadable_answer(request_id=error.response.headers.get("x-request-id"))
        case openai.APIError():
            return _of_broken_stream(error, prompt=prompt)
        case json.JSONDecodeError():
            # The SDK lets it through raw when the body of an accepted call was cut off.
            return unreadable_answer(request_id=None)
        case _:
            raise error


def unreadable_answer(*, request_id: str | None) -> UncertainOutcome:
    """Return what an accepted call comes to whose answer is cut off or no JSON: it was probably made and billed."""
    return UncertainOutcome(
        "The provider's answer arrived cut off or garbled.", advice=_MAY_BE_BILLED, request_id=request_id
    )


def _of_status(error: openai.APIStatusError, *, prompt: str) -> AttemptError:
    status = error.status_code
    names = _names(error)
    request_id = error.request_id

    def message(what: str) -> str:
        return _message(what, error=error, prompt=prompt)

    if status == 402 or names & _BILLING:
        return BillingStopped(message("The account cannot pay for the call"), advice=_PAY, request_id=request_id)
    if names & _CONTENT:
        return ContentRejected(message("The provider refused the content"), advice=_REWORD, request_id=request_id)
    if status in (429, 503) or (status >= 500 and names & _OVERLOADED):
        return Throttled(
            message("The provider asks to slow down" if status == 429 else "The provider is overloaded"),
            advice=_WAITS,
            retry_after=_retry_after(error.response.headers),
            request_id=request_id,
        )
    if status >= 500:
        return TransientFailure(message("The provider had a fault of its own"), advice=_REPEATS, request_id=request_id)
    if status in (408, 409):
        return TransientFailure(message("The provider gave the call up"), advice=_REPEATS, request_id=request_id)
    return PermanentFailure(
        message(_WHAT_IS_WRONG.get(status, "The provider does not accept the request")),
        advice=_ADVICE.get(status) or _change(error.param, status=status),
        request_id=request_id,
    )


def _of_connection(error: openai.APIConnectionError) -> AttemptError:
    cause = error.__cause__
    kind = type(cause).__name__
    if isinstance(cause, _BEFORE_SENDING):
        reason = quoted(str(cause), prompt="", limit=120) or kind
        return TransientFailure(
            f"The provider could not be reached ({reason}); nothing was sent.", advice=f"{_REPEATS} {_CHECK_ADDRESS}"
        )
    if isinstance(cause, _CANNOT_BE_SENT):
        return PermanentFailure(f"The call cannot be sent to this address ({kind}).", advice=_CHECK_ADDRESS)
    what = "went silent" if isinstance(error, openai.APITimeoutError) else "broke the connection"
    return UncertainOutcome(f"The provider {what} after the call was sent ({kind}).", advice=_MAY_BE_BILLED)


def _of_broken_stream(error: openai.APIError, *, prompt: str) -> AttemptError:
    """An error within an answer that had begun well carries a code, but no status."""
    names = _names(error)
    if names & _BILLING:
        message = _message("The account cannot pay for the call", error=error, prompt=prompt)
        return BillingStopped(message, advice=_PAY)
    if names & _CONTENT:
        message = _message("The provider refused the content", error=error, prompt=prompt)
        return ContentRejected(message, advice=_REWORD)
    message = _message("The provider broke off its answer", error=error, prompt=prompt)
    return UncertainOutcome(message, advice=_MAY_BE_BILLED)


def _names(error: openai.APIError) -> set[str]:
    """Return the provider's own names for the error. The SDK passes on whatever JSON stood there."""
    return {name for name in (error.code, error.type) if isinstance(name, str)}


def _message(what: str, *, error: openai.APIError, prompt: str) -> str:
    secret = error.request.headers.get("authorization", "").removeprefix("Bearer ") or None

    def safe(text: str, limit: int) -> str:
        return quoted(text, prompt=prompt, secret=secret, limit=limit)

    status = str(error.status_code) if isinstance(error, openai.APIStatusError) else ""
    name = next((name for name in (error.code, error.type) if name and isinstance(name, str)), "")
    facts = [" ".join(filter(None, [status, safe(name, 64)]))]
    categories, stage = _moderation(error.body)
    if categories:
        facts.append(f"categories: {safe(', '.join(categories), 200)}")
        facts += [_STAGES[stage]] if stage in _STAGES else []
    named = f"{what} ({'; '.join(filter(None, facts)) or 'no code given'})"
    words = safe(_words(error.body), MAX_CHARACTERS)
    if not words:
        return f"{named}."
    return f"{named}: {words}" if words[-1] in ".!?…" else f"{named}: {words}."


def _words(body: object) -> str:
    """Return what the provider says in plain text; the HTML page of a gateway before it is none."""
    match body:
        case str():
            return "" if body.lstrip().startswith("<") else body
        case {"message": str(message)}:
            return message
        case {"detail": str(detail)}:  # what compatible servers built on FastAPI send
            return detail
        case _:
            return ""


def _moderation(body: object) -> tuple[list[str], str]:
    """Return the categories that a moderation names, and at which stage it stepped in."""
    match body:
        case {"moderation_details": {"categories": [*categories], **rest}}:
            return [category for category in categories if isinstance(category, str)], str(rest.get("moderation_stage"))
        case _:
            return [], ""


def _change(parameter: object, *, status: int) -> str:
    if status < 400 or status == 405:
        return _CHECK_ADDRESS
    which = f"`{quoted(parameter, prompt='', limit=64)}`" if isinstance(parameter, str) else "what it names"
    return f"It will be refused again as it is: start a new session and change {which}."


def _retry_after(headers: httpx2.Headers) -> timedelta | None:
    """Return how long the provider asks to wait, None where it does not say so in a form that is understood."""
    milliseconds = _number(headers.get("retry-after-ms"))
    if milliseconds is not None:
        return _wait(milliseconds / 1000)
    text = headers.get("retry-after")
    seconds = _number(text)
    if seconds is not None:
        return _wait(seconds)
    try:
        until = parsedate_to_datetime(text or "")
        # Against the server's own clock, where it tells it: a wrong one on this side would change the wait.
        told = headers.get("date")
        now = parsedate_to_datetime(told) if told else datetime.now(UTC)
        wait = until.astimezone(UTC) - now.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        return None
    return _wait(wait.total_seconds())


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _wait(seconds: float) -> timedelta:
    """Return a wait between none and a day: longer ones are beyond anybody's patience, and can overflow."""
    return timedelta(seconds=min(max(seconds, 0.0), 86_400.0))
