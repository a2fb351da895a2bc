"""What passes between the engine and an attempt: payloads of activities, small and without bytes."""

from datetime import datetime, timedelta

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.money import Spending
from sessions.state import SessionState


class AttemptLimits(Value):
    """How long an attempt may take. They come in the session's input, because workflow code reads no settings."""

    deadline: timedelta = timedelta(minutes=5)
    """For one provider call, from the request to the last byte of the answer."""
    throttle_patience: timedelta = timedelta(minutes=10)
    """For all waits together that a throttling provider asks for within one attempt."""
    storage_patience: timedelta = timedelta(minutes=2)
    """For an artifact store that is down or full while a result that is paid for waits to be stored."""


class ItemTask(Value):
    """What every kind's activity is told of the item it makes."""

    session_id: str
    item: str
    label: str
    round: int = Field(ge=1)
    attempts_before_round: int = Field(ge=0)
    max_attempts: int = Field(ge=1)
    note: str | None = None
    limits: AttemptLimits


class RoundReport(Value):
    """What the attempts of one item in one round have come to so far.

    ``unrecorded`` are ledger entries that the records have not confirmed; whoever reaches the records next
    writes them.
    """

    attempts_used: int = Field(default=0, ge=0)
    spending: Spending = Spending()
    unrecorded: tuple[LedgerEntry, ...] = ()


class AttemptOutcome(Value):
    """The result of an activity that made its item."""

    artifact: Artifact
    report: RoundReport


class Heartbeat(Value):
    """What an attempt tells the server while it runs; the next attempt of the round begins from it."""

    report: RoundReport
    running: LedgerEntry | None = None
    """The attempt under way: should its worker die, the next one knows what became of it."""
    waiting_for: ItemError | None = None
    waiting_until: datetime | None = None


class SessionRecordTask(Value):
    """What is written down of a session: its state, and entries that may be missing in the ledger."""

    state: SessionState
    entries: tuple[LedgerEntry, ...] = ()
