"""The watcher: when it reads a session, and when it rests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import cast

import pytest
from temporalio.client import Client

from service.errors import OutOfReachError
from service.read import SessionReader
from service.watch import Watcher, rest_after
from sessions.present import Seen, session_view
from sessions.state import SessionState, items_retried, session_closed
from tests.support.eventually import eventually
from tests.unit.storage.histories import new_state

LONG = timedelta(milliseconds=150)


class NoTemporal:
    """Has a workflow to which nothing happens."""

    def get_workflow_handle(self, session_id: str) -> "NoTemporal":
        return self

    async def fetch_history_events(self, **_options: object) -> AsyncIterator[object]:
        await asyncio.Event().wait()
        yield None


class Reader:
    """Reads a session that changes whenever a test says so, and notes when each read began and ended.

    Args:
        takes: how long a read takes.
        is_stale: whether no worker answers.
    """

    def __init__(self, *, takes: timedelta = timedelta(0), is_stale: bool = False) -> None:
        self.state = new_state()
        self.takes = takes
        self.is_stale = is_stale
        self.is_failing = False
        self.began: list[float] = []
        self.ended: list[float] = []
        self.reads_seen = 0

    def change(self) -> None:
        """Something happens to the session."""
        self.state = self.state.model_copy(update={"revision": self.state.revision + 1})

    def has_read(self) -> bool:
        """Whether there is a read that this has not told of yet."""
        has_read = len(self.ended) > self.reads_seen
        self.reads_seen += has_read
        return has_read

    async def seen(self, session_id: str) -> Seen:
        loop = asyncio.get_running_loop()
        self.began.append(loop.time())
        seen = Seen(view=session_view(self.state, is_stale=self.is_stale), state=self.state, under_way={})
        await asyncio.sleep(self.takes.total_seconds())
        self.ended.append(loop.time())
        if self.is_failing:
            raise OutOfReachError("nobody answers")
        return seen


def seen_as(state: SessionState) -> Seen:
    """Return a state as somebody has read it."""
    return Seen(view=session_view(state), state=state, under_way={})


@asynccontextmanager
async def watching(reader: Reader) -> AsyncIterator[Watcher]:
    """Watch a session for as long as the block."""
    watcher = Watcher(reader.state.id, client=cast(Client, NoTemporal()), reader=cast(SessionReader, reader))
    running = asyncio.create_task(watcher.run())
    try:
        yield watcher
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_session_that_takes_long_to_read() -> None:
    """However often it changes, it is read for half of the time at most, and the last change is shown."""
    reader = Reader(takes=LONG)
    async with watching(reader) as watcher:
        changes = watcher.changes(after=None)
        async for change in changes:
            if change.view.version >= 40:
                break
            # The watcher rests now: ten changes, one read.
            for _ in range(10):
                reader.change()
                watcher.nudge()
        await changes.aclose()
    assert reader.state.revision == change.view.version
    pauses = [began - ended for ended, began in zip(reader.ended, reader.began[1:], strict=False)]
    assert pauses
    assert min(pauses) >= 0.9 * LONG.total_seconds()
    assert len(reader.began) <= 5


async def test_changed_while_it_was_read() -> None:
    """A change that comes while the session is read is shown, though nothing follows it."""
    reader = Reader(takes=LONG)
    async with watching(reader) as watcher:
        await eventually(lambda: len(reader.began) == 1)
        reader.change()
        watcher.nudge()
        changes = watcher.changes(after=1)
        assert reader.state.revision == (await anext(changes)).view.version
        await changes.aclose()


async def test_changed_while_the_watcher_rests() -> None:
    """A change that comes while the watcher rests is shown, though nothing follows it."""
    reader = Reader(takes=LONG)
    async with watching(reader) as watcher:
        changes = watcher.changes(after=None)
        await anext(changes)
        reader.change()
        watcher.nudge()
        assert reader.state.revision == (await anext(changes)).view.version
        await changes.aclose()


async def test_who_knows_more_is_not_shown_what_was_recorded_before() -> None:
    """A viewer who comes back while no worker answers waits for news: the version that is shown never falls."""
    reader = Reader(is_stale=True)
    known = reader.state.revision + 5
    async with watching(reader) as watcher:
        changes = watcher.changes(after=known)
        coming = asyncio.ensure_future(anext(changes))
        await eventually(reader.has_read)
        for _ in range(6):
            reader.change()
        reader.is_stale = False
        watcher.nudge()
        assert known < (await coming).view.version
        await changes.aclose()


@pytest.mark.parametrize("is_stale", [False, True])
async def test_a_lower_version_than_the_viewer_knows_is_held_back(is_stale: bool) -> None:
    """Whoever comes back to another process is shown nothing lower than what it names, only what is above that."""
    reader = Reader(is_stale=is_stale)
    known = reader.state.revision + 2
    async with watching(reader) as watcher:
        changes = watcher.changes(after=known)
        coming = asyncio.ensure_future(anext(changes))
        for _ in range(3):
            await eventually(reader.has_read)
            reader.change()
            watcher.nudge()
        assert known + 1 == (await coming).view.version
        await changes.aclose()


async def test_a_lower_version_than_was_sent_is_held_back() -> None:
    """Within a stream no version falls: what is lower waits until the session has come further."""
    reader = Reader()
    reader.state = reader.state.model_copy(update={"revision": 40})
    async with watching(reader) as watcher:
        changes = watcher.changes(after=None)
        assert 40 == (await anext(changes)).view.version
        coming = asyncio.ensure_future(anext(changes))
        for revision in (37, 39, 41):
            await eventually(reader.has_read)
            reader.state = reader.state.model_copy(update={"revision": revision})
            watcher.nudge()
        assert 41 == (await coming).view.version
        await changes.aclose()


@pytest.mark.parametrize("after", [None, 60])
async def test_what_stays_lower_is_shown_in_the_end(monkeypatch: pytest.MonkeyPatch, after: int | None) -> None:
    """A session that was reset, or named with a version it never had, is not withheld from anybody for ever."""
    monkeypatch.setattr("service.watch._PATIENCE_WITH_LOWER", timedelta(milliseconds=50))
    reader = Reader()
    if after is None:
        reader.state = reader.state.model_copy(update={"revision": 60})
    async with watching(reader) as watcher:
        changes = watcher.changes(after=after)
        if after is None:
            assert 60 == (await anext(changes)).view.version
        reader.state = reader.state.model_copy(update={"revision": 37})
        watcher.nudge()
        coming = await asyncio.wait_for(anext(changes), 5)
        if coming.view.version == 1:  # what was read before the session changed
            coming = await asyncio.wait_for(anext(changes), 5)
        assert 37 == coming.view.version
        reader.change()
        watcher.nudge()
        assert 38 == (await asyncio.wait_for(anext(changes), 5)).view.version
        await changes.aclose()


async def test_an_end_that_a_retry_has_overtaken_is_shown_to_nobody() -> None:
    """Somebody read a session as closed, and brings that along when others have been shown what a retry began."""
    reader = Reader()
    closed = session_closed(reader.state, now=reader.state.created_at)
    reader.state = items_retried(closed, notes={}, max_attempts=None, now=reader.state.created_at)
    async with watching(reader) as watcher:
        changes = watcher.changes(after=None)
        assert reader.state.revision == (await anext(changes)).view.version
        await watcher.show(seen_as(closed))
        reader.change()
        watcher.nudge()
        change = await anext(changes)
        assert (reader.state.revision, False) == (change.view.version, change.is_last)
        await changes.aclose()


async def test_whoever_comes_when_the_watcher_has_ended_is_let_go() -> None:
    """A session that is retried in that moment is shown; then the stream ends, since nobody reads the session here."""
    reader = Reader()
    reader.state = session_closed(reader.state, now=reader.state.created_at)
    async with watching(reader) as watcher:
        assert [True] == [change.is_last async for change in watcher.changes(after=None)]
        retried = items_retried(reader.state, notes={}, max_attempts=None, now=reader.state.created_at)
        await watcher.show(seen_as(retried))
        async with asyncio.timeout(5):
            shown = [(change.view.version, change.is_last) async for change in watcher.changes(after=None)]
        assert [(retried.revision, False)] == shown


@pytest.mark.parametrize("how", ["quick", "stale", "failing"])
async def test_no_rest(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    """After a quick read nobody waits, nor after one that took long because somebody did not answer."""
    reader = Reader(is_stale=how == "stale")
    reader.is_failing = how == "failing"
    if how != "quick":
        monkeypatch.setattr("service.watch.rest_after", lambda _took, items: timedelta(hours=1))
    async with watching(reader) as watcher:
        for _ in range(5):
            await eventually(reader.has_read)
            watcher.nudge()
        await eventually(reader.has_read)


@pytest.mark.parametrize(
    ("took", "items", "rest"),
    [(0, 5, 0), (30, 100, 0), (100, 5, 0), (300, 5, 300), (900, 5, 900), (5000, 5, 1000), (0, 1000, 250)],
)
def test_rest(took: int, items: int, rest: int) -> None:
    """The rest, in milliseconds, is as long as the read and a second at most; quick reads of small sessions need none.

    Large sessions are shown a few times a second, however quickly they were read.
    """
    assert timedelta(milliseconds=rest) == rest_after(timedelta(milliseconds=took), items=items)
