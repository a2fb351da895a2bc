"""How commands end: the exit codes that scripts may rely on."""

from typing import Final

from sessions.statuses import SessionStatus

COMPLETE: Final = 0
PARTIAL: Final = 3
FAILED: Final = 4
CANCELLED: Final = 5
INTERRUPTED: Final = 130

_CODES: Final = {
    SessionStatus.COMPLETE: COMPLETE,
    SessionStatus.PARTIAL: PARTIAL,
    SessionStatus.FAILED: FAILED,
    SessionStatus.CANCELLED: CANCELLED,
}


def exit_code(status: SessionStatus) -> int:
    """Return the exit code of a command that has followed a session to its end.

    One that has ended without settling, because somebody ended its workflow, has failed.
    """
    return _CODES.get(status, FAILED)
