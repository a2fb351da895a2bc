"""SQL of the ledger: entries are written when an attempt begins, completed once, and never taken back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, case, exists, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from sessions.errors import ErrorClass
from sessions.ledger import LedgerEntry
from sessions.money import Spending, Usage
from sessions.outlook import AttemptDuration
from sessions.records import AttemptChange
from sessions.statuses import AttemptStatus, ItemStatus
from storage.records.columns import DatabaseNow
from storage.records.standing import Line
from storage.records.tables import attempts, deletions, items
from storage.records.upserts import Insert, insert_into

# How much an entry knows. A worker that was given up for dead may still report in, and what it knows counts: one
# that does not know when its attempt ended was written in its absence.
_GIVEN_UP = 1
_KNOWLEDGE = {
    AttemptStatus.RUNNING.value: 0,
    AttemptStatus.UNCERTAIN.value: 2,
    AttemptStatus.FAILED.value: 3,
    AttemptStatus.COMPLETE.value: 4,
}
_LARGEST_INTEGER = 2**31 - 1
# What was so from the beginning of the attempt, and whoever takes it over or reports late does not rewrite.
_KEPT = ("started_at", "worker", "prompt_sha256", "variation")
_STRIPPED: Mapping[str, object] = {
    **dict.fromkeys(("variation", "error", "advice", "request_id", "artifact")),
    "prompt_sha256": "",
    "worker": "",
}
# Not names of columns: those stand for the new values.
_NAME, _NUMBER = "name_of_item", "number_of_item"
_SAME_NAME = tuple(name for name in LedgerEntry.model_fields if name != "usage")


async def write_line(connection: AsyncConnection, session_id: str, *, line: Line) -> bool:
    """Write a line, and return whether that changed anything: one that knows no more than what is there does not."""
    statement = _upsert(connection).returning(attempts.c.attempt)
    return (await connection.execute(statement, _parameters(session_id, line=line))).first() is not None


async def write_lines(connection: AsyncConnection, session_id: str, *, lines: Sequence[Line]) -> None:
    """Write lines, all with one statement."""
    if lines:
        await connection.execute(_upsert(connection), [_parameters(session_id, line=line) for line in lines])


def _upsert(connection: AsyncConnection) -> Insert:
    statement = insert_into(attempts, connection=connection).values(updated_at=DatabaseNow())
    told = {
        column.name: statement.excluded[column.name]
        for column in attempts.c
        if not column.primary_key and column.name not in _KEPT
    }
    return statement.on_conflict_do_update(
        index_elements=list(attempts.primary_key),
        set_={**told, **_amounts(statement.excluded)},
        where=or_(
            _knowledge(attempts.c) < _knowledge(statement.excluded),
            # An attempt that runs tells again when the provider has asked it to wait.
            and_(
                attempts.c.status == AttemptStatus.RUNNING,
                statement.excluded["status"] == AttemptStatus.RUNNING,
                attempts.c.throttled_calls < statement.excluded["throttled_calls"],
            ),
        ),
    )


def _amounts(excluded: ReadOnlyColumnCollection[str, Any]) -> Mapping[str, ColumnElement[int]]:
    """Return what an entry costs, and costs at worst, after a further report of it.

    Whoever enters an attempt as lost may not know what it would have asked, and so not what it costs at worst.
    """
    known, told = attempts.c.worst_case_microdollars, excluded["worst_case_microdollars"]
    cost = excluded["cost_microdollars"]
    is_unpriced = and_(excluded["status"] == AttemptStatus.UNCERTAIN, cost == 0)
    return {
        "worst_case_microdollars": case((known > told, known), else_=told),
        "cost_microdollars": case((is_unpriced, known), else_=cost),
    }


def _knowledge(of: ReadOnlyColumnCollection[str, Any]) -> ColumnElement[int]:
    is_given_up = and_(of["status"] == AttemptStatus.UNCERTAIN, of["ended_at"].is_(None))
    return case((is_given_up, _GIVEN_UP), else_=case(_KNOWLEDGE, value=of["status"], else_=0))


def _parameters(session_id: str, *, line: Line) -> Mapping[str, object]:
    usage = line.entry.usage
    return {
        **{name: getattr(line.entry, name) for name in _SAME_NAME},
        "session_id": session_id,
        "input_tokens": usage.input_tokens if usage else None,
        "output_tokens": usage.output_tokens if usage else None,
        "input_image_tokens": usage.input_image_tokens if usage else None,
        "item_status": line.item_status,
        "max_attempts": line.max_attempts,
    }


async def close_abandoned(connection: AsyncConnection, session_id: str, *, item: str | None = None) -> None:
    """Enter attempts that still seem to run, though their round is over, as what they are: lost with their worker.

    Those of one item where one is named.
    """
    is_over = exists().where(
        items.c.session_id == attempts.c.session_id,
        items.c.key == attempts.c.item,
        items.c.live_round > attempts.c.round,
    )
    statement = _of_session(session_id).where(attempts.c.status == AttemptStatus.RUNNING, is_over)
    if item is not None:
        statement = statement.where(attempts.c.item == item)
    running = [_line(row) for row in await connection.execute(statement)]
    lost = [replace(line, entry=line.entry.abandoned()) for line in running]
    await write_lines(connection, session_id, lines=lost)


async def lines_of(
    connection: AsyncConnection, session_id: str, *, keys: Sequence[str]
) -> Mapping[str, Sequence[Line]]:
    """Return the lines of some items of a session, by item."""
    return _by_item(await connection.execute(_of_items(session_id, keys=keys)))


async def live_lines_of(
    connection: AsyncConnection, session_id: str, *, keys: Sequence[str]
) -> Mapping[str, Sequence[Line]]:
    """Return the lines, by item, of those of some items that have come further than the session's state tells."""
    statement = (
        _of_items(session_id, keys=keys)
        .join(items, and_(items.c.session_id == attempts.c.session_id, items.c.key == attempts.c.item))
        .add_columns(items.c.live_round)
    )
    rows = (await connection.execute(statement)).all()
    live = {row.item for row in rows if row.round >= row.live_round}
    return _by_item(row for row in rows if row.item in live)


def _by_item(rows: Iterable[Row[Any]]) -> Mapping[str, Sequence[Line]]:
    lines: dict[str, list[Line]] = {}
    for row in rows:
        lines.setdefault(row.item, []).append(_line(row))
    return lines


async def latest_rounds_of(connection: AsyncConnection, session_id: str) -> Mapping[str, int]:
    """Return the last round, by item, in which a session's items were attempted."""
    statement = (
        select(attempts.c.item, func.max(attempts.c.round).label("last"))
        .where(attempts.c.session_id == session_id)
        .group_by(attempts.c.item)
    )
    return {row.item: row.last for row in await connection.execute(statement)}


async def entries_of(connection: AsyncConnection, session_id: str) -> Sequence[LedgerEntry]:
    """Return the entries of a session, oldest first; none of one that was deleted."""
    statement = (
        _of_session(session_id)
        .where(_is_there(session_id))
        .order_by(attempts.c.started_at, attempts.c.item, attempts.c.attempt)
    )
    return tuple(_entry(row) for row in await connection.execute(statement))


async def entry_of(connection: AsyncConnection, session_id: str, *, item: str, attempt: int) -> LedgerEntry | None:
    """Return one entry, or None."""
    if attempt > _LARGEST_INTEGER:
        return None
    statement = _of_session(session_id).where(
        _is_there(session_id), attempts.c.item == item, attempts.c.attempt == attempt
    )
    row = (await connection.execute(statement)).one_or_none()
    return None if row is None else _entry(row)


def _of_session(session_id: str) -> Select[Any]:
    return select(attempts).where(attempts.c.session_id == session_id)


def _is_there(session_id: str) -> ColumnElement[bool]:
    """Whether nobody has deleted the session."""
    return ~exists().where(deletions.c.session_id == session_id)


def _of_items(session_id: str, *, keys: Sequence[str]) -> Select[Any]:
    return _of_session(session_id).where(attempts.c.item.in_(keys))


def _line(row: Row[Any]) -> Line:
    return Line(entry=_entry(row), item_status=ItemStatus(row.item_status), max_attempts=row.max_attempts)


def _entry(row: Row[Any]) -> LedgerEntry:
    usage = None
    if row.input_tokens is not None:
        usage = Usage(
            input_tokens=row.input_tokens,
            output_tokens=row.output_tokens,
            input_image_tokens=row.input_image_tokens,
        )
    return LedgerEntry(**{name: getattr(row, name) for name in _SAME_NAME}, usage=usage)


async def durations_of_model(connection: AsyncConnection, model: str, *, limit: int) -> Sequence[AttemptDuration]:
    """Return how long a model's newest complete attempts took, at most so many."""
    statement = (
        select(attempts.c.item, attempts.c.started_at, attempts.c.ended_at)
        .where(attempts.c.model == model, attempts.c.status == AttemptStatus.COMPLETE)
        .order_by(attempts.c.started_at.desc())
        .limit(limit)
    )
    rows = await connection.execute(statement)
    return tuple(AttemptDuration(item=row.item, took=row.ended_at - row.started_at) for row in rows if row.ended_at)


async def changes_since(connection: AsyncConnection, moment: datetime, *, limit: int) -> Sequence[AttemptChange]:
    """Return what was written or changed at or after a moment of the database's clock, the oldest of it first."""
    columns = (attempts.c.session_id, attempts.c.item, attempts.c.attempt, attempts.c.updated_at)
    statement = select(*columns).where(attempts.c.updated_at >= moment).order_by(attempts.c.updated_at).limit(limit)
    return tuple(AttemptChange(**row._asdict()) for row in await connection.execute(statement))


async def clock_of(connection: AsyncConnection) -> datetime:
    """Return the moment by the database's clock."""
    return (await connection.execute(select(DatabaseNow()))).scalar_one()


async def spending_of(connection: AsyncConnection, session_ids: Sequence[str]) -> Mapping[str, Spending]:
    """Return what the attempts of sessions used and cost; a session without attempts is left out."""
    is_uncertain = attempts.c.status == AttemptStatus.UNCERTAIN
    cost = attempts.c.cost_microdollars
    statement = (
        select(
            attempts.c.session_id,
            func.coalesce(func.sum(attempts.c.input_tokens), 0).label("input_tokens"),
            func.coalesce(func.sum(attempts.c.output_tokens), 0).label("output_tokens"),
            func.coalesce(func.sum(attempts.c.input_image_tokens), 0).label("input_image_tokens"),
            func.sum(case((is_uncertain, 0), else_=cost)).label("spent"),
            func.sum(case((is_uncertain, cost), else_=0)).label("uncertain"),
        )
        .where(attempts.c.session_id.in_(session_ids))
        .group_by(attempts.c.session_id)
    )
    return {
        row.session_id: Spending(
            usage=Usage(
                input_tokens=row.input_tokens,
                output_tokens=row.output_tokens,
                input_image_tokens=row.input_image_tokens,
            ),
            spent_microdollars=row.spent,
            uncertain_microdollars=row.uncertain,
        )
        for row in await connection.execute(statement)
    }


async def strip_entries(connection: AsyncConnection, session_id: str) -> None:
    """Leave nothing in the ledger of a session that was deleted but what it used and cost, and when.

    Sums over a period stay as they were. Items are numbered in place of their names, some of which people chose; no
    item is called ``#1``. An attempt that still seems to run will not be told of any more, and counts at its worst.
    """
    of_session = attempts.c.session_id == session_id
    lost = {
        "status": AttemptStatus.UNCERTAIN,
        "error_type": ErrorClass.UNCERTAIN,
        "cost_microdollars": attempts.c.worst_case_microdollars,
    }
    await connection.execute(
        update(attempts).where(of_session, attempts.c.status == AttemptStatus.RUNNING).values(lost)
    )
    await connection.execute(update(attempts).where(of_session).values(_STRIPPED))
    named = (await connection.scalars(select(attempts.c.item).where(of_session).distinct())).all()
    if named:
        numbered = (
            update(attempts).where(of_session, attempts.c.item == bindparam(_NAME)).values(item=bindparam(_NUMBER))
        )
        rows = [{_NAME: item, _NUMBER: f"#{number}"} for number, item in enumerate(sorted(named), start=1)]
        await connection.execute(numbered, rows)
