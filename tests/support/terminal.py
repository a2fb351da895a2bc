"""A program in a pseudo-terminal, as a person sees it."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, Self

_CONTROLS: Final = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|\r")


class Terminal:
    """A running program with a terminal of its own: what it writes there, and keys pressed for it."""

    def __init__(self, process: asyncio.subprocess.Process, *, primary: int) -> None:
        self.process = process
        self._primary = primary
        self._written = bytearray()
        asyncio.get_running_loop().add_reader(primary, self._read)

    @classmethod
    async def started(
        cls,
        command: Sequence[str],
        *,
        environment: Mapping[str, str],
        folder: Path,
        columns: int = 100,
        rows: int = 30,
        pixels: tuple[int, int] = (0, 0),
    ) -> Self:
        """Start a program whose input and output are a terminal of this size."""
        primary, secondary = pty.openpty()
        fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, *pixels))
        process = await asyncio.create_subprocess_exec(
            *command,
            env={"TERM": "xterm-256color", "LANG": "C.UTF-8", **environment},
            cwd=folder,
            stdin=secondary,
            stdout=secondary,
            stderr=secondary,
            start_new_session=True,
            preexec_fn=_at_a_terminal,
        )
        os.close(secondary)
        return cls(process, primary=primary)

    @property
    def raw(self) -> str:
        """All that was written, with what steers the terminal."""
        return self._written.decode(errors="replace")

    @property
    def text(self) -> str:
        """All that was written, without what steers the terminal: of a live display every state, in turn."""
        return _CONTROLS.sub("", self.raw)

    def press(self, keys: str) -> None:
        """Press keys; Ctrl-C is `\\x03`."""
        os.write(self._primary, keys.encode())

    async def ended(self, *, within: float = 30) -> int:
        """Wait until the program has ended, and return its exit code."""
        try:
            async with asyncio.timeout(within):
                code = await self.process.wait()
        except TimeoutError:
            self.process.send_signal(signal.SIGKILL)
            await self.process.wait()
            raise AssertionError(f"it did not end:\n{self.text}") from None
        finally:
            self._close()
        return code

    def _read(self) -> bool:
        """Take what there is, and return whether there may be more."""
        try:
            data = os.read(self._primary, 65_536)
        except OSError:  # nothing for now, or on Linux nobody has the other end open any more
            data = b""
        self._written += data
        if not data:
            asyncio.get_running_loop().remove_reader(self._primary)
        return bool(data)

    def _close(self) -> None:
        os.set_blocking(self._primary, False)
        while self._read():
            pass
        os.close(self._primary)


def _at_a_terminal() -> None:
    """Be what a shell starts at a terminal: in the foreground, and ended by Ctrl-C even if the tests are not."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
