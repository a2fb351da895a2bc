"""Durations as people write them in settings and on the command line: `90s`, `5m`, `1h30m`, `7d`."""

import re
from datetime import timedelta
from typing import Annotated, Final

from pydantic import BeforeValidator

_SECONDS: Final = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = re.compile(r"(\d{1,8}(?:\.\d{1,6})?)(ms|d|h|m|s)")
_EXPECTED: Final = "should be a duration such as 90s, 5m, 1h30m or 7d"


def parse_duration(text: str) -> timedelta:
    """Read a duration: numbers with the units d, h, m, s and ms, largest unit first, each at most once.

    Raises:
        ValueError: the text is no such duration; its message says what one looks like.
    """
    compact = text.strip().lower().replace(" ", "")
    parts = _PART.findall(compact)
    units = [unit for _, unit in parts]
    is_whole = "".join(number + unit for number, unit in parts) == compact
    if not parts or not is_whole or units != [unit for unit in _SECONDS if unit in units]:
        raise ValueError(_EXPECTED)
    return timedelta(seconds=sum(float(number) * _SECONDS[unit] for number, unit in parts))


def _from_text(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(_from_text)]
"""A timedelta that a setting may hold as text in the form of `parse_duration`."""
