"""A workflow of the same name that does something else first: what a careless change comes to."""

from datetime import timedelta

from temporalio import workflow

from sessions.images import ImageSessionInput
from sessions.state import SessionState
from sessions.wire import IMAGE_SESSION
from workflows.image_session import ImageSession


@workflow.defn(name=IMAGE_SESSION)
class ChangedSession(ImageSession):
    """Waits a minute before it begins."""

    @workflow.init
    def __init__(self, start: ImageSessionInput) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: ImageSessionInput) -> SessionState:
        await workflow.sleep(timedelta(minutes=1))
        return await super().run(start)
