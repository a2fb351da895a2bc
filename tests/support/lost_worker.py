"""A worker of workflows alone, in a process of its own, so that a test can kill it: nobody is told that it is gone.

python -m tests.support.lost_worker ADDRESS TASK_QUEUE
"""

import asyncio
import sys

from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Worker

from worker import STICKY_PATIENCE, WORKFLOWS, hear_everything_first, workflow_runner


async def work(address: str, *, task_queue: str) -> None:
    """Run workflows as the product's worker does, until the process is killed."""
    client = await Client.connect(address, data_converter=pydantic_data_converter)
    worker = Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        workflow_runner=workflow_runner(),
        sticky_queue_schedule_to_start_timeout=STICKY_PATIENCE,
    )
    hear_everything_first(worker)
    await worker.run()


if __name__ == "__main__":
    asyncio.run(work(sys.argv[1], task_queue=sys.argv[2]))
