"""Real Temporal servers for tests, and a studio on them: a worker with its ports in memory, and its sessions."""

import asyncio
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowHandle,
    WorkflowHistory,
    WorkflowQueryFailedError,
)
from temporalio.common import WorkflowIDReusePolicy
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import WorkflowEnvironment

from activities.callbacks import CallbackActivities
from activities.ledger import LedgerWriter
from runtime.temporal import SEARCH_ATTRIBUTES, ensure_search_attributes
from runtime.temporal_server import DYNAMIC_CONFIG
from service.gate import SessionGate
from service.kinds import WORKFLOWS
from service.labels import priority, search_attributes, summary
from sessions.artifacts import Artifact, Made, Receipt
from sessions.attempts import AttemptLimits, SessionInput
from sessions.commands import Accepted, RetryRequest
from sessions.identifiers import DEFAULT_TENANT, artifact_key, new_session_id
from sessions.images import ImageSessionInput, ImageSessionRequest, Product, image_items
from sessions.items import new_items
from sessions.ports import ImageProvider
from sessions.pricing import ModelPrice, PriceTable
from sessions.scripts import Document, as_bytes
from sessions.state import SessionState
from sessions.statuses import SessionKind
from sessions.steering import OutlineApproval
from sessions.stories import (
    SETS_STAGE,
    StoryPlan,
    StorySessionInput,
    StorySessionRequest,
    story_items,
    working_title,
)
from sessions.view import SessionView
from sessions.wire import APPROVE_OUTLINE_UPDATE, RETRY_SIGNAL, RETRY_UPDATE, SESSION_QUERY, STATE_QUERY
from tests.support.callbacks import MemoryDeliveries, ScriptedSender
from tests.support.eventually import eventually
from tests.support.memory import MemoryArtifacts, MemoryFiles, MemoryRecords, MemoryReferences, MemorySpending
from tests.support.scripted import ScriptedImages
from tests.support.written import ScriptedTexts
from worker import SessionWorker, build_worker

# Not resolved: in a virtual environment the programs lie beside the link to Python, not beside what it points to.
_PROGRAMS = Path(sys.executable).parent

_CLOSING_PATIENCE = timedelta(seconds=5)
_STEP = timedelta(milliseconds=250)

PRICES = PriceTable(as_of=date(2026, 11, 1), models={}, fallback=ModelPrice(text_input=5, image_input=8, output=30))


async def start_time_skipping_server() -> WorkflowEnvironment:
    """Start Temporal's test server: its clock jumps over every wait in which no activity runs."""
    environment = await WorkflowEnvironment.start_time_skipping(
        test_server_existing_path=str(_PROGRAMS / "temporal-test-server"), data_converter=pydantic_data_converter
    )
    # It can't list what is registered, so the product's own check does not get as far as registering anything.
    await environment.client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(namespace=environment.client.namespace, search_attributes=SEARCH_ATTRIBUTES)
    )
    return environment


async def start_development_server(*, identity: str | None = None) -> WorkflowEnvironment:
    """Start the server that `retakes up` runs, in memory. Its clock is the real one.

    Args:
        identity: what histories call the client and its workers; process and host when left out.
    """
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=str(_PROGRAMS / "temporal"),
        dev_server_extra_args=[argument for value in DYNAMIC_CONFIG for argument in ("--dynamic-config-value", value)],
        data_converter=pydantic_data_converter,
        identity=identity,
    )
    await ensure_search_attributes(environment.client)
    return environment


def image_input(
    request: ImageSessionRequest | None = None,
    *,
    limits: AttemptLimits = AttemptLimits(),  # noqa: B008 - frozen, so it can't change between calls
    retry_window: timedelta = timedelta(hours=1),
) -> ImageSessionInput:
    """Return the input of a new image session, of the five seed images unless a request says otherwise."""
    asked = request or ImageSessionRequest(product=Product(title="Steel bottle"))
    now = datetime.now(UTC)
    state = SessionState(
        id=new_session_id(),
        kind=SessionKind.IMAGES,
        tenant=DEFAULT_TENANT,
        title=asked.product.title,
        items=new_items(image_items(asked), max_attempts=asked.max_attempts),
        max_attempts=asked.max_attempts,
        created_at=now,
        updated_at=now,
    )
    return ImageSessionInput(
        state=state,
        request=asked,
        model="gpt-image-2",
        limits=limits,
        retry_window=retry_window,
        worst_case_microdollars=7,
    )


def story_input(
    request: StorySessionRequest | None = None,
    *,
    limits: AttemptLimits = AttemptLimits(),  # noqa: B008 - frozen, so it can't change between calls
    retry_window: timedelta = timedelta(hours=1),
    plan: StoryPlan | None = None,
) -> StorySessionInput:
    """Return the input of a new story session, of three sets of two segments unless a request says otherwise."""
    asked = request or StorySessionRequest(idea="Two keepers of a light.", total_segments=6, segments_per_set=2)
    divided = plan or asked.plan
    now = datetime.now(UTC)
    state = SessionState(
        id=new_session_id(),
        kind=SessionKind.STORY,
        tenant=DEFAULT_TENANT,
        title=working_title(asked.idea),
        items=story_items(divided, max_attempts=asked.max_attempts),
        max_attempts=asked.max_attempts,
        approval_before_stage=SETS_STAGE if asked.approve_outline else None,
        created_at=now,
        updated_at=now,
    )
    return StorySessionInput(
        state=state,
        request=asked,
        plan=divided,
        model="gpt-6-luna",
        limits=limits,
        retry_window=retry_window,
        worst_case_microdollars=7,
    )


class RunningSession:
    """A session that a test has started."""

    def __init__(self, handle: WorkflowHandle[object, SessionState], *, environment: WorkflowEnvironment) -> None:
        self.handle = handle
        self._environment = environment

    async def view(self) -> SessionView:
        """Return the answer of the query `session`."""
        return SessionView.model_validate(await self.handle.query(SESSION_QUERY, result_type=SessionView))

    async def state(self) -> SessionState:
        """Return the answer of the query `state`."""
        return SessionState.model_validate(await self.handle.query(STATE_QUERY, result_type=SessionState))

    async def until(self, holds: Callable[[SessionView], bool]) -> SessionView:
        """Let time pass, skipped where the server can, until something holds of the session."""

        async def probe() -> SessionView | None:
            with suppress(WorkflowQueryFailedError):  # asked ahead of its workflow task
                view = await self.view()
                if holds(view):
                    return view
            if self._environment.supports_time_skipping:
                await self._environment.sleep(_STEP)
            return None

        return await eventually(probe, interval=timedelta(milliseconds=5), timeout=timedelta(seconds=30))

    async def settled(self) -> SessionView:
        """Let time pass until the session has settled."""
        return await self.until(lambda view: view.status.is_settled)

    async def retry(self, request: RetryRequest | None = None) -> Accepted:
        """Retry by update."""
        return await self.steer(RETRY_UPDATE, request)

    async def steer(self, update: str, body: object = None) -> Accepted:
        """Send an update by its name, with a body where it takes one: as anybody could with Temporal's own tools."""
        arguments = [] if body is None else [body]

        async def accepted() -> Accepted | None:
            try:
                answer = await self.handle.execute_update(update, args=arguments, result_type=Accepted)
            except RPCError as error:
                if error.status is RPCStatusCode.FAILED_PRECONDITION:
                    return None  # it came between two runs of the workflow, and was not obeyed
                raise
            return Accepted.model_validate(answer)

        return await eventually(accepted)

    async def approve(self, approval: OutlineApproval | None = None) -> None:
        """Let a story go on that waits for its outline to be approved."""
        await self.handle.execute_update(APPROVE_OUTLINE_UPDATE, approval or OutlineApproval())

    async def count_runs(self) -> int:
        """Return how many runs the session's workflow has taken; the server lists them a moment after the fact."""
        client = self._environment.client
        query = f"WorkflowId = '{self.handle.id}'"

        async def listed() -> int | None:
            statuses = [run.status async for run in client.list_workflows(query)]
            return len(statuses) if WorkflowExecutionStatus.COMPLETED in statuses else None

        return await eventually(listed)

    async def signal_retry(self, request: RetryRequest | None = None) -> None:
        """Retry by signal."""
        await self.handle.signal(RETRY_SIGNAL, args=[request] if request else [])

    async def result(self) -> SessionState:
        """Return the state with which the workflow closes; time is skipped up to there."""
        if not self._environment.supports_time_skipping:
            return await self.handle.result()
        # Left to itself the server skips without bounds while it waits for a result: if the worker is slow in that
        # moment, it jumps past everything, to the end of all workflows. So its clock is moved on step by step.
        with self._environment.auto_time_skipping_disabled():
            step = _STEP
            await self.settled()
            while (await self.handle.describe()).status is WorkflowExecutionStatus.RUNNING:
                await self._environment.sleep(step)
                step *= 2
            return await self.handle.result()

    async def is_closing(self) -> bool:
        """Whether the session has come to its end, although what is left to write down may keep it open."""
        return (await self.view()).closed_at is not None

    async def is_at_rest(self) -> bool:
        """Whether nothing of the session is in anybody's hands: no item, no record, no workflow task."""
        now = (await self.handle.describe()).raw_description
        return not now.pending_activities and not now.HasField("pending_workflow_task")

    async def is_to_stop(self) -> bool:
        """Whether an attempt is to be stopped and, as far as the server knows, has not heard of it yet."""
        now = (await self.handle.describe()).raw_description
        requested = PendingActivityState.PENDING_ACTIVITY_STATE_CANCEL_REQUESTED
        return requested in {activity.state for activity in now.pending_activities}

    def of(self, workflow_id: str) -> "RunningSession":
        """Return another workflow that the session has started."""
        handle: WorkflowHandle[object, SessionState] = self._environment.client.get_workflow_handle(workflow_id)
        return RunningSession(handle, environment=self._environment)

    def first_run(self) -> "RunningSession":
        """Return the session's first run alone."""
        client = self._environment.client
        handle: WorkflowHandle[object, SessionState] = client.get_workflow_handle(
            self.handle.id, run_id=self.handle.first_execution_run_id
        )
        return RunningSession(handle, environment=self._environment)

    async def history(self) -> WorkflowHistory:
        """Return what the server has written down."""
        return await self.handle.fetch_history()


class Studio:
    """A worker with ports in memory on a task queue of its own, and the sessions that a test starts on it."""

    def __init__(self, environment: WorkflowEnvironment) -> None:
        self.environment = environment
        self.records = MemoryRecords()
        self.artifacts = MemoryArtifacts()
        self.provider = ScriptedImages()
        self.references = MemoryReferences()
        self.texts = ScriptedTexts()
        self.files = MemoryFiles()
        self.sender = ScriptedSender()
        self.deliveries = MemoryDeliveries()
        self.spending = MemorySpending()
        self.monthly: int | None = None
        self.ledger = LedgerWriter(self.records)
        self.task_queue = f"studio-{uuid.uuid4().hex}"
        self._sessions: list[RunningSession] = []

    def worker(
        self,
        *,
        grace: timedelta = timedelta(),
        provider: ImageProvider | None = None,
        concurrency: int = 20,
        images_per_minute: float | None = None,
        client: Client | None = None,
    ) -> SessionWorker:
        """Return the product's worker on this studio's ports, or with another provider or way to the server."""
        return build_worker(
            client or self.environment.client,
            artifacts=self.artifacts,
            records=self.records,
            ledger=self.ledger,
            images=provider or self.provider,
            references=self.references,
            texts=self.texts,
            files=self.files,
            callbacks=CallbackActivities(sender=self.sender, deliveries=self.deliveries),
            prices=PRICES,
            gate=SessionGate(self.environment.client, spending=self.spending, monthly_microdollars=self.monthly),
            concurrency=concurrency,
            images_per_minute=images_per_minute,
            grace=grace,
            task_queue=self.task_queue,
        )

    async def start(self, start: SessionInput | None = None) -> RunningSession:
        """Start a session as the product does: of the five seed images unless an input says otherwise."""
        asked = start or image_input()
        handle: WorkflowHandle[object, SessionState] = await self.environment.client.start_workflow(
            WORKFLOWS[asked.state.kind],
            asked,
            id=asked.state.id,
            task_queue=self.task_queue,
            id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
            search_attributes=search_attributes(asked.state),
            static_summary=summary(asked.state),
            priority=priority(asked.state),
            result_type=SessionState,
        )
        session = RunningSession(handle, environment=self.environment)
        self._sessions.append(session)
        return session

    async def keep(self, document: Document, *, session_id: str, item: str, attempt: int) -> Artifact:
        """Store a document as if an attempt had made it."""
        made = Made(data=as_bytes(document), media_type="application/json", model="a person")
        artifact = Artifact.of(made, attempt=attempt)
        key = artifact_key(session_id, item=item, attempt=attempt)
        await self.artifacts.put(key, data=made.data, receipt=Receipt(artifact=artifact, model=made.model))
        return artifact

    async def close(self) -> None:
        """End what still runs, while the worker can still bring it to its end.

        An open session would keep the next test's clock from jumping, and leave its coroutines as garbage.
        """
        self.records.is_down = self.artifacts.is_down = False
        self.files.is_down = False
        self.provider.open_gates()
        self.texts.open_gates()
        ending = asyncio.gather(*(self._end(session) for session in self._sessions), return_exceptions=True)
        try:
            await asyncio.wait_for(ending, timeout=_CLOSING_PATIENCE.total_seconds())
        except TimeoutError:
            for session in self._sessions:
                with suppress(RPCError):
                    await session.handle.terminate()
        await self.ledger.close()

    async def _end(self, session: RunningSession) -> None:
        if not self.environment.supports_time_skipping:  # there, its retry window is simply skipped
            await session.handle.cancel()
        await session.result()


@asynccontextmanager
async def opened_studio(environment: WorkflowEnvironment) -> AsyncIterator[Studio]:
    """Open a studio whose worker runs for as long as the block."""
    studio = Studio(environment)
    async with studio.worker():
        try:
            yield studio
        finally:
            await studio.close()
