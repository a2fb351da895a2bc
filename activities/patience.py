"""How long something is waited for, in all."""

import asyncio
from datetime import timedelta

# A wait ends a little early or late; what that leaves is no patience any more.
_LEAST = timedelta(milliseconds=20)


class Patience:
    """An amount of waiting that runs out, measured by the event loop's clock from when it is made."""

    def __init__(self, amount: timedelta) -> None:
        self._until = asyncio.get_running_loop().time() + amount.total_seconds()

    @property
    def is_left(self) -> bool:
        """Whether any is left."""
        return self.rest > _LEAST

    @property
    def rest(self) -> timedelta:
        """How much is left, never less than nothing."""
        return timedelta(seconds=max(0.0, self._until - asyncio.get_running_loop().time()))
