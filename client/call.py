"""One call of the API as a value: what is sent, and what the answer is read as. Nothing here sends anything."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

T = TypeVar("T")
U = TypeVar("U")

IDEMPOTENCY_KEY: Final = "Idempotency-Key"


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture to upload. The server looks at the bytes; the name is for its messages."""

    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Sent(Generic[T]):
    """An answer, and what the server sent of it, byte for byte."""

    value: T
    data: bytes


@dataclass(frozen=True, kw_only=True)
class Call(Generic[T]):
    """One call. ``path`` is escaped already, ``body`` is JSON, ``read`` makes the answer of the bytes of a success."""

    method: str
    path: str
    read: Callable[[bytes], T]
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    picture: Picture | None = None

    @property
    def is_repeatable(self) -> bool:
        """Whether sending it twice does what sending it once does, so that a lost answer may be asked for again."""
        return self.method in ("GET", "PUT") or self.picture is not None or IDEMPOTENCY_KEY in self.headers

    def with_text(self) -> "Call[Sent[T]]":
        """Return the same call, whose answer comes with the bytes that it was read from."""
        return self._read_by(lambda data: Sent(value=self.read(data), data=data))

    def as_bytes(self) -> "Call[bytes]":
        """Return the same call, whose answer is left unread: for files."""
        return self._read_by(bytes)

    def _read_by(self, read: Callable[[bytes], U]) -> "Call[U]":
        return Call(
            method=self.method,
            path=self.path,
            query=self.query,
            headers=self.headers,
            body=self.body,
            picture=self.picture,
            read=read,
        )
