"""How many sessions a worker keeps in memory. It lets the oldest go by itself, so that the SDK is never forced to.

The SDK's own bound is ``max_cached_workflows``. When that is reached, its core (1.35) holds back what arrives for
sessions that are not in memory; and when two tasks are held back for one session, as two questions to it are, it can
lose one of them after having marked the session as busy with it. That session then stands still for as long as the
process runs, and when it is its turn to make room, every session that needs the room stands still with it. So that
bound is set out of reach, and this one kept beside it: nothing is ever held back (ADR 14).
"""

import asyncio
import logging
from contextlib import suppress
from datetime import timedelta
from typing import Final, Self

from temporalio.worker import Worker

OUT_OF_REACH: Final = 100_000
"""For ``max_cached_workflows``. The SDK sets aside some twenty bytes for each."""

_logger = logging.getLogger("retakes.worker")


class OpenSessions:
    """Keeps a worker from having many more open sessions in memory than it should.

    A session that is let go finishes what it is at, and is read anew from its history when something happens to it.
    Those that came into memory first go first: a session that is let go and wanted comes back as one of the last.
    """

    def __init__(self, worker: Worker, *, most: int, look_every: timedelta) -> None:
        """Take the worker, how many sessions it may keep, and how often they are counted; more may come in between.

        Raises:
            ValueError: the SDK has a bound of its own that the worker might reach.
        """
        if worker.config()["max_cached_workflows"] < OUT_OF_REACH:
            raise ValueError("the worker needs max_cached_workflows=OUT_OF_REACH")
        self._worker = worker
        self._most = most
        self._look_every = look_every
        self._keeping: asyncio.Task[None] | None = None

    @property
    def in_memory(self) -> tuple[str, ...]:
        """The ids of the runs that are in memory, those that have been there longest first."""
        # The SDK offers neither this list nor the request below; the tests hold that both are there.
        workflows = self._worker._workflow_worker
        return () if workflows is None else tuple(workflows._running_workflows)

    async def __aenter__(self) -> Self:
        self._keeping = asyncio.create_task(self._keep(), name="open sessions")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._keeping

    async def _keep(self) -> None:
        while True:
            try:
                self._let_go()
            except Exception:
                # Sessions must not stop for a matter of memory, nor may this end for good over one of them.
                _logger.exception("sessions could not be let go from memory")
            await asyncio.sleep(self._look_every.total_seconds())

    def _let_go(self) -> None:
        runs = self.in_memory
        for run in runs[: max(0, len(runs) - self._most)]:
            # Asking again for one that is on its way out changes nothing.
            self._worker._bridge_worker._ref.request_workflow_eviction(run)
