"""Calls that go on without their worker, from one worker to the next: paid for once, whatever happens to workers."""

from datetime import timedelta
from functools import partial

import pytest

from sessions.errors import ErrorClass
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from sessions.stories import OUTLINE, StorySessionInput, StorySessionRequest
from tests.support.eventually import eventually
from tests.support.workflow_environment import Studio, story_input
from tests.support.written import PendingText

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _told(studio: Studio, item: str = OUTLINE) -> list[tuple[int, AttemptStatus]]:
    return [(entry.attempt, entry.status) for entry in studio.records.ledger(item)]


def _is_taken_up(studio: Studio, *, times: int) -> bool:
    return len(studio.texts.taken_up) == times


def _story(*, max_attempts: int = 3) -> StorySessionInput:
    return story_input(
        StorySessionRequest(
            idea="Two keepers of a light.", total_segments=6, segments_per_set=2, max_attempts=max_attempts
        )
    )


async def test_a_call_outlives_the_worker_that_stops(real_studio: Studio) -> None:
    """With the only attempt that is allowed: a deployment costs neither an attempt nor money."""
    call = PendingText()
    studio = Studio(real_studio.environment)
    studio.texts.script(OUTLINE, call)
    async with studio.worker():
        session = await studio.start(_story(max_attempts=1))
        await eventually(lambda: studio.texts.pending)
    call.end()
    async with studio.worker():
        state = await session.result()

    assert (SessionStatus.COMPLETE, 1) == (state.status, state.item(OUTLINE).attempt)
    assert (1, [call.call.id], []) == (studio.texts.count(OUTLINE), studio.texts.taken_up, studio.texts.given_up)
    assert [(1, AttemptStatus.COMPLETE)] == _told(studio)
    assert 0 == state.spending.uncertain_microdollars
    assert state.item(OUTLINE).pending is None


async def test_a_call_outlives_several_workers(real_studio: Studio) -> None:
    """Each that stops hands it on to the next."""
    call = PendingText()
    studio = Studio(real_studio.environment)
    studio.texts.script(OUTLINE, call)
    async with studio.worker():
        session = await studio.start(_story())
        await eventually(lambda: studio.texts.pending)
    for times in (1, 2):
        async with studio.worker():
            await eventually(partial(_is_taken_up, studio, times=times), timeout=timedelta(seconds=30))
    call.end()
    async with studio.worker():
        state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert 1 == studio.texts.count(OUTLINE)
    assert [(1, AttemptStatus.COMPLETE)] == _told(studio)


@pytest.mark.usefixtures("quick_heartbeats")
async def test_a_cancelled_session_ends_its_call(real_studio: Studio) -> None:
    """Nobody wants the outline any more, so the provider is told."""
    call = PendingText()
    studio = real_studio
    studio.texts.script(OUTLINE, call)
    session = await studio.start(_story())
    await eventually(lambda: studio.texts.pending)
    await session.handle.cancel()
    view = await session.settled()

    assert SessionStatus.CANCELLED is view.status
    assert [call.call.id] == studio.texts.given_up
    assert [(1, AttemptStatus.UNCERTAIN)] == _told(studio)


class TestSilentWorker:
    """A worker that has died or lost its network: its attempt beats no more, and yet may go on."""

    @pytest.fixture(autouse=True)
    def _silent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("activities.heartbeat.INTERVAL", timedelta(hours=1))
        monkeypatch.setattr("workflows.making.HEARTBEAT_TIMEOUT", timedelta(seconds=1))

    async def test_two_workers_at_one_call_are_no_harm(self, real_studio: Studio) -> None:
        """The one that was only taken for dead fetches the same answer: one result, one entry, one payment."""
        call = PendingText()
        real_studio.texts.script(OUTLINE, call)
        session = await real_studio.start(_story())
        await eventually(lambda: real_studio.texts.taken_up)
        call.end()
        state = await session.result()

        assert (SessionStatus.COMPLETE, 1) == (state.status, state.item(OUTLINE).attempt)
        assert (1, []) == (real_studio.texts.count(OUTLINE), real_studio.texts.given_up)
        assert [(1, AttemptStatus.COMPLETE)] == _told(real_studio)
        assert 0 == state.spending.uncertain_microdollars

    async def test_the_call_of_a_last_attempt_is_fetched_as_well(self, real_studio: Studio) -> None:
        """No attempt is left to the server, so the session hands the same one out again."""
        call = PendingText()
        real_studio.texts.script(OUTLINE, call)
        session = await real_studio.start(_story(max_attempts=1))
        await eventually(lambda: real_studio.texts.taken_up)
        call.end()
        state = await session.result()

        assert (SessionStatus.COMPLETE, 1) == (state.status, state.item(OUTLINE).attempt)
        assert 1 == real_studio.texts.count(OUTLINE)
        assert [(1, AttemptStatus.COMPLETE)] == _told(real_studio)

    async def test_a_call_that_silences_everybody_is_given_up(self, real_studio: Studio) -> None:
        """Whatever it is about it: when the activity that was to fetch it is lost too, the item fails as uncertain."""
        call = PendingText()
        real_studio.texts.script(OUTLINE, call)
        session = await real_studio.start(_story(max_attempts=1))
        view = await session.settled()
        call.end()

        assert SessionStatus.FAILED is view.status
        state = await session.state()
        outline = state.item(OUTLINE)
        assert outline.error is not None
        assert (ItemStatus.FAILED, ErrorClass.UNCERTAIN, 1) == (outline.status, outline.error.type, outline.attempt)
        assert (1, [call.call.id]) == (real_studio.texts.count(OUTLINE), real_studio.texts.taken_up)
        assert 0 < state.spending.uncertain_microdollars

    async def test_a_call_that_is_lost_is_made_anew(self, real_studio: Studio) -> None:
        """As before there were any that go on: an uncertain attempt, and another."""
        call = PendingText()
        real_studio.texts.script(OUTLINE, call)
        session = await real_studio.start(_story())
        await eventually(lambda: real_studio.texts.pending)
        real_studio.texts.pending.clear()
        state = await session.result()
        call.end()

        assert (SessionStatus.COMPLETE, 2) == (state.status, state.item(OUTLINE).attempt)
        assert [(1, AttemptStatus.UNCERTAIN), (2, AttemptStatus.COMPLETE)] == _told(real_studio)
        assert 2 == real_studio.texts.count(OUTLINE)
