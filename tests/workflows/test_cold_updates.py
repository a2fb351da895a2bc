"""A worker that takes a session over in the moment in which somebody steers it writes a history that replays."""

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.statuses import AttemptStatus, SessionStatus
from sessions.steering import BudgetChange, CancelItems
from sessions.wire import BUDGET_UPDATE, CANCEL_ITEMS_UPDATE
from tests.support.scripted import USAGE, Gate
from tests.support.workflow_environment import PRICES, Studio, image_input
from worker import WORKFLOWS, workflow_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")

THREE = ImageSessionRequest(
    product=Product(title="Steel bottle"),
    images=tuple(ImageRequest(type=kind) for kind in (ImageType.MAIN, ImageType.LIFESTYLE, ImageType.COMPARISON)),
)
COST = PRICES.cost_microdollars(USAGE, model="gpt-image-2")


async def test_what_has_ended_before_is_heard_before_what_is_asked_now(real_server: WorkflowEnvironment) -> None:
    """The last item ended without anything to do about it, its worker died, and then the budget was raised.

    The next worker is handed both at once. Were it to obey first and hear of the item afterwards, it would write the
    item's entry in a second record, while every later replay would write both in one.
    """
    studio = Studio(real_server)
    last = Gate()
    studio.provider.script("Lifestyle", last)
    studio.records.is_down = True
    start = image_input(THREE)
    budget = {"budget_microdollars": 2 * COST, "worst_case_microdollars": COST}
    async with studio.worker():
        session = await studio.start(start.model_copy(update={"state": start.state.model_copy(update=budget)}))
        await session.until(lambda view: view.counts.complete == 1)
        last.opened.set()
        await session.until(lambda view: view.counts.complete == 2)
        await studio.ledger.close()  # what it has not written dies with its worker

    studio.records.is_down = False
    async with studio.worker():
        await session.steer(BUDGET_UPDATE, BudgetChange(budget_usd=None))
        await session.result()
        replayer = Replayer(
            workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
        )
        await replayer.replay_workflow(await session.history())
        await studio.close()

    assert {AttemptStatus.COMPLETE} == {entry.status for entry in studio.records.entries.values()}
    assert 3 == len(studio.records.entries)


async def test_what_was_heard_by_the_worker_before_is_heard_before_what_is_asked_now(
    real_server: WorkflowEnvironment,
) -> None:
    """An item was complete, its session had heard so and had nothing to do, its worker died: the item is cancelled.

    The next worker is handed all three as one. Were it to obey first, it would cancel what is complete, and every
    later replay, which hears of the item in the task before, could not obey.
    """
    studio = Studio(real_server)
    second, last = Gate(), Gate()
    studio.provider.script("Lifestyle", last)
    studio.provider.script("Comparison", second)
    async with studio.worker():
        session = await studio.start(image_input(THREE))
        await session.until(lambda view: view.counts.complete == 1)
        await last.reached.wait()
        second.opened.set()
        await session.until(lambda view: view.counts.complete == 2)

    async with studio.worker():
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("comparison",)))
        last.opened.set()
        state = await session.result()
        replayer = Replayer(
            workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
        )
        await replayer.replay_workflow(await session.history())
        await studio.close()

    assert isinstance(refused.value.cause, ApplicationError)
    assert "complete already" in str(refused.value.cause)
    assert SessionStatus.COMPLETE is state.status
