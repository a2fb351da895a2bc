"""Writing sessions and their items down. Everything here can be repeated, and come in any order.

What is told of a session that was deleted is dropped: a worker may not have heard of that yet.
"""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.ledger import LedgerEntry
from sessions.state import SessionState
from sessions.statuses import AttemptStatus
from storage.records.deletions import is_deleted
from storage.records.following import follow_ledger, write_items
from storage.records.ledger import close_abandoned, write_line, write_lines
from storage.records.overviews import write_overview
from storage.records.standing import Line, line_of
from storage.records.tables import sessions
from storage.records.upserts import insert_into

# What search looks at. PostgreSQL's indexes take no more than 2,700 bytes.
_SEARCHED_CHARACTERS = 400


async def write_attempt(connection: AsyncConnection, session_id: str, *, line: Line) -> None:
    """Write a ledger line, and show its item and session as they stand after it."""
    if await is_deleted(connection, session_id):
        return
    if await write_line(connection, session_id, line=line):
        await follow_ledger(connection, session_id, keys=[line.entry.item])
        if line.entry.status is AttemptStatus.RUNNING:
            await close_abandoned(connection, session_id, item=line.entry.item)


async def write_session(connection: AsyncConnection, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
    """Write the entries that are missing, and the state unless one as new is there."""
    if await is_deleted(connection, state.id):
        return
    max_attempts = {item.key: item.attempts_before_round + item.max_attempts for item in state.items}
    lines = [line_of(entry, max_attempts=max_attempts.get(entry.item, entry.attempt)) for entry in entries]
    await write_lines(connection, state.id, lines=lines)
    revision = await connection.scalar(select(sessions.c.revision).where(sessions.c.id == state.id))
    if revision is None or revision < state.revision:
        await _write_state(connection, state)
    else:
        await follow_ledger(connection, state.id, keys=sorted({entry.item for entry in entries}))
    await close_abandoned(connection, state.id)


async def write_new_session(
    connection: AsyncConnection, state: SessionState, *, request_sha256: str, start: str
) -> None:
    """Write a session that was just started, and what it was started with, unless an attempt's report came first."""
    await write_session(connection, state, entries=())
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == state.id, sessions.c.start.is_(None))
        .values(request_sha256=request_sha256, start=start)
    )


async def _write_state(connection: AsyncConnection, state: SessionState) -> None:
    statement = insert_into(sessions, connection=connection)
    columns = {
        "kind": state.kind,
        "tenant": state.tenant,
        "title": state.title,
        "title_folded": state.title.casefold()[:_SEARCHED_CHARACTERS],
        "status": state.status,
        "round": state.round,
        "revision": state.revision,
        "created_at": state.created_at,
        "updated_at": state.updated_at,
        "settled_at": state.settled_at,
        "closed_at": state.closed_at,
        "state": state,
    }
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(sessions.primary_key), set_={name: statement.excluded[name] for name in columns}
        ),
        {"id": state.id, **columns},
    )
    await write_overview(connection, state)
    await write_items(connection, state)
