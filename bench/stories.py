"""How near a story of 60 sets comes to its provider's speed, and whether a set of 1,000 costs more than one of 60.

Run: ``python -m bench.stories [--json]`` (a minute and a half; Linux, because it reads /proc)

* Settled: from the request to the settled session in the event stream, with a provider that takes 2 s for a call. The
  peer is what the provider alone needs: the outline, then six turns of ten sets.
* Cost: CPU seconds of each process from the request until the workflow has closed, per set, and the history's events
  per set. The peer of 1,000 sets is 60 sets, made several times before and after in the same run. Once nobody
  watches, once one client follows the event stream to its end, as an open page does.
* Memory: the most that each process held meanwhile (the kernel's own high-water mark, reset before each story). The
  peer of 1,000 sets is the stories of 60 before it.

No payload of a history is larger than the event that holds it, so the largest event bounds them all.
"""

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from temporalio.client import WorkflowHistory

from tests.support.product import Product, running_product

SEGMENTS_PER_SET = 10
SMALL, LARGE = 60, 1000
LATENCY_SECONDS = 2.0
AT_ONCE = 10
SETTLED_ASKED = 1.25
COST_ASKED = 1.2
NAMES = ("worker", "api", "temporal")
LONGEST_SECONDS = 200.0


@dataclass(frozen=True, kw_only=True)
class Settled:
    """How long a story took, and how long its provider alone would have."""

    seconds: float
    ideal_seconds: float

    @property
    def ratio(self) -> float:
        """The first to the second."""
        return self.seconds / self.ideal_seconds


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What stories of one size took: CPU and events per set, megabytes at most, seconds per set."""

    sets: int
    watchers: int
    cpu_ms: Mapping[str, float]
    events: float
    seconds: float
    runs: int
    most_events_in_a_run: int
    largest_event_bytes: int
    peak_mb: Mapping[str, float]

    @property
    def all_cpu_ms(self) -> float:
        """Of all processes together."""
        return sum(self.cpu_ms.values())


class Processes:
    """The processes of a product that this one has started, as the kernel sees them."""

    def __init__(self) -> None:
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        commands = {Path(f"/proc/{child}/cmdline").read_bytes().decode(): Path(f"/proc/{child}") for child in children}
        words = {"worker": "\0worker\0", "api": "\0api\0", "temporal": "\0start-dev\0"}
        self._folders = {
            name: next(folder for command, folder in commands.items() if words[name] in command) for name in NAMES
        }

    def cpu_seconds(self) -> Mapping[str, float]:
        """Return the CPU time that each has used since it began."""
        return {name: self._cpu_seconds(folder) for name, folder in self._folders.items()}

    def forget_peaks(self) -> None:
        """Let the high-water marks of memory begin anew."""
        for folder in self._folders.values():
            (folder / "clear_refs").write_text("5")

    def peak_mb(self) -> Mapping[str, float]:
        """Return the most resident memory that each has held since then."""
        return {name: self._peak_mb(folder) for name, folder in self._folders.items()}

    @staticmethod
    def _cpu_seconds(folder: Path) -> float:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @staticmethod
    def _peak_mb(folder: Path) -> float:
        lines = (folder / "status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024


async def started(product: Product, *, sets: int) -> str:
    """Start a story and return its session's id."""
    request = {
        "idea": "A caravan crosses a desert of glass.",
        "total_segments": sets * SEGMENTS_PER_SET,
        "segments_per_set": SEGMENTS_PER_SET,
    }
    response = await product.api.post("/api/sessions/stories", json=request)
    response.raise_for_status()
    return str(response.json()["id"])


async def measured_settling(product: Product) -> Settled:
    """Return how long a small story took with a slow provider."""
    calls_before = len(await product.calls())
    began = time.monotonic()
    session_id = await started(product, sets=SMALL)
    path = f"/api/sessions/{session_id}/events"
    async with product.api.stream("GET", path, timeout=LONGEST_SECONDS) as stream:
        async for line in stream.aiter_lines():
            if line.startswith("data:") and json.loads(line[5:] or "{}").get("status") == "complete":
                break
    seconds = time.monotonic() - began
    outline = (await product.calls())[calls_before]
    spent = datetime.fromisoformat(outline["ended_at"]) - datetime.fromisoformat(outline["at"])
    return Settled(seconds=seconds, ideal_seconds=spent.total_seconds() + SMALL / AT_ONCE * LATENCY_SECONDS)


async def measured_cost(product: Product, *, sets: int, watchers: int) -> Cost:
    """Return what one story cost."""
    client = await product.temporal()
    processes = Processes()
    processes.forget_peaks()
    before, began = processes.cpu_seconds(), time.monotonic()
    session_id = await started(product, sets=sets)
    watching = [asyncio.create_task(watched(product, session_id)) for _ in range(watchers)]
    await client.get_workflow_handle(session_id).result()
    await asyncio.gather(*watching)
    seconds = time.monotonic() - began
    after = processes.cpu_seconds()
    peak_mb = processes.peak_mb()
    session = await product.session(session_id)
    if session["status"] != "complete":
        raise RuntimeError(f"the story of {sets} sets is {session['status']}: {session['message']}")
    runs = await histories(product, session_id)
    events = [len(run.events) for run in runs]
    return Cost(
        sets=sets,
        watchers=watchers,
        cpu_ms={name: (after[name] - before[name]) / sets * 1000 for name in NAMES},
        events=sum(events) / sets,
        seconds=seconds / sets,
        runs=len(runs),
        most_events_in_a_run=max(events),
        largest_event_bytes=max(event.ByteSize() for run in runs for event in run.events),
        peak_mb=peak_mb,
    )


async def watched(product: Product, session_id: str) -> None:
    """Follow a session's event stream to its end, without looking at what comes."""
    path = f"/api/sessions/{session_id}/events"
    async with product.api.stream("GET", path, timeout=LONGEST_SECONDS) as stream:
        async for _ in stream.aiter_raw():
            pass


async def histories(product: Product, session_id: str) -> Sequence[WorkflowHistory]:
    """Return the histories of all runs of a workflow, from the last run to the first."""
    client = await product.temporal()
    runs: list[WorkflowHistory] = []
    run_id: str | None = None
    while run_id != "":
        history = await client.get_workflow_handle(session_id, run_id=run_id).fetch_history()
        runs.append(history)
        run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
    return runs


def middle(costs: Sequence[Cost]) -> Cost:
    """Return the means of CPU, events and time, and the most of everything else."""
    first = costs[0]
    return Cost(
        sets=first.sets,
        watchers=first.watchers,
        cpu_ms={name: statistics.mean(cost.cpu_ms[name] for cost in costs) for name in NAMES},
        events=statistics.mean(cost.events for cost in costs),
        seconds=statistics.mean(cost.seconds for cost in costs),
        runs=max(cost.runs for cost in costs),
        most_events_in_a_run=max(cost.most_events_in_a_run for cost in costs),
        largest_event_bytes=max(cost.largest_event_bytes for cost in costs),
        peak_mb={name: max(cost.peak_mb[name] for cost in costs) for name in NAMES},
    )


def settled_table(settled: Sequence[Settled]) -> str:
    """Return the lines about time."""
    lines = [f"{SMALL} sets at {LATENCY_SECONDS:g} s a call, {AT_ONCE} at a time (asked: ratio <= {SETTLED_ASKED})"]
    for one in settled:
        lines.append(f"  settled {one.seconds:6.2f} s   provider {one.ideal_seconds:6.2f} s   ratio {one.ratio:.2f}")
    return "\n".join(lines)


def cost_table(small: Cost, large: Cost) -> str:
    """Return the lines about what a set costs."""
    rows: list[tuple[str, float, float]] = [
        (f"CPU {name}, ms a set", small.cpu_ms[name], large.cpu_ms[name]) for name in NAMES
    ]
    rows += [
        ("CPU together, ms a set", small.all_cpu_ms, large.all_cpu_ms),
        ("history events a set", small.events, large.events),
        ("time, ms a set", small.seconds * 1000, large.seconds * 1000),
        ("runs", small.runs, large.runs),
        ("events of the longest run", small.most_events_in_a_run, large.most_events_in_a_run),
        ("largest event, kB", small.largest_event_bytes / 1000, large.largest_event_bytes / 1000),
    ]
    rows += [(f"memory {name}, MB at most", small.peak_mb[name], large.peak_mb[name]) for name in NAMES]
    watched_by = "nobody watches" if not small.watchers else f"{small.watchers} watching to the end"
    asked = f"asked of CPU and events: ratio <= {COST_ASKED}"
    lines = [f"{watched_by:34}{f'{SMALL} sets':>12}{f'{LARGE} sets':>12}{'ratio':>8}   ({asked})"]
    lines += [f"  {name:32}{one:12.1f}{other:12.1f}{other / one:8.2f}" for name, one, other in rows]
    return "\n".join(lines)


async def measured(*, repeat: int) -> Mapping[str, Any]:
    """Measure everything: how stories settle, and what a small and a large one cost, unwatched and watched."""
    with tempfile.TemporaryDirectory() as folder:
        async with running_product(Path(folder)) as product:
            await measured_cost(product, sets=SMALL, watchers=1)  # warms caches and connections
            costs: list[tuple[Cost, Cost]] = []
            for watchers in (0, 1):
                before = [await measured_cost(product, sets=SMALL, watchers=watchers) for _ in range(repeat)]
                large = await measured_cost(product, sets=LARGE, watchers=watchers)
                after = [await measured_cost(product, sets=SMALL, watchers=watchers) for _ in range(repeat)]
                costs.append((replace(middle(before + after), peak_mb=middle(before).peak_mb), large))
            slow = {"kind": "slow", "seconds": LATENCY_SECONDS}
            await product.faults({"seed": 1, "rules": [{"fault": slow}]})
            settled = [await measured_settling(product) for _ in range(2)]
    return {"settled": settled, "costs": costs}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--repeat", type=int, default=3, help="how many small stories before and after a large one")
    arguments = parser.parse_args()
    load = os.getloadavg()[0]
    found = asyncio.run(measured(repeat=arguments.repeat))
    if arguments.json:
        figures = {
            "load_before": load,
            "settled": [{**asdict(one), "ratio": one.ratio} for one in found["settled"]],
            "costs": [
                {"small": asdict(small), "large": asdict(large), "cpu_ratio": large.all_cpu_ms / small.all_cpu_ms}
                for small, large in found["costs"]
            ],
        }
        print(json.dumps(figures, indent=2))
        return
    print(f"load before: {load:.2f} on {os.cpu_count()} cores")
    print(settled_table(found["settled"]))
    for small, large in found["costs"]:
        print(cost_table(small, large))


if __name__ == "__main__":
    main()
