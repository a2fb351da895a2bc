"""What an attempt hands on: to Temporal, which decides on the next one, and to that next one."""

import asyncio
from datetime import timedelta

import pytest
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.failures import INTERRUPTED, FailureDetail
from sessions.artifacts import Made
from sessions.attempts import Heartbeat, RoundReport
from sessions.errors import AttemptError, ErrorClass, TransientFailure
from sessions.images import ImageSessionRequest, Product
from sessions.ports import ImageCall, ReferencePicture
from sessions.statuses import AttemptStatus, ItemStatus
from tests.support.eventually import eventually
from tests.support.scripted import (
    USAGE,
    Gate,
    broken,
    forbidden,
    made,
    refused,
    throttled,
    unanswered,
    unpaid,
)
from tests.support.workflow_environment import PRICES
from tests.unit.activities.desk import LIFESTYLE, SESSION, Desk, image_task


async def _failure(desk: Desk, *, attempt: int = 1, told: Heartbeat | None = None) -> ApplicationError:
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task(), environment=desk.environment(attempt=attempt, told=told))
    return failure.value


@pytest.mark.parametrize(
    ("error", "is_retried"),
    [(broken(), True), (unanswered(), True), (refused(), True), (unpaid(), False), (forbidden(), False)],
    ids=lambda value: value.error_class.value if isinstance(value, AttemptError) else "",
)
async def test_the_class_of_a_failure_decides_whether_temporal_tries_again(
    desk: Desk, error: AttemptError, is_retried: bool
) -> None:
    """The failure bears its class as type, is retryable or not, and raises no operator's alarm."""
    desk.provider.script("Lifestyle", error)
    failure = await _failure(desk)

    assert (error.error_class.value, error.message) == (failure.type, failure.message)
    assert is_retried is not failure.non_retryable
    assert ApplicationErrorCategory.BENIGN is failure.category
    detail = FailureDetail.model_validate(failure.details[0])
    assert error.as_item_error() == detail.error


async def test_a_failed_attempt_tells_its_report_to_the_next(desk: Desk) -> None:
    """Temporal keeps only the last failure, so the round's figures travel with the heartbeat."""
    desk.provider.script("Lifestyle", refused())
    await _failure(desk)

    (beat,) = desk.heartbeats
    cost = PRICES.cost_microdollars(USAGE, model="gpt-image-2")
    assert (1, cost, None) == (beat.report.attempts_used, beat.report.spending.spent_microdollars, beat.running)


async def test_what_no_ledger_holds_is_told_before_it_is_asked_for(desk: Desk) -> None:
    """With the records out of reach a killed worker would otherwise leave no trace of a call that may be billed."""
    desk.records.is_down = True
    gate = Gate()
    desk.provider.script("Lifestyle", gate)
    running = asyncio.create_task(desk.run(image_task()))
    await gate.reached.wait()

    (beat,) = desk.heartbeats
    assert beat.running is not None
    assert (1, AttemptStatus.RUNNING) == (beat.running.attempt, beat.running.status)
    gate.opened.set()
    await running


async def test_the_report_grows_from_attempt_to_attempt(desk: Desk) -> None:
    """The second attempt adds to what the first one told."""
    desk.provider.script("Lifestyle", refused(), refused())
    await _failure(desk)
    await _failure(desk, attempt=2, told=desk.heartbeats[-1])

    assert [1, 2] == [beat.report.attempts_used for beat in desk.heartbeats]
    assert 2 * USAGE.output_tokens == desk.heartbeats[-1].report.spending.usage.output_tokens


@pytest.mark.parametrize(("error", "attempt"), [(broken(), 3), (unpaid(), 1)])
async def test_a_failure_that_ends_the_round_needs_no_heartbeat(desk: Desk, error: AttemptError, attempt: int) -> None:
    """After the last attempt nobody reads heartbeats; the failure itself brings the report."""
    desk.provider.script("Lifestyle", error)
    told = Heartbeat(report=RoundReport(attempts_used=attempt - 1))
    failure = await _failure(desk, attempt=attempt, told=told)

    assert [] == desk.heartbeats
    assert attempt == FailureDetail.model_validate(failure.details[0]).report.attempts_used
    assert ItemStatus.FAILED is desk.records.items[SESSION, "lifestyle"]


async def test_between_attempts_the_records_show_the_item_as_being_made(desk: Desk) -> None:
    """A failure that is followed by another attempt does not show as failed."""
    desk.provider.script("Lifestyle", broken())
    await _failure(desk)

    assert ItemStatus.PROCESSING is desk.records.items[SESSION, "lifestyle"]


async def test_a_quick_attempt_sends_no_heartbeat(desk: Desk) -> None:
    """Heartbeats are billed: an attempt that ends within an interval sends none."""
    await desk.run(image_task())

    assert [] == desk.heartbeats


async def test_a_slow_attempt_tells_which_entry_it_has_opened(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Should its worker die, the next attempt knows what became of this one."""
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(milliseconds=5))

    async def slowly(call: ImageCall) -> Made:
        await eventually(lambda: len(desk.heartbeats) >= 2)
        return made(call)

    desk.provider.script("Lifestyle", slowly)
    await desk.run(image_task())

    running = desk.heartbeats[0].running
    assert running is not None
    assert (1, AttemptStatus.RUNNING) == (running.attempt, running.status)
    assert desk.entries[0].started_at == running.started_at


async def test_what_the_records_missed_travels_with_the_report(desk: Desk) -> None:
    """With the records down the closed entry is handed on, once, with everything in it."""
    desk.records.is_down = True
    desk.provider.script("Lifestyle", refused())
    await _failure(desk)

    (entry,) = desk.heartbeats[-1].report.unrecorded
    assert (1, AttemptStatus.FAILED, ErrorClass.CONTENT, USAGE) == (
        entry.attempt,
        entry.status,
        entry.error_type,
        entry.usage,
    )


async def test_what_the_records_have_does_not_travel(desk: Desk) -> None:
    """Reports stay small while the records answer."""
    outcome = await desk.run(image_task())

    assert () == outcome.report.unrecorded


async def test_what_the_records_missed_is_told_to_the_session_after_the_pause(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt rests as the policy has it, which people can see, and ends with its report where it is heard."""
    pauses: list[int] = []

    def no_pause(attempts: int) -> timedelta:
        pauses.append(attempts)
        return timedelta()

    monkeypatch.setattr("activities.attempt.pause_after", no_pause)
    desk.records.is_down = True
    desk.provider.script("Lifestyle", refused())
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task().model_copy(update={"made_in_round": 1}))

    detail = FailureDetail.model_validate(failure.value.details[0])
    assert (INTERRUPTED, [2]) == (failure.value.type, pauses)
    assert [1] == [entry.attempt for entry in detail.report.unrecorded]
    resting = desk.heartbeats[-1]
    assert (True, ErrorClass.CONTENT) == (resting.is_resting, resting.waiting_for and resting.waiting_for.type)
    assert detail.report == resting.report


async def test_missed_entries_of_earlier_attempts_are_kept(desk: Desk) -> None:
    """An outage over two attempts hands on both entries."""
    desk.records.is_down = True
    desk.provider.script("Lifestyle", broken(), broken())
    await _failure(desk)
    failure = await _failure(desk, attempt=3, told=desk.heartbeats[-1].model_copy(update={"report": _two_used(desk)}))

    unrecorded = FailureDetail.model_validate(failure.details[0]).report.unrecorded
    assert [1, 3] == [entry.attempt for entry in unrecorded]


async def test_a_failure_before_the_last_attempt_stays_small(desk: Desk) -> None:
    """The server keeps no more than 4 kB of it, and nothing of a larger one; the report is with the heartbeat."""
    desk.provider.script("Lifestyle", TransientFailure("字" * 500, advice="Retry."))
    failure = await _failure(desk)

    assert RoundReport() == FailureDetail.model_validate(failure.details[0]).report
    assert 2500 > len(f"{failure.message}{failure.details[0].model_dump_json()}".encode())
    assert failure.__cause__ is None


def _two_used(desk: Desk) -> RoundReport:
    return desk.heartbeats[-1].report.model_copy(update={"attempts_used": 2})


async def test_a_throttled_attempt_that_succeeds_is_complete_in_one_entry(desk: Desk) -> None:
    """The calls that were turned away are counted in the entry of the attempt."""
    desk.provider.script("Lifestyle", throttled(), throttled(), throttled())
    outcome = await desk.run(image_task())

    (entry,) = desk.entries
    assert (AttemptStatus.COMPLETE, 3) == (entry.status, entry.throttled_calls)
    assert 1 == outcome.report.attempts_used


async def test_reference_pictures_go_along_in_their_order(desk: Desk) -> None:
    """Prompts speak of references by their position, so the order is kept, the style reference last."""
    ids = [f"upl-{letter * 26}" for letter in "bca"]
    for upload in ids:
        desk.references.pictures[upload] = ReferencePicture(name=upload, media_type="image/png", data=b"png")
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"),
        images=(LIFESTYLE,),
        references=tuple(ids[:2]),
        style_reference=ids[2],
    )
    await desk.run(image_task(request=request))

    assert ids == [picture.name for picture in desk.provider.calls["Lifestyle"][0].references]


async def test_a_reference_that_is_gone_fails_the_item_with_advice(desk: Desk) -> None:
    """Without its reference an image would show another product: no call is made, and a person is told what to do."""
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"), images=(LIFESTYLE,), references=(f"upl-{'a' * 26}",)
    )
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task(request=request))

    assert failure.value.non_retryable
    assert ErrorClass.PERMANENT.value == failure.value.type
    assert FailureDetail.model_validate(failure.value.details[0]).error.advice
    assert {} == dict(desk.provider.calls)
