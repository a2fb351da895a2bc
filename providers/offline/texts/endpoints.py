"""The endpoints that write: ``/v1/responses`` and ``/v1/chat/completions``."""

from dataclasses import dataclass

from starlette.requests import Request

from providers.offline.bodies import read_object
from providers.offline.calls import Asked
from providers.offline.errors import invalid_request
from providers.offline.faults import Failed, Fault, Incomplete, InvalidOutput, InvalidSet, Refusal
from providers.offline.texts.answers import Outcome, ResponseError, chat_answer, cut_off, responses_answer, tokens
from providers.offline.texts.background import KeptResponses
from providers.offline.texts.requests import ChatParameters, ResponsesParameters, TextRequest
from providers.offline.texts.writer import written

_REFUSAL = "This is nothing I can write about."
_NO_JSON = 'Of course! Here is your story, and I hope you like it: {"title": once upon a time'


@dataclass(frozen=True)
class ResponsesEndpoint:
    """``POST /v1/responses``."""

    kept: KeptResponses

    async def read(self, request: Request) -> "ResponsesJob":
        """Read a request without judging it."""
        return ResponsesJob(TextRequest(await read_object(request)), self.kept)


@dataclass(frozen=True)
class ChatEndpoint:
    """``POST /v1/chat/completions``."""

    async def read(self, request: Request) -> "ChatJob":
        """Read a request without judging it."""
        return ChatJob(TextRequest(await read_object(request)))


@dataclass(frozen=True)
class ResponsesJob:
    """A request to ``/v1/responses`` to be judged, written and answered."""

    request: TextRequest
    kept: KeptResponses

    @property
    def asked(self) -> Asked:
        """What the log keeps of it."""
        return self.request.asked

    @property
    def is_background(self) -> bool:
        """Whether it is answered before it is done."""
        return self.request.fields.get("background") is True

    def answer(self, fault: Fault | None) -> bytes:
        """Return the answer with its text, or spoiled as the fault has it."""
        parameters = self.request.responses_parameters()
        outcome = _outcome(_prompt(self.asked, param="input"), parameters, fault)
        answer = responses_answer(outcome, parameters)
        if isinstance(fault, Failed):
            answer = answer.without_result("failed", error=ResponseError(code=fault.code))
        if parameters.background:
            answer = self.kept.begin(answer, fault=fault)
        return answer.to_json()


@dataclass(frozen=True)
class ChatJob:
    """A request to ``/v1/chat/completions`` to be judged, written and answered."""

    request: TextRequest
    is_background: bool = False

    @property
    def asked(self) -> Asked:
        """What the log keeps of it."""
        return self.request.asked

    def answer(self, fault: Fault | None) -> bytes:
        """Return the answer with its text, or spoiled as the fault has it."""
        parameters = self.request.chat_parameters()
        outcome = _outcome(_prompt(self.asked, param="messages"), parameters, fault)
        return chat_answer(outcome, parameters).model_dump_json().encode()


def _prompt(asked: Asked, *, param: str) -> str:
    if not asked.prompt:
        raise invalid_request(f"Invalid value for '{param}': there is no text in it.", param=param)
    return asked.prompt


def _outcome(prompt: str, parameters: ResponsesParameters | ChatParameters, fault: Fault | None) -> Outcome:
    """Return what is written for a prompt. Faults of pictures mean nothing here, and nothing goes wrong."""
    if isinstance(fault, Refusal):
        return Outcome(prompt=prompt, text=_REFUSAL, is_refusal=True)
    if isinstance(fault, InvalidOutput):
        return Outcome(prompt=prompt, text=_NO_JSON)
    invalid = fault if isinstance(fault, InvalidSet) else None
    text = written(prompt, asked=parameters.schema_asked, wants_object=parameters.wants_object, invalid=invalid)
    limit = parameters.token_limit
    if isinstance(fault, Incomplete):
        limit = tokens(text) // 2
    if limit is None or tokens(text) <= limit:
        return Outcome(prompt=prompt, text=text)
    return Outcome(prompt=prompt, text=cut_off(text, tokens=limit), is_cut_off=True)
