"""The worker process: composition root of workflows and activities."""

import asyncio
import logging
import os
import signal
import socket
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Self

import uvloop
from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.attempt import Attempts
from activities.images import ImageActivities
from activities.ledger import LedgerWriter
from activities.records import RecordActivities
from activities.stories import StoryActivities
from providers.openai_client import openai_client
from providers.openai_images import OpenAIImages
from providers.openai_text import text_provider
from runtime.prices import load_prices
from runtime.settings import Settings
from runtime.temporal import connect_patiently, ensure_search_attributes, sdk_runtime
from sessions.ports import (
    ArtifactStore,
    AttemptRecords,
    ImageProvider,
    ReferenceStore,
    StoryFiles,
    TextProvider,
)
from sessions.pricing import PriceTable
from sessions.wire import TASK_QUEUE, records_queue
from storage.artifacts import StoredArtifacts
from storage.files import StoredFiles
from storage.objects import Objects
from storage.records.database import Database
from storage.records.repository import Records
from storage.uploads import UploadedPictures
from workflows.image_session import ImageSession
from workflows.story_session import StorySession

WORKFLOWS = (ImageSession, StorySession)

# Deterministic, so they need no fresh import for every workflow, which would double its latency. The strict policy
# wants `workflows` named as well, since its modules import each other; what that takes from the sandbox a test gives
# back, which replays every recorded history with our workflow code inside.
_PASSED_THROUGH = ("sessions", "activities", "workflows", "pydantic", "pydantic_core", "annotated_types")

_MOST_ITEMS_STARTED_AT_ONCE = 20
_RECORDED_AT_ONCE = 10
_LONGEST_HEARTBEAT_DELAY = timedelta(seconds=3)
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
    must not stand in their queue to be recorded.
    """

    def __init__(self, *, records: Worker, sessions: Worker) -> None:
        self._workers = (records, sessions)
        self._running = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as starting:
            for worker in self._workers:
                await starting.enter_async_context(worker)
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
    prices: PriceTable,
    concurrency: int = 20,
    grace: timedelta = timedelta(),
    task_queue: str = TASK_QUEUE,
) -> SessionWorker:
    """Return a worker for every kind of session.

    Args:
        client: connected to Temporal, with the pydantic data converter.
        concurrency: activities that run at the same time.
        grace: how long a stopping worker lets attempts finish before it cuts them off.
        task_queue: another queue than the product's own, for tests.
    """
    attempts = Attempts(
        artifacts=artifacts, ledger=ledger, prices=prices, worker=f"{socket.gethostname()}:{os.getpid()}"
    )
    picturing = ImageActivities(attempts=attempts, provider=images, references=references)
    writing = StoryActivities(attempts=attempts, provider=texts, artifacts=artifacts, files=files)
    return SessionWorker(
        records=Worker(
            client,
            task_queue=records_queue(task_queue),
            activities=[RecordActivities(records).record],
            max_concurrent_activities=_RECORDED_AT_ONCE,
            graceful_shutdown_timeout=grace,
        ),
        sessions=Worker(
            client,
            task_queue=task_queue,
            workflows=WORKFLOWS,
            activities=[
                picturing.generate,
                writing.write_outline,
                writing.write_outline_part,
                writing.write_set,
            ],
            workflow_runner=workflow_runner(),
            max_concurrent_activities=concurrency,
            # A whole image set starts with the workflow task that plans it, without a way through the task queue.
            max_eager_activity_reservations_per_workflow_task=_MOST_ITEMS_STARTED_AT_ONCE,
            # The default would hold heartbeats back for most of their timeout, and a cancel arrives with a heartbeat.
            max_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
            default_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
            graceful_shutdown_timeout=grace,
        ),
    )


def main(settings: Settings) -> None:
    """Run a worker until it is asked to end (SIGTERM or SIGINT); attempts under way get the grace to finish."""
    uvloop.run(_work(settings))


async def _work(settings: Settings) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    client = await connect_patiently(settings, patience=_PATIENCE_WITH_TEMPORAL, runtime=sdk_runtime(settings))
    await ensure_search_attributes(client)
    database = Database(settings.database_url.get_secret_value())
    records = Records(database)
    ledger = LedgerWriter(records)
    provider = openai_client(
        api_key=settings.openai_api_key.get_secret_value() if settings.openai_api_key else None,
        base_url=settings.openai_base_url,
        longest_silence=settings.attempt_timeout,
    )
    objects = Objects(settings.artifacts_url)
    worker = build_worker(
        client,
        artifacts=StoredArtifacts(objects),
        records=records,
        ledger=ledger,
        images=OpenAIImages(provider),
        references=UploadedPictures(objects),
        texts=text_provider(provider, api=settings.text_api),
        files=StoredFiles(objects),
        prices=load_prices(settings.prices_file),
        concurrency=settings.concurrency,
        grace=settings.attempt_shutdown_grace,
    )
    try:
        async with worker:
            _logger.info("the worker is ready")
            await stopping.wait()
            _logger.info("the worker is ending")
    finally:
        await ledger.close()
        await provider.close()
        await database.close()
