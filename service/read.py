"""Reading sessions: an open one asks its workflow and the server, everything else comes from the records."""

import asyncio
import logging
from collections.abc import Awaitable, Mapping, Sequence
from datetime import timedelta
from typing import TypeVar

from temporalio.client import (
    Client,
    WorkflowExecutionDescription,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowQueryFailedError,
    WorkflowQueryRejectedError,
)
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.closed import ClosedSessions
from service.errors import ArtifactNotFoundError, OutOfReachError, SessionDeletedError, SessionNotFoundError
from service.shared_reads import SharedReads
from service.standing import standing_of
from service.under_way import attempts_under_way
from sessions.artifacts import Artifact
from sessions.identifiers import is_session_id
from sessions.ledger import LedgerEntry
from sessions.money import Spending
from sessions.present import Seen, attempt_view, session_view
from sessions.progress import UnderWay, not_interrupted_since
from sessions.records import RecordsOutOfReachError, SessionRecord, SessionRecords
from sessions.state import SessionState, not_closed_yet
from sessions.statuses import SessionKind, SessionStatus
from sessions.texts import shortened
from sessions.view import AttemptView, ItemView, SessionList, SessionView
from sessions.wire import STATE_QUERY

# Either alone stays under the two seconds within which a reader is promised an answer, stale if need be: without a
# server the first runs out, without a worker the second.
_DESCRIBE_TIMEOUT = timedelta(milliseconds=1300)
_QUERY_TIMEOUT = timedelta(milliseconds=1300)
_LOOK_TIMEOUT = timedelta(milliseconds=300)

_RACES = 3
_SHOWN_KEYS = 1000
_CHANGING_HANDS = "The session keeps changing hands. Try again in a moment."
_UNRECORDED = (
    "Session '{session_id}' is known, but no worker answers and nothing is recorded of it yet. "
    "See that a worker runs, then ask again."
)

Answer = TypeVar("Answer")

_logger = logging.getLogger("retakes.read")


class SessionReader:
    """Reads sessions. ``ui_url`` is the address of Temporal's UI, without a slash at its end, where one is known."""

    def __init__(self, *, client: Client, records: SessionRecords, ui_url: str | None) -> None:
        self._client = client
        self._records = records
        self._ui_url = ui_url
        self._closed_sessions = ClosedSessions(client=client, records=records)
        self._shared = SharedReads(self._read)

    async def session(self, session_id: str) -> SessionView:
        """Return a session as it is shown; raises what `seen` raises."""
        return (await self.seen(session_id)).view

    async def seen(self, session_id: str) -> Seen:
        """Return a session.

        Raises:
            SessionNotFoundError: there is no such session.
            OutOfReachError: neither Temporal nor the records know it and one of them did not answer.
        """
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        return await self._shared.read(session_id)

    async def _read(self, session_id: str) -> Seen:
        await self.refuse_deleted(session_id)
        handle = self._client.get_workflow_handle(session_id)
        for _ in range(_RACES):
            try:
                description = await answered(handle.describe(), within=_DESCRIBE_TIMEOUT)
            except RPCError as error:
                return await self._without_temporal(session_id, error)
            if description.status is WorkflowExecutionStatus.RUNNING:
                return await self._open(handle, description)
            if (closed := await self._closed(description)) is not None:
                return closed
        raise OutOfReachError(_CHANGING_HANDS)

    async def written_down(self, session_id: str) -> SessionRecord:
        """Return a session as it stands without its worker, and where its workflow has closed, what started it.

        Raises:
            SessionNotFoundError: there is no such session.
            OutOfReachError: the records do not answer, or the session keeps being opened again.
            RPCError: Temporal does not answer.
        """
        await self.refuse_deleted(session_id)
        handle = self._client.get_workflow_handle(session_id)
        for _ in range(_RACES):
            try:
                description = await answered(handle.describe(), within=_DESCRIBE_TIMEOUT)
            except RPCError as error:
                if error.status is not RPCStatusCode.NOT_FOUND:
                    raise
                record = await self._record(session_id)
                if record is None:
                    raise SessionNotFoundError(session_id) from error
                return record.model_copy(update={"state": standing_of(record, ended_at=record.last_change)[0]})
            if description.status is WorkflowExecutionStatus.RUNNING:
                record = await self._record(session_id)
                if record is None:
                    raise OutOfReachError(_UNRECORDED.format(session_id=session_id))
                return record.model_copy(update={"state": standing_of(record)[0]})
            if (record := await self._ended(description)) is not None:
                return await self._closed_sessions.with_beginning(record, description=description)
        raise OutOfReachError(_CHANGING_HANDS)

    async def refuse_deleted(self, session_id: str) -> None:
        """Find out whether somebody has deleted a session, of which Temporal may still know for a while.

        While the records do not answer nobody can tell, and sessions that are open go on being read and steered.

        Raises:
            SessionDeletedError: somebody has.
        """
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT.total_seconds()):
                is_deleted = await self._records.is_deleted(session_id)
        except (RecordsOutOfReachError, TimeoutError):
            return
        if is_deleted:
            raise SessionDeletedError(session_id)

    async def sessions(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> SessionList:
        """Return a page of sessions, newest first, as the records know them.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
            OutOfReachError: the records do not answer.
        """
        page = await _reached(self._records.sessions(kind=kind, status=status, query=query, limit=limit, cursor=cursor))
        # Those of a page of sessions of a thousand items take longer than other requests can be held up.
        views = await asyncio.to_thread(lambda: tuple(self._recorded(record) for record in page.sessions))
        return SessionList(sessions=views, next_cursor=page.next_cursor)

    async def attempts(self, session_id: str) -> Sequence[AttemptView]:
        """Return the ledger of a session as it is shown, oldest first; raises what `ledger` raises."""
        return [attempt_view(entry) for entry in await self.ledger(session_id)]

    async def ledger(self, session_id: str) -> Sequence[LedgerEntry]:
        """Return the ledger of a session, oldest first.

        Raises:
            SessionNotFoundError: there is no such session.
            OutOfReachError: the records do not answer.
        """
        if not is_session_id(session_id):
            raise SessionNotFoundError(session_id)
        entries = await _reached(self._records.attempts(session_id))
        if not entries:
            await self.session(session_id)
        return entries

    async def artifact(self, session_id: str, *, item: str, attempt: int | None) -> Artifact:
        """Return the artifact of an attempt, or of the attempt that counts where none is named.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: there is nothing for this item and attempt.
            OutOfReachError: the records do not answer.
        """
        # Its attempt's entry says all: whoever looks at pictures need not wait for a worker, nor keep one busy.
        if attempt is not None and (written := await self._written(session_id, item=item, attempt=attempt)):
            return written
        view = await self.session(session_id)
        shown = _shown(view, item=item)
        if shown.artifact and shown.selected_attempt and attempt in (None, shown.selected_attempt):
            fields = shown.artifact.model_dump(exclude={"url"})
            return Artifact(attempt=shown.selected_attempt, **fields)
        if attempt is None:
            raise ArtifactNotFoundError(f"Item '{item}' has no result yet; it is {shown.status}.")
        entry = await _reached(self._records.attempt(session_id, item=item, attempt=attempt))
        if entry is None or entry.artifact is None:
            raise ArtifactNotFoundError(f"Attempt {attempt} at '{item}' has no result.")
        return entry.artifact

    async def _written(self, session_id: str, *, item: str, attempt: int) -> Artifact | None:
        """Return what the ledger knows an attempt to have made, None while the records are slow to answer."""
        if not is_session_id(session_id):
            return None
        try:
            async with asyncio.timeout(_LOOK_TIMEOUT.total_seconds()):
                entry = await self._records.attempt(session_id, item=item, attempt=attempt)
        except (RecordsOutOfReachError, TimeoutError):
            return None
        return entry.artifact if entry else None

    async def made(self, session_id: str, *, item: str) -> Sequence[Artifact]:
        """Return every version of an item, oldest first; those that a person has sent are not attempts, and not here.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: there is no such item.
            OutOfReachError: the records do not answer.
        """
        view = await self.session(session_id)
        shown = _shown(view, item=item)
        entries = await _reached(self._records.attempts(session_id))
        made = {entry.artifact.attempt: entry.artifact for entry in entries if entry.item == item and entry.artifact}
        if shown.artifact and shown.selected_attempt:
            made[shown.selected_attempt] = Artifact(
                attempt=shown.selected_attempt, **shown.artifact.model_dump(exclude={"url"})
            )
        return [made[attempt] for attempt in sorted(made)]

    async def _open(self, handle: WorkflowHandle[object, object], description: WorkflowExecutionDescription) -> Seen:
        # Described before it is queried: an item that ends in between is then settled in the state, or was interrupted,
        # and what was described of it is passed over. The other way round it would seem not to have begun.
        under_way = await attempts_under_way(description, converter=self._client.data_converter)
        try:
            state: SessionState = await answered(
                handle.query(STATE_QUERY, result_type=SessionState), within=_QUERY_TIMEOUT
            )
        except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            _logger.info("no worker answered for a session", extra={"session_id": handle.id, "reason": str(error)})
            record = await self._record(handle.id)
            if record is None:
                raise OutOfReachError(_UNRECORDED.format(session_id=handle.id)) from error
            state, recorded = standing_of(record)
            # The ledger's spending holds what the heartbeats tell of, too.
            told = {item: known.model_copy(update={"spending": Spending()}) for item, known in under_way.items()}
            return self._seen(not_closed_yet(state), under_way={**recorded, **told}, is_stale=True)
        return self._seen(not_closed_yet(state), under_way=not_interrupted_since(under_way, state=state))

    async def _closed(self, description: WorkflowExecutionDescription) -> Seen | None:
        """Return the session, None if it was found open again meanwhile."""
        try:
            record = await self._ended(description)
        except OutOfReachError as error:
            try:
                result = await self._closed_sessions.result_of(description)
            except RPCError:
                raise error from None
            if result is None:
                raise
            return self._seen(result)
        return None if record is None else self._seen(record.state)

    async def _ended(self, description: WorkflowExecutionDescription) -> SessionRecord | None:
        try:
            return await _reached(self._closed_sessions.record_of(description))
        except RPCError as error:
            raise OutOfReachError("Temporal does not answer, so this session cannot be read. Try again.") from error

    async def _without_temporal(self, session_id: str, error: RPCError) -> Seen:
        is_unknown = error.status is RPCStatusCode.NOT_FOUND
        record = await self._record(session_id)
        if record is None:
            if is_unknown:
                raise SessionNotFoundError(session_id) from error
            raise OutOfReachError("Temporal does not answer, so this session cannot be read. Try again.") from error
        # Temporal forgets closed workflows after its retention; the records then are the truth, not a stand-in.
        # One that they do not know the end of is shown as ended, but not written off: should this be the wrong
        # namespace, nothing is lost.
        state, under_way = standing_of(record, ended_at=record.last_change if is_unknown else None)
        is_stale = not is_unknown or record.state.closed_at is None
        return self._seen(state, under_way=under_way, is_stale=is_stale)

    async def _record(self, session_id: str) -> SessionRecord | None:
        return await _reached(self._records.session(session_id))

    def _recorded(self, record: SessionRecord) -> SessionView:
        state, under_way = standing_of(record)
        return self._seen(state, under_way=under_way).view

    def _seen(
        self, state: SessionState, *, under_way: Mapping[str, UnderWay] | None = None, is_stale: bool = False
    ) -> Seen:
        known = under_way or {}
        view = session_view(state, under_way=known, is_stale=is_stale, temporal_link=self.temporal_link(state.id))
        return Seen(view=view, state=state, under_way=known)

    def temporal_link(self, session_id: str) -> str | None:
        """Return the address of a session in Temporal's UI, None where no UI is known."""
        if self._ui_url is None:
            return None
        return f"{self._ui_url}/namespaces/{self._client.namespace}/workflows/{session_id}"


def _shown(view: SessionView, *, item: str) -> ItemView:
    shown = next((shown for shown in view.items if shown.key == item), None)
    if shown is None:
        keys = shortened(", ".join(known.key for known in view.items), max_bytes=_SHOWN_KEYS)
        raise ArtifactNotFoundError(f"This session has no item '{item[:80]}'. Its items are {keys}.")
    return shown


async def _reached(asking: Awaitable[Answer]) -> Answer:
    """Return what the records answer.

    Raises:
        OutOfReachError: they do not.
    """
    try:
        return await asking
    except RecordsOutOfReachError as error:
        raise OutOfReachError("The records do not answer. Try again in a moment.") from error
