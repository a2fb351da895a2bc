"""A worker that stops in the middle: its sessions go on with the next one, and nobody hears a false alarm."""

import gc
import sys
from datetime import timedelta
from functools import partial

import pytest
from temporalio import activity

from sessions.artifacts import Made
from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.ports import ImageCall
from sessions.statuses import AttemptStatus, SessionStatus
from tests.support.eventually import eventually
from tests.support.scripted import Gate, forbidden, made, throttled
from tests.support.workflow_environment import Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_an_attempt_that_a_stopping_worker_cuts_off_is_made_by_the_next(real_studio: Studio) -> None:
    """The session is not cancelled: the attempt counts as uncertain, and another worker makes the next one."""
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", Gate())
    async with studio.worker():
        session = await studio.start()
        await session.until(lambda view: view.counts.complete == 4)
    async with studio.worker():
        state = await session.result()

    assert (SessionStatus.COMPLETE, 2) == (state.status, state.item("lifestyle").attempt)
    assert [AttemptStatus.UNCERTAIN, AttemptStatus.COMPLETE] == [
        entry.status for entry in studio.records.ledger("lifestyle")
    ]
    assert 1 == studio.provider.count("Main image")


async def test_a_stopping_worker_lets_attempts_finish_within_its_grace(real_studio: Studio) -> None:
    """With grace, a deployment costs neither an attempt nor money."""

    async def answer_while_the_worker_stops(call: ImageCall) -> Made:
        await activity.wait_for_worker_shutdown()
        return made(call)

    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", answer_while_the_worker_stops)
    async with studio.worker(grace=timedelta(seconds=10)):
        session = await studio.start()
        await session.until(lambda view: view.counts.complete == 4)
    description = await session.handle.describe()
    await session.handle.terminate()

    assert [] == list(description.raw_description.pending_activities)
    assert [(1, AttemptStatus.COMPLETE)] == [
        (entry.attempt, entry.status) for entry in studio.records.ledger("lifestyle")
    ]
    assert 1 == studio.provider.count("Lifestyle")


async def test_a_session_survives_that_no_worker_remembers_it(real_studio: Studio) -> None:
    """A new worker rebuilds an open session from its history alone, and a retry goes on where the first stopped."""
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", forbidden())
    async with studio.worker():
        session = await studio.start()
        before = await session.settled()
        # A workflow task that a stopping worker takes along is given up by the server after 10 s only.
        await eventually(session.is_at_rest)
    async with studio.worker():
        assert before == await session.view()
        await session.retry()
        state = await session.result()

    assert (SessionStatus.COMPLETE, 2) == (state.status, state.item("lifestyle").attempt)


async def test_a_worker_that_stops_with_open_sessions_leaves_no_traceback(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopping is no fault: sessions that wait, and sessions in the middle of an item, are dropped in silence."""
    faults: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", faults.append)
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", forbidden(), Gate())
    async with studio.worker():
        settled = await studio.start()
        await settled.settled()
        running = await studio.start()
        await running.until(lambda view: view.counts.complete == 4)
    gc.collect()
    await settled.handle.terminate()
    await running.handle.terminate()

    assert [] == [str(fault) for fault in faults]


def _is_told_to_wait(studio: Studio, *, calls: int) -> bool:
    throttled_calls = [entry.throttled_calls for entry in studio.records.ledger("lifestyle")]
    return studio.provider.count("Lifestyle") == calls and [1] == throttled_calls


async def test_a_throttled_attempt_survives_its_worker(real_studio: Studio) -> None:
    """A worker that stops while the provider has its attempt wait costs none of the attempts that are allowed."""
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", *[throttled(retry_after=timedelta(minutes=1))] * 2)
    lifestyle = ImageRequest(type=ImageType.LIFESTYLE)
    request = ImageSessionRequest(product=Product(title="Steel bottle"), images=(lifestyle,), max_attempts=1)
    session = await studio.start(image_input(request))
    for calls in (1, 2):
        async with studio.worker():
            # Tasks may still be kept for the worker before, for as long as ten seconds.
            await eventually(partial(_is_told_to_wait, studio, calls=calls), timeout=timedelta(seconds=30))
    async with studio.worker():
        state = await session.result()

    assert (SessionStatus.COMPLETE, 1) == (state.status, state.item("lifestyle").attempt)
    assert 3 == studio.provider.count("Lifestyle")
