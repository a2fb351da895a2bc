"""How long something is waited for, in all."""

import asyncio
from datetime import timedelta


class Patience:
    """An amount of waiting that runs out, measured by the event loop's clock from when it is made."""

    def __init__(self, amount: timedelta) -> None:
        self._until = asyncio.get_running_loop().time() + amount.total_seconds()

    @property
    def is_left(self) -> bool:
        """Whether any is left."""
        return self.covers(timedelta())

    def covers(self, pause: timedelta) -> bool:
        """Whether a pause would end before it runs out."""
        return asyncio.get_running_loop().time() + pause.total_seconds() <= self._until
