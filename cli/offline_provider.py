"""`retakes offline-provider`: what its options mean to the server."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from pydantic import ValidationError

from providers.offline.faults import Plan
from providers.offline.server import serve
from runtime.refusal import Refused


def serve_offline(
    *,
    host: str,
    port: int,
    faults: Path | None,
    latency: timedelta,
    log: Path | None,
    announce: Callable[[str], None] | None,
) -> None:
    """Serve until SIGINT or SIGTERM.

    Args:
        faults: a fault plan, as JSON.
        log: keeps the log of calls.
        announce: takes a line with the address once it answers.

    Raises:
        Refused: the plan can't be read or is none, the port is taken, or the log can't be written.
    """
    plan = _read(faults) if faults is not None else None

    def say_ready(address: str) -> None:
        if announce is not None:
            announce(f"The offline provider answers at {address}")

    try:
        asyncio.run(serve(host=host, port=port, plan=plan, latency=latency, log_path=log, on_ready=say_ready))
    except OSError as error:
        raise Refused(f"the offline provider can't be served on port {port} of {host}: {error}") from error


def _read(path: Path) -> Plan:
    try:
        return Plan.model_validate_json(path.read_bytes())
    except OSError as error:
        raise Refused(f"the fault plan {path} can't be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "it"
        raise Refused(f"the fault plan {path} is none: {place}: {first['msg']}") from error
