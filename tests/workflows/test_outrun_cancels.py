"""A cancel takes seconds to reach an attempt; what the attempt does meanwhile is neither lost nor followed by another.

Without quick heartbeats, so that the attempt is certain to end first.
"""

import pytest
from temporalio.client import WorkflowFailureError

from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from sessions.steering import CancelItems
from sessions.wire import CANCEL_ITEMS_UPDATE
from tests.support.eventually import eventually
from tests.support.scripted import Gate, broken, forbidden, refused
from tests.support.workflow_environment import Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO = ImageSessionRequest(
    product=Product(title="Steel bottle"),
    images=(ImageRequest(type=ImageType.MAIN), ImageRequest(type=ImageType.LIFESTYLE)),
)


async def test_an_attempt_that_fails_before_it_hears_of_the_cancel_counts(real_studio: Studio) -> None:
    """The session is cancelled, not partial; the attempt has its number, and its cost is in the state."""
    failing = Gate(failing=refused())
    real_studio.provider.script("Lifestyle", failing)
    session = await real_studio.start(image_input(TWO))
    await failing.reached.wait()
    await session.until(lambda view: view.counts.complete == 1)
    await session.handle.cancel()
    await eventually(session.is_to_stop)
    failing.opened.set()
    with pytest.raises(WorkflowFailureError):
        await session.result()

    recorded = real_studio.records.states[session.handle.id]
    (entry,) = real_studio.records.ledger("lifestyle")
    assert (SessionStatus.CANCELLED, ItemStatus.CANCELLED) == (recorded.status, recorded.item("lifestyle").status)
    assert (AttemptStatus.FAILED, 1) == (entry.status, recorded.item("lifestyle").attempt)
    spent = sum(one.cost_microdollars for one in real_studio.records.entries.values())
    assert spent == recorded.spending.spent_microdollars


async def test_a_number_is_not_used_again_after_a_cancel(real_studio: Studio) -> None:
    """An item that somebody stops while its attempt fails is cancelled, and the others can be retried."""
    failing = Gate(failing=broken())
    real_studio.provider.script("Main image", forbidden())
    real_studio.provider.script("Lifestyle", failing)
    session = await real_studio.start(image_input(TWO))
    await failing.reached.wait()
    await session.until(lambda view: view.counts.failed == 1)
    await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("lifestyle",)))
    await eventually(session.is_to_stop)
    failing.opened.set()
    view = await session.settled()
    await session.retry()
    state = await session.result()

    assert {"main": ItemStatus.FAILED, "lifestyle": ItemStatus.CANCELLED} == {
        item.key: item.status for item in view.items
    }
    assert [(1, AttemptStatus.FAILED)] == [
        (entry.attempt, entry.status) for entry in real_studio.records.ledger("lifestyle")
    ]
    assert (ItemStatus.COMPLETE, 2) == (state.item("main").status, state.item("main").attempt)
    assert (ItemStatus.CANCELLED, 1) == (state.item("lifestyle").status, state.item("lifestyle").attempt)
