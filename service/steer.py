"""Steering sessions: retry what failed, cancel what is under way; open or closed makes no difference to the person."""

import logging
from datetime import UTC, datetime, timedelta

from temporalio.client import (
    Client,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.errors import NotRetryableError, OutOfReachError, SessionNotFoundError, WrongStateError
from service.kinds import WORKFLOWS, input_to_go_on
from service.read import SessionReader
from service.start import search_attributes, summary
from sessions.commands import CommandRefusedError, ItemNotRetryableError, RetryRequest
from sessions.identifiers import is_session_id
from sessions.records import RecordsOutOfReachError, SessionRecord, SessionRecords
from sessions.state import SessionState, items_retried
from sessions.stories import OutlineApproval
from sessions.view import SessionView
from sessions.wire import APPROVE_OUTLINE_UPDATE, FINGERPRINT_MEMO, RETRY_SIGNAL, RETRY_UPDATE, TASK_QUEUE

_UPDATE_TIMEOUT = timedelta(seconds=3)
_RPC_TIMEOUT = timedelta(seconds=5)
_RACES = 5

_logger = logging.getLogger("retakes.steer")


class SessionSteering:
    """Changes what sessions do."""

    def __init__(self, *, client: Client, records: SessionRecords, reader: SessionReader) -> None:
        self._client = client
        self._records = records
        self._reader = reader

    async def retry(self, session_id: str, request: RetryRequest) -> SessionView:
        """Make failed items again, in the open workflow or, after it has closed, in the next run of the same id.

        Two requests that race give one round: the other is told what the state is.

        Raises:
            SessionNotFoundError: there is no such session.
            WrongStateError: nothing has failed, or the session is being cancelled.
            NotRetryableError: the request names an item that cannot be retried.
            OutOfReachError: Temporal, or for a closed session the records, do not answer, or the worker could not
                make sense of the request.
        """
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        try:
            # Between finding a workflow open or closed and acting on it, somebody else may close or reopen it.
            for _ in range(_RACES):
                if await self._retried_open(session_id, request) or await self._reopened(session_id, request):
                    return await self._reader.session(session_id)
        except ItemNotRetryableError as error:
            raise NotRetryableError(str(error)) from error
        except CommandRefusedError as error:
            raise WrongStateError(str(error)) from error
        except RPCError as error:
            raise OutOfReachError("Temporal does not answer; nothing was retried. Try again.") from error
        raise OutOfReachError("The session keeps changing hands; nothing was retried. Try again.")

    async def cancel(self, session_id: str) -> SessionView:
        """Stop a session; what is finished is kept.

        Raises:
            SessionNotFoundError: there is no such session.
            WrongStateError: the session has settled already.
            OutOfReachError: Temporal does not answer.
        """
        view = await self._reader.session(session_id)
        if view.status.is_settled:
            raise WrongStateError(f"The session is {view.status} already, so there is nothing to cancel.")
        try:
            await answered(self._client.get_workflow_handle(session_id).cancel(), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                raise WrongStateError("The session has just ended, so there is nothing to cancel.") from error
            raise OutOfReachError("Temporal does not answer; nothing was cancelled. Try again.") from error
        return await self._reader.session(session_id)

    async def approve_outline(self, session_id: str, approval: OutlineApproval) -> None:
        """Let a story go on that waits for its outline to be approved.

        Raises:
            WrongStateError: it does not wait, or somebody else has decided meanwhile.
            OutOfReachError: Temporal or the worker do not answer.
        """
        handle = self._client.get_workflow_handle(session_id)
        try:
            await answered(handle.execute_update(APPROVE_OUTLINE_UPDATE, approval), within=_UPDATE_TIMEOUT)
        except WorkflowUpdateFailedError as error:
            refusal = _refusal(error)
            raise (WrongStateError(str(refusal)) if isinstance(refusal, CommandRefusedError) else refusal) from error
        except (WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as error:
            if isinstance(error, RPCError) and error.status is RPCStatusCode.NOT_FOUND:
                raise WrongStateError("The session has closed, so it does not wait for an approval.") from error
            raise OutOfReachError(
                "No worker answers, so it is not certain that the outline was approved. Read the session, then try "
                "again."
            ) from error

    async def _retried_open(self, session_id: str, request: RetryRequest) -> bool:
        """Retry in the open workflow; return False when it is not open."""
        handle = self._client.get_workflow_handle(session_id)
        try:
            await answered(handle.execute_update(RETRY_UPDATE, request), within=_UPDATE_TIMEOUT)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return await self._signalled(handle, request)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            if error.status is RPCStatusCode.DEADLINE_EXCEEDED:
                return await self._signalled(handle, request)
            raise
        return True

    async def _signalled(self, handle: WorkflowHandle[object, object], request: RetryRequest) -> bool:
        """Leave the retry with the server for when a worker is back: unlike an update, a signal is kept at once.

        Returns False when the workflow is not open any more. Should the update arrive after all, the signal finds
        nothing failed any more and does nothing.
        """
        record = await self._reader.written_down(handle.id)
        request.notes_for(record.state)
        _logger.info("no worker answers; the retry waits as a signal", extra={"session_id": handle.id})
        try:
            await answered(handle.signal(RETRY_SIGNAL, request), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _reopened(self, session_id: str, request: RetryRequest) -> bool:
        """Start the closed session again with the retry in its input; return False when somebody else just did.

        In the input, because a start followed by an update could stop between the two.
        """
        record = await self._reader.written_down(session_id)
        notes = request.notes_for(record.state)
        if record.start is None:
            raise OutOfReachError(
                "How this session was started is not recorded, and Temporal has forgotten it, so it cannot be started "
                "again. Start a new session."
            )
        now = datetime.now(UTC)
        state = items_retried(record.state, notes=notes, max_attempts=request.max_attempts, now=now)
        try:
            await answered(
                self._client.start_workflow(
                    WORKFLOWS[state.kind],
                    input_to_go_on(record.start, state=state),
                    id=session_id,
                    task_queue=TASK_QUEUE,
                    id_conflict_policy=WorkflowIDConflictPolicy.FAIL,
                    id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                    memo={FINGERPRINT_MEMO: record.request_sha256} if record.request_sha256 else None,
                    search_attributes=search_attributes(state),
                    static_summary=summary(state),
                ),
                within=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        try:
            await self._record(state, record=record)
        except RecordsOutOfReachError:
            _logger.warning("the new round is recorded when it settles", extra={"session_id": session_id})
        return True

    async def _record(self, state: SessionState, *, record: SessionRecord) -> None:
        if record.start is not None and record.request_sha256 is not None:
            # What started the session may have come from Temporal alone, which forgets it in time.
            await self._records.create_session(state, request_sha256=record.request_sha256, start=record.start)
        else:
            await self._records.record_session(state, entries=())


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    """Return the refusal that the workflow's validator meant, told by the name that crossed the wire."""
    cause = error.cause
    if isinstance(cause, ApplicationError):
        refusals: tuple[type[CommandRefusedError], ...] = (*CommandRefusedError.__subclasses__(), CommandRefusedError)
        for refusal in refusals:
            if cause.type == refusal.__name__:
                return refusal(cause.message)
    _logger.error("a worker could not handle a command: %s", cause)
    return OutOfReachError(
        "The worker could not make sense of the request; it may run another version. See its log, then try again."
    )
