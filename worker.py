"""The worker process: composition root of workflows and activities."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from datetime import timedelta

from temporalio.client import Client
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import SandboxImportNotificationPolicy

from activities.attempt import Attempts
from activities.images import ImageActivities
from activities.ledger import LedgerWriter
from activities.records import RecordActivities
from sessions.ports import ArtifactStore, AttemptRecords, ImageProvider, ReferenceStore
from sessions.pricing import PriceTable
from sessions.wire import TASK_QUEUE
from workflows.image_session import ImageSession

WORKFLOWS = (ImageSession,)

# Deterministic through and through, so they need no fresh import for every workflow: that would double its latency.
_PASSED_THROUGH = ("sessions", "activities", "workflows", "pydantic", "pydantic_core", "annotated_types")

_MOST_ITEMS_STARTED_AT_ONCE = 20
_LONGEST_HEARTBEAT_DELAY = timedelta(seconds=3)


def workflow_runner() -> SandboxedWorkflowRunner:
    """Return the sandbox of workflow code. Strict: an import that nobody meant to pass through is an error."""
    restrictions = SandboxRestrictions.default.with_passthrough_modules(*_PASSED_THROUGH)
    return SandboxedWorkflowRunner(
        restrictions=restrictions.with_import_notification_policy(
            SandboxImportNotificationPolicy.WARN_ON_DYNAMIC_IMPORT
            | SandboxImportNotificationPolicy.RAISE_ON_UNINTENTIONAL_PASSTHROUGH
        )
    )


def build_worker(
    client: Client,
    *,
    artifacts: ArtifactStore,
    records: AttemptRecords,
    ledger: LedgerWriter,
    provider: ImageProvider,
    references: ReferenceStore,
    prices: PriceTable,
    concurrency: int = 20,
    grace: timedelta = timedelta(),
    task_queue: str = TASK_QUEUE,
) -> Worker:
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
    images = ImageActivities(attempts=attempts, provider=provider, references=references)
    return Worker(
        client,
        task_queue=task_queue,
        workflows=WORKFLOWS,
        activities=[images.generate, RecordActivities(records).record],
        workflow_runner=workflow_runner(),
        max_concurrent_activities=concurrency,
        # A whole image set starts with the workflow task that plans it, without a way through the task queue.
        max_eager_activity_reservations_per_workflow_task=_MOST_ITEMS_STARTED_AT_ONCE,
        # The default would hold heartbeats back for most of their timeout, and a cancel arrives with a heartbeat.
        max_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
        default_heartbeat_throttle_interval=_LONGEST_HEARTBEAT_DELAY,
        graceful_shutdown_timeout=grace,
    )
