"""How many sessions a worker keeps in memory. It lets idle ones go by itself, so that the SDK is never forced to.

The SDK's own bound is ``max_cached_workflows``. When that is reached, its core (1.35) holds back what arrives for
sessions that are not in memory; and when two tasks are held back for one session, as two questions to it are, it can
lose one of them after having marked the session as busy with it. That session then stands still for as long as the
process runs, and when it is its turn to make room, every session that needs the room stands still with it. So that
bound is set out of reach, and this one kept beside it: nothing is ever held back (ADR 14).
"""

import asyncio
import logging
import time
from contextlib import suppress
from datetime import timedelta
from itertools import islice
from typing import Final, Self

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import Worker, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

from runtime.runners import RunnerAround, WorkflowAround

OUT_OF_REACH: Final = 100_000
"""For ``max_cached_workflows``. The SDK sets aside some twenty bytes for each."""

_LET_GO_AT_ONCE: Final = 50
"""Each takes a worker about a millisecond, in which sessions that have work wait."""

_logger = logging.getLogger("retakes.worker")


class RememberingRunner(RunnerAround):
    """Runs workflows as another runner does, and remembers which are in memory and when each was last at work."""

    def __init__(self, runner: WorkflowRunner) -> None:
        super().__init__(runner)
        self.at_work: dict[str, float] = {}
        """When each run in memory was last at work, on the monotonic clock, longest ago first."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Return a workflow that is about to come into memory."""
        return _Remembered(super().create_instance(det), run=det.info.run_id, at_work=self.at_work)


class _Remembered(WorkflowAround):
    """A workflow in memory that notes when it is at work."""

    def __init__(self, instance: WorkflowInstance, *, run: str, at_work: dict[str, float]) -> None:
        super().__init__(instance)
        self._run = run
        self._at_work = at_work

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        is_leaving = any(job.HasField("remove_from_cache") for job in act.jobs)
        self._at_work.pop(self._run, None)
        if not is_leaving:
            self._at_work[self._run] = time.monotonic()
        return super().activate(act)


class OpenSessions:
    """Keeps a worker from having many more open sessions in memory than it should.

    Those go first that have been idle longest, and none that was at work a moment ago: it would be back in the next,
    with its whole history to be read again. A session that is let go comes back when something happens to it.
    """

    def __init__(
        self, worker: Worker, *, runner: RememberingRunner, most: int, idle_for: timedelta, look_every: timedelta
    ) -> None:
        """Take a worker and its runner.

        Args:
            worker: lets its sessions go.
            runner: the worker's.
            most: how many sessions it may keep, beside those that were at work just now.
            idle_for: how long ago just now is.
            look_every: how often they are counted.

        Raises:
            ValueError: the SDK has a bound of its own that the worker might reach.
        """
        if worker.config()["max_cached_workflows"] < OUT_OF_REACH:
            raise ValueError("the worker needs max_cached_workflows=OUT_OF_REACH")
        self._worker = worker
        self._at_work = runner.at_work
        self._most = most
        self._idle_for = idle_for
        self._look_every = look_every
        self._keeping: asyncio.Task[None] | None = None

    @property
    def in_memory(self) -> int:
        """How many sessions are in memory."""
        return len(self._at_work)

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
                # Sessions must not stop for a matter of memory, nor may this end for good over one look.
                _logger.exception("idle sessions could not be let go from memory")
            await asyncio.sleep(self._look_every.total_seconds())

    def _let_go(self) -> None:
        if self.in_memory <= self._most:
            return
        latest = time.monotonic() - self._idle_for.total_seconds()
        # A copy: threads of workflows add to it and take from it.
        longest_idle = islice(self._at_work.copy().items(), min(self.in_memory - self._most, _LET_GO_AT_ONCE))
        for run, at_work in longest_idle:
            if at_work > latest:
                return
            # The SDK has this request and does not offer it; the tests hold that it is there. To ask again for one
            # that is on its way out changes nothing.
            self._worker._bridge_worker._ref.request_workflow_eviction(run)
