"""What the SDK's exceptions mean for an attempt: one function that knows every case.

The status and the provider's own code decide. `x-should-retry` is not asked: it speaks to a client that repeats one
request within seconds and knows nothing of billing, while the classes here say by cause whether an attempt counts,
varies its prompt, may have been paid for, or is pointless.
"""

import json
import math
import re
import ssl
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
import openai

from providers.openai_advice import CHECK_ADDRESS, Advice
from providers.quoting import MAX_CHARACTERS, quoted, request_id_of
from sessions.errors import (
    AttemptError,
    BillingStopped,
    ContentRejected,
    PermanentFailure,
    Throttled,
    TransientFailure,
    UncertainOutcome,
)
from sessions.money import Usage

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
_TOO_LONG: Final = {"context_length_exceeded", "exceed_context_size_error"}
_STATUS_OF: Final = {"rate_limit_exceeded": 429, "data_residency_mismatch": 400, "invalid_request_error": 400}
"""The status that goes with a name, for errors that come without one. Any other is taken for a fault of the server."""
_STATUS: Final = re.compile(r"[45][0-9]{2}")

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
_WHAT_IS_WRONG: Final = {
    401: "The provider does not accept the key",
    403: "The provider does not allow this key to make the call",
    404: "The provider knows no such model or address",
    413: "The request is too large for the provider",
    501: "The provider cannot do what is asked for",
}

_LOOKED_AT: Final = 4000
"""Characters of the provider's words that are searched: a broken server may send a whole web page."""

_Verdict = tuple[type[AttemptError], str, str]
"""The class of a failure, what happened, and what a person can do."""


def classified(error: Exception, *, prompt: str, advice: Advice) -> AttemptError:
    """Return what an exception of the SDK means for the attempt.

    Args:
        error: what a call of the SDK raised.
        prompt: what was sent, to keep it out of the messages when the provider quotes it.
        advice: what a person can do, which depends on what was asked for.

    Raises:
        Exception: ``error`` itself, when it is not about the call: a bug must not pass for a provider's failure.
    """
    match error:
        case openai.APIStatusError():
            return _judged(error, status=error.status_code, answer=error.response, prompt=prompt, advice=advice)
        case openai.APIConnectionError():
            return _of_connection(error)
        case openai.APIResponseValidationError():
            return unreadable_answer(request_id=request_id_of(error.response))
        case openai.APIError():
            return _of_broken_stream(error, prompt=prompt, advice=advice)
        case json.JSONDecodeError():
            # The SDK lets it through raw when the body of an accepted call was cut off.
            return unreadable_answer(request_id=None)
        case _:
            raise error


def failed_answer(
    details: object, *, answer: httpx2.Response, prompt: str, advice: Advice, usage: Usage | None
) -> AttemptError:
    """Return what an answer comes to whose status is 200 and which then says that the call failed.

    It is judged like the error status of the same name.

    Args:
        details: what the answer says of the error: any JSON.
        answer: the answer as it came.
        prompt: what was sent, to keep it out of the message when the provider quotes it.
        advice: what a person can do.
        usage: what was billed for the call all the same.
    """
    error = openai.APIError("", answer.request, body=details)
    names = _names(error)
    # Gateways put the status there that they got themselves.
    told = [int(name) for name in names if _STATUS.fullmatch(name)]
    known = [status for name, status in _STATUS_OF.items() if name in names]
    status = next(iter(told + known), 500)
    return _judged(error, status=status, answer=answer, prompt=prompt, advice=advice, usage=usage)


def unreadable_answer(*, request_id: str | None) -> UncertainOutcome:
    """Return what an accepted call comes to whose answer is cut off or no JSON: it was probably made and billed."""
    return UncertainOutcome(
        "The provider's answer arrived cut off or garbled.", advice=_MAY_BE_BILLED, request_id=request_id
    )


def _judged(
    error: openai.APIError,
    *,
    status: int,
    answer: httpx2.Response,
    prompt: str,
    advice: Advice,
    usage: Usage | None = None,
) -> AttemptError:
    names = _names(error) | (_BILLING if status == 402 else set())
    request_id = request_id_of(answer)
    verdict = _by_name(names, advice=advice)
    is_overloaded = status in (429, 503) or (status >= 500 and bool(names & _OVERLOADED))
    is_billed = usage is not None and usage != Usage()
    # Waits burn no attempt and keep no usage, so an overload that was billed counts as a failed attempt instead.
    if verdict is None and is_overloaded and not is_billed:
        what = "The provider asks to slow down" if status == 429 else "The provider is overloaded"
        return Throttled(
            _message(what, error=error, prompt=prompt, advice=advice),
            advice=_WAITS,
            retry_after=_retry_after(answer.headers),
            request_id=request_id,
        )
    kind, what, what_to_do = verdict or _by_status(error, status=status, advice=advice)
    message = _message(what, error=error, prompt=prompt, advice=advice)
    return kind(message, advice=what_to_do, request_id=request_id, usage=usage)


def _by_name(names: set[str], *, advice: Advice) -> _Verdict | None:
    if names & _BILLING:
        return BillingStopped, "The account cannot pay for the call", _PAY
    if names & _CONTENT:
        return ContentRejected, "The provider refused the content", advice.reword
    if names & _TOO_LONG:
        return PermanentFailure, "The request is too long for the model", advice.too_long
    return None


def _by_status(error: openai.APIError, *, status: int, advice: Advice) -> _Verdict:
    if status >= 500 and status != 501:
        return TransientFailure, "The provider had a fault of its own", _REPEATS
    if status in (408, 409, 429):
        return TransientFailure, "The provider gave the call up", _REPEATS
    what = _WHAT_IS_WRONG.get(status, "The provider does not accept the request")
    return PermanentFailure, what, advice.by_status.get(status) or _change(error, status=status, advice=advice)


def _of_connection(error: openai.APIConnectionError) -> AttemptError:
    cause = error.__cause__
    kind = type(cause).__name__
    if isinstance(cause, _BEFORE_SENDING):
        reason = quoted(str(cause), prompt="", limit=120) or kind
        return TransientFailure(
            f"The provider could not be reached ({reason}); nothing was sent.", advice=f"{_REPEATS} {CHECK_ADDRESS}"
        )
    if isinstance(cause, _CANNOT_BE_SENT):
        return PermanentFailure(f"The call cannot be sent to this address ({kind}).", advice=CHECK_ADDRESS)
    what = "went silent" if isinstance(error, openai.APITimeoutError) else "broke the connection"
    return UncertainOutcome(f"The provider {what} after the call was sent ({kind}).", advice=_MAY_BE_BILLED)


def _of_broken_stream(error: openai.APIError, *, prompt: str, advice: Advice) -> AttemptError:
    """An error within an answer that had begun well carries a code, but no status."""
    broken_off = (UncertainOutcome, "The provider broke off its answer", _MAY_BE_BILLED)
    kind, what, what_to_do = _by_name(_names(error), advice=advice) or broken_off
    return kind(_message(what, error=error, prompt=prompt, advice=advice), advice=what_to_do)


def _names(error: openai.APIError) -> set[str]:
    """Return the provider's own names for the error. The SDK passes on whatever JSON stood there."""
    return {name for name in (error.code, error.type) if isinstance(name, str)}


def _message(what: str, *, error: openai.APIError, prompt: str, advice: Advice) -> str:
    secret = error.request.headers.get("authorization", "").removeprefix("Bearer ") or None

    def safe(text: str, limit: int) -> str:
        return quoted(text, prompt=prompt, secret=secret, limit=limit)

    status = str(error.status_code) if isinstance(error, openai.APIStatusError) else ""
    # Some servers repeat the status as the code, and put what they call the error into the type.
    name = next((name for name in (error.code, error.type) if name != status and name and isinstance(name, str)), "")
    facts = [" ".join(filter(None, [status, safe(name, 64)]))]
    categories, stage = _moderation(error.body)
    if categories:
        facts.append(f"categories: {safe(', '.join(categories), 200)}")
        facts += [advice.seen[stage]] if stage in advice.seen else []
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


def _change(error: openai.APIError, *, status: int, advice: Advice) -> str:
    if status < 400:
        return CHECK_ADDRESS
    if advice.no_json_schema and _is_about_the_schema(error):
        return advice.no_json_schema
    which = f"`{quoted(error.param, prompt='', limit=64)}`" if isinstance(error.param, str) else "what it names"
    return f"It will be refused again as it is: start a new session and change {which}."


def _is_about_the_schema(error: openai.APIError) -> bool:
    """Whether a server objects to being given a JSON schema. There is no code for it, so the words have to tell."""
    said = f"{error.param} {_words(error.body)[:_LOOKED_AT]}".casefold().replace(" ", "_")
    return any(name in said for name in ("response_format", "json_schema", "text.format"))


def asked_to_wait(answer: httpx2.Response) -> timedelta | None:
    """Return how long an answer asks to wait before the next call, None where it does not say."""
    return _retry_after(answer.headers)


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
