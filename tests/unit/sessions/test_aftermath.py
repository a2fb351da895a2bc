"""Why an attempt was or was not tried again is told from what is known, and never guessed."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from sessions.aftermath import (
    ERRORS_IN_WORDS,
    Aftermath,
    Afterwards,
    aftermaths,
    billing_in_words,
    waiting_in_words,
)
from sessions.artifacts import Artifact
from sessions.errors import ErrorClass, ItemError
from sessions.holding import held_back, session_paused
from sessions.items import new_items
from sessions.ledger import LedgerEntry
from sessions.money import Spending, Usage
from sessions.state import (
    SessionState,
    item_cancelled,
    item_completed,
    item_failed,
    item_retaken,
    item_started,
    items_retried,
    version_selected,
)
from sessions.statuses import AttemptStatus, SessionKind

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ERROR = ItemError(type=ErrorClass.TRANSIENT, message="It broke.", advice="Retry.")


def session(**changes: Any) -> SessionState:
    """Return a session of one item that is being made."""
    state = SessionState(
        id="ses-aaaaaaaaaaaaaaaa",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="T",
        items=new_items((("main", "Main image"),), max_attempts=3),
        created_at=START,
        updated_at=START,
    )
    return item_started(state, key="main", now=START).model_copy(update=changes)


def entry(attempt: int, *, error: ErrorClass | None = None, **changes: Any) -> LedgerEntry:
    """Return an attempt of one second that begins ten seconds after the one before."""
    began = START + timedelta(seconds=10 * attempt)
    status = AttemptStatus.COMPLETE
    if error is not None:
        status = AttemptStatus.UNCERTAIN if error is ErrorClass.UNCERTAIN else AttemptStatus.FAILED
    values: Mapping[str, Any] = {
        "item": "main",
        "attempt": attempt,
        "round": 1,
        "prompt_sha256": "0" * 64,
        "model": "m",
        "status": status,
        "error_type": error,
        "started_at": began,
        "ended_at": began + timedelta(seconds=1),
        "worker": "w:1",
        **changes,
    }
    return LedgerEntry.model_validate(values)


def running(attempt: int, **changes: Any) -> LedgerEntry:
    return entry(attempt, status=AttemptStatus.RUNNING, ended_at=None, **changes)


def failed(state: SessionState, *, attempts: int, error: ItemError = ERROR) -> SessionState:
    return item_failed(state, key="main", error=error, attempts_used=attempts, spending=Spending(), now=START)


def completed(state: SessionState, *, attempt: int) -> SessionState:
    artifact = Artifact(attempt=attempt, media_type="image/png", bytes=1, sha256="0" * 64)
    return item_completed(state, key="main", artifact=artifact, spending=Spending(), now=START)


def retaken(state: SessionState) -> SessionState:
    after = item_retaken(state, key="main", note=None, prompt=None, is_refined=False, now=START)
    return item_started(after, key="main", now=START)


def told(entries: Sequence[LedgerEntry], *, state: SessionState) -> list[Aftermath]:
    """Return what followed each of the attempts."""
    followed = aftermaths(entries, of=entries, state=state)
    return [followed[one.item, one.attempt] for one in entries]


def test_a_failure_that_is_tried_again_says_when_and_why_and_with_what() -> None:
    """The wait is measured, not what the policy says; the variation of the next attempt is named."""
    entries = [
        entry(1, error=ErrorClass.CONTENT),
        entry(2, variation="Emphasize clarity and simplicity"),
    ]
    first, second = told(entries, state=completed(session(), attempt=2))
    assert Afterwards.TRIED_AGAIN is first.what
    assert (
        "Tried again as attempt 2, 9.0\u00a0s later: asked in another way, the result may be another. "
        "That one asked with “Emphasize clarity and simplicity”."
    ) == first.why
    assert (Afterwards.MADE, "Its result counts.", None) == (second.what, second.why, second.begun_again)


@pytest.mark.parametrize("error", list(ErrorClass))
def test_every_class_is_explained_as_the_rules_have_it(error: ErrorClass) -> None:
    """Whether a class is retried is the class's own rule; the explanation follows it, and none lacks words."""
    assert ERRORS_IN_WORDS[error]
    state = failed(session(), attempts=1, error=ERROR.model_copy(update={"type": error}))
    (alone,) = told([entry(1, error=error)], state=state)
    assert Afterwards.NOT_TRIED_AGAIN is alone.what
    assert ("would end like this" in alone.why) == (not error.is_retried)
    if error.is_retried:
        followed = told([entry(1, error=error), entry(2)], state=completed(session(), attempt=2))[0]
        assert Afterwards.TRIED_AGAIN is followed.what
        assert "later: " in followed.why


def test_the_last_attempt_that_a_round_allows_is_not_tried_again() -> None:
    """Three attempts, and the third says that it was the last."""
    entries = [entry(number, error=ErrorClass.TRANSIENT) for number in (1, 2, 3)]
    last = told(entries, state=failed(session(), attempts=3))[-1]
    assert (Afterwards.NOT_TRIED_AGAIN, "Not tried again: attempt 3 is the last that its round allows.") == (
        last.what,
        last.why,
    )


def test_a_person_begins_another_round() -> None:
    """A retry after three failures and a retake of a result are somebody's wish, and not a rule of ours."""
    failures = [entry(number, error=ErrorClass.TRANSIENT) for number in (1, 2, 3)]
    state = items_retried(failed(session(), attempts=3), notes={"main": None}, max_attempts=None, now=START)
    waiting = told(failures, state=state)[-1]
    assert "Not tried again: it was the last of the 3 attempts of its round." == waiting.why
    assert "Later a person asked for it to be made again, in round 2." == waiting.begun_again
    entries = [*failures, entry(4, round=2), running(5, round=3)]
    again = retaken(completed(item_started(state, key="main", now=START), attempt=4))
    *_, third, fourth, fifth = told(entries, state=again)
    assert "Later a person asked for it to be made again: attempt 4, in round 2." == third.begun_again
    assert ("Its result counts.", "Later a person asked for another version: attempt 5, in round 3.") == (
        fourth.why,
        fourth.begun_again,
    )
    assert (Afterwards.UNDER_WAY, None) == (fifth.what, fifth.begun_again)


def test_a_round_that_ended_early_for_unknown_reasons_is_not_explained() -> None:
    """Of an earlier round neither its limit nor a cancellation is written down."""
    state = retaken(item_cancelled(session(), key="main", attempts_used=1, spending=Spending(), now=START))
    (first,) = told([entry(1, error=ErrorClass.TRANSIENT)], state=state)
    assert "Not tried again: its round ended with it." == first.why
    unexplained = failed(session(), attempts=2)
    last = told([entry(number, error=ErrorClass.TRANSIENT) for number in (1, 2)], state=unexplained)[-1]
    assert "Not tried again. Why is not written down." == last.why


def test_a_cancelled_item_says_who_ended_it() -> None:
    """Also one that keeps the version it had: it is complete with it, and carries no error."""
    cancelled = item_cancelled(session(), key="main", attempts_used=1, spending=Spending(), now=START)
    (alone,) = told([entry(1, error=ErrorClass.UNCERTAIN)], state=cancelled)
    assert "Not tried again: a person cancelled it." == alone.why
    again = retaken(completed(session(), attempt=1))
    kept = item_cancelled(again, key="main", attempts_used=1, spending=Spending(), now=START)
    last = told([entry(1), entry(2, round=2, error=ErrorClass.UNCERTAIN)], state=kept)[-1]
    assert "Not tried again: a person cancelled it." == last.why
    lost = item_failed(again, key="main", error=ERROR, attempts_used=3, spending=Spending(), now=START)
    last = told([entry(1), entry(4, round=2, error=ErrorClass.TRANSIENT)], state=lost)[-1]
    assert "Not tried again: attempt 4 is the last that its round allows." == last.why


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (session(), "after a short wait"),
        (session_paused(session(), now=START), "when the session is resumed"),
        (held_back(session(), until=START + timedelta(days=8), now=START), "when the limit of the month allows it"),
    ],
)
def test_what_is_to_be_tried_again_says_what_it_waits_for(state: SessionState, words: str) -> None:
    """A failure with attempts left is followed by another, once nothing holds it back."""
    (one,) = told([entry(1, error=ErrorClass.TRANSIENT)], state=state)
    assert Afterwards.WILL_BE_TRIED_AGAIN is one.what
    assert words in one.why


def test_the_end_that_nobody_wrote_down_is_not_made_up() -> None:
    """An open entry of an item that is finished, or that another attempt has followed, stays unknown."""
    first, _ = told([running(1), entry(2)], state=completed(session(), attempt=2))
    assert (Afterwards.UNKNOWN, "How it ended is not written down. Attempt 2 followed.") == (first.what, first.why)
    (alone,) = told([running(1)], state=failed(session(), attempts=3))
    assert (Afterwards.UNKNOWN, "How it ended is not written down.") == (alone.what, alone.why)
    (behind,) = told([entry(1, error=ErrorClass.TRANSIENT)], state=completed(session(), attempt=2))
    assert (Afterwards.TRIED_AGAIN, "Tried again as attempt 2, which is not written down yet.") == (
        behind.what,
        behind.why,
    )


def test_which_of_several_results_counts_is_said() -> None:
    """The newest until a person chooses, and then that one."""
    both = completed(retaken(completed(session(), attempt=1)), attempt=2)
    entries = [entry(1), entry(2, round=2)]
    assert ["It made a result; that of attempt 2 counts.", "Its result counts."] == [
        one.why for one in told(entries, state=both)
    ]
    chosen = version_selected(both, key="main", attempt=1, now=START)
    assert ["Its result counts, as a person chose.", "It made a result; that of attempt 1 counts."] == [
        one.why for one in told(entries, state=chosen)
    ]


def test_waits_and_bills_are_told_honestly() -> None:
    """Waiting burns no attempt; what may have been billed is said to be the worst case, or what was counted."""
    assert (None, None) == (waiting_in_words(entry(1)), billing_in_words(entry(1)))
    assert "The provider asked once to wait. Waiting uses up no attempt and is not billed." == waiting_in_words(
        entry(1, throttled_calls=1)
    )
    assert "asked 4 times to wait" in str(waiting_in_words(entry(1, throttled_calls=4)))
    assert "the cost is the worst case" in str(billing_in_words(entry(1, error=ErrorClass.UNCERTAIN)))
    counted = entry(1, error=ErrorClass.UNCERTAIN, usage=Usage(input_tokens=5))
    assert "the tokens the provider had counted" in str(billing_in_words(counted))
