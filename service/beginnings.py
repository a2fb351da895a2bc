"""What stories were begun with, wherever that is still known."""

from datetime import timedelta

from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.closed import ClosedSessions
from service.errors import OutOfReachError, SessionNotFoundError
from service.kinds import input_to_go_on
from sessions.attempts import SessionInput
from sessions.records import RecordsOutOfReachError, SessionRecords
from sessions.stories import StorySessionInput

_RPC_TIMEOUT = timedelta(seconds=2)


class Beginnings:
    """Tells what sessions were started with: the records know, and Temporal where they do not."""

    def __init__(self, *, client: Client, records: SessionRecords) -> None:
        self._client = client
        self._records = records
        self._sessions = ClosedSessions(client=client, records=records)

    async def of(self, session_id: str) -> StorySessionInput:
        """Return the input of a story's workflow; only the state in it is a later one.

        Raises:
            SessionNotFoundError: nobody knows what it was started with.
            OutOfReachError: neither the records nor Temporal answer.
        """
        start = await self._recorded(session_id) or await self._begun(session_id)
        if not isinstance(start, StorySessionInput):
            raise SessionNotFoundError(session_id)
        return start

    async def _recorded(self, session_id: str) -> SessionInput | None:
        try:
            record = await self._records.session(session_id)
        except RecordsOutOfReachError:
            return None
        if record is None or record.start is None:
            return None
        return input_to_go_on(record.start, state=record.state)

    async def _begun(self, session_id: str) -> SessionInput:
        handle = self._client.get_workflow_handle(session_id)
        try:
            return await self._sessions.beginning_of(await answered(handle.describe(), within=_RPC_TIMEOUT))
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise SessionNotFoundError(session_id) from error
            raise OutOfReachError("Neither the records nor Temporal answer. Try again in a moment.") from error
