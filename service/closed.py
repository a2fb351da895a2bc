"""Sessions whose workflow has closed: what became of them, and writing that down where nobody else will."""

import logging
from datetime import UTC, datetime, timedelta

from temporalio.client import Client, WorkflowExecutionDescription, WorkflowExecutionStatus
from temporalio.service import RPCError

from service.answers import answered
from service.kinds import INPUTS, start_of
from service.standing import standing_of
from sessions.attempts import SessionInput
from sessions.records import RecordsOutOfReachError, SessionRecord, SessionRecords
from sessions.state import SessionState
from sessions.wire import FINGERPRINT_MEMO

_RPC_TIMEOUT = timedelta(seconds=1)

_logger = logging.getLogger("retakes.closed")


class ClosedSessions:
    """Tells what became of sessions. A description is one of a workflow that has closed."""

    def __init__(self, *, client: Client, records: SessionRecords) -> None:
        self._client = client
        self._records = records

    async def record_of(self, description: WorkflowExecutionDescription) -> SessionRecord | None:
        """Return a closed session as it ended; None if the workflow was found open again meanwhile.

        A workflow that was ended from outside, or reset, could not write down how it ended: that is made up for
        here, so that lists tell the same, also when Temporal has forgotten the workflow.

        Raises:
            RecordsOutOfReachError: the records do not answer.
            RPCError: Temporal does not answer.
        """
        record = await self._records.session(description.id)
        try:
            result = await self.result_of(description)
        except RPCError:
            if record is None or record.state.closed_at is None:
                raise  # without the result, a session that ended by itself would be written off
            result = None
        if record is None:
            return await self._unrecorded(description, result=result)
        state, _ = standing_of(record, result=result, ended_at=_close_time(description))
        if state.revision == record.state.revision:
            return record.model_copy(update={"state": state})
        # What was read may be of a run that somebody has begun since; that one is not to be written off.
        handle = self._client.get_workflow_handle(description.id)
        if (await answered(handle.describe(), within=_RPC_TIMEOUT)).run_id != description.run_id:
            return None
        try:
            await self._records.record_session(state, entries=())
            # Attempts that seemed to run have been entered as lost by that, and count as such.
            written = await self._records.session(description.id) or record
        except RecordsOutOfReachError:
            _logger.info("how a session ended is not recorded yet", extra={"session_id": description.id})
            return record.model_copy(update={"state": state})
        if written.state.revision != state.revision:
            return None
        return written.model_copy(update={"state": standing_of(written)[0]})

    async def result_of(self, description: WorkflowExecutionDescription) -> SessionState | None:
        """Return the state that the workflow returned, None where it did not end by itself.

        Raises:
            RPCError: Temporal does not answer.
        """
        if description.status is not WorkflowExecutionStatus.COMPLETED:
            return None
        handle = self._client.get_workflow_handle(description.id, run_id=description.run_id, result_type=SessionState)
        return SessionState.model_validate(await answered(handle.result(follow_runs=False), within=_RPC_TIMEOUT))

    async def beginning_of(self, description: WorkflowExecutionDescription) -> SessionInput:
        """Return the input of the workflow, from its history.

        Raises:
            RPCError: Temporal does not answer.
        """
        handle = self._client.get_workflow_handle(description.id, run_id=description.run_id)
        events = handle.fetch_history_events(page_size=1)
        started = (await answered(anext(events), within=_RPC_TIMEOUT)).workflow_execution_started_event_attributes
        (start,) = await self._client.data_converter.decode(
            started.input.payloads, [INPUTS[started.workflow_type.name]]
        )
        return INPUTS[started.workflow_type.name].model_validate(start)

    async def with_beginning(
        self, record: SessionRecord, *, description: WorkflowExecutionDescription
    ) -> SessionRecord:
        """Return a record with what the session was started with, which the API may have died before writing down.

        Raises:
            RPCError: Temporal does not answer.
        """
        if record.start is not None:
            return record
        beginning = await self.beginning_of(description)
        fingerprint = await description.memo_value(FINGERPRINT_MEMO, None, type_hint=str)
        return record.model_copy(
            update={"start": start_of(beginning), "request_sha256": record.request_sha256 or fingerprint}
        )

    async def _unrecorded(
        self, description: WorkflowExecutionDescription, *, result: SessionState | None
    ) -> SessionRecord:
        """Return the record that there should be. There is no ledger either, so what the result has spent stands."""
        known = result or (await self.beginning_of(description)).state
        state, _ = standing_of(SessionRecord(state=known, spending=known.spending), ended_at=_close_time(description))
        return SessionRecord(state=state, spending=state.spending)


def _close_time(description: WorkflowExecutionDescription) -> datetime:
    return description.close_time or datetime.now(UTC)
