from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7d", timedelta(days=7)),
        ("90s", timedelta(seconds=90)),
        ("5m", timedelta(minutes=5)),
        ("1h30m", timedelta(minutes=90)),
        ("1h 30m", timedelta(minutes=90)),
        ("1.5S", timedelta(seconds=1.5)),
        ("250ms", timedelta(milliseconds=250)),
        ("0s", timedelta(0)),
    ],
)
def test_a_duration_reads_as_people_write_it(text: str, expected: timedelta) -> None:
    """Numbers with units, in any case, with or without spaces, are the duration they look like."""
    assert expected == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "7", "d", "-3d", "3x", "30m1h", "1h1h", "1..5s", "1e3s", "P7D", "7d!", "9" * 12 + "d"]
)
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    """What is not a duration is refused, and the refusal shows one."""
    with pytest.raises(ValueError, match="1h30m"):
        parse_duration(text)


@given(days=st.integers(0, 999), hours=st.integers(0, 23), minutes=st.integers(0, 59), seconds=st.integers(0, 59))
def test_whole_units_add_up(days: int, hours: int, minutes: int, seconds: int) -> None:
    """Parts in the order of their size add up."""
    expected = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    assert expected == parse_duration(f"{days}d{hours}h{minutes}m{seconds}s")


@given(st.text(max_size=20))
def test_no_text_breaks_the_parser(text: str) -> None:
    """Any text is either a duration or a ValueError."""
    with suppress(ValueError):
        assert timedelta(0) <= parse_duration(text)
