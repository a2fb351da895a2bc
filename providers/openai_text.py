"""Texts from OpenAI's text APIs, or from any server that speaks one of them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Literal

import httpx2
import openai
from openai import AsyncOpenAI

from providers.openai_advice import ASKING_CHAT, ASKING_RESPONSES, Advice
from providers.openai_errors import classified
from providers.openai_written import written_chat, written_response
from sessions.ports import TextCall, TextProvider, Written

TextApi = Literal["responses", "chat"]


def text_provider(client: AsyncOpenAI, *, api: TextApi) -> TextProvider:
    """Return the provider that speaks an API. The client stays whoever's it is, and is not closed."""
    match api:
        case "responses":
            return ResponsesTexts(client)
        case "chat":
            return ChatTexts(client)


class ResponsesTexts:
    """Writes texts by a JSON schema through the Responses API, each with exactly one request.

    The only limits on time are those of the client, per read and write: whoever calls sets a deadline of its own.
    Being cancelled is passed on at once.
    """

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def write(self, call: TextCall) -> Written:
        """Write one document. Whether it keeps to the schema is for the caller to see.

        Raises:
            AttemptError: whatever went wrong, classified. A refused, cut-off or empty answer is `ContentRejected`,
                with the usage that was billed for it.
        """
        # Not `responses.parse`: of an answer that was cut off it raises the mere validation error, without the usage.
        answer = await _asked(lambda: self._ask(call), prompt=call.prompt, advice=ASKING_RESPONSES)
        # In a thread: an answer can be megabytes, and every attempt would wait.
        return await asyncio.to_thread(written_response, answer, call=call)

    async def _ask(self, call: TextCall) -> httpx2.Response:
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
            # Nothing is read back later, so the provider need not keep what people write.
            store=False,
        )
        return response.http_response


class ChatTexts:
    """Writes texts by a JSON schema through the chat completions API, each with exactly one request.

    For servers that have nothing newer. Times are limited as in `ResponsesTexts`.
    """

    def __init__(self, client: AsyncOpenAI) -> None:
        self._client = client

    async def write(self, call: TextCall) -> Written:
        """Write one document. Whether it keeps to the schema is for the caller to see.

        Raises:
            AttemptError: whatever went wrong, classified. A refused, cut-off or empty answer is `ContentRejected`,
                with the usage that was billed for it.
        """
        answer = await _asked(lambda: self._ask(call), prompt=call.prompt, advice=ASKING_CHAT)
        return await asyncio.to_thread(written_chat, answer, call=call)

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


def _schema(call: TextCall) -> dict[str, object]:
    schema: dict[str, object] = json.loads(call.json_schema)
    return schema


async def _asked(ask: Callable[[], Awaitable[httpx2.Response]], *, prompt: str, advice: Advice) -> httpx2.Response:
    try:
        return await ask()
    except openai.OpenAIError as error:
        # Not chained: tracebacks are logged, and the SDK's own message may quote the prompt.
        raise classified(error, prompt=prompt, advice=advice) from None
