"""The text side of the offline provider as the real SDK sees it, over loopback."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletion
from openai.types.responses import Response
from pydantic import BaseModel

from providers.offline import faults
from providers.offline.calls import Call
from providers.offline.faults import Fault
from tests.support.offline import OfflineProvider, offline, offline_server

__all__ = ["offline", "offline_server"]

PROMPT = (
    "Write one set of a story for film, as JSON.\nTitle: The Lamp\nSet 2 of 3 (segments 11-20)\nThis set begins: Rain."
)
LINE: dict[str, Any] = {
    "type": "object",
    "properties": {"character_id": {"type": "string", "enum": ["ada", "bo"]}, "line": {"type": "string"}},
    "required": ["character_id", "line"],
    "additionalProperties": False,
}
SEGMENT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "narration": {"type": ["string", "null"]},
        "dialogue": {"type": "array", "items": LINE},
    },
    "required": ["number", "narration", "dialogue"],
    "additionalProperties": False,
}
SET: dict[str, Any] = {
    "type": "object",
    "properties": {"segments": {"type": "array", "items": SEGMENT, "minItems": 10, "maxItems": 10}},
    "required": ["segments"],
    "additionalProperties": False,
}


@pytest.fixture
async def client(offline: OfflineProvider) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(api_key="sk-secret", base_url=offline.base_url, max_retries=0, timeout=10) as client:
        yield client


async def respond(client: AsyncOpenAI, *, name: str = "story_set", limit: int | None = None) -> Response:
    return await client.responses.create(
        model="gpt-6-luna",
        instructions="You write for film.",
        input=PROMPT,
        text={"format": {"type": "json_schema", "name": name, "schema": SET, "strict": True}},
        max_output_tokens=limit,
        store=False,
        temperature=0.7,
        metadata={"item": "set-02"},
        prompt_cache_key="story",
        safety_identifier="someone",
        reasoning={"effort": "none"},
    )


async def chat(client: AsyncOpenAI, *, name: str = "story_set", limit: int | None = None) -> ChatCompletion:
    return await client.chat.completions.create(
        model="gpt-6-luna",
        messages=[{"role": "system", "content": "You write for film."}, {"role": "user", "content": PROMPT}],
        response_format={"type": "json_schema", "json_schema": {"name": name, "schema": SET, "strict": True}},
        max_completion_tokens=limit,
        temperature=0.7,
        user="someone",
    )


Ask = Callable[[AsyncOpenAI], Awaitable[Response | ChatCompletion]]
BOTH_APIS = pytest.mark.parametrize("ask", [respond, chat])


def text_of(answer: Response | ChatCompletion) -> str:
    return answer.output_text if isinstance(answer, Response) else answer.choices[0].message.content or ""


def last_call(provider: OfflineProvider) -> Call:
    return provider.calls()[-1]


async def test_response_is_in_the_form_of_the_sdk(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """One message with one text, the usage with its details, and an echo of what was asked."""
    answer = await respond(client)
    usage = answer.usage

    assert (answer.status, answer.error, answer.incomplete_details) == ("completed", None, None)
    assert [(item.type, item.status) for item in answer.output if item.type == "message"] == [("message", "completed")]
    assert (answer.model, answer.metadata, answer.temperature) == ("gpt-6-luna", {"item": "set-02"}, 0.7)
    assert answer.text is not None
    assert answer.text.format is not None
    assert answer.text.format.type == "json_schema"
    assert usage is not None
    assert usage.input_tokens == -(-len(f"You write for film.\n{PROMPT}") // 4)
    assert usage.output_tokens == -(-len(answer.output_text) // 4)
    assert usage.total_tokens == usage.input_tokens + usage.output_tokens
    assert (usage.input_tokens_details.cached_tokens, usage.output_tokens_details.reasoning_tokens) == (0, 0)
    assert answer._request_id == last_call(offline).request_id


async def test_chat_completion_is_in_the_form_of_the_sdk(client: AsyncOpenAI) -> None:
    """One choice that stops by itself, and the usage with its details."""
    answer = await chat(client)
    (choice,) = answer.choices
    usage = answer.usage

    assert (choice.finish_reason, choice.message.role, choice.message.refusal) == ("stop", "assistant", None)
    assert usage is not None
    assert usage.completion_tokens == -(-len(text_of(answer)) // 4)
    assert usage.total_tokens == usage.prompt_tokens + usage.completion_tokens
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None


async def test_both_apis_write_the_same(client: AsyncOpenAI) -> None:
    """The same text gives the same story, again and through either path."""
    first, again = await respond(client), await respond(client)
    (text,) = {text_of(answer) for answer in (first, again, await chat(client), await chat(client))}

    assert [segment["number"] for segment in json.loads(text)["segments"]] == list(range(11, 21))
    assert first.id == again.id


@BOTH_APIS
async def test_log_keeps_the_whole_text(offline: OfflineProvider, client: AsyncOpenAI, ask: Ask) -> None:
    """Instructions and messages make the prompt that rules match on."""
    await ask(client)
    call = last_call(offline)

    assert f"You write for film.\n{PROMPT}" == call.prompt
    assert (call.method, call.model, call.size, call.images, call.status, call.answered) == (
        "POST",
        "gpt-6-luna",
        None,
        0,
        200,
        True,
    )


async def test_messages_and_parts_are_read(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Input may be a list of messages, their content a list of parts; without a schema the answer is a sentence."""
    answer = await client.responses.create(
        model="gpt-6-luna",
        input=[
            {"role": "developer", "content": "One."},
            {
                "role": "user",
                "content": [{"type": "input_text", "text": "Two."}, {"type": "input_text", "text": "Three."}],
            },
        ],
    )

    assert last_call(offline).prompt == "One.\nTwo.\nThree."
    assert answer.output_text.endswith(".")


class Weather(BaseModel):
    place: str
    degrees: int
    days: list[str]
    warning: str | None


async def test_any_schema_is_followed(client: AsyncOpenAI) -> None:
    """The SDK's own way of asking for a model of ours works, on both paths."""
    response = await client.responses.parse(model="m", input="How is it?", text_format=Weather)
    completion = await client.chat.completions.parse(
        model="m", messages=[{"role": "user", "content": "How is it?"}], response_format=Weather
    )

    assert isinstance(response.output_parsed, Weather)
    assert isinstance(completion.choices[0].message.parsed, Weather)


async def test_json_object_is_an_object(client: AsyncOpenAI) -> None:
    """JSON of any form, where no more is asked for."""
    response = await client.responses.create(model="m", input="as JSON", text={"format": {"type": "json_object"}})
    completion = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "as JSON"}], response_format={"type": "json_object"}
    )

    assert ["answer"] == list(json.loads(response.output_text)) == list(json.loads(text_of(completion)))


async def test_loose_schema_is_refused(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """Strict mode says what is wrong with a schema, and where."""
    with pytest.raises(openai.BadRequestError, match=r"properties\.a.*'items'") as caught:
        await client.responses.create(
            model="m",
            input="a",
            text={
                "format": {
                    "type": "json_schema",
                    "name": "x",
                    "schema": {**SET, "properties": {"a": {"type": "array"}}, "required": ["a"]},
                    "strict": True,
                }
            },
        )

    assert ("text.format.schema", "invalid_json_schema") == (caught.value.param, caught.value.code)
    assert (last_call(offline).status, last_call(offline).fault) == (400, None)


@pytest.mark.parametrize("path", ["/responses", "/chat/completions"])
def test_unknown_parameter_is_refused(offline: OfflineProvider, path: str) -> None:
    """As on the side of images."""
    known = {
        "model": "m",
        **({"input": "a"} if path == "/responses" else {"messages": [{"role": "user", "content": "a"}]}),
    }
    answer = httpx2.post(offline.base_url + path, json={**known, "colour": "red"})

    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "unknown_parameter")
    assert answer.json()["error"]["param"] == "colour"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[1]", b"\xff\xfe", b"[" * 100_000, b'{"input": {}}', b'{"messages": [[]]}']
)
@pytest.mark.parametrize("path", ["/responses", "/chat/completions"])
def test_unreadable_body_is_a_bad_request(offline: OfflineProvider, path: str, body: bytes) -> None:
    """Whatever is sent, the answer is an error in OpenAI's form, and the call is logged."""
    answer = httpx2.post(offline.base_url + path, content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 400
    assert {"message", "type", "param", "code"} == set(answer.json()["error"])
    assert last_call(offline).status == 400


async def test_refusal_is_told_in_the_form_of_each_api(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """A refusal part in a completed response, ``message.refusal`` in a chat, and usage in both."""
    offline.fail(faults.Refusal())
    response, completion = await respond(client), await chat(client)
    (message,) = response.output
    assert message.type == "message"
    (part,) = message.content

    assert (response.status, part.type, response.output_text) == ("completed", "refusal", "")
    assert completion.choices[0].message.content is None
    assert completion.choices[0].message.refusal
    assert response.usage is not None
    assert completion.usage is not None
    assert response.usage.output_tokens == completion.usage.completion_tokens > 0
    assert last_call(offline).fault == "refusal"


async def test_incomplete_text_is_cut_off_and_billed(offline: OfflineProvider, client: AsyncOpenAI) -> None:
    """The answer says that the tokens ended, has half the text, and counts what it has."""
    whole = text_of(await respond(client))
    offline.fail(faults.Incomplete())
    response, completion = await respond(client), await chat(client)

    assert response.status == "incomplete"
    assert response.incomplete_details is not None
    assert response.incomplete_details.reason == "max_output_tokens"
    assert completion.choices[0].finish_reason == "length"
    assert response.output_text == text_of(completion) != whole
    assert whole.startswith(response.output_text)
    assert response.usage is not None
    assert response.usage.output_tokens == len(response.output_text) // 4


async def test_token_limit_is_kept(client: AsyncOpenAI) -> None:
    """A limit that is too low cuts the text off, without any fault."""
    response, completion = await respond(client, limit=20), await chat(client, limit=20)

    assert (response.status, completion.choices[0].finish_reason) == ("incomplete", "length")
    assert len(response.output_text) == len(text_of(completion)) == 80
    assert (await respond(client, limit=100_000)).status == "completed"


@BOTH_APIS
async def test_invalid_output_is_no_json_in_a_sound_body(
    offline: OfflineProvider, client: AsyncOpenAI, ask: Ask
) -> None:
    """The SDK reads the answer; the text in it is no document."""
    offline.fail(faults.InvalidOutput())
    text = text_of(await ask(client))

    with pytest.raises(json.JSONDecodeError):
        json.loads(text)
    assert last_call(offline).status == 200


@BOTH_APIS
async def test_invalid_set_has_the_mistake_that_was_planned(
    offline: OfflineProvider, client: AsyncOpenAI, ask: Ask
) -> None:
    """It is JSON, and breaks a rule of the story; the next call is right again."""
    offline.fail(faults.InvalidSet(what="too_few"), match="Set 2 of 3", times=1)
    spoilt, sound = text_of(await ask(client)), text_of(await ask(client))

    assert (len(json.loads(spoilt)["segments"]), len(json.loads(sound)["segments"])) == (9, 10)
    assert ["invalid_set", None] == [call.fault for call in offline.calls()]


@BOTH_APIS
@pytest.mark.parametrize("fault", [faults.EmptyImage(), faults.UndecodableImage(), faults.WrongSize()])
async def test_fault_of_pictures_is_none_of_texts(
    offline: OfflineProvider, client: AsyncOpenAI, ask: Ask, fault: Fault
) -> None:
    """The call is served as it should be; the log tells what was planned."""
    offline.fail(fault)
    answer = await ask(client)

    assert len(json.loads(text_of(answer))["segments"]) == 10
    assert (last_call(offline).fault, last_call(offline).status) == (fault.kind, 200)


@pytest.mark.parametrize("fault", [faults.Incomplete(), faults.InvalidOutput(), faults.InvalidSet()])
async def test_fault_of_texts_is_none_of_pictures(offline: OfflineProvider, client: AsyncOpenAI, fault: Fault) -> None:
    """The picture is drawn as ever."""
    offline.fail(fault)
    answer = await client.images.generate(model="gpt-image-2", prompt="Product: Mug", size="256x256", quality="low")

    assert answer.data is not None
    assert len(answer.data) == 1


@BOTH_APIS
@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (faults.RateLimit(), openai.RateLimitError, "rate_limit_exceeded"),
        (faults.Quota(), openai.RateLimitError, "insufficient_quota"),
        (faults.ServerError(), openai.InternalServerError, None),
        (faults.Moderation(), openai.BadRequestError, "moderation_blocked"),
        (faults.Auth(), openai.AuthenticationError, "invalid_api_key"),
    ],
    ids=lambda value: value.model_dump_json() if isinstance(value, faults.PlanModel) else "",
)
async def test_error_fault_is_the_same_for_texts(
    offline: OfflineProvider,
    client: AsyncOpenAI,
    ask: Ask,
    fault: Fault,
    error: type[openai.APIStatusError],
    code: str | None,
) -> None:
    """The exchange is shared with the images: each error has its class and code."""
    offline.fail(fault, match="Set 2 of 3", times=1)
    with pytest.raises(error) as caught:
        await ask(client)

    assert code == caught.value.code
    assert len(json.loads(text_of(await ask(client)))["segments"]) == 10


@BOTH_APIS
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (faults.Disconnect(), openai.APIConnectionError),
        (faults.BrokenBody(), openai.APIConnectionError),
        (faults.Truncated(), json.JSONDecodeError),
        (faults.InvalidJson(), json.JSONDecodeError),
    ],
    ids=lambda value: value.model_dump_json() if isinstance(value, faults.PlanModel) else "",
)
async def test_broken_line_is_the_same_for_texts(
    offline: OfflineProvider, client: AsyncOpenAI, ask: Ask, fault: Fault, error: type[Exception]
) -> None:
    """Lost and spoilt bodies come through the SDK as they do for images."""
    offline.fail(fault)

    with pytest.raises(error):
        await ask(client)
