"""Serving the application, with the two things uvicorn does not do: dropping connections, and ending at once."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from providers.offline.app import create_app
from providers.offline.exchange import Provider
from providers.offline.faults import Plan

# Longer than any client keeps an idle connection: one closed by the server just as a request is sent would look
# like a call that may have been billed.
_KEEP_ALIVE_SECONDS = 300
_GRACE_SECONDS = 1
_BACKLOG = 2048


class _Protocol(HttpToolsProtocol):
    """Hands each request its transport, so that a fault can close it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        # Any: the type uvicorn gives the state of an application.
        state: dict[str, Any] = {**self.app_state, "transport": transport}
        self.app_state = state
        super().connection_made(transport)


class OfflineServer(uvicorn.Server):
    """A server that says when it is ready and whose hanging calls do not keep it from ending."""

    def __init__(self, config: uvicorn.Config, *, provider: Provider, on_ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._provider = provider
        self._on_ready = on_ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to accept connections, then say so."""
        await super().startup(sockets)
        self._on_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Drop what hangs, then end as usual."""
        self._provider.hang_up()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """End on SIGINT and SIGTERM with a plain return; uvicorn would raise the signal again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        signals = (signal.SIGINT, signal.SIGTERM)
        for number in signals:
            loop.add_signal_handler(number, self.stop)
        try:
            yield
        finally:
            for number in signals:
                loop.remove_signal_handler(number)

    def stop(self) -> None:
        """Ask the server to end; it does so within a tenth of a second. From its own loop, or from any thread."""
        self.should_exit = True


def listen(*, host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 takes any free one.

    Raises:
        OSError: the port is taken, or the host is not of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def base_url(listener: socket.socket) -> str:
    """Return what ``OPENAI_BASE_URL`` has to be for a bound socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


def build_server(
    *, plan: Plan | None, latency: timedelta, log_path: Path | None, on_ready: Callable[[], None]
) -> OfflineServer:
    """Return a server that is yet to be given its socket."""
    app = create_app(plan=plan, latency=latency, log_path=log_path)
    config = uvicorn.Config(
        app,
        http=_Protocol,
        ws="none",
        log_config=None,
        access_log=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    return OfflineServer(config, provider=app.state.provider, on_ready=on_ready)


async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8900,
    plan: Plan | None = None,
    latency: timedelta = timedelta(0),
    log_path: Path | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, then return within a second.

    Args:
        host: address to listen on.
        port: port to listen on; 0 takes any free one.
        plan: what goes wrong; nothing by default.
        latency: how long every answer takes at least.
        log_path: the file the log of calls is kept in.
        on_ready: called with the base URL (it ends in ``/v1``) once connections are accepted.

    Raises:
        OSError: the port is taken; the error says which.
    """
    with contextlib.closing(listen(host=host, port=port)) as listener:
        address = base_url(listener)

        def ready() -> None:
            if on_ready is not None:
                on_ready(address)

        server = build_server(plan=plan, latency=latency, log_path=log_path, on_ready=ready)
        await server.serve(sockets=[listener])
