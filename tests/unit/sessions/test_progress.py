"""Attempts under way, described by the server a moment before the session itself was asked."""

from collections.abc import Mapping
from datetime import timedelta

from sessions.present import session_view
from sessions.progress import UnderWay, not_interrupted_since
from sessions.state import SessionState, item_cancelled, item_interrupted, item_started, item_stopping
from sessions.statuses import SessionStatus
from tests.unit.sessions.test_state import COST, NOW, a_state

SECOND = timedelta(seconds=1)


def described(state: SessionState, *, attempt_in_round: int, after_seconds: int) -> Mapping[str, UnderWay]:
    """Return what the server tells of an item whose attempt began so long after the session."""
    attempt = UnderWay(
        item="main",
        round=state.item("main").round,
        attempt_in_round=attempt_in_round,
        is_running=True,
        began_at=NOW + after_seconds * SECOND,
    )
    return {"main": attempt}


def version(state: SessionState, under_way: Mapping[str, UnderWay]) -> int:
    """Return the version that is shown of a session, for which the server was asked first."""
    return session_view(state, under_way=not_interrupted_since(under_way, state=state)).version


def interrupted(state: SessionState, *, attempts_used: int, after_seconds: int) -> SessionState:
    return item_interrupted(
        state, key="main", attempts_used=attempts_used, spending=COST, now=NOW + after_seconds * SECOND
    )


def test_an_item_that_is_interrupted_between_the_two_questions_is_counted_once() -> None:
    """Its steps are in the revision already: what was described of it before adds nothing to the version."""
    running = item_started(a_state("main"), key="main", now=NOW)
    before = described(running, attempt_in_round=2, after_seconds=1)
    waiting = interrupted(running, attempts_used=1, after_seconds=2)
    again = item_started(waiting, key="main", now=NOW + 2 * SECOND)
    assert version(running, before) < waiting.revision
    assert waiting.revision == version(waiting, before)
    assert waiting.revision == version(again, before)


def test_what_is_handed_out_again_counts_from_its_own_attempts() -> None:
    """The same holds where no attempt counted, so that nothing else tells the two from each other."""
    running = item_started(a_state("main"), key="main", now=NOW)
    before = described(running, attempt_in_round=1, after_seconds=1)
    again = item_started(interrupted(running, attempts_used=0, after_seconds=2), key="main", now=NOW + 2 * SECOND)
    then = described(again, attempt_in_round=1, after_seconds=3)
    assert version(again, before) == again.revision
    assert version(again, then) == again.revision + 1


def test_the_version_never_falls_however_late_the_server_is_believed() -> None:
    """Whatever was described first, and whenever the session answers after that, what is shown counts upwards."""
    state = a_state("main", max_attempts=4)
    shown = [0]
    before: Mapping[str, UnderWay] = {}
    for used in (1, 0, 1):
        state = item_started(state, key="main", now=state.updated_at)
        shown.append(version(state, before))
        second = int((state.updated_at - NOW) / SECOND)
        before = described(state, attempt_in_round=used + 1, after_seconds=second + 1)
        shown.append(version(state, before))
        state = interrupted(state, attempts_used=used, after_seconds=second + 2)
        shown.append(version(state, before))
    assert sorted(shown) == shown


def test_what_was_seen_of_an_item_stays_counted_while_the_ledger_is_asked_about_it() -> None:
    """Whether or not the server still tells of its last attempt, and no further than if it had ended at once."""
    running = item_started(a_state("main"), key="main", now=NOW)
    before = described(running, attempt_in_round=3, after_seconds=1)
    stopping = item_stopping(running, key="main", now=NOW + 2 * SECOND)
    cancelled = item_cancelled(stopping, key="main", attempts_used=3, spending=COST, now=NOW + 3 * SECOND)
    at_once = item_cancelled(running, key="main", attempts_used=3, spending=COST, now=NOW + 3 * SECOND)
    shown = session_view(stopping, under_way={})
    assert version(running, before) <= shown.version < cancelled.revision
    assert shown.version == version(stopping, before)
    assert SessionStatus.PROCESSING is shown.status
    assert at_once == cancelled
