"""The picture of attempts: every bar where its time is, however long a session slept in between."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.timeline import LEAST_WIDTH, columns_of, in_short, timeline_of
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def entry(
    item: str, attempt: int, *, begin: float, took: float | None, round_number: int = 1, status: str = "complete"
) -> LedgerEntry:
    """Return an attempt that began so many seconds after the start."""
    began = START + timedelta(seconds=begin)
    return LedgerEntry(
        item=item,
        attempt=attempt,
        round=round_number,
        prompt_sha256="0" * 64,
        model="m",
        status=AttemptStatus(status),
        started_at=began,
        ended_at=None if took is None else began + timedelta(seconds=took),
        worker="w:1",
    )


def test_bars_lie_where_their_time_is_and_waits_between_them() -> None:
    """Ten seconds fill the picture: an attempt of two is a fifth of it, and so is the wait that follows."""
    entries = [
        entry("main", 1, begin=0, took=2, status="failed"),
        entry("main", 2, begin=4, took=4),
        entry("lifestyle", 1, begin=0, took=10),
    ]
    picture = timeline_of(entries, items=["lifestyle", "main", "comparison"], now=None)
    assert ["lifestyle", "main"] == [lane.item for lane in picture.lanes]
    lifestyle, main = picture.lanes
    assert [(0, 100)] == [(bar.left, bar.width) for bar in lifestyle.bars]
    assert [(0, 20), (40, 40)] == [(bar.left, bar.width) for bar in main.bars]
    assert [(20, 20)] == [(wait.left, wait.width) for wait in main.waits]
    steps = [("0 s", 0), ("2 s", 20), ("4 s", 40), ("6 s", 60), ("8 s", 80)]
    assert steps == [(tick.elapsed, tick.left) for tick in picture.ticks]
    assert () == tuple(picture.cuts)


def test_the_scale_has_even_steps() -> None:
    """As many as can be read, beginning with the first attempt."""
    picture = timeline_of([entry("main", 1, begin=0, took=60)], items=["main"], now=None)
    assert ["0 s", "10 s", "20 s", "30 s", "40 s", "50 s"] == [tick.elapsed for tick in picture.ticks]


def test_days_in_which_nothing_was_done_are_cut_short() -> None:
    """A retry days later leaves both rounds readable, and says how long the time was that is left out."""
    entries = [
        entry("main", 1, begin=0, took=10, status="failed"),
        entry("main", 2, begin=10 + 3 * 86_400 + 4 * 3600, took=10, round_number=2),
    ]
    picture = timeline_of(entries, items=["main"], now=None)
    assert [("3 d 4 h", 48, 4)] == [(cut.lasted, cut.left, cut.width) for cut in picture.cuts]
    (lane,) = picture.lanes
    assert [(0, 48), (52, 48)] == [(bar.left, bar.width) for bar in lane.bars]
    assert [] == lane.waits, "between rounds nobody waits"
    assert "3 d 4 h" == picture.ticks[-1].elapsed


def test_what_runs_reaches_to_now_and_what_nobody_saw_the_end_of_does_not() -> None:
    """An open entry of a closed session would stretch the picture to today."""
    entries = [entry("main", 1, begin=0, took=5), entry("main", 2, begin=5, took=None, status="running")]
    (lane,) = timeline_of(entries, items=["main"], now=START + timedelta(seconds=20)).lanes
    assert (25, 75) == (lane.bars[1].left, lane.bars[1].width)
    (lane,) = timeline_of(entries, items=["main"], now=None).lanes
    assert 100 - LEAST_WIDTH == lane.bars[1].left
    assert pytest.approx(LEAST_WIDTH) == lane.bars[1].width


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 10**7), st.integers(0, 10**5) | st.none()), max_size=60)
)
def test_nothing_lies_outside_the_picture(attempts: list[tuple[str, int, int | None]]) -> None:
    """Whatever the times are: bars, waits and cuts stay within it, and earlier ones do not lie behind later ones."""
    entries = [
        entry(item, number, begin=begin, took=took, status="uncertain")
        for number, (item, begin, took) in enumerate(attempts, start=1)
    ]
    picture = timeline_of(entries, items=list("abc"), now=START)
    bars = [bar for lane in picture.lanes for bar in lane.bars]
    assert len(entries) == len(bars)
    lengths = [(bar.left, bar.width) for bar in bars] + [(cut.left, cut.width) for cut in picture.cuts]
    lengths += [(wait.left, wait.width) for lane in picture.lanes for wait in lane.waits]
    assert all(-1e-6 <= left <= left + width <= 100 + 1e-6 for left, width in lengths)
    assert all(bar.width >= LEAST_WIDTH - 1e-6 for bar in bars)
    in_order = sorted(bars, key=lambda bar: bar.entry.started_at)
    assert [bar.left for bar in in_order] == sorted(bar.left for bar in in_order)
    columns = columns_of(entries, now=START)
    assert all(layer.top >= -1e-6 for column in columns for layer in column.layers)


def test_columns_count_what_began_when() -> None:
    """The fullest one is as high as the picture, and outcomes stand on each other."""
    entries = [entry("main", number, begin=0, took=1) for number in (1, 2, 3)]
    entries += [entry("main", 4, begin=0, took=1, status="failed"), entry("main", 5, begin=50, took=50)]
    first, second = columns_of(entries, now=None)
    assert [("complete", 25, 75), ("failed", 0, 25)] == [(one.outcome, one.top, one.height) for one in first.layers]
    assert [("complete", 75, 25)] == [(one.outcome, one.top, one.height) for one in second.layers]


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59.6, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (90_000, "1 d 1 h"), (86_400 + 59, "1 d")],
)
def test_times_are_short(seconds: float, words: str) -> None:
    """The two largest units, and nothing that is nought."""
    assert words == in_short(timedelta(seconds=seconds))
