"""How items and sessions are shown: as their state tells, brought up to date by their ledger.

A ledger entry takes the same work in a session of a thousand items as in one of five, so nothing here reads a session's
items or its state for it.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.state import SessionState
from sessions.statuses import ItemStatus, session_status
from storage.records.ledger import latest_rounds_of, lines_of, live_lines_of
from storage.records.standing import Columns, Line, columns_of_ledger, columns_of_state, latest_line, live_round
from storage.records.tables import items, sessions
from storage.records.upserts import insert_into

# Not a column's name: those stand for the new values.
_KEY = "key_of_item"
# Written once. SQLite writes the index of a column that is set, whether or not that changes it.
_FIXED = ("session_id", "key", "position")


async def write_items(connection: AsyncConnection, state: SessionState) -> None:
    """Write the items of a state, and show those that have come further than it tells as their ledger tells them."""
    lines = await _live_lines(connection, state)
    rows: list[dict[str, object]] = []
    for position, item in enumerate(state.items):
        row = {"session_id": state.id, "key": item.key, "position": position}
        row |= columns_of_state(item, updated_at=state.updated_at)
        if item.key in lines:
            row |= columns_of_ledger(lines[item.key])
        rows.append(row)
    statement = insert_into(items, connection=connection)
    await connection.execute(
        statement.on_conflict_do_update(
            index_elements=list(items.primary_key),
            set_={column.name: statement.excluded[column.name] for column in items.c if column.name not in _FIXED},
        ),
        rows,
    )
    if lines:
        await _follow_items(connection, state.id, round_number=_last_round(lines))


async def _live_lines(connection: AsyncConnection, state: SessionState) -> Mapping[str, Sequence[Line]]:
    """Return the lines, by item, of those items that have come further than the state tells: hardly ever many."""
    rounds = await latest_rounds_of(connection, state.id)
    live = [item.key for item in state.items if rounds.get(item.key, 0) >= live_round(item)]
    return await lines_of(connection, state.id, keys=live) if live else {}


async def follow_ledger(connection: AsyncConnection, session_id: str, *, keys: Sequence[str]) -> None:
    """Show items as their ledger tells them, where the state does not know better.

    However many they are, it takes the same few statements: to a server elsewhere each of them is a journey.
    """
    lines = await live_lines_of(connection, session_id, keys=keys) if keys else {}
    if lines:
        await _update_items(connection, session_id, lines=lines)
        await _follow_items(connection, session_id, round_number=_last_round(lines))


async def _update_items(connection: AsyncConnection, session_id: str, *, lines: Mapping[str, Sequence[Line]]) -> None:
    """Show items as their lines tell them: of each the same columns, but for those that only a result tells."""
    alike: dict[frozenset[str], list[Columns]] = {}
    for key, of_item in lines.items():
        columns = columns_of_ledger(of_item)
        alike.setdefault(frozenset(columns), []).append({_KEY: key, **columns})
    statement = update(items).where(items.c.session_id == session_id, items.c.key == bindparam(_KEY))
    for rows in alike.values():
        await connection.execute(statement, rows)


def _last_round(lines: Mapping[str, Sequence[Line]]) -> int:
    return max(latest_line(of_item).entry.round for of_item in lines.values())


async def _follow_items(connection: AsyncConnection, session_id: str, *, round_number: int) -> None:
    """Show a session as its items stand, some of which have come further than its state tells.

    Items are looked up by status and not read, as there may be a thousand. And the session's row is written only
    when that changes it, which is rare: it holds the state, and SQLite copies that with every change of the row.

    Args:
        connection: a transaction.
        session_id: the session.
        round_number: the round of what was told of its items.
    """
    # Not max(): until PostgreSQL has statistics of a new table it would look at all of them for that.
    newest = {
        status: select(items.c.updated_at)
        .where(items.c.session_id == session_id, items.c.status == status)
        .order_by(items.c.updated_at.desc())
        .limit(1)
        .scalar_subquery()
        for status in ItemStatus
    }
    standing = (sessions.c.status, sessions.c.round, sessions.c.settled_at, sessions.c.closed_at)
    statement = select(*standing, *newest.values()).where(sessions.c.id == session_id)
    before = (await connection.execute(statement)).one()
    moments = dict(zip(newest, before[len(standing) :], strict=True))
    status = session_status(status for status, moment in moments.items() if moment is not None)
    after = {
        "status": status,
        "round": max(before.round, round_number),
        "settled_at": max(moment for moment in moments.values() if moment is not None) if status.is_settled else None,
        "closed_at": None,
    }
    if tuple(after.values()) != before[: len(standing)]:
        await connection.execute(update(sessions).where(sessions.c.id == session_id).values(after))
