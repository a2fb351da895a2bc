"""The tail of the ledger: what it asks the records for."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import cast

import pytest
from temporalio.client import Client

from service.errors import OutOfReachError
from service.read import SessionReader
from service.watch import SessionWatch
from sessions.records import AttemptChange
from sessions.statuses import ItemStatus
from sessions.view import SessionView
from storage.records.database import Database
from storage.records.repository import Records
from tests.support.eventually import eventually
from tests.unit.storage.histories import entry_of, new_state

pytest_plugins = ["tests.support.databases"]

OVERLAP = timedelta(seconds=5)


class NotingRecords(Records):
    """Records that note which changes they were asked for, and which they gave."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.moments: list[datetime] = []
        self.pages: list[Sequence[AttemptChange]] = []
        self.ahead = timedelta(0)

    async def clock(self) -> datetime:
        return await super().clock() + self.ahead

    async def changed_since(self, moment: datetime, *, limit: int) -> Sequence[AttemptChange]:
        page = await super().changed_since(moment, limit=limit)
        self.moments.append(moment)
        self.pages.append(page)
        return page


class NoReader:
    """Reads nothing: here only the tail counts."""

    async def session(self, session_id: str) -> SessionView:
        raise OutOfReachError(session_id)


class NoTemporal:
    """Has no workflows."""

    def get_workflow_handle(self, session_id: str) -> "NoTemporal":
        return self

    async def fetch_history_events(self, **_options: object) -> AsyncIterator[object]:
        await asyncio.Event().wait()
        yield None


@asynccontextmanager
async def watching(watch: SessionWatch) -> AsyncIterator[None]:
    """Watch a session for as long as the block."""
    changes = watch.changes(new_state().id)
    viewing = asyncio.ensure_future(anext(changes))
    try:
        yield
    finally:
        viewing.cancel()
        await asyncio.gather(viewing, return_exceptions=True)
        await changes.aclose()


@asynccontextmanager
async def tailing(records: Records) -> AsyncIterator[SessionWatch]:
    """Tail the ledger for as long as the block."""
    reader, client = cast(SessionReader, NoReader()), cast(Client, NoTemporal())
    watch = SessionWatch(client=client, reader=reader, records=records)
    running = asyncio.create_task(watch.run())
    try:
        yield watch
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await watch.close()


async def test_the_tail_begins_when_somebody_watches(database: Database) -> None:
    """What was written while nobody watched is never asked for, however long that was."""
    records = NotingRecords(database)
    async with tailing(records) as watch:
        await asyncio.sleep(0)
        before = await records.clock()
        records.ahead = timedelta(hours=1)
        async with watching(watch):
            await eventually(lambda: records.moments)
    assert before + records.ahead - OVERLAP <= records.moments[0]


async def test_the_tail_asks_page_by_page(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """More changes than a page holds are all seen, in queries that stay small."""
    monkeypatch.setattr("service.watch._TAIL_PAGE", 2)
    records = NotingRecords(database)
    state = new_state()
    for attempt in range(1, 6):
        await records.record_attempt(
            state.id, entry=entry_of(attempt=attempt), item_status=ItemStatus.PROCESSING, max_attempts=9
        )
    async with tailing(records) as watch, watching(watch):

        def have_all_been_seen() -> bool:
            return {1, 2, 3, 4, 5} == {change.attempt for page in records.pages for change in page}

        await eventually(have_all_been_seen)
    assert all(len(page) <= 2 for page in records.pages)
