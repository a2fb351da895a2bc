"""Workflows that act only on what a workflow task has told them.

A query can reach a worker that does not hold the session just when something of it has ended. The worker fetches the
history, which has that end in it already, although no workflow task has told the workflow of it. The SDK's core has
the workflow act on it all the same, answers the query, and keeps the workflow so. When the task comes at last, with a
signal or an update beside it, the workflow has acted on one after the other, while every replay is told of both at
once: such a session could not be replayed any more.

Here the query fails instead, and core forgets the workflow: its task finds a fresh one, and no history knows of it.
Who asked asks again, or shows what is recorded. The rejected alternative was to have the workflow obey nobody before
it has acted on all that has ended: every retry and every steering would have gone through the change.
"""

import logging

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails

from runtime.runners import RunnerAround, WorkflowAround

_AHEAD = "Something has ended of which the session is about to be told. Ask again in a moment."

_logger = logging.getLogger("retakes.worker")


class ToldByTasks(RunnerAround):
    """Runs workflows as another runner does, and lets none of them get ahead of its workflow task."""

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Return a workflow that is about to run."""
        return _ToldByTasks(super().create_instance(det))


class _ToldByTasks(WorkflowAround):
    """One workflow."""

    def __init__(self, instance: WorkflowInstance) -> None:
        super().__init__(instance)
        self._told_at: int | None = None
        self._history_length = 0
        self._is_ahead = False

    def activate(self, act: WorkflowActivation) -> WorkflowActivationCompletion:
        """Have the workflow act on what it is told, and answer no query once it has got ahead."""
        if not any(job.HasField("query_workflow") for job in act.jobs):
            told_at = act.timestamp.ToNanoseconds()
            # More history, and yet no other workflow task that has brought it: each began at a time of its own.
            self._is_ahead = told_at == self._told_at and (self._is_ahead or act.history_length > self._history_length)
            self._told_at, self._history_length = told_at, act.history_length
        elif self._is_ahead:
            _logger.info("a session was asked ahead of its workflow task", extra={"run_id": act.run_id})
            refused = WorkflowActivationCompletion()
            refused.failed.failure.message = _AHEAD
            return refused
        return super().activate(act)
