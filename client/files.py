"""Downloads into files: whole or not at all."""

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final
from urllib.parse import unquote

import httpx2

_NAMED: Final = re.compile(r"filename\*=UTF-8''([^;]+)|filename=\"([^\"]*)\"", re.IGNORECASE)
_UNSAFE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:]")
_LONGEST_NAME: Final = 120
_DEFAULT_MODE: Final = 0o666


def target_of(response: httpx2.Response, *, wanted: Path) -> Path:
    """Return where a download goes: where it was wanted, under the server's name for it if that is a folder."""
    return wanted / name_of(response) if wanted.is_dir() else wanted


def name_of(response: httpx2.Response) -> str:
    """Return the name that a server gives a file, without whatever could lead out of a folder."""
    found = {bool(match[1]): match[1] or match[2] for match in _NAMED.finditer(_disposition(response))}
    name = unquote(found.get(True) or found.get(False) or "")
    return _UNSAFE.sub("_", name)[-_LONGEST_NAME:].lstrip(".") or "download"


def _disposition(response: httpx2.Response) -> str:
    return str(response.headers.get("content-disposition", ""))


@contextmanager
def written_whole(path: Path, *, overwrite: bool) -> Iterator[IO[bytes]]:
    """Open a file that is there under its name only once it is whole.

    Raises:
        FileExistsError: it is there already, and ``overwrite`` is False.
        OSError: it cannot be written.
    """
    _refuse_to_overwrite(path, overwrite=overwrite)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".part")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _refuse_to_overwrite(path, overwrite=overwrite)
        part.chmod(_DEFAULT_MODE & ~_umask())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _refuse_to_overwrite(path: Path, *, overwrite: bool) -> None:
    if not overwrite and path.exists():
        raise FileExistsError(f"{path} is there already")


def _umask() -> int:
    # It can only be read by setting it.
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
