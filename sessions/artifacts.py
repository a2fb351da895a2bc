"""What an attempt produced: the bytes live in the artifact store, this refers to them."""

import hashlib
from typing import Self

from pydantic import Field

from sessions.model import Value
from sessions.money import Usage


class Made(Value):
    """What a provider's answer came to, before it is stored: the bytes and what the call used."""

    data: bytes
    media_type: str
    model: str
    request_id: str | None = None
    usage: Usage | None = None
    width: int | None = None
    height: int | None = None


class Artifact(Value):
    """A reference to the bytes of one attempt. ``width`` and ``height`` are pixels, None for what is no picture."""

    attempt: int = Field(ge=1)
    media_type: str
    bytes: int = Field(ge=0)
    sha256: str
    width: int | None = None
    height: int | None = None

    @classmethod
    def of(cls, made: Made, *, attempt: int) -> Self:
        """Return the reference to what an attempt made. Takes its time with megabytes: they are hashed."""
        return cls(
            attempt=attempt,
            media_type=made.media_type,
            bytes=len(made.data),
            sha256=hashlib.sha256(made.data).hexdigest(),
            width=made.width,
            height=made.height,
        )


class Receipt(Value):
    """What is stored beside an artifact, so that an interrupted attempt loses neither figures nor provenance."""

    artifact: Artifact
    model: str
    request_id: str | None = None
    usage: Usage | None = None
    prompt: str | None = None
    """What it was made from, as sent, so that a person can change it for another version."""
