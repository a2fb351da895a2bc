"""Records or artifacts that are down cost no attempt and no second payment."""

from datetime import timedelta
from functools import partial

import pytest
from temporalio.contrib.pydantic import pydantic_data_converter

from service.under_way import attempts_under_way
from sessions.attempts import AttemptLimits
from sessions.errors import ErrorClass
from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from sessions.steering import CancelItems
from sessions.wire import CANCEL_ITEMS_UPDATE
from tests.support.eventually import eventually
from tests.support.scripted import USAGE, Gate, broken, forbidden, refused
from tests.support.workflow_environment import PRICES, RunningSession, Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")

FINISHED = ("infographic_1", "infographic_2", "lifestyle", "comparison")
ONE_ATTEMPT = ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=1)


async def test_records_that_are_down_cost_no_attempt(studio: Studio) -> None:
    """Without records every image is made at its first attempt, and the session settles."""
    studio.records.is_down = True
    session = await studio.start()
    view = await session.settled()

    assert SessionStatus.COMPLETE is view.status
    assert {1} == {item.attempt for item in view.items}
    assert {} == studio.records.entries


async def test_the_ledger_is_complete_after_the_records_return(real_studio: Studio) -> None:
    """Entries of the time without records arrive with the session, those of earlier attempts included."""
    real_studio.records.is_down = True
    real_studio.provider.script("Lifestyle", broken())
    session = await real_studio.start()
    await session.settled()
    # From here on only what the workflow itself knows can bring the entries.
    await real_studio.ledger.close()
    assert {} == real_studio.records.entries
    real_studio.records.is_down = False
    state = await session.result()

    statuses = [entry.status for entry in real_studio.records.ledger("lifestyle")]
    assert [AttemptStatus.FAILED, AttemptStatus.COMPLETE] == statuses
    assert 6 == len(real_studio.records.entries)
    assert state == real_studio.records.states[state.id]


async def test_the_worker_catches_up_by_itself(studio: Studio) -> None:
    """Entries of a session that is still running reach the records as soon as they are back."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    studio.records.is_down = True
    session = await studio.start()
    await session.until(lambda view: view.counts.complete == 4)
    studio.records.is_down = False

    await eventually(lambda: {*FINISHED} <= {key for _, key, _ in studio.records.entries})
    assert {AttemptStatus.COMPLETE} == {studio.records.ledger(key)[0].status for key in FINISHED}
    gate.opened.set()
    await session.result()


async def test_a_retry_does_not_wait_for_the_records(studio: Studio) -> None:
    """A session that settled while the records are down can be retried at once."""
    studio.records.is_down = True
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.settled()
    await session.retry()
    view = await session.until(lambda view: view.counts.complete == 5)

    assert (SessionStatus.COMPLETE, 2) == (view.status, view.round)
    studio.records.is_down = False
    state = await session.result()
    assert [1, 2] == [entry.attempt for entry in studio.records.ledger("lifestyle")]
    assert state == studio.records.states[state.id]


async def test_an_older_state_never_replaces_a_newer_one_in_the_records(studio: Studio) -> None:
    """Rounds that were recorded late leave the session as it is now, not as it was."""
    studio.records.is_down = True
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    await session.settled()
    await session.retry()
    await session.until(lambda view: view.counts.complete == 5)
    studio.records.is_down = False
    state = await session.result()

    assert SessionStatus.COMPLETE is studio.records.states[state.id].status


async def test_an_attempt_that_the_records_missed_is_not_forgotten_by_a_cancel(real_studio: Studio) -> None:
    """Cancelled in the pause after an attempt, an item keeps its number and its cost, though no ledger has them yet."""
    real_studio.records.is_down = True
    real_studio.provider.script("Lifestyle", refused(), Gate())
    session = await real_studio.start()
    await eventually(partial(_has_cost_something, session, item="lifestyle"))
    # The records answer again, and nobody has caught up with them yet.
    await real_studio.ledger.close()
    real_studio.records.is_down = False
    await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("lifestyle",)))
    state = await session.result()

    (entry,) = real_studio.records.ledger("lifestyle")
    assert (AttemptStatus.FAILED, USAGE) == (entry.status, entry.usage)
    assert (ItemStatus.CANCELLED, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
    spent = sum(one.cost_microdollars for one in real_studio.records.entries.values())
    assert spent == state.spending.spent_microdollars


async def _has_cost_something(session: RunningSession, *, item: str) -> bool:
    """Whether the server has been told of an attempt's cost."""
    description = await session.handle.describe()
    known = await attempts_under_way(description, converter=pydantic_data_converter)
    return item in known and known[item].spending.spent_microdollars > 0


async def test_attempts_that_the_records_missed_keep_the_pauses_of_their_round(real_studio: Studio) -> None:
    """An item comes back to its session after each of them, and its pauses grow all the same."""
    real_studio.records.is_down = True
    real_studio.provider.script("Lifestyle", broken(), broken())
    session = await real_studio.start()
    await session.settled()
    real_studio.records.is_down = False
    state = await session.result()

    first, second, third = real_studio.records.ledger("lifestyle")
    assert AttemptStatus.COMPLETE is third.status
    assert (3, 3) == (state.item("lifestyle").attempt, third.attempt)
    assert timedelta(seconds=1) <= second.started_at - (first.ended_at or first.started_at)
    assert timedelta(seconds=2) <= third.started_at - (second.ended_at or second.started_at)


async def test_a_store_that_is_down_for_a_moment_costs_no_second_call(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes that are paid for are held until they can be stored: same attempt, one call each."""
    monkeypatch.setattr("activities.shelf._RETRY_INTERVAL", timedelta(milliseconds=10))
    studio.artifacts.is_down = True
    session = await studio.start()
    await eventually(lambda: studio.artifacts.refusals >= 10)
    studio.artifacts.is_down = False
    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert [1] * 5 == [len(calls) for calls in studio.provider.calls.values()]
    assert {1} == {item.attempt for item in state.items}


async def test_a_result_that_cannot_be_stored_is_not_hidden(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that stays down loses the result; the ledger and the session still show what it has cost."""
    monkeypatch.setattr("activities.shelf._RETRY_INTERVAL", timedelta(milliseconds=10))
    limits = AttemptLimits(storage_patience=timedelta(milliseconds=30))
    real_studio.artifacts.is_down = True
    session = await real_studio.start(image_input(ONE_ATTEMPT, limits=limits))
    view = await session.settled()
    cost = PRICES.cost_microdollars(USAGE, model="gpt-image-2")

    assert (SessionStatus.FAILED, 5) == (view.status, view.counts.failed)
    assert {ErrorClass.TRANSIENT} == {item.error.type for item in view.items if item.error}
    assert {cost} == {entry.cost_microdollars for entry in real_studio.records.entries.values()}
    assert 5 * cost == (await session.state()).spending.spent_microdollars
    assert {ItemStatus.FAILED} == {item.status for item in view.items}


async def test_a_worker_that_is_full_of_attempts_still_writes_sessions_down(real_studio: Studio) -> None:
    """A session that has settled is recorded and closed although every place for attempts is taken for long."""
    first, second = Gate(), Gate()
    studio = Studio(real_studio.environment)
    studio.provider.script("Main image", first, second)
    request = ImageSessionRequest(product=Product(title="Steel bottle"), images=(ImageRequest(type=ImageType.MAIN),))
    async with studio.worker(concurrency=1):
        session = await studio.start(image_input(request))
        await first.reached.wait()
        await studio.start(image_input(request))
        first.opened.set()
        await second.reached.wait()
        state = await session.result()
        await studio.close()

    assert state == studio.records.states[state.id]
