"""Domain error ⇄ failure on the wire, each converted in one place."""

from datetime import timedelta

from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from sessions.attempts import RoundReport
from sessions.errors import AttemptError, ItemError, TransientFailure
from sessions.model import Value
from sessions.pending import PendingAttempt
from sessions.ports import Hold
from sessions.texts import shortened


class FailureDetail(Value):
    """The one detail of every failure of an attempt: what is shown, and what the round has come to."""

    error: ItemError
    report: RoundReport
    held_for: timedelta | None = None
    """How long nothing is to be begun in the session, where that is why an attempt did not."""
    pending: PendingAttempt | None = None
    """The attempt that was cut off, where its call goes on."""


_KEPT_BYTES = 1200
"""Of a failure that is followed by another attempt the server keeps no more than 4 kB, the stack trace included, and
nothing at all of a larger one."""

_MESSAGE_BYTES = 500
"""Of the message that Temporal shows; the detail has it whole."""

STOPPED = "stopped"
"""Type of the failure of an attempt that was stopped because its session is being cancelled."""


INTERRUPTED = "interrupted"
"""Type of the failure of an attempt that another worker is to make again, under the same number."""


def interrupted(error: AttemptError, *, report: RoundReport, pending: PendingAttempt | None = None) -> ApplicationError:
    """Return how an attempt ends that another worker is to go on with, so that it must not count yet.

    Nothing was asked for, or what was asked for is ``pending``.
    """
    return _ended(error, report=report, type_=INTERRUPTED, pending=pending)


def nothing_left() -> ApplicationError:
    """Return how a look ends for what lost attempts have left, where that is nothing. What becomes of them is known."""
    return ApplicationError(
        "Nothing was left behind.", type="nothing_left", non_retryable=True, category=ApplicationErrorCategory.BENIGN
    )


class HeldError(Exception):
    """An attempt may not begin now."""

    def __init__(self, hold: Hold) -> None:
        super().__init__(hold.message)
        self.hold = hold


def held(hold: Hold, *, report: RoundReport) -> ApplicationError:
    """Return how an attempt ends that may not begin now. It waits with its session, and does not count."""
    failure = TransientFailure(hold.message, advice=hold.advice)
    return _ended(failure, report=report, type_=INTERRUPTED, held_for=hold.retry_after)


def stopped(error: AttemptError, *, report: RoundReport) -> ApplicationError:
    """Return how an attempt ends that was stopped. A plain cancellation would take no report along."""
    return _ended(error, report=report, type_=STOPPED)


def _ended(
    error: AttemptError,
    *,
    report: RoundReport,
    type_: str,
    held_for: timedelta | None = None,
    pending: PendingAttempt | None = None,
) -> ApplicationError:
    detail = FailureDetail(error=error.as_item_error(), report=report, held_for=held_for, pending=pending)
    return ApplicationError(
        error.message, detail, type=type_, non_retryable=True, category=ApplicationErrorCategory.BENIGN
    )


def failure_to_retry(error: AttemptError, *, report: RoundReport) -> ApplicationError:
    """Return the failure of an attempt that another one is to follow, with as much of the report as the server keeps.

    The next attempt begins from the heartbeat's. This one is for the case that none follows, because somebody cancels
    in the moment in which the attempt fails.
    """
    detail = FailureDetail(error=error.as_item_error(), report=report)
    fits = len(detail.model_dump_json().encode()) <= _KEPT_BYTES
    return failure_of(error, report=report if fits else RoundReport())


def failure_of(error: AttemptError, *, report: RoundReport) -> ApplicationError:
    """Return the failure by which Temporal knows a failed attempt.

    Its type is the error's class. Raised as the outermost error, because wrapped in another one the flag that
    ends the retries would be lost. Benign, since a provider's refusal is nothing for an operator's alarms.
    """
    return ApplicationError(
        shortened(error.message, max_bytes=_MESSAGE_BYTES),
        FailureDetail(error=error.as_item_error(), report=report),
        type=error.error_class.value,
        non_retryable=not error.error_class.is_retried,
        category=ApplicationErrorCategory.BENIGN,
    )
