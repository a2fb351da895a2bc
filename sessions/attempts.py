"""What passes between the engine and an attempt: payloads of activities, small and without bytes."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.money import Spending
from sessions.pending import PendingAttempt, PendingCall
from sessions.state import DEFAULT_RETRY_WINDOW, SessionState
from sessions.statuses import AttemptStatus


class AttemptLimits(Value):
    """How long an attempt may take. They come in the session's input, because workflow code reads no settings."""

    deadline: timedelta = timedelta(minutes=5)
    """For one provider call, from the request to the last byte of the answer."""
    throttle_patience: timedelta = timedelta(minutes=10)
    """For all waits together that a throttling provider asks for within one attempt."""
    storage_patience: timedelta = timedelta(minutes=2)
    """For an artifact store that is down or full while a result that is paid for waits to be stored."""


class RoundReport(Value):
    """What the attempts of one item in one round have come to so far.

    ``unrecorded`` are ledger entries that the records have not confirmed; whoever reaches the records next
    writes them.
    """

    attempts_used: int = Field(default=0, ge=0)
    spending: Spending = Spending()
    unrecorded: tuple[LedgerEntry, ...] = ()
    correction: str | None = None
    """What was wrong with the last result, in words for the model; the next attempt's prompt says so."""


class LostAttempts(Value):
    """The last attempts of a round, whose workers died: what they have left is looked for before the item is given up.

    ``report`` is what the attempts before them have come to; ``entries`` are what is entered of those that have left
    nothing.
    """

    report: RoundReport
    entries: tuple[LedgerEntry, ...]


class ItemTask(Value):
    """What every kind's activity is told of the item it makes."""

    session_id: str
    item: str
    label: str
    round: int = Field(ge=1)
    attempts_before_round: int = Field(ge=0)
    max_attempts: int = Field(ge=1)
    made_in_round: int = Field(default=0, ge=0)
    """Attempts of the round from before the item was handed out last."""
    note: str | None = None
    correction: str | None = None
    """What was wrong with the result before, in words for the model; the prompt says so."""
    prompt: str | None = None
    """The prompt that a person wrote in place of ours."""
    has_version: bool = False
    """Whether the item is complete already, and this makes another version of it."""
    is_chosen: bool = False
    """Whether a person has chosen the version that counts, so that this one will not."""
    was_interrupted: bool = False
    """Whether the attempt that begins was begun before: what it may have left is not given up lightly."""
    is_budgeted: bool = False
    """Whether the session counts what an attempt may have cost before it lets another one follow."""
    pending: PendingAttempt | None = None
    """The attempt that begins, if the provider is at work on it already."""
    lost: LostAttempts | None = None
    """Attempts that may have left a result: it is looked for, and nothing is made."""
    is_hold_told: bool = False
    """Whether the session tells the server what it holds back, so that no worker need be asked for it."""
    limits: AttemptLimits
    model: str

    @classmethod
    def of(cls, item: ItemState, *, session: "SessionInput", **more: object) -> Self:
        """Return the task of an item as it stands, with what its kind adds."""
        common = {
            "session_id": session.state.id,
            "item": item.key,
            "label": item.label,
            "round": item.round,
            "attempts_before_round": item.attempts_before_round,
            "max_attempts": item.max_attempts,
            "made_in_round": item.made_in_round,
            "note": item.note,
            "correction": item.correction,
            "prompt": item.prompt,
            "has_version": item.artifact is not None,
            "is_chosen": item.is_chosen,
            "was_interrupted": item.was_interrupted,
            "is_budgeted": item.is_budgeted,
            "pending": item.pending,
            "limits": session.limits,
            "model": session.model,
        }
        return cls.model_validate({**common, **more})


class AttemptOutcome(Value):
    """The result of an activity that made its item. ``title`` is the session's, where the item decides it."""

    artifact: Artifact
    report: RoundReport
    title: str | None = None


class Heartbeat(Value):
    """What an attempt tells the server while it runs; the next attempt of the round begins from it."""

    report: RoundReport
    running: LedgerEntry | None = None
    """The attempt under way: should its worker die, the next one knows what became of it."""
    pending_call: PendingCall | None = None
    """The call of that attempt, where it goes on without the worker."""
    waiting_for: ItemError | None = None
    waiting_until: datetime | None = None

    @property
    def pending(self) -> PendingAttempt | None:
        """The attempt that another worker can take up."""
        if self.running is None or self.pending_call is None:
            return None
        return PendingAttempt(entry=self.running, call=self.pending_call)

    @property
    def is_resting(self) -> bool:
        """Whether the attempt had come to its end, and only waited for the next one's time."""
        return self.waiting_for is not None and self.running is None

    def still_waiting_for(self, now: datetime) -> ItemError | None:
        """Return what the attempt waits for, as long as it is certain that it has not gone on.

        That it goes on is told only with the next regular heartbeat. So once its wait is over, an attempt of which
        nothing is heard may have asked again.
        """
        is_certain = self.waiting_until is None or now < self.waiting_until
        return self.waiting_for if is_certain else None


class SessionInput(Value):
    """The input of every kind's workflow: the state to go on from, and what does not change over the session's life.

    Each kind adds what was asked for.
    """

    state: SessionState
    model: str
    limits: AttemptLimits = AttemptLimits()
    retry_window: timedelta = DEFAULT_RETRY_WINDOW
    items_at_once: int = Field(default=20, ge=1)
    """How many items are with the workers at a time. All their tasks together must fit one message to Temporal."""
    worst_case_microdollars: int = 0
    """What one attempt costs at worst; counted for an attempt that was lost without a word of it."""
    most_events: int = Field(default=5000, ge=1)
    """A run whose history is longer hands the session over to another. The server warns at 10,240 events, and what is
    being made when it is noticed still adds some; shorter runs would be replayed faster, but each handover waits for
    the slowest item."""
    callback_url: str | None = None
    """Who is told when the session settles."""
    unrecorded: tuple[LedgerEntry, ...] = ()
    """What the workflow's run before this one could not write down any more."""

    def to_go_on(self, state: SessionState, *, unrecorded: tuple[LedgerEntry, ...]) -> Self:
        """Return the input of the workflow's next run."""
        return self.model_copy(update={"state": state, "unrecorded": unrecorded})


class RoundQuestion(Value):
    """Which round of an item is asked about."""

    session_id: str
    item: str
    round: int
    attempts_before_round: int

    def answered_by(self, entries: Iterable[LedgerEntry]) -> RoundReport:
        """Return what the ledger tells of the round: an attempt that seems to run has been lost."""
        of_round = [entry for entry in entries if (entry.item, entry.round) == (self.item, self.round)]
        lost = [entry.abandoned() if entry.status is AttemptStatus.RUNNING else entry for entry in of_round]
        last = max((entry.attempt for entry in of_round), default=self.attempts_before_round)
        return RoundReport(
            attempts_used=max(0, last - self.attempts_before_round),
            spending=sum((entry.spending for entry in lost), Spending()),
        )


class SessionRecordTask(Value):
    """What is written down of a session: its state, and entries that may be missing in the ledger."""

    state: SessionState
    entries: tuple[LedgerEntry, ...] = ()
