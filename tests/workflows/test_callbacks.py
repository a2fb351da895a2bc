"""Deliveries under Temporal's own retries."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.callbacks import CallbackActivities
from sessions.announcements import settled_callback
from sessions.deliveries import DeliveryOutcome
from sessions.state import unfinished_items_cancelled
from sessions.wire import callbacks_queue
from tests.support.callbacks import MemoryDeliveries, ScriptedSender
from tests.support.workflow_environment import image_input
from worker import workflow_runner
from workflows.callback_delivery import CallbackDelivery
from workflows.policies import CALLBACK_PATIENCE

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def delivering(environment: WorkflowEnvironment, activities: CallbackActivities) -> AsyncIterator[str]:
    """Serve a task queue of its own, and the one beside it on which callbacks are delivered."""
    queue = f"telling-{uuid.uuid4().hex}"
    client = environment.client
    async with (
        Worker(client, task_queue=queue, workflows=[CallbackDelivery], workflow_runner=workflow_runner()),
        Worker(client, task_queue=callbacks_queue(queue), activities=[activities.deliver]),
    ):
        yield queue


async def tell(environment: WorkflowEnvironment, sender: ScriptedSender, log: MemoryDeliveries) -> bool:
    """Deliver a callback, and return whether that went well in the end."""
    state = image_input().state
    task = settled_callback(unfinished_items_cancelled(state, now=state.created_at), url="https://hooks.example.com/")
    async with delivering(environment, CallbackActivities(sender=sender, deliveries=log)) as queue:
        return await environment.client.execute_workflow(
            CallbackDelivery.run, task, id=task.delivery_id, task_queue=queue
        )


async def test_a_receiver_that_comes_back_is_told(skipping_server: WorkflowEnvironment) -> None:
    """Whatever went wrong before, the callback arrives, under one id."""
    sender, log = ScriptedSender(), MemoryDeliveries()
    sender.script = [None, 503, 302, 429]

    assert await tell(skipping_server, sender, log)
    assert 5 == len(sender.sent)
    assert 1 == len(set(sender.sent))
    assert ["failed"] * 4 + ["delivered"] == [delivery.outcome for delivery in log.logged]


async def test_a_receiver_that_is_gone_is_told_once(skipping_server: WorkflowEnvironment) -> None:
    """410 ends it."""
    sender, log = ScriptedSender(), MemoryDeliveries()
    sender.script = [410]

    assert not await tell(skipping_server, sender, log)
    assert [DeliveryOutcome.GIVEN_UP] == [delivery.outcome for delivery in log.logged]


async def test_a_receiver_that_stays_away_is_given_up_after_a_day(skipping_server: WorkflowEnvironment) -> None:
    """The attempts spread over a day, at most an hour apart; then it ends."""
    sender, log = ScriptedSender(), MemoryDeliveries()
    sender.script = [None] * 1000

    assert not await tell(skipping_server, sender, log)
    # Ten within the first 45 minutes, at waits of 5 seconds that double, then one an hour.
    hourly = (CALLBACK_PATIENCE - timedelta(minutes=85)) // timedelta(hours=1)
    assert 10 + hourly <= len(sender.sent) <= 12 + hourly
