"""Reading sessions: one, a page of them, and how many there are.

States and artifacts come as the texts that they are stored as: to parse those of a page of large sessions takes
longer than a transaction, or the event loop, has time for.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, String, func, select, tuple_, type_coerce
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.artifacts import Artifact
from sessions.errors import ErrorClass, ItemError
from sessions.money import Spending
from sessions.progress import RecordedItem
from sessions.records import SessionPage, SessionRecord
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus
from storage.records.cursors import Place, cursor_of, place_of
from storage.records.ledger import spending_of
from storage.records.tables import attempts, items, sessions

_STATE = type_coerce(sessions.c.state, String).label("state")
_ITEM: Sequence[ColumnElement[Any]] = (
    *(items.c.session_id, items.c.key, items.c.status, items.c.attempt, items.c.round, items.c.is_running),
    *(items.c.error_type, items.c.error_message, items.c.error_advice, items.c.updated_at),
    type_coerce(items.c.artifact, String).label("artifact"),
)


@dataclass(frozen=True, kw_only=True)
class SessionCount:
    """How many sessions of one kind have one status."""

    kind: SessionKind
    status: SessionStatus
    count: int


@dataclass(frozen=True, kw_only=True)
class AttemptCount:
    """How many attempts have one status and class of error."""

    status: AttemptStatus
    error_type: ErrorClass | None
    count: int


@dataclass(frozen=True, kw_only=True)
class StoredSession:
    """A session as it was read. ``items`` are the rows of those that its state does not tell all of."""

    state: str
    items: Sequence[Row[Any]]
    spending: Spending
    request_sha256: str | None
    start: str | None = None

    def parsed(self) -> SessionRecord:
        """Return what that says. Takes some milliseconds where there are a thousand items."""
        return SessionRecord(
            state=SessionState.model_validate_json(self.state),
            items=tuple(_item(row) for row in self.items),
            spending=self.spending,
            request_sha256=self.request_sha256,
            start=self.start,
        )


@dataclass(frozen=True, kw_only=True)
class StoredPage:
    """A page of sessions as it was read."""

    sessions: Sequence[StoredSession]
    next_cursor: str | None

    def parsed(self) -> SessionPage:
        """Return what that says. Takes up to seconds where the sessions are large."""
        return SessionPage(sessions=tuple(session.parsed() for session in self.sessions), next_cursor=self.next_cursor)


@dataclass(frozen=True, kw_only=True)
class FoundPage:
    """Which sessions are on a page."""

    session_ids: Sequence[str]
    next_cursor: str | None


async def read_session(connection: AsyncConnection, session_id: str) -> StoredSession | None:
    """Return a session with what it was started with, or None."""
    statement = select(_STATE, sessions.c.request_sha256, sessions.c.start).where(sessions.c.id == session_id)
    row = (await connection.execute(statement)).one_or_none()
    if row is None:
        return None
    recorded = await _items_of(connection, [session_id])
    spending = await spending_of(connection, [session_id])
    return StoredSession(
        state=row.state,
        items=recorded.get(session_id, ()),
        spending=spending.get(session_id, Spending()),
        request_sha256=row.request_sha256,
        start=row.start,
    )


async def read_page(
    connection: AsyncConnection,
    *,
    kind: SessionKind | None,
    status: SessionStatus | None,
    query: str | None,
    limit: int,
    cursor: str | None,
) -> StoredPage:
    """Return a page of sessions, newest first, without what they were started with.

    Raises:
        InvalidCursorError: the cursor is not one of this list.
    """
    page = await found_page(connection, kind=kind, status=status, query=query, limit=limit, cursor=cursor)
    return StoredPage(sessions=await _stored(connection, page.session_ids), next_cursor=page.next_cursor)


async def found_page(
    connection: AsyncConnection,
    *,
    kind: SessionKind | None,
    status: SessionStatus | None,
    query: str | None,
    limit: int,
    cursor: str | None,
) -> FoundPage:
    """Return which sessions are on a page, newest first.

    Raises:
        InvalidCursorError: the cursor is not one of this list.
    """
    order = (sessions.c.created_at, sessions.c.id)
    statement = select(*order).order_by(*(column.desc() for column in order)).limit(limit + 1)
    if kind is not None:
        statement = statement.where(sessions.c.kind == kind)
    if status is not None:
        statement = statement.where(sessions.c.status == status)
    if query:
        if "\0" in query:  # PostgreSQL refuses to look for what no text can hold
            return FoundPage(session_ids=(), next_cursor=None)
        statement = statement.where(sessions.c.title_folded.contains(query.casefold(), autoescape=True))
    if cursor is not None:
        place = place_of(cursor)
        statement = statement.where(tuple_(*order) < tuple_(place.created_at, place.session_id))
    rows = (await connection.execute(statement)).all()
    shown = rows[:limit]
    is_last = len(rows) <= limit
    return FoundPage(
        session_ids=tuple(row.id for row in shown),
        next_cursor=None if is_last else cursor_of(Place(created_at=shown[-1].created_at, session_id=shown[-1].id)),
    )


async def _stored(connection: AsyncConnection, session_ids: Sequence[str]) -> Sequence[StoredSession]:
    if not session_ids:
        return ()
    statement = select(sessions.c.id, _STATE, sessions.c.request_sha256).where(sessions.c.id.in_(session_ids))
    rows = {row.id: row for row in await connection.execute(statement)}
    recorded = await _items_of(connection, session_ids)
    spending = await spending_of(connection, session_ids)
    return tuple(
        StoredSession(
            state=rows[session_id].state,
            items=recorded.get(session_id, ()),
            spending=spending.get(session_id, Spending()),
            request_sha256=rows[session_id].request_sha256,
        )
        for session_id in session_ids
    )


async def _items_of(connection: AsyncConnection, session_ids: Sequence[str]) -> Mapping[str, Sequence[Row[Any]]]:
    """Return rows, by session: of the items that attempts may have brought further than the session's state tells.

    The others stand in the state as they are. Of a session of a thousand items they would take most of the time.
    """
    statement = (
        select(*_ITEM)
        .where(
            items.c.session_id.in_(session_ids),
            items.c.live_round <= items.c.round,
            items.c.status != ItemStatus.PENDING,
        )
        .order_by(items.c.session_id, items.c.position)
    )
    recorded: dict[str, list[Row[Any]]] = {}
    for row in await connection.execute(statement):
        recorded.setdefault(row.session_id, []).append(row)
    return recorded


def _item(row: Row[Any]) -> RecordedItem:
    error = None
    if row.error_type is not None:
        error = ItemError(type=row.error_type, message=row.error_message, advice=row.error_advice)
    return RecordedItem(
        key=row.key,
        status=ItemStatus(row.status),
        attempt=row.attempt,
        round=row.round,
        is_running=row.is_running,
        error=error,
        artifact=Artifact.model_validate_json(row.artifact) if row.artifact else None,
        updated_at=row.updated_at,
    )


async def count_sessions(connection: AsyncConnection) -> Sequence[SessionCount]:
    """Count sessions by kind and status."""
    columns = (sessions.c.kind, sessions.c.status)
    rows = await connection.execute(select(*columns, func.count()).group_by(*columns))
    return [
        SessionCount(kind=SessionKind(kind), status=SessionStatus(status), count=count) for kind, status, count in rows
    ]


async def count_attempts(connection: AsyncConnection) -> Sequence[AttemptCount]:
    """Count attempts by status and class of error."""
    columns = (attempts.c.status, attempts.c.error_type)
    rows = await connection.execute(select(*columns, func.count()).group_by(*columns))
    return [
        AttemptCount(
            status=AttemptStatus(status), error_type=ErrorClass(error_type) if error_type else None, count=count
        )
        for status, error_type, count in rows
    ]
