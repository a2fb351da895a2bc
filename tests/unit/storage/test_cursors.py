"""Cursors: a place goes out as a text and comes back as the same place; nothing else is taken for one."""

import base64
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sessions.identifiers import new_session_id
from sessions.records import InvalidCursorError
from storage.records.cursors import Place, cursor_of, place_of

PLACES = st.builds(
    lambda created_at: Place(created_at=created_at, session_id=new_session_id()), st.datetimes(timezones=st.just(UTC))
)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@given(place=PLACES)
def test_there_and_back(place: Place) -> None:
    """A place survives the way through a URL, to the microsecond."""
    cursor = cursor_of(place)

    assert place == place_of(cursor)
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "made-up",
        "ünï",
        "a\0b",
        "=" * 9,
        "A" * 100_000,
        encoded("2026-11-21T09:00:00+00:00"),
        encoded("2026-11-21T09:00:00 ses-aaaaaaaaaaaaaaaa"),
        encoded("2026-11-21T09:00:00+00:00 ses-short"),
        encoded("2026-11-21T09:00:00+00:00 ses-aaaaaaaaaaaaaaaa extra"),
        encoded("yesterday ses-aaaaaaaaaaaaaaaa"),
    ],
)
def test_made_up(cursor: str) -> None:
    """A text that is no cursor is refused, with advice."""
    with pytest.raises(InvalidCursorError, match="Leave it out"):
        place_of(cursor)


@given(text=st.text())
def test_anything(text: str) -> None:
    """Whatever is sent, the answer is a place or the one refusal."""
    try:
        place_of(text)
    except InvalidCursorError:
        return
