"""The picture of a session's attempts: where each one lies in time. Lengths are per cent of the picture's width."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus

LEAST_WIDTH: Final = 0.7
"""Of a bar, so that none is invisible."""

_LEAST_CUT: Final = timedelta(seconds=10)
_CUT_SHARE: Final = 0.5
_CUT_WIDTH: Final = 4.0
_MOST_FOR_CUTS: Final = 30.0
_MOST_TICKS: Final = 6
_TICK_ROOM: Final = 13.0
_STEPS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_COLUMNS: Final = 100
_OUTCOMES: Final = (AttemptStatus.COMPLETE, AttemptStatus.RUNNING, AttemptStatus.UNCERTAIN, AttemptStatus.FAILED)


@dataclass(frozen=True, kw_only=True)
class Span:
    """From when to when something took."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A span in which something was done, and where in the picture it lies."""

    span: Span
    left: float
    width: float

    def at(self, moment: datetime) -> float:
        """Return where a moment lies; one outside lies at the nearer end."""
        whole = (self.span.end - self.span.begin) / timedelta(seconds=1)
        share = (moment - self.span.begin) / timedelta(seconds=1) / whole if whole else 0.0
        return self.left + self.width * min(1.0, max(0.0, share))


@dataclass(frozen=True, kw_only=True)
class Cut:
    """A time in which nothing was done, drawn shorter than it was."""

    left: float
    width: float
    lasted: str


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark on the scale: how long after the first attempt began."""

    left: float
    elapsed: str


@dataclass(frozen=True, kw_only=True)
class Bar:
    """An attempt."""

    entry: LedgerEntry
    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Wait:
    """The time between two attempts of one round."""

    left: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Lane:
    """The attempts at one item."""

    item: str
    bars: Sequence[Bar]
    waits: Sequence[Wait]


@dataclass(frozen=True, kw_only=True)
class Layer:
    """How many attempts of one outcome a column holds: a part of its height, from above, in per cent."""

    outcome: AttemptStatus
    top: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Column:
    """The attempts that began in one part of the time."""

    left: float
    width: float
    layers: Sequence[Layer]


@dataclass(frozen=True, kw_only=True)
class Timeline:
    """The picture: a lane per item, all on one scale."""

    lanes: Sequence[Lane]
    ticks: Sequence[Tick]
    cuts: Sequence[Cut]


def in_short(elapsed: timedelta) -> str:
    """Return a time in its two largest units, to the second."""
    minutes, seconds = divmod(round(elapsed.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    units = [(days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s")]
    largest = next((position for position, (number, _) in enumerate(units) if number), len(units) - 1)
    return " ".join(f"{number} {unit}" for number, unit in units[largest : largest + 2] if number) or "0 s"


class Scale:
    """Where moments lie, with long times left out in which nothing was done."""

    def __init__(self, spans: Iterable[Span]) -> None:
        busy = _merged(spans, gap=timedelta(0))
        whole = sum((span.end - span.begin for span in busy), timedelta(0))
        parts = _merged(busy, gap=max(_LEAST_CUT, whole * _CUT_SHARE))
        cut_width = min(_CUT_WIDTH, _MOST_FOR_CUTS / max(1, len(parts) - 1))
        room = 100.0 - cut_width * (len(parts) - 1)
        lasting = sum((part.end - part.begin for part in parts), timedelta(0)) / timedelta(seconds=1)
        stretches: list[Stretch] = []
        left = 0.0
        for part in parts:
            took = (part.end - part.begin) / timedelta(seconds=1)
            width = room * took / lasting if lasting else room / len(parts)
            stretches.append(Stretch(span=part, left=left, width=width))
            left += width + cut_width
        self.stretches: Sequence[Stretch] = stretches
        self.cuts: Sequence[Cut] = [
            Cut(left=one.left + one.width, width=cut_width, lasted=in_short(other.span.begin - one.span.end))
            for one, other in pairwise(stretches)
        ]

    def at(self, moment: datetime) -> float:
        """Return where a moment lies."""
        if not self.stretches:
            return 0.0
        begun = bisect_right([stretch.span.begin for stretch in self.stretches], moment)
        return self.stretches[max(0, begun - 1)].at(moment)

    def ticks(self) -> Sequence[Tick]:
        """Return the marks: even steps where all is one stretch, else where each one begins that leaves room."""
        if not self.stretches:
            return ()
        first = self.stretches[0]
        lasting = (first.span.end - first.span.begin) / timedelta(seconds=1)
        most = max(1, int(first.width / (100 / _MOST_TICKS)))
        step = next(
            (step for step in _STEPS if lasting / step <= most), _STEPS[-1] * (1 + lasting // _STEPS[-1] // most)
        )
        even = [first.span.begin + timedelta(seconds=step * count) for count in range(int(lasting // step) + 1)]
        if len(self.stretches) > 1:
            # Where a later stretch begins says more than one step further.
            even = [moment for moment in even if self.at(moment) <= self.stretches[1].left - _TICK_ROOM] or even[:1]
        ticks: list[Tick] = []
        for moment in [*even, *(stretch.span.begin for stretch in self.stretches[1:])]:
            left = self.at(moment)
            if left <= 100 - _TICK_ROOM / 2 and (not ticks or left - ticks[-1].left >= _TICK_ROOM):
                ticks.append(Tick(left=left, elapsed=in_short(moment - first.span.begin)))
        return ticks


def span_of(entry: LedgerEntry, *, now: datetime | None) -> Span:
    """Return when an attempt ran. ``now``: until when one runs that has not ended, None where none can be running.

    Of an attempt that nobody saw the end of only its beginning is known.
    """
    end = entry.ended_at
    if end is None and entry.status is AttemptStatus.RUNNING:
        end = now
    return Span(begin=entry.started_at, end=max(entry.started_at, end or entry.started_at))


def timeline_of(entries: Sequence[LedgerEntry], *, items: Sequence[str], now: datetime | None) -> Timeline:
    """Return the picture of some attempts.

    Args:
        entries: the attempts.
        items: keys of the items in the order of their lanes. One without an attempt has none.
        now: until when those run that have not ended, None where none can be running.
    """
    scale = Scale(span_of(entry, now=now) for entry in entries)
    by_item: dict[str, list[LedgerEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.attempt):
        by_item.setdefault(entry.item, []).append(entry)
    lanes = [_lane(item, entries=by_item[item], scale=scale, now=now) for item in items if item in by_item]
    return Timeline(lanes=lanes, ticks=scale.ticks(), cuts=scale.cuts)


def columns_of(entries: Sequence[LedgerEntry], *, now: datetime | None) -> Sequence[Column]:
    """Return a picture of any number of attempts: how many began when, and what became of them."""
    scale = Scale(span_of(entry, now=now) for entry in entries)
    counted: dict[int, dict[AttemptStatus, int]] = {}
    for entry in entries:
        column = min(_COLUMNS - 1, int(scale.at(entry.started_at) / 100 * _COLUMNS))
        outcomes = counted.setdefault(column, {})
        outcomes[entry.status] = outcomes.get(entry.status, 0) + 1
    most = max((sum(outcomes.values()) for outcomes in counted.values()), default=1)
    width = 100 / _COLUMNS
    return [
        Column(left=column * width, width=width, layers=_layers(outcomes, most=most))
        for column, outcomes in sorted(counted.items())
    ]


def _layers(outcomes: dict[AttemptStatus, int], *, most: int) -> Sequence[Layer]:
    layers: list[Layer] = []
    top = 100.0
    for outcome in _OUTCOMES:
        if number := outcomes.get(outcome):
            height = 100 * number / most
            top -= height
            layers.append(Layer(outcome=outcome, top=top, height=height))
    return layers


def _lane(item: str, *, entries: Sequence[LedgerEntry], scale: Scale, now: datetime | None) -> Lane:
    bars = [_bar(entry, scale=scale, now=now) for entry in entries]
    waits = []
    for one, other in pairwise(bars):
        left, right = one.left + one.width, other.left
        if one.entry.round == other.entry.round and right > left:
            waits.append(Wait(left=left, width=right - left))
    return Lane(item=item, bars=bars, waits=waits)


def _bar(entry: LedgerEntry, *, scale: Scale, now: datetime | None) -> Bar:
    span = span_of(entry, now=now)
    left = min(scale.at(span.begin), 100 - LEAST_WIDTH)
    return Bar(entry=entry, left=left, width=max(LEAST_WIDTH, scale.at(span.end) - left))


def _merged(spans: Iterable[Span], *, gap: timedelta) -> list[Span]:
    """Return spans in order, those made one that lie no further apart than so much."""
    merged: list[Span] = []
    for span in sorted(spans, key=lambda span: span.begin):
        if merged and span.begin - merged[-1].end <= gap:
            merged[-1] = Span(begin=merged[-1].begin, end=max(merged[-1].end, span.end))
        else:
            merged.append(span)
    return merged
