"""How soon after its slowest image a session is seen settled over SSE.

Run: ``python -m bench.settled [--sessions 20] [--latency 2s]``

Measured from the moment the offline provider has sent its last answer to the moment a client of the event stream
holds the event with the settled session. The peer is the least that Temporal itself allows: a bare workflow of five
activities in the same server and run, watched by a long poll of its history and one query, from the end of the last
activity.
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from tests.support.product import Product, running_product

IMAGES = 5


@activity.defn
async def bare_activity(seconds: float) -> float:
    """Sleep, and return when it ended."""
    await asyncio.sleep(seconds)
    return time.time()


@workflow.defn(sandboxed=False)
class BareWorkflow:
    """Five activities at once and a query."""

    def __init__(self) -> None:
        self.is_done = False

    @workflow.run
    async def run(self, seconds: float) -> float:
        """Return when the last activity ended."""
        ends = await asyncio.gather(
            *(
                workflow.execute_activity(bare_activity, seconds, start_to_close_timeout=timedelta(minutes=1))
                for _ in range(IMAGES)
            )
        )
        self.is_done = True
        # Open a little longer, so that the query finds it running as a session would be.
        await workflow.sleep(timedelta(milliseconds=200))
        return max(ends)

    @workflow.query
    def done(self) -> bool:
        """Whether every activity has ended."""
        return self.is_done


async def measured_session(product: Product) -> float:
    """Return the seconds from the provider's last answer to the settled event."""
    calls_before = len(await product.calls())
    session_id = await product.start_images()
    async with product.api.stream("GET", f"/api/sessions/{session_id}/events", timeout=60) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and json.loads(line[5:] or "{}").get("status") == "complete":
                seen = datetime.now(UTC)
                break
    answered = [call["ended_at"] for call in (await product.calls())[calls_before:]]
    return (seen - max(datetime.fromisoformat(moment) for moment in answered)).total_seconds()


async def measured_bare(client: Client, *, number: int, seconds: float) -> float:
    """Return the seconds from the last bare activity's end to the query that says so."""
    handle = await client.start_workflow(BareWorkflow.run, seconds, id=f"bare-{number}", task_queue="bare")
    async for _ in handle.fetch_history_events(wait_new_event=True):
        if await handle.query(BareWorkflow.done):
            break
    seen = time.time()
    return seen - await handle.result()


def figures(name: str, seconds: Sequence[float]) -> str:
    """Return the median and the 95th percentile in milliseconds."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))]
    return f"{name:10} p50 {statistics.median(ordered) * 1000:6.1f} ms   p95 {p95 * 1000:6.1f} ms   n={len(ordered)}"


async def main() -> None:
    """Measure both, alternating, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--latency", type=float, default=2.0, help="seconds a picture takes")
    arguments = parser.parse_args()
    ours: list[float] = []
    bare: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        async with running_product(Path(folder)) as product:
            slow = {"kind": "slow", "seconds": arguments.latency}
            await product.faults({"seed": 1, "rules": [{"fault": slow}]})
            client = await product.temporal()
            worker = Worker(
                client,
                task_queue="bare",
                workflows=[BareWorkflow],
                activities=[bare_activity],
                workflow_runner=UnsandboxedWorkflowRunner(),
            )
            async with worker:
                for number in range(arguments.sessions + 1):
                    ours.append(await measured_session(product))
                    bare.append(await measured_bare(client, number=number, seconds=arguments.latency))
    # The first of each warms caches and connections.
    print(figures("retakes", ours[1:]))
    print(figures("bare", bare[1:]))
    print(f"ratio      {statistics.median(ours[1:]) / statistics.median(bare[1:]):.2f}")


if __name__ == "__main__":
    asyncio.run(main())
