"""The limit on image starts: kept by the Temporal server for the images' task queue, read and changed there."""

from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import RateLimit, TaskQueue, TaskQueueConfig
from temporalio.api.workflowservice.v1 import (
    DescribeTaskQueueRequest,
    DescribeTaskQueueResponse,
    UpdateTaskQueueConfigRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from service.answers import answered
from service.errors import OutOfReachError
from sessions.rates import Rate, Rates, RatesChange, RateSource, burst_of
from sessions.wire import TASK_QUEUE, images_queue

_TIMEOUT: Final = timedelta(seconds=5)
_SECONDS_A_MINUTE: Final = 60
_SIGNIFICANT_DIGITS: Final = 6
_ACTIVITIES: Final = TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY


class ImageRates:
    """Reads and changes how many images may be started a minute, over all workers."""

    def __init__(self, client: Client, *, setting: float | None, task_queue: str = TASK_QUEUE) -> None:
        self._client = client
        self._setting = setting
        self._queue = images_queue(task_queue)

    async def rates(self) -> Rates:
        """Return the limit that holds, and what waits for it.

        Raises:
            OutOfReachError: Temporal does not answer.
        """
        try:
            described = await self._described()
        except RPCError as error:
            raise OutOfReachError("Temporal does not answer. Try again in a moment.") from error
        return self._shown(_changed(described.config), backlog=described.stats.approximate_backlog_count)

    async def change(self, change: RatesChange) -> Rates:
        """Change the limit for images that have not started yet, also of sessions that run already.

        Where there was none, it holds for what is handed out from some seconds later on.

        Raises:
            OutOfReachError: Temporal does not answer, or does not let anybody change limits; the old one holds.
        """
        update = UpdateTaskQueueConfigRequest.RateLimitUpdate(reason="changed in Retakes")
        if change.images_per_minute is not None:
            per_second = change.images_per_minute / _SECONDS_A_MINUTE
            update.rate_limit.CopyFrom(RateLimit(requests_per_second=per_second))
        request = UpdateTaskQueueConfigRequest(
            namespace=self._client.namespace,
            identity=self._client.identity,
            task_queue=self._queue,
            task_queue_type=_ACTIVITIES,
            update_queue_rate_limit=update,
        )
        try:
            updated = await answered(self._client.workflow_service.update_task_queue_config(request), within=_TIMEOUT)
            described = await self._described()
        except RPCError as error:
            raise _not_changed(error) from error
        return self._shown(_changed(updated.config), backlog=described.stats.approximate_backlog_count)

    async def is_changed(self) -> bool | None:
        """Return whether somebody has set a limit while the product ran, None where the server does not tell."""
        try:
            return _changed((await self._described()).config) is not None
        except RPCError as error:
            # A server that cannot be asked cannot be told either.
            return False if error.status is RPCStatusCode.UNIMPLEMENTED else None

    async def _described(self) -> DescribeTaskQueueResponse:
        request = DescribeTaskQueueRequest(
            namespace=self._client.namespace,
            task_queue=TaskQueue(name=self._queue),
            task_queue_type=_ACTIVITIES,
            report_config=True,
            report_stats=True,
        )
        return await answered(self._client.workflow_service.describe_task_queue(request), within=_TIMEOUT)

    def _shown(self, changed: float | None, *, backlog: int) -> Rates:
        limit = self._setting if changed is None else changed
        return Rates(
            images_per_minute=Rate(
                limit=limit,
                source=RateSource.SETTING if changed is None else RateSource.CHANGED,
                burst=None if limit is None else burst_of(limit),
                backlog=backlog,
            )
        )


def _changed(config: TaskQueueConfig) -> float | None:
    """Return the limit a minute that somebody has set, None where nobody has."""
    if not config.queue_rate_limit.HasField("rate_limit"):
        return None
    per_minute = config.queue_rate_limit.rate_limit.requests_per_second * _SECONDS_A_MINUTE
    # It crosses the wire in 32 bits, which turn 50 into 49.999999.
    return float(f"{per_minute:.{_SIGNIFICANT_DIGITS}g}")


def _not_changed(error: RPCError) -> OutOfReachError:
    if error.status in (RPCStatusCode.UNIMPLEMENTED, RPCStatusCode.PERMISSION_DENIED):
        return OutOfReachError(
            "This Temporal server lets nobody change limits over this interface. Set RETAKES_IMAGES_PER_MINUTE and "
            "start the workers again."
        )
    return OutOfReachError("Temporal does not answer, so it is not certain that the limit was changed. Try again.")
