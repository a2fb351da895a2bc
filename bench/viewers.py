"""What a thousand viewers of one session cost, and how soon a change is seen in a browser.

Run: ``python -m bench.viewers [--viewers 1000] [--settlings 5]``

Opens the live stream of one session's page many times at one API process, has an item made again several times, and
sees that everybody is shown every settled state. What the API grows by is read from the kernel; its peer is the same
process before, and so it is with the events in the workflow's history.

Then a browser watches sessions of five images, and notes when each card and the badge of the page turn complete. Its
peer is a client of the API's event stream, which is told of the same changes in the same run.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import quantiles
from typing import Any

from playwright.async_api import Page, async_playwright

from tests.support.eventually import eventually
from tests.support.product import Product, running_product

_PATIENCE = timedelta(seconds=30)
_OBSERVED = """
() => {
  window.seen = {};
  const note = () => {
    for (const card of document.querySelectorAll(".item")) {
      if (card.querySelector(".status.complete")) window.seen[card.id.slice(5)] ??= Date.now();
    }
    if (document.querySelector(".top .status.complete")) window.seen[""] ??= Date.now();
  };
  const everything = {subtree: true, childList: true, characterData: true, attributes: true};
  new MutationObserver(note).observe(document.body, everything);
}
"""


@dataclass
class Viewer:
    """One open stream; ``versions`` are the ids of the boards it was sent."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    versions: set[int] = field(default_factory=set)

    async def read(self) -> None:
        """Read until the stream ends."""
        while line := await self.reader.readline():
            if line.startswith(b"id: "):
                self.versions.add(int(line[4:]))


async def viewer_of(product: Product, path: str) -> Viewer:
    """Open a stream."""
    reader, writer = await asyncio.open_connection("127.0.0.1", product.ports["api"], limit=2**20)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
    await writer.drain()
    return Viewer(reader, writer)


def resident_kilobytes(pid: int) -> int:
    """Return how much memory a process holds."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


async def made_again(product: Product, session_id: str) -> int:
    """Have the main image made again, and return the version of the session once it has settled."""
    response = await product.api.post(f"/api/sessions/{session_id}/items/main/retake")
    assert response.status_code == 202, response.text
    return int((await product.settled(session_id))["version"])


async def history_length(product: Product, session_id: str) -> int:
    """Return how many events a session's workflow has."""
    client = await product.temporal()
    return (await client.get_workflow_handle(session_id).describe()).history_length


async def many_viewers(product: Product, *, viewers: int, settlings: int) -> None:
    """Measure what viewers cost."""
    # A failed image keeps a session open for its retry, and so its streams.
    session_id = await product.start_images(images=[{"type": "main"}, {"type": "lifestyle"}])
    await product.settled(session_id)
    await eventually(partial(_is_at_rest, product, session_id), timeout=_PATIENCE)
    pid = product.process_id("api")
    memory = [resident_kilobytes(pid)]
    events = [await history_length(product, session_id)]
    open_viewers = [await viewer_of(product, f"/sessions/{session_id}/live") for _ in range(viewers)]
    reading = [asyncio.create_task(viewer.read()) for viewer in open_viewers]
    await eventually(lambda: all(viewer.versions for viewer in open_viewers), timeout=_PATIENCE)
    memory.append(resident_kilobytes(pid))
    events.append(await history_length(product, session_id))
    took = list[float]()
    for _ in range(settlings):
        version = await made_again(product, session_id)
        began = time.monotonic()
        await eventually(partial(_all_have_seen, open_viewers, version), timeout=_PATIENCE)
        took.append(time.monotonic() - began)
    memory.append(resident_kilobytes(pid))
    print(f"viewers                         {viewers}")
    print(f"settled states shown to all     {len(took)} of {settlings}, within {max(took) * 1000:.0f} ms of a poll")
    for when, kilobytes in (("connected", memory[1]), ("at the end", memory[2])):
        print(f"API, a viewer, {when:<16} {(kilobytes - memory[0]) / viewers:.0f} kB of {kilobytes / 1024:.0f} MB")
    print(f"events in the history           {events[0]} before they came, {events[1]} with all of them there")
    for task in reading:
        task.cancel()
    for viewer in open_viewers:
        viewer.writer.close()


async def _is_at_rest(product: Product, session_id: str) -> bool:
    length = await history_length(product, session_id)
    await asyncio.sleep(1)
    return length == await history_length(product, session_id)


def _all_have_seen(viewers: Sequence[Viewer], version: int) -> bool:
    return all(version in viewer.versions for viewer in viewers)


async def seen_in_browser(product: Product, page: Page, *, sessions: int) -> None:
    """Measure how soon changes are seen."""
    browser, stream = list[float](), list[float]()
    for number in range(sessions):
        session_id = await product.start_images(product={"title": f"Bottle {number}"})
        told: dict[str, float] = {}
        watching = asyncio.create_task(_told(product, session_id, told))
        await page.goto(f"http://127.0.0.1:{product.ports['api']}/sessions/{session_id}")
        await page.evaluate(_OBSERVED)
        await page.locator(".top .status.complete").wait_for(timeout=60_000)
        await watching
        seen: dict[str, float] = await page.evaluate("window.seen")
        attempts = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
        ended = {one["item"]: _milliseconds(one["ended_at"]) for one in attempts if one["status"] == "complete"}
        browser += [seen[item] - ended[item] for item in ended if item in seen]
        stream += [told[item] - ended[item] for item in ended if item in told]
    for name, values in (("in the browser", browser), ("event stream", stream)):
        cuts = quantiles(values, n=20)
        print(f"attempt's end to seen, {name:<14}  p50 {cuts[9]:.0f} ms, p95 {cuts[18]:.0f} ms ({len(values)} changes)")


async def _told(product: Product, session_id: str, told: dict[str, float]) -> None:
    async with product.api.stream("GET", f"/api/sessions/{session_id}/events", timeout=60) as response:
        async for line in response.aiter_lines():
            if not line.startswith("data: {") or line == "data: {}":
                continue
            session: dict[str, Any] = json.loads(line[6:])
            for item in session["items"]:
                if item["status"] == "complete":
                    told.setdefault(item["key"], time.time() * 1000)
            if session["status"] == "complete":
                return


def _milliseconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp() * 1000


async def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--viewers", type=int, default=1000)
    parser.add_argument("--settlings", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=20)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            product = await stack.enter_async_context(running_product(Path(folder)))
            playwright = await stack.enter_async_context(async_playwright())
            program = shutil.which("chromium")
            browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            stack.push_async_callback(browser.close)
            slow = {"match": "", "times": 10**6, "fault": {"kind": "slow", "seconds": 1}}
            await product.faults({"seed": 1, "rules": [slow]})
            await seen_in_browser(product, await browser.new_page(), sessions=arguments.sessions)
            refused = {"match": "Image: Lifestyle", "times": 10**6, "fault": {"kind": "refusal"}}
            await product.faults({"seed": 1, "rules": [refused]})
            await many_viewers(product, viewers=arguments.viewers, settlings=arguments.settlings)


if __name__ == "__main__":
    asyncio.run(main())
