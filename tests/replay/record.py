"""Records the histories that the replay tests replay: run by hand, `python -m tests.replay.record`.

A history stands for sessions that run somewhere while a new version is deployed. So record anew only what is new,
or what no released version has ever written; `python -m tests.replay.record NAME …` records those named.

With each release, `make histories VERSION=…` records all of them once more, into a folder of that version. Those are
never recorded again: every later version has to go on with the sessions that they stand for.
"""

import asyncio
import gzip
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from temporalio.client import WorkflowFailureError

from sessions.commands import RetryItem, RetryRequest
from sessions.identifiers import artifact_key
from sessions.images import ImageRequest, ImageSessionInput, ImageSessionRequest, ImageType, Product
from sessions.scripts import Outline
from sessions.state import items_retried
from sessions.steering import BudgetChange, CancelItems, OutlineApproval, Retake, Selection
from sessions.stories import OUTLINE, StoryPlan, StorySessionInput, StorySessionRequest
from sessions.wire import (
    BUDGET_UPDATE,
    CALLBACK_DELIVERY,
    CANCEL_ITEMS_UPDATE,
    IMAGE_SESSION,
    PAUSE_UPDATE,
    RESUME_UPDATE,
    RETAKE_UPDATE,
    SELECT_UPDATE,
    STORY_SESSION,
)
from tests.support.eventually import eventually
from tests.support.scripted import USAGE, Gate, broken, forbidden, refused, throttled
from tests.support.workflow_environment import (
    PRICES,
    RunningSession,
    Studio,
    image_input,
    opened_studio,
    start_development_server,
    story_input,
)
from tests.support.written import PendingText

HISTORIES = Path(__file__).with_name("histories")
RELEASED = Path(__file__).with_name("released")
"""A folder for each released version; packed, because nobody reads or changes what lies there."""
_LABELS = ("Main image", "Infographic 1", "Infographic 2", "Lifestyle", "Comparison")

Scenario = Callable[[Studio], Awaitable[RunningSession]]
"""Plays a session to its end and returns it."""


def _two_images(*, retry_window: timedelta = timedelta(hours=1)) -> ImageSessionInput:
    """Return the input of a session that keeps its history small."""
    images = (ImageRequest(type=ImageType.MAIN), ImageRequest(type=ImageType.LIFESTYLE))
    request = ImageSessionRequest(product=Product(title="Steel bottle"), images=images)
    return image_input(request, retry_window=retry_window)


async def _complete(studio: Studio) -> RunningSession:
    gates = {label: Gate() for label in _LABELS}
    for label, gate in gates.items():
        studio.provider.script(label, gate)
    session = await studio.start()
    for made, gate in enumerate(gates.values()):
        await session.until(lambda view, made=made: view.counts.complete == made)  # type: ignore[misc] # inferred
        gate.opened.set()
    await session.result()
    return session


async def _retried_by_update(studio: Studio) -> RunningSession:
    studio.provider.script("Lifestyle", refused(), forbidden())
    session = await studio.start(_two_images())
    await session.settled()
    await session.retry(RetryRequest(items=(RetryItem(key="lifestyle", note="At dusk."),), max_attempts=2))
    await session.result()
    return session


async def _retried_by_signal(studio: Studio) -> RunningSession:
    studio.provider.script("Main image", forbidden())
    studio.provider.script("Lifestyle", forbidden(), broken())
    session = await studio.start(_two_images())
    await session.settled()
    await session.signal_retry()
    await session.result()
    return session


async def _retried_while_running(studio: Studio) -> RunningSession:
    gate = Gate()
    studio.provider.script("Main image", gate)
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start(_two_images())
    await session.until(lambda view: view.counts.failed == 1)
    await session.retry()
    await session.until(lambda view: view.counts.complete == 1)
    gate.opened.set()
    await session.result()
    return session


async def _handed_out_in_turns(studio: Studio) -> RunningSession:
    session = await studio.start(_two_images().model_copy(update={"items_at_once": 1}))
    await session.result()
    return session


async def _cancelled_while_running(studio: Studio) -> RunningSession:
    studio.provider.script("Main image", Gate())
    studio.provider.script("Infographic 1", Gate())
    session = await studio.start()
    await session.until(lambda view: view.counts.complete == 3)
    return await _cancelled(session)


async def _cancelled_while_settled(studio: Studio) -> RunningSession:
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start(_two_images())
    await session.settled()
    return await _cancelled(session)


async def _cancelled_while_failing(studio: Studio) -> RunningSession:
    failing = Gate(failing=refused())
    studio.provider.script("Lifestyle", failing)
    session = await studio.start(_two_images())
    await failing.reached.wait()
    await session.until(lambda view: view.counts.complete == 1)
    await session.handle.cancel()
    await eventually(session.is_to_stop)  # long before the attempt hears of it
    failing.opened.set()
    with suppress(WorkflowFailureError):
        await session.result()
    return session


async def _lost_after_a_wait(studio: Studio) -> RunningSession:
    asked_again = Gate()
    studio.provider.script("Lifestyle", throttled(), asked_again)
    start = _two_images(retry_window=timedelta(milliseconds=100))
    request = start.request.model_copy(update={"max_attempts": 1})
    # A worker that is silent from the wait on, as one that has died is.
    with (
        patch("activities.heartbeat.INTERVAL", timedelta(hours=1)),
        patch("workflows.making.HEARTBEAT_TIMEOUT", timedelta(seconds=1)),
    ):
        session = await studio.start(image_input(request, retry_window=start.retry_window))
        await session.result()
    return session


async def _cancelled(session: RunningSession) -> RunningSession:
    await session.handle.cancel()
    with suppress(WorkflowFailureError):
        await session.result()
    return session


async def _failed_and_closed(studio: Studio) -> RunningSession:
    studio.provider.script("Main image", forbidden())
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start(_two_images(retry_window=timedelta(milliseconds=100)))
    await session.result()
    return session


async def _gone_on_after_closing(studio: Studio) -> RunningSession:
    studio.provider.script("Lifestyle", forbidden())
    start = _two_images(retry_window=timedelta(milliseconds=100))
    manifest = await (await studio.start(start)).result()
    state = items_retried(manifest, notes={"lifestyle": None}, max_attempts=None, now=datetime.now(UTC))
    session = await studio.start(start.model_copy(update={"state": state}))
    await session.result()
    return session


async def _records_down(studio: Studio) -> RunningSession:
    studio.records.is_down = True
    studio.provider.script("Lifestyle", broken(), forbidden())
    session = await studio.start(_two_images())
    await session.settled()
    await session.retry()
    await eventually(session.is_closing)
    studio.records.is_down = False
    await session.result()
    return session


async def _paused_and_resumed(studio: Studio) -> RunningSession:
    gate = Gate()
    studio.provider.script("Main image", gate)
    session = await studio.start(_two_images().model_copy(update={"items_at_once": 1}))
    await gate.reached.wait()
    await session.steer(PAUSE_UPDATE)
    gate.opened.set()
    await session.until(lambda view: view.counts.complete == 1)
    await eventually(session.is_at_rest)
    await session.steer(RESUME_UPDATE)
    await session.result()
    return session


async def _retaken(studio: Studio) -> RunningSession:
    """Taken again while it waits to be retried, and the version before chosen."""
    studio.provider.script("Lifestyle", forbidden())
    session = await studio.start(_two_images())
    await session.settled()
    await session.steer(RETAKE_UPDATE, Retake(key="main", note="At dusk.", from_previous=True))
    await session.settled()
    await session.steer(SELECT_UPDATE, Selection(key="main", attempt=1))
    await eventually(session.is_at_rest)
    await session.retry()
    await session.result()
    return session


async def _item_cancelled(studio: Studio) -> RunningSession:
    """One of them while it is being made, the other while it waits."""
    gate = Gate()
    studio.provider.script("Main image", gate)
    session = await studio.start(_two_images().model_copy(update={"items_at_once": 1}))
    await gate.reached.wait()
    await session.steer(CANCEL_ITEMS_UPDATE, CancelItems(items=("main", "lifestyle")))
    await session.result()
    return session


async def _budget_raised(studio: Studio) -> RunningSession:
    """A billed failure is counted before the next attempt begins, and the rest waits for a higher budget."""
    studio.provider.script("Lifestyle", refused())
    start = _two_images()
    cost = PRICES.cost_microdollars(USAGE, model=start.model)
    limited = start.state.model_copy(update={"worst_case_microdollars": cost, "budget_microdollars": 2 * cost})
    session = await studio.start(start.model_copy(update={"state": limited}))
    await session.until(lambda view: "budget" in view.message)
    await eventually(session.is_at_rest)
    await session.steer(BUDGET_UPDATE, BudgetChange(budget_usd=1.0))
    await session.result()
    return session


def _short_story(*, approve_outline: bool = False) -> StorySessionInput:
    """Return the input of a story of two sets."""
    request = StorySessionRequest(
        idea="Two keepers of a light.", total_segments=2, segments_per_set=1, approve_outline=approve_outline
    )
    return story_input(request)


async def _story_written(studio: Studio) -> RunningSession:
    session = await studio.start(_short_story())
    await session.result()
    return session


async def _story_with_a_set_retried(studio: Studio) -> RunningSession:
    studio.texts.script("set-02", *["no JSON"] * 3)
    session = await studio.start(_short_story())
    await session.settled()
    await session.retry(RetryRequest(items=(RetryItem(key="set-02", note="Slower."),), max_attempts=2))
    await session.result()
    return session


async def _story_with_its_outline_retried(studio: Studio) -> RunningSession:
    studio.texts.script("outline", forbidden())
    session = await studio.start(_short_story())
    await session.settled()
    await session.signal_retry()
    await session.result()
    return session


async def _story_with_its_outline_replaced(studio: Studio) -> RunningSession:
    session = await studio.start(_short_story(approve_outline=True))
    await session.until(lambda view: view.counts.complete == 1)
    first = artifact_key(session.handle.id, item="outline", attempt=1)
    outline = Outline.model_validate_json(studio.artifacts.stored[first][0])
    artifact = await studio.keep(outline, session_id=session.handle.id, item="outline", attempt=2)
    await session.approve(OutlineApproval(replaced={"outline": artifact}, title="Another Light"))
    await session.result()
    return session


async def _story_in_parts(studio: Studio) -> RunningSession:
    plan = StoryPlan(total_segments=2, segments_per_set=1, sets_per_outline=1)
    request = StorySessionRequest(idea="A long road.", total_segments=2, segments_per_set=1)
    session = await studio.start(story_input(request, plan=plan))
    await session.result()
    return session


async def _story_handed_over(studio: Studio) -> RunningSession:
    """The run that hands the story over, not the one that ends it."""
    request = StorySessionRequest(idea="A long road.", total_segments=4, segments_per_set=1)
    start = story_input(request).model_copy(update={"most_events": 20, "items_at_once": 1})
    session = await studio.start(start)
    await session.result()
    return session.first_run()


async def _story_cancelled_while_waiting(studio: Studio) -> RunningSession:
    session = await studio.start(_short_story(approve_outline=True))
    await session.until(lambda view: view.counts.complete == 1)
    return await _cancelled(session)


def _with_callback() -> ImageSessionInput:
    return _two_images().model_copy(update={"callback_url": "https://hooks.example/retakes"})


async def _callback_made(studio: Studio) -> RunningSession:
    session = await studio.start(_with_callback())
    await session.result()
    return session


async def _callback_delivered(studio: Studio) -> RunningSession:
    """The delivery, at its second attempt."""
    studio.sender.script = [None]
    session = await studio.start(_with_callback())
    await session.result()
    await eventually(lambda: bool(studio.sender.sent))
    delivery = session.of(studio.sender.sent[0].id)
    await delivery.handle.result()
    return delivery


async def _story_with_a_call_fetched(studio: Studio) -> RunningSession:
    """The worker of the only attempt falls silent while its call goes on, so the session hands the attempt on."""
    call = PendingText()
    studio.texts.script(OUTLINE, call)
    request = StorySessionRequest(idea="Two keepers of a light.", total_segments=2, segments_per_set=2, max_attempts=1)
    with (
        patch("activities.heartbeat.INTERVAL", timedelta(hours=1)),
        patch("workflows.making.HEARTBEAT_TIMEOUT", timedelta(seconds=1)),
    ):
        session = await studio.start(story_input(request))
        await eventually(lambda: studio.texts.taken_up)
        call.end()
        await session.result()
    return session


SCENARIOS: Mapping[str, Mapping[str, Scenario]] = {
    IMAGE_SESSION: {
        "complete": _complete,
        "partial_retried_by_update": _retried_by_update,
        "partial_retried_by_signal": _retried_by_signal,
        "retried_while_running": _retried_while_running,
        "handed_out_in_turns": _handed_out_in_turns,
        "cancelled_while_running": _cancelled_while_running,
        "cancelled_while_settled": _cancelled_while_settled,
        "cancelled_while_failing": _cancelled_while_failing,
        "lost_after_a_wait": _lost_after_a_wait,
        "failed_and_closed": _failed_and_closed,
        "gone_on_after_closing": _gone_on_after_closing,
        "records_down": _records_down,
        "paused_and_resumed": _paused_and_resumed,
        "retaken": _retaken,
        "item_cancelled": _item_cancelled,
        "budget_raised": _budget_raised,
        "callback_made": _callback_made,
    },
    CALLBACK_DELIVERY: {"delivered": _callback_delivered},
    STORY_SESSION: {
        "written": _story_written,
        "set_retried": _story_with_a_set_retried,
        "outline_retried": _story_with_its_outline_retried,
        "outline_replaced": _story_with_its_outline_replaced,
        "in_parts": _story_in_parts,
        "handed_over": _story_handed_over,
        "cancelled_while_waiting": _story_cancelled_while_waiting,
        "call_fetched": _story_with_a_call_fetched,
    },
}
"""What is recorded, by workflow type and name."""


def history_file(workflow_type: str, name: str) -> Path:
    """Return where a history lies."""
    return HISTORIES / workflow_type / f"{name}.json"


async def record(names: set[str]) -> None:
    """Play the named scenarios, or all when none is named, and write their histories."""
    async for workflow_type, name, told in _played(names):
        file = history_file(workflow_type, name)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(told, encoding="utf-8")


async def release(version: str) -> None:
    """Play every scenario, and keep its history as what this version leaves to all later ones.

    Raises:
        FileExistsError: this version has been recorded already.
    """
    folder = RELEASED / version
    folder.mkdir(parents=True)
    async for workflow_type, name, told in _played(set()):
        file = folder / workflow_type / f"{name}.json.gz"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(gzip.compress(told.encode(), mtime=0))


async def _played(names: set[str]) -> AsyncIterator[tuple[str, str, str]]:
    """Play scenarios, and yield the workflow type, the name and the history of each as JSON."""
    # Histories are committed, so they name neither the machine nor the process they come from.
    with patch("socket.gethostname", return_value="recorder"):
        async with await start_development_server(identity="recorder") as environment:
            for workflow_type, scenarios in SCENARIOS.items():
                for name, play in scenarios.items():
                    if not names or name in names:
                        async with opened_studio(environment) as studio:
                            session = await play(studio)
                            history = await session.history()
                        told = _without_stack_traces(history.to_json_dict())
                        yield workflow_type, name, f"{json.dumps(told, separators=(',', ':'))}\n"


def _without_stack_traces(told: object) -> object:
    """Return a history without what names the folders of the machine it was recorded on; replay reads none of it."""
    if isinstance(told, dict):
        return {key: _without_stack_traces(value) for key, value in told.items() if key != "stackTrace"}
    return [_without_stack_traces(value) for value in told] if isinstance(told, list) else told


if __name__ == "__main__":
    if sys.argv[1:2] == ["--release"]:
        asyncio.run(release(sys.argv[2]))
    else:
        asyncio.run(record(set(sys.argv[1:])))
