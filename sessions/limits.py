"""How much may fail, or be spent, before a session stops by itself."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_MOST = 100_000
_PERCENT = re.compile(r"(100|[0-9]{1,2})%")


def _count_or_percent(value: object) -> object:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
    if is_count or (isinstance(value, str) and _PERCENT.fullmatch(value)):
        return value
    raise ValueError("must be a number of items, such as 3, or a share of them, such as 20%")


ToleratedFailures = Annotated[int | str, BeforeValidator(_count_or_percent)]
"""How many items may fail for good before no further ones are begun: a number, or a share such as ``20%``."""


def tolerated_of(tolerated: int | str | None, *, items: int) -> int | None:
    """Return how many of so many items may fail, None for all of them. Shares are rounded down."""
    if tolerated is None or isinstance(tolerated, int):
        return tolerated
    return items * int(tolerated.removesuffix("%")) // 100
