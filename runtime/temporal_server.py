"""The embedded Temporal server: the development server of Temporal's command line, on a SQLite file."""

import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from runtime.settings import Settings
from sessions.wire import FAILED_ITEMS_ATTRIBUTE, KIND_ATTRIBUTE, STATUS_ATTRIBUTE, TENANT_ATTRIBUTE

_SEARCH_ATTRIBUTES: Final = (
    f"{KIND_ATTRIBUTE}=Keyword",
    f"{STATUS_ATTRIBUTE}=Keyword",
    f"{TENANT_ATTRIBUTE}=Keyword",
    f"{FAILED_ITEMS_ATTRIBUTE}=Int",
)
_PRAGMAS: Final = ("journal_mode=WAL", "synchronous=NORMAL")
"""Twice the sessions a second of a plain file. A crash of the machine may lose the last moments; SIGKILL, nothing."""
DYNAMIC_CONFIG: Final = (
    # One process has nothing to gain from the default four partitions, and each adds polling.
    "matching.numTaskqueueReadPartitions=1",
    "matching.numTaskqueueWritePartitions=1",
    # One tenant's bulk work cannot starve another's. Priorities need no switch, fairness keys do.
    "matching.enableFairness=true",
)
"""How the server differs from its defaults, as `key=value`."""
_LARGEST_LOG: Final = 5 * 1024 * 1024  # bytes


def find_binary() -> str | None:
    """Return the server's binary: of this virtual environment, else the one on PATH, else None."""
    # The environment's link to Python is not resolved: its neighbours are what is looked for.
    beside = Path(sys.executable).with_name("temporal")
    return str(beside) if beside.is_file() else shutil.which("temporal")


def server_command(settings: Settings, *, binary: str) -> tuple[str, ...]:
    """Return the command that serves on loopback only, with its file in the data folder."""
    return (
        *(binary, "server", "start-dev", "--ip", "127.0.0.1", "--log-level", "warn", "--ui-disable-news-fetch"),
        *("--port", str(settings.temporal_port), "--ui-port", str(settings.temporal_ui_port)),
        *("--db-filename", str(settings.data_dir / "temporal.sqlite3")),
        *(("--namespace", settings.temporal_namespace) if settings.temporal_namespace else ()),
        *(argument for pragma in _PRAGMAS for argument in ("--sqlite-pragma", pragma)),
        *(argument for value in DYNAMIC_CONFIG for argument in ("--dynamic-config-value", value)),
        *(argument for attribute in _SEARCH_ATTRIBUTES for argument in ("--search-attribute", attribute)),
    )


def log_writer(path: Path) -> Callable[[str], None]:
    """Return a function that appends lines to a log file; at 5 MB it starts anew, with one predecessor kept.

    Raises:
        OSError: its folder can't be made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)

    def write(line: str) -> None:
        # A full disk is told by those who need it; a log line is no reason to end.
        with suppress(OSError):
            if path.exists() and path.stat().st_size > _LARGEST_LOG:
                path.replace(path.with_name(f"{path.name}.1"))
            with path.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")

    return write
