"""Watching sessions live, without adding an event to their histories.

One watcher per session and process reads the session whenever something may have changed, and hands the result to
all its viewers. Two signals make it read: a long poll of the workflow's history (items that end, rounds, the close),
and a tail of the ledger (attempts that begin, fail and wait, for which the server writes no event). With the records
down, the session is read once a second instead.

A session of a thousand items takes long to read, and changes many times meanwhile: the watcher then rests for as long
as it has read, and shows what has changed since all at once.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service.errors import ServiceError, SessionNotFoundError
from service.read import SessionReader
from sessions.present import Seen
from sessions.records import AttemptChange, RecordsOutOfReachError, SessionRecords
from sessions.view import SessionView

_TAIL_INTERVAL = timedelta(milliseconds=150)
# Entries carry the database's clock, but one can become visible after others that were stamped later: its
# transaction took longer. The tail looks back this far so that none slips past.
_TAIL_OVERLAP = timedelta(seconds=5)
_TAIL_PAGE = 1000
_NEXT_MOMENT = timedelta(microseconds=1)
_FALLBACK_INTERVAL = timedelta(seconds=1)
_PATIENCE_WITH_LOWER = timedelta(seconds=10)
_HISTORY_RETRY_INTERVAL = timedelta(seconds=1)
_QUICK = timedelta(milliseconds=100)
_LONGEST_REST = timedelta(seconds=1)
_SMALL = 100
_REST_PER_ITEM = timedelta(microseconds=250)

_logger = logging.getLogger("retakes.watch")


@dataclass(frozen=True, kw_only=True, eq=False)
class Change:
    """What viewers are shown: one value for all of them, so that what is made of it is made once."""

    seen: Seen
    is_last: bool

    @property
    def view(self) -> SessionView:
        """The session as it is shown."""
        return self.seen.view

    @cached_property
    def payload(self) -> str:
        """The session as JSON."""
        return self.seen.view.model_dump_json()


def rest_after(took: timedelta, *, items: int) -> timedelta:
    """Return how long to rest after a read: not at all after a quick one, so that small sessions are shown at once.

    Of large ones every view costs in proportion to their items, on the worker and here: a few a second are enough.
    """
    for_size = items * _REST_PER_ITEM if items > _SMALL else timedelta(0)
    for_time = timedelta(0) if took <= _QUICK else took
    return min(max(for_size, for_time), _LONGEST_REST)


class Watcher:
    """Watches one session for all its viewers."""

    def __init__(self, session_id: str, *, client: Client, reader: SessionReader) -> None:
        self._session_id = session_id
        self._client = client
        self._reader = reader
        self._latest: Change | None = None
        self._changed = asyncio.Condition()
        self._maybe_changed = asyncio.Event()
        self._is_over = False
        self.viewers = 0

    def nudge(self) -> None:
        """Something may have changed."""
        self._maybe_changed.set()

    async def run(self) -> None:
        """Watch until the workflow has closed, or the session is gone."""
        polling = asyncio.create_task(self._poll_history(), name=f"history of {self._session_id}")
        clock = asyncio.get_running_loop().time
        try:
            while not self._is_over:
                # What changes from here on is remembered, while the session is read and during the rest.
                self._maybe_changed.clear()
                began = clock()
                is_fresh = await self._read()
                if self._is_over:
                    return
                if is_fresh:  # else it took long because somebody did not answer, and no work was done
                    items = self._latest.view.counts.total if self._latest else 0
                    rest = rest_after(timedelta(seconds=clock() - began), items=items)
                    await asyncio.sleep(rest.total_seconds())
                await self._maybe_changed.wait()
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def changes(self, *, after: int | None) -> AsyncGenerator[Change, None]:
        """Yield the session now and whenever it changes, the last time when its workflow has closed.

        Ends without a last one when the session is gone.

        A slow viewer misses what lies between, never the newest. ``after`` is the version the viewer has seen
        already; that one is not sent again. A lower version than was sent, or than that one, is held back: while no
        worker answers it may be a recorded state of before. If the session itself stays at it, it is sent after all,
        since somebody has reset the workflow, or what the records had led us to believe has not come true.
        """
        seen: Change | None = None
        sent = after
        has_sent = False
        lower_until: float | None = None
        while seen is None or not seen.is_last:
            try:
                async with asyncio.timeout_at(lower_until):
                    following = await self._following(seen)
            except TimeoutError:
                following, sent = seen, None
            if following is None:
                return
            seen, version = following, following.view.version
            is_lower = sent is not None and version < sent and not seen.is_last
            if not is_lower or seen.view.stale:
                lower_until = None
            elif lower_until is None:
                lower_until = asyncio.get_running_loop().time() + _PATIENCE_WITH_LOWER.total_seconds()
            if is_lower or (version == after and not has_sent and not seen.is_last):
                continue
            has_sent, sent = True, version
            yield seen

    async def _following(self, seen: Change | None) -> Change | None:
        """Wait for what comes after a change, None when nothing does."""
        async with self._changed:
            while self._latest in (None, seen) and not self._is_over:
                await self._changed.wait()
            return None if self._latest is seen else self._latest

    async def _read(self) -> bool:
        """Read and show the session, and return whether all that know of it have answered."""
        try:
            seen = await self._reader.seen(self._session_id)
        except SessionNotFoundError:
            _logger.info("a watched session is gone", extra={"session_id": self._session_id})
            async with self._changed:
                self._is_over = True
                self._changed.notify_all()
            return False
        except ServiceError as error:
            _logger.info(
                "a watched session cannot be read", extra={"session_id": self._session_id, "reason": str(error)}
            )
            self._nudge_later()
            return False
        except Exception:
            # Viewers wait for this watcher alone: it must outlive a fault of its own.
            _logger.exception("reading a watched session broke", extra={"session_id": self._session_id})
            self._nudge_later()
            return False
        if seen.view.stale:
            self._nudge_later()
        await self.show(seen, is_newest=not seen.view.stale)
        return not seen.view.stale

    async def show(self, seen: Seen, *, is_newest: bool = False) -> None:
        """Show viewers a session as it was just read, unless they know it or a later one.

        ``is_newest``: the session itself was asked, later than for all that was shown.
        """
        view = seen.view
        known = self._latest.view if self._latest else None
        is_closed = view.closed_at is not None and not view.stale
        is_earlier = known is not None and view.version < known.version and not is_newest
        if is_earlier or (view == known and not is_closed):
            return
        change = Change(seen=seen, is_last=is_closed)
        async with self._changed:
            self._latest = change
            # Once over nobody reads the session here any more, also when somebody has found it open again.
            self._is_over = self._is_over or is_closed
            self._changed.notify_all()

    def _nudge_later(self) -> None:
        asyncio.get_running_loop().call_later(_FALLBACK_INTERVAL.total_seconds(), self.nudge)

    async def _poll_history(self) -> None:
        """Nudge at every new event. The poll is repeated when it breaks, and ends with the workflow."""
        handle = self._client.get_workflow_handle(self._session_id)
        while True:
            try:
                async for _ in handle.fetch_history_events(wait_new_event=True, skip_archival=True):
                    self.nudge()
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    _logger.info("the history poll broke", extra={"session_id": self._session_id})
            self.nudge()
            await asyncio.sleep(_HISTORY_RETRY_INTERVAL.total_seconds())


class SessionWatch:
    """All watchers of one process. Run it while the process serves."""

    def __init__(self, *, client: Client, reader: SessionReader, records: SessionRecords) -> None:
        self._client = client
        self._reader = reader
        self._records = records
        self._watchers: dict[str, tuple[Watcher, asyncio.Task[None]]] = {}
        self._is_watched = asyncio.Event()

    async def changes(
        self, session_id: str, *, after: int | None = None, known: Seen | None = None
    ) -> AsyncGenerator[Change, None]:
        """Yield a session now and at every change. Close the iterator to stop watching.

        The caller has made sure that there is such a session, best by reading it: ``known`` is then shown at once.
        """
        async with self._watching(session_id) as watcher, aclosing(watcher.changes(after=after)) as changes:
            if known is not None:
                await watcher.show(known)
            async for change in changes:
                yield change

    async def run(self) -> None:
        """Tail the ledger for all watched sessions, until cancelled."""
        while True:
            await self._is_watched.wait()
            try:
                await self._tail()
            except RecordsOutOfReachError:
                for watcher, _ in self._watchers.values():
                    watcher.nudge()
                await asyncio.sleep(_FALLBACK_INTERVAL.total_seconds())

    async def _tail(self) -> None:
        """Tail the ledger from now on, for as long as anybody watches.

        What was written before is no news: whoever begins to watch reads the session first.
        """
        since = await self._records.clock()
        seen: set[tuple[str, str, int, datetime]] = set()
        while self._is_watched.is_set():
            changes = await self._changed_since(since - _TAIL_OVERLAP)
            marks = {(change.session_id, change.item, change.attempt, change.updated_at) for change in changes}
            for session_id, *_ in marks - seen:
                if session_id in self._watchers:
                    self._watchers[session_id][0].nudge()
            seen = marks
            since = max((change.updated_at for change in changes), default=since)
            await asyncio.sleep(_TAIL_INTERVAL.total_seconds())

    async def _changed_since(self, moment: datetime) -> Sequence[AttemptChange]:
        """Return all changes since a moment, fetched in pages: no query is large, however much was written."""
        changes: list[AttemptChange] = []
        while True:
            page = await self._records.changed_since(moment, limit=_TAIL_PAGE)
            changes += page
            if len(page) < _TAIL_PAGE:
                return changes
            # Were a whole page of one moment, asking for that moment again would never get any further.
            moment = max(page[-1].updated_at, moment + _NEXT_MOMENT)

    async def close(self) -> None:
        """Stop every watcher."""
        tasks = [task for _, task in self._watchers.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @asynccontextmanager
    async def _watching(self, session_id: str) -> AsyncIterator[Watcher]:
        known = self._watchers.get(session_id)
        if known is None or known[1].done():
            watcher = Watcher(session_id, client=self._client, reader=self._reader)
            known = (watcher, asyncio.create_task(watcher.run(), name=f"watcher of {session_id}"))
            self._watchers[session_id] = known
            self._is_watched.set()
        watcher, task = known
        watcher.viewers += 1
        try:
            yield watcher
        finally:
            watcher.viewers -= 1
            if watcher.viewers == 0 and self._watchers.get(session_id) == known:
                del self._watchers[session_id]
                task.cancel()
                if not self._watchers:
                    self._is_watched.clear()
