"""Words that several looks share."""

from typing import Final

from runtime.settings import Settings

_MOST_CHARACTERS: Final = 200


def not_running(settings: Settings, *, otherwise: str) -> str:
    """Return what to do where nothing answers: start `retakes up`, where that is what would bring it."""
    if not settings.embedded_temporal:
        return otherwise
    return "`retakes up` is not running with these settings: start it with `make run` or `retakes up`."


def in_one_line(text: str) -> str:
    """Return the beginning of what somebody else's code has said."""
    line = " ".join(text.split())
    return line if len(line) <= _MOST_CHARACTERS else f"{line[: _MOST_CHARACTERS - 1]}…"
