"""Asking a provider for one text, through the real SDK, and the forms in which either API answers."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TypeVar

import httpx2
import pytest

from providers.openai_client import openai_client
from providers.openai_text import Background, TextApi, text_provider
from sessions.errors import AttemptError
from sessions.money import Usage
from sessions.pending import PendingCall
from sessions.ports import TextCall, TextProvider, Written
from tests.unit.providers.loopback import Answer, Loopback

KEY = "sk-test-0123456789abcdef"
PROMPT = "Write one set of a story for film, as JSON.\nTitle: The last lamp\nSet 3 of 6 (segments 21-30)"
SCHEMA = json.dumps(
    {
        "type": "object",
        "properties": {"title": {"type": "string"}},
        "required": ["title"],
        "additionalProperties": False,
    }
)
TEXT = '{"title": "The last lamp"}'
COUNTED = Usage(input_tokens=120, output_tokens=45)
APIS: tuple[TextApi, ...] = ("responses", "chat")
PATHS = {"responses": "/v1/responses", "chat": "/v1/chat/completions"}


def a_text_call(**changes: object) -> TextCall:
    call = TextCall(prompt=PROMPT, model="gpt-6-luna", schema_name="story_set", json_schema=SCHEMA)
    return call.model_copy(update=changes)


def response(*parts: object, **changes: object) -> dict[str, object]:
    """An answer of the Responses API, with one message of these parts."""
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": list(parts)}
    return {
        "id": "resp_1",
        "object": "response",
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "output": [{"id": "rs_1", "type": "reasoning", "summary": []}, message],
        "usage": {"input_tokens": 120, "output_tokens": 45, "total_tokens": 165},
        **changes,
    }


def output_text(text: object = TEXT) -> dict[str, object]:
    return {"type": "output_text", "text": text, "annotations": []}


def completion(content: object = TEXT, *, finish_reason: object = "stop", **changes: object) -> dict[str, object]:
    """An answer of the chat completions API."""
    message = {"role": "assistant", "content": content, "refusal": None}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": finish_reason, "message": message}],
        "usage": {"prompt_tokens": 120, "completion_tokens": 45, "total_tokens": 165},
        **changes,
    }


def a_body(api: TextApi) -> dict[str, object]:
    """A whole answer of either API."""
    return response(output_text()) if api == "responses" else completion()


def an_answer(body: object, *, media_type: str = "application/json", **headers: str) -> httpx2.Response:
    """An answer as the SDK hands it on: bytes as they are, anything else as JSON."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx2.Response(
        200,
        content=content,
        headers={"content-type": media_type, "x-request-id": "req_1", **named},
        request=httpx2.Request("POST", "http://127.0.0.1/v1", headers={"authorization": "Bearer hidden-1"}),
    )


def unheard(pending: PendingCall) -> None:
    """For calls that are not made in the background."""
    raise AssertionError("nothing was to be pending")


@asynccontextmanager
async def texts_at(
    base_url: str,
    *,
    api: TextApi,
    longest_silence: timedelta = timedelta(seconds=30),
    api_key: str | None = KEY,
    background: Background = "never",
) -> AsyncIterator[TextProvider]:
    async with openai_client(api_key=api_key, base_url=base_url, longest_silence=longest_silence) as client:
        yield text_provider(client, api=api, background=background)


async def written_by(answer: Answer, *, api: TextApi) -> Written:
    async with Loopback([answer]) as server, texts_at(server.base_url, api=api) as texts:
        return await texts.write(a_text_call(), on_pending=unheard)


Failure = TypeVar("Failure", bound=AttemptError)


async def text_failure_of(
    answer: Answer,
    kind: type[Failure],
    *,
    api: TextApi,
    longest_silence: timedelta = timedelta(seconds=30),
) -> Failure:
    """The failure that one call comes to. Whatever it is, exactly one request was sent."""
    async with Loopback([answer]) as server, texts_at(server.base_url, api=api, longest_silence=longest_silence) as it:
        with pytest.raises(kind) as caught:
            await it.write(a_text_call(), on_pending=unheard)
        assert len(server.received) == 1
    assert caught.value.message
    assert caught.value.advice
    assert caught.value.__cause__ is None
    return caught.value
