"""The engine that both kinds of session share: rounds of items, each made by an activity under a retry policy.

Determinism contract: nothing here reads a clock other than the workflow's, randomness, the environment or settings.
All state is one `SessionState`, replaced by the pure functions of `sessions.state`; handlers only replace it too,
and the run loop acts on what it finds. So the order of events in the history decides everything.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.records import RecordActivities
from sessions.attempts import AttemptOutcome, RoundReport, SessionRecordTask
from sessions.commands import RetryRequest
from sessions.details import details_table
from sessions.ledger import LedgerEntry
from sessions.state import (
    SessionState,
    item_completed,
    item_failed,
    item_started,
    items_retried,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import ItemStatus
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, STATUS_ATTRIBUTE
from workflows.failures import item_failure
from workflows.policies import RECORD_RETRIES, RECORD_TIMEOUT

MakeItem = Callable[[SessionState, str], Awaitable[AttemptOutcome]]
"""Makes the item with this key, as it stands in this state: one activity under the retry policy."""

_STATUS = SearchAttributeKey.for_keyword(STATUS_ATTRIBUTE)
_FAILED_ITEMS = SearchAttributeKey.for_int(FAILED_ITEMS_ATTRIBUTE)


class Rounds:
    """Makes the items of one session, round after round, until there is nothing left to retry or to wait for."""

    def __init__(self, state: SessionState, *, make_item: MakeItem, retry_window: timedelta) -> None:
        self._state = state
        self._make_item = make_item
        self._retry_window = retry_window
        self._unrecorded: tuple[LedgerEntry, ...] = ()
        self._recordings = 0

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._state

    def retry(self, request: RetryRequest) -> None:
        """Begin the next round over what failed; the run loop does the rest.

        Raises:
            CommandRefusedError: the state does not allow it; nothing has changed.
        """
        notes = request.notes_for(self._state)
        self._become(items_retried(self._state, notes=notes, max_attempts=request.max_attempts, now=workflow.now()))

    async def run(self) -> SessionState:
        """Make items until the session is closed, and return its final state.

        Raises:
            CancelledError: a person cancelled the session; it has been recorded as such.
        """
        try:
            async with asyncio.TaskGroup() as background:
                await self._until_closed(background)
        except asyncio.CancelledError:
            self._become(unfinished_items_cancelled(self._state, now=workflow.now()))
            self._close()
            self._publish()
            await self._record()
            raise
        return self._state

    async def _until_closed(self, background: asyncio.TaskGroup) -> None:
        while True:
            await self._make_items(background)
            if not self._state.failed_items:
                self._close()
            self._publish()
            await self._recorded(background)
            if not self._is_done():
                await self._wait_for_retry()
            if not self._has_work() and not self._is_done():
                self._close()
                await self._recorded(background)
            if not self._has_work():
                return
            # A retry round shows in lists and searches from its beginning, not only when it ends.
            self._publish()
            self._record_in(background)

    async def _make_items(self, background: asyncio.TaskGroup) -> None:
        """Hand out every pending item, those included that a retry adds meanwhile, until the session is settled."""
        while not self._state.status.is_settled:
            for item in self._state.with_status(ItemStatus.PENDING):
                self._become(item_started(self._state, key=item.key, now=workflow.now()))
                background.create_task(self._make(item.key))
            await workflow.wait_condition(
                lambda: self._state.status.is_settled or bool(self._state.with_status(ItemStatus.PENDING))
            )

    async def _make(self, key: str) -> None:
        """Make one item. Whatever happens to it is kept to it: no failure here reaches another item."""
        try:
            outcome = await self._make_item(self._state, key)
        except ActivityError as error:
            if is_cancelled_exception(error):
                return  # the run loop cancels all unfinished items together
            failure = item_failure(error, max_attempts=self._state.item(key).max_attempts)
            self._keep(failure.report)
            self._become(
                item_failed(
                    self._state,
                    key=key,
                    error=failure.error,
                    attempts_used=failure.report.attempts_used,
                    spending=failure.report.spending,
                    now=workflow.now(),
                )
            )
        else:
            self._keep(outcome.report)
            self._become(
                item_completed(
                    self._state,
                    key=key,
                    artifact=outcome.artifact,
                    attempts_used=outcome.report.attempts_used,
                    spending=outcome.report.spending,
                    now=workflow.now(),
                )
            )

    def _has_work(self) -> bool:
        return not self._state.status.is_settled

    def _is_done(self) -> bool:
        return self._state.closed_at is not None

    def _close(self) -> None:
        self._become(session_closed(self._state, now=workflow.now()))

    async def _wait_for_retry(self) -> None:
        try:
            await workflow.wait_condition(self._has_work, timeout=self._retry_window)
        except TimeoutError:
            workflow.logger.info("nobody retried within the window; the session closes")

    def _become(self, state: SessionState) -> None:
        self._state = state
        workflow.set_current_details(details_table(state))

    def _keep(self, report: RoundReport) -> None:
        self._unrecorded += report.unrecorded

    def _publish(self) -> None:
        """Let searches find the session by what it has become. One action, so only when the status changes."""
        workflow.upsert_search_attributes(
            [
                _STATUS.value_set(self._state.status.value),
                _FAILED_ITEMS.value_set(len(self._state.failed_items)),
            ]
        )

    async def _recorded(self, background: asyncio.TaskGroup) -> None:
        """Record the session, and return when nothing is left to record or a retry has begun.

        With the records down this takes as long as they are; a retry does not wait for them.
        """
        self._record_in(background)
        await workflow.wait_condition(lambda: self._recordings == 0 or self._has_work())

    def _record_in(self, background: asyncio.TaskGroup) -> None:
        self._recordings += 1
        background.create_task(self._record()).add_done_callback(self._count_recording)

    def _count_recording(self, _: asyncio.Task[None]) -> None:
        self._recordings -= 1

    async def _record(self) -> None:
        entries = self._unrecorded
        await workflow.execute_activity_method(
            RecordActivities.record,
            SessionRecordTask(state=self._state, entries=entries),
            start_to_close_timeout=RECORD_TIMEOUT,
            retry_policy=RECORD_RETRIES,
            summary=f"Write down: {self._state.status}",
        )
        self._unrecorded = tuple(entry for entry in self._unrecorded if entry not in entries)
