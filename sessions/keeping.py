"""Bringing to its end what must not be lost half-way."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, TypeVar

Result = TypeVar("Result")


async def kept(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what the work comes to, although whoever waits for it is cancelled meanwhile.

    The cancellation is forgotten: this is for a provider's answer, which is paid for, on its way to its place.
    """
    keeping = asyncio.ensure_future(work)
    while not keeping.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(keeping)
    return keeping.result()
