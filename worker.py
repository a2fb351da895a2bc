"""The worker process: composition root of workflows and activities."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any, Self

import uvloop
from temporalio.client import Client
from temporalio.worker import PollerBehaviorSimpleMaximum, Worker
from temporalio.worker._workflow_instance import _WorkflowLogicFlag
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.attempt import Attempts
from activities.callbacks import CallbackActivities
from activities.images import ImageActivities
from activities.ledger import LedgerWriter
from activities.records import RecordActivities
from activities.stories import StoryActivities
from providers.openai_client import openai_client
from providers.openai_images import OpenAIImages
from providers.openai_text import text_provider
from runtime.image_limit import ImageLimit, ImagesUnderLimit
from runtime.open_sessions import OUT_OF_REACH, OpenSessions, RememberingRunner
from runtime.prices import load_prices
from runtime.settings import Settings
from runtime.temporal import connect_patiently, ensure_search_attributes, sdk_runtime
from runtime.told_by_tasks import ToldByTasks
from runtime.webhook_secret import webhook_secret
from service.gate import SessionGate
from service.rates import ImageRates
from sessions.money import microdollars
from sessions.ports import (
    ArtifactStore,
    AttemptRecords,
    Gate,
    ImageProvider,
    ReferenceStore,
    StoryFiles,
    TextProvider,
)
from sessions.pricing import PriceTable
from sessions.wire import TASK_QUEUE, callbacks_queue, images_queue, records_queue
from storage.artifacts import StoredArtifacts
from storage.files import StoredFiles
from storage.objects import Objects
from storage.records.database import Database
from storage.records.repository import Records
from storage.spool import SpooledArtifacts
from storage.uploads import UploadedPictures
from webhooks.sender import WebhookSender
from workflows.callback_delivery import CallbackDelivery
from workflows.image_session import ImageSession
from workflows.story_session import StorySession

WORKFLOWS = (ImageSession, StorySession, CallbackDelivery)

# Deterministic, so they need no fresh import for every workflow, which would double its latency. The strict policy
# wants `workflows` named as well, since its modules import each other; what that takes from the sandbox a test gives
# back, which replays every recorded history with our workflow code inside.
_PASSED_THROUGH = ("sessions", "activities", "workflows", "pydantic", "pydantic_core", "annotated_types")

_MOST_ITEMS_STARTED_AT_ONCE = 20
_RECORDED_AT_ONCE = 10
_SESSIONS_IN_MEMORY = 1000  # 0.2 MB each
_SESSIONS_COUNTED_EVERY = timedelta(milliseconds=250)
_IDLE_SESSION = timedelta(seconds=10)
_CALLED_AT_ONCE = 20
_SECONDS_A_MINUTE = 60
STICKY_PATIENCE = timedelta(seconds=3)
_WORKFLOW_POLLS = 20
_POLLS_FOR_ANY_WORKER = 0.5
_LONGEST_HEARTBEAT_DELAY = timedelta(milliseconds=50)
_PATIENCE_WITH_TEMPORAL = timedelta(seconds=60)

_logger = logging.getLogger("retakes.worker")


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the sandbox of workflow code. Strict: an import that nobody meant to pass through is an error."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
    return SandboxedWorkflowRunner(
        restrictions=restrictions.with_import_notification_policy(
            SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
            | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
        )
    )


class SessionWorker:
    """Makes what sessions ask for, and beside it, with room of its own, writes them down.

    Attempts can fill a worker for a quarter of an hour while a provider asks to wait; what has settled meanwhile
    must not stand in their queue to be recorded. Images that wait for a limit don't stand in the way of texts.
    Whether there is a limit or not, every worker serves the images' queue, so that nothing on it is ever left there.
    """

    def __init__(
        self,
        *,
        records: Worker,
        callbacks: Worker,
        images: Worker,
        sessions: Worker,
        limit: ImageLimit,
        open_sessions: OpenSessions,
    ) -> None:
        self.open_sessions = open_sessions
        self._parts = (limit, records, callbacks, images, sessions, open_sessions)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            for part in self._parts:
                await starting.enter_async_context(part)
            self._running = starting.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._running.aclose()


def build_worker(
    client: Client,
    *,
    artifacts: ArtifactStore,
    records: AttemptRecords,
    ledger: LedgerWriter,
    images: ImageProvider,
    references: ReferenceStore,
    texts: TextProvider,
    files: StoryFiles,
    callbacks: CallbackActivities,
    prices: PriceTable,
    gate: Gate,
    concurrency: int = 20,
    images_per_minute: float | None = None,
    grace: timedelta = timedelta(),
    task_queue: str = TASK_QUEUE,
) -> SessionWorker:
    """Return a worker for every kind of session.

    Args:
        client: connected to Temporal, with the pydantic data converter.
        concurrency: activities that run at the same time; as many again of images under a limit.
        images_per_minute: limit on image starts over all workers; each of them must name the same. None: only the
            one that somebody sets while the product runs.
        grace: how long a stopping worker lets attempts finish before it cuts them off.
        task_queue: another queue than the product's own, for tests.
    """
    attempts = Attempts(
        artifacts=artifacts, ledger=ledger, prices=prices, gate=gate, worker=f"{socket.gethostname()}:{os.getpid()}"
    )
    recording = RecordActivities(records)
    picturing = ImageActivities(attempts=attempts, provider=images, references=references, artifacts=artifacts)
    writing = StoryActivities(attempts=attempts, provider=texts, artifacts=artifacts, files=files)
    limit = ImageLimit(
        is_set=images_per_minute is not None,
        is_changed=ImageRates(client, setting=images_per_minute, task_queue=task_queue).is_changed,
    )

    runner = RememberingRunner(ToldByTasks(workflow_runner()))

    def making(
        queue: str,
        *,
        activities: Sequence[Callable[..., Any]],
        workflows: Sequence[type] = (),
        starts_per_second: float | None = None,
    ) -> Worker:
        worker = Worker(
            client,
            task_queue=queue,
            workflows=workflows,
            activities=activities,
            workflow_runner=runner,
            interceptors=[ImagesUnderLimit(limit)],
            max_concurrent_activities=concurrency,
            max_task_queue_activities_per_second=starts_per_second,
            # A whole image set starts with the workflow task that plans it, without a way through the task queue.
            max_eager_activity_reservations_per_workflow_task=_MOST_ITEMS_STARTED_AT_ONCE,
            # A poll brings one task, and of the sessions that no worker holds the server hands out questions before
            # tasks: with the SDK's one poll for both, a dozen questions a second can keep sessions from being taken up.
            workflow_task_poller_behavior=PollerBehaviorSimpleMaximum(_WORKFLOW_POLLS),
            nonsticky_to_sticky_poll_ratio=_POLLS_FOR_ANY_WORKER,
            # A worker that was killed keeps its sessions to itself for so long; who steers one of them waits.
            sticky_queue_schedule_to_start_timeout=STICKY_PATIENCE,
            # At its own bound the SDK can lose a session's task for good; runtime/open_sessions.py keeps ours instead.
            max_cached_workflows=OUT_OF_REACH,
            # The SDK holds back what follows soon on another heartbeat, by default for most of their timeout. But what
            # an attempt tells at once has to be known before it is paid for; activities/heartbeat.py sets the pace.
            max_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
            default_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
            graceful_shutdown_timeout=grace,
        )
        if workflows:
            hear_everything_first(worker)
        return worker

    sessions = making(
        task_queue,
        activities=[picturing.generate, writing.write_outline, writing.write_outline_part, writing.write_set],
        workflows=WORKFLOWS,
    )
    return SessionWorker(
        records=Worker(
            client,
            task_queue=records_queue(task_queue),
            activities=[recording.record, recording.report_round],
            max_concurrent_activities=_RECORDED_AT_ONCE,
            graceful_shutdown_timeout=grace,
        ),
        callbacks=Worker(
            client,
            task_queue=callbacks_queue(task_queue),
            activities=[callbacks.deliver],
            max_concurrent_activities=_CALLED_AT_ONCE,
            graceful_shutdown_timeout=grace,
        ),
        images=making(
            images_queue(task_queue),
            activities=[picturing.generate],
            starts_per_second=images_per_minute and images_per_minute / _SECONDS_A_MINUTE,
        ),
        sessions=sessions,
        open_sessions=OpenSessions(
            sessions,
            runner=runner,
            most=_SESSIONS_IN_MEMORY,
            idle_for=_IDLE_SESSION,
            look_every=_SESSIONS_COUNTED_EVERY,
        ),
        limit=limit,
    )


def hear_everything_first(worker: Worker) -> None:
    """Have workflow code act on what a workflow task brings only when it has heard all of it.

    A worker that takes a session over may be handed an update together with what had ended before it. By default the
    SDK lets the update's effects go first there, and in every replay the other way round: a session could no longer
    be replayed, and stood still (temporalio/sdk-python#1591). The SDK has the cure behind a flag that it will turn on
    by itself in a later release; histories hold the flag, so those without it replay as they were. There is no
    public way to turn it on.
    """
    worker._set_default_workflow_logic_flag(
        _WorkflowLogicFlag.PROCESS_WORKFLOW_ACTIVATION_JOBS_AS_SINGLE_BATCH, enabled=True
    )


def main(settings: Settings) -> None:
    """Run a worker until it is asked to end (SIGTERM or SIGINT); attempts under way get the grace to finish."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    secret = webhook_secret(settings)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    client = await connect_patiently(
        settings,
        patience=_PATIENCE_WITH_TEMPORAL,
        runtime=sdk_runtime(settings),
        prepare=ensure_search_attributes,
    )
    database = Database(settings.database_url.get_secret_value())
    records = Records(database)
    ledger = LedgerWriter(records)
    provider = openai_client(
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        longest_silence=settings.attempt_timeout,
    )
    objects = Objects(settings.artifacts_url)
    artifacts = SpooledArtifacts(StoredArtifacts(objects), folder=settings.spool_dir)
    worker = build_worker(
        client,
        artifacts=artifacts,
        records=records,
        ledger=ledger,
        images=OpenAIImages(provider),
        references=UploadedPictures(objects),
        texts=text_provider(provider, api=settings.text_api, background=settings.text_background),
        files=StoredFiles(objects),
        callbacks=CallbackActivities(
            sender=WebhookSender(secret=secret, allow_private=settings.webhook_allow_private), deliveries=records
        ),
        prices=load_prices(settings.prices_file),
        gate=SessionGate(
            client,
            spending=records,
            monthly_microdollars=None
            if settings.monthly_budget_usd is None
            else microdollars(settings.monthly_budget_usd),
        ),
        concurrency=settings.concurrency,
        images_per_minute=settings.images_per_minute,
        grace=settings.attempt_shutdown_grace,
    )
    try:
        async with artifacts, worker:
            _logger.info("the worker is ready")
            await stopping.wait()
            _logger.info("the worker is ending")
    finally:
        await ledger.close()
        await provider.close()
        await database.close()
