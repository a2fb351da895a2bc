"""Asking Temporal with a limit that holds."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

Answer = TypeVar("Answer")


async def answered(asking: Awaitable[Answer], *, within: timedelta) -> Answer:
    """Return what Temporal answers.

    The SDK's own ``rpc_timeout`` is for one request, and it repeats requests that ran out of time.

    Raises:
        RPCError: of status DEADLINE_EXCEEDED when there is no answer in time; otherwise as the call does.
    """
    try:
        async with asyncio.timeout(within.total_seconds()):
            return await asking
    except TimeoutError as error:
        raise RPCError("no answer in time", RPCStatusCode.DEADLINE_EXCEEDED, b"") from error
