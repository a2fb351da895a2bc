"""An attempt begins by looking at what the ones before it have left: nothing is paid for twice, nothing forgotten."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError

from activities.failures import INTERRUPTED, FailureDetail
from sessions.attempts import Heartbeat, RoundReport
from sessions.errors import ErrorClass, ItemError
from sessions.money import Spending, Usage
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.scripted import USAGE
from tests.support.workflow_environment import PRICES
from tests.unit.activities.desk import SESSION, Desk, cost_at_worst, image_task, running_entry

PAID = PRICES.cost_microdollars(USAGE, model="gpt-image-2")


async def test_what_an_interrupted_attempt_has_stored_is_taken_up_without_a_call(desk: Desk) -> None:
    """Attempt 2 finds the artifact of attempt 1 and returns it: one payment, counted once, as attempt 1."""
    receipt = desk.store(1)
    outcome = await desk.run(image_task(), environment=desk.environment(attempt=2))

    assert {} == dict(desk.provider.calls)
    assert receipt.artifact == outcome.artifact
    assert 1 == outcome.report.attempts_used
    assert PAID == outcome.report.spending.spent_microdollars
    (entry,) = desk.entries
    assert (1, AttemptStatus.COMPLETE, "req-of-1", USAGE, PAID) == (
        entry.attempt,
        entry.status,
        entry.request_id,
        entry.usage,
        entry.cost_microdollars,
    )
    assert ItemStatus.COMPLETE is desk.records.items[SESSION, "lifestyle"]


async def test_an_attempts_own_artifact_is_taken_up_after_a_reset(desk: Desk) -> None:
    """When an operator resets the workflow the same number comes again; what it stored then is not paid for again."""
    receipt = desk.store(1)
    outcome = await desk.run(image_task())

    assert {} == dict(desk.provider.calls)
    assert receipt.artifact == outcome.artifact


async def test_artifacts_of_earlier_rounds_are_left_alone(desk: Desk) -> None:
    """A retry is asked for to get another picture: what an earlier round stored is not its result."""
    desk.store(3)
    task = image_task(round_number=2, attempts_before_round=3)
    outcome = await desk.run(task)

    assert 1 == desk.provider.count("Lifestyle")
    assert 4 == outcome.artifact.attempt
    assert [(4, 2)] == [(entry.attempt, entry.round) for entry in desk.entries]


async def test_an_interrupted_attempt_that_stored_nothing_is_closed_as_uncertain(desk: Desk) -> None:
    """It may have been billed, so the ledger shows it with its worst-case cost before the next call is made."""
    outcome = await desk.run(image_task(), environment=desk.environment(attempt=2))

    uncertain, complete = desk.entries
    assert (1, AttemptStatus.UNCERTAIN, ErrorClass.UNCERTAIN) == (
        uncertain.attempt,
        uncertain.status,
        uncertain.error_type,
    )
    first_prompt = desk.provider.calls["Lifestyle"][0].prompt.rsplit("\n[VARIATION", 1)[0]
    assert cost_at_worst(first_prompt) == uncertain.cost_microdollars
    assert uncertain.ended_at is not None
    assert (2, AttemptStatus.COMPLETE) == (complete.attempt, complete.status)
    assert 2 == outcome.report.attempts_used
    assert uncertain.cost_microdollars == outcome.report.spending.uncertain_microdollars
    assert PAID == outcome.report.spending.spent_microdollars


async def test_the_entry_of_an_interrupted_attempt_keeps_its_beginning(desk: Desk) -> None:
    """What the dead worker had told of its attempt is kept: when it began, what it sent, and who it was."""
    told = Heartbeat(report=RoundReport(), running=running_entry(1))
    await desk.run(image_task(), environment=desk.environment(attempt=2, told=told))

    uncertain = desk.entries[0]
    assert ("the dead worker", "00" * 32, running_entry(1).started_at) == (
        uncertain.worker,
        uncertain.prompt_sha256,
        uncertain.started_at,
    )
    assert AttemptStatus.UNCERTAIN is uncertain.status


async def test_several_interrupted_attempts_are_each_closed(desk: Desk) -> None:
    """With two attempts lost in a row, the third one closes both."""
    outcome = await desk.run(image_task(), environment=desk.environment(attempt=3))

    assert [AttemptStatus.UNCERTAIN, AttemptStatus.UNCERTAIN, AttemptStatus.COMPLETE] == [
        entry.status for entry in desk.entries
    ]
    assert 3 == outcome.report.attempts_used


async def test_an_attempt_that_has_ended_is_not_closed_twice(desk: Desk) -> None:
    """What the last attempt told of itself is believed: its failure and its cost are counted once."""
    spending = Spending(usage=Usage(input_tokens=7), spent_microdollars=70)
    told = Heartbeat(report=RoundReport(attempts_used=1, spending=spending))
    outcome = await desk.run(image_task(), environment=desk.environment(attempt=2, told=told))

    assert [2] == [entry.attempt for entry in desk.entries]
    assert 2 == outcome.report.attempts_used
    assert 70 + PAID == outcome.report.spending.spent_microdollars


async def test_an_artifact_between_two_lost_attempts_ends_the_search(desk: Desk) -> None:
    """Attempt 1 was lost, attempt 2 had stored its picture: attempt 3 closes the one and takes up the other."""
    desk.store(2)
    outcome = await desk.run(image_task(), environment=desk.environment(attempt=3))

    assert {} == dict(desk.provider.calls)
    assert 2 == outcome.artifact.attempt
    assert [AttemptStatus.UNCERTAIN, AttemptStatus.COMPLETE] == [entry.status for entry in desk.entries]


@pytest.mark.parametrize(
    ("rest_of_its_wait", "status"),
    [(timedelta(minutes=1), AttemptStatus.FAILED), (-timedelta(seconds=1), AttemptStatus.UNCERTAIN)],
)
async def test_an_attempt_that_was_lost_in_a_wait_may_have_asked_once_that_was_over(
    desk: Desk, rest_of_its_wait: timedelta, status: AttemptStatus
) -> None:
    """Nothing was billed while it waited; after that, nobody knows."""
    told = Heartbeat(
        report=RoundReport(),
        running=running_entry(1),
        waiting_for=ItemError(type=ErrorClass.THROTTLE, message="Too many requests.", advice="It goes on by itself."),
        waiting_until=datetime.now(UTC) + rest_of_its_wait,
    )

    await desk.run(image_task(), environment=desk.environment(attempt=2, told=told))

    assert [(1, status), (2, AttemptStatus.COMPLETE)] == [(entry.attempt, entry.status) for entry in desk.entries]


@pytest.mark.parametrize("attempt", [2, 3])
async def test_under_a_budget_what_may_have_cost_something_is_counted_before_anything_else(
    desk: Desk, attempt: int
) -> None:
    """One attempt was lost, and any that followed was to come back as this one does: none of them has asked."""
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task(is_budgeted=True), environment=desk.environment(attempt=attempt))

    assert INTERRUPTED == failure.value.type
    report = FailureDetail.model_validate(failure.value.details[0]).report
    (uncertain,) = desk.entries
    assert (1, AttemptStatus.UNCERTAIN) == (uncertain.attempt, uncertain.status)
    assert (1, uncertain.cost_microdollars) == (report.attempts_used, report.spending.uncertain_microdollars)
    assert 0 == desk.provider.count("Lifestyle") == desk.gate.asked


async def test_under_a_budget_an_attempt_that_cost_nothing_is_followed_at_once(desk: Desk) -> None:
    """There is nothing to count, so the item need not come back for it."""
    told = Heartbeat(report=RoundReport(attempts_used=1))
    outcome = await desk.run(image_task(is_budgeted=True), environment=desk.environment(attempt=2, told=told))

    assert 2 == outcome.artifact.attempt


async def test_under_a_budget_an_attempt_that_was_lost_in_a_wait_is_counted_first_too(desk: Desk) -> None:
    """Once its wait is over, whoever looks next reckons it at its worst: this one must have asked for nothing then."""
    told = Heartbeat(
        report=RoundReport(),
        running=running_entry(1),
        waiting_for=ItemError(type=ErrorClass.THROTTLE, message="Too many requests.", advice="It goes on by itself."),
        waiting_until=datetime.now(UTC) + timedelta(minutes=1),
    )
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task(is_budgeted=True), environment=desk.environment(attempt=2, told=told))

    assert INTERRUPTED == failure.value.type
    assert [(1, AttemptStatus.FAILED, 0)] == [(one.attempt, one.status, one.cost_microdollars) for one in desk.entries]
    assert 0 == desk.provider.count("Lifestyle")


async def test_under_a_budget_what_a_lost_attempt_has_stored_is_taken_up(desk: Desk) -> None:
    """It is there, whoever was to come back."""
    desk.store(2)
    outcome = await desk.run(image_task(is_budgeted=True), environment=desk.environment(attempt=3))

    assert 2 == outcome.artifact.attempt
    assert 0 == desk.provider.count("Lifestyle")
