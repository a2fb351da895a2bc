"""How many attempts wait for a place at a worker, looked at all the time."""

import asyncio
from contextlib import suppress
from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from sessions.wire import TASK_QUEUE, images_queue
from tests.chaos.journal import Journal, Queue, now

_EVERY: Final = 1.0
_TIMEOUT: Final = timedelta(seconds=1)


async def watch_queue(temporal: Client, *, journal: Journal) -> None:
    """Note once a second how many attempts wait, until cancelled. While Temporal does not tell nothing is noted."""
    while True:
        with suppress(RPCError):
            waiting = [await _waiting(temporal, queue=queue) for queue in (TASK_QUEUE, images_queue(TASK_QUEUE))]
            journal.add(Queue(at=now(), waiting=sum(waiting)))
        await asyncio.sleep(_EVERY)


async def _waiting(temporal: Client, *, queue: str) -> int:
    request = DescribeTaskQueueRequest(
        namespace=temporal.namespace,
        task_queue=TaskQueue(name=queue),
        task_queue_type=TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY,
        report_stats=True,
    )
    described = await temporal.workflow_service.describe_task_queue(request, timeout=_TIMEOUT)
    return described.stats.approximate_backlog_count
