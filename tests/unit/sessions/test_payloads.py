"""What the largest session hands to Temporal at once: the server takes 2 MiB, and beyond that a session is stuck."""

from datetime import UTC, datetime

import pytest

from sessions.artifacts import Artifact
from sessions.commands import MOST_TEXT_BYTES, CommandRefusedError, Retry, RetryItem, WrongRequestError
from sessions.errors import ErrorClass, ItemError
from sessions.money import Spending
from sessions.state import SessionState, item_completed, item_failed, item_started
from sessions.statuses import SessionKind
from sessions.steering import Retake
from sessions.stories import (
    MAX_IDEA_CHARACTERS,
    MAX_ROSTER_CHARACTERS,
    MAX_SETS,
    OwnCharacter,
    StorySessionInput,
    StorySessionRequest,
    set_key,
    story_items,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
MOST_BYTES = 2 * 1024 * 1024
MARGIN = 100_000

REQUEST = StorySessionRequest(
    idea="字" * MAX_IDEA_CHARACTERS,
    total_segments=MAX_SETS,
    segments_per_set=1,
    characters=tuple(
        OwnCharacter(name=f"人{number}", description="字" * (MAX_ROSTER_CHARACTERS // 20 - 200)) for number in range(20)
    ),
)


def _all_failed() -> SessionState:
    """Return a story whose every set was refused at great length, in a script of three bytes a character."""
    state = SessionState(
        id="ses-aaaaaaaaaaaaaaaa",
        kind=SessionKind.STORY,
        tenant="default",
        title="字" * 60,
        items=story_items(REQUEST.plan, max_attempts=10),
        created_at=NOW,
        updated_at=NOW,
    )
    error = ItemError(type=ErrorClass.CONTENT, message="字" * 300, advice="Press Retry failed. " * 12)
    for item in [*state.items]:
        started = item_started(state, key=item.key, now=NOW)
        if item.stage < 2:
            artifact = Artifact(attempt=1, media_type="application/json", bytes=10**6, sha256="f" * 64)
            state = item_completed(started, key=item.key, artifact=artifact, spending=Spending(), now=NOW)
        else:
            state = item_failed(
                started,
                key=item.key,
                error=error,
                correction="字" * 500,
                attempts_used=10,
                spending=Spending(),
                now=NOW,
            )
    return state


def _with_notes(state: SessionState) -> SessionState:
    length = MOST_TEXT_BYTES // 3 // MAX_SETS - 1
    items = tuple(RetryItem(key=set_key(number), note="字" * length) for number in range(1, MAX_SETS + 1))
    return Retry(items=items).applied_to(state, now=NOW)


def test_the_largest_session_can_go_on_in_another_run() -> None:
    """Everything at its limit, in a script of three bytes a character, fits the payload with room for the ledger."""
    state = _with_notes(_all_failed())
    start = StorySessionInput(state=state, request=REQUEST, plan=REQUEST.plan, model="m" * 100)

    assert MOST_BYTES - MARGIN > len(start.model_dump_json().encode())


def test_notes_that_are_too_long_together_are_refused() -> None:
    """Each alone is short enough; all of them would not fit what Temporal takes."""
    items = tuple(RetryItem(key=set_key(number), note="x" * 1000) for number in range(1, MAX_SETS + 1))

    with pytest.raises(WrongRequestError, match="longer than 300,000 bytes together"):
        Retry(items=items).applied_to(_all_failed(), now=NOW)


def test_prompts_of_retakes_are_counted_with_the_notes() -> None:
    """The tenth long prompt under way at once is one too many."""
    state = _all_failed()
    artifact = Artifact(attempt=11, media_type="application/json", bytes=1, sha256="0" * 64)
    for number in range(1, 11):
        started = item_started(state, key=set_key(number), now=NOW)
        state = item_completed(started, key=set_key(number), artifact=artifact, spending=Spending(), now=NOW)

    for number in range(1, 10):
        state = Retake(key=set_key(number), prompt="x" * 32_000).applied_to(state, now=NOW)
    with pytest.raises(WrongRequestError, match="together"):
        Retake(key=set_key(10), prompt="x" * 32_000).applied_to(state, now=NOW)


def test_versions_are_not_made_without_end() -> None:
    """They are all in the state; a session that has thousands is told to make room elsewhere."""
    state = story_of_two_versions_each()

    with pytest.raises(CommandRefusedError, match="2,000 versions"):
        Retake(key=set_key(1)).applied_to(state, now=NOW)


def story_of_two_versions_each() -> SessionState:
    state = _all_failed()
    for number in range(1, MAX_SETS + 1):
        for attempt in (11, 12):
            artifact = Artifact(attempt=attempt, media_type="application/json", bytes=10**4, sha256="f" * 64)
            started = item_started(state, key=set_key(number), now=NOW)
            state = item_completed(started, key=set_key(number), artifact=artifact, spending=Spending(), now=NOW)
    return state


def test_short_sessions_keep_their_texts_whole() -> None:
    """Only where there are many items are their texts cut."""
    error = ItemError(type=ErrorClass.CONTENT, message="字" * 300, advice="Retry.")
    state = _all_failed().model_copy(
        update={"items": story_items(StorySessionRequest(idea="An idea", total_segments=60).plan, max_attempts=3)}
    )
    started = item_started(state, key="outline", now=NOW)

    failed = item_failed(started, key="outline", error=error, attempts_used=3, spending=Spending(), now=NOW)

    assert error == failed.item("outline").error
