"""How many starts are under way at once: others wait a moment, or are turned away while nothing is begun."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

from service.errors import BusyError

AT_ONCE: Final = 32
"""A start takes 10 to 30 ms, so this is more than a thousand a second. When Temporal or the machine is at its limit,
each takes as long as those before it, and 32 of them still end long before a start is given up as unanswered: what
ends so leaves open whether the session was started, which nobody who is merely too fast should have to find out."""
WAITING: Final = 256
"""A burst, as of a script that starts all it has at once. Each holds its request, which may have two megabytes."""
PATIENCE: Final = timedelta(seconds=2)


class Admission:
    """Lets starts in, some at once, the others in the order in which they came.

    Args:
        at_once: how many are let in at the same time.
        waiting: how many more wait for their turn.
        patience: for how long.
    """

    def __init__(self, *, at_once: int = AT_ONCE, waiting: int = WAITING, patience: timedelta = PATIENCE) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._places = at_once + waiting
        self._patience = patience
        self._there = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold a turn, after waiting for it where others came first.

        Raises:
            BusyError: too many wait already, or the turn did not come in time.
        """
        if self._there >= self._places:
            raise BusyError
        self._there += 1
        try:
            await self._come()
            try:
                yield
            finally:
                self._turns.release()
        finally:
            self._there -= 1

    async def _come(self) -> None:
        try:
            async with asyncio.timeout(self._patience.total_seconds()):
                await self._turns.acquire()
        except TimeoutError as error:
            raise BusyError from error
