"""The fault plan: what goes wrong, when, and how, as JSON and as frozen models.

A plan names faults by rule (a text in the prompt, how many times) and by rate (a share of all calls). Durations
are numbers of seconds in JSON. A fault without options may be written as its kind alone::

    {"seed": 7, "rate": 0.1, "rate_faults": ["server_error", {"kind": "slow", "seconds": 2}],
     "rules": [{"match": "Image: Lifestyle", "times": 2, "fault": {"kind": "rate_limit", "retry_after": 3}}]}

A fault that only pictures can have is no fault of a text, nor the other way round: such a call is served as it
should be, and stands in the log with the fault that was planned for it.

Of a response in the background, what goes wrong with the answer goes wrong with the call that begins it; what goes
wrong with the text, and what makes it late, with the response: ``slow`` and the latency are how long it takes, and one
that is to ``hang`` is never finished, or fails after that long.
"""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

Duration = Annotated[timedelta, Field(ge=timedelta(0))]
_ONE_SECOND = timedelta(seconds=1)


class PlanModel(BaseModel):
    """A part of the plan: frozen, unknown fields refused, durations in seconds."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        ser_json_timedelta="float",
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
    )


class RateLimit(PlanModel):
    """429: too many requests. Without ``retry_after`` the answer has no such header."""

    kind: Literal["rate_limit"] = "rate_limit"
    retry_after: Duration | None = None
    code: str = "rate_limit_exceeded"


class Quota(PlanModel):
    """429: the account cannot pay."""

    kind: Literal["quota"] = "quota"
    code: str = "insufficient_quota"


class ServerError(PlanModel):
    """A failure of the server; 503 says that it is overloaded."""

    kind: Literal["server_error"] = "server_error"
    status: Literal[500, 502, 503, 504, 408, 409] = 500
    retry_after: Duration | None = None


class BadRequest(PlanModel):
    """400: a parameter is wrong."""

    kind: Literal["bad_request"] = "bad_request"


class Moderation(PlanModel):
    """400: the content is blocked; the error names categories and the stage."""

    kind: Literal["moderation"] = "moderation"
    categories: tuple[str, ...] = ("violence",)
    stage: Literal["input", "output", "unknown"] = "output"


class Auth(PlanModel):
    """401: the key is wrong."""

    kind: Literal["auth"] = "auth"


class Forbidden(PlanModel):
    """403: the account may not use the model."""

    kind: Literal["forbidden"] = "forbidden"


class NotFound(PlanModel):
    """404: there is no such model."""

    kind: Literal["not_found"] = "not_found"


class Refusal(PlanModel):
    """The model refuses, in the manner of the endpoint: a refusal of a text, a moderation error of a picture."""

    kind: Literal["refusal"] = "refusal"


class Hang(PlanModel):
    """No answer until the caller goes; with ``seconds``, the connection is dropped after that long."""

    kind: Literal["hang"] = "hang"
    duration: Duration | None = Field(default=None, alias="seconds")


class Disconnect(PlanModel):
    """The request is read, then the connection is dropped without a byte of an answer."""

    kind: Literal["disconnect"] = "disconnect"


class Truncated(PlanModel):
    """200, and a body that is cut off although its length agrees with the header."""

    kind: Literal["truncated"] = "truncated"


class BrokenBody(PlanModel):
    """200, and the connection is dropped in the middle of the body."""

    kind: Literal["broken_body"] = "broken_body"


class InvalidJson(PlanModel):
    """200, and a body that says it is JSON and is not."""

    kind: Literal["invalid_json"] = "invalid_json"


class EmptyImage(PlanModel):
    """200, and no picture: the list is empty, or the picture in it is."""

    kind: Literal["empty_image"] = "empty_image"
    part: Literal["data", "b64_json"] = "data"


class UndecodableImage(PlanModel):
    """200, and bytes that are no picture."""

    kind: Literal["undecodable_image"] = "undecodable_image"


class WrongSize(PlanModel):
    """200, and a picture 16 pixels wider than was asked for."""

    kind: Literal["wrong_size"] = "wrong_size"


class Incomplete(PlanModel):
    """200, and a text that is cut off where the tokens ended, as the answer says."""

    kind: Literal["incomplete"] = "incomplete"


class Failed(PlanModel):
    """200, and a response that says that it has failed; chat completions have nothing of the kind."""

    kind: Literal["failed"] = "failed"
    code: str = "server_error"


class InvalidOutput(PlanModel):
    """200, and a text that is no JSON in a body that is."""

    kind: Literal["invalid_output"] = "invalid_output"


class InvalidSet(PlanModel):
    """200, and a document that fits its schema by and large and breaks the rules of a story.

    Attributes:
        what: which rule of a set; None leaves the choice to the prompt, so that it differs from set to set.
            ``no_title`` is about the first set and means nothing to others. An outline, or a part of one,
            gets too few sets whatever is said.
    """

    kind: Literal["invalid_set"] = "invalid_set"
    what: (
        Literal["too_few", "wrong_numbers", "both", "too_many_words", "unknown_character", "no_title", "not_closed"]
        | None
    ) = None


class Slow(PlanModel):
    """The right answer, late by ``seconds``."""

    kind: Literal["slow"] = "slow"
    duration: Duration = Field(default=_ONE_SECOND, alias="seconds")


class Drip(PlanModel):
    """The right answer, its body in small pieces over ``seconds``."""

    kind: Literal["drip"] = "drip"
    duration: Duration = Field(default=_ONE_SECOND, alias="seconds")


def _spelt_out(value: object) -> object:
    return {"kind": value} if isinstance(value, str) else value


Fault = Annotated[
    Annotated[
        RateLimit
        | Quota
        | ServerError
        | BadRequest
        | Moderation
        | Auth
        | Forbidden
        | NotFound
        | Refusal
        | Hang
        | Disconnect
        | Truncated
        | BrokenBody
        | InvalidJson
        | EmptyImage
        | UndecodableImage
        | WrongSize
        | Incomplete
        | Failed
        | InvalidOutput
        | InvalidSet
        | Slow
        | Drip,
        Field(discriminator="kind"),
    ],
    BeforeValidator(_spelt_out),
]


class Rule(PlanModel):
    """A fault for the calls whose prompt holds a text.

    Attributes:
        match: the text, exactly as it stands in the prompt; None matches every prompt.
        times: how many calls get the fault; None is all of them.
        skip: how many matching calls pass before the first that gets it.
        fault: what happens to them.
    """

    match: str | None = None
    times: int | None = Field(default=None, ge=1)
    skip: int = Field(default=0, ge=0)
    fault: Fault


class Plan(PlanModel):
    """What goes wrong. The empty plan lets everything work.

    Attributes:
        seed: changes which calls the rate picks, and with which fault.
        rules: tried in order; the first that has a fault for a call decides it.
        rate: the share of the remaining calls, 0 to 1, that get one of ``rate_faults``.
        rate_faults: what the rate chooses from, each as likely.
    """

    seed: int = 0
    rules: tuple[Rule, ...] = ()
    rate: float = Field(default=0.0, ge=0.0, le=1.0)
    rate_faults: tuple[Fault, ...] = ()

    @model_validator(mode="after")
    def _rate_has_faults(self) -> Self:
        if self.rate > 0 and not self.rate_faults:
            raise ValueError("a rate above 0 needs rate_faults to choose from")
        return self
