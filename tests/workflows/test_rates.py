"""The limit on image starts, and who goes first where work waits. On the real server, which keeps both."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from temporalio import activity
from temporalio.api.enums.v1 import EventType

from runtime.image_limit import ImageLimit
from service.rates import ImageRates
from sessions.artifacts import Made
from sessions.images import ImageRequest, ImageSessionRequest, ImageType, Product
from sessions.ports import ImageCall
from sessions.priorities import MOST_NORMAL_ITEMS
from sessions.rates import RatesChange
from sessions.statuses import SessionStatus
from sessions.wire import images_queue
from tests.support.eventually import eventually
from tests.support.scripted import ScriptedImages, forbidden, made
from tests.support.workflow_environment import RunningSession, Studio, image_input, story_input

pytestmark = pytest.mark.asyncio(loop_scope="session")

HARDLY_ANY = 0.01
"""Starts a minute: what its burst lets through starts at once, and the next one an hour and a half later."""
PLENTY = 60_000.0


@pytest.fixture
def quick_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let workers hear of a limit at once."""
    monkeypatch.setattr("runtime.image_limit.INTERVAL", timedelta(milliseconds=20))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[ImageLimit]:
    """What workers know of limits, in the order in which they are built."""
    known: list[ImageLimit] = []

    class Known(ImageLimit):
        async def __aenter__(self) -> "Known":
            known.append(self)
            return await super().__aenter__()

    monkeypatch.setattr("worker.ImageLimit", Known)
    return known


class Held(ScriptedImages):
    """Remembers the order of all calls by their labels, and holds those of bulk work back until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.order: list[str] = []
        self.let_go = asyncio.Event()

    async def generate(self, call: ImageCall) -> Made:
        label = call.prompt.partition("Image: ")[2].partition("\n")[0]
        self.order.append(label)
        if label.startswith("bulk"):
            await self.let_go.wait()
        return await super().generate(call)


def pictures(number: int) -> ImageSessionRequest:
    images = tuple(ImageRequest(type=ImageType.CUSTOM, key=f"bulk-{n}", prompt="a picture") for n in range(number))
    return ImageSessionRequest(product=Product(title="Steel bottle"), images=images)


async def change(studio: Studio, limit: float | None) -> None:
    rates = ImageRates(studio.environment.client, setting=None, task_queue=studio.task_queue)
    await rates.change(RatesChange(images_per_minute=limit))


async def queues(session: RunningSession, *, kind: str = "generate_image") -> Sequence[str]:
    """Return the queue of every activity of a kind that a session has handed out, in order."""
    return [
        event.activity_task_scheduled_event_attributes.task_queue.name
        for event in (await session.history()).events
        if event.event_type == EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED
        and event.activity_task_scheduled_event_attributes.activity_type.name == kind
    ]


async def test_images_wait_for_the_limit_and_nothing_else_does(real_studio: Studio) -> None:
    """A story is written while pictures wait; with the limit lifted they are made, in the same session."""
    studio = Studio(real_studio.environment)
    async with studio.worker(images_per_minute=HARDLY_ANY):
        images = await studio.start()
        story = await studio.start(story_input())
        written = await story.settled()
        waiting = await images.view()
        await change(studio, PLENTY)
        state = await images.result()

    assert (SessionStatus.COMPLETE, SessionStatus.PROCESSING) == (written.status, waiting.status)
    assert SessionStatus.COMPLETE is state.status
    assert {images_queue(studio.task_queue)} == set(await queues(images))
    assert {studio.task_queue} == set(await queues(story, kind="write_set"))


async def test_without_a_limit_images_take_the_short_way(real_studio: Studio) -> None:
    """They stay on the sessions' queue, from which a worker takes them without asking the server."""
    session = await real_studio.start()
    await session.result()

    assert [real_studio.task_queue] * 5 == await queues(session)


async def test_a_limit_that_is_set_meanwhile_holds_for_sessions_that_run(
    real_studio: Studio, quick_limits: None, limits: list[ImageLimit]
) -> None:
    """What such a session hands out afterwards goes by the limit, and once that is taken back, by none."""
    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", forbidden(), forbidden())
    async with studio.worker():
        session = await studio.start()
        await session.settled()
        await change(studio, PLENTY)
        await eventually(lambda: limits[0].holds)
        await session.retry()
        await session.settled()
        await change(studio, None)
        await eventually(lambda: not limits[0].holds)
        await session.retry()
        state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert [images_queue(studio.task_queue), studio.task_queue] == (await queues(session))[5:]


@pytest.mark.parametrize(("before", "after"), [(HARDLY_ANY, None), (None, PLENTY)])
async def test_a_session_goes_on_when_the_setting_changes_between_two_starts(
    real_studio: Studio, before: float | None, after: float | None
) -> None:
    """Images that one worker has left on either queue are made by the next."""
    studio = Studio(real_studio.environment)
    held = Held()
    async with studio.worker(images_per_minute=before, concurrency=1, provider=held):
        session = await studio.start(image_input(pictures(3)))
        await eventually(lambda: held.order)
    async with studio.worker(images_per_minute=after):
        state = await session.result()

    assert SessionStatus.COMPLETE is state.status


async def test_a_persons_retry_goes_before_bulk_work_that_waits(real_studio: Studio) -> None:
    """With one place free at a time, the retry of another session is made before what bulk work has handed out."""
    studio = Studio(real_studio.environment)
    provider = Held()
    provider.script("Lifestyle", forbidden())
    async with studio.worker(concurrency=1, provider=provider):
        session = await studio.start()
        await session.settled()
        bulk = await studio.start(image_input(pictures(2 * MOST_NORMAL_ITEMS)))
        await eventually(lambda: len(provider.order) > 5)
        await session.retry()
        provider.let_go.set()
        await session.result()
        await bulk.result()

    # The first six: five of the first round, and the one that held the place. One may have been on its way.
    assert provider.order[6:].index("Lifestyle") <= 1, provider.order


async def test_work_carries_its_priority_and_its_tenant(real_studio: Studio) -> None:
    """First rounds go as their session, bulk after them, retries before; everything is the tenant's."""
    seen: list[tuple[int | None, str | None]] = []

    async def remembered(call: ImageCall) -> Made:
        priority = activity.info().priority
        seen.append((priority.priority_key, priority.fairness_key))
        return made(call)

    async def remembered_and_refused(call: ImageCall) -> Made:
        await remembered(call)
        raise forbidden()

    studio = Studio(real_studio.environment)
    studio.provider.script("Lifestyle", remembered_and_refused, remembered)
    studio.provider.script("bulk-0", remembered)
    # Under a limit: what starts without a way through the server is told no priority, and needs none.
    async with studio.worker(images_per_minute=PLENTY):
        session = await studio.start()
        await session.settled()
        await session.retry()
        await session.result()
        bulk = await studio.start(image_input(pictures(MOST_NORMAL_ITEMS + 1)))
        await bulk.result()

    assert [(3, "default"), (2, "default"), (4, "default")] == seen
