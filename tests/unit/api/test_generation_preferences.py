from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.prefer import Preferences, preferences_in

NOTHING = Preferences(patience=None, applied=None)
AT_ONCE = Preferences(patience=timedelta(0), applied="respond-async")


def waiting(seconds: int, applied: str | None = None) -> Preferences:
    return Preferences(patience=timedelta(seconds=seconds), applied=applied or f"wait={seconds}")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([], NOTHING),
        (["respond-async"], AT_ONCE),
        (["Respond-Async"], AT_ONCE),
        (["return=minimal, respond-async"], AT_ONCE),
        (["return=minimal", "respond-async"], AT_ONCE),
        ([' foo="a, wait=3; b" ; bar=baz , respond-async;x'], AT_ONCE),
        (["respond-async=yes"], NOTHING),
        (["wait=10"], waiting(10)),
        (["WAIT = 10"], waiting(10)),
        (['wait="10"'], waiting(10)),
        (["wait=0"], waiting(0)),
        (["wait=10, wait=20"], waiting(10)),
        (["respond-async, wait=10"], waiting(10, "respond-async, wait=10")),
        (["wait"], NOTHING),
        (["wait=soon"], NOTHING),
        (["wait=-1"], NOTHING),
        (["wait=1.5"], NOTHING),
        (["wait=99999999999999999999"], NOTHING),
        (["wait=", "respond-async"], AT_ONCE),
        (["(), respond-async"], AT_ONCE),
        ([",,;= wait=3, respond-async"], AT_ONCE),
        (['wait="10'], NOTHING),
    ],
)
def test_preferences(headers: list[str], expected: Preferences) -> None:
    """What RFC 7240 allows is heeded, the first of each name; what it does not is passed over."""
    assert expected == preferences_in(headers)


def test_a_wait_of_ages_is_a_long_one() -> None:
    """A number of seconds that no clock can hold does no harm."""
    assert timedelta(days=365) == preferences_in(["wait=9999999999"]).patience


@given(st.lists(st.text(alphabet='wait=9, ;"\\respond-async()', max_size=60), max_size=3))
def test_nothing_is_too_malformed(headers: list[str]) -> None:
    """Any header at all is read, and quickly."""
    assert preferences_in(headers)
