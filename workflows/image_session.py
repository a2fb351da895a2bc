"""The workflow of an image session.

Determinism contract: as in `workflows.rounds`; here only the choice of the activity and its task, all of which comes
from the input.
"""

from temporalio import workflow

from activities.images import ImageActivities
from sessions.attempts import AttemptOutcome, LostAttempts
from sessions.images import ImageSessionInput
from sessions.state import SessionState
from sessions.wire import IMAGE_SESSION
from workflows.handlers import SessionHandlers
from workflows.making import made_by
from workflows.rounds import Rounds


@workflow.defn(name=IMAGE_SESSION)
class ImageSession(SessionHandlers):
    """Makes a set of images: one activity per image, and again what failed when somebody asks for it."""

    @workflow.init
    def __init__(self, start: ImageSessionInput) -> None:
        self._start = start
        super().__init__(Rounds(start, make_item=self._make_image))

    @workflow.run
    async def run(self, start: ImageSessionInput) -> SessionState:
        """Run until every image is made, or the window for retries has passed; return the session's last state."""
        state = await self._rounds.run()
        if self._rounds.goes_on:
            workflow.continue_as_new(self._start.to_go_on(state, unrecorded=self._rounds.unrecorded))
        return state

    async def _make_image(self, state: SessionState, key: str, lost: LostAttempts | None) -> AttemptOutcome:
        task = self._rounds.handed_out(self._start.task_for(key, state=state), lost=lost)
        return await made_by(ImageActivities.generate, task)
