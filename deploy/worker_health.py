"""Health check of a worker's container: does Temporal hear from the worker that runs here?

A live process proves little: a worker that lost its server, or whose pollers died, looks just as alive. The server
knows who asks it for work, so it is the one to answer. Exit code 0 says that a poller with this container's host
name asked lately; 1 says that it did not, with the reason on standard error.
"""

import asyncio
import os
import socket
import sys
from datetime import UTC, datetime, timedelta

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.envconfig import ClientConfig
from temporalio.service import RPCError

from sessions.wire import TASK_QUEUE

# A poll waits up to a minute at the server and is only dated when it begins; half as much again for a slow machine.
HEARD_WITHIN = timedelta(seconds=90)

# Either kind will do: with every activity slot taken a busy worker rightly stops asking for activities.
KINDS = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


async def is_polling(client: Client, *, host: str) -> bool:
    """Whether a worker on `host` asked the server for work within `HEARD_WITHIN`.

    Raises:
        temporalio.service.RPCError: the server cannot be reached or does not know the namespace.
    """
    oldest = datetime.now(UTC) - HEARD_WITHIN
    for kind in KINDS:
        answer = await client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), task_queue_type=kind
            )
        )
        for poller in answer.pollers:
            asked_at = poller.last_access_time.ToDatetime(tzinfo=UTC)
            if poller.identity.endswith(f"@{host}") and asked_at >= oldest:
                return True
    return False


async def check() -> str | None:
    """None when all is well, else what is wrong. Connects by Temporal's own settings (`TEMPORAL_ADDRESS`, …)."""
    host = socket.gethostname()
    try:
        client = await Client.connect(**ClientConfig.load_client_connect_config())
        polls = await is_polling(client, host=host)
    except (RPCError, RuntimeError) as error:
        # RuntimeError is what the client raises when there is no connection at all.
        return f"Temporal cannot be asked: {error}"
    return None if polls else f"no worker of {host} polls the task queue {TASK_QUEUE}"


if __name__ == "__main__":
    wrong = asyncio.run(check())
    if wrong:
        sys.stderr.write(f"{wrong}\n")
        sys.stderr.flush()
    # The SDK's threads still run, and now and then crash an interpreter that ends around them: the exit code of
    # a crash would say that the worker is ill.
    os._exit(1 if wrong else 0)
