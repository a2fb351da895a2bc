"""Lists of sessions for people: light pages, and word that something has changed, shared by all who look."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from datetime import timedelta

from service.errors import OutOfReachError
from sessions.overviews import OverviewPage, OverviewRecords
from sessions.records import RecordsOutOfReachError
from sessions.statuses import SessionKind, SessionStatus

_INTERVAL = timedelta(seconds=1)

_logger = logging.getLogger("retakes.overviews")


class SessionOverviews:
    """Reads lists of sessions. However many people watch one, the records are asked once a second."""

    def __init__(self, *, records: OverviewRecords, interval: timedelta = _INTERVAL) -> None:
        self._records = records
        self._interval = interval
        self._marker: str | None = None
        self._changed = asyncio.Condition()
        self._viewers = 0
        self._asking: asyncio.Task[None] | None = None

    async def page(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> OverviewPage:
        """Return a page of sessions, newest first, as the records know them.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
            OutOfReachError: the records do not answer.
        """
        try:
            return await self._records.overviews(kind=kind, status=status, query=query, limit=limit, cursor=cursor)
        except RecordsOutOfReachError as error:
            raise OutOfReachError("The records do not answer. Try again in a moment.") from error

    async def changes(self, *, after: str | None = None) -> AsyncGenerator[str, None]:
        """Yield a marker now and whenever anything has changed that a list shows. Close the iterator to stop watching.

        A marker stands for the list as it was; ``after`` is the one that the viewer has seen already, which is not
        sent again. While the records do not answer nothing is sent.
        """
        self._viewers += 1
        if self._asking is None:
            self._marker = None
            self._asking = asyncio.create_task(self._ask(), name="changes of the list of sessions")
        try:
            seen = after
            while True:
                async with self._changed:
                    while self._marker is None or self._marker == seen:
                        await self._changed.wait()
                    seen = self._marker
                yield seen
        finally:
            self._viewers -= 1
            if not self._viewers and self._asking is not None:
                self._asking.cancel()
                self._asking = None

    async def _ask(self) -> None:
        while True:
            try:
                marker = await self._records.list_marker()
            except RecordsOutOfReachError:
                _logger.info("the records do not say whether the list of sessions has changed")
            except Exception:
                # Everybody who looks at the list waits for this alone.
                _logger.exception("asking for changes of the list of sessions broke")
            else:
                if marker != self._marker:
                    async with self._changed:
                        self._marker = marker
                        self._changed.notify_all()
            await asyncio.sleep(self._interval.total_seconds())
