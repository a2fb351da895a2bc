"""The engine that both kinds of session share: rounds of items, each made by an activity under a retry policy.

Determinism contract: nothing here reads a clock other than the workflow's, randomness, the environment or settings.
All state is one `SessionState`, replaced by the pure functions of `sessions.state`; handlers only replace it too,
and the run loop acts on what it finds. So the order of events in the history decides everything.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from datetime import timedelta

from temporalio import workflow
from temporalio.common import SearchAttributeKey
from temporalio.exceptions import ActivityError, is_cancelled_exception

from activities.records import RecordActivities
from sessions.announcements import settled_callback
from sessions.attempts import AttemptOutcome, LostAttempts, RoundReport, SessionInput, SessionRecordTask
from sessions.commands import Command, CommandRefusedError, SessionEndingError, obeyed
from sessions.details import details_table
from sessions.holding import held_back
from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.state import (
    SessionState,
    item_cancelled,
    item_completed,
    item_failed,
    item_interrupted,
    item_lost,
    item_started,
    item_stopping,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import HeldAttempts, ItemStatus, SessionStatus
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, HELD_ATTEMPTS_MEMO, STATUS_ATTRIBUTE, records_queue
from workflows.callback_delivery import start_delivery
from workflows.failures import ItemFailure, item_failure
from workflows.making import Task
from workflows.patches import (
    ASK_THE_LEDGER,
    COUNT_BEFORE_THE_NEXT,
    ENTER_WHAT_NOBODY_TOLD_OF,
    GO_ON_IN_ANOTHER_RUN,
    HEAR_BEFORE_OBEYING,
    HEAR_BEFORE_REFUSING,
    LOOK_FOR_WHAT_WAS_LEFT,
    STOP_ONCE,
    TELL_WHAT_IS_HELD,
)
from workflows.policies import RECORD_RETRIES, RECORD_TIMEOUT
from workflows.recording import entries_that_fit, round_report

MakeItem = Callable[[SessionState, str, LostAttempts | None], Awaitable[AttemptOutcome]]
"""Makes the item with this key, as it stands in this state: one activity under the retry policy. Where attempts were
lost, what they have left is looked for, and nothing is made."""

_TURNS_TO_HEAR = 5
_EVENTS_OF_GRACE = 2000
_SHORTEST_HOLD = timedelta(seconds=1)

_STATUS = SearchAttributeKey.for_keyword(STATUS_ATTRIBUTE)
_FAILED_ITEMS = SearchAttributeKey.for_int(FAILED_ITEMS_ATTRIBUTE)


class Rounds:
    """Makes the items of one session, round after round, until there is nothing left to retry or to wait for."""

    def __init__(self, start: SessionInput, *, make_item: MakeItem) -> None:
        self._state = start.state
        self._begun_with = start
        self._make_item = make_item
        self._items_at_once = start.items_at_once
        self._retry_window = start.retry_window
        self._most_events = start.most_events
        self._has_grace = False
        self._unrecorded = start.unrecorded
        self._background: list[asyncio.Task[None]] = []
        self._fault: BaseException | None = None
        self._callback_url = start.callback_url
        # A session that begins settled was told of by the run before: somebody has only chosen a version.
        self._told_of = start.state.settled_at
        self._making: dict[str, asyncio.Task[None]] = {}
        self._is_told = False
        self._is_ending = False
        self._goes_on = False
        # What searches find the session by from its start, or as the run before has left it.
        self._published = (SessionStatus.PROCESSING, len(start.state.failed_items))
        # A budget from the start needs no telling: the items' own tasks know of it. What was told later is not handed
        # down to the next run.
        is_first_run = workflow.info().continued_run_id is None
        self._held_attempts = start.state.held_attempts if is_first_run else HeldAttempts.NONE
        self._tells_what_is_held = True

    @property
    def state(self) -> SessionState:
        """The session as it stands."""
        return self._state

    @property
    def goes_on(self) -> bool:
        """Whether `run` has ended only because the history grew long: the workflow is to go on in another run."""
        return self._goes_on

    @property
    def unrecorded(self) -> tuple[LedgerEntry, ...]:
        """Ledger entries that nobody has confirmed to be written down."""
        return self._unrecorded

    def handed_out(self, task: Task, *, lost: LostAttempts | None) -> Task:
        """Return the task of an item as it goes to the workers."""
        return task.model_copy(update={"lost": lost, "is_hold_told": self._tells_what_is_held})

    def obey(self, command: Command) -> None:
        """Change the session as a person asks; the run loop does the rest.

        Raises:
            CommandRefusedError: the state does not allow it; nothing has changed.
        """
        after = self.checked(command)
        if after is self._state:
            return
        stopped = command.stops(self._state)
        self._become(after)
        self._is_told = self._is_told or command.is_recorded_at_once
        for making in map(self._making.__getitem__, stopped):
            # Asked for twice, it is stopped once: again would cut off what it finds out about the attempts it had.
            if not making.cancelling() or not workflow.patched(STOP_ONCE):
                making.cancel()

    async def obey_once_heard(self, command: Command) -> None:
        """Obey a command that nobody hears the answer to: one that came together with what it is about is not lost.

        Who sees in the ledger that an item has failed may say so before a worker has told the session of it.

        Raises:
            CommandRefusedError: the state does not allow it, even with all that has ended meanwhile.
        """
        try:
            self.obey(command)
        except CommandRefusedError:
            if not workflow.patched(HEAR_BEFORE_REFUSING):
                raise
            await _everything_heard()
            self.obey(command)

    async def obey_what_was_accepted(self, command: Command) -> None:
        """Obey a command of an update, once all is heard that had ended before it.

        A worker that takes the session over hears of both at once, the update first. Every replay hears of them one
        after the other: what is obeyed must not depend on which it was.

        Raises:
            CommandRefusedError: the state does not allow it any more.
        """
        if workflow.patched(HEAR_BEFORE_OBEYING):
            await _everything_heard()
        self.obey(command)

    def checked(self, command: Command) -> SessionState:
        """Return what a command would make of the session.

        Raises:
            CommandRefusedError: the state does not allow it.
        """
        if self._is_ending:
            raise SessionEndingError("The session is being cancelled. Ask again once it has closed.")
        return obeyed(command, self._state, now=workflow.now())

    async def run(self) -> SessionState:
        """Make items until the session is closed, or its history has grown long; return its state then.

        Raises:
            CancelledError: a person cancelled the session; it has been recorded as such.
        """
        try:
            await self._until_closed()
        except asyncio.CancelledError:
            self._is_ending = True
            await _everything_heard()
            for task in self._background:
                task.cancel()
            await self._wait_until(lambda: not self._background)
            self._become(unfinished_items_cancelled(self._state, now=workflow.now()))
            self._close()
            self._publish(even_unchanged=True)  # as it always was: running sessions replay it
            self._call_back()
            await self._record()
            await self._wait_until(lambda: not self._background)
            raise
        return self._state

    async def _until_closed(self) -> None:
        while True:
            await self._make_items()
            if self._goes_on:
                await self._wait_until(workflow.all_handlers_finished)
                return
            if self._is_over():
                self._close()
            self._publish()
            self._call_back()
            await self._recorded()
            await self._wait_until(workflow.all_handlers_finished)
            if not self._has_work() and self._state.closed_at is not None:
                return
            if self._state.closed_at is None:
                await self._wait_for_word()
            if self._has_work():
                # A round shows in lists and searches from its beginning, not only when it ends.
                self._publish()
                self._record_soon()

    async def _make_items(self) -> None:
        """Hand out every pending item, those included that a retry adds meanwhile, until the session is settled."""
        while self._has_work():
            if self._is_history_long():
                await self._come_to_rest()
                if self._goes_on:
                    return
                continue
            if self._has_been_told():
                self._record_soon()
            for item in self._items_to_hand_out():
                self._become(
                    item_started(self._state, key=item.key, now=workflow.now(), is_budgeted=self._is_budgeted())
                )
                self._making[item.key] = self._in_background(self._make(item.key))
            await self._wait_while_held(
                lambda: not self._has_work() or bool(self._items_to_hand_out()) or self._is_told
            )

    def _is_budgeted(self) -> bool:
        return self._state.budget_microdollars is not None and workflow.patched(COUNT_BEFORE_THE_NEXT)

    def _items_to_hand_out(self) -> Sequence[ItemState]:
        room = self._items_at_once - self._state.items.count(ItemStatus.PROCESSING)
        return self._state.items_to_make(at_most=room)

    def _is_history_long(self) -> bool:
        info = workflow.info()
        # The server goes on suggesting it, also while a run has been given more room.
        is_suggested = info.is_continue_as_new_suggested() and not self._has_grace
        is_long = info.get_current_history_length() >= self._most_events or is_suggested
        return is_long and workflow.patched(GO_ON_IN_ANOTHER_RUN)

    async def _come_to_rest(self) -> None:
        """Let what is being made come to its end, so that nothing is lost between this run and the next."""
        await self._wait_until(lambda: not self._state.items.count(ItemStatus.PROCESSING))
        if not self._has_work():
            return
        fixed = self._begun_with.model_dump_json(exclude={"state", "unrecorded"})
        if len(entries_that_fit(self._unrecorded, state=self._state, beside=fixed)) < len(self._unrecorded):
            # The next run could not take along what the records have missed. They are down, so the session goes on
            # in this run for a while: nothing waits for them.
            self._most_events = workflow.info().get_current_history_length() + _EVENTS_OF_GRACE
            self._has_grace = True
            self._record_soon()
            return
        for task in tuple(self._background):
            task.cancel()  # only writing down is left, which the next run takes over
        await self._wait_until(lambda: not self._background)
        self._goes_on = True

    async def _wait_while_held(self, condition: Callable[[], bool]) -> None:
        """Wait for something to hold; what is held back until a moment may go on then."""
        until = self._state.held_until
        if until is None:
            await self._wait_until(lambda: condition() or self._state.held_until is not None)
            return
        try:
            await self._wait_until(condition, timeout=max(until - workflow.now(), _SHORTEST_HOLD))
        except TimeoutError:
            if self._state.held_until == until:  # an attempt that began before may have asked for longer
                self._become(held_back(self._state, until=None, now=workflow.now()))

    def _has_been_told(self) -> bool:
        """Return whether somebody has changed the session since this was asked last."""
        was_told, self._is_told = self._is_told, False
        return was_told

    def _in_background(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        """Run beside the loop. A list and no TaskGroup: that one cancels in the order of a set, which replay may not
        repeat, and complains when a worker drops a session that waits.
        """
        task = asyncio.create_task(work)
        self._background.append(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.remove(task)
        if not task.cancelled() and (fault := task.exception()):
            self._fault = fault

    async def _wait_until(self, condition: Callable[[], bool], *, timeout: timedelta | None = None) -> None:  # noqa: ASYNC109 - a durable timer
        """Wait for something to hold. A fault in the background is raised here, so that none goes unseen.

        Raises:
            TimeoutError: it did not hold within the timeout.
        """
        await workflow.wait_condition(lambda: condition() or self._fault is not None, timeout=timeout)
        if self._fault is not None:
            raise self._fault

    async def _make(self, key: str) -> None:
        """Make one item. Whatever happens to it is kept to it: no failure here reaches another item."""
        try:
            outcome = await self._make_item(self._state, key, None)
        except ActivityError as error:
            failure = item_failure(
                error,
                item=self._state.item(key),
                model=self._begun_with.model,
                worst_case_microdollars=self._begun_with.worst_case_microdollars,
                noticed_at=workflow.now(),
            )
            if failure.lost is not None and workflow.patched(LOOK_FOR_WHAT_WAS_LEFT):
                await self._look(key, failure, lost=failure.lost)
            else:
                await self._failed(key, failure)
        else:
            self._completed(key, outcome)

    async def _look(self, key: str, failure: ItemFailure, *, lost: LostAttempts) -> None:
        """Complete an item with what its lost attempts have left. Where that is nothing it has failed."""
        used = failure.report.attempts_used
        self._become(item_lost(self._state, key=key, attempts_used=used, now=workflow.now()))
        try:
            outcome = await self._make_item(self._state, key, lost)
        except ActivityError:
            is_cancelled = self._making[key].cancelling() > 0  # meanwhile
            await self._failed(key, failure.model_copy(update={"is_cancelled": is_cancelled}))
        else:
            self._completed(key, outcome)

    def _completed(self, key: str, outcome: AttemptOutcome) -> None:
        self._keep(outcome.report)
        self._is_told = self._is_told or outcome.title is not None  # lists show a story by its title
        self._become(
            item_completed(
                self._state,
                key=key,
                artifact=outcome.artifact,
                attempts_used=outcome.report.attempts_used,
                spending=outcome.report.spending,
                title=outcome.title,
                now=workflow.now(),
            )
        )

    async def _failed(self, key: str, failure: ItemFailure) -> None:
        if not failure.is_told and workflow.patched(ASK_THE_LEDGER):
            self._become(item_stopping(self._state, key=key, now=workflow.now()))
            failure = failure.model_copy(
                update={"report": await round_report(self._state.item(key), session_id=self._state.id)}
            )
        self._keep(failure.report)
        if failure.untold and workflow.patched(ENTER_WHAT_NOBODY_TOLD_OF):
            self._unrecorded += failure.untold
        self._become(self._without_result(key, failure))
        if failure.held_for is not None and self._has_work():
            until = workflow.now() + failure.held_for
            self._become(held_back(self._state, until=until, now=workflow.now()))

    def _without_result(self, key: str, failure: ItemFailure) -> SessionState:
        """Return the state after an item's activity has ended without a result."""
        used, spending, now = failure.report.attempts_used, failure.report.spending, workflow.now()
        if failure.is_cancelled:
            return item_cancelled(self._state, key=key, attempts_used=used, spending=spending, now=now)
        if failure.is_interrupted and used < self._state.item(key).max_attempts:
            return item_interrupted(
                self._state,
                key=key,
                attempts_used=used,
                spending=spending,
                correction=failure.report.correction,
                pending=failure.pending,
                now=now,
            )
        return item_failed(
            self._state,
            key=key,
            error=failure.error,
            correction=failure.report.correction,
            attempts_used=used,
            spending=spending,
            now=now,
        )

    def _has_work(self) -> bool:
        return not self._state.status.is_settled

    def _close(self) -> None:
        self._become(session_closed(self._state, now=workflow.now()))

    def _is_over(self) -> bool:
        """Whether nothing is left to wait for: all is made, or nobody has retried what failed for long enough."""
        return not self._state.failed_items or self._rest_of_window() <= timedelta(0)

    def _rest_of_window(self) -> timedelta:
        settled_at = self._state.settled_at or workflow.now()
        return settled_at + self._retry_window - workflow.now()

    async def _wait_for_word(self) -> None:
        """Wait until somebody retries or changes something, or the window for it has passed."""
        try:
            await self._wait_until(
                lambda: self._has_work() or self._is_told, timeout=max(self._rest_of_window(), timedelta(0))
            )
        except TimeoutError:
            workflow.logger.info("nobody retried within the window; the session closes")
        if not self._has_work():
            self._has_been_told()  # what is told of it is written down in any case

    def _become(self, state: SessionState) -> None:
        self._state = state
        self._tell_what_is_held()
        workflow.set_current_details(details_table(state))

    def _tell_what_is_held(self) -> None:
        """Let attempts that are about to begin know what is held back, without asking a worker for it."""
        held = self._state.held_attempts
        if held is self._held_attempts:
            return
        self._held_attempts = held
        if workflow.patched(TELL_WHAT_IS_HELD):
            workflow.upsert_memo({HELD_ATTEMPTS_MEMO: held.value})
        else:
            self._tells_what_is_held = False

    def _keep(self, report: RoundReport) -> None:
        self._unrecorded += report.unrecorded

    def _publish(self, *, even_unchanged: bool = False) -> None:
        """Let searches find the session by what it has become. One action, so only when that has changed."""
        published = (self._state.status, len(self._state.failed_items))
        if published == self._published and not even_unchanged:
            return
        self._published = published
        workflow.upsert_search_attributes(
            [
                _STATUS.value_set(self._state.status.value),
                _FAILED_ITEMS.value_set(len(self._state.failed_items)),
            ]
        )

    def _call_back(self) -> None:
        """Have somebody told that the session has settled, once for each time that it does."""
        if self._callback_url is None or self._told_of == self._state.settled_at:
            return
        self._told_of = self._state.settled_at
        self._in_background(start_delivery(settled_callback(self._state, url=self._callback_url)))

    async def _recorded(self) -> None:
        """Record the session, and return when nothing is left to record or a retry has begun.

        With the records down this takes as long as they are; a retry does not wait for them.
        """
        self._record_soon()
        await self._wait_until(lambda: not self._background or self._has_work())

    def _record_soon(self) -> None:
        self._in_background(self._record_unless_cancelled())

    async def _record_unless_cancelled(self) -> None:
        try:
            await self._record()
        except ActivityError as error:
            if not is_cancelled_exception(error):
                raise  # it has no last attempt, so this is a fault of our own and must be seen
            # The session is being cancelled, and recorded as such by the run loop.

    async def _record(self) -> None:
        """Write the session down, and in as many parts as fit into payloads what the records have missed."""
        while True:
            entries = entries_that_fit(self._unrecorded, state=self._state) or self._unrecorded[:1]
            await workflow.execute_activity_method(
                RecordActivities.record,
                SessionRecordTask(state=self._state, entries=entries),
                task_queue=records_queue(workflow.info().task_queue),
                start_to_close_timeout=RECORD_TIMEOUT,
                retry_policy=RECORD_RETRIES,
                summary=f"Write down: {self._state.status}",
            )
            written = {(entry.item, entry.attempt, entry.status) for entry in entries}
            self._unrecorded = tuple(
                entry for entry in self._unrecorded if (entry.item, entry.attempt, entry.status) not in written
            )
            if not self._unrecorded:
                return


async def _everything_heard() -> None:
    """Let everything that has ended in this same activation be heard, before what has not is cancelled or refused.

    A task that is cancelled drops its result even if that is there already; from the activity to the item's task it
    is a few turns of the loop.
    """
    for _ in range(_TURNS_TO_HEAR):
        await asyncio.sleep(0)
