"""One attempt at one item, the same for every kind: nothing paid for twice, nothing unrecorded.

The order matters. An artifact that an interrupted attempt of the round left behind is taken up instead of paying
again, and so is a call of its that goes on without it; the ledger entry is opened before the provider is called; the
bytes are stored before the entry is closed.
"""

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from temporalio import activity

from activities.asking import Asking
from activities.books import Books, digest
from activities.failures import HeldError, failure_of, failure_to_retry, held, interrupted, nothing_left, stopped
from activities.heartbeat import Pulse, last_heartbeat
from activities.ledger import LedgerWriter
from activities.plans import NO_PLAN, Plan, PlanFor
from activities.queueing import tell_of_a_long_wait, waited
from activities.shelf import Shelf, StoreDownError
from sessions.artifacts import Artifact, Made, Receipt
from sessions.attempts import AttemptOutcome, Heartbeat, ItemTask, LostAttempts, RoundReport
from sessions.errors import AttemptError, TransientFailure, UncertainOutcome
from sessions.keeping import kept
from sessions.ledger import LedgerEntry
from sessions.pauses import pause_after
from sessions.pending import PendingAttempt
from sessions.ports import ArtifactStore, Gate, Hold
from sessions.pricing import PriceTable
from sessions.statuses import ItemStatus
from sessions.variations import variation_for

_LONGEST_FINISH = timedelta(seconds=10)
# Handed out longer ago than this, an attempt asks whether its session has been paused since.
_SHORT_QUEUE = timedelta(seconds=2)

_COUNTED_FIRST = Hold(
    message="What the attempt before may have cost is counted first.",
    advice="It goes on by itself, as far as the budget allows.",
)

_logger = logging.getLogger("retakes.attempts")


class Attempts:
    """Runs attempts. ``worker`` names the process in the ledger."""

    def __init__(
        self, *, artifacts: ArtifactStore, ledger: LedgerWriter, prices: PriceTable, gate: Gate, worker: str
    ) -> None:
        self._artifacts = artifacts
        self._gate = gate
        self._ledger = ledger
        self._prices = prices
        self._worker = worker

    async def run(self, task: ItemTask, *, plan_for: PlanFor) -> AttemptOutcome:
        """Make the item, or take up what an interrupted attempt has already made.

        Args:
            task: the item and its round.
            plan_for: plans an attempt.

        Raises:
            ApplicationError: the attempt failed; its type is the class of the failure. Or nothing was to be made, and
                nothing was left behind.
        """
        told = last_heartbeat()
        attempt = _Attempt(
            task=task,
            shelf=Shelf(self._artifacts, task=task),
            books=Books(
                task=task,
                ledger=self._ledger,
                prices=self._prices,
                worker=self._worker,
                report=told.report if told else RoundReport(),
            ),
            gate=self._gate,
            told=told,
            number_in_round=activity.info().attempt,
        )
        tell_of_a_long_wait(attempt.books.place)
        return await (attempt.run(plan_for) if task.lost is None else attempt.look(task.lost, plan_for))


@dataclass(kw_only=True)
class _Attempt:
    """One attempt while it runs. ``told``: the last heartbeat of the attempt before."""

    task: ItemTask
    shelf: Shelf
    books: Books
    gate: Gate
    told: Heartbeat | None
    number_in_round: int

    def __post_init__(self) -> None:
        self.has_closed = False
        pending = self.told.pending if self.told else self.task.pending
        self.pulse = Pulse(self.books.report, pending=pending)
        self.asking = Asking(self.task, pulse=self.pulse, pending=pending, on_wait=self.books.enter_as_running)
        self.entry = self.books.opened(self.books.number(self.number_in_round), plan=NO_PLAN)

    async def run(self, plan_for: PlanFor) -> AttemptOutcome:
        number = self.books.number(self.number_in_round)
        async with self.pulse.beating():
            try:
                if outcome := await self._taken_up(plan_for):
                    return outcome
                if self._is_to_be_counted:
                    raise HeldError(_COUNTED_FIRST)
                self.entry = self.books.opened(number, plan=NO_PLAN)
                plan = await plan_for(variation_for(number), correction=self.books.correction)
                self.entry = entry = self.books.opened(number, plan=plan)
                if hold := await self._hold(entry):
                    raise HeldError(hold)
                is_entered = await self.books.enter_as_running(entry)
                # What stands in no ledger has to be known to Temporal before it can be paid for.
                self.pulse.running(entry, report=self.books.report, at_once=not is_entered)
                made = await self.asking.answer(plan, entry=entry)
                return await kept(self._stored_and_closed(made, plan=plan, entry=entry))
            except HeldError as error:
                # Nothing was asked for yet, so nothing is counted: the session hands the item out again in its time.
                raise held(error.hold, report=self.books.report) from None
            except StoreDownError:
                unreadable = TransientFailure(
                    "The artifact store cannot be read.", advice="Bring it back, then retry. Nothing was billed."
                )
                if self.books.report.attempts_used + 1 < self.number_in_round or self.task.was_interrupted:
                    # An earlier attempt may have left its result, paid for: under this number it is looked for again.
                    raise interrupted(unreadable, report=self.books.report, pending=self.asking.pending) from None
                raise await self._failed(unreadable) from None
            except AttemptError as error:
                raise await self._failed(error) from None
            except asyncio.CancelledError:
                raise await self._cut_off() from None
            except Exception as unexpected:
                _logger.exception("an attempt broke on a fault of our own", extra=self.books.log_fields(self.entry))
                fault = TransientFailure(
                    f"Something unexpected went wrong in the worker ({type(unexpected).__name__}).",
                    advice="Retry; if it happens again, look into the worker's log.",
                )
                raise await self._failed(fault) from None  # logged above

    async def look(self, lost: LostAttempts, plan_for: PlanFor) -> AttemptOutcome:
        """Return what lost attempts have left, the latest of it, and close the entries of the others.

        Raises:
            ApplicationError: they have left nothing, or the store cannot be read.
        """
        self.books.report = lost.report
        async with self.pulse.beating():
            try:
                found = {entry.attempt: await self.shelf.find(entry.attempt) for entry in lost.entries}
            except StoreDownError:
                unreadable = TransientFailure("The artifact store cannot be read.", advice="Bring it back.")
                raise failure_to_retry(unreadable, report=self.books.report) from None
            number = max((number for number, receipt in found.items() if receipt is not None), default=None)
            receipt = None if number is None else found[number]
            if number is None or receipt is None:
                raise nothing_left()
            plan = await self._plan_of_earlier(plan_for, number=number)
            for entry in lost.entries:
                if entry.attempt != number:
                    await self.books.enter_as_failed(entry, item_status=ItemStatus.PROCESSING)
                else:
                    self.entry = self.books.running_again(entry, plan=plan)
            _logger.info("took up what a lost attempt had left", extra=self.books.log_fields(self.entry))
            return await kept(self._closed(self.entry, plan=plan, receipt=receipt, data=None))

    async def _hold(self, entry: LedgerEntry) -> Hold | None:
        """Return why the attempt may not begin. A session that has just handed it out need not be asked again."""
        return await self.gate.hold(
            self.task.session_id,
            spent_in_round_microdollars=self.books.report.spending.at_worst_microdollars,
            worst_case_microdollars=entry.worst_case_microdollars,
            is_first=self.number_in_round == 1 and waited() < _SHORT_QUEUE,
            is_told=self.task.is_hold_told,
        )

    async def _cut_off(self) -> BaseException:
        """Return how the attempt ends that was stopped from outside."""
        cut_off = self._stopped()
        details = activity.cancellation_details()
        is_only_this_worker = details is not None and details.worker_shutdown
        pending = self.asking.pending
        if pending is not None and (details is None or not details.cancel_requested):
            # The provider works on, and whoever makes the item next fetches what comes of it. So does another worker
            # already, if this one was only taken for dead.
            return interrupted(cut_off, report=self.books.report, pending=pending)
        if is_only_this_worker and (self.asking.is_waiting or not self.asking.has_asked):
            # Nothing was asked for, or refused but patience: the next worker makes this same attempt.
            return interrupted(cut_off, report=self.books.report)
        if pending is not None:
            self.entry = pending.entry
            await kept(self.asking.give_up())
        failure = await self._failed(cut_off)
        return failure if is_only_this_worker else stopped(cut_off, report=self.books.report)

    def _stopped(self) -> AttemptError:
        if self.asking.is_asking or self.asking.pending:
            return UncertainOutcome(
                "The attempt was stopped while the provider worked on it.", advice="It may have been billed."
            )
        return TransientFailure("The attempt was stopped before it asked the provider.", advice="Nothing was billed.")

    @property
    def _is_to_be_counted(self) -> bool:
        """Whether the session is to count first. What was closed for another may be reckoned otherwise next time."""
        return self.task.is_budgeted and (self.has_closed or self.books.report.spending.at_worst_microdollars > 0)

    async def _plan_of_earlier(self, plan_for: PlanFor, *, number: int) -> Plan:
        """Return the plan of an earlier attempt, for its entry. What it has left must be seen to even without one."""
        try:
            return await plan_for(variation_for(number), correction=self.books.correction)
        except Exception as error:
            _logger.warning("an earlier attempt cannot be planned", extra={**self.books.place, "reason": repr(error)})
            return NO_PLAN

    async def _stored_and_closed(self, made: Made, *, plan: Plan, entry: LedgerEntry) -> AttemptOutcome:
        # Of a call that another release has begun, the plan may know no more what was sent.
        prompt = plan.prompt if digest(plan.prompt) == entry.prompt_sha256 else None
        receipt = await self.shelf.put(made, number=entry.attempt, prompt=prompt)
        return await self._closed(entry, plan=plan, receipt=receipt, data=made.data)

    async def _taken_up(self, plan_for: PlanFor) -> AttemptOutcome | None:
        """Return what an interrupted attempt of this round stored or has coming, and close the entries it left open.

        The attempt's own key is looked up as well: when the workflow was reset, the same number comes again. So it
        does when the worker of a call stopped that goes on.

        Raises:
            StoreDownError: the store cannot be read, so it is unknown whether something is stored. Nothing has been
                entered of what could not be looked for.
        """
        for number_in_round in range(self.books.report.attempts_used + 1, self.number_in_round + 1):
            number = self.books.number(number_in_round)
            is_own = number_in_round == self.number_in_round
            pending = self.asking.pending
            if pending is not None and pending.entry.attempt != number:
                pending = None
            receipt = await self.shelf.find(number)
            is_left_by_nobody = receipt is None and pending is None
            if is_left_by_nobody and is_own:
                break
            if is_left_by_nobody and self._is_to_be_counted:
                continue  # it was to come back, as this one is: its worker died before it could
            plan = await self._plan_of_earlier(plan_for, number=number)
            entry = self.books.opened(number, plan=plan)
            if self.told and self.told.running and self.told.running.attempt == number:
                entry = self.told.running
            if receipt is not None:
                _logger.info("took up an artifact that was already paid for", extra=self.books.log_fields(entry))
                return await kept(self._closed(entry, plan=plan, receipt=receipt, data=None))
            self.has_closed = True
            if pending is not None:
                if outcome := await self._fetched(pending, plan=plan, is_own=is_own):
                    return outcome
                continue
            lost = entry.abandoned(noticed_at=datetime.now(UTC))
            if (
                self.told
                and entry is self.told.running
                and (waited_for := self.told.still_waiting_for(datetime.now(UTC)))
            ):
                lost = entry.given_up(waited_for, noticed_at=datetime.now(UTC))
            await self.books.enter_as_failed(lost, item_status=ItemStatus.PROCESSING)
        return None

    async def _fetched(self, pending: PendingAttempt, *, plan: Plan, is_own: bool) -> AttemptOutcome | None:
        """Return what comes of a call that a stopped worker has begun, None where another attempt is to follow.

        Raises:
            AttemptError: nothing does, and that is how this attempt ends: it is its own, or none may follow.
        """
        self.entry = pending.entry
        try:
            made = await self.asking.take_up(pending, calls=plan.pending) if plan.pending else None
            if made is None:
                raise UncertainOutcome(
                    "The worker stopped, and the provider no longer knows the call that it had begun.",
                    advice="It may have been billed.",
                )
        except AttemptError as error:
            self.asking.pending = None
            if is_own or not error.error_class.is_retried:
                raise
            self.books.learn_from(error)
            closed = self.books.failed(self.entry, error=error, throttled_calls=self.asking.throttled_calls)
            await self.books.enter_as_failed(closed, item_status=ItemStatus.PROCESSING)
            return None
        return await kept(self._stored_and_closed(made, plan=plan, entry=pending.entry))

    async def _closed(self, entry: LedgerEntry, *, plan: Plan, receipt: Receipt, data: bytes | None) -> AttemptOutcome:
        title = await self._finished(plan, artifact=receipt.artifact, data=data)
        closed = self.books.completed(entry, receipt=receipt, throttled_calls=self.asking.throttled_calls)
        await self.books.enter_as_complete(closed)
        return AttemptOutcome(artifact=receipt.artifact, report=self.books.report, title=title)

    async def _finished(self, plan: Plan, *, artifact: Artifact, data: bytes | None) -> str | None:
        """Do what follows a stored result. It is made and paid for, so nothing that goes wrong here undoes it."""
        if plan.finish is None:
            return None
        try:
            async with asyncio.timeout(_LONGEST_FINISH.total_seconds()):
                return await plan.finish(artifact, data)
        except Exception as error:
            _logger.warning("what follows a result went wrong", extra={**self.books.place, "reason": repr(error)})
            return None

    async def _failed(self, error: AttemptError) -> BaseException:
        """Close the entry, log the failure, hand the report on, and return what Temporal is to know."""
        is_last = not error.error_class.is_retried or self.number_in_round >= self.task.max_attempts
        # What has a version stays complete with it, whatever becomes of a retake.
        lost = ItemStatus.COMPLETE if self.task.has_version else ItemStatus.FAILED
        status = lost if is_last else ItemStatus.PROCESSING
        self.books.learn_from(error)
        closed = self.books.failed(self.entry, error=error, throttled_calls=self.asking.throttled_calls)
        await kept(self.books.enter_as_failed(closed, item_status=status))
        if is_last:
            return failure_of(error, report=self.books.report)
        if self.books.report.unrecorded:
            return await self._rested(error)
        self.pulse.ended(self.books.report)
        return failure_to_retry(error, report=self.books.report)

    async def _rested(self, error: AttemptError) -> BaseException:
        """Rest as long as the retry policy has it, and return how a failed attempt ends that is not in the records yet.

        Somebody has to be there who can tell of it. Were it left to the server to rest, a cancel meanwhile would have
        the session ask a ledger that does not know of the attempt, and its number and its cost would be forgotten.
        """
        if not activity.is_cancelled():
            pause = pause_after(self.task.made_in_round + self.number_in_round)
            self.pulse.resting(error.as_item_error(), report=self.books.report, until=datetime.now(UTC) + pause)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(pause.total_seconds())
        details = activity.cancellation_details()
        if details is None or details.worker_shutdown:
            return interrupted(error, report=self.books.report)
        return stopped(error, report=self.books.report)
