"""Deleting sessions: gone for everybody at once, and removed wherever something of them is kept.

The mark in the records comes first, and with it goes all that they hold of the session but figures. Temporal and the
store follow, right away if they answer, else later: whoever finds the mark goes on from there.
"""

import asyncio
import logging
from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol, TypeVar

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import DeleteWorkflowExecutionRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.errors import OutOfReachError, SessionDeletedError, SessionNotFoundError, WrongStateError
from sessions.deletions import Deletion, DeletionRecords
from sessions.identifiers import deliveries_prefix, is_session_id, session_prefix
from sessions.records import RecordsOutOfReachError
from sessions.view import SessionView

_DELETED: Final = "The session was deleted."

_RPC_TIMEOUT = timedelta(seconds=5)
_REMOVAL_PATIENCE = timedelta(seconds=5)
_SWEEP_INTERVAL = timedelta(minutes=1)
_SWEPT_AT_ONCE = 1000
# An attempt that was under way when its session was cancelled may store its result a little later.
_LATE = timedelta(hours=1)

Answer = TypeVar("Answer")

_logger = logging.getLogger("retakes.deletion")


class Reading(Protocol):
    """Reads sessions, as `service.read.SessionReader` does."""

    async def session(self, session_id: str) -> SessionView:
        """Return a session."""
        ...


class RemovableArtifacts(Protocol):
    """Keeps what attempts have produced, and the files made from it."""

    async def delete_prefix(self, prefix: str) -> None:
        """Delete everything whose key begins with a prefix that ends in ``/``. Raises `OSError`."""
        ...


class SessionDeletion:
    """Deletes sessions. Run it while the process serves, so that what was interrupted is brought to its end."""

    def __init__(
        self, *, client: Client, records: DeletionRecords, reader: Reading, artifacts: RemovableArtifacts
    ) -> None:
        self._client = client
        self._records = records
        self._reader = reader
        self._artifacts = artifacts
        self._removals: set[asyncio.Task[None]] = set()

    async def delete(self, session_id: str) -> None:
        """Delete a session that has settled, and whatever belongs to it. No worker is needed for it.

        One that waits for a retry is closed by that. When this returns the session is gone for everybody; what could
        not be removed yet is removed later. Deleting it again until then goes on with that.

        Raises:
            SessionNotFoundError: there is no such session, or nothing is left of it.
            WrongStateError: something is still being made.
            OutOfReachError: the records do not answer, or whether something is being made cannot be found out.
        """
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        deletion = await _reached(self._records.deletion(session_id))
        if deletion is None:
            view = await self._reader.session(session_id)
            await self._refuse_unfinished(view)
            await _reached(self._records.delete_session(session_id, kind=view.kind))
            _logger.info("a session was deleted", extra={"session_id": session_id})
        elif deletion.removed_at is not None:
            raise SessionDeletedError(session_id)
        await self._remove_soon(session_id)

    async def run(self) -> None:
        """Go on with what was interrupted, now and every minute, until cancelled."""
        while True:
            try:
                await self._sweep()
            except RecordsOutOfReachError:
                _logger.info("the records do not say which sessions are left to remove")
            await asyncio.sleep(_SWEEP_INTERVAL.total_seconds())

    async def close(self) -> None:
        """Leave what is being removed to whoever sweeps next."""
        for removal in self._removals:
            removal.cancel()
        await asyncio.gather(*self._removals, return_exceptions=True)

    async def _refuse_unfinished(self, view: SessionView) -> None:
        if not view.status.is_settled:
            raise WrongStateError(f"The session is {view.status}. Cancel it first, then delete it.")
        if not view.stale or view.closed_at is not None:
            return
        try:
            await answered(self._client.get_workflow_handle(view.id).describe(), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise OutOfReachError(
                    "Temporal does not answer, so it is not certain that the session has come to rest. "
                    "Nothing was deleted; try again."
                ) from error

    async def _remove_soon(self, session_id: str) -> None:
        """Remove what is left of a session, and wait for it a moment. Whoever asked may leave meanwhile."""
        removal = asyncio.create_task(self._removed(session_id, is_final=False), name=f"removal of {session_id}")
        self._removals.add(removal)
        removal.add_done_callback(self._removals.discard)
        await asyncio.wait({removal}, timeout=_REMOVAL_PATIENCE.total_seconds())

    async def _sweep(self) -> None:
        late = datetime.now(UTC) - _LATE
        for deletion in await self._records.unfinished_deletions(before=late, limit=_SWEPT_AT_ONCE):
            await self._removed(deletion.session_id, is_final=_is_of_before(deletion, late))

    async def _removed(self, session_id: str, *, is_final: bool) -> None:
        """Remove what Temporal and the store hold of a session. What fails is tried again with the next sweep."""
        try:
            for execution in await self._executions(session_id):
                await self._delete_execution(execution)
            await self._artifacts.delete_prefix(session_prefix(session_id))
            await self._records.note_removed(session_id, is_final=is_final)
        except (RPCError, OSError, RecordsOutOfReachError) as error:
            _logger.warning(
                "a deleted session is not removed yet", extra={"session_id": session_id, "reason": str(error)}
            )
        except Exception:
            # Nobody waits for this, and the sweep has others to see to.
            _logger.exception("removing a deleted session broke", extra={"session_id": session_id})

    async def _executions(self, session_id: str) -> Sequence[WorkflowExecution]:
        """Return all runs of a session and of the callbacks that tell of it; the latest first, as it may be open.

        The latest is named without a look at the list, which is some moments behind.
        """
        query = f"WorkflowId = '{session_id}' OR WorkflowId STARTS_WITH '{deliveries_prefix(session_id)}'"
        listed = self._client.list_workflows(query)
        runs = [WorkflowExecution(workflow_id=found.id, run_id=found.run_id) async for found in listed]
        return [WorkflowExecution(workflow_id=session_id), *runs]

    async def _delete_execution(self, execution: WorkflowExecution) -> None:
        """Have Temporal delete a run, which ends it if it is open. It does so in its own time."""
        request = DeleteWorkflowExecutionRequest(namespace=self._client.namespace, workflow_execution=execution)
        try:
            await answered(self._client.workflow_service.delete_workflow_execution(request), within=_RPC_TIMEOUT)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise


async def end_what_was_deleted(client: Client, session_id: str) -> None:
    """End a run that was begun in the moment in which its session was deleted, or because nobody could tell.

    Should that fail, the last pass over the deletion does it.
    """
    _logger.warning("a deleted session was begun again; it is ended", extra={"session_id": session_id})
    try:
        await answered(client.get_workflow_handle(session_id).terminate(reason=_DELETED), within=_RPC_TIMEOUT)
    except RPCError as error:
        _logger.warning("it could not be ended: %s", error, extra={"session_id": session_id})


def _is_of_before(deletion: Deletion, moment: datetime) -> bool:
    return deletion.deleted_at < moment


async def _reached(asking: Awaitable[Answer]) -> Answer:
    try:
        return await asking
    except RecordsOutOfReachError as error:
        raise OutOfReachError("The records do not answer. Try again in a moment.") from error
