"""Waiting for what happens in its own time, with a deadline in place of a sleep."""

# ruff: noqa: ASYNC109 - asyncio.timeout would not tell what was waited for

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final, TypeVar, overload

T = TypeVar("T")

PATIENCE: Final = timedelta(seconds=10)
PAUSE: Final = timedelta(milliseconds=20)


@overload
async def eventually(
    probe: Callable[[], Awaitable[T | None]], *, timeout: timedelta = PATIENCE, interval: timedelta = PAUSE
) -> T: ...
@overload
async def eventually(
    probe: Callable[[], T | None], *, timeout: timedelta = PATIENCE, interval: timedelta = PAUSE
) -> T: ...
async def eventually(
    probe: Callable[[], object],
    *,
    timeout: timedelta = PATIENCE,
    interval: timedelta = PAUSE,
) -> object:
    """Ask a probe, plain or async, until it answers with something true, and return that answer.

    An AssertionError in the probe counts as "not yet"; any other error is raised at once.

    Raises:
        AssertionError: the time is over. It tells the last answer, or the last failed assertion.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + timeout.total_seconds()
    while True:
        last: object
        try:
            answer = probe()
            value = await answer if inspect.isawaitable(answer) else answer
            if value:
                return value
            last = value
        except AssertionError as failed:
            last = failed
        if loop.time() >= deadline:
            raise AssertionError(f"{_name(probe)} did not hold within {timeout.total_seconds():g} s; last: {last!r}")
        await asyncio.sleep(interval.total_seconds())


def _name(probe: Callable[[], object]) -> str:
    try:
        source = inspect.getsource(probe)
    except (OSError, TypeError):
        return repr(probe)
    return " ".join(source.split())[:200]
