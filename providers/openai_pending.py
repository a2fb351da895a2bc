"""Responses that are made in the background: looked at until they are finished, by whoever knows their id."""

import asyncio
import logging
import re
from datetime import timedelta
from typing import Final

import httpx2
import openai
from openai import AsyncOpenAI
from pydantic_core import from_json

from providers.openai_errors import asked_to_wait
from sessions.errors import UncertainOutcome
from sessions.pending import PendingCall

_FIRST_PAUSE: Final = timedelta(milliseconds=500)
_LONGEST_PAUSE: Final = timedelta(seconds=3)
_GROWTH: Final = 1.3
# A look is a small question. Left to the client's own limit, one that hangs would use the attempt's whole time.
_LONGEST_LOOK: Final = timedelta(seconds=30)
_LONGEST_GOODBYE: Final = timedelta(seconds=5)
# Behind a balancer a server may not know yet what another one has just begun.
_UNKNOWN_ENOUGH: Final = 3

_UNFINISHED: Final = ("queued", "in_progress")
_UNKNOWN: Final = (404, 405, 410, 501)
_TRY_AGAIN: Final = (408, 409, 425, 429)
# It goes into an address, and into the small record that the next worker reads.
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]{0,199}")

_logger = logging.getLogger("retakes.pending")


def pending_call(answer: httpx2.Response) -> PendingCall | None:
    """Return the call that an answer says is under way, None where it is finished or gives no usable id."""
    body = _body(answer)
    name = body.get("id") if body else None
    if body is None or body.get("status") not in _UNFINISHED or not isinstance(name, str) or not _ID.fullmatch(name):
        return None
    return PendingCall(id=name, request_id=answer.headers.get("x-request-id"))


async def finished(client: AsyncOpenAI, pending: PendingCall, *, is_fresh: bool) -> httpx2.Response | None:
    """Return the answer of a call once it is finished, None where the server does not know it.

    Whatever goes wrong on the way is waited out, since looking costs nothing: the caller sets the deadline.

    Args:
        client: for the server that makes it.
        pending: the call.
        is_fresh: whether it has only just begun, so that the first look can wait.

    Raises:
        UncertainOutcome: the server knows it and does not give it out.
    """
    pause, unknown = _FIRST_PAUSE, 0
    if is_fresh:
        await asyncio.sleep(pause.total_seconds())
    while unknown < _UNKNOWN_ENOUGH:
        wait = pause
        try:
            looked = await client.responses.with_raw_response.retrieve(
                pending.id, timeout=_LONGEST_LOOK.total_seconds()
            )
        except openai.APIStatusError as error:
            unknown = unknown + 1 if error.status_code in _UNKNOWN else 0
            if not unknown and error.status_code < 500 and error.status_code not in _TRY_AGAIN:
                raise _not_given_out(error, pending=pending) from None
            wait = max(pause, asked_to_wait(error.response) or pause)
        except openai.OpenAIError as error:
            _logger.info("a call that goes on could not be looked at", extra={"reason": type(error).__name__})
        else:
            unknown = 0
            body = await asyncio.to_thread(_body, looked.http_response)
            # A body that is cut off or garbled is looked at again, like an answer that did not come at all.
            if body is not None and body.get("status") not in _UNFINISHED:
                return looked.http_response
        await asyncio.sleep(wait.total_seconds())
        pause = min(pause * _GROWTH, _LONGEST_PAUSE)
    return None


async def cancelled(client: AsyncOpenAI, pending: PendingCall) -> None:
    """End a call, so that no more of it is billed. Within seconds; raises nothing."""
    try:
        async with asyncio.timeout(_LONGEST_GOODBYE.total_seconds()):
            await client.responses.with_raw_response.cancel(pending.id)
    except (openai.OpenAIError, TimeoutError) as error:
        _logger.warning("a call could not be ended at the provider", extra={"reason": type(error).__name__})


def _body(answer: httpx2.Response) -> dict[str, object] | None:
    try:
        body = from_json(answer.content)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _not_given_out(error: openai.APIStatusError, *, pending: PendingCall) -> UncertainOutcome:
    return UncertainOutcome(
        f"The provider began the call and does not give out what came of it ({error.status_code}).",
        advice="It may have been billed. Check that the key is still valid, then press Retry failed.",
        request_id=pending.request_id,
    )
