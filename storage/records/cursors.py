"""Cursors: the place in the list of sessions after which the next page begins."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from sessions.identifiers import is_session_id
from sessions.records import InvalidCursorError


@dataclass(frozen=True, kw_only=True)
class Place:
    """The last session of a page. Sessions are never renumbered, so the place holds while new ones come in."""

    created_at: datetime
    session_id: str


def cursor_of(place: Place) -> str:
    """Return a place as the text that a client hands back."""
    return base64.urlsafe_b64encode(f"{place.created_at.isoformat()} {place.session_id}".encode()).decode().rstrip("=")


def place_of(cursor: str) -> Place:
    """Return the place that a cursor stands for.

    Raises:
        InvalidCursorError: `cursor_of` did not make it.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        moment, _, session_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        place = Place(created_at=datetime.fromisoformat(moment), session_id=session_id)
    except (ValueError, binascii.Error) as error:
        raise InvalidCursorError(_ADVICE) from error
    if place.created_at.tzinfo is None or not is_session_id(session_id):
        raise InvalidCursorError(_ADVICE)
    return place


_ADVICE = "The cursor did not come from a page of this list. Leave it out to begin with the newest session."
