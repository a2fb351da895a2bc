"""Tells the server that an attempt is alive, and hears from it that the attempt is to stop."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

from temporalio import activity

from sessions.attempts import Heartbeat, RoundReport
from sessions.errors import ItemError
from sessions.ledger import LedgerEntry
from sessions.pending import PendingAttempt

INTERVAL = timedelta(seconds=3)
"""A cancel reaches an attempt with its next heartbeat; a dead worker is noticed when some of them are missing."""


class Pulse:
    """The heartbeats of one attempt."""

    def __init__(self, report: RoundReport, *, pending: PendingAttempt | None) -> None:
        self._current = Heartbeat(report=report)
        if pending is not None:
            # Not to be forgotten before it is seen to: these heartbeats replace those that told of it.
            self._current = _with(self._current, pending)

    def running(self, entry: LedgerEntry, *, report: RoundReport, at_once: bool) -> None:
        """The attempt has begun. Told with the next regular heartbeat: ``at_once`` costs an action."""
        self._current = Heartbeat(report=report, running=entry)
        if at_once:
            activity.heartbeat(self._current)

    def pending(self, attempt: PendingAttempt) -> None:
        """The attempt's call goes on without this worker from here on. Told at once, before the worker can die."""
        self._current = _with(self._current, attempt)
        activity.heartbeat(self._current)

    def waiting(self, error: ItemError, *, until: datetime) -> None:
        """The provider asked to wait. Told at once, because people look at what an item waits for."""
        self._current = self._current.model_copy(
            update={"waiting_for": error, "waiting_until": until, "pending_call": None}
        )
        activity.heartbeat(self._current)

    def going_on(self) -> None:
        """The wait is over."""
        self._current = self._current.model_copy(update={"waiting_for": None, "waiting_until": None})

    def ended(self, report: RoundReport) -> None:
        """The attempt has failed. Told at once, so that the next attempt of the round begins from this report."""
        activity.heartbeat(Heartbeat(report=report))

    def resting(self, error: ItemError, *, report: RoundReport, until: datetime) -> None:
        """The attempt has failed, and rests before the next. Told at once: nobody else may know of it yet."""
        self._current = Heartbeat(report=report, waiting_for=error, waiting_until=until)
        activity.heartbeat(self._current)

    @asynccontextmanager
    async def beating(self) -> AsyncIterator[None]:
        """Beat while the block runs; the first time after one interval, so that quick attempts cost no action."""
        beats = asyncio.create_task(self._beat(), name="heartbeat")
        try:
            yield
        finally:
            beats.cancel()
            await asyncio.gather(beats, return_exceptions=True)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL.total_seconds())
            activity.heartbeat(self._current)


def _with(heartbeat: Heartbeat, attempt: PendingAttempt) -> Heartbeat:
    return heartbeat.model_copy(update={"running": attempt.entry, "pending_call": attempt.call})


def last_heartbeat() -> Heartbeat | None:
    """Return what the previous attempt of this activity told last, None for a first attempt."""
    details = activity.info().heartbeat_details
    return Heartbeat.model_validate(details[0]) if details else None
