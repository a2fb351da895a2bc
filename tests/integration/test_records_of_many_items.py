"""Sessions of many items: what it takes to write an attempt down does not depend on how many there are."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest
from sqlalchemy import event, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from sessions.records import RecordsOutOfReachError
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from storage.records.database import LONGEST_PATIENCE, Database
from storage.records.repository import Records
from tests.unit.storage.histories import History, entry_of, new_state
from workflows.policies import RECORD_TIMEOUT

pytest_plugins = ["tests.support.databases"]


class Work:
    """What SQLite does, in steps of the programs that it makes of statements."""

    def __init__(self) -> None:
        self.steps = 0

    def count(self) -> int:
        self.steps += 1
        return 0


@pytest.fixture
def work() -> Iterator[Work]:
    """Counts the work on connections that are opened from here on."""
    work = Work()

    def prepare(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        connection.run_async(lambda driver: driver.set_progress_handler(work.count, 1))

    event.listen(Pool, "connect", prepare)
    yield work
    event.remove(Pool, "connect", prepare)


@contextmanager
def statements_of(database: Database) -> Iterator[list[str]]:
    """Note the statements that are executed."""
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append(statement)

    engine = database._engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    yield noted
    event.remove(engine, "before_cursor_execute", note)


async def session_at_work(records: Records, *, items: int) -> str:
    """Return a session in which half of the items are made, one of them runs, and the rest waits."""
    keys = [f"set-{number:04d}" for number in range(items)]
    state = new_state(*keys)
    await records.create_session(state, request_sha256="d", start="{}")
    for key in keys[: items // 2]:
        await made(records, state.id, key)
    await begun(records, state.id, keys[items // 2])
    return state.id


async def begun(records: Records, session_id: str, key: str) -> None:
    await records.record_attempt(session_id, entry=entry_of(key), item_status=ItemStatus.PROCESSING, max_attempts=3)


async def made(records: Records, session_id: str, key: str) -> None:
    entry = entry_of(key, status=AttemptStatus.COMPLETE)
    await records.record_attempt(session_id, entry=entry, item_status=ItemStatus.COMPLETE, max_attempts=3)


async def test_the_work_does_not_grow(work: Work, sqlite_url: str) -> None:
    """An attempt that begins, and one that ends, takes SQLite the same work among 10 items and among 300."""
    database = Database(sqlite_url)
    records = Records(database)
    steps: list[tuple[int, int]] = []
    for items in (10, 300):
        session_id = await session_at_work(records, items=items)
        before = work.steps
        await begun(records, session_id, f"set-{items - 1:04d}")
        between = work.steps
        await made(records, session_id, f"set-{items - 1:04d}")
        steps.append((between - before, work.steps - between))
    await database.close()

    (few_begun, few_made), (many_begun, many_made) = steps
    assert 0 < few_made
    assert many_begun <= 1.1 * few_begun
    assert many_made <= 1.1 * few_made


async def test_the_state_is_left_alone(records: Records, database: Database) -> None:
    """The row that holds the whole state is written when the session's status changes, and not for every attempt."""
    session_id = await session_at_work(records, items=4)
    with statements_of(database) as under_way:
        await made(records, session_id, "set-0002")
        await begun(records, session_id, "set-0003")
    with statements_of(database) as settling:
        await made(records, session_id, "set-0003")

    def updates(statements: list[str]) -> int:
        return sum(statement.startswith("UPDATE sessions") for statement in statements)

    assert (0, 1) == (updates(under_way), updates(settling))
    (listed,) = (await records.sessions(status=SessionStatus.COMPLETE, limit=5)).sessions
    assert session_id == listed.state.id


async def test_only_what_the_state_does_not_tell(records: Records) -> None:
    """A session is read with those items alone that have come further than its state tells, in their order."""
    history = History(state=new_state("main", "lifestyle", "infographic", "comparison"))
    history.round_of("lifestyle", outcomes=[AttemptStatus.COMPLETE])
    await records.record_session(history.state, entries=history.closed)
    await begun(records, history.state.id, "comparison")
    await made(records, history.state.id, "main")

    record = await records.session(history.state.id)
    (listed,) = (await records.sessions(limit=5)).sessions

    assert record is not None
    assert [("main", ItemStatus.COMPLETE), ("comparison", ItemStatus.PROCESSING)] == [
        (item.key, item.status) for item in record.items
    ]
    assert record.items == listed.items


async def test_a_thousand_late(records: Records) -> None:
    """A state that comes after the attempts of all its items is brought up to date by them, and settles by them."""
    keys = [f"set-{number:04d}" for number in range(1000)]
    state = new_state(*keys)
    entries = [entry_of(key, status=AttemptStatus.COMPLETE) for key in keys]
    await records.record_session(state, entries=entries)

    record = await records.session(state.id)

    assert record is not None
    assert keys == [item.key for item in record.items]
    assert {ItemStatus.COMPLETE} == {item.status for item in record.items}
    (listed,) = (await records.sessions(status=SessionStatus.COMPLETE, limit=5)).sessions
    assert state.id == listed.state.id


async def test_the_next_part_of_a_ledger(records: Records, database: Database) -> None:
    """Entries that come after their state take as many statements by the hundreds as by the handful, and count."""
    outcomes = (AttemptStatus.COMPLETE, AttemptStatus.FAILED, AttemptStatus.UNCERTAIN)
    taken: list[int] = []
    for items in (6, 500):
        keys = [f"set-{number:04d}" for number in range(items)]
        state = new_state(*keys)
        await records.record_session(state, entries=())
        entries = [entry_of(key, status=outcomes[number % 3]) for number, key in enumerate(keys)]
        with statements_of(database) as statements:
            await records.record_session(state, entries=entries)
        taken.append(len(statements))

    few, many = taken
    assert few == many
    record = await records.session(state.id)
    assert record is not None
    shown = {AttemptStatus.COMPLETE: (ItemStatus.COMPLETE, False)}
    assert [shown.get(entry.status, (ItemStatus.PROCESSING, True)) for entry in entries] == [
        (item.status, item.error is not None) for item in record.items
    ]
    assert [entry.artifact for entry in entries] == [item.artifact for item in record.items]


async def test_entries_of_items_that_are_settled(records: Records, database: Database) -> None:
    """The ledger of a session that has ended is written down part by part, and moves nothing of how it ended."""
    history = History(state=new_state(*(f"set-{number:04d}" for number in range(200))))
    for item in history.state.items:
        history.round_of(item.key, outcomes=[AttemptStatus.COMPLETE])
    history.finished()
    await records.record_session(history.state, entries=history.closed[:100])
    with statements_of(database) as statements:
        await records.record_session(history.state, entries=history.closed[100:])

    assert 10 > len(statements)
    record = await records.session(history.state.id)
    assert record is not None
    assert (history.state, ()) == (record.state, record.items)
    assert history.closed == list(await records.attempts(history.state.id))


async def test_many_abandoned(records: Records, database: Database) -> None:
    """Attempts that were lost with their worker are entered so with as many statements, however many they are."""
    taken: list[int] = []
    for items in (5, 100):
        keys = [f"set-{number:04d}" for number in range(items)]
        history = History(state=new_state(*keys))
        for key in keys:
            await begun(records, history.state.id, key)
        history.cancelled()
        with statements_of(database) as statements:
            await records.record_session(history.state, entries=())
        taken.append(len(statements))

    few, many = taken
    assert few == many
    entries = await records.attempts(history.state.id)
    assert {AttemptStatus.UNCERTAIN} == {entry.status for entry in entries}


async def test_a_patience_of_its_own(database_url: str) -> None:
    """Writing a session waits on where everything else has given up, and within the time of its activity."""
    usual = timedelta(milliseconds=500)
    database = Database(database_url, patience=usual)
    patient, hurried = Records(database), Records(database, session_patience=usual)
    state = new_state()
    is_held, going_on = asyncio.Event(), asyncio.Event()

    async def hold_up(connection: AsyncConnection) -> None:
        await connection.execute(text("SELECT 1"))
        is_held.set()
        await going_on.wait()

    holding = asyncio.create_task(database.write(hold_up, key=state.id, patience=LONGEST_PATIENCE))
    await is_held.wait()
    writing = asyncio.create_task(patient.record_session(state, entries=()))
    others = await asyncio.gather(
        begun(patient, state.id, "main"), hurried.record_session(state, entries=()), return_exceptions=True
    )
    going_on.set()
    await asyncio.gather(holding, writing)

    assert [RecordsOutOfReachError] * 2 == [type(error) for error in others]
    assert await patient.session(state.id) is not None
    assert LONGEST_PATIENCE < RECORD_TIMEOUT
    await database.close()
