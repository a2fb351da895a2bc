"""Ports: what activities need of the world, named by the domain and implemented by providers and storage."""

from collections.abc import Sequence
from typing import Protocol

from sessions.artifacts import Made, Receipt
from sessions.images import ImageFormat, Quality
from sessions.ledger import LedgerEntry
from sessions.model import Value
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


class ArtifactStore(Protocol):
    """Keeps the bytes that attempts produced."""

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        """Store bytes and their receipt, atomically: `find` answers only when both are whole."""
        ...

    async def find(self, key: str) -> Receipt | None:
        """Return the receipt of what is stored under a key, or None."""
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
