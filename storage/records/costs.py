"""SQL of money: sums over the ledger, and what calls have used.

Sums walk the index that begins with ``started_at`` and holds every column they need, never the long rows.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, case, func, null, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

from sessions.costs import CostBy, CostGroup, CostPage, CostSums, Period, RecordedCall
from sessions.money import Usage
from sessions.records import InvalidCursorError
from sessions.statuses import AttemptStatus, SessionKind
from storage.records.tables import attempts, deletions, sessions

_LARGEST_AMOUNT = 2**63 - 1
_LONGEST_START = 100_000
"""In characters. What a larger session used is not learned from: it would take long to read."""
_ADVICE = "The cursor did not come from a page of these costs. Leave it out to begin with the dearest row."


class _UtcDay(FunctionElement[str]):
    """The day of a moment in UTC, as YYYY-MM-DD."""

    inherit_cache = True


@compiles(_UtcDay, "sqlite")
def _day_in_sqlite(element: _UtcDay, compiler: SQLCompiler, **options: Any) -> str:
    return f"substr({compiler.process(element.clauses, **options)}, 1, 10)"


@compiles(_UtcDay, "postgresql")
def _day_in_postgresql(element: _UtcDay, compiler: SQLCompiler, **options: Any) -> str:
    return f"to_char({compiler.process(element.clauses, **options)} AT TIME ZONE 'UTC', 'YYYY-MM-DD')"


_COST = attempts.c.cost_microdollars
_IS_UNCERTAIN = attempts.c.status == AttemptStatus.UNCERTAIN


def _counted(status: AttemptStatus) -> ColumnElement[int]:
    return func.coalesce(func.sum(case((attempts.c.status == status, 1), else_=0)), 0)


_SUMS: Mapping[str, ColumnElement[int]] = {
    "attempts": func.count(),
    **{status.value: _counted(status) for status in AttemptStatus},
    "input_tokens": func.coalesce(func.sum(attempts.c.input_tokens), 0),
    "output_tokens": func.coalesce(func.sum(attempts.c.output_tokens), 0),
    "spent_microdollars": func.coalesce(func.sum(case((_IS_UNCERTAIN, 0), else_=_COST)), 0),
    "uncertain_microdollars": func.coalesce(func.sum(case((_IS_UNCERTAIN, _COST), else_=0)), 0),
}


async def spent_since(connection: AsyncConnection, moment: datetime) -> int:
    """Return what attempts that began at a moment or later have cost, in micro-dollars.

    Uncertain ones are included, and those that run count at their worst.
    """
    spent = await connection.scalar(select(func.sum(_COST)).where(attempts.c.started_at >= moment))
    running = await connection.scalar(
        select(func.sum(attempts.c.worst_case_microdollars)).where(
            attempts.c.status == AttemptStatus.RUNNING, attempts.c.started_at >= moment
        )
    )
    return int(spent or 0) + int(running or 0)


async def costs_of(
    connection: AsyncConnection, period: Period, *, by: CostBy, limit: int, cursor: str | None
) -> CostPage:
    """Return the sums of the attempts that began in a period. By model or session, the dearest come first.

    Raises:
        InvalidCursorError: the cursor is not one of this list.
    """
    if by.is_paged:
        return await _page(connection, period, by=by, limit=limit, cursor=cursor)
    if cursor is not None:
        raise InvalidCursorError(f"Costs by {by} come on one page. Leave the cursor out.")
    if by is CostBy.DAY:
        grouped = _within(_grouped(_UtcDay(attempts.c.started_at)), period)
    else:
        # Those that were deleted have cost what they have cost.
        sources = attempts.outerjoin(sessions, sessions.c.id == attempts.c.session_id).outerjoin(
            deletions, deletions.c.session_id == attempts.c.session_id
        )
        grouped = _within(_grouped(func.coalesce(sessions.c.kind, deletions.c.kind)).select_from(sources), period)
    groups = [_group(row) for row in await connection.execute(grouped)]
    groups.sort(key=lambda group: group.key or "")
    return CostPage(groups=tuple(groups), totals=sum((group.sums for group in groups), CostSums()))


async def _page(connection: AsyncConnection, period: Period, *, by: CostBy, limit: int, cursor: str | None) -> CostPage:
    key = attempts.c.model if by is CostBy.MODEL else attempts.c.session_id
    dearness = func.coalesce(func.sum(_COST), 0)
    statement = _within(_grouped(key), period).order_by(dearness.desc(), key).limit(limit + 1)
    if cursor is not None:
        amount, last = _place_of(cursor)
        statement = statement.having(or_(dearness < amount, and_(dearness == amount, key > last)))
    rows = (await connection.execute(statement)).all()
    totals = (await connection.execute(_within(select(*_labelled()), period))).one()
    shown = [_group(row) for row in rows[:limit]]
    if by is CostBy.SESSION:
        shown = await _named(connection, shown)
    return CostPage(
        groups=tuple(shown), totals=_sums(totals), next_cursor=_cursor_of(shown[-1]) if len(rows) > limit else None
    )


async def _named(connection: AsyncConnection, groups: Sequence[CostGroup]) -> list[CostGroup]:
    """Return the groups with the titles and kinds of their sessions; of one that was deleted only the kind is left."""
    ids = [group.key for group in groups]
    columns = (sessions.c.id, sessions.c.title, sessions.c.kind)
    found = {row.id: row for row in await connection.execute(select(*columns).where(sessions.c.id.in_(ids)))}
    missing = [key for key in ids if key not in found]
    gone = select(deletions.c.session_id.label("id"), null().label("title"), deletions.c.kind)
    found |= {
        row.id: row for row in await connection.execute(gone.where(deletions.c.session_id.in_(missing))) if missing
    }
    return [
        group.model_copy(update={"title": row.title, "kind": SessionKind(row.kind)})
        if (row := found.get(group.key))
        else group
        for group in groups
    ]


async def recorded_calls(
    connection: AsyncConnection, model: str, *, kind: SessionKind, limit: int
) -> Sequence[RecordedCall]:
    """Return those of a model's newest complete attempts that belong to a kind and whose usage was told.

    Args:
        connection: where to ask.
        model: the name under which it was asked for.
        kind: of the attempts' sessions.
        limit: how many attempts are looked at, at most.
    """
    columns: Sequence[ColumnElement[Any]] = (
        *(attempts.c.session_id, attempts.c.item),
        *(attempts.c.input_tokens, attempts.c.output_tokens, attempts.c.input_image_tokens),
    )
    calls = (
        select(*columns)
        .where(attempts.c.model == model, attempts.c.status == AttemptStatus.COMPLETE)
        .order_by(attempts.c.started_at.desc())
        .limit(limit)
    )
    rows = [row for row in await connection.execute(calls) if row.output_tokens]
    starts = await _starts_of(connection, sorted({row.session_id for row in rows}), kind=kind)
    return tuple(
        RecordedCall(session_id=row.session_id, item=row.item, usage=_usage(row), start=start)
        for row in rows
        if (start := starts.get(row.session_id))
    )


async def _starts_of(
    connection: AsyncConnection, session_ids: Sequence[str], *, kind: SessionKind
) -> Mapping[str, str | None]:
    statement = select(sessions.c.id, sessions.c.start).where(
        sessions.c.id.in_(session_ids), sessions.c.kind == kind, func.length(sessions.c.start) <= _LONGEST_START
    )
    return {row.id: row.start for row in await connection.execute(statement)}


def _labelled() -> list[ColumnElement[Any]]:
    return [column.label(name) for name, column in _SUMS.items()]


def _grouped(key: ColumnElement[Any]) -> Select[Any]:
    return select(key.label("key"), *_labelled()).group_by(key)


def _within(statement: Select[Any], period: Period) -> Select[Any]:
    return statement.where(attempts.c.started_at >= period.begin, attempts.c.started_at < period.end)


def _group(row: Row[Any]) -> CostGroup:
    return CostGroup(key=row.key, sums=_sums(row))


def _sums(row: Row[Any]) -> CostSums:
    return CostSums(**{name: int(getattr(row, name)) for name in _SUMS})


def _usage(row: Row[Any]) -> Usage:
    return Usage(
        input_tokens=row.input_tokens, output_tokens=row.output_tokens, input_image_tokens=row.input_image_tokens
    )


def _cursor_of(group: CostGroup) -> str:
    amount = group.sums.spent_microdollars + group.sums.uncertain_microdollars
    return base64.urlsafe_b64encode(f"{amount} {group.key}".encode()).decode().rstrip("=")


def _place_of(cursor: str) -> tuple[int, str]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        amount, _, key = base64.b64decode(padded, altchars=b"-_", validate=True).decode().partition(" ")
        if not (amount.isascii() and amount.isdecimal() and int(amount) <= _LARGEST_AMOUNT) or "\0" in key:
            raise ValueError(_ADVICE)
    except (ValueError, binascii.Error) as error:
        raise InvalidCursorError(_ADVICE) from error
    return int(amount), key
