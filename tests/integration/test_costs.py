"""Sums over the ledger, each promise on SQLite and on PostgreSQL."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, event
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.costs import CostBy, CostGroup, CostPage, CostSums, Period
from sessions.ledger import LedgerEntry
from sessions.money import Usage
from sessions.records import InvalidCursorError
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind
from storage.records.database import Database
from storage.records.repository import Records
from storage.records.tables import attempts, sessions
from tests.unit.storage.histories import START, entry_of, new_state

pytest_plugins = ["tests.support.databases"]

NOVEMBER = Period(begin=datetime(2026, 11, 1, tzinfo=UTC), end=datetime(2026, 12, 1, tzinfo=UTC))


async def recorded(records: Records, session_id: str, *entries: LedgerEntry) -> None:
    for entry in entries:
        await records.record_attempt(session_id, entry=entry, item_status=ItemStatus.PROCESSING, max_attempts=9)


async def all_of(records: Records, *, by: CostBy, period: Period = NOVEMBER, limit: int = 2) -> CostPage:
    """Return all pages in one."""
    groups: list[CostGroup] = []
    cursor = None
    while True:
        page = await records.costs(period, by=by, limit=limit, cursor=cursor)
        groups += page.groups
        if (cursor := page.next_cursor) is None:
            return page.model_copy(update={"groups": tuple(groups)})


async def test_what_is_summed_up(records: Records) -> None:
    """Attempts by how they ended, tokens, what was spent, and what may have been."""
    state = new_state("main", "lifestyle", title="Flask")
    await records.create_session(state, request_sha256="d", start="{}")
    await recorded(
        records,
        state.id,
        entry_of(attempt=1, status=AttemptStatus.FAILED, cost_microdollars=1),
        entry_of(attempt=2, status=AttemptStatus.UNCERTAIN, cost_microdollars=50),
        entry_of(attempt=3, status=AttemptStatus.COMPLETE, cost_microdollars=20),
        entry_of("lifestyle"),
    )
    sums = CostSums(
        attempts=4,
        running=1,
        complete=1,
        failed=1,
        uncertain=1,
        input_tokens=21,
        output_tokens=33,
        spent_microdollars=21,
        uncertain_microdollars=50,
    )
    named = {
        CostBy.DAY: CostGroup(key="2026-11-21", sums=sums),
        CostBy.KIND: CostGroup(key="images", sums=sums),
        CostBy.MODEL: CostGroup(key="gpt-image-2", sums=sums),
        CostBy.SESSION: CostGroup(key=state.id, title="Flask", kind=SessionKind.IMAGES, sums=sums),
    }
    for by, group in named.items():
        assert CostPage(groups=(group,), totals=sums) == await records.costs(NOVEMBER, by=by, limit=9)


async def test_days_are_those_of_utc(records: Records) -> None:
    """An attempt belongs to the day on which it began in UTC, wherever its worker or the database stand."""
    moments = [
        datetime.fromisoformat("2026-11-20T23:59:59.999999+00:00"),
        datetime.fromisoformat("2026-11-21T00:00:00+00:00"),
        datetime.fromisoformat("2026-11-21T03:00:00+05:00"),
    ]
    for number, moment in enumerate(moments, start=1):
        await recorded(records, "ses-a", entry_of(attempt=number, started_at=moment))
    page = await records.costs(NOVEMBER, by=CostBy.DAY, limit=9)

    assert [("2026-11-20", 2), ("2026-11-21", 1)] == [(group.key, group.sums.attempts) for group in page.groups]


@pytest.mark.parametrize("by", list(CostBy))
async def test_a_period_holds_its_beginning_and_not_its_end(records: Records, by: CostBy) -> None:
    """Two periods that meet count each attempt once."""
    await recorded(
        records, "ses-a", *(entry_of(attempt=n, started_at=START + timedelta(microseconds=n)) for n in (1, 2, 3))
    )
    middle = Period(begin=START + timedelta(microseconds=2), end=START + timedelta(microseconds=3))

    assert 1 == (await all_of(records, by=by, period=middle)).totals.attempts
    assert CostPage(groups=(), totals=CostSums()) == await records.costs(
        Period(begin=NOVEMBER.end, end=NOVEMBER.end + timedelta(days=1)), by=by, limit=9
    )


async def test_the_dearest_session_comes_first(records: Records) -> None:
    """Page after page shows every session once, the dearest first; what may have been billed counts."""
    costs = {"ses-a": 5, "ses-b": 7, "ses-c": 5, "ses-d": 0, "ses-e": 5}
    for session_id, cost in costs.items():
        status = AttemptStatus.UNCERTAIN if session_id == "ses-b" else AttemptStatus.COMPLETE
        await recorded(records, session_id, entry_of(status=status, cost_microdollars=cost))
    page = await all_of(records, by=CostBy.SESSION)

    assert ["ses-b", "ses-a", "ses-c", "ses-e", "ses-d"] == [group.key for group in page.groups]
    assert (22, 7) == (sum(costs.values()), page.totals.uncertain_microdollars)


async def test_attempts_without_a_session_are_counted(records: Records) -> None:
    """An attempt is paid for even where its session was never written down."""
    await recorded(records, "ses-a", entry_of(status=AttemptStatus.COMPLETE, cost_microdollars=3))
    kinds = await records.costs(NOVEMBER, by=CostBy.KIND, limit=9)
    (session,) = (await records.costs(NOVEMBER, by=CostBy.SESSION, limit=9)).groups

    assert [(None, 3)] == [(group.key, group.sums.spent_microdollars) for group in kinds.groups]
    assert ("ses-a", None, None) == (session.key, session.title, session.kind)


@pytest.mark.parametrize(
    "cursor", ["made-up", "====", "LTEgYQ", "x" * 300, "AAAA", "OTk5OTk5OTk5OTk5OTk5OTk5OTkgYQ", "MSAA", "é"]
)
@pytest.mark.parametrize("by", list(CostBy))
async def test_a_made_up_cursor_is_refused(records: Records, by: CostBy, cursor: str) -> None:
    """A cursor that no page has named is refused with what to do, also where there is one page only."""
    with pytest.raises(InvalidCursorError, match="out"):
        await records.costs(NOVEMBER, by=by, limit=9, cursor=cursor)


ENTRIES = st.lists(
    st.tuples(
        st.sampled_from(["ses-a", "ses-b", "ses-c", "ses-unwritten"]),
        st.sampled_from(["gpt-image-2", "gpt-6-luna", "=1+1", "Ünï"]),
        st.sampled_from(list(AttemptStatus)),
        st.integers(-40, 40),
        st.integers(0, 2**50),
        st.one_of(st.none(), st.builds(Usage, input_tokens=st.integers(0, 2**40), output_tokens=st.integers(0, 9))),
    ),
    max_size=12,
)


@given(drawn=ENTRIES, limit=st.integers(1, 3))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_totals_are_the_sum_of_the_rows(database_url: str, drawn: Sequence[tuple[Any, ...]], limit: int) -> None:
    """By whatever costs are taken and however they are paged: rows, totals and ledger agree to the micro-dollar."""
    entries = [
        (
            session_id,
            entry_of(attempt=number, status=status, started_at=START + timedelta(days=days)).model_copy(
                update={"model": model, "cost_microdollars": cost, "usage": usage}
            ),
        )
        for number, (session_id, model, status, days, cost, usage) in enumerate(drawn, start=1)
    ]

    async def check() -> None:
        database = Database(database_url)
        records = Records(database)
        try:
            await database.write(_emptied, key="k")
            for session_id in ("ses-a", "ses-b", "ses-c"):
                await records.create_session(new_state(session_id=session_id), request_sha256="d", start="{}")
            for session_id, entry in entries:
                await recorded(records, session_id, entry)
            counted = [entry for _, entry in entries if NOVEMBER.begin <= entry.started_at < NOVEMBER.end]
            for by in CostBy:
                page = await all_of(records, by=by, limit=limit)
                assert page.totals == sum((group.sums for group in page.groups), CostSums())
                assert len(page.groups) == len({group.key for group in page.groups})
                assert len(counted) == page.totals.attempts
                assert sum(entry.cost_microdollars for entry in counted) == (
                    page.totals.spent_microdollars + page.totals.uncertain_microdollars
                )
            assert page.totals.spent_microdollars + page.totals.uncertain_microdollars == (
                await records.spent_since(NOVEMBER.begin) - await records.spent_since(NOVEMBER.end)
            )
        finally:
            await database.close()

    asyncio.run(check())


async def _emptied(connection: AsyncConnection) -> None:
    await connection.execute(delete(attempts))
    await connection.execute(delete(sessions))


async def test_spent_since(records: Records) -> None:
    """What was spent since a moment is known at once, what may have been billed included, and nothing is 0."""
    complete = AttemptStatus.COMPLETE
    assert 0 == await records.spent_since(START)
    await recorded(
        records,
        "ses-a",
        entry_of(
            attempt=1, status=AttemptStatus.COMPLETE, started_at=START - timedelta(seconds=1), cost_microdollars=1
        ),
        entry_of(attempt=2, status=complete, started_at=START, cost_microdollars=20),
        entry_of(attempt=3, status=AttemptStatus.UNCERTAIN, started_at=START, cost_microdollars=300),
        entry_of(attempt=4, started_at=START),
    )

    assert 320 == await records.spent_since(START)


async def test_calls_to_learn_from(records: Records) -> None:
    """The newest complete attempts of a model and kind whose usage is known, with what their sessions were asked."""
    pictures, film, unknown = new_state(), new_state(kind=SessionKind.STORY), new_state()
    for state in (pictures, film):
        await records.create_session(state, request_sha256="d", start=f'{{"of": "{state.id}"}}')
    complete = [
        entry_of(attempt=number, status=AttemptStatus.COMPLETE, started_at=START + timedelta(seconds=number))
        for number in range(1, 5)
    ]
    for state in (pictures, film, unknown):
        await recorded(
            records,
            state.id,
            *complete,
            complete[0].model_copy(update={"attempt": 5, "model": "another"}),
            complete[0].model_copy(update={"attempt": 6, "usage": None}),
            entry_of(attempt=7, status=AttemptStatus.FAILED),
        )
    calls = await records.recorded_calls("gpt-image-2", kind=SessionKind.IMAGES, limit=100)
    few = await records.recorded_calls("gpt-image-2", kind=SessionKind.IMAGES, limit=6)

    assert [(pictures.id, f'{{"of": "{pictures.id}"}}')] * 4 == [(call.session_id, call.start) for call in calls]
    assert {complete[0].usage} == {call.usage for call in calls}
    assert 2 == len(few)
    assert () == await records.recorded_calls("unheard-of", kind=SessionKind.IMAGES, limit=9)


async def test_a_huge_start_is_not_read(records: Records) -> None:
    """A request of a megabyte is no reason for an estimate to take long."""
    state = new_state()
    await records.create_session(state, request_sha256="d", start="x" * 100_001)
    await recorded(records, state.id, entry_of(status=AttemptStatus.COMPLETE))

    assert () == await records.recorded_calls("gpt-image-2", kind=SessionKind.IMAGES, limit=9)


@pytest.mark.parametrize("by", list(CostBy))
async def test_sums_do_not_read_rows(sqlite_url: str, by: CostBy) -> None:
    """A million attempts are summed up from the index that holds all of it, on a database that nobody analysed, too."""
    database = Database(sqlite_url)
    with statements_of(database) as statements:
        await Records(database).costs(NOVEMBER, by=by, limit=9, cursor="NSBh" if by.is_paged else None)
        await Records(database).spent_since(START)
    plans = await plans_of(database, statements)
    await database.close()

    # The second finds those that run: they are few, and count at their worst.
    assert {
        "SEARCH attempts USING COVERING INDEX ix_attempts_costs",
        "SEARCH attempts USING INDEX ix_attempts_status_error_type",
    } == {plan.partition(" (")[0] for plan in plans if "attempts" in plan}


async def test_newest_calls_are_found_by_an_index(sqlite_url: str) -> None:
    """What is learned from is no search through the ledger."""
    database = Database(sqlite_url)
    with statements_of(database) as statements:
        await Records(database).recorded_calls("m", kind=SessionKind.IMAGES, limit=9)
    plans = await plans_of(database, statements)
    await database.close()

    assert "SEARCH attempts USING INDEX ix_attempts_model_status_started_at (model=? AND status=?)" == plans[0]
    assert not any("TEMP B-TREE" in plan for plan in plans)


Statements = list[tuple[str, Sequence[object]]]


@contextmanager
def statements_of(database: Database) -> Iterator[Statements]:
    """Note the statements that are executed, with what they are about."""
    noted: Statements = []

    def note(
        _connection: object, _cursor: object, statement: str, parameters: Sequence[object], *_rest: object
    ) -> None:
        noted.append((statement, parameters))

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


async def plans_of(database: Database, statements: Statements) -> list[str]:
    """Return how SQLite goes about statements, step by step."""

    async def ask(connection: AsyncConnection) -> list[str]:
        found: list[str] = []
        for statement, parameters in statements:
            if statement.startswith("SELECT"):
                answer = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", tuple(parameters))
                found += [row.detail for row in answer]
        return found

    return await database.read(ask)
