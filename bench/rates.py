"""Whether a limit on image starts is kept, and whether a person's retry goes before the bulk work that waits for it.

Run: ``python -m bench.rates [--limit 60] [--sessions 2]``

Bursts of 40 images each are started at once under the limit, and once some are made, the one failed image of another
session is retried. Everything is counted from the offline provider's own log of calls. The peer is the limit itself:
over every window, of 60 seconds and of any length, the calls beyond what the limit allows are held against the burst
that the API states.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations_with_replacement
from pathlib import Path

from tests.support.eventually import eventually
from tests.support.product import Product, running_product

IMAGES = 40
MADE_BEFORE_THE_RETRY = 10
MINUTE = 60.0
PATIENCE = timedelta(minutes=3)


async def start(product: Product, *, number: int, label: str) -> str:
    """Start a session of so many images with this label, one attempt each."""
    images = [{"type": "custom", "key": f"image-{n}", "label": f"{label} {n}", "prompt": "x"} for n in range(number)]
    return await product.start_images(images=images, max_attempts=1)


async def retried_session(product: Product) -> str:
    """Return a session whose only image has failed."""
    await product.faults(
        {"seed": 1, "rules": [{"match": "Image: Retried", "times": 1, "fault": {"kind": "forbidden"}}]}
    )
    session_id = await start(product, number=1, label="Retried")
    await product.settled(session_id)
    return session_id


async def calls_for(product: Product, label: str) -> Sequence[datetime]:
    """Return when the provider received the calls for images with this label."""
    return [datetime.fromisoformat(call["at"]) for call in await product.calls() if f"Image: {label}" in call["prompt"]]


def busiest_minute(moments: Sequence[datetime]) -> int:
    """Return the most calls that any 60 seconds hold."""
    return max(sum(0 <= (later - first).total_seconds() < MINUTE for later in moments) for first in moments)


def largest_burst(moments: Sequence[datetime], *, limit: float) -> float:
    """Return how many calls more than the limit's share any window holds, whatever its length."""
    numbered = list(enumerate(moments))
    return max(
        last - first + 1 - limit * (end - begin).total_seconds() / MINUTE
        for (first, begin), (last, end) in combinations_with_replacement(numbered, 2)
    )


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=60.0, help="image starts a minute")
    parser.add_argument("--sessions", type=int, default=2, help=f"bursts of {IMAGES} images")
    arguments = parser.parse_args()
    limit: float = arguments.limit
    with tempfile.TemporaryDirectory() as folder:
        settings = {"RETAKES_IMAGES_PER_MINUTE": str(limit)}
        async with running_product(Path(folder), settings=settings) as product:
            retried = await retried_session(product)
            bulk = [await start(product, number=IMAGES, label=f"Bulk {n}") for n in range(arguments.sessions)]

            async def some_are_made() -> bool:
                return len(await calls_for(product, "Bulk")) >= MADE_BEFORE_THE_RETRY

            await eventually(some_are_made, timeout=PATIENCE)
            stated = (await product.api.get("/api/rates")).json()["images_per_minute"]
            asked = await product.api.post(f"/api/sessions/{retried}/retry")
            assert asked.status_code == 202, asked.text
            before = len(await calls_for(product, "Bulk"))
            for session_id in [retried, *bulk]:
                await product.settled(session_id, patience=PATIENCE)
            calls = [datetime.fromisoformat(call["at"]) for call in await product.calls()]
            of_bulk = await calls_for(product, "Bulk")
            of_retry = (await calls_for(product, "Retried"))[1]
    first = sum(moment < of_retry for moment in of_bulk)
    most, beyond = busiest_minute(calls), largest_burst(calls, limit=limit)
    print(f"calls                   {len(calls):6} in {(calls[-1] - calls[0]).total_seconds():.1f} s")
    print(f"limit, stated burst     {stated['limit']:6.1f} a minute, {stated['burst']}; {stated['backlog']} waited")
    print(f"worst 60 s              {most:6} calls, {most / limit:.3f} of the limit")
    print(f"largest burst           {beyond:6.2f} calls, {beyond / stated['burst']:.2f} of the stated one")
    print(f"before the retry        {first - before:6} calls of bulk work; {len(of_bulk) - first} waited for it")
    print("kept" if most <= limit + stated["burst"] else "NOT KEPT")


if __name__ == "__main__":
    asyncio.run(main())
