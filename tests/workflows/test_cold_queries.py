"""A session that is asked just when something of it has ended, of a worker that did not hold it, still replays."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import pytest
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import PollActivityTaskQueueRequest
from temporalio.client import AsyncActivityHandle, WorkflowQueryFailedError
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Replayer

from sessions.artifacts import Artifact
from sessions.attempts import AttemptOutcome, RoundReport
from sessions.identifiers import item_of_activity
from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.statuses import SessionStatus
from tests.support.workflow_environment import Studio, image_input
from worker import WORKFLOWS, workflow_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO = ImageSessionRequest(
    product=Product(title="Steel bottle"),
    images=(ImageRequest(type=ImageType.MAIN), ImageRequest(type=ImageType.LIFESTYLE)),
)
MADE = Artifact(attempt=1, media_type="image/png", bytes=3, sha256="5" * 64, width=64, height=64)


@asynccontextmanager
async def killed_in_the_end(studio: Studio) -> AsyncIterator[None]:
    """Have a process of its own run the studio's workflows for as long as the block."""
    address = studio.environment.client.service_client.config.target_host
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.lost_worker", address, studio.task_queue
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


async def attempts(studio: Studio, *, count: int) -> dict[str, AsyncActivityHandle]:
    """Take so many attempts over from the studio's queue, by item: they end when the test says so."""
    client = studio.environment.client
    taken: dict[str, AsyncActivityHandle] = {}
    while len(taken) < count:
        task = await client.workflow_service.poll_activity_task_queue(
            PollActivityTaskQueueRequest(namespace=client.namespace, task_queue=TaskQueue(name=studio.task_queue))
        )
        if task.task_token:
            taken[item_of_activity(task.activity_id) or ""] = client.get_async_activity_handle(
                task_token=task.task_token
            )
    return taken


async def test_what_a_query_finds_out_is_acted_on_when_the_session_is_told(real_server: WorkflowEnvironment) -> None:
    """Its worker is dead, somebody asks, the last item ends, another worker is asked, and somebody retries.

    That worker reads of the end before it is the session's turn to hear of it. Were the session to act on it already,
    it would settle first and be retried then, while in every later replay it would be retried before it could settle.
    """
    studio = Studio(real_server)
    async with killed_in_the_end(studio):
        session = await studio.start(image_input(TWO))
        taken = await attempts(studio, count=2)
        await taken["main"].fail(ApplicationError("The key is not valid.", non_retryable=True))
        await session.until(lambda view: view.counts.failed == 1)
    # Addressed to the dead worker, until the server gives that one up.
    asking = asyncio.create_task(session.view())
    await asyncio.sleep(timedelta(milliseconds=200).total_seconds())  # nobody tells when the server has the question
    await taken["lifestyle"].complete(AttemptOutcome(artifact=MADE, report=RoundReport(attempts_used=1)))
    async with studio.worker():
        with suppress(WorkflowQueryFailedError):
            await asking
        await session.signal_retry()
        result = await session.result()
        replayer = Replayer(
            workflows=WORKFLOWS, workflow_runner=workflow_runner(), data_converter=pydantic_data_converter
        )
        await replayer.replay_workflow(await session.history())
        await studio.close()
    assert SessionStatus.COMPLETE is result.status
    assert 2 == result.round
