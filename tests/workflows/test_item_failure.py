"""What the workflow makes of an activity that failed for good."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ActivityError, ApplicationError, RetryState, TimeoutError, TimeoutType

from activities.heartbeat import INTERVAL
from sessions.attempts import Heartbeat, RoundReport
from sessions.errors import ErrorClass, ItemError
from sessions.items import ItemState
from sessions.ledger import UNKNOWN_PROMPT, LedgerEntry
from sessions.money import Spending
from sessions.statuses import AttemptStatus
from workflows.failures import ItemFailure, item_failure
from workflows.policies import HEARTBEAT_TIMEOUT, attempt_retries


def _failed(cause: BaseException | None, *, retry_state: RetryState) -> ActivityError:
    error = ActivityError(
        "activity failed",
        scheduled_event_id=5,
        started_event_id=6,
        identity="",
        activity_type="generate_image",
        activity_id="main#1",
        retry_state=retry_state,
    )
    error.__cause__ = cause
    return error


def _failure_behind(error: ActivityError, *, max_attempts: int = 3, is_budgeted: bool = False) -> ItemFailure:
    return item_failure(
        error,
        item=ItemState(key="lifestyle", label="Lifestyle", max_attempts=max_attempts, is_budgeted=is_budgeted),
        model="gpt-image-2",
        worst_case_microdollars=7,
        noticed_at=datetime(2026, 11, 21, tzinfo=UTC),
    )


def _timeout(kind: TimeoutType, *details: object) -> TimeoutError:
    return TimeoutError("activity timeout", type=kind, last_heartbeat_details=details)


@pytest.fixture
def running() -> LedgerEntry:
    return LedgerEntry(
        item="lifestyle",
        attempt=3,
        round=1,
        prompt_sha256="0" * 64,
        model="gpt-image-2",
        status=AttemptStatus.RUNNING,
        started_at=datetime(2026, 11, 20, tzinfo=UTC),
        worker="host:1",
        worst_case_microdollars=5,
    )


@pytest.mark.parametrize("kind", [TimeoutType.HEARTBEAT, TimeoutType.START_TO_CLOSE])
def test_a_last_attempt_that_was_cut_off_is_uncertain_and_counts_all_attempts(kind: TimeoutType) -> None:
    """Nobody knows what became of it: it may have been billed, and no attempt of the round is left."""
    error = _failed(_timeout(kind), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED)
    failure = _failure_behind(error)

    assert ErrorClass.UNCERTAIN is failure.error.type
    assert failure.error.advice
    assert 3 == failure.report.attempts_used
    assert Spending(uncertain_microdollars=3 * 7) == failure.report.spending


def test_the_last_heartbeat_tells_of_the_attempts_before() -> None:
    """What earlier attempts of the round had spent is not lost with the last one, which counts at its worst case."""
    spending = Spending(spent_microdollars=40, uncertain_microdollars=2)
    told = Heartbeat(report=RoundReport(attempts_used=2, spending=spending))
    error = _failed(
        _timeout(TimeoutType.HEARTBEAT, told.model_dump(mode="json")), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED
    )
    failure = _failure_behind(error)

    assert 3 == failure.report.attempts_used
    assert spending + Spending(uncertain_microdollars=7) == failure.report.spending


@pytest.mark.parametrize(
    ("told", "used", "uncertain"),
    [(RoundReport(), 1, 7), (RoundReport(attempts_used=1), 2, 7)]
    + [
        (RoundReport(attempts_used=1, spending=spending), 1, spending.uncertain_microdollars)
        for spending in (Spending(spent_microdollars=40), Spending(uncertain_microdollars=5))
    ],
)
def test_under_a_budget_only_the_first_lost_attempt_that_may_have_cost_something_counts(
    told: RoundReport, used: int, uncertain: int
) -> None:
    """Those after it were to come back before they asked for anything. So the item is handed out again."""
    error = _failed(
        _timeout(TimeoutType.HEARTBEAT, Heartbeat(report=told).model_dump(mode="json")),
        retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED,
    )
    failure = _failure_behind(error, is_budgeted=True)

    assert (used, uncertain) == (failure.report.attempts_used, failure.report.spending.uncertain_microdollars)
    assert failure.is_interrupted


def test_a_last_attempt_that_was_lost_under_a_budget_ends_the_round() -> None:
    """It may have cost something and no other is left: the item has failed, as without a budget."""
    error = _failed(_timeout(TimeoutType.HEARTBEAT), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED)
    failure = _failure_behind(error, max_attempts=1, is_budgeted=True)

    assert (1, False) == (failure.report.attempts_used, failure.is_interrupted)
    assert Spending(uncertain_microdollars=7) == failure.report.spending


def test_a_lost_attempt_that_was_told_of_is_entered(running: LedgerEntry) -> None:
    """Its last heartbeat named the attempt under way, so its entry is closed with what that one costs at worst."""
    told = Heartbeat(report=RoundReport(attempts_used=2), running=running)
    error = _failed(
        _timeout(TimeoutType.HEARTBEAT, told.model_dump(mode="json")), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED
    )
    report = _failure_behind(error).report

    (entry,) = report.unrecorded
    assert (AttemptStatus.UNCERTAIN, 5, datetime(2026, 11, 21, tzinfo=UTC)) == (
        entry.status,
        entry.cost_microdollars,
        entry.ended_at,
    )
    assert Spending(uncertain_microdollars=5) == report.spending


def test_a_lost_attempt_that_nobody_told_of_has_an_entry_too(running: LedgerEntry) -> None:
    """Its worker died with the first word of it: the entry says no more than is known, and what it costs at worst."""
    told = Heartbeat(report=RoundReport(attempts_used=1), running=running.model_copy(update={"attempt": 2}))
    error = _failed(
        _timeout(TimeoutType.HEARTBEAT, told.model_dump(mode="json")), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED
    )
    failure = _failure_behind(error)

    assert [2] == [entry.attempt for entry in failure.report.unrecorded]
    (entry,) = failure.untold
    assert (3, AttemptStatus.UNCERTAIN, 7, UNKNOWN_PROMPT) == (
        entry.attempt,
        entry.status,
        entry.cost_microdollars,
        entry.prompt_sha256,
    )
    assert entry.ended_at is None, "whoever knows more of it must not be overruled"
    assert Spending(uncertain_microdollars=5 + 7) == failure.report.spending


def test_a_cancelled_attempt_that_nobody_told_of_has_an_entry_too() -> None:
    """Those after it were never begun, and have none."""
    error = _failed(_timeout(TimeoutType.HEARTBEAT), retry_state=RetryState.CANCEL_REQUESTED)
    failure = _failure_behind(error)

    assert [1] == [entry.attempt for entry in failure.untold]
    assert (True, 1) == (failure.is_cancelled, failure.report.attempts_used)


def test_a_cancelled_attempt_that_only_rested_is_followed_by_none() -> None:
    """It had told of its end, and its worker died in the pause: nothing else was under way."""
    error = ItemError(type=ErrorClass.TRANSIENT, message="No.", advice="Retry.")
    told = Heartbeat(report=RoundReport(attempts_used=1), waiting_for=error, waiting_until=datetime.now(UTC))
    failure = _failure_behind(
        _failed(_timeout(TimeoutType.HEARTBEAT, told.model_dump(mode="json")), retry_state=RetryState.CANCEL_REQUESTED)
    )

    assert (True, 1, ()) == (failure.is_cancelled, failure.report.attempts_used, failure.untold)


def test_a_dead_worker_and_a_hung_attempt_read_differently() -> None:
    """A person learns whether the worker went away or the attempt took too long."""
    messages = {
        _failure_behind(
            _failed(_timeout(kind), retry_state=RetryState.MAXIMUM_ATTEMPTS_REACHED), max_attempts=1
        ).error.message
        for kind in (TimeoutType.HEARTBEAT, TimeoutType.START_TO_CLOSE)
    }
    assert 2 == len(messages)


@pytest.mark.parametrize(
    ("retry_state", "expected"), [(RetryState.MAXIMUM_ATTEMPTS_REACHED, 3), (RetryState.NON_RETRYABLE_FAILURE, 1)]
)
@pytest.mark.parametrize("cause", [ApplicationError("no such activity", type="NotFoundError"), None])
def test_a_failure_that_no_attempt_has_raised_is_told_too(
    cause: BaseException | None, retry_state: RetryState, expected: int
) -> None:
    """A worker that could not even run the activity is named as such, with as many attempts as Temporal made."""
    failure = _failure_behind(_failed(cause, retry_state=retry_state))

    assert (ErrorClass.TRANSIENT, expected) == (failure.error.type, failure.report.attempts_used)
    assert "worker" in failure.error.message
    assert failure.error.advice


def test_the_policy_is_the_one_that_was_promised() -> None:
    """Waits of 1 s, doubling, at most 8 s; as many attempts as asked for."""
    policy = attempt_retries(7)
    assert (timedelta(seconds=1), 2.0, timedelta(seconds=8), 7) == (
        policy.initial_interval,
        policy.backoff_coefficient,
        policy.maximum_interval,
        policy.maximum_attempts,
    )
    assert not policy.non_retryable_error_types


@pytest.mark.parametrize(("made", "seconds"), [(0, 1), (1, 2), (2, 4), (3, 8), (9, 8)])
def test_the_pauses_grow_over_the_whole_round(made: int, seconds: int) -> None:
    """Also where an item has come back to its session after some of its attempts."""
    assert timedelta(seconds=seconds) == attempt_retries(7, made=made).initial_interval


def test_a_worker_counts_as_dead_only_after_several_missed_heartbeats() -> None:
    """One lost heartbeat does not cost an attempt."""
    assert 3 * INTERVAL <= HEARTBEAT_TIMEOUT
