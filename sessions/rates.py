"""How fast things may be started, as people see and change it."""

import math
from enum import StrEnum
from typing import Final

from pydantic import Field

from sessions.model import RequestModel, Value

MOST_PER_MINUTE: Final = 60_000
"""A thousand a second, which is the most that a Temporal server gives out by its own defaults."""


class RateSource(StrEnum):
    """Where a limit comes from."""

    SETTING = "setting"
    CHANGED = "changed"
    """Somebody has changed it while the product ran; it holds, over restarts too, until it is taken back."""


class Rate(Value):
    """A limit on starts, and what waits for it."""

    limit: float | None
    """Starts a minute over all workers; None: as many as the workers have room for."""
    source: RateSource
    burst: int | None
    """How many more than the limit's share any stretch of time can hold; None without a limit."""
    backlog: int
    """What waits, about: the server counts it every five seconds."""


class Rates(Value):
    """Every limit that can be set."""

    images_per_minute: Rate


class RatesChange(RequestModel):
    """A change of limits. None takes a change back: then the setting counts again, or nothing limits."""

    images_per_minute: float | None = Field(
        gt=0, le=MOST_PER_MINUTE, allow_inf_nan=False, strict=True, description="Starts a minute; null: the setting's."
    )


def burst_of(limit: float) -> int:
    """Return the burst of a limit a minute: the server saves up one second's starts, and one is under way."""
    return math.ceil(limit / 60) + 1
