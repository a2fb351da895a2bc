"""What an attempt produced: the bytes live in the artifact store, this refers to them."""

from pydantic import Field

from sessions.model import Value
from sessions.money import Usage


class Artifact(Value):
    """A reference to the bytes of one attempt. ``width`` and ``height`` are pixels, None for what is no picture."""

    attempt: int = Field(ge=1)
    media_type: str
    bytes: int = Field(ge=0)
    sha256: str
    width: int | None = None
    height: int | None = None


class Made(Value):
    """What a provider's answer came to, before it is stored: the bytes and what the call used."""

    data: bytes
    media_type: str
    model: str
    request_id: str | None = None
    usage: Usage | None = None
    width: int | None = None
    height: int | None = None


class Receipt(Value):
    """What is stored beside an artifact, so that an interrupted attempt loses neither figures nor provenance."""

    artifact: Artifact
    model: str
    request_id: str | None = None
    usage: Usage | None = None
