"""Items that wait for others: what an outline that fails, waits or is replaced means for the sets after it."""

from datetime import UTC, datetime

import pytest

from sessions.artifacts import Artifact
from sessions.commands import ItemNotRetryableError, RetryItem, RetryRequest, obeyed
from sessions.errors import ErrorClass, ItemError
from sessions.messages import session_message
from sessions.money import Spending
from sessions.present import session_view
from sessions.progress import UnderWay
from sessions.state import (
    SessionState,
    item_cancelled,
    item_completed,
    item_failed,
    item_started,
    items_retried,
    outline_approved,
)
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from sessions.steering import Retake
from sessions.stories import SETS_STAGE, StoryPlan, story_items, working_title

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ERROR = ItemError(type=ErrorClass.BILLING, message="The account is empty.", advice="Add credit, then retry.")
PLAN = StoryPlan(total_segments=3, segments_per_set=1)
IN_PARTS = StoryPlan(total_segments=4, segments_per_set=1, sets_per_outline=2)


def story(plan: StoryPlan = PLAN, *, approval_before_stage: int | None = None) -> SessionState:
    return SessionState(
        id="ses-aaaaaaaaaaaaaaaa",
        kind=SessionKind.STORY,
        tenant="default",
        title="An idea",
        items=story_items(plan, max_attempts=3),
        approval_before_stage=approval_before_stage,
        created_at=NOW,
        updated_at=NOW,
    )


def made(state: SessionState, key: str, *, title: str | None = None) -> SessionState:
    artifact = Artifact(attempt=1, media_type="application/json", bytes=2, sha256="0" * 64)
    started = item_started(state, key=key, now=NOW)
    return item_completed(started, key=key, artifact=artifact, spending=Spending(), now=NOW, title=title)


def failed(state: SessionState, key: str) -> SessionState:
    started = item_started(state, key=key, now=NOW)
    return item_failed(started, key=key, error=ERROR, attempts_used=1, spending=Spending(), now=NOW)


def to_make(state: SessionState, at_most: int = 99) -> list[str]:
    return [item.key for item in state.items_to_make(at_most=at_most)]


def message(state: SessionState) -> str:
    return session_view(state).message


def test_items_are_handed_out_stage_by_stage() -> None:
    """Sets wait for all parts of the outline, parts for the outline of the whole."""
    state = story(IN_PARTS)
    assert ["outline"] == to_make(state)
    assert [] == to_make(item_started(state, key="outline", now=NOW))

    state = made(state, "outline")
    assert ["outline-01", "outline-02"] == to_make(state)

    state = made(made(state, "outline-01"), "outline-02")
    assert ["set-01", "set-02"] == to_make(state, at_most=2)


def test_another_outline_is_written_with_its_parts() -> None:
    """What the first one had its parts say would not belong to the second."""
    state = made(story(IN_PARTS, approval_before_stage=SETS_STAGE), "outline")
    state = made(made(state, "outline-01"), "outline-02")
    assert state.awaits_approval
    retaken = obeyed(Retake(key="outline", note="Funnier.", with_what_follows=True), state, now=NOW)

    assert ["outline"] == to_make(retaken)
    again = made(retaken, "outline")
    assert ["outline-01", "outline-02"] == to_make(again)
    assert [None, None] == [again.item(key).note for key in ("outline-01", "outline-02")]


def test_the_outline_names_the_session() -> None:
    """A story is found under its title, as soon as it has one."""
    assert "The Last Light" == made(story(), "outline", title="The Last Light").title


def test_a_failed_outline_settles_the_session() -> None:
    """Its sets fail without an attempt, and say what they waited for."""
    state = failed(story(), "outline")

    assert SessionStatus.FAILED is state.status
    assert NOW == state.settled_at
    blocked = state.item("set-02")
    assert (ItemStatus.FAILED, True, 0) == (blocked.status, blocked.is_blocked, blocked.attempt)
    assert blocked.error is not None
    assert "Not begun, because “Outline” failed." == blocked.error.message


def test_one_failed_part_waits_for_the_other_to_end() -> None:
    """As long as a part is being made the session is not settled, and no set is written off."""
    state = made(story(IN_PARTS), "outline")
    state = item_started(state, key="outline-01", now=NOW)
    state = failed(state, "outline-02")
    assert ItemStatus.PENDING is state.item("set-01").status

    state = made(state, "outline-01")
    assert ItemStatus.FAILED is state.item("set-01").status
    assert SessionStatus.PARTIAL is state.status


def test_a_cancelled_outline_cancels_what_waits_for_it() -> None:
    """Nothing is left pending that nobody will ever begin."""
    started = item_started(story(), key="outline", now=NOW)

    state = item_cancelled(started, key="outline", attempts_used=1, spending=Spending(), now=NOW)

    assert SessionStatus.CANCELLED is state.status
    assert ItemStatus.CANCELLED is state.item("set-03").status


@pytest.mark.parametrize("named", ["outline", "set-02"])
def test_a_retry_takes_along_what_hangs_together(named: str) -> None:
    """Whoever retries the outline wants the sets, and whoever retries a set needs the outline."""
    state = failed(story(), "outline")
    notes = RetryRequest(items=(RetryItem(key=named, note="Once more."),)).notes_for(state)

    assert {"outline", "set-01", "set-02", "set-03"} == set(notes)
    assert "Once more." == notes[named]
    retried = items_retried(state, notes=notes, max_attempts=None, now=NOW)
    assert ["outline"] == to_make(retried)
    assert retried.item("set-02").error is None
    assert not retried.item("set-02").is_blocked


def test_a_retry_of_one_set_leaves_other_failed_sets_alone() -> None:
    """What failed by itself is made again only when it is named."""
    state = failed(failed(made(story(), "outline"), "set-01"), "set-02")

    assert {"set-01": None} == RetryRequest(items=(RetryItem(key="set-01"),)).notes_for(state)
    with pytest.raises(ItemNotRetryableError):
        RetryRequest(items=(RetryItem(key="outline"),)).notes_for(state)


def test_an_approval_holds_the_sets_back() -> None:
    """The session is under way, makes nothing, and says what it waits for."""
    state = made(story(approval_before_stage=SETS_STAGE), "outline")

    assert state.awaits_approval
    assert SessionStatus.PROCESSING is state.status
    assert [] == to_make(state)
    assert "The outline is ready. 3 sets wait until it is approved or replaced." == message(state)


def test_nobody_is_asked_before_the_outline_is_there() -> None:
    """Nor after the approval."""
    state = story(approval_before_stage=SETS_STAGE)
    assert not state.awaits_approval

    approved = outline_approved(made(state, "outline"), replaced={}, title=None, now=NOW)
    assert not approved.awaits_approval
    assert ["set-01", "set-02", "set-03"] == to_make(approved)


def test_a_replaced_outline_is_its_next_version() -> None:
    """Its number was never an attempt's, and none of the attempts that were made is another for it."""
    state = made(story(approval_before_stage=SETS_STAGE), "outline")
    artifact = Artifact(attempt=2, media_type="application/json", bytes=2, sha256="1" * 64)

    state = outline_approved(state, replaced={"outline": artifact}, title="Another", now=NOW)

    outline = state.item("outline")
    assert ("Another", artifact) == (state.title, outline.artifact)
    assert (1, 0, 2) == (outline.attempt, outline.attempts_before_round, outline.last_number)


def test_the_message_counts_sets_and_speaks_of_the_outline() -> None:
    """A person waits for sets; that the outline comes first is told in words."""
    state = story(IN_PARTS)
    assert "4 sets wait for a worker." == message(state)
    state = item_started(state, key="outline", now=NOW)
    assert "The outline is being written" == message(state)
    state = made(made(state, "outline"), "outline-01")
    assert "1 of 2 parts of the outline are written" == message(state)
    state = made(made(state, "outline-02"), "set-01")
    assert "1 of 4 sets are ready" == message(state)


def test_a_failed_outline_is_the_one_reason_given() -> None:
    """Sets that were never begun do not repeat it."""
    told = message(failed(story(), "outline"))

    assert (
        "No set could be made. outline failed after 1 attempt: The account is empty. Add credit, then retry. "
        "Retry makes what failed again." == told
    )


def test_images_are_counted_as_before() -> None:
    """Only stories have items that are not what a person asked for."""
    assert "0 images wait for a worker." == session_message(SessionStatus.PENDING, kind=SessionKind.IMAGES, items=())


@pytest.mark.parametrize(
    ("idea", "title"),
    [
        ("A  short\nidea", "A short idea"),
        ("word " * 40, "word word word word word word word word word word word…"),
        ("字" * 80, "字" * 59 + "…"),
    ],
)
def test_a_story_is_called_by_its_idea_at_first(idea: str, title: str) -> None:
    """One line, not too long, cut between words where there are any."""
    assert title == working_title(idea)


def test_a_reason_is_part_of_the_sentence_it_stands_in() -> None:
    """It brings no full stop of its own."""
    state = item_started(story(), key="outline", now=NOW)
    waiting = UnderWay(item="outline", round=1, attempt_in_round=1, is_running=False, next_attempt_at=NOW, error=ERROR)
    told = session_view(state, under_way={"outline": waiting}, is_stale=True).message

    assert (
        "The outline is being written; outline waits to try again after attempt 1 of 3: The account is empty. "
        "No worker answers; this is the last recorded state."
    ) == told


def test_a_stale_message_is_whole_sentences() -> None:
    """Whatever the session was doing when it was last heard of."""
    told = session_view(made(story(), "outline"), is_stale=True).message

    assert "0 of 3 sets are ready. No worker answers; this is the last recorded state." == told
