"""What happens when far more is asked for than can be done: the API answers, memory stays bounded, all of it finishes.

Run: ``python -m bench.overload [--seconds 120] [--times 10] [--rate N] [--report FILE]``

First the sustainable rate is found: how many image sessions of five pictures a second go through from start to end
when twenty clients keep starting them. Then so many times that rate is asked for, open loop: a request is sent when
its time has come, whether earlier ones were answered or not. Every answer must be 202, or 429 or 503 with
Retry-After; no connection may fail; what was accepted must complete. Once a second the memory of each process is
noted, and how many sessions are open.
Ends with 1 when any of that does not hold.
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2

from tests.support.product import Product, running_product

COMMIT = subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], text=True).strip()
_SMALL: Mapping[str, object] = {"product": {"title": "Steel bottle"}, "size": "256x256", "quality": "low"}
_CLIENTS = 20
_PROCESSES = ("temporal", "worker", "api", "provider")
_STANDSTILL_SECONDS = 180.0
"""Nothing has finished for so long: what is open stands still. An attempt that nobody cut off ends well before."""
_OPEN = ("pending", "processing")


@dataclass
class Run:
    """What came of a run. Times are seconds."""

    answers: Counter[str] = field(default_factory=Counter)
    waits: list[float] = field(default_factory=list)
    accepted: list[str] = field(default_factory=list)
    refused_without_advice: int = 0
    memory: list[dict[str, float]] = field(default_factory=list)
    open_sessions: list[int] = field(default_factory=list)


class StandstillError(Exception):
    """Sessions are under way and none of them gets on. The message is their ids."""


async def start(api: httpx2.AsyncClient, run: Run) -> None:
    """Ask for one session, and note what became of it."""
    began = time.monotonic()
    try:
        response = await api.post("/api/sessions/images", json=_SMALL)
    except httpx2.TransportError as error:
        run.answers[type(error).__name__] += 1
        return
    run.waits.append(time.monotonic() - began)
    run.answers[str(response.status_code)] += 1
    if response.status_code == 202:
        run.accepted.append(response.json()["id"])
    elif "retry-after" not in response.headers:
        run.refused_without_advice += 1


async def unfinished(product: Product) -> int:
    """Return how many sessions are under way, as the metrics count them."""
    text = (await product.api.get("/metrics", timeout=30)).text
    lines = [line for line in text.splitlines() if line.startswith("retakes_sessions{")]
    return sum(int(float(line.rpartition(" ")[2])) for line in lines if any(f'"{name}"' in line for name in _OPEN))


async def drained(product: Product) -> float:
    """Wait until nothing is under way any more, and return how long that took in seconds.

    Raises:
        StandstillError: nothing has finished for minutes.
    """
    began = moved = time.monotonic()
    least = await unfinished(product)
    while open_now := await unfinished(product):
        if open_now < least:
            least, moved = open_now, time.monotonic()
        if time.monotonic() - moved > _STANDSTILL_SECONDS:
            raise StandstillError(await open_sessions(product))
        await asyncio.sleep(1)
    return time.monotonic() - began


async def open_sessions(product: Product) -> str:
    """Return the ids of sessions that are under way, newest first, of each status a hundred at most."""
    ids: list[str] = []
    for status in _OPEN:
        answer = await product.api.get("/api/sessions", params={"status": status, "limit": 100}, timeout=30)
        ids += [session["id"] for session in answer.json()["sessions"]]
    return ", ".join(ids)


async def sustainable(product: Product, *, seconds: float) -> float:
    """Return how many sessions a second go through when twenty clients each start one after the other."""
    done = 0
    ending = time.monotonic() + seconds

    async def client() -> None:
        nonlocal done
        while time.monotonic() < ending:
            await product.settled(await product.start_images(**_SMALL))
            done += 1

    began = time.monotonic()
    await asyncio.gather(*(client() for _ in range(_CLIENTS)))
    return done / (time.monotonic() - began)


async def overload(product: Product, run: Run, *, rate: float, seconds: float) -> None:
    """Ask for so many sessions a second for so long, and wait for every answer."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=200)
    async with httpx2.AsyncClient(base_url=product.api.base_url, timeout=60, limits=limits) as api:
        asking: set[asyncio.Task[None]] = set()
        began = time.monotonic()
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            task = asyncio.create_task(start(api, run))
            asking.add(task)
            task.add_done_callback(asking.discard)
        await asyncio.gather(*asking)


async def sampled(product: Product, run: Run) -> None:
    """Note how things stand, once a second until cancelled."""
    while True:
        run.memory.append(megabytes(product))
        run.open_sessions.append(await unfinished(product))
        await asyncio.sleep(1)


def megabytes(product: Product) -> dict[str, float]:
    """Return the resident memory of each process in MB."""
    found: dict[str, float] = {}
    for name in _PROCESSES:
        status = Path(f"/proc/{product.process_id(name)}/status").read_text(encoding="ascii")
        kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
        found[name] = round(int(kilobytes) / 1024, 1)
    return found


def summary(run: Run, *, drain: float, states: Mapping[str, int]) -> dict[str, Any]:
    """Return the figures of a run."""
    waits = sorted(run.waits)
    at = {f"p{share}": round(waits[min(len(waits) - 1, len(waits) * share // 100)], 3) for share in (50, 95, 99)}
    return {
        "answers": dict(run.answers),
        "refused without Retry-After": run.refused_without_advice,
        "seconds until the answer": {**at, "max": round(waits[-1], 3)},
        "seconds until all was done": round(drain, 1),
        "sessions by status": dict(states),
        "memory in MB": {
            name: {
                "before": run.memory[0][name],
                "peak": max(sample[name] for sample in run.memory),
                "end": run.memory[-1][name],
                "end/peak": round(run.memory[-1][name] / max(sample[name] for sample in run.memory), 2),
            }
            for name in _PROCESSES
        },
        "most open at once": max(run.open_sessions),
        "memory by second": run.memory,
    }


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=120.0)
    parser.add_argument("--times", type=float, default=10.0)
    parser.add_argument("--rate", type=float, help="sessions a second, instead of measuring what is sustainable")
    parser.add_argument("--report", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with running_product(Path(folder)) as product:
            rate = asked.rate or asked.times * await sustainable(product, seconds=min(20.0, asked.seconds))
            await drained(product)
            before = await by_status(product)
            run = Run()
            sampling = asyncio.create_task(sampled(product, run))
            await overload(product, run, rate=rate, seconds=asked.seconds)
            drain = await drained(product)
            sampling.cancel()
            with suppress(asyncio.CancelledError):
                await sampling  # raises what it may have ended with before
            after = await by_status(product)
            states = dict(Counter(after) - Counter(before))
            ready = (await product.api.get("/health/ready", timeout=30)).status_code
    figures = {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": COMMIT,
        "processors": os.cpu_count(),
        "starts a second": round(rate, 1),
        "accepted": len(run.accepted),
        "ready at the end": ready == 200,
        **summary(run, drain=drain, states=states),
    }
    told = json.dumps(figures, indent=1)
    if asked.report:
        asked.report.write_text(told, encoding="utf-8")
    print(json.dumps({name: value for name, value in figures.items() if name != "memory by second"}, indent=1))
    is_kept = (
        set(run.answers) <= {"202", "429", "503"}
        and run.refused_without_advice == 0
        and ready == 200
        and states == {"complete": len(run.accepted)}
    )
    raise SystemExit(not is_kept)


async def by_status(product: Product) -> dict[str, int]:
    """Return how many sessions have each status."""
    text = (await product.api.get("/metrics", timeout=30)).text
    counted: Counter[str] = Counter()
    for line in text.splitlines():
        if line.startswith("retakes_sessions{"):
            counted[line.partition('status="')[2].partition('"')[0]] += int(float(line.rpartition(" ")[2]))
    return dict(counted)


if __name__ == "__main__":
    asyncio.run(main())
