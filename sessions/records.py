"""The records as readers see them: what was written down of sessions and their attempts."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sessions.ledger import LedgerEntry
from sessions.model import Value
from sessions.money import Spending
from sessions.progress import RecordedItem
from sessions.state import SessionState
from sessions.statuses import SessionKind, SessionStatus


class SessionRecord(Value):
    """A session as it was last written down.

    ``items`` are those that may have come further than the state tells, by what their attempts have recorded since.
    ``start`` is the workflow's input without its state, as JSON; a session that has closed is started again from it.
    ``request_sha256`` tells a repeated request from a different one. ``spending`` is summed over the ledger.
    """

    state: SessionState
    items: tuple[RecordedItem, ...] = ()
    spending: Spending = Spending()
    request_sha256: str | None = None
    start: str | None = None

    @property
    def last_change(self) -> datetime:
        """When the session, or one of its items, was last heard of."""
        return max([self.state.updated_at, *(item.updated_at for item in self.items)])


class SessionPage(Value):
    """Sessions, newest first, and where the next page begins (None on the last one)."""

    sessions: tuple[SessionRecord, ...]
    next_cursor: str | None


class AttemptChange(Value):
    """A ledger entry that was written or changed."""

    session_id: str
    item: str
    attempt: int
    updated_at: datetime


class InvalidCursorError(ValueError):
    """The cursor did not come from a page of this list. Leave it out to begin with the newest session."""


class RecordsOutOfReachError(Exception):
    """The database does not answer."""


class SessionRecords(Protocol):
    """The records as services need them.

    Every method raises `RecordsOutOfReachError` while the database does not answer.
    """

    async def create_session(self, state: SessionState, *, request_sha256: str, start: str) -> None:
        """Write down a session that was just started. Safe to repeat."""
        ...

    async def record_session(self, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
        """Write a session's state; an older revision never replaces a newer one."""
        ...

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return a session, or None where there is no such one."""
        ...

    async def sessions(
        self,
        *,
        kind: SessionKind | None,
        status: SessionStatus | None,
        query: str | None,
        limit: int,
        cursor: str | None,
    ) -> SessionPage:
        """Return a page of sessions, newest first.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        ...

    async def is_deleted(self, session_id: str) -> bool:
        """Whether somebody has deleted a session. What is told of it is dropped, and nothing is returned of it."""
        ...

    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]:
        """Return a session's ledger, oldest first."""
        ...

    async def attempt(self, session_id: str, *, item: str, attempt: int) -> LedgerEntry | None:
        """Return one ledger entry, or None."""
        ...

    async def clock(self) -> datetime:
        """Return the moment by the clock that changes are stamped with."""
        ...

    async def changed_since(self, moment: datetime, *, limit: int) -> Sequence[AttemptChange]:
        """Return the ledger entries that were written or changed at or after a moment, the oldest first."""
        ...
