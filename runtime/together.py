"""Side by side, or not at all."""

import asyncio
from collections.abc import Coroutine


async def together(*coroutines: Coroutine[None, None, None]) -> None:
    """Run coroutines side by side; the first error cancels the rest and is raised as it is, not in a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for coroutine in coroutines:
                group.create_task(coroutine)
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
