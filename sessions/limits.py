"""How much may fail, or be spent, before a session stops by itself."""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_PERCENT = re.compile(r"(100|[0-9]{1,2})%")


def _count_or_percent(value: int | str) -> int | str:
    if isinstance(value, str) and _PERCENT.fullmatch(value) is None:
        raise ValueError("must be a number of items, such as 3, or a share of them, such as 20%")
    return value


ToleratedFailures = Annotated[
    Annotated[int, Field(ge=0, le=100_000, strict=True)] | Annotated[str, Field(max_length=4)],
    AfterValidator(_count_or_percent),
]
"""How many items may fail for good before no further ones are begun: a number, or a share such as ``20%``."""


def tolerated_of(tolerated: int | str | None, *, items: int) -> int | None:
    """Return how many of so many items may fail, None for all of them. Shares are rounded down."""
    if tolerated is None or isinstance(tolerated, int):
        return tolerated
    return items * int(tolerated.removesuffix("%")) // 100
