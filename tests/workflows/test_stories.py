"""Stories: the outline comes first, sets follow it, and what failed is written again by itself."""

import json

import pytest
from temporalio.client import WorkflowUpdateFailedError

from sessions.commands import RetryItem, RetryRequest
from sessions.identifiers import artifact_key
from sessions.scripts import Outline
from sessions.statuses import ItemStatus, SessionStatus
from sessions.steering import OutlineApproval
from sessions.stories import StoryPlan, StorySessionRequest
from tests.support.scripted import broken, forbidden, refused
from tests.support.workflow_environment import RunningSession, Studio, story_input
from tests.support.written import TITLE, HeldText, set_answer

pytestmark = pytest.mark.asyncio(loop_scope="session")


def _short(*, approve_outline: bool) -> StorySessionRequest:
    return StorySessionRequest(
        idea="Two keepers of a light.", total_segments=6, segments_per_set=2, approve_outline=approve_outline
    )


async def _file(studio: Studio, session: RunningSession, name: str) -> dict[str, object]:
    content = json.loads(studio.files.saved[session.handle.id, name])
    assert isinstance(content, dict)
    return content


async def test_a_story_is_outlined_and_then_written(studio: Studio) -> None:
    """The outline is an item of its own, made first; each set is one more."""
    session = await studio.start(story_input())

    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert ["outline", "set-01", "set-02", "set-03"] == [item.key for item in state.items]
    assert TITLE == state.title
    assert ["outline"] == list(studio.texts.calls)[:1]


async def test_every_set_is_told_what_comes_before_and_after_it(studio: Studio) -> None:
    """No set opens like a first scene for want of knowing what came before."""
    session = await studio.start(story_input())
    await session.result()

    prompt = studio.texts.calls["set-02"][0].prompt
    assert "\nSet 2 of 3 (segments 3-4)\n" in prompt
    assert "\nPrevious set ends: After set 1.\n" in prompt
    assert "\nNext set begins: Before set 3.\n" in prompt


async def test_files_carry_the_same_title_and_every_segment_once(studio: Studio) -> None:
    """The metadata is filed before any set, each set when it is made, and all agree."""
    session = await studio.start(story_input())
    await session.result()

    names = await studio.files.names(session.handle.id)
    assert [f"The_Last_Light_{name}.json" for name in ("metadata", "set_01", "set_02", "set_03")] == list(names)
    sets = [await _file(studio, session, name) for name in names[1:]]
    assert {TITLE} == {one["title"] for one in sets}
    segments = [segment for one in sets for segment in one["segments"]]  # type: ignore[attr-defined] # JSON
    assert [1, 2, 3, 4, 5, 6] == [segment["number"] for segment in segments]


async def test_an_invalid_set_is_tried_again_with_what_was_wrong_in_the_prompt(real_studio: Studio) -> None:
    """The next attempt has its variation, and is told the mistake."""
    real_studio.texts.script("set-02", set_answer(range(3, 4)))
    session = await real_studio.start(story_input())

    await session.result()

    first, second = (call.prompt for call in real_studio.texts.calls["set-02"])
    assert "Correct this" not in first
    assert "[VARIATION: Emphasize clarity and simplicity]" in second
    assert "\nCorrect this: " in second
    ledger = real_studio.records.ledger("set-02")
    assert ["failed", "complete"] == [entry.status for entry in ledger]
    assert ledger[0].usage is not None


async def test_a_correction_outlives_its_round(real_studio: Studio) -> None:
    """A retry by hand begins with what the last round ended with."""
    real_studio.texts.script("set-02", *["no JSON at all"] * 3)
    session = await real_studio.start(story_input())
    await session.settled()

    await session.retry()
    await session.result()

    assert "\nCorrect this: " in real_studio.texts.calls["set-02"][3].prompt


async def test_a_failed_outline_fails_the_sets_that_wait_for_it(studio: Studio) -> None:
    """Nobody waits for sets that cannot be begun, and none of them costs an attempt."""
    studio.texts.script("outline", forbidden())
    session = await studio.start(story_input())

    view = await session.settled()

    assert SessionStatus.FAILED is view.status
    assert {"outline": 1, "set-01": 0, "set-02": 0, "set-03": 0} == {item.key: item.attempt for item in view.items}
    assert "Outline" in str(view.items[1].error)
    assert "The key is not valid" in view.message
    assert 0 == studio.texts.count("set-01")


@pytest.mark.parametrize("named", ["outline", "set-02"])
async def test_retrying_a_failed_outline_goes_on_to_the_sets(real_studio: Studio, named: str) -> None:
    """Whichever of them somebody names: the outline is made again and everything that waited for it."""
    real_studio.texts.script("outline", forbidden())
    session = await real_studio.start(story_input())
    await session.settled()

    await session.retry(RetryRequest(items=(RetryItem(key=named),)))
    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert 2 == state.item("outline").attempt
    assert 1 == state.item("set-01").attempt


async def test_a_failed_set_touches_no_other(real_studio: Studio) -> None:
    """The retry makes only that set, under its next attempt number, and keeps every other byte."""
    real_studio.texts.script("set-02", broken(), refused(), forbidden())
    session = await real_studio.start(story_input())
    before = await session.settled()
    assert SessionStatus.PARTIAL is before.status
    assert ("set-02",) == before.retry_info.failed_items
    kept = dict(real_studio.artifacts.stored)

    await session.retry()
    state = await session.result()

    assert {"outline": 1, "set-01": 1, "set-02": 4, "set-03": 1} == {
        item.key: real_studio.texts.count(item.key) for item in state.items
    }
    assert 4 == state.item("set-02").attempt
    assert kept.items() <= real_studio.artifacts.stored.items()
    assert artifact_key(state.id, item="set-02", attempt=4) in real_studio.artifacts.stored


async def test_sets_are_handed_out_a_few_at_a_time(studio: Studio) -> None:
    """However long the story, no more sets are under way than were agreed."""
    held = HeldText()
    studio.texts.script("set-01", held)
    session = await studio.start(story_input().model_copy(update={"items_at_once": 1}))
    await session.until(lambda view: view.counts.processing == 1 and view.counts.complete == 1)

    assert 2 == (await session.view()).counts.pending
    held.opened.set()
    assert SessionStatus.COMPLETE is (await session.result()).status


async def test_a_file_that_cannot_be_written_stops_nothing(studio: Studio) -> None:
    """The set counts by its artifact; its file can be written later."""
    studio.files.is_down = True
    session = await studio.start(story_input())

    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert {} == studio.files.saved
    assert ItemStatus.COMPLETE is state.item("set-01").status


async def test_a_story_waits_for_its_outline_to_be_approved(real_studio: Studio) -> None:
    """No set costs anything before a person has agreed."""
    session = await real_studio.start(story_input(_short(approve_outline=True)))
    view = await session.until(lambda view: view.counts.complete == 1)

    assert SessionStatus.PROCESSING is view.status
    assert "The outline is ready. 3 sets wait until it is approved or replaced." == view.message
    assert 0 == real_studio.texts.count("set-01")

    await session.approve()
    assert SessionStatus.COMPLETE is (await session.result()).status


async def test_a_replaced_outline_is_what_sets_are_written_by(real_studio: Studio) -> None:
    """A person's outline is the next version of the item; the model's stays where it was."""
    session = await real_studio.start(story_input(_short(approve_outline=True)))
    await session.until(lambda view: view.counts.complete == 1)
    state = await session.state()
    first = artifact_key(state.id, item="outline", attempt=1)
    changed = json.loads(real_studio.artifacts.stored[first][0]) | {"title": "Another Light"}
    outline = Outline.model_validate(changed)
    artifact = await real_studio.keep(outline, session_id=state.id, item="outline", attempt=2)

    await session.approve(OutlineApproval(replaced={"outline": artifact}, title=outline.title))
    state = await session.result()

    assert "Another Light" == state.title
    assert "\nTitle: Another Light\n" in real_studio.texts.calls["set-03"][0].prompt
    outlined = state.item("outline")
    assert (1, [1, 2]) == (outlined.attempt, [version.attempt for version in outlined.versions])
    assert first in real_studio.artifacts.stored


async def test_an_approval_that_nobody_waits_for_is_refused(real_studio: Studio) -> None:
    """Whoever comes too late is told so, and changes nothing."""
    real_studio.texts.script("set-01", HeldText())
    session = await real_studio.start(story_input())
    await session.until(lambda view: (view.counts.complete, view.counts.processing) == (3, 1))

    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await session.approve()

    assert "This session does not wait for an approval" in str(refusal.value.cause)


async def test_an_outline_that_somebody_else_has_replaced_is_not_replaced_blindly(real_studio: Studio) -> None:
    """Two people who decide at once get one outcome, and the second is told."""
    session = await real_studio.start(story_input(_short(approve_outline=True)))
    await session.until(lambda view: view.counts.complete == 1)
    outdated = (await session.state()).item("outline").artifact
    assert outdated is not None

    with pytest.raises(WorkflowUpdateFailedError) as refusal:
        await session.approve(OutlineApproval(replaced={"outline": outdated}))

    assert "Somebody else has replaced 'outline' meanwhile" in str(refusal.value.cause)
    assert 0 == real_studio.texts.count("set-01")


async def test_a_long_story_is_outlined_in_parts(studio: Studio) -> None:
    """No call is asked for more sets than fit into one answer; sets at a joint are told of their neighbours."""
    request = StorySessionRequest(idea="A long road.", total_segments=5, segments_per_set=1)
    plan = StoryPlan(total_segments=5, segments_per_set=1, sets_per_outline=3)
    session = await studio.start(story_input(request, plan=plan))

    state = await session.result()

    assert ["outline", "outline-01", "outline-02"] == [item.key for item in state.items][:3]
    assert SessionStatus.COMPLETE is state.status
    prompt = studio.texts.calls["set-03"][0].prompt
    assert "\nPrevious set ends: After set 2.\n" in prompt
    assert "\nNext set begins: Before set 4.\n" in prompt


async def test_a_failed_part_keeps_every_set_waiting(real_studio: Studio) -> None:
    """The sets are written once the whole outline is there, and a retry makes only the part that failed."""
    request = StorySessionRequest(idea="A long road.", total_segments=4, segments_per_set=1)
    plan = StoryPlan(total_segments=4, segments_per_set=1, sets_per_outline=2)
    real_studio.texts.script("outline-02", forbidden())
    session = await real_studio.start(story_input(request, plan=plan))
    view = await session.settled()
    assert SessionStatus.PARTIAL is view.status

    await session.retry()
    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert {"outline": 1, "outline-01": 1, "outline-02": 2} == {
        key: real_studio.texts.count(key) for key in ("outline", "outline-01", "outline-02")
    }


async def test_a_long_history_goes_on_in_another_run(real_studio: Studio) -> None:
    """A story of any length stays within what the server keeps of one run, and nothing is made twice."""
    request = StorySessionRequest(idea="A long road.", total_segments=12, segments_per_set=1)
    start = story_input(request).model_copy(update={"most_events": 20, "items_at_once": 2})
    real_studio.texts.script("set-05", forbidden())
    session = await real_studio.start(start)
    await session.settled()

    await session.retry()
    state = await session.result()

    assert SessionStatus.COMPLETE is state.status
    assert {1, 2} == {real_studio.texts.count(item.key) for item in state.items}
    assert ["set-05"] == [item.key for item in state.items if real_studio.texts.count(item.key) == 2]
    assert 2 < await session.count_runs()
    assert SessionStatus.COMPLETE is real_studio.records.states[state.id].status


async def test_what_could_not_be_recorded_goes_along_to_the_next_run(real_studio: Studio) -> None:
    """Records that are down hold up neither the story nor the handover, and miss nothing when they are back."""
    request = StorySessionRequest(idea="A long road.", total_segments=8, segments_per_set=1)
    start = story_input(request).model_copy(update={"most_events": 20, "items_at_once": 2})
    real_studio.records.is_down = True
    session = await real_studio.start(start)
    await session.until(lambda view: view.counts.complete == 9)

    real_studio.records.is_down = False
    state = await session.result()

    assert all(real_studio.records.ledger(item.key) for item in state.items)
    assert 1 < await session.count_runs()


async def test_a_cancelled_story_keeps_what_is_finished(real_studio: Studio) -> None:
    """Cancelling reaches the set that is being written, and the sets that wait."""
    real_studio.texts.script("set-02", HeldText())
    session = await real_studio.start(story_input().model_copy(update={"items_at_once": 1}))
    await session.until(lambda view: view.counts.complete == 2)

    await session.handle.cancel()
    view = await session.until(lambda view: view.status.is_settled)

    assert SessionStatus.CANCELLED is view.status
    assert ["complete", "complete", "cancelled", "cancelled"] == [item.status for item in view.items]


@pytest.mark.parametrize("is_suggested", [False, True])
async def test_records_that_are_down_keep_a_long_story_in_its_run(
    real_studio: Studio, monkeypatch: pytest.MonkeyPatch, is_suggested: bool
) -> None:
    """What they have missed would not fit into the next run's input, so this one goes on, and nothing waits."""
    monkeypatch.setattr("workflows.recording._ENTRIES_AT_ONCE", 1)
    monkeypatch.setattr(
        "temporalio.workflow.Info.is_continue_as_new_suggested",
        lambda info: is_suggested and info.get_current_history_length() >= 20,
    )
    request = StorySessionRequest(idea="A long road.", total_segments=8, segments_per_set=1)
    most_events = 10_000 if is_suggested else 20
    real_studio.records.is_down = True
    # The first item that ends is not written down, and from then on two never fit.
    start = story_input(request).model_copy(update={"most_events": most_events, "items_at_once": 2})
    session = await real_studio.start(start)

    await session.until(lambda view: view.counts.complete == 9)
    real_studio.records.is_down = False

    assert SessionStatus.COMPLETE is (await session.result()).status
    assert all(real_studio.records.ledger(item.key) for item in (await session.state()).items)
