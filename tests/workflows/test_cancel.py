"""A person stops a session: what is finished is kept, and the records say so.

On the real server, because the one that skips time breaks on a cancel that crosses the end of an activity.
"""

import asyncio
from datetime import timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus, WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import CancelledError

from sessions.artifacts import Made
from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.ports import ImageCall
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from tests.support.eventually import eventually
from tests.support.scripted import Gate, broken, forbidden, refused, unanswered
from tests.support.workflow_environment import RunningSession, Studio, image_input

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.usefixtures("quick_heartbeats")]


async def _ends_cancelled(session: RunningSession) -> None:
    with pytest.raises(WorkflowFailureError) as failure:
        await session.result()
    assert isinstance(failure.value.cause, CancelledError)
    assert WorkflowExecutionStatus.CANCELED is (await session.handle.describe()).status


async def test_cancelling_keeps_what_is_finished_and_stops_the_rest(real_studio: Studio) -> None:
    """Finished items stay with their artifacts, the others are cancelled, and so are session and workflow."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    session = await real_studio.start()
    await session.until(lambda view: view.counts.complete == 4)
    await session.handle.cancel()
    await _ends_cancelled(session)

    recorded = real_studio.records.states[session.handle.id]
    assert SessionStatus.CANCELLED is recorded.status
    assert ItemStatus.CANCELLED is recorded.item("lifestyle").status
    assert 4 == sum(item.artifact is not None for item in recorded.items)
    assert recorded.settled_at is not None
    assert recorded.settled_at == recorded.closed_at


async def test_an_attempt_that_was_stopped_while_asking_may_have_been_billed(real_studio: Studio) -> None:
    """The call that a cancel cuts off is in the ledger as uncertain, with its worst-case cost."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    session = await real_studio.start()
    await gate.reached.wait()
    await session.handle.cancel()
    await _ends_cancelled(session)

    (entry,) = real_studio.records.ledger("lifestyle")
    assert AttemptStatus.UNCERTAIN is entry.status
    assert 0 < entry.cost_microdollars


async def test_a_failure_that_crosses_a_cancel_counts(real_studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    """The attempt fails by itself before the cancel has reached it: its number is taken, and its cost is known."""
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(hours=1))
    reached, answered = asyncio.Event(), asyncio.Event()

    async def refuse(call: ImageCall) -> Made:
        reached.set()
        await answered.wait()
        raise refused()

    real_studio.provider.script("Lifestyle", refuse)
    session = await real_studio.start()
    await session.until(lambda view: view.counts.complete == 4)
    await reached.wait()
    await session.handle.cancel()
    answered.set()
    await _ends_cancelled(session)

    state = real_studio.records.states[session.handle.id]
    (entry,) = real_studio.records.ledger("lifestyle")
    assert (1, 1) == (entry.attempt, state.item("lifestyle").attempt)
    assert 0 < entry.cost_microdollars
    ledger = [real_studio.records.ledger(item.key)[0] for item in state.items]
    assert sum(one.cost_microdollars for one in ledger) == state.spending.spent_microdollars


async def test_cancelling_between_two_attempts_makes_no_further_call(real_studio: Studio) -> None:
    """An item that waits for its next attempt is cancelled at once."""
    real_studio.provider.script("Lifestyle", broken())
    session = await real_studio.start()
    await eventually(lambda: any(entry.ended_at for entry in real_studio.records.ledger("lifestyle")))
    await session.handle.cancel()
    await _ends_cancelled(session)

    assert 1 == real_studio.provider.count("Lifestyle")
    assert ItemStatus.CANCELLED is real_studio.records.states[session.handle.id].item("lifestyle").status


async def test_cancelling_a_settled_session_closes_it_as_it_stands(real_studio: Studio) -> None:
    """Nothing is left to stop, so every item keeps its standing; only the wait for a retry ends."""
    real_studio.provider.script("Lifestyle", forbidden())
    session = await real_studio.start()
    await session.settled()
    before = await session.state()
    await session.handle.cancel()
    await _ends_cancelled(session)

    recorded = real_studio.records.states[session.handle.id]
    assert before.items == recorded.items
    assert recorded.closed_at is not None


async def test_a_session_that_is_cancelled_before_any_worker_saw_it_is_recorded(real_studio: Studio) -> None:
    """A cancel that comes while no worker runs is obeyed by the first one that does: nothing is called."""
    start = image_input()
    waiting = Studio(real_studio.environment)
    session = await waiting.start(start)
    await session.handle.cancel()
    async with waiting.worker():
        await _ends_cancelled(session)

    assert {} == dict(waiting.provider.calls)
    assert SessionStatus.CANCELLED is waiting.records.states[start.state.id].status


async def test_a_cancel_during_a_retry_round_keeps_earlier_results(real_studio: Studio) -> None:
    """Items of earlier rounds stay finished when the round over the failed ones is stopped."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", forbidden(), gate)
    session = await real_studio.start()
    await session.settled()
    await session.retry()
    await gate.reached.wait()
    await session.handle.cancel()
    await _ends_cancelled(session)

    recorded = real_studio.records.states[session.handle.id]
    assert 4 == sum(item.status is ItemStatus.COMPLETE for item in recorded.items)
    assert ItemStatus.CANCELLED is recorded.item("lifestyle").status


async def test_a_session_can_be_cancelled_while_the_records_are_down(real_studio: Studio) -> None:
    """The cancel takes effect at once, and is written down when the records are back."""
    real_studio.records.is_down = True
    real_studio.provider.script("Lifestyle", forbidden())
    session = await real_studio.start()
    await session.settled()
    await session.handle.cancel()
    async with asyncio.timeout(3):
        await eventually(session.is_closing)
    real_studio.records.is_down = False
    await _ends_cancelled(session)

    assert real_studio.records.states[session.handle.id].closed_at is not None


async def test_a_retry_of_a_session_that_is_being_cancelled_is_refused(real_studio: Studio) -> None:
    """While the cancelled session waits for the records, nothing is accepted that would be lost with it."""
    real_studio.provider.script("Lifestyle", forbidden())
    session = await real_studio.start()
    await session.settled()
    await eventually(lambda: session.handle.id in real_studio.records.states)
    real_studio.records.is_down = True
    await session.handle.cancel()
    await eventually(session.is_closing)
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await session.retry()
    assert "being cancelled" in str(refused.value.cause)
    real_studio.records.is_down = False
    await _ends_cancelled(session)
    assert 1 == real_studio.records.states[session.handle.id].round


async def test_a_cancel_with_a_dead_worker_counts_one_attempt(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempt that was under way may have been billed once, and the session is cancelled, not failed."""
    monkeypatch.setattr("workflows.making.HEARTBEAT_TIMEOUT", timedelta(seconds=1))
    monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(hours=1))
    gate = Gate()
    real_studio.provider.script("Lifestyle", gate)
    request = ImageSessionRequest(
        product=Product(title="Steel bottle"), images=(ImageRequest(type=ImageType.LIFESTYLE),)
    )
    session = await real_studio.start(image_input(request))
    await gate.reached.wait()
    await session.handle.cancel()
    await _ends_cancelled(session)

    recorded = real_studio.records.states[session.handle.id]
    assert (SessionStatus.CANCELLED, 1) == (recorded.status, recorded.item("lifestyle").attempt)
    assert 7 == recorded.spending.uncertain_microdollars


async def test_what_a_stopped_attempt_cost_is_in_the_state(real_studio: Studio) -> None:
    """A session that is cancelled in mid-attempt tells of it, and of the failed attempt before it."""
    gate = Gate()
    real_studio.provider.script("Lifestyle", unanswered(), gate)
    session = await real_studio.start()
    await gate.reached.wait()
    await session.handle.cancel()
    await _ends_cancelled(session)

    recorded = real_studio.records.states[session.handle.id]
    ledger = real_studio.records.ledger("lifestyle")
    assert [AttemptStatus.UNCERTAIN, AttemptStatus.UNCERTAIN] == [entry.status for entry in ledger]
    assert sum(entry.cost_microdollars for entry in ledger) == recorded.spending.uncertain_microdollars
    assert 2 == recorded.item("lifestyle").attempt


async def test_a_cancel_beats_a_retry_that_comes_with_it(real_studio: Studio) -> None:
    """When both arrive while no worker runs, the items of the retry are cancelled and no call is made."""
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", forbidden())
    async with studio.worker():
        session = await studio.start()
        await session.settled()
        await eventually(session.is_at_rest)
    await session.signal_retry()
    await session.handle.cancel()
    async with studio.worker():
        await _ends_cancelled(session)

    recorded = studio.records.states[session.handle.id]
    assert (SessionStatus.CANCELLED, ItemStatus.CANCELLED) == (recorded.status, recorded.item("lifestyle").status)
    assert 1 == studio.provider.count("Lifestyle")


async def test_items_that_were_not_handed_out_yet_are_cancelled_too(real_studio: Studio) -> None:
    """In a large session that is stopped, what waits for its turn is cancelled without a call."""
    gate = Gate()
    real_studio.provider.script("Infographic 1", gate)
    session = await real_studio.start(image_input().model_copy(update={"items_at_once": 1}))
    await gate.reached.wait()
    await session.handle.cancel()
    await _ends_cancelled(session)

    statuses = [item.status for item in real_studio.records.states[session.handle.id].items]
    assert [ItemStatus.COMPLETE, *[ItemStatus.CANCELLED] * 4] == statuses
    assert {"Main image", "Infographic 1"} == set(real_studio.provider.calls)
