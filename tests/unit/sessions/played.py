"""A session played without a server: the loop of `workflows.rounds`, and attempts as `activities.attempt` makes them.

Everything that is random comes from the test; what the session and its ledger come to is for the test to check.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sessions.artifacts import Artifact
from sessions.commands import Command, CommandRefusedError, obeyed
from sessions.errors import ErrorClass, ItemError
from sessions.holding import held_back
from sessions.ledger import LedgerEntry
from sessions.money import Spending
from sessions.progress import RecordedItem, UnderWay
from sessions.state import (
    SessionState,
    item_cancelled,
    item_completed,
    item_failed,
    item_interrupted,
    item_started,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import AttemptStatus, ItemStatus
from sessions.steering import Retake
from storage.records.standing import Line, columns_of_ledger, columns_of_state, latest_line, line_of, live_round

START = datetime(2026, 11, 1, tzinfo=UTC)
WORST_CASE = 10
"""What one attempt costs at worst, in micro-dollars."""


def error(error_class: ErrorClass) -> ItemError:
    """Return an error of a class."""
    return ItemError(type=error_class, message=f"It went wrong ({error_class}).", advice="Retry.")


@dataclass
class Activity:
    """One item in the hands of the workers, as the server knows it: ``number`` counts attempts that have begun."""

    key: str
    round: int
    before: int
    max_attempts: int
    has_version: bool
    number: int = 0
    used: int = 0
    spending: Spending = field(default_factory=Spending)
    entry: LedgerEntry | None = None
    """The attempt that runs."""
    is_throttled: bool = False
    is_stopped: bool = False
    lost: LedgerEntry | None = None
    """The attempt whose worker died."""
    error: ItemError | None = None

    @property
    def under_way(self) -> UnderWay | None:
        """What the server tells of it."""
        if self.number == 0:
            return None
        return UnderWay(
            item=self.key,
            round=self.round,
            attempt_in_round=self.number,
            is_running=self.entry is not None,
            error=self.error,
            spending=self.spending,
        )


@dataclass
class Played:
    """A session, its attempts and its ledger. ``room`` is how many items are with the workers at a time."""

    state: SessionState
    room: int = 3
    now: datetime = START
    activities: dict[str, Activity] = field(default_factory=dict)
    lines: dict[tuple[str, int], Line] = field(default_factory=dict)
    stored: dict[tuple[str, int], Artifact] = field(default_factory=dict)
    unrecorded: list[LedgerEntry] = field(default_factory=list)
    left_open: set[tuple[str, int]] = field(default_factory=set)
    """Attempts that another worker makes under the same number."""
    retaken: set[tuple[str, int]] = field(default_factory=set)
    """Items and the rounds in which somebody wanted another version of them."""
    refusal: str = ""
    """The last one, in words."""
    recorded: SessionState = field(init=False)

    def __post_init__(self) -> None:
        self.recorded = self.state

    def tick(self) -> datetime:
        """Let a second pass."""
        self.now += timedelta(seconds=1)
        return self.now

    def obey(self, command: Command) -> bool:
        """Have a command obeyed, and return whether it was."""
        before = self.state
        try:
            if before.closed_at is not None and not isinstance(command, Retake) and not _begins_anew(command):
                raise CommandRefusedError("The session has closed.")
            after = obeyed(command, before, now=self.tick())
        except CommandRefusedError as refusal:
            self.refusal = str(refusal)
            return False
        for key in command.stops(before):
            self.activities[key].is_stopped = True
        self.state = after
        if isinstance(command, Retake) and after.round > before.round:
            self.retaken.add((command.key, after.round))
        if command.is_recorded_at_once:
            self.record()
        return True

    def hand_out(self) -> None:
        """Hand out what may be handed out, as the run loop does."""
        room = self.room - self.state.items.count(ItemStatus.PROCESSING)
        for item in self.state.items_to_make(at_most=room):
            assert not item.versions or (item.key, item.round) in self.retaken, "made again although it was finished"
            self.state = item_started(self.state, key=item.key, now=self.tick())
            self.activities[item.key] = Activity(
                key=item.key,
                round=item.round,
                before=item.attempts_before_round,
                max_attempts=item.max_attempts,
                has_version=item.artifact is not None,
            )

    def begin(self, key: str, *, is_fresh: bool, is_month_over: bool = True) -> None:
        """Begin an item's next attempt, or take up what the one before it has left, or wait with the session."""
        activity = self.activities[key]
        activity.number += 1
        number = activity.before + activity.number
        if activity.lost is not None and self._taken_up(activity):
            return
        is_first = activity.number == 1 and is_fresh
        spent = activity.spending.spent_microdollars + activity.spending.uncertain_microdollars
        if not is_month_over:
            self._interrupt(activity)
            if not self.state.status.is_settled:
                self.state = held_back(self.state, until=self.now + timedelta(minutes=1), now=self.tick())
            return
        if not is_first and not self.state.may_begin(spent_in_round_microdollars=spent):
            self._interrupt(activity)
            return
        known = self.lines.get((key, number))
        assert known is None or (key, number) in self.left_open, "an attempt's number is used twice"
        self.left_open.discard((key, number))
        activity.entry = LedgerEntry(
            item=key,
            attempt=number,
            round=activity.round,
            prompt_sha256="0" * 64,
            model="gpt-image-2",
            status=AttemptStatus.RUNNING,
            worst_case_microdollars=WORST_CASE,
            started_at=self.tick(),
            worker="worker:1",
        )
        self._write(activity, activity.entry, item_status=ItemStatus.PROCESSING)

    def complete(self, key: str, *, cost: int) -> None:
        """Let the attempt that runs succeed."""
        activity, entry = self._running(key)
        self._completed(activity, entry=entry, artifact=self._store(entry), cost=cost)

    def fail(self, key: str, *, error_class: ErrorClass, cost: int) -> None:
        """Let the attempt that runs fail; the last one, or one that is not worth another, ends the round."""
        activity, entry = self._running(key)
        is_uncertain = error_class is ErrorClass.UNCERTAIN
        closed = entry.model_copy(
            update={
                "status": AttemptStatus.UNCERTAIN if is_uncertain else AttemptStatus.FAILED,
                "ended_at": self.tick(),
                "error_type": error_class,
                "error": error(error_class).message,
                "advice": error(error_class).advice,
                "cost_microdollars": WORST_CASE if is_uncertain else cost,
            }
        )
        activity.error = error(error_class)
        is_last = not error_class.is_retried or activity.number >= activity.max_attempts
        status = ItemStatus.COMPLETE if activity.has_version else ItemStatus.FAILED
        self._write(activity, closed, item_status=status if is_last else ItemStatus.PROCESSING)
        self._count(activity, closed)
        if is_last:
            self._failed(activity, error_class=error_class)

    def lose(self, key: str, *, is_stored: bool) -> None:
        """Let the worker of the attempt that runs die, after it has stored its result or before."""
        activity, entry = self._running(key)
        if is_stored:
            self._store(entry)
        activity.lost = entry
        if activity.number >= activity.max_attempts:
            abandoned = entry.abandoned(noticed_at=self.tick())
            self.unrecorded.append(abandoned)
            self._count(activity, abandoned)
            self._failed(activity, error_class=ErrorClass.UNCERTAIN)

    def interrupt(self, key: str) -> None:
        """Let the worker of an attempt stop that only waits for the provider's permission to ask again."""
        activity, entry = self._running(key)
        self.left_open.add((key, entry.attempt))
        self._interrupt(activity)

    def stop(self, key: str) -> None:
        """Let an item's attempt hear that somebody has cancelled it."""
        activity = self.activities.pop(key)
        if activity.entry is not None:
            stopped = activity.entry.abandoned(noticed_at=self.tick())
            self._write(activity, stopped, item_status=ItemStatus.PROCESSING)
            self._count(activity, stopped)
        if activity.lost is not None:
            abandoned = activity.lost.abandoned(noticed_at=self.tick())
            self.unrecorded.append(abandoned)
            self._count(activity, abandoned)
        self.state = item_cancelled(
            self.state, key=key, attempts_used=activity.used, spending=activity.spending, now=self.tick()
        )

    def cancel(self) -> None:
        """Let a person stop the whole session."""
        for key in tuple(self.activities):
            self.stop(key)
        self.state = session_closed(unfinished_items_cancelled(self.state, now=self.tick()), now=self.now)
        self.record()

    def close(self) -> None:
        """Let the workflow close."""
        self.state = session_closed(self.state, now=self.tick())
        self.record()

    def restart(self) -> None:
        """Let the workflow go on from what was written of it."""
        self.state = SessionState.model_validate_json(self.state.model_dump_json())

    def record(self) -> None:
        """Write the session down, with the entries that are missing."""
        for entry in self.unrecorded:
            item = self.state.item(entry.item)
            self.lines[entry.item, entry.attempt] = line_of(
                entry, max_attempts=item.attempts_before_round + item.max_attempts
            )
        self.unrecorded.clear()
        self.recorded = self.state

    @property
    def under_way(self) -> Mapping[str, UnderWay]:
        """What the server tells of attempts, by item."""
        return {key: told for key, activity in self.activities.items() if (told := activity.under_way)}

    @property
    def recorded_items(self) -> list[RecordedItem]:
        """The items whose ledger has come further than the recorded state."""
        rows = []
        for item in self.recorded.items:
            lines = [line for (key, _), line in self.lines.items() if key == item.key]
            if lines and latest_line(lines).entry.round >= live_round(item):
                columns = {
                    **columns_of_state(item, updated_at=self.recorded.updated_at),
                    **columns_of_ledger(lines),
                    "key": item.key,
                }
                told = columns["error_type"] and {
                    "type": columns["error_type"],
                    "message": columns["error_message"],
                    "advice": columns["error_advice"],
                }
                fields = {name: columns.get(name) for name in RecordedItem.model_fields}
                rows.append(RecordedItem.model_validate({**fields, "error": told}))
        return rows

    @property
    def spent(self) -> int:
        """What the ledger says was spent, or may have been, in micro-dollars."""
        told = {key: line.entry for key, line in self.lines.items()}
        told |= {(entry.item, entry.attempt): entry for entry in self.unrecorded}
        return sum(entry.cost_microdollars for entry in told.values())

    def _running(self, key: str) -> tuple[Activity, LedgerEntry]:
        activity = self.activities[key]
        assert activity.entry is not None
        entry, activity.entry = activity.entry, None
        return activity, entry

    def _store(self, entry: LedgerEntry) -> Artifact:
        place = (entry.item, entry.attempt)
        artifact = Artifact(
            attempt=entry.attempt, media_type="image/png", bytes=3, sha256=f"{entry.item}-{entry.attempt}"
        )
        assert place not in self.stored, "an attempt's result is stored twice"
        self.stored[place] = artifact
        return artifact

    def _taken_up(self, activity: Activity) -> bool:
        lost, activity.lost = activity.lost, None
        assert lost is not None
        artifact = self.stored.get((activity.key, lost.attempt))
        if artifact is not None:
            self._completed(activity, entry=lost, artifact=artifact, cost=WORST_CASE)
            return True
        abandoned = lost.abandoned(noticed_at=self.tick())
        self._write(activity, abandoned, item_status=ItemStatus.PROCESSING)
        self._count(activity, abandoned)
        return False

    def _completed(self, activity: Activity, *, entry: LedgerEntry, artifact: Artifact, cost: int) -> None:
        closed = entry.model_copy(
            update={
                "status": AttemptStatus.COMPLETE,
                "ended_at": self.tick(),
                "cost_microdollars": cost,
                "artifact": artifact,
            }
        )
        self._write(activity, closed, item_status=ItemStatus.COMPLETE)
        self._count(activity, closed)
        del self.activities[activity.key]
        self.state = item_completed(
            self.state, key=activity.key, artifact=artifact, spending=activity.spending, now=self.tick()
        )

    def _failed(self, activity: Activity, *, error_class: ErrorClass) -> None:
        del self.activities[activity.key]
        self.state = item_failed(
            self.state,
            key=activity.key,
            error=error(error_class),
            attempts_used=activity.used,
            spending=activity.spending,
            now=self.tick(),
        )

    def _interrupt(self, activity: Activity) -> None:
        del self.activities[activity.key]
        self.state = item_interrupted(
            self.state,
            key=activity.key,
            attempts_used=activity.used,
            spending=activity.spending,
            correction=None,
            now=self.tick(),
        )

    def _write(self, activity: Activity, entry: LedgerEntry, *, item_status: ItemStatus) -> None:
        self.lines[entry.item, entry.attempt] = Line(
            entry=entry, item_status=item_status, max_attempts=activity.before + activity.max_attempts
        )

    @staticmethod
    def _count(activity: Activity, entry: LedgerEntry) -> None:
        activity.used += 1
        activity.spending += entry.spending


def _begins_anew(command: Command) -> bool:
    return type(command).__name__ in ("Retry", "Selection")
