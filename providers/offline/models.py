"""The endpoint that lists models, and what answers on every other path."""

from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict
from starlette.requests import Request

from providers.offline.calls import Asked
from providers.offline.errors import invalid_request
from providers.offline.faults import Fault

_MODELS = (
    "gpt-image-2.6-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.5-flare",
    "gpt-image-2",
    "gpt-6-sol",
    "gpt-6-luna",
)


class Model(BaseModel):
    """One model. Any other name works too."""

    model_config = ConfigDict(frozen=True)

    id: str
    object: Literal["model"] = "model"
    created: int = 1_767_225_600
    owned_by: str = "offline"


class ModelList(BaseModel):
    """All models."""

    model_config = ConfigDict(frozen=True)

    object: Literal["list"] = "list"
    data: tuple[Model, ...]


@dataclass(frozen=True)
class ModelsJob:
    """A request for the list."""

    asked: Asked = field(default_factory=Asked)
    is_background: bool = False

    def answer(self, fault: Fault | None) -> bytes:
        """Return the list; no fault is ever planned for a call without a prompt."""
        return ModelList(data=tuple(Model(id=name) for name in _MODELS)).model_dump_json().encode()


@dataclass(frozen=True)
class ModelsEndpoint:
    """``GET /v1/models``."""

    async def read(self, request: Request) -> ModelsJob:
        """There is nothing to read."""
        return ModelsJob()


@dataclass(frozen=True)
class NoEndpoint:
    """Every path there is no endpoint for."""

    async def read(self, request: Request) -> ModelsJob:
        """Say so, in OpenAI's form, having let the request in whole."""
        await request.body()
        message = f"Unknown request URL: {request.method} {request.url.path}"
        raise invalid_request(message, code="unknown_url", status=404)
