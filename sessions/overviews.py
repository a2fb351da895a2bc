"""Sessions as a list shows them: a few figures and pictures each, however many items they have."""

from datetime import datetime
from typing import Final, Protocol

from sessions.model import Value
from sessions.statuses import SessionKind, SessionStatus
from sessions.view import CostView, Counts

MOST_THUMBNAILS: Final = 6


class Thumbnail(Value):
    """A picture of a session: the version of an item that counts. Sizes are pixels, of the whole picture."""

    item: str
    label: str
    attempt: int
    width: int | None
    height: int | None


class SessionOverview(Value):
    """A session as a list shows it. ``thumbnails`` are its first pictures, in the order of its items."""

    id: str
    title: str
    kind: SessionKind
    status: SessionStatus
    paused: bool
    counts: Counts
    created_at: datetime
    cost_usd: CostView
    thumbnails: tuple[Thumbnail, ...]


class OverviewPage(Value):
    """A page of sessions, newest first, and where the next one begins (None on the last)."""

    sessions: tuple[SessionOverview, ...]
    next_cursor: str | None


class OverviewRecords(Protocol):
    """The records as lists need them. Raises `RecordsOutOfReachError` while they do not answer."""

    async def overviews(
        self,
        *,
        kind: SessionKind | None,
        status: SessionStatus | None,
        query: str | None,
        limit: int,
        cursor: str | None,
    ) -> OverviewPage:
        """Return a page of sessions, newest first.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        ...

    async def list_marker(self) -> str:
        """Return a text that changes when anything does that a list of sessions shows."""
        ...
