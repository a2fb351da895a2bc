"""The workflow of a story session.

Determinism contract: as in `workflows.rounds`; here only the choice of the activity and its task, all of which comes
from the input, and the approval of the outline, which changes the state as a retry does.
"""

from temporalio import workflow

from activities.stories import StoryActivities
from sessions.attempts import AttemptOutcome, LostAttempts
from sessions.commands import Accepted
from sessions.state import SessionState
from sessions.steering import OutlineApproval
from sessions.stories import OutlinePartTask, OutlineTask, StorySessionInput
from sessions.wire import APPROVE_OUTLINE_UPDATE, STORY_SESSION
from workflows.handlers import SessionHandlers
from workflows.making import made_by
from workflows.rounds import Rounds


@workflow.defn(name=STORY_SESSION)
class StorySession(SessionHandlers):
    """Writes a story: its outline, then its sets, one activity each, and again what failed when somebody asks."""

    @workflow.init
    def __init__(self, start: StorySessionInput) -> None:
        self._start = start
        super().__init__(Rounds(start, make_item=self._write))

    @workflow.run
    async def run(self, start: StorySessionInput) -> SessionState:
        """Run until every set is written, or the window for retries has passed; return the session's last state."""
        state = await self._rounds.run()
        if self._rounds.goes_on:
            workflow.continue_as_new(self._start.to_go_on(state, unrecorded=self._rounds.unrecorded))
        return state

    @workflow.update(name=APPROVE_OUTLINE_UPDATE)
    async def approve_outline(self, approval: OutlineApproval) -> Accepted:
        """Let the sets be written, by the outline as it is or by what was stored in its place."""
        return await self._obeyed(approval)

    @approve_outline.validator
    def _can_approve(self, approval: OutlineApproval) -> None:
        self._check(approval)

    async def _write(self, state: SessionState, key: str, lost: LostAttempts | None) -> AttemptOutcome:
        match self._rounds.handed_out(self._start.task_for(key, state=state), lost=lost):
            case OutlineTask() as task:
                return await made_by(StoryActivities.write_outline, task)
            case OutlinePartTask() as task:
                return await made_by(StoryActivities.write_outline_part, task)
            case task:
                return await made_by(StoryActivities.write_set, task)
