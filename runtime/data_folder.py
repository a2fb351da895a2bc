"""The data folder belongs to one `retakes up` at a time."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from runtime.refusal import Refused


@contextmanager
def owned(folder: Path) -> Iterator[None]:
    """Make the folder where it is missing, and own it until the end of the block.

    The lock is the kernel's: it goes with this process, however that ends.

    Raises:
        Refused: it can't be written, or another process owns it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = os.open(folder / "up.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise Refused(f"can't write to the data folder {folder} (RETAKES_DATA_DIR): {reason}") from error
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            owner = os.read(file, 32).decode(errors="replace").strip() or "unknown"
            raise Refused(
                f"another `retakes up` (pid {owner}) runs on the data folder {folder} (RETAKES_DATA_DIR)"
            ) from error
        os.ftruncate(file, 0)
        os.write(file, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(file)
