"""The pauses between the attempts of a round: 1 second, doubling, at most 8."""

from datetime import timedelta
from typing import Final

FIRST_PAUSE: Final = timedelta(seconds=1)
PAUSE_FACTOR: Final = 2.0
LONGEST_PAUSE: Final = timedelta(seconds=8)


def pause_after(attempts: int) -> timedelta:
    """Return how long an item rests after so many attempts of its round, of which there is one at least."""
    return min(FIRST_PAUSE * PAUSE_FACTOR ** (attempts - 1), LONGEST_PAUSE)
