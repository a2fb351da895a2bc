"""Texts from OpenAI's text APIs, or from any server that speaks one of them."""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import httpx2
import openai
from openai import AsyncOpenAI, omit

from providers.openai_advice import ASKING_CHAT, ASKING_RESPONSES, Advice
from providers.openai_errors import classified
from providers.openai_pending import cancelled, finished, pending_call
from providers.openai_written import written_chat, written_response
from sessions.errors import AttemptError, UncertainOutcome
from sessions.keeping import kept
from sessions.pending import PendingCall
from sessions.ports import OnPending, TextCall, TextProvider, Written

TextApi = Literal["responses", "chat"]
Background = Literal["never", "brief", "stored"]
"""Whether responses are made in the background, and if so, kept there as briefly as can be, or stored as others are."""

_NOT_SUPPORTED: Final = (400, 404, 422, 501)
_SAID_CHARACTERS: Final = 4000

_logger = logging.getLogger("retakes.texts")


def text_provider(client: AsyncOpenAI, *, api: TextApi, background: Background = "never") -> TextProvider:
    """Return the provider that speaks an API. The client stays whoever's it is, and is not closed."""
    match api:
        case "responses":
            return ResponsesTexts(client, background=background)
        case "chat":
            return ChatTexts(client)


class ResponsesTexts:
    """Writes texts by a JSON schema through the Responses API, each with one call that may be billed.

    The only limits on time are those of the client, per read and write: whoever calls sets a deadline of its own.
    Being cancelled is passed on at once, until the answer is there: then it is read to its end.

    In the background, a call goes on at the server while its caller comes and goes. A server that refuses that, or
    cannot tell afterwards what came of it, is asked plainly from then on.
    """

    def __init__(self, client: AsyncOpenAI, *, background: Background = "never") -> None:
        self._client = client
        self._background = background

    async def write(self, call: TextCall, *, on_pending: OnPending) -> Written:
        """Write one document. Whether it keeps to the schema is for the caller to see.

        Raises:
            AttemptError: whatever went wrong, classified. A refused, cut-off or empty answer is `ContentRejected`,
                with the usage that was billed for it.
        """
        if self._background == "never":
            return await self._write_plainly(call)
        try:
            answer = await self._ask(call, background=self._background)
        except openai.APIStatusError as error:
            if not _is_about_the_background(error):
                raise _classified(error, call=call) from None
            # Refused, so it has cost nothing. If this was not the reason, the plain call says what is.
            written = await self._write_plainly(call)
            self._stop_using_it(f"the server refused it ({error.status_code})")
            return written
        except openai.OpenAIError as error:
            raise _classified(error, call=call) from None
        pending = pending_call(answer)
        if pending is None:
            return await _read(answer, call=call)
        on_pending(pending)
        finally_there = await finished(self._client, pending, is_fresh=True)
        if finally_there is None:
            self._stop_using_it("the server does not know what it began")
            raise UncertainOutcome(
                "The provider no longer knows the call that it had begun.",
                advice="It may have been billed. The next call is made without RETAKES_TEXT_BACKGROUND.",
                request_id=pending.request_id,
            )
        return await _read(finally_there, call=call, request_id=pending.request_id)

    async def take_up(self, pending: PendingCall, *, call: TextCall) -> Written | None:
        """Wait for a call that somebody else has begun, and return what came of it; None where nobody knows it.

        Raises:
            AttemptError: as `write` does.
        """
        answer = await finished(self._client, pending, is_fresh=False)
        return None if answer is None else await _read(answer, call=call, request_id=pending.request_id)

    async def give_up(self, pending: PendingCall) -> None:
        """End a call that nobody wants any more, within seconds. Raises nothing."""
        await cancelled(self._client, pending)

    async def _write_plainly(self, call: TextCall) -> Written:
        # Not `responses.parse`: of an answer that was cut off it raises the mere validation error, without the usage.
        answer = await _asked(lambda: self._ask(call, background="never"), prompt=call.prompt, advice=ASKING_RESPONSES)
        return await _read(answer, call=call)

    async def _ask(self, call: TextCall, *, background: Background) -> httpx2.Response:
        response = await self._client.responses.with_raw_response.create(
            model=call.model,
            input=call.prompt,
            text={
                "format": {
                    "type": "json_schema",
                    "name": call.schema_name,
                    "schema": _schema(call),
                    "strict": True,
                }
            },
            # Nothing is read back later than at once, so the provider need not keep what people write.
            store=background == "stored",
            background=omit if background == "never" else True,
        )
        return response.http_response

    def _stop_using_it(self, reason: str) -> None:
        if self._background != "never":
            _logger.warning("texts are written without RETAKES_TEXT_BACKGROUND", extra={"reason": reason})
        self._background = "never"


class ChatTexts:
    """Writes texts by a JSON schema through the chat completions API, each with exactly one request.

    For servers that have nothing newer. Times are limited as in `ResponsesTexts`.
    """

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def write(self, call: TextCall, *, on_pending: OnPending) -> Written:
        """Write one document. Whether it keeps to the schema is for the caller to see. None is ever pending.

        Raises:
            AttemptError: whatever went wrong, classified. A refused, cut-off or empty answer is `ContentRejected`,
                with the usage that was billed for it.
        """
        answer = await _asked(lambda: self._ask(call), prompt=call.prompt, advice=ASKING_CHAT)
        return await kept(asyncio.to_thread(written_chat, answer, call=call))

    async def take_up(self, pending: PendingCall, *, call: TextCall) -> Written | None:
        """Return None: this API knows no call by a name."""
        return None

    async def give_up(self, pending: PendingCall) -> None:
        """Do nothing: see `take_up`."""

    async def _ask(self, call: TextCall) -> httpx2.Response:
        # No limit on the length: servers disagree on what it is called, and each knows its own model's.
        completion = await self._client.chat.completions.with_raw_response.create(
            model=call.model,
            messages=[{"role": "user", "content": call.prompt}],
            response_format={
                "type": "json_schema",
                "json_schema": {"name": call.schema_name, "schema": _schema(call), "strict": True},
            },
        )
        return completion.http_response


async def _read(answer: httpx2.Response, *, call: TextCall, request_id: str | None = None) -> Written:
    """Return what a response holds. It is there and paid for, so being stopped no longer stops this.

    ``request_id``: of the request that it was asked for with, where that is not the one it came with.
    """
    try:
        # In a thread: an answer can be megabytes, and every attempt would wait.
        written = await kept(asyncio.to_thread(written_response, answer, call=call))
    except AttemptError as error:
        error.request_id = request_id or error.request_id
        raise
    return written.model_copy(update={"request_id": request_id or written.request_id})


def _is_about_the_background(error: openai.APIStatusError) -> bool:
    """Whether a server objects to making a response in the background. There is no code for it, so words must tell."""
    said = f"{error.param} {error.body}"[:_SAID_CHARACTERS].casefold()
    return error.status_code in _NOT_SUPPORTED and bool(re.search(r"\b(background|store)\b", said))


def _schema(call: TextCall) -> dict[str, object]:
    schema: dict[str, object] = json.loads(call.json_schema)
    return schema


async def _asked(ask: Callable[[], Awaitable[httpx2.Response]], *, prompt: str, advice: Advice) -> httpx2.Response:
    try:
        return await ask()
    except openai.OpenAIError as error:
        # Not chained: tracebacks are logged, and the SDK's own message may quote the prompt.
        raise classified(error, prompt=prompt, advice=advice) from None


def _classified(error: openai.OpenAIError, *, call: TextCall) -> AttemptError:
    return classified(error, prompt=call.prompt, advice=ASKING_RESPONSES)
