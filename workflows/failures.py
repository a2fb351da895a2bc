"""What became of an item whose activity failed."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from temporalio import workflow
from temporalio.exceptions import (
    ActivityError,
    ApplicationError,
    CancelledError,
    RetryState,
    TimeoutError,
    TimeoutType,
)

from activities.failures import INTERRUPTED, STOPPED, FailureDetail
from sessions.attempts import Heartbeat, LostAttempts, RoundReport
from sessions.errors import ErrorClass, ItemError
from sessions.items import ItemState
from sessions.ledger import UNKNOWN_PROMPT, UNKNOWN_WORKER, LedgerEntry
from sessions.model import Value
from sessions.pending import PendingAttempt
from sessions.statuses import AttemptStatus
from sessions.variations import variation_for
from workflows.patches import COUNT_WHAT_MAY_HAVE_ASKED, HEAR_OF_A_CANCEL

_CANCELLED = ItemError(
    type=ErrorClass.TRANSIENT, message="Cancelled before an attempt was under way.", advice="Nothing was billed."
)


class ItemFailure(Value):
    """Why the round ended without a result for an item, and what its attempts came to.

    ``is_cancelled``: not by a failure but because somebody cancelled it. ``is_interrupted``: the worker stopped
    while the provider had the attempt wait, so it is made again and does not count; or while the provider was at work
    on what is ``pending``, which is taken up.
    """

    error: ItemError
    report: RoundReport
    is_cancelled: bool = False
    is_interrupted: bool = False
    held_for: timedelta | None = None
    """How long nothing is to be begun, where that is why the attempt did not."""
    pending: PendingAttempt | None = None
    is_told: bool = True
    """Whether the report tells of all attempts. One that is cancelled while it waits for the next tells of none."""
    untold: tuple[LedgerEntry, ...] = ()
    """Entries of attempts whose worker died before it could tell of them: they are counted, and may be in no ledger."""
    lost: LostAttempts | None = None
    """Attempts whose workers died, and after which no other is begun that would look for what they have left."""


def item_failure(
    error: ActivityError,
    *,
    item: ItemState,
    model: str,
    worst_case_microdollars: int,
    noticed_at: datetime,
) -> ItemFailure:
    """Return the failure behind an activity of an item that failed for good.

    An attempt that ended by itself brings its report. One that was cut off (its worker died, or it hung) brings
    none: then the last heartbeat tells of the attempts before it, and all that were allowed count as used, each
    that nobody told of at ``worst_case_microdollars``. Under a budget one of them at the most can have cost anything:
    the others were to come back, and the item is handed out again. A call that goes on is taken up by one more
    activity, unless this one has taken it up already: what kills its workers must not go on for ever.

    Args:
        error: what the activity ended with.
        item: what it was to make.
        model: by which model.
        worst_case_microdollars: what an attempt costs at worst.
        noticed_at: when the workflow heard of it.
    """
    cause = error.cause
    if isinstance(cause, ApplicationError) and cause.details:
        detail = FailureDetail.model_validate(cause.details[0])
        is_outrun = _is_outrun_by_a_cancel(error, type_=cause.type, detail=detail, max_attempts=item.max_attempts)
        return ItemFailure(
            error=detail.error,
            report=detail.report,
            is_cancelled=cause.type == STOPPED or is_outrun,
            is_interrupted=cause.type == INTERRUPTED,
            held_for=detail.held_for,
            pending=detail.pending,
            is_told=not is_outrun or cause.type == INTERRUPTED or detail.report.attempts_used > 0,
        )
    if isinstance(cause, CancelledError):
        return ItemFailure(error=_CANCELLED, report=RoundReport(), is_cancelled=True, is_told=False)
    if isinstance(cause, TimeoutError):
        is_cancelled = error.retry_state is RetryState.CANCEL_REQUESTED
        told = _told(cause)
        if told.waiting_for is not None and not is_cancelled and not _may_have_gone_on(told, noticed_at=noticed_at):
            return ItemFailure(error=told.waiting_for, report=told.report, is_interrupted=True)
        if told.pending is not None and told.pending != item.pending and not is_cancelled:
            return ItemFailure(error=_timed_out(cause), report=told.report, is_interrupted=True, pending=told.pending)
        lost = _lost(
            told,
            count=_count_of_lost(told, item=item, is_cancelled=is_cancelled),
            item=item,
            model=model,
            worst_case_microdollars=worst_case_microdollars,
            noticed_at=noticed_at,
        )
        report = _last_report(told, lost=lost)
        return ItemFailure(
            error=_timed_out(cause),
            report=report,
            is_cancelled=is_cancelled,
            is_interrupted=not is_cancelled and report.attempts_used < item.max_attempts,
            untold=tuple(entry for entry in lost if not _is_told_of(entry, told=told)),
            lost=None if is_cancelled or not lost else LostAttempts(report=told.report, entries=lost),
        )
    used = item.max_attempts if error.retry_state is RetryState.MAXIMUM_ATTEMPTS_REACHED else 1
    return ItemFailure(
        error=ItemError(
            type=ErrorClass.TRANSIENT,
            message=f"The worker could not run the attempt ({cause}).",
            advice="Look into the worker's log, then retry.",
        ),
        report=RoundReport(attempts_used=used),
    )


def _is_outrun_by_a_cancel(
    error: ActivityError, *, type_: str | None, detail: FailureDetail, max_attempts: int
) -> bool:
    """Whether an attempt ended by itself, not knowing of a cancel that keeps another one from following.

    One that would have followed was to be the item's: so the item has not failed, but is not to be made any more.
    """
    if error.retry_state is not RetryState.CANCEL_REQUESTED or type_ == STOPPED:
        return False
    is_retried = detail.error.type.is_retried and detail.report.attempts_used < max_attempts
    return (is_retried or type_ == INTERRUPTED) and workflow.patched(HEAR_OF_A_CANCEL)


def _may_have_gone_on(told: Heartbeat, *, noticed_at: datetime) -> bool:
    """Whether an attempt that had been asked to wait may have asked again before its worker died."""
    return told.still_waiting_for(noticed_at) is None and workflow.patched(COUNT_WHAT_MAY_HAVE_ASKED)


def _timed_out(timeout: TimeoutError) -> ItemError:
    if timeout.type is TimeoutType.HEARTBEAT:
        message = "The worker stopped in the middle of the last attempt."
    else:
        message = "The last attempt took longer than any attempt may."
    return ItemError(
        type=ErrorClass.UNCERTAIN, message=message, advice="It may have been billed. Retry to make it again."
    )


def _told(timeout: TimeoutError) -> Heartbeat:
    details = timeout.last_heartbeat_details
    return Heartbeat.model_validate(details[0]) if details else Heartbeat(report=RoundReport())


def _count_of_lost(told: Heartbeat, *, item: ItemState, is_cancelled: bool) -> int:
    """Return how many attempts may have asked for something, and have not told what came of it.

    A cancelled item has one attempt beyond those told of, whose worker died, unless that was only waiting for the next
    one's time. Any other has had all that were allowed; but under a budget those that followed on what may have cost
    something have asked for nothing.
    """
    if is_cancelled:
        return 0 if told.is_resting else 1
    lost = item.max_attempts - told.report.attempts_used
    if not item.is_budgeted:
        return lost
    return min(lost, 0 if told.report.spending.at_worst_microdollars else 1)


def _lost(
    told: Heartbeat, *, count: int, item: ItemState, model: str, worst_case_microdollars: int, noticed_at: datetime
) -> tuple[LedgerEntry, ...]:
    """Return the entries of so many attempts after those that were reported.

    Of the one under way the last heartbeat may tell. Of another it is known that it was made, and no more: whatever
    the ledger has of it is better than this.
    """
    first = item.attempts_before_round + told.report.attempts_used + 1
    return tuple(
        told.running.abandoned(noticed_at=noticed_at)
        if told.running is not None and told.running.attempt == number
        else LedgerEntry(
            item=item.key,
            attempt=number,
            round=item.round,
            variation=variation_for(number),
            prompt_sha256=UNKNOWN_PROMPT,
            model=model,
            status=AttemptStatus.RUNNING,
            worst_case_microdollars=worst_case_microdollars,
            started_at=noticed_at,
            worker=UNKNOWN_WORKER,
        ).abandoned()
        for number in range(first, first + count)
    )


def _is_told_of(entry: LedgerEntry, *, told: Heartbeat) -> bool:
    return told.running is not None and told.running.attempt == entry.attempt


def _last_report(told: Heartbeat, *, lost: Sequence[LedgerEntry]) -> RoundReport:
    report = told.report
    return RoundReport(
        attempts_used=report.attempts_used + len(lost),
        spending=sum((entry.spending for entry in lost), report.spending),
        unrecorded=(*report.unrecorded, *(entry for entry in lost if _is_told_of(entry, told=told))),
        correction=report.correction,
    )
