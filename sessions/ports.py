"""Ports: what activities need of the world, named by the domain and implemented by providers and storage."""

from collections.abc import Sequence
from typing import Protocol

from sessions.artifacts import Artifact, Made, Receipt
from sessions.images import ImageFormat, Quality
from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.money import Usage
from sessions.state import SessionState
from sessions.statuses import ItemStatus


class ReferencePicture(Value):
    """A picture that goes along with a prompt."""

    name: str
    media_type: str
    data: bytes


class ImageCall(Value):
    """One call for one picture. ``size`` is WIDTHxHEIGHT in pixels."""

    prompt: str
    model: str
    size: str
    quality: Quality
    format: ImageFormat
    references: tuple[ReferencePicture, ...] = ()


class ImageProvider(Protocol):
    """Makes pictures."""

    async def generate(self, call: ImageCall) -> Made:
        """Make one picture, with one request to the provider.

        Raises:
            AttemptError: whatever went wrong, classified.
        """
        ...


class TextCall(Value):
    """One call for one JSON document. ``json_schema`` is a strict JSON schema, as JSON."""

    prompt: str
    model: str
    schema_name: str
    json_schema: str


class Written(Value):
    """What a text provider wrote, before anybody has looked into it, and what the call used."""

    text: str
    model: str
    request_id: str | None = None
    usage: Usage | None = None


class TextProvider(Protocol):
    """Writes texts."""

    async def write(self, call: TextCall) -> Written:
        """Write one document, with one request to the provider.

        Raises:
            AttemptError: whatever went wrong, classified; a refused or cut-off answer with the usage billed for it.
        """
        ...


class ArtifactStore(Protocol):
    """Keeps the bytes that attempts produced."""

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        """Store bytes and their receipt, atomically: `find` answers only when both are whole."""
        ...

    async def find(self, key: str) -> Receipt | None:
        """Return the receipt of what is stored under a key, or None."""
        ...

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        """Return the bytes of an artifact.

        Raises:
            FileNotFoundError: they are not there.
        """
        ...


class StoryFiles(Protocol):
    """Keeps a session's files under the names that people know them by, beside its artifacts."""

    async def save(self, session_id: str, *, name: str, data: bytes) -> None:
        """Write a file, in place of one of the same name."""
        ...

    async def remove(self, session_id: str, *, name: str) -> None:
        """Remove a file. No matter if it is gone."""
        ...

    async def names(self, session_id: str) -> Sequence[str]:
        """Return the names of the files that there are, sorted."""
        ...

    def location(self, session_id: str, *, name: str = "") -> str:
        """Return where a file is, or without a name, their folder: a path where it is one, else an address."""
        ...


class ReferenceStore(Protocol):
    """Keeps the pictures that people uploaded."""

    async def load(self, upload_id: str) -> ReferencePicture:
        """Return an uploaded picture.

        Raises:
            KeyError: there is no such upload.
        """
        ...


class AttemptRecords(Protocol):
    """The records as attempts need them. Writing the same entry again changes nothing."""

    async def record_attempt(
        self, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        """Write a ledger entry and show its item as it stands."""
        ...

    async def record_session(self, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
        """Write a session's state and the entries that are missing. An older revision never replaces a newer one."""
        ...
