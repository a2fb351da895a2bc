"""Text requests as they come and as they are judged: ``/v1/responses`` and ``/v1/chat/completions``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from providers.offline.bodies import judged, printable
from providers.offline.calls import Asked
from providers.offline.errors import invalid_request
from providers.offline.texts.strict import judge

_DEEPEST_SCHEMA = 100

Metadata = Mapping[str, str]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class JsonSchema(_Wire):
    """A schema for the answer, and its name."""

    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    json_schema: Mapping[str, object] = Field(alias="schema")
    strict: bool | None = None
    description: str | None = None


class ResponsesFormat(_Wire):
    """``text.format``: the schema lies flat in it."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = Field(default=None, pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    json_schema: Mapping[str, object] | None = Field(default=None, alias="schema")
    strict: bool | None = None
    description: str | None = None

    @model_validator(mode="after")
    def _schema_is_whole(self) -> Self:
        if self.type == "json_schema" and (self.name is None or self.json_schema is None):
            raise ValueError("json_schema needs a 'name' and a 'schema'")
        return self


class TextConfig(_Wire):
    """``text`` of a request to ``/v1/responses``."""

    format: ResponsesFormat | None = None
    verbosity: Literal["low", "medium", "high"] | None = None


class ChatFormat(_Wire):
    """``response_format``: the schema lies in an object of its own."""

    type: Literal["text", "json_object", "json_schema"] = "text"
    json_schema: JsonSchema | None = None

    @model_validator(mode="after")
    def _schema_is_whole(self) -> Self:
        if self.type == "json_schema" and self.json_schema is None:
            raise ValueError("json_schema needs an object 'json_schema' with a 'name' and a 'schema'")
        return self


class Part(BaseModel):
    """A piece of a message; only texts are understood."""

    model_config = ConfigDict(frozen=True)

    type: Literal["text", "input_text", "output_text", "refusal"] = "text"
    text: str = ""


def _parts(content: object) -> object:
    return [{"text": content}] if isinstance(content, str) else content


def _messages(value: object) -> object:
    return [{"role": "user", "content": value}] if isinstance(value, str) else value


class Message(BaseModel):
    """One message. What it says besides (an id, a status, a name) changes nothing."""

    model_config = ConfigDict(frozen=True)

    type: Literal["message"] = "message"
    role: Literal["user", "assistant", "system", "developer"]
    content: Annotated[tuple[Part, ...], BeforeValidator(_parts)]


Messages = Annotated[tuple[Message, ...], BeforeValidator(_messages), Field(min_length=1)]
NoTools = Annotated[tuple[object, ...], Field(max_length=0)]


class _Shared(_Wire):
    """What both paths know. Parameters typed ``object`` are accepted and change nothing."""

    model: str = Field(min_length=1)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, ge=0, le=1)
    metadata: Metadata | None = None
    stream: Literal[False] | None = None
    tools: NoTools | None = None
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: object = None
    prompt_cache_retention: object = None
    parallel_tool_calls: object = None
    service_tier: object = None
    store: bool | None = None
    stream_options: object = None
    tool_choice: object = None
    top_logprobs: object = None


class ResponsesParameters(_Shared):
    """What a request to ``/v1/responses`` may say."""

    input: Messages
    instructions: str | None = None
    text: TextConfig | None = None
    max_output_tokens: int | None = Field(default=None, ge=16)
    background: bool | None = None
    include: object = None
    reasoning: object = None
    truncation: object = None

    @property
    def schema_asked(self) -> JsonSchema | None:
        """The schema of the answer, None where any text will do."""
        asked = self.text.format if self.text else None
        if asked is None or asked.name is None or asked.json_schema is None:
            return None
        return JsonSchema(name=asked.name, schema=asked.json_schema, strict=asked.strict)

    @property
    def wants_object(self) -> bool:
        """Whether the answer has to be a JSON object of any shape."""
        return self.text is not None and self.text.format is not None and self.text.format.type == "json_object"

    @property
    def token_limit(self) -> int | None:
        """How many tokens the answer may have."""
        return self.max_output_tokens


class ChatParameters(_Shared):
    """What a request to ``/v1/chat/completions`` may say."""

    messages: Messages
    response_format: ChatFormat | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)
    n: Literal[1] | None = None
    frequency_penalty: object = None
    logit_bias: object = None
    logprobs: Literal[False] | None = None
    modalities: object = None
    presence_penalty: object = None
    reasoning_effort: object = None
    seed: object = None
    stop: object = None
    verbosity: object = None

    @property
    def schema_asked(self) -> JsonSchema | None:
        """The schema of the answer, None where any text will do."""
        return self.response_format.json_schema if self.response_format else None

    @property
    def wants_object(self) -> bool:
        """Whether the answer has to be a JSON object of any shape."""
        return self.response_format is not None and self.response_format.type == "json_object"

    @property
    def token_limit(self) -> int | None:
        """How many tokens the answer may have."""
        return self.max_completion_tokens or self.max_tokens


@dataclass(frozen=True)
class TextRequest:
    """A text request as it came: nothing in it has been judged."""

    fields: Mapping[str, object]

    @property
    def asked(self) -> Asked:
        """What the log keeps of it; the prompt is the whole text, its messages joined by line breaks."""
        model = self.fields.get("model")
        texts = [text for name in ("instructions", "input", "messages") for text in _texts(self.fields.get(name))]
        return Asked(
            model=printable(model) if isinstance(model, str) else None,
            prompt=printable("\n".join(texts)) if texts else None,
        )

    def responses_parameters(self) -> ResponsesParameters:
        """Return the parameters of a request to ``/v1/responses``.

        Raises:
            ApiError: one is missing, unknown or wrong, or strict mode does not take the schema.
        """
        parameters = judged(ResponsesParameters, self.fields)
        _judge_schema(parameters.schema_asked, param="text.format.schema")
        return parameters

    def chat_parameters(self) -> ChatParameters:
        """Return the parameters of a request to ``/v1/chat/completions``.

        Raises:
            ApiError: one is missing, unknown or wrong, or strict mode does not take the schema.
        """
        parameters = judged(ChatParameters, self.fields)
        _judge_schema(parameters.schema_asked, param="response_format.json_schema.schema")
        return parameters


def _judge_schema(asked: JsonSchema | None, *, param: str) -> None:
    if asked is None:
        return
    if asked.strict:
        judge(asked.json_schema, name=asked.name, param=param)
    elif _is_endless(asked.json_schema):
        raise invalid_request(f"The schema '{asked.name}' is nested too deeply.", param=param)


def _is_endless(schema: Mapping[str, object]) -> bool:
    """Tell whether a schema is nested so deeply that it could not be echoed in the answer."""
    level: list[object] = [schema]
    for _ in range(_DEEPEST_SCHEMA):
        inside = [child for node in level for child in (node.values() if isinstance(node, dict) else _entries(node))]
        level = [child for child in inside if isinstance(child, dict | list)]
    return bool(level)


def _entries(node: object) -> list[object]:
    return node if isinstance(node, list) else []


def _texts(value: object) -> list[str]:
    """Return the texts in an input, in a list of messages or in the parts of one, in order."""
    match value:
        case str():
            return [value]
        case list():
            return [text for entry in value if isinstance(entry, Mapping) for text in _texts_of(entry)]
        case _:
            return []


def _texts_of(entry: Mapping[str, object]) -> list[str]:
    # Parts hold no parts: a body nested a thousand deep is no reason to recurse.
    content = entry.get("content")
    parts = content if isinstance(content, list) else [{"text": content}]
    texts = [part.get("text") for part in parts if isinstance(part, Mapping)]
    return [text for text in texts if isinstance(text, str)]
