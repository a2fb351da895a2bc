"""SQL of deleted sessions. A mark is never taken back: what comes late of a session must not bring it back either."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.deletions import Deletion
from sessions.statuses import SessionKind
from storage.records.columns import DatabaseNow
from storage.records.deliveries import delete_deliveries
from storage.records.ledger import strip_entries
from storage.records.tables import deletions, sessions
from storage.records.upserts import insert_into


async def delete_session(connection: AsyncConnection, session_id: str, *, kind: SessionKind) -> None:
    """Mark a session as deleted, and delete what is written down of it but the figures that sums are made of."""
    statement = insert_into(deletions, connection=connection).values(deleted_at=DatabaseNow())
    await connection.execute(statement.on_conflict_do_nothing(), {"session_id": session_id, "kind": kind})
    await strip_entries(connection, session_id)
    await delete_deliveries(connection, session_id)
    await connection.execute(delete(sessions).where(sessions.c.id == session_id))


async def is_deleted(connection: AsyncConnection, session_id: str) -> bool:
    """Whether a session was deleted."""
    return await connection.scalar(_of(session_id)) is not None


async def deletion_of(connection: AsyncConnection, session_id: str) -> Deletion | None:
    """Return how far the deletion of a session has come, None where nobody has deleted it."""
    row = (await connection.execute(select(deletions).where(deletions.c.session_id == session_id))).one_or_none()
    return None if row is None else Deletion(**row._asdict())


async def unfinished_deletions(connection: AsyncConnection, *, before: datetime, limit: int) -> Sequence[Deletion]:
    """Return deletions that something is left to do of, the oldest first.

    Those whose removal has not come to its end, and those that are to be gone over once more because they are of
    before a moment.
    """
    statement = (
        select(deletions)
        .where(
            deletions.c.finished_at.is_(None), or_(deletions.c.removed_at.is_(None), deletions.c.deleted_at < before)
        )
        .order_by(deletions.c.deleted_at)
        .limit(limit)
    )
    return tuple(Deletion(**row._asdict()) for row in await connection.execute(statement))


async def note_removed(connection: AsyncConnection, session_id: str, *, is_final: bool) -> None:
    """Note that nothing is left of a session in Temporal and the store, and whether anything can still come."""
    moments: dict[str, ColumnElement[datetime]] = {"removed_at": DatabaseNow()}
    if is_final:
        moments["finished_at"] = DatabaseNow()
    await connection.execute(update(deletions).where(deletions.c.session_id == session_id).values(moments))


def _of(session_id: str) -> Select[Any]:
    return select(deletions.c.session_id).where(deletions.c.session_id == session_id)
