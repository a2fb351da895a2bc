"""What happens to one item stays with it, and the session's status is exact."""

from datetime import timedelta

import pytest
from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowExecutionStatus
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner

from sessions.attempts import AttemptLimits
from sessions.errors import ErrorClass
from sessions.images import ImageSessionRequest, Product
from sessions.statuses import ItemStatus, SessionStatus
from tests.support.eventually import eventually
from tests.support.history import of_type
from tests.support.scripted import Gate, broken, forbidden, refused
from tests.support.workflow_environment import Studio, image_input
from tests.workflows.broken_session import BrokenSession
from worker import workflow_runner

pytestmark = pytest.mark.asyncio(loop_scope="session")

LABELS = ("Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison")


async def test_a_session_with_finished_and_failed_items_is_partial(studio: Studio) -> None:
    """At least one complete and at least one failed make a partial session, which stays open for a retry."""
    studio.provider.script("Lifestyle", forbidden())
    studio.provider.script("Comparison", *[broken() for _ in range(3)])
    session = await studio.start()
    view = await session.settled()

    assert SessionStatus.PARTIAL is view.status
    assert (3, 2) == (view.counts.complete, view.counts.failed)
    assert ("lifestyle", "comparison") == view.retry_info.failed_items
    assert view.retry_info.can_retry
    assert view.closed_at is None


async def test_a_session_without_any_finished_item_has_failed(studio: Studio) -> None:
    """When nothing could be made, the session has failed; its message says what failed, why, and what to do."""
    for label in LABELS:
        studio.provider.script(label, forbidden())
    session = await studio.start()
    view = await session.settled()

    assert SessionStatus.FAILED is view.status
    assert (
        "No image could be made. main, infographic_1, infographic_2 and 2 more failed after 1 attempt: "
        "The key is not valid. Set OPENAI_API_KEY to a valid key. Retry makes what failed again."
    ) == view.message


async def test_a_session_is_never_partial_while_an_item_is_open(studio: Studio) -> None:
    """With failures and results on the table, the session goes on being processed until its last item ends."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start()
    view = await session.until(lambda view: view.counts.failed == 1 and view.counts.complete == 3)

    assert SessionStatus.PROCESSING is view.status
    assert view.settled_at is None
    gate.opened.set()
    assert SessionStatus.PARTIAL is (await session.settled()).status


async def test_an_item_that_waits_for_its_next_attempt_keeps_the_session_open(studio: Studio) -> None:
    """Between two attempts an item is being processed, not failed."""
    studio.provider.script("Lifestyle", broken())
    with studio.environment.auto_time_skipping_disabled():
        session = await studio.start()
        await eventually(lambda: len(studio.records.entries) == 5 and not _is_running(studio))
        view = await session.view()

        assert SessionStatus.PROCESSING is view.status
        assert ItemStatus.PROCESSING is next(item.status for item in view.items if item.key == "lifestyle")


async def test_a_failing_item_never_disturbs_another(studio: Studio) -> None:
    """The others are made with one call each, whatever happens beside them."""
    studio.provider.script("Lifestyle", refused(), broken(), refused())
    session = await studio.start()
    await session.settled()

    assert {"Lifestyle": 3} | dict.fromkeys(set(LABELS) - {"Lifestyle"}, 1) == {
        label: studio.provider.count(label) for label in LABELS
    }
    state = await session.state()
    assert {(ItemStatus.COMPLETE, 1)} == {
        (item.status, item.attempt) for item in state.items if item.key != "lifestyle"
    }


async def test_an_unexpected_exception_in_an_attempt_is_contained(studio: Studio) -> None:
    """A fault of our own costs one item its attempts, says so, and tells no prompt; the others are made."""
    studio.provider.script("Lifestyle", *[ZeroDivisionError("division by zero") for _ in range(3)])
    session = await studio.start()
    view = await session.settled()
    error = next(item.error for item in view.items if item.key == "lifestyle")

    assert (4, 1) == (view.counts.complete, view.counts.failed)
    assert error is not None
    assert ErrorClass.TRANSIENT is error.type
    assert "ZeroDivisionError" in error.message
    assert error.advice


async def test_a_passing_fault_of_our_own_is_retried(studio: Studio) -> None:
    """An unexpected exception counts like any failure that may pass: the next attempt is made."""
    studio.provider.script("Lifestyle", KeyError("surprise"))
    session = await studio.start()
    state = await session.result()

    assert (ItemStatus.COMPLETE, 2) == (state.item("lifestyle").status, state.item("lifestyle").attempt)


async def test_a_store_that_cannot_be_read_fails_only_the_items_it_keeps(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The item ends with all its attempts counted and a reason; the others are complete."""

    async def find(self: object, key: str) -> None:
        if "/lifestyle/" in key:
            raise PermissionError("no access to the folder")

    monkeypatch.setattr("tests.support.memory.MemoryArtifacts.find", find)
    session = await studio.start(
        image_input(
            ImageSessionRequest(product=Product(title="Steel bottle"), max_attempts=2),
            limits=AttemptLimits(storage_patience=timedelta()),
        )
    )
    view = await session.settled()
    item = next(item for item in view.items if item.key == "lifestyle")

    assert (4, 1) == (view.counts.complete, view.counts.failed)
    assert 2 == item.attempt
    assert item.error is not None
    assert "cannot be read" in item.error.message


async def test_a_bug_in_workflow_code_is_not_swallowed(real_server: WorkflowEnvironment) -> None:
    """An exception that is no failure of an activity fails the workflow task: the session waits for a mended worker."""
    start = image_input()
    client = real_server.client
    runner = SandboxedWorkflowRunner(workflow_runner().restrictions.with_passthrough_modules("tests"))
    async with Worker(client, task_queue="broken", workflows=[BrokenSession], workflow_runner=runner):
        handle = await client.start_workflow(BrokenSession.run, start, id=start.state.id, task_queue="broken")

        async def task_failures() -> list[str]:
            failed = of_type(await handle.fetch_history(), EventType.EVENT_TYPE_WORKFLOW_TASK_FAILED)
            return [event.workflow_task_failed_event_attributes.failure.message for event in failed]

        messages = await eventually(task_failures)
        assert "a bug in workflow code" in messages[0]
        assert WorkflowExecutionStatus.RUNNING is (await handle.describe()).status
        await handle.terminate()


def _is_running(studio: Studio) -> bool:
    return any(entry.ended_at is None for entry in studio.records.entries.values())
