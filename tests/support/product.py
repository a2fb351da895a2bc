"""The whole product as separate processes on free ports, so that tests can kill any of them."""

import asyncio
import os
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter

from tests.support.eventually import eventually

BIN = Path(sys.executable).parent
_STOP_PATIENCE = timedelta(seconds=15)
READY_PATIENCE = timedelta(seconds=40)


def free_port() -> int:
    """Return a port that nobody listens on right now.

    Below the range from which the kernel takes ports of outgoing connections: one of those could take it while the
    process that is to have it is down.
    """
    while True:
        port = secrets.choice(range(10_000, 32_000))
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


class EndedError(Exception):
    """A process has ended that was to serve."""


class Product:
    """Temporal, the offline provider, the worker and the API, each a process of its own in one data folder."""

    def __init__(self, data_dir: Path, *, settings: Mapping[str, str] | None = None, key: str | None = None) -> None:
        self.data_dir = data_dir
        self.ports = {name: free_port() for name in ("api", "temporal", "ui", "provider")}
        self.provider_url = f"http://127.0.0.1:{self.ports['provider']}"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "RETAKES_DATA_DIR": str(data_dir),
            "RETAKES_API_PORT": str(self.ports["api"]),
            "RETAKES_TEMPORAL_PORT": str(self.ports["temporal"]),
            "RETAKES_TEMPORAL_UI_PORT": str(self.ports["ui"]),
            "RETAKES_OFFLINE_PORT": str(self.ports["provider"]),
            "RETAKES_LOG_FORMAT": "json",
            "OPENAI_BASE_URL": f"{self.provider_url}/v1",
            "OPENAI_API_KEY": "sk-offline-key-of-the-tests",
            **(settings or {}),
        }
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.api = httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self.ports['api']}", timeout=10, headers=headers)
        self.provider = httpx2.AsyncClient(base_url=self.provider_url, timeout=10)
        self.code: Path | None = None
        """The folder of another version of this code, which what is started from now on runs; None: this one."""
        self._processes: dict[str, asyncio.subprocess.Process] = {}

    async def start(self, *names: str) -> None:
        """Start the named processes and wait until each is ready."""
        for name in names:
            self._processes[name] = await self._spawn(name)
        await asyncio.gather(*(self._ready(name) for name in names))

    async def migrate(self) -> None:
        """Bring the records to the current schema."""
        process = await self._spawn("db")
        assert await process.wait() == 0, self.log("db")

    async def kill(self, *names: str) -> None:
        """Kill the named processes at once, without giving them a chance to say so."""
        for name in names:
            if self._processes[name].returncode is None:
                self._processes[name].send_signal(signal.SIGKILL)
        for name in names:
            await self._processes.pop(name).wait()

    async def stop(self, *names: str) -> None:
        """Ask the named processes to end, and wait until they have."""
        for name in names:
            self._processes[name].terminate()
        for name in names:
            async with asyncio.timeout(_STOP_PATIENCE.total_seconds()):
                await self._processes.pop(name).wait()

    async def close(self) -> None:
        """End whatever still runs."""
        await self.kill(*self._processes)
        await self.api.aclose()
        await self.provider.aclose()

    async def temporal(self) -> Client:
        """Return a client of the product's Temporal server."""
        return await Client.connect(f"127.0.0.1:{self.ports['temporal']}", data_converter=pydantic_data_converter)

    async def faults(self, plan: Mapping[str, Any]) -> None:
        """Replace the provider's fault plan."""
        response = await self.provider.put("/faults", json=plan)
        assert response.status_code == 200, response.text

    async def calls(self) -> list[dict[str, Any]]:
        """Return every call that the provider received, in order."""
        return list((await self.provider.get("/log")).json()["calls"])

    async def session(self, session_id: str) -> dict[str, Any]:
        """Return a session as the API shows it."""
        response = await self.api.get(f"/api/sessions/{session_id}")
        assert response.status_code == 200, response.text
        return dict(response.json())

    async def start_images(self, **request: Any) -> str:
        """Start an image session and return its id."""
        response = await self.api.post("/api/sessions/images", json={"product": {"title": "Steel bottle"}, **request})
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    async def settled(self, session_id: str, *, patience: timedelta = timedelta(seconds=60)) -> dict[str, Any]:
        """Return the session once it has settled."""

        async def session_if_settled() -> dict[str, Any] | None:
            session = await self.session(session_id)
            return session if session["status"] not in ("pending", "processing") else None

        return await eventually(session_if_settled, timeout=patience)

    def process_id(self, name: str) -> int:
        """Return by which number the system knows a process."""
        return self._processes[name].pid

    def log(self, name: str) -> str:
        """Return what a process has written so far."""
        path = self.data_dir / f"{name}.log"
        return path.read_text() if path.exists() else ""

    async def _spawn(self, name: str) -> asyncio.subprocess.Process:
        with (self.data_dir / f"{name}.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._command(name),
                env=self.environment if self.code is None else self.environment | {"PYTHONPATH": str(self.code)},
                cwd=self.data_dir,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _command(self, name: str) -> tuple[str, ...]:
        match name:
            case "temporal":
                from runtime.settings import Settings
                from runtime.temporal_server import server_command

                settings = Settings(
                    data_dir=self.data_dir,
                    temporal_port=self.ports["temporal"],
                    temporal_ui_port=self.ports["ui"],
                )
                return server_command(settings, binary=str(BIN / "temporal"))
            case "provider":
                log = str(self.data_dir / "calls.jsonl")
                return (str(BIN / "retakes"), "offline-provider", "--port", str(self.ports["provider"]), "--log", log)
            case "db":
                return (str(BIN / "retakes"), "db", "upgrade")
            case _:
                return (str(BIN / "retakes"), name)

    async def _ready(self, name: str) -> None:
        async def is_ready() -> bool:
            process = self._processes[name]
            if process.returncode is not None:
                raise EndedError(f"{name} ended with {process.returncode}:\n{self.log(name)}")
            try:
                match name:
                    case "temporal":
                        await self.temporal()
                    case "provider":
                        await self.provider.get("/faults")
                    case "api":
                        return (await self.api.get("/health/ready")).status_code == 200
                    case "worker":
                        return "the worker is ready" in self.log(name)
            except (httpx2.TransportError, RuntimeError):
                return False
            return True

        await eventually(is_ready, timeout=READY_PATIENCE)


@asynccontextmanager
async def running_product(
    data_dir: Path, *, settings: Mapping[str, str] | None = None, key: str | None = None
) -> AsyncIterator[Product]:
    """Run the whole product, ready for requests, and end it afterwards. ``key``: one of its API keys, if it has any."""
    product = Product(data_dir, settings=settings, key=key)
    try:
        await asyncio.gather(product.start("temporal", "provider"), product.migrate())
        await product.start("worker", "api")
        yield product
    finally:
        await product.close()
