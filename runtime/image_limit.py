"""Which task queue images are handed out on: their own while a limit holds, which the server keeps there."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Final, Self

from temporalio import workflow
from temporalio.worker import (
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from sessions.wire import GENERATE_IMAGE_ACTIVITY, images_queue

INTERVAL: Final = timedelta(seconds=2)
"""How often a worker asks whether a limit was set; so long a new one may take to hold where there was none."""

_IS_LIMITED: Final = "retakes_are_images_limited"


class ImageLimit:
    """Knows whether image starts are limited at present.

    While nobody can tell they count as limited: on the queue with the limit they are only a little later.
    """

    def __init__(self, *, is_set: bool, is_changed: Callable[[], Awaitable[bool | None]]) -> None:
        """Take whether a limit is set for as long as this process runs, and how to find out whether somebody set one.

        ``is_changed`` returns None where it cannot tell, and does not raise.
        """
        self._is_set = is_set
        self._is_changed = is_changed
        self._holds = True
        self._watching: asyncio.Task[None] | None = None

    @property
    def holds(self) -> bool:
        """Whether image starts are limited."""
        return self._holds

    async def __aenter__(self) -> Self:
        if not self._is_set:
            await self._ask()
            self._watching = asyncio.create_task(self._watch(), name="limit on images")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL.total_seconds())
            await self._ask()

    async def _ask(self) -> None:
        if (is_changed := await self._is_changed()) is not None:
            self._holds = is_changed


class ImagesUnderLimit(Interceptor):
    """Hands images out on their own queue while the limit holds, in every session that this worker runs.

    This is the one place where workflow code depends on more than its history. It may: a replay compares the type
    and the id of an activity with the history and not its task queue, which tests/replay holds for every SDK.
    """

    def __init__(self, limit: ImageLimit) -> None:
        self._limit = limit

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:
        """Return what stands between the workflows and the SDK."""
        input.unsafe_extern_functions[_IS_LIMITED] = self._are_images_limited
        return _Inbound

    def _are_images_limited(self) -> bool:
        return self._limit.holds


class _Inbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_Outbound(outbound))


class _Outbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:
        if input.activity == GENERATE_IMAGE_ACTIVITY and workflow.extern_functions()[_IS_LIMITED]():
            input.task_queue = images_queue(workflow.info().task_queue)
        return super().start_activity(input)
