"""Whether Temporal and a worker are ready, as `retakes up` asks them."""

from datetime import timedelta
from typing import Final

from temporalio.api.enums.v1 import TaskQueueType
from temporalio.api.taskqueue.v1 import TaskQueue
from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest
from temporalio.client import Client
from temporalio.service import RPCError

from runtime.settings import Settings
from runtime.supervisor import StartFailed
from runtime.temporal import connect, connect_patiently, ensure_retention, ensure_search_attributes
from sessions.wire import TASK_QUEUE

_ANSWER_WITHIN: Final = timedelta(seconds=2)
_PATIENCE: Final = timedelta(seconds=30)
_KINDS: Final = (TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY)


class TemporalReadiness:
    """Asks one Temporal server, over one connection."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client: Client | None = None

    async def prepare_external(self) -> None:
        """Wait for a server that someone else runs, and register what sessions are found by.

        Raises:
            SettingsError: Temporal's own settings can't be used.
            StartFailed: the server does not answer, or refuses.
        """
        try:
            self._client = await connect_patiently(self._settings, patience=_PATIENCE, prepare=ensure_search_attributes)
        except (RuntimeError, RPCError) as error:  # RuntimeError is how the SDK says that it can't connect
            place = self._settings.temporal_address or "the address of its profile"
            raise StartFailed(f"Temporal at {place} can't be used: {error}") from error

    async def serves(self, _pid: int) -> bool:
        """Tell whether the embedded server answers; from then on it keeps closed sessions for long enough."""
        try:
            self._client = self._client or await connect(self._settings)
            await ensure_retention(self._client)
        except (RuntimeError, RPCError):
            return False
        return True

    async def has_worker(self, pid: int) -> bool:
        """Tell whether a process of this machine asks the server for workflows and for activities to run."""
        if self._client is None:
            return False
        try:
            return all([await self._is_polled(kind, pid=pid) for kind in _KINDS])
        except RPCError:
            return False

    async def _is_polled(self, kind: TaskQueueType.ValueType, *, pid: int) -> bool:
        assert self._client is not None  # noqa: S101 - checked by the caller
        described = await self._client.workflow_service.describe_task_queue(
            DescribeTaskQueueRequest(
                namespace=self._client.namespace, task_queue=TaskQueue(name=TASK_QUEUE), task_queue_type=kind
            ),
            timeout=_ANSWER_WITHIN,
        )
        # The SDK's identity of a client is pid@host, unless a process chooses another.
        return any(poller.identity.startswith(f"{pid}@") for poller in described.pollers)
