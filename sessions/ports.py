"""Ports: what activities need of the world, named by the domain and implemented by providers and storage."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from sessions.artifacts import Artifact, Made, Receipt
from sessions.callbacks import CallbackMessage
from sessions.deliveries import CallbackAnswer, Delivery
from sessions.images import ImageFormat, Quality
from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.money import Usage
from sessions.pending import PendingCall
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


OnPending = Callable[[PendingCall], None]
"""Hears of a call that goes on by itself, as soon as it has begun."""


class TextProvider(Protocol):
    """Writes texts."""

    async def write(self, call: TextCall, *, on_pending: OnPending) -> Written:
        """Write one document, with one call that may be billed.

        Args:
            call: what to write.
            on_pending: told of the call if it can be taken up by somebody else. Being cancelled then leaves it going.

        Raises:
            AttemptError: whatever went wrong, classified; a refused or cut-off answer with the usage billed for it.
        """
        ...

    async def take_up(self, pending: PendingCall, *, call: TextCall) -> Written | None:
        """Wait for a call that somebody else has begun, and return what came of it; None where nobody knows it.

        Raises:
            AttemptError: as `write` does.
        """
        ...

    async def give_up(self, pending: PendingCall) -> None:
        """End a call that nobody wants any more, within seconds. Raises nothing: it may have ended by itself."""
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


class Hold(Value):
    """Why an attempt may not begin. ``retry_after``: when to ask again, None where its session knows."""

    message: str
    advice: str
    retry_after: timedelta | None = None


class Gate(Protocol):
    """Knows whether an attempt may begin: sessions are paused, and money runs out."""

    async def hold(
        self,
        session_id: str,
        *,
        spent_in_round_microdollars: int,
        worst_case_microdollars: int,
        is_first: bool,
        is_told: bool,
    ) -> Hold | None:
        """Return why an attempt may not begin, None where it may. Never raises: in doubt it may.

        Args:
            session_id: whose attempt it is.
            spent_in_round_microdollars: by the attempts before it at the same item.
            worst_case_microdollars: what it costs at worst.
            is_first: whether it begins right after its session has handed it out, so that the session need not be
                asked.
            is_told: whether the session tells the server what it holds back, so that no worker need be asked.
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

    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]:
        """Return a session's ledger, oldest first."""
        ...


class SpendingRecords(Protocol):
    """The records as a limit on spending needs them."""

    async def spent_since(self, moment: datetime) -> int:
        """Return what attempts that began at a moment or later have cost, uncertain ones included, in micro-dollars.

        Attempts that run count at their worst.

        Raises:
            RecordsOutOfReachError: the records do not answer.
        """
        ...


class CallbackSender(Protocol):
    """Calls the servers that want to know."""

    async def send(self, message: CallbackMessage, *, patience: timedelta) -> CallbackAnswer:
        """Send a message once, signed, and return what came of it, within the patience. Raises nothing."""
        ...


class DeliveryRecords(Protocol):
    """The log of deliveries. Raises `RecordsOutOfReachError` while the database does not answer."""

    async def record_delivery(self, delivery: Delivery) -> None:
        """Write an attempt down. Safe to repeat."""
        ...

    async def deliveries(self, session_id: str) -> Sequence[Delivery]:
        """Return every attempt to tell of a session, oldest first."""
        ...
