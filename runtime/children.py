"""The processes that `retakes up` runs: how each is started, and how to tell that it is ready."""

import os
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from runtime.ports import WantedPort, answers_with
from runtime.settings import Settings
from runtime.supervisor import Child
from runtime.temporal_server import log_writer, server_command
from runtime.terminal import writer

if TYPE_CHECKING:
    from runtime.readiness import TemporalReadiness

LOOPBACK: Final = "127.0.0.1"
_WILDCARDS: Final = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - addresses to look at, none to bind


class Children:
    """Makes the children of one `retakes up`."""

    def __init__(
        self,
        settings: Settings,
        *,
        writer: Callable[[str], Callable[[str], None]] = writer,
        latency: timedelta = timedelta(0),
    ) -> None:
        """Take the settings of every child.

        Args:
            settings: as they were read.
            writer: returns what takes the lines of the child with a name; the terminal, when left out.
            latency: how long the offline provider takes to answer.
        """
        self._settings = settings
        self._writer = writer
        self._latency = latency
        self._environment = _environment(settings)
        self._lazy_readiness: TemporalReadiness | None = None

    def temporal(self, binary: str) -> Child:
        """The embedded Temporal server. Its lines go to a file of their own."""
        settings = self._settings
        return Child(
            name="temporal",
            command=server_command(settings, binary=binary),
            environment=self._environment,
            is_ready=self._temporal_serves,
            write=log_writer(settings.data_dir / "logs" / "temporal.log"),
        )

    def provider(self) -> Child:
        """The offline provider."""
        port = self._settings.offline_port
        return self._own(
            "provider",
            "offline-provider",
            "--port",
            str(port),
            *(("--latency", f"{self._latency.total_seconds():g}s") if self._latency else ()),
            # Not one of the provider's own endpoints: its log of calls is to hold the product's calls alone.
            is_ready=lambda _: answers_with(LOOPBACK, port, path="/faults", status=200),
        )

    def database(self) -> Child:
        """Brings the records to the current schema, and ends."""
        return self._own("database", "db", "upgrade", is_ready=_never)

    def worker(self) -> Child:
        """The worker."""
        return self._own("worker", "worker", is_ready=self._temporal_has_worker)

    def api(self) -> Child:
        """The API with the page."""
        host, port = reachable(self._settings.api_host), self._settings.api_port
        return self._own("api", "api", is_ready=lambda _: answers_with(host, port, path="/health/ready", status=200))

    async def prepare_external_temporal(self) -> None:
        """Wait for a Temporal server that someone else runs.

        Raises:
            SettingsError: Temporal's own settings can't be used.
            StartFailed: it does not answer, or refuses.
        """
        await self._readiness.prepare_external()

    async def _temporal_serves(self, pid: int) -> bool:
        return await self._readiness.serves(pid)

    async def _temporal_has_worker(self, pid: int) -> bool:
        return await self._readiness.has_worker(pid)

    @property
    def _readiness(self) -> "TemporalReadiness":
        if self._lazy_readiness is None:
            # Late: the SDK takes half a second to import, in which the first children already start.
            from runtime.readiness import TemporalReadiness

            self._lazy_readiness = TemporalReadiness(self._settings)
        return self._lazy_readiness

    def _own(self, name: str, *arguments: str, is_ready: Callable[[int], Awaitable[bool]]) -> Child:
        return Child(
            name=name,
            # -P: our packages have common names, and the folder that someone starts us in must not shadow them.
            command=(sys.executable, "-P", *_own_command(), *arguments),
            environment=self._environment,
            is_ready=is_ready,
            write=self._writer(name),
        )


def _own_command() -> tuple[str, ...]:
    """Return how Python is told to run our command: by its script, so that `ps` says `retakes worker`."""
    script = Path(sys.executable).with_name("retakes")
    return (str(script),) if script.is_file() else ("-m", "cli.app")


def wanted_ports(settings: Settings) -> list[WantedPort]:
    """Return every port that the children will listen on."""
    wanted = [WantedPort(host=settings.api_host, port=settings.api_port, setting="RETAKES_API_PORT")]
    if settings.embedded_temporal:
        wanted += [
            WantedPort(host=LOOPBACK, port=settings.temporal_port, setting="RETAKES_TEMPORAL_PORT"),
            WantedPort(host=LOOPBACK, port=settings.temporal_ui_port, setting="RETAKES_TEMPORAL_UI_PORT"),
        ]
    if settings.offline:
        wanted.append(WantedPort(host=LOOPBACK, port=settings.offline_port, setting="RETAKES_OFFLINE_PORT"))
    if settings.worker_metrics_port:
        wanted.append(
            WantedPort(host=LOOPBACK, port=settings.worker_metrics_port, setting="RETAKES_WORKER_METRICS_PORT")
        )
    return wanted


def reachable(host: str) -> str:
    """Return the address at which this machine reaches a server that listens on a host."""
    return _WILDCARDS.get(host, host)


def _environment(settings: Settings) -> dict[str, str]:
    environment = {
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "RETAKES_UNDER_SUPERVISOR": "true",
        "RETAKES_LOG_FORMAT": settings.log_format or ("console" if sys.stdout.isatty() else "json"),
    }
    if settings.offline:
        environment["OPENAI_BASE_URL"] = f"http://{LOOPBACK}:{settings.offline_port}/v1"
        environment["OPENAI_API_KEY"] = "offline"
    return environment


async def _never(_pid: int) -> bool:
    return False
