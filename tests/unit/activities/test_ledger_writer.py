"""The ledger's writer: never holds up an attempt, never loses the newest word on one."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from activities.ledger import LedgerLine, LedgerWriter
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.eventually import eventually
from tests.support.memory import MemoryRecords


class WatchedRecords(MemoryRecords):
    """Records that remember the order of what was written, and can be slow."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[int, AttemptStatus]] = []
        self.knocks = 0
        self.is_slow = False
        self.reached = asyncio.Event()
        self.opened = asyncio.Event()
        self.opened.set()

    async def record_attempt(
        self, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        self.knocks += 1
        if self.is_slow:
            await asyncio.Event().wait()
        self.reached.set()
        await self.opened.wait()
        await super().record_attempt(session_id, entry=entry, item_status=item_status, max_attempts=max_attempts)
        self.written.append((entry.attempt, entry.status))


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.ledger._RETRY_INTERVAL", timedelta(milliseconds=5))
    monkeypatch.setattr("activities.ledger._WRITE_TIMEOUT", timedelta(milliseconds=50))


def _line(attempt: int, status: AttemptStatus = AttemptStatus.RUNNING) -> LedgerLine:
    entry = LedgerEntry(
        item="main",
        attempt=attempt,
        round=1,
        prompt_sha256="00" * 32,
        model="m",
        status=status,
        started_at=datetime(2026, 11, 1, tzinfo=UTC),
        worker="w",
    )
    return LedgerLine(session_id="ses-a", entry=entry, item_status=ItemStatus.PROCESSING, max_attempts=3)


async def test_a_line_that_is_written_is_confirmed() -> None:
    """With the records up, each line is there when the call returns."""
    records = WatchedRecords()
    assert await LedgerWriter(records).write(_line(1))
    assert [(1, AttemptStatus.RUNNING)] == records.written


async def test_records_that_are_down_neither_raise_nor_confirm() -> None:
    """An attempt goes on without its records; it only learns that they have not confirmed."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)

    assert not await writer.write(_line(1))
    await writer.close()


async def test_records_that_hang_hold_nobody_up() -> None:
    """A database that takes the connection and never answers costs an attempt a moment, not its deadline."""
    records = WatchedRecords()
    records.is_slow = True
    writer = LedgerWriter(records)

    async with asyncio.timeout(2):
        assert not await writer.write(_line(1))
    await writer.close()


async def test_the_ledger_catches_up_when_the_records_return() -> None:
    """What waited is written, in the order in which it came."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    for attempt in (1, 2, 3):
        await writer.write(_line(attempt))
    records.is_down = False

    await eventually(lambda: len(records.written) == 3)
    assert [1, 2, 3] == [attempt for attempt, _ in records.written]
    await writer.close()


async def test_the_newest_line_about_an_attempt_takes_the_place_of_an_older_one() -> None:
    """An attempt that began and ended during the outage is written once, as ended."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    await writer.write(_line(1, AttemptStatus.RUNNING))
    await writer.write(_line(1, AttemptStatus.COMPLETE))
    records.is_down = False

    await eventually(lambda: records.written)
    assert [(1, AttemptStatus.COMPLETE)] == records.written
    await writer.close()


async def test_while_catching_up_nobody_overtakes() -> None:
    """A line that comes while others wait is put behind them, so that no older word arrives after a newer one."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    await writer.write(_line(1, AttemptStatus.RUNNING))
    records.is_down = False

    assert not await writer.write(_line(1, AttemptStatus.COMPLETE))
    await eventually(lambda: records.written)
    assert (1, AttemptStatus.COMPLETE) == records.written[-1]
    assert AttemptStatus.COMPLETE is records.entries["ses-a", "main", 1].status
    await writer.close()


async def test_a_line_that_changes_while_it_is_being_written_is_written_again() -> None:
    """The end of an attempt is not lost when it comes in the moment in which its beginning is caught up on."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    await writer.write(_line(1, AttemptStatus.RUNNING))
    records.is_down = False
    records.opened.clear()
    records.reached.clear()
    await records.reached.wait()
    await writer.write(_line(1, AttemptStatus.COMPLETE))
    records.opened.set()

    await eventually(lambda: (1, AttemptStatus.COMPLETE) in records.written)
    assert [(1, AttemptStatus.RUNNING), (1, AttemptStatus.COMPLETE)] == records.written
    await writer.close()


async def test_after_catching_up_lines_are_confirmed_again() -> None:
    """The outage leaves no trace once it is over."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    await writer.write(_line(1))
    records.is_down = False
    await eventually(lambda: records.written)

    await eventually(lambda: writer.write(_line(2)))
    await writer.close()


async def test_while_the_records_are_down_only_one_knocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of attempts during an outage do not each wait for the database's timeout."""
    monkeypatch.setattr("activities.ledger._RETRY_INTERVAL", timedelta(hours=1))
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    for attempt in range(1, 101):
        await writer.write(_line(attempt))
    await asyncio.sleep(0)

    assert 2 >= records.knocks
    await writer.close()


async def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a long outage the oldest lines give way: they travel with the attempts' reports as well."""
    monkeypatch.setattr("activities.ledger._MAX_WAITING", 2)
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    for attempt in (1, 2, 3, 4):
        await writer.write(_line(attempt))
    records.is_down = False

    await eventually(lambda: len(records.written) >= 2)
    assert [3, 4] == [attempt for attempt, _ in records.written]
    await writer.close()


async def test_closing_ends_the_catching_up() -> None:
    """A worker that ends leaves no task behind, whether or not something still waits."""
    records = WatchedRecords()
    records.is_down = True
    writer = LedgerWriter(records)
    await writer.write(_line(1))
    await writer.close()
    records.is_down = False

    assert not [task for task in asyncio.all_tasks() if task.get_name() == "ledger"]
    assert [] == records.written


async def test_closing_a_writer_that_never_waited_is_nothing() -> None:
    """Closing is safe at any time."""
    await LedgerWriter(WatchedRecords()).close()
