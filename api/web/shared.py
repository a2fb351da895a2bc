"""Events that are made once for all who look at the same thing."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from weakref import WeakKeyDictionary

from service.watch import Change


class SharedEvents:
    """Makes the event of a change once per place where it is shown, however many look at it."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Change, dict[Hashable, asyncio.Future[bytes]]] = WeakKeyDictionary()

    async def event(self, change: Change, *, place: Hashable, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return what ``make`` makes, or what it has made of this change for this place before."""
        made = self._made.setdefault(change, {})
        if place not in made or _has_failed(made[place]):
            made[place] = asyncio.ensure_future(make())
        # A viewer who leaves takes nothing away from those who wait for the same.
        return await asyncio.shield(made[place])


def _has_failed(future: asyncio.Future[bytes]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)
