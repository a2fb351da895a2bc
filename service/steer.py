"""Steering sessions: make again, choose, pause, stop; open or closed makes no difference to the person.

A command goes to the open workflow as an update. One that can begin something new works after the workflow has
closed, too: it is applied to the recorded state, and the next run of the same id starts with that.
"""

import asyncio
import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.exceptions import ApplicationError, WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.deletion import end_what_was_deleted
from service.errors import (
    NotRetryableError,
    OutOfReachError,
    SessionDeletedError,
    SessionNotFoundError,
    WrongStateError,
)
from service.kinds import WORKFLOWS, input_to_go_on
from service.labels import priority, search_attributes, summary
from service.read import SessionReader
from sessions.commands import (
    Command,
    CommandRefusedError,
    Retry,
    RetryRequest,
    WrongRequestError,
    obeyed,
    once,
    refusals,
)
from sessions.identifiers import is_session_id
from sessions.records import RecordsOutOfReachError, SessionRecord, SessionRecords
from sessions.state import SessionState
from sessions.steering import (
    BudgetChange,
    CancelItems,
    OutlineApproval,
    Pause,
    Resume,
    Retake,
    RetakeRequest,
    Selection,
    SelectionRequest,
)
from sessions.view import SessionView
from sessions.wire import (
    APPROVE_OUTLINE_UPDATE,
    BUDGET_UPDATE,
    CANCEL_ITEMS_UPDATE,
    FINGERPRINT_MEMO,
    PAUSE_UPDATE,
    RESUME_UPDATE,
    RETAKE_UPDATE,
    RETRY_SIGNAL,
    RETRY_UPDATE,
    SELECT_UPDATE,
    TASK_QUEUE,
)

_UPDATE_TIMEOUT = timedelta(seconds=3)
_RPC_TIMEOUT = timedelta(seconds=5)
_RACES = 5
_RACE_PAUSE = timedelta(milliseconds=200)

_UPDATES: Final[Mapping[type[Command], str]] = {
    Retry: RETRY_UPDATE,
    Retake: RETAKE_UPDATE,
    Selection: SELECT_UPDATE,
    Pause: PAUSE_UPDATE,
    Resume: RESUME_UPDATE,
    CancelItems: CANCEL_ITEMS_UPDATE,
    BudgetChange: BUDGET_UPDATE,
    OutlineApproval: APPROVE_OUTLINE_UPDATE,
}
_BEGINNING_ANEW: Final = (Retry, Retake, Selection)
"""Commands that a closed session obeys, in a run of its own."""
_WITHOUT_BODY: Final = (Pause, Resume)

_logger = logging.getLogger("retakes.steer")


class SessionSteering:
    """Changes what sessions do.

    Every command can raise:

    * `SessionNotFoundError`: there is no such session.
    * `WrongStateError`: its state does not allow the command; nothing has changed.
    * `NotRetryableError`: the command itself cannot be met; nothing has changed.
    * `OutOfReachError`: Temporal, or for a closed session the records, do not answer, or the worker could not make
      sense of the command.

    Two commands that race have one outcome: the other is told what the state is.
    """

    def __init__(self, *, client: Client, records: SessionRecords, reader: SessionReader) -> None:
        self._client = client
        self._records = records
        self._reader = reader

    async def retry(self, session_id: str, request: RetryRequest, *, idempotency_key: str | None = None) -> SessionView:
        """Make failed items again, in the open workflow or, after it has closed, in the next run of the same id."""
        fields = {name: getattr(request, name) for name in RetryRequest.model_fields}
        return await self._steered(session_id, _once(Retry(**fields), idempotency_key))

    async def retake(
        self, session_id: str, request: RetakeRequest, *, item: str, idempotency_key: str | None = None
    ) -> SessionView:
        """Make another version of a finished item; the versions there are stay."""
        fields = {name: getattr(request, name) for name in RetakeRequest.model_fields}
        return await self._steered(
            session_id, _once(Retake(**fields, key=item, with_what_follows=True), idempotency_key)
        )

    async def select(self, session_id: str, request: SelectionRequest, *, item: str) -> SessionView:
        """Choose which version of an item counts."""
        return await self._steered(session_id, Selection(key=item, attempt=request.attempt))

    async def pause(self, session_id: str) -> SessionView:
        """Begin nothing further; what is being made goes on to its end."""
        return await self._steered(session_id, Pause())

    async def resume(self, session_id: str) -> SessionView:
        """Go on after a pause."""
        return await self._steered(session_id, Resume())

    async def cancel_items(self, session_id: str, request: CancelItems) -> SessionView:
        """Stop items that are waiting or being made."""
        return await self._steered(session_id, request)

    async def set_budget(self, session_id: str, request: BudgetChange) -> SessionView:
        """Change what the session may cost."""
        return await self._steered(session_id, request)

    async def approve_outline(self, session_id: str, approval: OutlineApproval) -> SessionView:
        """Let a story go on that waits for its outline to be approved."""
        return await self._steered(session_id, approval)

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

    async def _steered(self, session_id: str, command: Command) -> SessionView:
        """Have a session obey a command, and return it as it stands then."""
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        await self._reader.refuse_deleted(session_id)
        try:
            # Between finding a workflow open or closed and acting on it, somebody else may close or reopen it.
            for _ in range(_RACES):
                if await self._obeyed_open(session_id, command) or await self._obeyed_closed(session_id, command):
                    return await self._reader.session(session_id)
        except WrongRequestError as error:
            raise NotRetryableError(str(error)) from error
        except CommandRefusedError as error:
            raise WrongStateError(str(error)) from error
        except RPCError as error:
            raise OutOfReachError("Temporal does not answer; nothing has changed. Try again.") from error
        raise OutOfReachError("The session keeps changing hands; nothing has changed. Try again.")

    async def _obeyed_open(self, session_id: str, command: Command) -> bool:
        """Have the open workflow obey; return False when it is not open."""
        handle = self._client.get_workflow_handle(session_id)
        arguments = [] if isinstance(command, _WITHOUT_BODY) else [command]
        try:
            await answered(handle.execute_update(_UPDATES[type(command)], args=arguments), within=_UPDATE_TIMEOUT)
        except WorkflowUpdateFailedError as error:
            raise _refusal(error) from error
        except WorkflowUpdateRPCTimeoutOrCancelledError:
            return await self._left_with_the_server(handle, command)
        except RPCError as error:
            # The second: the workflow was handed from one run to the next in that moment.
            if error.status in (RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION):
                return False
            if error.status is RPCStatusCode.DEADLINE_EXCEEDED:
                return await self._left_with_the_server(handle, command)
            raise
        return True

    async def _left_with_the_server(self, handle: WorkflowHandle[object, object], command: Command) -> bool:
        if isinstance(command, Retry):
            return await self._signalled(handle, command)
        raise OutOfReachError(
            "No worker answers, so it is not certain that this was obeyed. Read the session, then try again."
        )

    async def _signalled(self, handle: WorkflowHandle[object, object], request: Retry) -> bool:
        """Leave the retry with the server for when a worker is back: unlike an update, a signal is kept at once.

        Returns False when the workflow is not open any more. Should the update arrive after all, the signal finds
        nothing failed any more and does nothing.
        """
        record = await self._reader.written_down(handle.id)
        if obeyed(request, record.state, now=datetime.now(UTC)) is record.state:
            return True
        _logger.info("no worker answers; the retry waits as a signal", extra={"session_id": handle.id})
        try:
            await answered(handle.signal(RETRY_SIGNAL, request), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return True

    async def _obeyed_closed(self, session_id: str, command: Command) -> bool:
        """Start the closed session again with the command obeyed in its input; False when somebody else just did.

        In the input, because a start followed by an update could stop between the two.
        """
        if await self._is_open(session_id):
            await asyncio.sleep(_RACE_PAUSE.total_seconds())
            return False
        record = await self._reader.written_down(session_id)
        now = datetime.now(UTC)
        state = obeyed(command, record.state, now=now)
        if state is record.state:
            return True
        if not isinstance(command, _BEGINNING_ANEW):
            raise CommandRefusedError(f"The session has closed (it is {record.state.status}); nothing has changed.")
        if record.start is None:
            raise OutOfReachError(
                "How this session was started is not recorded, and Temporal has forgotten it, so it cannot be started "
                "again. Start a new session."
            )
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
                    priority=priority(state),
                ),
                within=_RPC_TIMEOUT,
            )
        except WorkflowAlreadyStartedError:
            return False
        try:
            await self._reader.refuse_deleted(session_id)
        except SessionDeletedError:
            await end_what_was_deleted(self._client, session_id)
            raise
        try:
            await self._record(state, record=record)
        except RecordsOutOfReachError:
            _logger.warning("the new round is recorded when it settles", extra={"session_id": session_id})
        return True

    async def _is_open(self, session_id: str) -> bool:
        """Whether the workflow runs, and so knows better than the records how the session stands."""
        try:
            description = await answered(self._client.get_workflow_handle(session_id).describe(), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return False
            raise
        return description.status is WorkflowExecutionStatus.RUNNING

    async def _record(self, state: SessionState, *, record: SessionRecord) -> None:
        if record.start is not None and record.request_sha256 is not None:
            # What started the session may have come from Temporal alone, which forgets it in time.
            await self._records.create_session(state, request_sha256=record.request_sha256, start=record.start)
        else:
            await self._records.record_session(state, entries=())


def _once(command: Command, idempotency_key: str | None) -> Command:
    """Return the command so that it is obeyed once, however often it comes with this key."""
    if idempotency_key is None:
        return command
    return command.model_copy(update={"once": once(idempotency_key, request=command)})


def _refusal(error: WorkflowUpdateFailedError) -> Exception:
    """Return the refusal that the workflow's validator meant, told by the name that crossed the wire."""
    cause = error.cause
    if isinstance(cause, ApplicationError) and (refusal := refusals().get(cause.type or "")) is not None:
        return refusal(cause.message)
    _logger.error("a worker could not handle a command: %s", cause)
    return OutOfReachError(
        "The worker could not make sense of the request; it may run another version. See its log, then try again."
    )
