"""When a session will be ready, told from how long attempts have taken. Pure, so that it can be held to account."""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import Final

from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.progress import UnderWay
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind
from sessions.stories import OUTLINE, part_number_of

_LEAST_REMAINING: Final = timedelta(seconds=1)
"""Of an attempt that has taken longer than usual already, and may end any moment."""


class AttemptDuration(Value):
    """How long an attempt took that succeeded."""

    item: str
    took: timedelta


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """How a session's attempts stand in time.

    ``ready_at`` is when all of it is expected to be ready, None where nothing can be said. ``began_at`` tells since
    when attempts run, ``took`` how long the attempt took that counts, each by item.
    """

    ready_at: datetime | None
    began_at: Mapping[str, datetime]
    took: Mapping[str, timedelta]


NO_OUTLOOK: Final = Outlook(ready_at=None, began_at={}, took={})


def durations_of(entries: Sequence[LedgerEntry]) -> tuple[AttemptDuration, ...]:
    """Return how long the attempts of a ledger took that succeeded."""
    return tuple(
        AttemptDuration(item=entry.item, took=entry.ended_at - entry.started_at)
        for entry in entries
        if entry.status is AttemptStatus.COMPLETE and entry.ended_at is not None
    )


def outlook_of(
    state: SessionState,
    *,
    under_way: Mapping[str, UnderWay],
    entries: Sequence[LedgerEntry],
    elsewhere: Sequence[AttemptDuration],
    now: datetime,
) -> Outlook:
    """Return how a session's attempts stand in time.

    Args:
        state: the session.
        under_way: which attempts are under way, by item.
        entries: its ledger.
        elsewhere: how long attempts with the same model took in other sessions; they stand in for what this session
            has not measured itself.
        now: the moment from which it is reckoned.
    """
    running = {entry.item: entry.started_at for entry in entries if entry.status is AttemptStatus.RUNNING}
    running |= {item: known.began_at for item, known in under_way.items() if known.is_running and known.began_at}
    counts = {item.key: item.artifact.attempt for item in state.items if item.artifact is not None}
    took = {
        entry.item: entry.ended_at - entry.started_at
        for entry in entries
        if entry.ended_at is not None and counts.get(entry.item) == entry.attempt
    }
    typical = _typical(durations_of(entries), elsewhere=elsewhere, kind=state.kind)
    return Outlook(
        ready_at=_ready_at(state, under_way=under_way, running=running, typical=typical, now=now),
        began_at=running,
        took=took,
    )


def _typical(
    own: Sequence[AttemptDuration], *, elsewhere: Sequence[AttemptDuration], kind: SessionKind
) -> Mapping[str, timedelta]:
    """Return how long an attempt takes, by what is made."""
    measured: dict[str, list[timedelta]] = {}
    for durations in (own, elsewhere):
        known = set(measured)
        for duration in durations:
            if (what := _what(duration.item, kind=kind)) not in known:
                measured.setdefault(what, []).append(duration.took)
    return {
        what: timedelta(seconds=median(took.total_seconds() for took in durations))
        for what, durations in measured.items()
    }


def _what(item: str, *, kind: SessionKind) -> str:
    if kind is SessionKind.IMAGES:
        return "image"
    return OUTLINE if item == OUTLINE else "part" if part_number_of(item) is not None else "set"


def _ready_at(
    state: SessionState,
    *,
    under_way: Mapping[str, UnderWay],
    running: Mapping[str, datetime],
    typical: Mapping[str, timedelta],
    now: datetime,
) -> datetime | None:
    """Return when the last item is ready, if each succeeds with its next attempt and as many are made at once as now.

    Nothing is said of a session that waits for somebody.
    """
    if state.status.is_settled or state.is_paused or state.awaits_approval or state.waits_for_budget:
        return None
    if state.held_until is not None:
        return None
    ends: list[datetime] = []
    begin = now
    for stage in sorted({item.stage for item in state.items if not item.status.is_settled}):
        unfinished = [item for item in state.items if item.stage == stage and not item.status.is_settled]
        if any(_what(item.key, kind=state.kind) not in typical for item in unfinished):
            return None
        handed_out = [item for item in unfinished if item.status is ItemStatus.PROCESSING]
        at_work = [
            _end_of(item, state=state, under_way=under_way, running=running, typical=typical, begin=begin)
            for item in handed_out
        ]
        waiting = len(unfinished) - len(handed_out)
        ends = _queued(at_work, waiting=waiting, takes=_takes(unfinished[0], state=state, typical=typical), begin=begin)
        begin = max(ends)
    return max(ends, default=None)


def _takes(item: ItemState, *, state: SessionState, typical: Mapping[str, timedelta]) -> timedelta:
    return typical[_what(item.key, kind=state.kind)]


def _end_of(
    item: ItemState,
    *,
    state: SessionState,
    under_way: Mapping[str, UnderWay],
    running: Mapping[str, datetime],
    typical: Mapping[str, timedelta],
    begin: datetime,
) -> datetime:
    takes = _takes(item, state=state, typical=typical)
    known = under_way.get(item.key)
    if known is not None and known.next_attempt_at is not None:
        return max(begin, known.next_attempt_at) + takes
    if (began_at := running.get(item.key)) is not None:
        return max(begin + _LEAST_REMAINING, began_at + takes)
    return begin + takes


def _queued(at_work: Sequence[datetime], *, waiting: int, takes: timedelta, begin: datetime) -> list[datetime]:
    """Return when all are done, if whoever is done first takes the next one."""
    # Where nobody is at work yet, all can be taken at once for all that is known.
    workers = list(at_work) or [begin] * waiting
    heapq.heapify(workers)
    for _ in range(waiting):
        heapq.heapreplace(workers, workers[0] + takes)
    return workers
