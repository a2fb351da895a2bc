"""The end of the retry window, and going on after it."""

from datetime import UTC, datetime, timedelta

import pytest
from temporalio.client import WorkflowExecutionStatus

from sessions.images import ImageSessionInput
from sessions.state import SessionState, items_retried
from sessions.statuses import ItemStatus, SessionStatus
from tests.support.scripted import forbidden, refused
from tests.support.workflow_environment import Studio, image_input

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def _closed_partial(studio: Studio, start: ImageSessionInput) -> SessionState:
    studio.provider.script("Lifestyle", *[refused() for _ in range(3)])
    session = await studio.start(start)
    return await session.result()


def _retried(start: ImageSessionInput, manifest: SessionState) -> ImageSessionInput:
    """Return the input by which a closed session is started again."""
    state = items_retried(manifest, notes={"lifestyle": None}, max_attempts=None, now=datetime.now(UTC))
    return start.model_copy(update={"state": state})


async def test_a_session_that_nobody_retries_closes_with_its_manifest(studio: Studio) -> None:
    """After the window a partial session completes, it does not fail; its result holds every item as it stands."""
    start = image_input(retry_window=timedelta(days=7))
    manifest = await _closed_partial(studio, start)
    description = await studio.environment.client.get_workflow_handle(start.state.id).describe()

    assert WorkflowExecutionStatus.COMPLETED is description.status
    assert SessionStatus.PARTIAL is manifest.status
    assert manifest.closed_at is not None
    assert manifest.settled_at is not None
    assert timedelta(days=7) <= manifest.closed_at - manifest.settled_at < timedelta(days=7, minutes=1)
    assert {True} == {item.artifact is not None for item in manifest.items if item.key != "lifestyle"}
    assert manifest == studio.records.states[start.state.id]


async def test_a_session_in_which_all_failed_completes_too(studio: Studio) -> None:
    """Only a bug fails a workflow; a session without a single image is a result like any other."""
    for label in ("Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison"):
        studio.provider.script(label, forbidden())
    start = image_input()
    session = await studio.start(start)
    manifest = await session.result()

    assert (SessionStatus.FAILED, WorkflowExecutionStatus.COMPLETED) == (
        manifest.status,
        (await session.handle.describe()).status,
    )


async def test_a_retry_starts_the_window_anew(studio: Studio) -> None:
    """Each round that ends with failures stays open for the whole window again."""
    start = image_input(retry_window=timedelta(hours=2))
    studio.provider.script("Lifestyle", forbidden(), forbidden())
    session = await studio.start(start)
    settled = (await session.settled()).settled_at
    await studio.environment.sleep(timedelta(hours=1))
    await session.retry()
    manifest = await session.result()

    assert settled is not None
    assert manifest.settled_at is not None
    assert manifest.closed_at is not None
    assert timedelta(hours=1) <= manifest.settled_at - settled
    assert timedelta(hours=2) <= manifest.closed_at - manifest.settled_at


async def test_a_closed_session_goes_on_from_its_manifest(studio: Studio) -> None:
    """Started again under its id, a session makes what failed and nothing else; attempts go on counting."""
    start = image_input()
    manifest = await _closed_partial(studio, start)
    session = await studio.start(_retried(start, manifest))
    state = await session.result()

    assert (SessionStatus.COMPLETE, 2) == (state.status, state.round)
    assert 4 == state.item("lifestyle").attempt
    assert {1} == {item.attempt for item in state.items if item.key != "lifestyle"}
    assert 1 == studio.provider.count("Main image")
    assert [1, 2, 3, 4] == [entry.attempt for entry in studio.records.ledger("lifestyle")]


async def test_what_is_seen_of_a_session_never_counts_backwards(studio: Studio) -> None:
    """The revision of a session that goes on is above that of its manifest."""
    start = image_input()
    manifest = await _closed_partial(studio, start)
    again = _retried(start, manifest)
    assert manifest.revision < again.state.revision
    session = await studio.start(again)
    state = await session.result()

    assert again.state.revision < state.revision
    assert manifest.created_at == state.created_at
    assert {ItemStatus.COMPLETE} == {item.status for item in state.items}
