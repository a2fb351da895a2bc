"""Starts a command that does not outlive its supervisor, not even one ended by SIGKILL.

Run as a script, isolated and without site-packages: `python -I -S leash.py kernel|pipe SUPERVISOR_PID COMMAND…`. It
ties the knot and becomes the command, so pid, signals and exit code are the command's own. A hook between fork and
exec in the supervisor would do the same, but Python code there may deadlock.
"""

import ctypes
import os
import select
import signal
import sys
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1
_LOOK_EVERY: Final = 0.5  # seconds


def main(arguments: list[str]) -> None:
    """Become the command, leashed to the supervisor. Exits with 127 when the command can't be started."""
    way, supervisor, command = arguments[0], int(arguments[1]), arguments[2:]
    if way == "kernel":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGKILL)
    else:
        _watch_from_aside()
    if os.getppid() != supervisor:  # it died before the knot was tied
        sys.exit(1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and a command would inherit that
    try:
        os.execvp(command[0], command)  # noqa: S606 - starting what it is told is its purpose
    except OSError as error:
        sys.stderr.write(f"{command[0]} can't be started: {error.strerror}\n")
        sys.exit(127)


def _watch_from_aside() -> None:
    """Fork a watcher that kills this process when standard input, whose other end the supervisor holds, closes.

    For systems whose kernel does not tell of a parent's death. The watcher ends with what it watches.
    """
    watched = os.getpid()
    if os.fork() != 0:
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        return
    for output in (1, 2):  # else the supervisor would wait for the end of the output
        os.close(output)
    while os.getppid() == watched:
        if select.select([0], [], [], _LOOK_EVERY)[0] and os.getppid() == watched:
            os.kill(watched, signal.SIGKILL)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1:])
