"""What happens to a session, as the calls that write it down: made up, but in an order that can happen."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sessions.artifacts import Artifact
from sessions.errors import ErrorClass, ItemError
from sessions.identifiers import new_session_id
from sessions.items import new_items
from sessions.ledger import LedgerEntry
from sessions.money import Usage
from sessions.ports import AttemptRecords
from sessions.state import (
    SessionState,
    item_completed,
    item_failed,
    item_started,
    items_retried,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind

START = datetime(2026, 11, 21, 9, 30, 15, 123456, tzinfo=UTC)
MAX_ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class AttemptCall:
    """A call of `AttemptRecords.record_attempt`."""

    session_id: str
    entry: LedgerEntry
    item_status: ItemStatus
    max_attempts: int

    async def apply(self, records: AttemptRecords) -> None:
        """Make the call."""
        await records.record_attempt(
            self.session_id, entry=self.entry, item_status=self.item_status, max_attempts=self.max_attempts
        )


@dataclass(frozen=True, kw_only=True)
class SessionCall:
    """A call of `AttemptRecords.record_session`."""

    state: SessionState
    entries: tuple[LedgerEntry, ...] = ()

    async def apply(self, records: AttemptRecords) -> None:
        """Make the call."""
        await records.record_session(self.state, entries=self.entries)


Call = AttemptCall | SessionCall


def new_state(
    *keys: str,
    session_id: str | None = None,
    title: str = "Steel bottle",
    kind: SessionKind = SessionKind.IMAGES,
    created_at: datetime = START,
) -> SessionState:
    """Return the state of a session that was just started."""
    return SessionState(
        id=session_id or new_session_id(),
        kind=kind,
        tenant="default",
        title=title,
        items=new_items([(key, key.title()) for key in keys or ("main",)], max_attempts=MAX_ATTEMPTS),
        created_at=created_at,
        updated_at=created_at,
    )


def entry_of(
    item: str = "main",
    *,
    attempt: int = 1,
    round_number: int = 1,
    status: AttemptStatus = AttemptStatus.RUNNING,
    error_type: ErrorClass | None = None,
    started_at: datetime | None = None,
    cost_microdollars: int = 0,
) -> LedgerEntry:
    """Return a ledger entry that is what its status says."""
    began = started_at or START + timedelta(seconds=10 * attempt)
    has_ended = status is not AttemptStatus.RUNNING
    if status is AttemptStatus.FAILED:
        error_type = error_type or ErrorClass.CONTENT
    if status is AttemptStatus.UNCERTAIN:
        error_type = ErrorClass.UNCERTAIN
    return LedgerEntry(
        item=item,
        attempt=attempt,
        round=round_number,
        variation=None if attempt == 1 else "Emphasize clarity and simplicity",
        prompt_sha256="ab" * 32,
        model="gpt-image-2",
        status=status,
        error_type=error_type,
        error=f"attempt {attempt} went wrong" if error_type else None,
        advice="Try again." if error_type else None,
        request_id="req_1" if has_ended else None,
        started_at=began,
        ended_at=began + timedelta(seconds=2) if has_ended else None,
        usage=Usage(input_tokens=7, output_tokens=11, input_image_tokens=3) if has_ended else None,
        cost_microdollars=cost_microdollars,
        artifact=artifact_of(attempt) if status is AttemptStatus.COMPLETE else None,
        worker="worker-1",
        throttled_calls=1 if has_ended else 0,
    )


def artifact_of(attempt: int) -> Artifact:
    """Return the reference to what an attempt produced."""
    return Artifact(
        attempt=attempt, media_type="image/png", bytes=2048, sha256=f"{attempt:02d}" * 32, width=1024, height=1024
    )


def error_of(entry: LedgerEntry) -> ItemError:
    """Return the error that an entry tells of."""
    assert entry.error_type
    return ItemError(type=entry.error_type, message=entry.error or "", advice=entry.advice or "")


@dataclass(kw_only=True)
class History:
    """Grows by what happens to a session; ``calls`` are what its worker writes down of it, in that order."""

    state: SessionState
    calls: list[Call] = field(default_factory=list)
    closed: list[LedgerEntry] = field(default_factory=list)
    now: datetime = START

    def recorded(self, *, is_ledger_complete: bool = True) -> None:
        """The session is written down; entries that the records missed travel along."""
        entries = () if is_ledger_complete else tuple(self.closed)
        self.calls.append(SessionCall(state=self.state, entries=entries))

    def round_of(self, item: str, *, outcomes: list[AttemptStatus]) -> None:
        """The item runs through attempts with these outcomes; the last one settles it."""
        self.state = item_started(self.state, key=item, now=self._tick())
        before = self.state.item(item)
        for number, outcome in enumerate(outcomes, start=before.attempts_before_round + 1):
            began = self._tick()
            is_last = number == before.attempts_before_round + len(outcomes)
            running = entry_of(item, attempt=number, round_number=before.round, started_at=began)
            ended = entry_of(item, attempt=number, round_number=before.round, status=outcome, started_at=began)
            settled = ItemStatus.COMPLETE if outcome is AttemptStatus.COMPLETE else ItemStatus.FAILED
            self._attempt(running, status=ItemStatus.PROCESSING)
            self._attempt(ended, status=settled if is_last else ItemStatus.PROCESSING)
            self.closed.append(ended)
            self._tick()
        self._settle(item, last=self.closed[-1], attempts_used=len(outcomes))

    def _attempt(self, entry: LedgerEntry, *, status: ItemStatus) -> None:
        item = self.state.item(entry.item)
        self.calls.append(
            AttemptCall(
                session_id=self.state.id,
                entry=entry,
                item_status=status,
                max_attempts=item.attempts_before_round + item.max_attempts,
            )
        )

    def _settle(self, item: str, *, last: LedgerEntry, attempts_used: int) -> None:
        if last.artifact is not None:
            self.state = item_completed(
                self.state,
                key=item,
                artifact=last.artifact,
                spending=last.spending,
                now=self.now,
            )
        else:
            self.state = item_failed(
                self.state,
                key=item,
                error=error_of(last),
                attempts_used=attempts_used,
                spending=last.spending,
                now=self.now,
            )

    def retried(self) -> None:
        """A person has the failed items made again."""
        notes = dict.fromkeys((item.key for item in self.state.failed_items), None)
        self.state = items_retried(self.state, notes=notes, max_attempts=None, now=self._tick())
        self.closed = []

    def cancelled(self) -> None:
        """A person stops the session."""
        self.state = unfinished_items_cancelled(self.state, now=self._tick())

    def finished(self) -> None:
        """The workflow is about to complete."""
        self.state = session_closed(self.state, now=self._tick())

    def _tick(self) -> datetime:
        self.now += timedelta(milliseconds=700)
        return self.now
