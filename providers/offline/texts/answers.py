"""The bodies of text answers, in the form of each path."""

import hashlib
import math
from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict

from providers.offline.texts.requests import ChatParameters, Metadata, ResponsesParameters, TextConfig

# A real time would make the same request give other bytes.
_CREATED = 1_767_225_600
_CHARACTERS_PER_TOKEN = 4


def tokens(text: str) -> int:
    """Return about how many tokens a text has."""
    return math.ceil(len(text) / _CHARACTERS_PER_TOKEN)


def cut_off(text: str, *, tokens: int) -> str:
    """Return the beginning of a text that has so many tokens."""
    return text[: tokens * _CHARACTERS_PER_TOKEN]


class _Wire(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outcome(_Wire):
    """What was written for a prompt.

    Attributes:
        text: the answer, or the words of the refusal.
        is_refusal: whether the model refused.
        is_cut_off: whether the text ends where the tokens did.
    """

    prompt: str
    text: str
    is_refusal: bool = False
    is_cut_off: bool = False


class CacheDetails(_Wire):
    """How much of the input came from the cache: nothing does."""

    cached_tokens: int = 0
    cache_write_tokens: int = 0


class ReasoningDetails(_Wire):
    """How much of the output was thought only: nothing is."""

    reasoning_tokens: int = 0


class ResponsesUsage(_Wire):
    """What a request is billed for, in tokens."""

    input_tokens: int
    input_tokens_details: CacheDetails = CacheDetails()
    output_tokens: int
    output_tokens_details: ReasoningDetails = ReasoningDetails()
    total_tokens: int


class OutputText(_Wire):
    """A text."""

    type: Literal["output_text"] = "output_text"
    text: str
    annotations: tuple[str, ...] = ()
    logprobs: tuple[str, ...] = ()


class OutputRefusal(_Wire):
    """A refusal, in the place of a text."""

    type: Literal["refusal"] = "refusal"
    refusal: str


class OutputMessage(_Wire):
    """What the model says."""

    type: Literal["message"] = "message"
    id: str
    role: Literal["assistant"] = "assistant"
    status: Literal["completed", "incomplete"]
    content: tuple[OutputText | OutputRefusal, ...]


class IncompleteDetails(_Wire):
    """Why an answer ends early."""

    reason: Literal["max_output_tokens"] = "max_output_tokens"


class ResponseError(_Wire):
    """Why a response failed."""

    code: str
    message: str = "The server failed while it worked on the response."


class ResponsesAnswer(_Wire):
    """The answer of ``/v1/responses``."""

    id: str
    object: Literal["response"] = "response"
    created_at: int = _CREATED
    completed_at: int | None
    status: Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
    background: bool
    error: ResponseError | None = None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    metadata: Metadata
    model: str
    output: tuple[OutputMessage, ...]
    parallel_tool_calls: bool = True
    previous_response_id: None = None
    store: bool
    temperature: float
    text: TextConfig
    tool_choice: Literal["auto"] = "auto"
    tools: tuple[str, ...] = ()
    top_p: float
    truncation: Literal["disabled"] = "disabled"
    usage: ResponsesUsage | None
    user: str | None

    def without_result(
        self, status: Literal["in_progress", "failed", "cancelled"], *, error: ResponseError | None = None
    ) -> Self:
        """Return the answer as it is while, or because, nothing has come of it."""
        nothing = {"output": (), "usage": None, "completed_at": None, "incomplete_details": None}
        return self.model_copy(update={**nothing, "status": status, "error": error})

    def to_json(self) -> bytes:
        """Return the body."""
        return self.model_dump_json(by_alias=True).encode()


def responses_answer(outcome: Outcome, parameters: ResponsesParameters) -> ResponsesAnswer:
    """Return an outcome as ``/v1/responses`` tells it."""
    status: Literal["completed", "incomplete"] = "incomplete" if outcome.is_cut_off else "completed"
    content = OutputRefusal(refusal=outcome.text) if outcome.is_refusal else OutputText(text=outcome.text)
    spent, written = tokens(outcome.prompt), tokens(outcome.text)
    name = _fingerprint(outcome)
    return ResponsesAnswer(
        id=f"resp_{name}",
        completed_at=None if outcome.is_cut_off else _CREATED,
        status=status,
        background=parameters.background is True,
        incomplete_details=IncompleteDetails() if outcome.is_cut_off else None,
        instructions=parameters.instructions,
        max_output_tokens=parameters.max_output_tokens,
        metadata=parameters.metadata or {},
        model=parameters.model,
        output=(OutputMessage(id=f"msg_{name}", status=status, content=(content,)),),
        store=parameters.store is not False,
        temperature=1.0 if parameters.temperature is None else parameters.temperature,
        text=parameters.text or TextConfig(),
        top_p=1.0 if parameters.top_p is None else parameters.top_p,
        usage=ResponsesUsage(input_tokens=spent, output_tokens=written, total_tokens=spent + written),
        user=parameters.user,
    )


class ChatUsage(_Wire):
    """What a request is billed for, in tokens."""

    prompt_tokens: int
    prompt_tokens_details: Mapping[str, int]
    completion_tokens: int
    completion_tokens_details: Mapping[str, int]
    total_tokens: int


class ChatMessage(_Wire):
    """What the model says."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None
    annotations: tuple[str, ...] = ()


class Choice(_Wire):
    """One answer of those asked for; there is one."""

    index: int = 0
    message: ChatMessage
    logprobs: None = None
    finish_reason: Literal["stop", "length"]


class ChatAnswer(_Wire):
    """The answer of ``/v1/chat/completions``."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int = _CREATED
    model: str
    choices: tuple[Choice, ...]
    usage: ChatUsage
    service_tier: Literal["default"] = "default"
    system_fingerprint: str = "fp_offline"


def chat_answer(outcome: Outcome, parameters: ChatParameters) -> ChatAnswer:
    """Return an outcome as ``/v1/chat/completions`` tells it."""
    message = ChatMessage(
        content=None if outcome.is_refusal else outcome.text, refusal=outcome.text if outcome.is_refusal else None
    )
    spent, written = tokens(outcome.prompt), tokens(outcome.text)
    return ChatAnswer(
        id=f"chatcmpl-{_fingerprint(outcome)}",
        model=parameters.model,
        choices=(Choice(message=message, finish_reason="length" if outcome.is_cut_off else "stop"),),
        usage=ChatUsage(
            prompt_tokens=spent,
            prompt_tokens_details={"cached_tokens": 0, "audio_tokens": 0},
            completion_tokens=written,
            completion_tokens_details={"reasoning_tokens": 0, "audio_tokens": 0},
            total_tokens=spent + written,
        ),
    )


def _fingerprint(outcome: Outcome) -> str:
    return hashlib.sha256(outcome.model_dump_json().encode()).hexdigest()[:32]
