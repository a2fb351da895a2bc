"""What `retakes up` shows in the terminal it runs in."""

import os
import sys
from collections.abc import Callable
from typing import Final

_NAME_WIDTH: Final = 8


def show(text: str) -> None:
    """Write lines at once. That the reader or the terminal has gone away is no reason to fail."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        # From here on nobody reads, and Python's own last flush must find an open file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def writer(name: str) -> Callable[[str], None]:
    """Return a function that shows lines with a name before them; blank ones are left out."""

    def write(line: str) -> None:
        if line:
            show(f"{name:<{_NAME_WIDTH}} | {line}")

    return write
