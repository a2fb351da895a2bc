"""The workflow that delivers one callback.

Of its own, so that a receiver that is down for a day keeps no session open, and no retry of the session waits for it.

Determinism contract: one activity, whose options are constants.
"""

from temporalio import workflow
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.callbacks import CallbackActivities
from sessions.callbacks import CallbackTask
from sessions.wire import CALLBACK_DELIVERY, callbacks_queue
from workflows.policies import CALLBACK_PATIENCE, CALLBACK_RETRIES, CALLBACK_TIMEOUT


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
