"""Writing sessions and their items down. Everything here can be repeated, and come in any order."""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.ledger import LedgerEntry
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, session_status
from storage.records.ledger import close_abandoned, delete_entries, lines_of, write_line, write_lines
from storage.records.standing import Line, columns_of_ledger, columns_of_state, latest_line, line_of, live_round
from storage.records.tables import items, sessions
from storage.records.upserts import insert_into

# What search looks at. PostgreSQL's indexes take no more than 2,700 bytes.
_SEARCHED_CHARACTERS = 400


async def write_attempt(connection: AsyncConnection, session_id: str, *, line: Line) -> None:
    """Write a ledger line, and show its item and session as they stand after it."""
    if await write_line(connection, session_id, line=line):
        await _follow_ledger(connection, session_id, item=line.entry.item)
        if line.entry.status is AttemptStatus.RUNNING:
            await close_abandoned(connection, session_id)


async def write_session(connection: AsyncConnection, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
    """Write the entries that are missing, and the state unless one as new is there."""
    max_attempts = {item.key: item.attempts_before_round + item.max_attempts for item in state.items}
    lines = [line_of(entry, max_attempts=max_attempts.get(entry.item, entry.attempt)) for entry in entries]
    await write_lines(connection, state.id, lines=lines)
    revision = await connection.scalar(select(sessions.c.revision).where(sessions.c.id == state.id))
    if revision is None or revision < state.revision:
        await _write_state(connection, state)
    else:
        for item in sorted({entry.item for entry in entries}):
            await _follow_ledger(connection, state.id, item=item)
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


async def delete_session(connection: AsyncConnection, session_id: str) -> None:
    """Delete a session with its items and its ledger."""
    await delete_entries(connection, session_id)
    await connection.execute(delete(sessions).where(sessions.c.id == session_id))


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
    await _write_items(connection, state)


async def _write_items(connection: AsyncConnection, state: SessionState) -> None:
    lines = await lines_of(connection, state.id)
    rows: list[dict[str, object]] = []
    has_live_attempts = False
    for position, item in enumerate(state.items):
        row = {"session_id": state.id, "key": item.key, "position": position}
        row |= columns_of_state(item, updated_at=state.updated_at)
        of_item = lines.get(item.key, ())
        if of_item and latest_line(of_item).entry.round >= live_round(item):
            row |= columns_of_ledger(of_item)
            has_live_attempts = True
        rows.append(row)
    statement = insert_into(items, connection=connection)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(items.primary_key),
            set_={column.name: statement.excluded[column.name] for column in items.c if not column.primary_key},
        ),
        rows,
    )
    if has_live_attempts:
        await _follow_items(connection, state.id)


async def _follow_ledger(connection: AsyncConnection, session_id: str, *, item: str) -> None:
    """Show an item as its ledger tells it, if the state does not know better."""
    lines = (await lines_of(connection, session_id, item=item))[item]
    changed = await connection.execute(
        update(items)
        .where(
            items.c.session_id == session_id,
            items.c.key == item,
            items.c.live_round <= latest_line(lines).entry.round,
        )
        .values(columns_of_ledger(lines))
    )
    if changed.rowcount:
        await _follow_items(connection, session_id)


async def _follow_items(connection: AsyncConnection, session_id: str) -> None:
    """Show a session as its items stand, some of which have come further than its state tells."""
    statement = select(items.c.status, items.c.round, items.c.updated_at).where(items.c.session_id == session_id)
    rows = (await connection.execute(statement)).all()
    status = session_status(ItemStatus(row.status) for row in rows)
    updated_at = max(row.updated_at for row in rows)
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(
            status=status,
            round=max(row.round for row in rows),
            updated_at=updated_at,
            settled_at=updated_at if status.is_settled else None,
            closed_at=None,
        )
    )
