"""Attempts under way: what the workflow does not know and the server, or the records, do."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.items import ItemState
from sessions.model import Value
from sessions.money import Spending
from sessions.state import SessionState, item_completed, item_failed, item_started, steps_of
from sessions.statuses import ItemStatus


class UnderWay(Value):
    """How far an item's round has come. ``attempt_in_round`` counts attempts that have begun, from 1.

    ``next_attempt_at`` is set while the item waits for its next attempt.
    """

    item: str
    round: int
    attempt_in_round: int = Field(ge=1)
    is_running: bool
    began_at: datetime | None = None
    """When the attempt that runs began, where that is known."""
    next_attempt_at: datetime | None = None
    error: ItemError | None = None
    spending: Spending = Spending()

    @property
    def steps(self) -> int:
        """How many steps of the round a watcher has seen: every attempt begins and ends."""
        return steps_of(self.attempt_in_round) - (1 if self.is_running else 0)


class RecordedItem(Value):
    """An item as the records last saw it. ``attempt`` counts over the item's whole life."""

    key: str
    status: ItemStatus
    attempt: int
    round: int
    is_running: bool
    next_attempt_at: datetime | None = None
    error: ItemError | None = None
    artifact: Artifact | None = None
    updated_at: datetime


def brought_up_to_date(
    state: SessionState, *, recorded: Iterable[RecordedItem]
) -> tuple[SessionState, Mapping[str, UnderWay]]:
    """Return a recorded state with what attempts have recorded since, for when nobody else can tell.

    The state was written when a round began or ended; each attempt since has left its own trace.
    """
    under_way: dict[str, UnderWay] = {}
    further = [row for row in recorded if _attempts_used(row, item=state.item(row.key)) > 0]
    # First of all: what was begun is not given up for what came of another item.
    for row in further:
        state = item_started(state, key=row.key, now=row.updated_at)
    for row in further:
        attempts_used = _attempts_used(row, item=state.item(row.key))
        if row.status is ItemStatus.COMPLETE and row.artifact is not None and row.artifact.attempt == row.attempt:
            state = item_completed(
                state,
                key=row.key,
                artifact=row.artifact,
                attempts_used=attempts_used,
                spending=Spending(),
                now=row.updated_at,
            )
        elif row.status in (ItemStatus.FAILED, ItemStatus.COMPLETE) and row.error is not None:
            state = item_failed(
                state,
                key=row.key,
                error=row.error,
                attempts_used=attempts_used,
                spending=Spending(),
                now=row.updated_at,
            )
        else:
            under_way[row.key] = UnderWay(
                item=row.key,
                round=row.round,
                attempt_in_round=attempts_used,
                is_running=row.is_running,
                next_attempt_at=row.next_attempt_at,
                error=row.error,
            )
    return state, under_way


def _attempts_used(row: RecordedItem, *, item: ItemState) -> int:
    """Return how many attempts of its round an item has taken, 0 where the state knows as much or better."""
    if item.status.is_settled or row.round != item.round:
        return 0
    return max(0, row.attempt - item.attempts_before_round)


def applicable(under_way: Mapping[str, UnderWay], *, item: ItemState) -> UnderWay | None:
    """Return what is under way for an item, unless the state already knows better."""
    known = under_way.get(item.key)
    if known is None or item.status.is_settled or item.is_stopping or known.round != item.round:
        return None
    return known


def not_interrupted_since(under_way: Mapping[str, UnderWay], *, state: SessionState) -> Mapping[str, UnderWay]:
    """Return what was seen under way shortly before the state was asked for, without what has been cut off meanwhile.

    An item that was interrupted is made again in the same round. The steps that were seen of it are in the revision
    already; counted twice, the version would be too high, and fall with the next look.
    """
    return {key: known for key, known in under_way.items() if not _was_interrupted(known, item=state.item(key))}


def _was_interrupted(known: UnderWay, *, item: ItemState) -> bool:
    if item.status is ItemStatus.PENDING:
        return known.round == item.round
    seen_at = known.began_at or known.next_attempt_at
    return bool(item.handed_out_again_at and seen_at and seen_at < item.handed_out_again_at)
