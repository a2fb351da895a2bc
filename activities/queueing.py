"""How long an attempt has waited in the queue for a place at a worker."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio import activity

LONG_WAIT: Final = timedelta(seconds=5)
"""An attempt that has waited as long says so in the log: then there is more to make than the workers have places."""

WAITED_FOR_A_PLACE: Final = "an attempt has waited for a place at a worker"

_logger = logging.getLogger("retakes.attempts")


def waited() -> timedelta:
    """Return how long the attempt under way was in the queue: since it was handed out, or its pause was over."""
    now = datetime.now(UTC)
    return max(timedelta(0), now - (activity.info().current_attempt_scheduled_time or now))


def tell_of_a_long_wait(place: Mapping[str, object]) -> None:
    """Log it when the attempt that begins has waited long. ``place``: whose it is."""
    seconds = waited().total_seconds()
    if seconds >= LONG_WAIT.total_seconds():
        _logger.info(WAITED_FOR_A_PLACE, extra={**place, "waited_seconds": round(seconds, 3)})
