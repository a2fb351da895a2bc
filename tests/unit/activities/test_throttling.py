"""A provider that asks to wait: the wait is inside the attempt, told to the server, and bounded."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.activity import ActivityCancellationDetails
from temporalio.exceptions import ApplicationError

from activities.failures import INTERRUPTED, FailureDetail
from sessions.artifacts import Made
from sessions.attempts import AttemptLimits, Heartbeat
from sessions.errors import ErrorClass, Throttled
from sessions.ports import ImageCall
from sessions.statuses import AttemptStatus
from tests.support.eventually import eventually
from tests.support.scripted import made, throttled
from tests.unit.activities.desk import Desk, image_task


async def test_a_wait_is_told_to_the_server_with_its_end_and_its_reason(desk: Desk) -> None:
    """Whoever looks at the item sees until when it waits, and why; the attempt it belongs to is told along."""
    pause = timedelta(milliseconds=40)
    desk.provider.script("Lifestyle", throttled(retry_after=pause))
    before = datetime.now(UTC)
    await desk.run(image_task())

    (beat,) = desk.heartbeats
    assert beat.waiting_until is not None
    assert before + pause <= beat.waiting_until <= datetime.now(UTC) + pause / 4
    assert beat.waiting_for is not None
    assert (ErrorClass.THROTTLE, "Too many requests.") == (beat.waiting_for.type, beat.waiting_for.message)
    assert beat.running is not None
    assert (1, AttemptStatus.RUNNING) == (beat.running.attempt, beat.running.status)


async def test_the_wait_is_over_before_the_next_call(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the provider is asked again, the item no longer shows a wait."""
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(milliseconds=5))
    told_while_asking: list[Heartbeat] = []

    async def slowly(call: ImageCall) -> Made:
        told_before = len(desk.heartbeats)
        await eventually(lambda: len(desk.heartbeats) > told_before)
        told_while_asking.extend(desk.heartbeats[told_before:])
        return made(call)

    desk.provider.script("Lifestyle", throttled(), slowly)
    await desk.run(image_task())

    assert told_while_asking
    assert {(None, None)} == {(beat.waiting_for, beat.waiting_until) for beat in told_while_asking}


async def test_a_wait_of_unknown_length_begins_short_and_doubles(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a figure from the provider the waits grow, each spread by up to a quarter so that items part ways."""
    monkeypatch.setattr("activities.asking._FIRST_THROTTLE_WAIT", timedelta(milliseconds=10))
    monkeypatch.setattr("activities.asking._LONGEST_THROTTLE_WAIT", timedelta(milliseconds=40))
    desk.provider.script("Lifestyle", *[Throttled("Slow down.", advice="Wait.") for _ in range(4)])
    told: list[timedelta] = []
    environment = desk.environment()
    environment.on_heartbeat = lambda beat: told.append(beat.waiting_until - datetime.now(UTC))
    await desk.run(image_task(), environment=environment)

    for expected, actual in zip((10, 20, 40, 40), told, strict=True):
        assert timedelta(milliseconds=expected - 5) <= actual <= timedelta(milliseconds=expected * 1.25)


async def test_patience_has_an_end(desk: Desk) -> None:
    """A wait beyond the patience is cut to it; throttled even then, the attempt fails and says what to do."""
    limits = AttemptLimits(throttle_patience=timedelta(milliseconds=100))
    hours = throttled(retry_after=timedelta(hours=1))
    desk.provider.script("Lifestyle", throttled(), hours, hours)
    with pytest.raises(ApplicationError) as failure:
        await desk.run(image_task(limits=limits))

    assert ErrorClass.THROTTLE.value == failure.value.type
    assert "RETAKES_THROTTLE_PATIENCE" in FailureDetail.model_validate(failure.value.details[0]).error.advice
    assert not failure.value.non_retryable
    (entry,) = desk.entries
    assert (AttemptStatus.FAILED, 3, 0) == (entry.status, entry.throttled_calls, entry.cost_microdollars)


async def test_patience_is_for_all_waits_together(desk: Desk) -> None:
    """Many short waits are as long as a few long ones."""
    limits = AttemptLimits(throttle_patience=timedelta(milliseconds=100))
    desk.provider.script("Lifestyle", *[throttled(retry_after=timedelta(milliseconds=30)) for _ in range(50)])
    with pytest.raises(ApplicationError):
        await desk.run(image_task(limits=limits))

    assert 2 <= desk.entries[0].throttled_calls <= 5


async def test_waits_do_not_count_against_the_deadline_of_a_call(desk: Desk) -> None:
    """The deadline is for one call; a wait longer than it does not end the attempt."""
    limits = AttemptLimits(deadline=timedelta(milliseconds=50))
    desk.provider.script("Lifestyle", throttled(retry_after=timedelta(milliseconds=100)))
    outcome = await desk.run(image_task(limits=limits))

    assert 1 == outcome.artifact.attempt


async def test_a_worker_that_stops_during_a_wait_does_not_burn_the_attempt(desk: Desk) -> None:
    """The next worker makes the same attempt: its entry stays open, and the failure says that it must not count."""
    desk.provider.script("Lifestyle", throttled(retry_after=timedelta(minutes=1)))
    environment = desk.environment()
    running = asyncio.ensure_future(desk.run(image_task(), environment=environment))
    await eventually(lambda: desk.heartbeats)
    environment.cancel(ActivityCancellationDetails(worker_shutdown=True))
    with pytest.raises(ApplicationError) as failure:
        await running

    assert INTERRUPTED == failure.value.type
    assert 0 == FailureDetail.model_validate(failure.value.details[0]).report.attempts_used
    assert [AttemptStatus.RUNNING] == [entry.status for entry in desk.entries]
