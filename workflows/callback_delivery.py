"""The workflow that delivers one callback.

Of its own, so that a receiver that is down for a day keeps no session open, and no retry of the session waits for it.

Determinism contract: one activity, whose options are constants.
"""

from contextlib import suppress

from temporalio import workflow
from temporalio.common import WorkflowIDReusePolicy
from temporalio.exceptions import ActivityError, WorkflowAlreadyStartedError, is_cancelled_exception

from activities.callbacks import CallbackActivities
from sessions.callbacks import CallbackTask
from sessions.texts import shortened
from sessions.wire import CALLBACK_DELIVERY, callbacks_queue
from workflows.policies import CALLBACK_PATIENCE, CALLBACK_RETRIES, CALLBACK_TIMEOUT, SUMMARY_BYTES


@workflow.defn(name=CALLBACK_DELIVERY)
class CallbackDelivery:
    """Tells somebody else's server that a session has settled."""

    @workflow.run
    async def run(self, task: CallbackTask) -> bool:
        """Call until the receiver has taken it, or the patience is over; return which of the two it was.

        A receiver that is gone is no failure of ours: the workflow completes, and the log of deliveries tells more.
        """
        try:
            await workflow.execute_activity_method(
                CallbackActivities.deliver,
                task,
                task_queue=callbacks_queue(workflow.info().task_queue),
                start_to_close_timeout=CALLBACK_TIMEOUT,
                schedule_to_close_timeout=CALLBACK_PATIENCE,
                retry_policy=CALLBACK_RETRIES,
                summary=f"Callback: {task.session.status}",
            )
        except ActivityError as error:
            if is_cancelled_exception(error):
                raise
            workflow.logger.warning("a callback could not be delivered: %s", error.cause)
            return False
        return True


async def start_delivery(task: CallbackTask) -> None:
    """Have a callback delivered by a workflow that goes on when the one that asks has closed."""
    # The one of this id has been started already when the asking run was reset to a point before it.
    with suppress(WorkflowAlreadyStartedError):
        await workflow.start_child_workflow(
            CallbackDelivery.run,
            task,
            id=task.delivery_id,
            parent_close_policy=workflow.ParentClosePolicy.ABANDON,
            id_reuse_policy=WorkflowIDReusePolicy.REJECT_DUPLICATE,
            static_summary=shortened(f"Callback of {task.session.title}", max_bytes=SUMMARY_BYTES),
        )
