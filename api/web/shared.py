"""What is made of a change once for all who look at the same thing."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Annotated, Generic, TypeVar
from weakref import WeakKeyDictionary

from fastapi import Depends, Request

from service.watch import Change

Made = TypeVar("Made")


class Shared(Generic[Made]):
    """Makes something of a change once per place where it is shown, however many look at it."""

    def __init__(self) -> None:
        self._made: WeakKeyDictionary[Change, dict[Hashable, asyncio.Future[Made]]] = WeakKeyDictionary()

    async def of(self, change: Change, *, place: Hashable, make: Callable[[], Awaitable[Made]]) -> Made:
        """Return what ``make`` makes, or what it has made of this change for this place before."""
        made = self._made.setdefault(change, {})
        if place not in made or _has_failed(made[place]):
            made[place] = asyncio.ensure_future(make())
        # A viewer who leaves takes nothing away from those who wait for the same.
        return await asyncio.shield(made[place])


def _has_failed(future: asyncio.Future[Made]) -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)


def events_of(request: Request) -> Shared[bytes]:
    """Return the events that viewers of the application that serves a request share."""
    events: Shared[bytes] = request.app.state.shared_events
    return events


TheEvents = Annotated[Shared[bytes], Depends(events_of)]
