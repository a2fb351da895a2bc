"""Whether addresses are free to listen on, and whether something answers there."""

import asyncio
import errno
import socket
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

_SHUTTING_DOWN: Final = timedelta(seconds=1)
"""What a previous run that was killed may still need to let go of its ports."""
_ANSWER_WITHIN: Final = timedelta(seconds=2)


@dataclass(frozen=True, kw_only=True)
class WantedPort:
    """A port to listen on, and the setting it comes from."""

    host: str
    port: int
    setting: str


def reason_against(wanted: Sequence[WantedPort], *, patience: timedelta = _SHUTTING_DOWN) -> str | None:
    """Return one line on the first port that can't be had, naming its setting, or None when all are free.

    Args:
        wanted: all ports of one start; no two may be the same.
        patience: how long to wait for a taken one.
    """
    seen: dict[int, str] = {}
    for one in wanted:
        if one.port in seen:
            return f"{one.setting} and {seen[one.port]} are both {one.port}: each needs a port of its own"
        seen[one.port] = one.setting
    deadline = time.monotonic() + patience.total_seconds()
    for one in wanted:
        while (problem := _problem_with(one)) is not None:
            if time.monotonic() > deadline:
                return problem
            time.sleep(0.05)
    return None


async def answers_with(host: str, port: int, *, path: str, status: int) -> bool:
    """Tell whether an HTTP server answers a GET with a status, within two seconds."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ANSWER_WITHIN.total_seconds()):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                writer.write(f"GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n".encode())
                first_line = await reader.readline()
            finally:
                writer.close()
            return first_line.split(b" ")[1:2] == [str(status).encode()]
    return False


def _problem_with(wanted: WantedPort) -> str | None:
    place = f"port {wanted.port} on {wanted.host}"
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(wanted.host, wanted.port, type=socket.SOCK_STREAM):
            with socket.socket(family, kind, protocol) as probe:
                # As servers do: connections of a previous run that are still closing don't take the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return (
                f"{place} is taken ({wanted.setting}): end what listens there (a previous run may still be "
                f"shutting down) or set another port"
            )
        return f"{place} can't be used ({wanted.setting}): {error.strerror}"
    return None
