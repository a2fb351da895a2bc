"""Deleted sessions, each promise on SQLite, on PostgreSQL, and on the records that other tests hold in memory."""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol

import pytest
import pytest_asyncio
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.callbacks import CallbackType
from sessions.costs import CostBy, CostPage, Period
from sessions.deletions import DeletionRecords
from sessions.deliveries import Delivery, DeliveryOutcome
from sessions.identifiers import new_session_id
from sessions.ledger import LedgerEntry
from sessions.ports import AttemptRecords
from sessions.state import SessionState, session_closed
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind
from storage.records.database import Database
from storage.records.repository import Records
from storage.records.tables import attempts, deliveries, items, sessions
from tests.support.memory import MemoryRecords
from tests.unit.storage.histories import START, AttemptCall, entry_of, new_state

pytest_plugins = ["tests.support.databases"]

RUNNING, COMPLETE, FAILED, UNCERTAIN = AttemptStatus
PERIOD = Period(begin=START - timedelta(days=1), end=START + timedelta(days=1))


class AnyRecords(AttemptRecords, DeletionRecords, Protocol):
    """What records in memory have in common with those in a database."""

    async def is_deleted(self, session_id: str) -> bool: ...


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str | None:
    """The address of a fresh database, None for no database."""
    return None if request.param == "memory" else request.getfixturevalue(f"{request.param}_url")


@pytest_asyncio.fixture
async def any_records(url: str | None) -> AsyncIterator[AnyRecords]:
    if url is None:
        yield MemoryRecords()
        return
    database = Database(url)
    yield Records(database)
    await database.close()


async def _recorded(records: AttemptRecords, state: SessionState, *entries: LedgerEntry) -> None:
    await records.record_session(state, entries=())
    for entry in entries:
        status = ItemStatus.COMPLETE if entry.status is COMPLETE else ItemStatus.PROCESSING
        await AttemptCall(session_id=state.id, entry=entry, item_status=status, max_attempts=3).apply(records)


class TestAnyRecords:
    """What holds in a database holds in memory, too."""

    async def test_gone(self, any_records: AnyRecords) -> None:
        """A deleted session is marked, leaves nothing behind that can be read, and its neighbour alone."""
        kept, gone = new_state(), new_state()
        for state in (kept, gone):
            await _recorded(any_records, state, entry_of(status=COMPLETE))
        await any_records.delete_session(gone.id, kind=SessionKind.IMAGES)
        await any_records.delete_session(gone.id, kind=SessionKind.IMAGES)

        assert (False, True) == (await any_records.is_deleted(kept.id), await any_records.is_deleted(gone.id))
        assert (1, 0) == (len(await any_records.attempts(kept.id)), len(await any_records.attempts(gone.id)))

    async def test_late_writes(self, any_records: AnyRecords) -> None:
        """What a worker tells of a deleted session afterwards is dropped."""
        state = new_state()
        await _recorded(any_records, state, entry_of())
        await any_records.delete_session(state.id, kind=SessionKind.IMAGES)
        await _recorded(any_records, session_closed(state, now=START), entry_of(status=COMPLETE), entry_of(attempt=2))
        await any_records.record_session(state, entries=[entry_of(attempt=3)])

        assert not await any_records.attempts(state.id)
        assert await any_records.is_deleted(state.id)

    async def test_never_written_down(self, any_records: AnyRecords) -> None:
        """A session that only Temporal knows can be marked as well."""
        nobody = new_session_id()
        assert await any_records.deletion(nobody) is None
        await any_records.delete_session(nobody, kind=SessionKind.STORY)

        deletion = await any_records.deletion(nobody)

        assert deletion is not None
        assert (nobody, SessionKind.STORY, None) == (deletion.session_id, deletion.kind, deletion.removed_at)

    async def test_what_is_left_to_do(self, any_records: AnyRecords) -> None:
        """A deletion is left to do until all is removed, and once more when it is of long ago."""
        first, second = new_session_id(), new_session_id()
        for session_id in (first, second):
            await any_records.delete_session(session_id, kind=SessionKind.IMAGES)
        now = datetime.now(UTC)
        earlier, later = now - timedelta(hours=1), now + timedelta(hours=1)

        async def left(before: datetime) -> list[str]:
            return [found.session_id for found in await any_records.unfinished_deletions(before=before, limit=5)]

        assert [first, second] == await left(earlier)
        assert 1 == len(await any_records.unfinished_deletions(before=earlier, limit=1))
        await any_records.note_removed(first, is_final=False)
        assert [second] == await left(earlier)
        assert [first, second] == await left(later)
        await any_records.note_removed(first, is_final=True)
        assert [second] == await left(later)


async def _rows(database: Database, session_id: str) -> list[int]:
    """Return how many rows of each table are about a session."""
    ids = (sessions.c.id, items.c.session_id, deliveries.c.session_id, attempts.c.session_id)

    async def counted(connection: AsyncConnection) -> list[int]:
        return [len((await connection.scalars(select(key).where(key == session_id))).all()) for key in ids]

    return await database.read(counted)


async def _costs(records: Records, by: CostBy) -> CostPage:
    return await records.costs(PERIOD, by=by, limit=10)


ENTRIES: Sequence[LedgerEntry] = (
    entry_of("main", status=FAILED, cost_microdollars=5),
    entry_of("main", attempt=2, status=COMPLETE, cost_microdollars=7),
    entry_of("packaging-of-the-secret-launch", status=UNCERTAIN, cost_microdollars=11),
    entry_of("packaging-of-the-secret-launch", attempt=2, status=COMPLETE, cost_microdollars=13),
)


async def test_sums_stay(records: Records) -> None:
    """What a session has cost stays in every sum and in the month's, and under its kind."""
    state, other = new_state("main", "packaging-of-the-secret-launch", kind=SessionKind.STORY), new_state()
    await _recorded(records, state, *ENTRIES)
    await _recorded(records, other, entry_of(status=COMPLETE, cost_microdollars=1))
    before = {by: await _costs(records, by) for by in CostBy}
    spent = await records.spent_since(PERIOD.begin)
    await records.delete_session(state.id, kind=SessionKind.STORY)

    assert 37 == spent == await records.spent_since(PERIOD.begin)
    for by in (CostBy.DAY, CostBy.KIND, CostBy.MODEL):
        assert before[by] == await _costs(records, by)
    of_session = {group.key: group for group in (await _costs(records, CostBy.SESSION)).groups}
    told = before[CostBy.SESSION].groups[0]
    assert "Steel bottle" == told.title
    assert told.model_copy(update={"title": None}) == of_session[state.id]


async def test_an_attempt_that_seemed_to_run(records: Records) -> None:
    """Nobody will tell what became of it, so that it counts at its worst from then on, as it did before."""
    state = new_state()
    await _recorded(records, state, entry_of().model_copy(update={"worst_case_microdollars": 42}))
    before = await records.spent_since(PERIOD.begin)
    await records.delete_session(state.id, kind=SessionKind.IMAGES)

    sums = (await _costs(records, CostBy.DAY)).totals
    assert 42 == before == await records.spent_since(PERIOD.begin)
    assert (0, 1, 42) == (sums.running, sums.uncertain, sums.uncertain_microdollars)


async def test_nothing_readable_is_left(records: Records, database: Database) -> None:
    """Of what people or models have written nothing is left, in whatever table, and no name of an item."""
    state = new_state("main", "packaging-of-the-secret-launch", title="The secret launch")
    await _recorded(records, state, *ENTRIES)
    await records.record_delivery(_delivery(state.id))
    assert [1, 2, 1, 4] == await _rows(database, state.id)
    await records.delete_session(state.id, kind=SessionKind.IMAGES)
    await records.record_delivery(_delivery(state.id))

    assert [0, 0, 0, 4] == await _rows(database, state.id)
    assert not await records.deliveries(state.id)
    assert await records.attempt(state.id, item="#1", attempt=1) is None
    rows = (await database.read(lambda connection: connection.execute(select(attempts)))).all()
    assert {"#1", "#2"} == {row.item for row in rows}
    text = " ".join(str(value) for row in rows for value in row)
    for written in ("secret", "went wrong", "Try again", "ababab", "worker-1", "req_1", "Emphasize", "image/png"):
        assert written not in text


def _delivery(session_id: str) -> Delivery:
    return Delivery(
        id="dlv-1",
        session_id=session_id,
        type=CallbackType.SESSION_SETTLED,
        url="https://hooks.example.com/",
        attempt=1,
        at=START,
        outcome=DeliveryOutcome.FAILED,
        duration=timedelta(seconds=1),
    )
