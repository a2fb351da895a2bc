"""What a viewer of a live page hears."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

import httpx2

_PATIENCE: Final = 5


async def messages(stream: httpx2.Response) -> AsyncIterator[str]:
    """Yield what a stream of events puts on a page, without signs of life; each is waited for with little patience."""
    lines = aiter(stream.aiter_lines())
    event: list[str] = []
    while True:
        async with asyncio.timeout(_PATIENCE):
            line = await anext(lines, None)
        if line is None:
            return
        if line:
            event.append(line)
            continue
        data = [part.removeprefix("data: ") for part in event if part.startswith("data: ")]
        if data and not any(part.startswith("event:") for part in event):
            yield "\n".join(data)
        event = []
