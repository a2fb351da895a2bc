"""A workflow over the production engine whose own code has a bug."""

from temporalio import workflow

from sessions.attempts import AttemptOutcome, LostAttempts
from sessions.images import ImageSessionInput
from sessions.state import SessionState
from workflows.rounds import Rounds


@workflow.defn
class BrokenSession:
    """Makes no item, because the code that should do so raises."""

    @workflow.init
    def __init__(self, start: ImageSessionInput) -> None:
        self._rounds = Rounds(start, make_item=self._make)

    @workflow.run
    async def run(self, start: ImageSessionInput) -> SessionState:
        return await self._rounds.run()

    async def _make(self, state: SessionState, key: str, _lost: LostAttempts | None) -> AttemptOutcome:
        raise LookupError(f"a bug in workflow code, met at {key} of {state.id}")
