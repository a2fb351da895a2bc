"""The product as nine processes with a relay on every line between them, any of which can be killed or cut."""

import asyncio
import os
import signal
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

import httpx2
from temporalio.api.workflowservice.v1 import GetSystemInfoRequest
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError

import runtime.supervisor
from runtime.settings import Settings
from runtime.temporal_server import server_command
from storage.records.migrate import upgrade
from tests.chaos.journal import Journal, Outage, now
from tests.chaos.links import Link, Port
from tests.chaos.plan import APIS, WORKERS, ChaosPlan, links
from tests.chaos.records import RecordsKeeper
from tests.chaos.scale import Blow, Scale
from tests.support.eventually import eventually
from tests.support.product import BIN, free_port

KEY: Final = "sk-chaos-5f8d2b7c41aa"
"""Must stand in no history."""
_PARTS: Final = ("temporal", "provider", *WORKERS, *APIS)
_READY: Final = timedelta(seconds=60)
_LOOK: Final = timedelta(milliseconds=100)
_LEASH: Final = Path(runtime.supervisor.__file__).with_name("leash.py")
_SHORT_WINDOW: Final = "4s"
_LATENCY: Final = "0.8s"
"""What a call takes, so that a kill meets some that are under way."""


class Machine:
    """Starts every part, and starts again what has ended; whoever attacks says for how long a part is to stay down."""

    def __init__(
        self, folder: Path, *, scale: Scale, plan: ChaosPlan, records: RecordsKeeper, journal: Journal
    ) -> None:
        self.folder = folder
        self._scale = scale
        self._plan = plan
        self._records = records
        self._journal = journal
        self._ports = {name: free_port() for name in (*_PARTS, "ui")}
        self.links: dict[str, Link] = {}
        self.calls_file = folder / "calls.jsonl"
        self._processes: dict[str, Process] = {}
        self._began_in_log: dict[str, int] = {}
        self._may_run = {name: asyncio.Event() for name in _PARTS}
        self._keepers: list[asyncio.Task[None]] = []
        self._openings: list[asyncio.Task[None]] = []
        self.workers: set[str] = set()
        """What the ledger calls every worker process that there ever was."""

    async def start(self) -> None:
        """Start everything, and wait until it serves."""
        await self._open_links()
        (self.folder / "faults.json").write_text(self._plan.faults.model_dump_json())
        await upgrade(self._records.url)
        for name in _PARTS:
            self._may_run[name].set()
            await self._spawn(name)
        await self.ready()
        self._keepers = [asyncio.create_task(self._keep(name)) for name in _PARTS]

    async def ready(self) -> None:
        """Wait until every part serves, through its link."""
        await eventually(self._serves, timeout=_READY, interval=_LOOK)

    async def close(self) -> None:
        """End everything."""
        for task in (*self._keepers, *self._openings):
            task.cancel()
        await asyncio.gather(*self._keepers, *self._openings, return_exceptions=True)
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGKILL)
        for process in self._processes.values():
            await process.wait()
        for link in self.links.values():
            await link.close()

    async def kill(self, name: str, *, blow: Blow, lasts: float) -> None:
        """Kill a part without a warning, and start it again after so many seconds."""
        process = self._processes[name]
        self._may_run[name].clear()
        began_at = now()
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.sleep(lasts)
        self._may_run[name].set()
        worker = _ledger_name(process) if name in WORKERS else None
        self._journal.add(Outage(blow=blow, target=name, worker=worker, began_at=began_at, ended_at=now()))

    def api(self, name: str) -> httpx2.AsyncClient:
        """Return a client of an API, by the link to it."""
        # verify: loading certificates takes longer than a call, which needs none.
        address = f"http://127.0.0.1:{self.links[f'client>{name}'].port}"
        return httpx2.AsyncClient(base_url=address, timeout=20, verify=False)

    def provider(self) -> httpx2.AsyncClient:
        """Return a client of the provider's controls."""
        return httpx2.AsyncClient(base_url=f"http://127.0.0.1:{self._ports['provider']}", timeout=10)

    async def temporal(self) -> Client:
        """Return a client of the server, that needs it only when it is used."""
        address = f"127.0.0.1:{self._ports['temporal']}"
        return await Client.connect(address, data_converter=pydantic_data_converter, lazy=True)

    async def _open_links(self) -> None:
        for name in links(self._scale.records):
            far = name.partition(">")[2]
            behind = self._records.behind if far == "records" else Port(number=self._ports[far])
            assert behind is not None
            self.links[name] = Link(name, to=behind, port=free_port())
            await self.links[name].open()

    async def _spawn(self, name: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._began_in_log[name] = log.tell()
            process = await asyncio.create_subprocess_exec(
                # None outlives this process, however that ends.
                *(sys.executable, "-I", "-S", str(_LEASH), "kernel", str(os.getpid()), *self._command(name)),
                env=self._environment(name),
                cwd=self.folder,
                stdin=DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._processes[name] = process
        if name in WORKERS:
            self.workers.add(_ledger_name(process))

    async def _keep(self, name: str) -> None:
        """Start a part again whenever it has ended, as a supervisor would."""
        while True:
            ended = await self._processes[name].wait()
            if self._may_run[name].is_set() and ended != -signal.SIGKILL:
                self._journal.disorders.append(f"{name} ended by itself with {ended}; see its log")
            doors = [link for link in self.links.values() if link.name.endswith(f">{name}")]
            for door in doors:
                door.refuse()
            await self._may_run[name].wait()
            await self._spawn(name)
            for door in doors:
                self._openings.append(asyncio.create_task(door.mend_once_reachable()))

    def _command(self, name: str) -> tuple[str, ...]:
        match name:
            case "temporal":
                settings = Settings(
                    data_dir=self.folder, temporal_port=self._ports["temporal"], temporal_ui_port=self._ports["ui"]
                )
                return server_command(settings, binary=str(BIN / "temporal"))
            case "provider":
                faults, log = str(self.folder / "faults.json"), str(self.calls_file)
                port = str(self._ports["provider"])
                return (
                    *(str(BIN / "retakes"), "offline-provider", "--port", port),
                    *("--faults", faults, "--log", log, "--latency", _LATENCY),
                )
            case _:
                return (str(BIN / "retakes"), name.partition("-")[0])

    def _environment(self, name: str) -> dict[str, str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": os.environ.get("HOME", "/"),
            "PYTHONUNBUFFERED": "1",
            "RETAKES_DATA_DIR": str(self.folder),
            "RETAKES_LOG_FORMAT": "json",
            "RETAKES_ATTEMPT_TIMEOUT": f"{self._scale.attempt_timeout.total_seconds():g}s",
            "OPENAI_API_KEY": KEY,
        }
        if name not in (*WORKERS, *APIS):
            return environment
        environment["RETAKES_TEMPORAL_PORT"] = str(self._port_of(f"{name}>temporal"))
        environment["RETAKES_DATABASE_URL"] = self._records.url_through(self._port_of(f"{name}>records"))
        if name in WORKERS:
            environment["OPENAI_BASE_URL"] = f"http://127.0.0.1:{self._port_of(f'{name}>provider')}/v1"
        else:
            environment["RETAKES_API_PORT"] = str(self._ports[name])
        if name == APIS[1]:
            # What is started here is soon closed, so that retries meet closed sessions as well as open ones.
            environment["RETAKES_RETRY_WINDOW"] = _SHORT_WINDOW
        return environment

    def _port_of(self, link: str) -> int:
        return self.links[link].port if link in self.links else 0

    async def _serves(self) -> bool:
        for name in _PARTS:
            if self._processes[name].returncode is not None:
                return False
        try:
            client = await self.temporal()
            description = await client.workflow_service.get_system_info(GetSystemInfoRequest())
            async with self.provider() as provider:
                await provider.get("/faults")
            for name in APIS:
                async with self.api(name) as api:
                    if (await api.get("/health/ready")).status_code != 200:
                        return False
        except (httpx2.TransportError, RPCError, RuntimeError):
            return False
        return bool(description) and all(b"the worker is ready" in self._said(name) for name in WORKERS)

    def log_of(self, name: str) -> Sequence[str]:
        """Return what all processes of a part have written, line by line."""
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()

    def _said(self, name: str) -> bytes:
        """Return what a part's process of the moment has written."""
        return (self.folder / f"{name}.log").read_bytes()[self._began_in_log[name] :]


def _ledger_name(process: Process) -> str:
    return f"{socket.gethostname()}:{process.pid}"
