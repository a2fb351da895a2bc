"""How long a newcomer waits: from a fresh clone to the first finished session, and for the second start.

Run: ``python -m bench.startup``

Clones the committed state of this repository into an empty folder, runs ``make run`` there as a newcomer would (on
free ports), starts an image session as soon as the API is ready and waits until it is complete; then stops the
product and runs ``make run`` again. The peer is the second start: the ratio says what the set-up costs.
"""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import httpx2

from tests.support.product import free_port

ROOT = Path(__file__).parent.parent
PATIENCE_SECONDS = 600.0


async def ready(api: httpx2.AsyncClient) -> None:
    """Return once the API is ready."""
    while True:
        try:
            if (await api.get("/health/ready")).status_code == 200:
                return
        except httpx2.TransportError:
            pass
        await asyncio.sleep(0.05)


async def finished_session(api: httpx2.AsyncClient) -> None:
    """Start an image session and return once it is complete."""
    session = (await api.post("/api/sessions/images", json={"product": {"title": "Steel bottle"}})).json()
    while session["status"] != "complete":
        await asyncio.sleep(0.05)
        session = (await api.get(session["links"]["self"])).json()


async def main() -> None:
    """Measure and print."""
    folder = Path(tempfile.mkdtemp())
    clone = folder / "retakes"
    ports = {
        name: str(free_port())
        for name in ("RETAKES_API_PORT", "RETAKES_TEMPORAL_PORT", "RETAKES_TEMPORAL_UI_PORT", "RETAKES_OFFLINE_PORT")
    }
    api = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{ports['RETAKES_API_PORT']}")
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            began = time.monotonic()
            await (await asyncio.create_subprocess_exec("git", "clone", "--quiet", str(ROOT), str(clone))).wait()
            first = await asyncio.create_subprocess_exec("make", "run", cwd=clone, env=os.environ | ports)
            await ready(api)
            print(f"fresh clone to ready             {time.monotonic() - began:6.1f} s")
            await finished_session(api)
            print(f"fresh clone to finished session  {time.monotonic() - began:6.1f} s")
            began = time.monotonic()
            first.send_signal(signal.SIGTERM)
            await first.wait()
            print(f"stop                             {time.monotonic() - began:6.1f} s")
            began = time.monotonic()
            second = await asyncio.create_subprocess_exec("make", "run", cwd=clone, env=os.environ | ports)
            await ready(api)
            print(f"second start to ready            {time.monotonic() - began:6.1f} s")
            second.send_signal(signal.SIGTERM)
            await second.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    asyncio.run(main())
