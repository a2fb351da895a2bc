"""The artifact store of a run, and ways to break it: full, or read-only. What is in it stays."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

_LARGEST = "512m"
_FILLER = ".filler"
_READ_ONLY, _WRITABLE = 0o555, 0o755


class BreakableStore(Protocol):
    """A folder that can be broken. ``manner`` says in words how, for the report."""

    @property
    def manner(self) -> str:
        """How it is broken."""
        ...

    async def break_it(self, way: str) -> None:
        """Break it: ``full`` or ``read-only``."""
        ...

    async def mend(self) -> None:
        """Have it work again."""
        ...


class MountedStore:
    """A small disk of its own, in memory: it can be truly full, and truly read-only. Needs the right to mount."""

    manner = "a disk in memory, filled to its last byte, or mounted read-only"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def break_it(self, way: str) -> None:
        """Fill it, or mount it read-only."""
        if way == "full":
            await asyncio.to_thread(_fill, self._folder / _FILLER)
            return
        await self._remount("ro")

    async def mend(self) -> None:
        """Make it writable, and make room."""
        await self._remount("rw")
        (self._folder / _FILLER).unlink(missing_ok=True)

    async def _remount(self, how: str) -> None:
        for _ in range(50):
            # Refused while somebody is in the middle of writing a file.
            process = await asyncio.create_subprocess_exec("mount", "-o", f"remount,{how}", str(self._folder))
            if await process.wait() == 0:
                return
            await asyncio.sleep(0.05)


class ForbiddenStore:
    """A folder whose rights are taken away. For those who are not root, whom rights do not hold."""

    manner = "the right to write in any of its folders is taken away, in place of a full disk, too"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def break_it(self, _way: str) -> None:
        """Take the right to write away."""
        await asyncio.to_thread(_allow, self._folder, _READ_ONLY)

    async def mend(self) -> None:
        """Give it back."""
        await asyncio.to_thread(_allow, self._folder, _WRITABLE)


class SwappedStore:
    """A folder in whose place there is a file for a while: nothing can be read or written. For root without mounts."""

    manner = "a file stands in the place of its folder, so that nothing can be read, either"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._aside = folder.with_name(f"{folder.name}.aside")

    async def break_it(self, _way: str) -> None:
        """Put a file in its place."""
        self._folder.rename(self._aside)
        self._folder.touch()

    async def mend(self) -> None:
        """Put the folder back."""
        if self._aside.exists():
            self._folder.unlink(missing_ok=True)
            self._aside.rename(self._folder)


@contextmanager
def breakable_store(folder: Path) -> Iterator[BreakableStore]:
    """Provide a folder that can be broken, in the best way that this machine allows, until the block ends."""
    folder.mkdir(parents=True)
    if os.geteuid() != 0:
        yield ForbiddenStore(folder)
        return
    mounting = ["mount", "-t", "tmpfs", "-o", f"size={_LARGEST},mode=0755", "tmpfs", str(folder)]
    if subprocess.run(mounting, check=False, capture_output=True).returncode:
        yield SwappedStore(folder)
        return
    try:
        yield MountedStore(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(file: Path) -> None:
    room = os.statvfs(file.parent)
    with file.open("wb", buffering=0) as filler, suppress(OSError):
        os.posix_fallocate(filler.fileno(), 0, room.f_bavail * room.f_frsize)
        # Others may have freed something meanwhile: the rest, page for page.
        filler.seek(0, os.SEEK_END)
        while True:
            filler.write(b"\0" * room.f_frsize)


def _allow(folder: Path, mode: int) -> None:
    for place, _, _ in os.walk(folder, topdown=False):
        with suppress(FileNotFoundError):
            Path(place).chmod(mode)
