"""SQL of lists: what they show of sessions comes from indexes and short rows, never from the states.

A page of twenty sessions of a thousand items each is a few milliseconds of work.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Table, func, select, type_coerce, union_all
from sqlalchemy import String as Text
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.artifacts import Artifact
from sessions.money import Spending, dollars
from sessions.overviews import MOST_THUMBNAILS, OverviewPage, SessionOverview, Thumbnail
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus
from sessions.view import CostView, Counts
from storage.records.columns import DatabaseNow
from storage.records.reading import found_page
from storage.records.tables import attempts, deletions, items, overviews, sessions
from storage.records.upserts import insert_into

# What is stamped may become visible a little after what was stamped later: its transaction took longer.
_LATE = timedelta(seconds=5)


async def write_overview(connection: AsyncConnection, state: SessionState) -> None:
    """Write what lists show of a state beside the columns of its session."""
    statement = insert_into(overviews, connection=connection).values(changed_at=DatabaseNow())
    told = {column.name: statement.excluded[column.name] for column in overviews.c if not column.primary_key}
    values = {
        "session_id": state.id,
        "is_paused": state.is_paused,
        "estimated_microdollars": state.estimated_microdollars,
    }
    await connection.execute(
        statement.on_conflict_do_update(index_elements=list(overviews.primary_key), set_=told), values
    )


async def read_overviews(
    connection: AsyncConnection,
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
    page = await found_page(connection, kind=kind, status=status, query=query, limit=limit, cursor=cursor)
    if not page.session_ids:
        return OverviewPage(sessions=(), next_cursor=page.next_cursor)
    columns = (sessions.c.id, sessions.c.title, sessions.c.kind, sessions.c.status, sessions.c.created_at)
    statement = (
        select(*columns, overviews.c.is_paused, overviews.c.estimated_microdollars)
        .outerjoin(overviews, overviews.c.session_id == sessions.c.id)
        .where(sessions.c.id.in_(page.session_ids))
    )
    rows = {row.id: row for row in await connection.execute(statement)}
    counts = await _counts_of(connection, page.session_ids)
    spending = await _spending_of(connection, page.session_ids)
    pictured = [key for key in page.session_ids if rows[key].kind == SessionKind.IMAGES and counts[key].total]
    thumbnails = await _thumbnails_of(connection, pictured)
    shown = [
        SessionOverview(
            id=row.id,
            title=row.title,
            kind=SessionKind(row.kind),
            status=SessionStatus(row.status),
            # A version before this one may have written the session down: it knows of no overviews.
            paused=bool(row.is_paused),
            counts=counts[row.id],
            created_at=row.created_at,
            cost_usd=_cost(spending.get(row.id, Spending()), estimated_microdollars=row.estimated_microdollars or 0),
            thumbnails=tuple(thumbnails.get(row.id, ())),
        )
        for row in (rows[session_id] for session_id in page.session_ids)
    ]
    return OverviewPage(sessions=tuple(shown), next_cursor=page.next_cursor)


async def marker_of_list(connection: AsyncConnection) -> str:
    """Return a text that changes when anything does that a list of sessions shows.

    Of each kind of change when the last one was, and how many there were in the seconds before it: one that becomes
    visible late is told by the number.
    """
    marks = [
        await _mark_of(connection, table, column)
        for table, column in (
            (attempts, attempts.c.updated_at),
            (overviews, overviews.c.changed_at),
            (deletions, deletions.c.deleted_at),
        )
    ]
    return " ".join(marks)


async def _mark_of(connection: AsyncConnection, table: Table[Any], column: ColumnElement[datetime]) -> str:
    last = await connection.scalar(select(func.max(column)))
    if last is None:
        return "-"
    number = await connection.scalar(select(func.count()).select_from(table).where(column > last - _LATE))
    return f"{last.isoformat()}/{number}"


async def _counts_of(connection: AsyncConnection, session_ids: Sequence[str]) -> Mapping[str, Counts]:
    of_page = items.c.session_id.in_(session_ids)
    by_status = (
        select(items.c.session_id, items.c.status, func.count().label("number"))
        .where(of_page)
        .group_by(items.c.session_id, items.c.status)
    )
    numbers: dict[str, dict[str, int]] = {session_id: dict.fromkeys(ItemStatus, 0) for session_id in session_ids}
    for row in await connection.execute(by_status):
        numbers[row.session_id][row.status] = row.number
    # Handed out, but no worker has begun: to a person it has not started.
    waiting = (
        select(items.c.session_id, func.count().label("number"))
        .where(of_page, items.c.status == ItemStatus.PROCESSING, items.c.attempt == 0)
        .group_by(items.c.session_id)
    )
    for session_id, number in await connection.execute(waiting):
        numbers[session_id][ItemStatus.PROCESSING] -= number
        numbers[session_id][ItemStatus.PENDING] += number
    return {key: Counts(total=sum(found.values()), **found) for key, found in numbers.items()}


async def _spending_of(connection: AsyncConnection, session_ids: Sequence[str]) -> Mapping[str, Spending]:
    """Return what sessions have cost, without a look at the ledger's rows."""
    statement = (
        select(attempts.c.session_id, attempts.c.status, func.sum(attempts.c.cost_microdollars).label("amount"))
        .where(attempts.c.session_id.in_(session_ids))
        .group_by(attempts.c.session_id, attempts.c.status)
    )
    spending: dict[str, Spending] = {}
    for row in await connection.execute(statement):
        is_uncertain = row.status == AttemptStatus.UNCERTAIN
        added = Spending(
            spent_microdollars=0 if is_uncertain else int(row.amount),
            uncertain_microdollars=int(row.amount) if is_uncertain else 0,
        )
        spending[row.session_id] = spending.get(row.session_id, Spending()) + added
    return spending


async def _thumbnails_of(connection: AsyncConnection, session_ids: Sequence[str]) -> Mapping[str, Sequence[Thumbnail]]:
    """Return the first pictures of sessions: of each the items are walked in order until there are enough."""
    if not session_ids:
        return {}
    columns = (items.c.session_id, items.c.key, items.c.label, type_coerce(items.c.artifact, Text).label("artifact"))
    firsts = [
        select(
            select(*columns)
            .where(items.c.session_id == session_id, items.c.artifact.is_not(None))
            .order_by(items.c.position)
            .limit(MOST_THUMBNAILS)
            .subquery(f"of_{number}")
        )
        for number, session_id in enumerate(session_ids)
    ]
    thumbnails: dict[str, list[Thumbnail]] = {}
    for row in await connection.execute(union_all(*firsts)):
        artifact = Artifact.model_validate_json(row.artifact)
        thumbnails.setdefault(row.session_id, []).append(
            Thumbnail(
                item=row.key,
                label=row.label,
                attempt=artifact.attempt,
                width=artifact.width,
                height=artifact.height,
            )
        )
    return thumbnails


def _cost(spending: Spending, *, estimated_microdollars: int) -> CostView:
    return CostView(
        estimated=dollars(estimated_microdollars),
        spent=dollars(spending.spent_microdollars),
        uncertain=dollars(spending.uncertain_microdollars),
    )
