"""Watching sessions live, without adding an event to their histories.

One watcher per session and process reads the session whenever something may have changed, and hands the result to
all its viewers. Two signals make it read: a long poll of the workflow's history (items that end, rounds, the close),
and a tail of the ledger (attempts that begin, fail and wait, for which the server writes no event). With the records
down, the session is read once a second instead.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service.errors import ServiceError
from service.read import SessionReader
from sessions.records import RecordsOutOfReachError, SessionRecords
from sessions.view import SessionView

_TAIL_INTERVAL = timedelta(milliseconds=150)
# Entries are written with the clocks of their workers; the tail looks back this far so that none slips past.
_TAIL_OVERLAP = timedelta(seconds=5)
_FALLBACK_INTERVAL = timedelta(seconds=1)
_HISTORY_RETRY_INTERVAL = timedelta(seconds=1)

_logger = logging.getLogger("retakes.watch")


@dataclass(frozen=True, kw_only=True)
class Change:
    """What viewers are shown. ``payload`` is the session as JSON, made once for all of them."""

    view: SessionView
    payload: str
    is_last: bool


class Watcher:
    """Watches one session for all its viewers."""

    def __init__(self, session_id: str, *, client: Client, reader: SessionReader) -> None:
        self._session_id = session_id
        self._client = client
        self._reader = reader
        self._latest: Change | None = None
        self._changed = asyncio.Condition()
        self._maybe_changed = asyncio.Event()
        self.viewers = 0

    def nudge(self) -> None:
        """Something may have changed."""
        self._maybe_changed.set()

    async def run(self) -> None:
        """Watch until the workflow has closed."""
        polling = asyncio.create_task(self._poll_history(), name=f"history of {self._session_id}")
        try:
            while self._latest is None or not self._latest.is_last:
                self._maybe_changed.clear()
                await self._read()
                if self._latest is None or not self._latest.is_last:
                    await self._maybe_changed.wait()
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)

    async def changes(self, *, after: int | None) -> AsyncGenerator[Change, None]:
        """Yield the session now and whenever it changes, the last time when its workflow has closed.

        A slow viewer misses what lies between, never the newest. ``after`` is the version the viewer has seen
        already; that one is not sent again.
        """
        seen: Change | None = None
        while seen is None or not seen.is_last:
            async with self._changed:
                while self._latest is None or self._latest is seen:
                    await self._changed.wait()
                seen = self._latest
            if seen.view.version != after or seen.is_last:
                yield seen

    async def _read(self) -> None:
        try:
            view = await self._reader.session(self._session_id)
        except ServiceError as error:
            _logger.info(
                "a watched session cannot be read", extra={"session_id": self._session_id, "reason": str(error)}
            )
            self._nudge_later()
            return
        except Exception:
            # Viewers wait for this watcher alone: it must outlive a fault of its own.
            _logger.exception("reading a watched session broke", extra={"session_id": self._session_id})
            self._nudge_later()
            return
        if view.stale:
            self._nudge_later()
        known = self._latest.view if self._latest else None
        is_closed = view.closed_at is not None and not view.stale
        if known is not None and (view == known or view.version < known.version) and not is_closed:
            return
        change = Change(view=view, payload=view.model_dump_json(), is_last=is_closed)
        async with self._changed:
            self._latest = change
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

    async def changes(self, session_id: str, *, after: int | None = None) -> AsyncGenerator[Change, None]:
        """Yield a session now and at every change. Close the iterator to stop watching.

        The caller has made sure that there is such a session.
        """
        async with self._watching(session_id) as watcher, aclosing(watcher.changes(after=after)) as changes:
            async for change in changes:
                yield change

    async def run(self) -> None:
        """Tail the ledger for all watched sessions, until cancelled."""
        since = datetime.now(UTC)
        seen: set[tuple[str, str, int, datetime]] = set()
        while True:
            await self._is_watched.wait()
            interval = _TAIL_INTERVAL
            try:
                changes = await self._records.changed_since(since - _TAIL_OVERLAP)
            except RecordsOutOfReachError:
                interval = _FALLBACK_INTERVAL
                for watcher, _ in self._watchers.values():
                    watcher.nudge()
            else:
                marks = {(change.session_id, change.item, change.attempt, change.updated_at) for change in changes}
                for session_id, *_ in marks - seen:
                    if session_id in self._watchers:
                        self._watchers[session_id][0].nudge()
                seen = marks
                since = max((change.updated_at for change in changes), default=since)
            await asyncio.sleep(interval.total_seconds())

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
