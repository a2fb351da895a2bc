"""The workflow of an image session.

Determinism contract: as in `workflows.rounds`; here only the choice of the activity and its options, all of which
come from the input.
"""

from temporalio import workflow

from activities.images import ImageActivities
from sessions.attempts import AttemptOutcome
from sessions.identifiers import activity_id
from sessions.images import ImageSessionInput
from sessions.state import SessionState
from sessions.texts import shortened
from sessions.wire import IMAGE_SESSION
from workflows.handlers import SessionHandlers
from workflows.policies import HEARTBEAT_TIMEOUT, SUMMARY_BYTES, attempt_retries, attempt_timeout
from workflows.rounds import Rounds


@workflow.defn(name=IMAGE_SESSION)
class ImageSession(SessionHandlers):
    """Makes a set of images: one activity per image, and again what failed when somebody asks for it."""

    @workflow.init
    def __init__(self, start: ImageSessionInput) -> None:
        self._start = start
        super().__init__(
            Rounds(
                start.state,
                make_item=self._make_image,
                items_at_once=start.items_at_once,
                retry_window=start.retry_window,
                worst_case_microdollars=start.worst_case_microdollars,
            )
        )

    @workflow.run
    async def run(self, start: ImageSessionInput) -> SessionState:
        """Run until every image is made, or the window for retries has passed; return the session's last state."""
        return await self._rounds.run()

    async def _make_image(self, state: SessionState, key: str) -> AttemptOutcome:
        task = self._start.task_for(key, state=state)
        return await workflow.execute_activity_method(
            ImageActivities.generate,
            task,
            activity_id=activity_id(task.item, round_number=task.round),
            start_to_close_timeout=attempt_timeout(task.limits),
            heartbeat_timeout=HEARTBEAT_TIMEOUT,
            retry_policy=attempt_retries(task.max_attempts),
            # The attempt that is stopped says what it had cost; a dead worker's is given up with its heartbeats.
            cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
            summary=shortened(f"{task.label} · round {task.round}", max_bytes=SUMMARY_BYTES),
        )
