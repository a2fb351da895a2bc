"""Periods over which costs are summed up."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.costs import InvalidPeriodError, Period, boundary_of, period_of

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def utc(year: int, month: int, day: int, hour: int = 0) -> datetime:
    return datetime(year, month, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("begin", "end", "expected"),
    [
        (None, None, (utc(2026, 11, 1), utc(2026, 12, 1))),
        ("2026-11-20", None, (utc(2026, 11, 20), utc(2026, 12, 1))),
        (None, "2026-02-28", (utc(2026, 2, 1), utc(2026, 3, 1))),
        (None, "2025-12-01T00:00:00Z", (utc(2025, 11, 1), utc(2025, 12, 1))),
        ("2026-11-20", "2026-11-20", (utc(2026, 11, 20), utc(2026, 11, 21))),
        ("2026-11-20T10:00:00+02:00", "2026-11-20T11:00:00.000Z", (utc(2026, 11, 20, 8), utc(2026, 11, 20, 11))),
        ("2026-11-20T10:00:00 02:00", "2026-11-20t11:00:00z", (utc(2026, 11, 20, 8), utc(2026, 11, 20, 11))),
    ],
)
def test_a_day_is_included_and_a_moment_is_not(
    begin: str | None, end: str | None, expected: tuple[datetime, datetime]
) -> None:
    """Through a day means to its end; until a moment means without it. What is left out is filled up to months."""
    assert Period(begin=expected[0], end=expected[1]) == period_of(begin, end, now=NOW)


def test_december_ends_with_the_year() -> None:
    """Months are counted across years."""
    assert utc(2027, 1, 1) == period_of(None, None, now=utc(2026, 12, 31, 23)).end


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("2026-11-21", "2026-11-20"),
        ("2026-11-20T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("2026-12-01", None),
        ("2026-11-21T00:00:00Z", "2026-11-20"),
    ],
)
def test_a_period_of_nothing_is_refused(begin: str, end: str | None) -> None:
    """A period that ends before it begins is a mistake and not a sum of nothing."""
    with pytest.raises(InvalidPeriodError, match="earlier than to"):
        period_of(begin, end, now=NOW)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "today",
            "2026-11",
            "2026-13-01",
            "2026-02-29",
            "20261121",
            "2026-11-21T10:00:00",
            "2026-11-21 10:00:00Z",
        ),
        *("2026-11-21T24:00:00Z", "2026-11-21T10:00:60Z", "1969-12-31", "9999-12-31", "0001-01-01T00:00:00+14:00"),
        *("٢٠٢٦-١١-٢١", "2026-11-21T10:00:00+25:00", "2026-11-21Z", "2026-W47-6"),
    ],
)
def test_what_is_no_day_and_no_moment_is_refused(text: str) -> None:
    """A moment without a time zone could be any of 26 hours."""
    with pytest.raises(ValueError, match="must"):
        boundary_of(text)


@given(st.text(max_size=40))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """Nothing else is raised, whatever is sent."""
    try:
        boundary = boundary_of(text)
    except ValueError:
        return
    assert boundary.after - boundary.first in (timedelta(0), timedelta(days=1))


@given(st.timedeltas(timedelta(0), timedelta(days=365 * 8000)).map(lambda age: utc(1970, 1, 1) + age))
def test_a_moment_survives_being_written(moment: datetime) -> None:
    """What RFC 3339 writes is read back to the microsecond."""
    assert moment == boundary_of(moment.isoformat(timespec="microseconds")).first
