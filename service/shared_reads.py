"""Reads shared by all who ask at the same time, none of whom gets an answer that is older than the question."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

Key = TypeVar("Key")
Answer = TypeVar("Answer")


class SharedReads(Generic[Key, Answer]):
    """Reads things by key, one read of each at a time.

    Whoever asks while a read runs waits for the one after it, together with all who ask meanwhile: the one that runs
    may have looked before they asked. So a thousand viewers who come at once cost two reads.
    """

    def __init__(self, read: Callable[[Key], Awaitable[Answer]]) -> None:
        self._read = read
        self._running: dict[Key, asyncio.Task[Answer]] = {}
        self._next: dict[Key, asyncio.Task[Answer]] = {}

    async def read(self, key: Key) -> Answer:
        """Return an answer that was begun to be read now or later; raises what reading raises."""
        if key not in self._running:
            read = self._begin(key)
        elif (waiting := self._next.get(key)) is not None:
            read = waiting
        else:
            read = self._next[key] = _heard(asyncio.create_task(self._after(self._running[key], key=key)))
        # One who gives up does not end what others wait for.
        return await asyncio.shield(read)

    def _begin(self, key: Key) -> asyncio.Task[Answer]:
        read = self._running[key] = _heard(asyncio.ensure_future(self._alone(key)))
        return read

    async def _after(self, running: asyncio.Task[Answer], *, key: Key) -> Answer:
        await asyncio.wait({running})
        del self._next[key]
        # Somebody may have come first; what they have begun, they began after those who wait here had asked.
        return await (self._running.get(key) or self._begin(key))

    async def _alone(self, key: Key) -> Answer:
        try:
            return await self._read(key)
        finally:
            del self._running[key]


def _heard(read: asyncio.Task[Answer]) -> asyncio.Task[Answer]:
    """Have the failure of a read taken note of: when all who asked have given up, asyncio reports it as nobody's."""
    read.add_done_callback(lambda done: done.cancelled() or done.exception())
    return read
