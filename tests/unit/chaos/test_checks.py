"""Each check of a chaos run sees what it is there for: made-up evidence is spoiled, and the right check says so."""

from collections.abc import Callable
from typing import Any

import pytest

from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from tests.chaos.checks.calls import FORGOTTEN, NEVER_ARRIVED
from tests.chaos.checks.every import CHECKS, checked
from tests.chaos.checks.paid_twice import BETWEEN, NOBODY_WANTED_IT
from tests.chaos.checks.recovery import COUNTED, IN_TURN, NO_PLACE
from tests.chaos.checks.result import CheckResult
from tests.chaos.checks.states import ASKED_AGAIN, CANCELLED_MEANWHILE, MADE_BEFORE, NOT_THERE
from tests.chaos.collect import wait_told_in
from tests.chaos.evidence import Evidence, HistoryEvidence, SessionEvidence, Stored
from tests.chaos.journal import Outage, Seen, Wait
from tests.chaos.scale import Blow
from tests.unit.chaos.made_up import (
    COST,
    ID,
    MARK,
    SHA,
    asked,
    at,
    call,
    calls,
    entry,
    evidence,
    item_view,
    lost_entry,
    outage,
    session,
    view,
)

Spoil = Callable[[], Evidence]


def broken(of: Evidence) -> dict[str, CheckResult]:
    """Return the checks that do not pass, by name."""
    return {result.name: result for result in checked(of) if not result.has_passed}


def exceptions(of: Evidence, name: str) -> dict[str, int]:
    return dict(next(result for result in checked(of) if result.name == name).exceptions)


def ledger(*changed: Any, without: tuple[str, int] | None = None) -> SessionEvidence:
    """Return the session with other entries in the place of those with their item and attempt, or in addition."""
    known = {(one.item, one.attempt): one for one in session().ledger}
    known |= {(one.item, one.attempt): one for one in changed}
    if without is not None:
        del known[without]
    return session(ledger=tuple(known.values()))


def test_a_good_run_passes_every_check() -> None:
    """Nothing is objected to that is as it should be."""
    assert {} == broken(evidence())


def test_every_check_can_fail() -> None:
    """For each check there is a way below to make it fail."""
    assert {result.name for result in checked(evidence())} == {name for name, _, _ in SPOILED}
    assert len(CHECKS) == len(checked(evidence()))


def a_lost_session() -> Evidence:
    return evidence(asked_for=(MARK, "mark-i00002"))


def two_sessions_for_one_key() -> Evidence:
    return evidence(asked=(asked("start", outcome=ID), asked("start", outcome="ses-bbbbbbbbbbbbbbbb")))


def a_session_that_nobody_asked_for() -> Evidence:
    return evidence(strangers=("ses-bbbbbbbbbbbbbbbb",))


def a_stuck_session() -> Evidence:
    return evidence(unsettled=(MARK,))


def an_item_that_is_still_made() -> Evidence:
    items = (item_view("main", attempt=2, status=ItemStatus.PROCESSING), item_view("lifestyle", attempt=1))
    return evidence(of=session(view=view(*items, status=SessionStatus.PROCESSING)))


def records_that_say_otherwise() -> Evidence:
    told = {"main": "failed", "lifestyle": "complete"}
    return evidence(of=session(standings={"the records": told}))


def a_complete_session_with_a_failed_item() -> Evidence:
    items = (item_view("main", attempt=2, status=ItemStatus.FAILED), item_view("lifestyle", attempt=1))
    return evidence(of=session(view=view(*items)))


def a_complete_item_that_the_ledger_calls_failed() -> Evidence:
    return evidence(of=ledger(entry("lifestyle", 1, began=1, ended=2, status=AttemptStatus.FAILED, request_id="req-2")))


def a_failed_item_that_forgot_its_attempts() -> Evidence:
    items = (item_view("main", attempt=0, status=ItemStatus.FAILED), item_view("lifestyle", attempt=1))
    return evidence(of=session(view=view(*items, status=SessionStatus.PARTIAL)))


def a_cancelled_session_that_is_partial() -> Evidence:
    items = (item_view("main", attempt=2, status=ItemStatus.FAILED), item_view("lifestyle", attempt=1))
    shown = view(*items, status=SessionStatus.PARTIAL)
    return evidence(of=session(view=shown), asked=(asked("start", outcome=ID), asked("cancel", when=2)))


def an_item_that_stayed_failed() -> Evidence:
    items = (item_view("main", attempt=2, status=ItemStatus.FAILED), item_view("lifestyle", attempt=1))
    return evidence(of=session(view=view(*items, status=SessionStatus.PARTIAL)))


def a_retry_that_passed_over_an_item() -> Evidence:
    return evidence(asked=(asked("start", outcome=ID), asked("retry", when=20, once="one", failed=("main",), round=2)))


def _retried(*entries: LedgerEntry, first: float = 5, then: float = 20, named: str = "main") -> Evidence:
    """Return a session whose ``main`` failed in its first round and was named by a retry, after one of ``named``."""
    failed = entry("main", 1, began=1, ended=2, status=AttemptStatus.FAILED, request_id="req-1", cost_microdollars=0)
    return evidence(
        of=ledger(failed, *entries),
        asked=(
            asked("start", outcome=ID),
            asked("retry", when=first, once="one", failed=(named,)),
            asked("retry", when=then, once="two", failed=("main",)),
        ),
    )


def _made(*, began: float, ended: float, **more: Any) -> LedgerEntry:
    return entry("main", 2, **{"began": began, "ended": ended, "round": 2, "request_id": "req-3", **more})


def a_retry_that_passed_over_what_another_failed_to_make() -> Evidence:
    return _retried(_made(began=6, ended=7, status=AttemptStatus.FAILED))


def a_retry_that_passed_over_what_no_other_had_named() -> Evidence:
    return _retried(_made(began=6, ended=7), named="lifestyle")


def a_retry_that_passed_over_what_was_made_before_any_other() -> Evidence:
    return _retried(_made(began=3, ended=4))


def a_duplicate_that_began_a_round() -> Evidence:
    shown = view(round=3)
    again = tuple(asked("retry", when=2, once="one") for _ in range(2))
    return evidence(of=session(view=shown), asked=(asked("start", outcome=ID), *again))


def a_changed_hash() -> Evidence:
    return evidence(of=session(contents={"main#2": SHA["main"], "lifestyle#1": "c" * 64}))


def a_hash_that_was_another_once() -> Evidence:
    known = {"mark": MARK, "item": "lifestyle", "attempt": 1}
    return evidence(seen=(Seen(**known, sha256=SHA["lifestyle"]), Seen(**known, sha256="c" * 64)))


def an_attempt_too_many() -> Evidence:
    more = [
        entry("main", n, began=2 * n, ended=2 * n + 1, status=AttemptStatus.FAILED, request_id=None)
        for n in range(3, 5)
    ]
    return evidence(of=ledger(*more))


def an_extra_call() -> Evidence:
    return evidence(calls=(*calls(), call(4, "lifestyle", began=30, ended=31)))


def a_second_call_in_one_attempt() -> Evidence:
    return evidence(calls=(*calls(), call(4, "main", began=1.6, ended=1.8, status=500)))


def an_entry_without_its_call() -> Evidence:
    return evidence(calls=calls()[:-1])


def an_entry_that_was_never_closed() -> Evidence:
    more = entry("main", 3, began=5, ended=6, status=AttemptStatus.RUNNING)
    return evidence(of=ledger(more.model_copy(update={"ended_at": None})))


def a_call_that_the_ledger_denies() -> Evidence:
    denied = entry("main", 1, began=1, ended=2, status=AttemptStatus.FAILED)
    return evidence(of=ledger(denied))


def waits_that_were_not_counted() -> Evidence:
    throttled = call(4, "main", began=1.05, ended=1.06, status=429, fault="rate_limit")
    return evidence(calls=(*calls(), throttled))


def a_call_after_a_stored_artifact() -> Evidence:
    again = entry("lifestyle", 2, began=6, ended=7, status=AttemptStatus.FAILED, request_id="req-4")
    return evidence(of=ledger(again), calls=(*calls(), call(4, "lifestyle", began=6.1, ended=6.5, status=500)))


def an_answer_that_nothing_took() -> Evidence:
    lost = lost_entry("main", 1, began=1, ended=2)
    answered = call(1, "main", began=1.1, ended=1.5)
    return evidence(of=ledger(lost), calls=(answered, *calls()[1:]))


def two_results_of_one_round() -> Evidence:
    twice = (
        *session().stored,
        Stored(item="main", attempt=1, stored_at=at(5), sha256=SHA["main"], request_id="req-1"),
    )
    return evidence(of=session(stored=twice))


def a_call_long_after_a_cancel() -> Evidence:
    shown = view(status=SessionStatus.CANCELLED)
    late = entry("main", 3, began=30, ended=31, status=AttemptStatus.FAILED, request_id="req-4")
    of = ledger(late).model_copy(update={"view": shown, "replayed": shown, "watched": shown})
    return evidence(
        of=of,
        calls=(*calls(), call(4, "main", began=30.1, ended=30.5, status=500)),
        asked=(asked("start", outcome=ID), asked("cancel", when=5)),
    )


def a_passed_budget() -> Evidence:
    return evidence(of=session(spent_within_budget=(4 * COST, 0)))


def a_stream_that_stopped_early() -> Evidence:
    return evidence(of=session(watched=view(version=8, status=SessionStatus.PROCESSING)))


def a_stream_that_begins_with_something_else() -> Evidence:
    return evidence(of=session(replayed=view(version=8)))


def a_version_that_fell() -> Evidence:
    return evidence(disorders=(f"{MARK}: a viewer saw version 3 after 4",))


def a_picture_in_a_history() -> Evidence:
    return evidence(histories=(HistoryEvidence(session_id=ID, run_id="run", events=30, size=9000, leaks=("a PNG",)),))


def a_history_that_does_not_replay() -> Evidence:
    history = HistoryEvidence(session_id=ID, run_id="run", events=30, size=9000, replay_error="Nondeterminism")
    return evidence(histories=(history,))


def a_session_without_a_history() -> Evidence:
    return evidence(histories=())


def an_item_that_went_on_late() -> Evidence:
    lost = lost_entry("main", 1, began=1, ended=29)
    late = entry("main", 2, began=30, ended=31, variation="simply", request_id="req-3")
    return evidence(
        of=ledger(lost, late),
        calls=(
            call(1, "main", began=1.1, ended=1.5, status=None, answered=False),
            calls()[1],
            call(3, "main", began=30.1, ended=30.9, variation="simply"),
        ),
        outages=(outage(Blow.KILL_WORKER, began=1.4, ended=2),),
    )


SPOILED: list[tuple[str, Spoil, str]] = [
    ("nothing lost", a_lost_session, "mark-i00002"),
    ("nothing lost", two_sessions_for_one_key, MARK),
    ("nothing lost", a_session_that_nobody_asked_for, "ses-bbbbbbbbbbbbbbbb"),
    ("nothing stuck", a_stuck_session, MARK),
    ("one final state", an_item_that_is_still_made, f"{MARK} main"),
    ("one final state", records_that_say_otherwise, "main"),
    ("one final state", a_complete_session_with_a_failed_item, MARK),
    ("one final state", a_complete_item_that_the_ledger_calls_failed, f"{MARK} lifestyle"),
    ("one final state", a_failed_item_that_forgot_its_attempts, f"{MARK} main"),
    ("no failed item skipped", an_item_that_stayed_failed, f"{MARK}: main"),
    ("no failed item skipped", a_retry_that_passed_over_an_item, f"{MARK} main"),
    ("no failed item skipped", a_retry_that_passed_over_what_another_failed_to_make, f"{MARK} main"),
    ("no failed item skipped", a_retry_that_passed_over_what_no_other_had_named, f"{MARK} main"),
    ("no failed item skipped", a_retry_that_passed_over_what_was_made_before_any_other, f"{MARK} main"),
    ("duplicates begin nothing", a_duplicate_that_began_a_round, MARK),
    ("finished items keep their bytes", a_changed_hash, f"{MARK} lifestyle"),
    ("finished items keep their bytes", a_hash_that_was_another_once, f"{MARK} lifestyle"),
    ("no attempt beyond its maximum", an_attempt_too_many, f"{MARK} main"),
    ("ledger = log", an_extra_call, "call 4"),
    ("ledger = log", a_second_call_in_one_attempt, f"{MARK} main attempt 1"),
    ("ledger = log", an_entry_without_its_call, f"{MARK} main attempt 2"),
    ("ledger = log", an_entry_that_was_never_closed, f"{MARK} main attempt 3"),
    ("ledger = log", a_call_that_the_ledger_denies, f"{MARK} main attempt 1"),
    ("ledger = log", waits_that_were_not_counted, f"{MARK} main attempt 1"),
    ("no call after a stored artifact", a_call_after_a_stored_artifact, f"{MARK} lifestyle"),
    ("calls paid twice", an_answer_that_nothing_took, f"{MARK} main attempt 1"),
    ("calls paid twice", two_results_of_one_round, f"{MARK} main"),
    ("cancel stops new calls", a_call_long_after_a_cancel, MARK),
    ("cancel stops new calls", a_cancelled_session_that_is_partial, MARK),
    ("budgets kept", a_passed_budget, MARK),
    ("SSE replay = final state", a_stream_that_stopped_early, MARK),
    ("SSE replay = final state", a_stream_that_begins_with_something_else, MARK),
    ("SSE replay = final state", a_version_that_fell, MARK),
    ("no image and no key in a history", a_picture_in_a_history, ID),
    ("every workflow replays", a_history_that_does_not_replay, ID),
    ("every workflow replays", a_session_without_a_history, MARK),
    ("items go on within 15 s", an_item_that_went_on_late, f"{MARK} main"),
]


@pytest.mark.parametrize(("name", "spoil", "says"), SPOILED, ids=lambda one: getattr(one, "__name__", None))
def test_what_is_wrong_is_found_and_named(name: str, spoil: Spoil, says: str) -> None:
    """A doctored run fails the check that is there for it, and the failure says which session and item it is."""
    found = broken(spoil())

    assert name in found
    assert any(says in failure for failure in found[name].failures), found[name].failures


@pytest.mark.parametrize("ended", [7, 30])
def test_a_retry_of_what_an_earlier_one_makes_passes_over_nothing(ended: float) -> None:
    """Made already or still being made: the list of what had failed was older. Counted, and no difference."""
    of = _retried(_made(began=6, ended=ended))

    assert "no failed item skipped" not in broken(of)
    assert {MADE_BEFORE: 1} == exceptions(of, "no failed item skipped")


@pytest.mark.parametrize(("act", "excused"), [("cancel item", 1), ("pause", 0)])
def test_a_retry_of_what_a_person_cancels_at_the_same_time_passes_over_nothing(act: str, excused: int) -> None:
    """One of the two is obeyed. Without anybody who cancelled it, the item was passed over."""
    failed = entry("main", 1, began=1, ended=2, status=AttemptStatus.FAILED, request_id="req-1", cost_microdollars=0)
    items = (item_view("main", attempt=1, status=ItemStatus.CANCELLED), item_view("lifestyle", attempt=1))
    shown = view(*items, status=SessionStatus.CANCELLED)
    of = evidence(
        of=ledger(failed, without=("main", 2)).model_copy(update={"view": shown}),
        asked=(asked("start", outcome=ID), asked(act, when=4), asked("retry", when=5, once="one", failed=("main",))),
    )

    assert excused == exceptions(of, "no failed item skipped").get(CANCELLED_MEANWHILE, 0)
    assert (excused == 0) is ("no failed item skipped" in broken(of))


def test_an_answer_that_a_crash_took_is_shown_with_its_reason() -> None:
    """The honest edge: answered, then killed before the write. It is counted and listed, and breaks no promise."""
    lost = lost_entry("main", 1, began=1, ended=2.5)
    of = evidence(
        of=ledger(lost),
        calls=(call(1, "main", began=1.1, ended=1.5), *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=1.52, ended=2),),
    )

    found = next(result for result in checked(of) if result.name == "calls paid twice")

    assert {} == broken(of)
    assert {BETWEEN: 1} == dict(found.exceptions)
    assert [(MARK, "main", BETWEEN)] == [(one.session, one.item, one.reason) for one in found.listed]


def _stored_and_lost(*acts: str) -> Evidence:
    """Return a run in which the first attempt's result was stored and not taken up; a retry made it again."""
    lost = lost_entry("main", 1, began=1, ended=2.5)
    later = entry("main", 2, began=3, ended=4, variation="simply", request_id="req-3", round=2)
    orphan = Stored(item="main", attempt=1, stored_at=at(1.6), sha256="c" * 64, request_id="req-1")
    of = ledger(lost, later)
    contents = {**of.contents, "main#1": NOT_THERE}
    return evidence(
        of=of.model_copy(update={"stored": (*of.stored, orphan), "contents": contents}),
        calls=(call(1, "main", began=1.1, ended=1.5), *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=1.7, ended=2),),
        asked=(asked("start", outcome=ID), *(asked(act, when=2) for act in acts)),
    )


def test_a_result_that_was_stored_is_not_paid_for_again() -> None:
    """Whatever killed its worker then: the next attempt takes it up, or who looks for it after the last one."""
    assert "calls paid twice" in broken(_stored_and_lost())


@pytest.mark.parametrize("act", ["cancel", "cancel item"])
def test_a_result_of_what_a_person_cancelled_is_left_where_it_is(act: str) -> None:
    """Nobody comes for it any more, and it is shown as such."""
    assert {NOBODY_WANTED_IT: 1} == exceptions(_stored_and_lost(act), "calls paid twice")


def _killed_long_after_the_answer(*outages: Outage, acts: tuple[str, ...] = ()) -> Evidence:
    lost = lost_entry("main", 1, began=1, ended=2.5).model_copy(update={"ended_at": None})
    later = entry("main", 2, began=3, ended=4, variation="simply", request_id="req-3")
    return evidence(
        of=ledger(lost, later),
        calls=(call(1, "main", began=1.1, ended=1.5), *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=8, ended=8.1), *outages),
        asked=(asked("start", outcome=ID), *(asked(act, when=8.5) for act in acts)),
    )


def test_an_answer_that_waits_for_a_broken_store_is_taken_up() -> None:
    """It is on the worker's own disk for as long: a kill that takes the worker then is no reason to ask again."""
    broken_store = outage(Blow.BREAK_STORE, began=1.4, ended=9, target="store")

    assert "calls paid twice" in broken(_killed_long_after_the_answer(broken_store))
    assert {NOBODY_WANTED_IT: 1} == exceptions(
        _killed_long_after_the_answer(broken_store, acts=("cancel",)), "calls paid twice"
    )


def test_an_answer_has_no_reason_to_wait_for_a_store_that_works() -> None:
    """A worker that holds an answer for so long, and is killed then, has lost it by its own fault."""
    before = outage(Blow.BREAK_STORE, began=0.5, ended=1, target="store")

    assert "calls paid twice" in broken(_killed_long_after_the_answer(before))


def test_a_kill_of_another_worker_explains_nothing() -> None:
    """A crash elsewhere at the same time is no excuse for a lost answer."""
    lost = lost_entry("main", 1, began=1, ended=2.5)
    of = evidence(
        of=ledger(lost),
        calls=(call(1, "main", began=1.1, ended=1.5), *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=1.52, ended=2, worker="here:102"),),
    )

    assert "calls paid twice" in broken(of)


def test_an_entry_that_the_next_worker_made_up_is_that_of_the_call_before() -> None:
    """A worker that dies before its first heartbeat leaves no entry; the next one makes it up, and they are matched."""
    made_up = lost_entry("main", 1, began=2.4, ended=2.5, worker="here:102")
    of = evidence(
        of=ledger(made_up),
        calls=(call(1, "main", began=1.1, ended=1.5), *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=1.52, ended=2),),
    )

    assert {} == broken(of)


def test_an_item_that_goes_on_in_time_is_shown_with_its_seconds() -> None:
    """A recovery is measured from the kill to the next attempt."""
    lost = lost_entry("main", 1, began=1, ended=12)
    later = entry("main", 2, began=12, ended=13, variation="simply", request_id="req-3")
    of = evidence(
        of=ledger(lost, later),
        calls=(
            call(1, "main", began=1.1, ended=1.5, status=None, answered=False),
            calls()[1],
            call(3, "main", began=12.1, ended=12.9, variation="simply"),
        ),
        outages=(outage(Blow.KILL_WORKER, began=1.4, ended=2),),
    )

    found = next(result for result in checked(of) if result.name == "items go on within 15 s")

    assert (MARK, "main", 10.6) in [(one.session, one.item, one.seconds) for one in found.listed]


def test_an_attempt_that_nobody_knew_of_yet_is_measured_by_its_call() -> None:
    """Killed before its first heartbeat: the entry is the next worker's, the call that broke off tells of the kill."""
    made_up = lost_entry("main", 1, began=12, ended=12.1, worker="here:102")
    later = entry("main", 2, began=12.1, ended=13, variation="simply", request_id="req-3", worker="here:102")
    of = evidence(
        of=ledger(made_up, later),
        calls=(
            call(1, "main", began=1.1, ended=1.45, status=None, answered=False),
            calls()[1],
            call(3, "main", began=12.1, ended=12.9, variation="simply"),
        ),
        outages=(outage(Blow.KILL_WORKER, began=1.4, ended=2),),
    )

    found = next(result for result in checked(of) if result.name == "items go on within 15 s")

    assert (MARK, "main", 10.7) in [(one.session, one.item, one.seconds) for one in found.listed]


def late_beside(*others: float, waited: float | None = 8.0, of_round: int = 1) -> CheckResult:
    """Return what is found where an item goes on 20 s after a kill.

    ``waited``: for how many of them it was in the queue, None where no worker told of it. ``others``: the same of
    those that were begun beside it, in a round of theirs.
    """
    of = ledger(
        lost_entry("main", 1, began=1, ended=22),
        entry("main", 2, began=22, ended=23, variation="simply", request_id="req-3"),
        *(entry("lifestyle", 2 + n, began=22.5 + n / 2, ended=30, round=of_round) for n, _ in enumerate(others)),
    )
    waits = [
        Wait(mark=MARK, item="lifestyle", taken_at=at(22.4 + number / 2), seconds=seconds)
        for number, seconds in enumerate(others)
        if seconds
    ]
    waits += [] if waited is None else [Wait(mark=MARK, item="main", taken_at=at(21.9), seconds=waited)]
    of_run = evidence(of=of, outages=(outage(Blow.KILL_WORKER, began=2, ended=2.5),), waits=tuple(waits))
    return next(one for one in checked(of_run) if one.name == "items go on within 15 s")


def test_what_has_its_turn_behind_others_goes_on_later() -> None:
    """It was back in the queue in time, and those that were begun with it had waited as long: counted apart."""
    found = late_beside(7.5, 8.0, 8.2)

    assert found.has_passed, found.failures
    assert 1 == found.exceptions[NO_PLACE]
    assert (MARK, "main", 20.0, NO_PLACE) in [(one.session, one.item, one.seconds, one.reason) for one in found.listed]


@pytest.mark.parametrize(
    "found",
    [
        late_beside(7.5, 8.0, 8.2, waited=None),
        late_beside(7.5, 8.0, 8.2, waited=2.0),
        late_beside(0.0, 0.0, 0.0, 8.0),
        late_beside(7.5, 8.0, 8.2, of_round=2),
    ],
    ids=["nobody knows", "it was late before", "others got a place at once", "others went first by right"],
)
def test_others_that_wait_excuse_nothing_by_themselves(found: CheckResult) -> None:
    """What came late into the queue, or was passed over in it, is late by the product's fault."""
    assert not found.has_passed


def test_the_logs_of_workers_tell_who_waited() -> None:
    """As they write them; a line that a kill has cut off tells nothing."""
    told = (
        '{"event": "an attempt has waited for a place at a worker", "session_id": "ses-a", "item": "main", '
        '"waited_seconds": 12.5, "timestamp": "2026-11-22T10:00:20Z"}'
    )
    lines = ["Traceback", '{"event": "the worker is ready"}', told, told[:60]]

    waits = [wait for wait in (wait_told_in(line, marks={"ses-a": MARK}) for line in lines) if wait is not None]

    assert [(MARK, "main", 12.5)] == [(wait.mark, wait.item, wait.seconds) for wait in waits]
    assert "2026-11-22T10:00:07.500000+00:00" == waits[0].queued_at.isoformat()


def taken_up_after(*kills: float, ended: float) -> CheckResult:
    """Return what is found where a result that the killed attempt had left is taken up, with no entry in between."""
    of = ledger(entry("main", 1, began=1, ended=ended, request_id="req-3"), without=("main", 2))
    outages = [outage(Blow.KILL_WORKER, began=1.4, ended=2)]
    outages += [outage(Blow.KILL_WORKER, began=one, ended=one + 0.5, worker="here:102") for one in kills]
    return next(
        one for one in checked(evidence(of=of, outages=tuple(outages))) if one.name == "items go on within 15 s"
    )


def test_an_attempt_that_was_killed_while_it_looked_has_no_entry_and_its_own_time() -> None:
    """What it was to take up was taken up by the third attempt: each kill is reckoned by itself."""
    found = taken_up_after(12, ended=25)

    assert found.has_passed, found.failures
    assert 1 == found.exceptions[IN_TURN]
    assert {10.6, 13.0} == {one.seconds for one in found.listed if one.item == "main"}


@pytest.mark.parametrize("kills", [(), (20,)], ids=["no second kill", "too late to have taken an attempt"])
def test_a_result_that_is_taken_up_late_is_late(kills: tuple[float, ...]) -> None:
    """Without a kill in between nothing excuses it."""
    assert not taken_up_after(*kills, ended=25).has_passed


def killed_twice(*second: float, began: float = 26, ended: float = 26.1) -> CheckResult:
    """Return what is found where an item goes on after 26 s, its second attempt lost too, to kills at these times."""
    kills = [outage(Blow.KILL_WORKER, began=1.4, ended=2)]
    kills += [outage(Blow.KILL_WORKER, began=one, ended=one + 0.5, worker="here:102") for one in second]
    of = ledger(
        lost_entry("main", 1, began=1, ended=26),
        lost_entry("main", 2, began=began, ended=ended, worker="here:103"),
        entry("main", 3, began=max(26.1, ended + 0.1), ended=40, worker="here:103"),
    )
    return next(one for one in checked(evidence(of=of, outages=tuple(kills))) if one.name == "items go on within 15 s")


def test_an_attempt_that_was_killed_in_its_turn_untold_had_gone_on() -> None:
    """It was begun before the second kill, whatever its made-up entry says; each kill is reckoned by itself."""
    found = killed_twice(13)

    assert found.has_passed, found.failures
    assert 1 == found.exceptions[IN_TURN]
    assert {11.6, 13.2} == {one.seconds for one in found.listed if one.item == "main"}


@pytest.mark.parametrize("second", [(), (5,), (20,)], ids=["no second kill", "long before", "after it was given up"])
def test_no_kill_excuses_what_is_late_without_it(second: tuple[float, ...]) -> None:
    """A second kill counts where it can have taken the attempt, and the item has 15 seconds from there, no more."""
    assert not killed_twice(*second).has_passed


def test_an_attempt_whose_time_is_known_goes_on_at_that_time() -> None:
    """It lasted for longer than the server's patience, so that its entry is its own: late, kill or no kill."""
    assert not killed_twice(13, began=22, ended=34).has_passed


def last_attempt_killed_too(*second: float, noticed: float = 24) -> CheckResult:
    """Return what is found where the attempt after a kill was a round's last, and only the session could enter it."""
    kills = [outage(Blow.KILL_WORKER, began=1.4, ended=2)]
    kills += [outage(Blow.KILL_WORKER, began=one, ended=one + 0.5, worker="here:102") for one in second]
    untold = lost_entry("main", 2, began=noticed, ended=noticed, worker="unknown").model_copy(update={"ended_at": None})
    of = ledger(
        lost_entry("main", 1, began=1, ended=noticed),
        untold,
        entry("main", 3, began=noticed + 1, ended=40, worker="here:103", round=2),
    )
    return next(one for one in checked(evidence(of=of, outages=tuple(kills))) if one.name == "items go on within 15 s")


def test_a_last_attempt_that_was_killed_in_its_turn_had_gone_on() -> None:
    """The session heard of it ten seconds after its last sign of life, at the earliest: it had begun before."""
    found = last_attempt_killed_too(13)

    assert found.has_passed, found.failures
    assert 1 == found.exceptions[IN_TURN]
    assert [11.6] == [one.seconds for one in found.listed if one.item == "main"]


@pytest.mark.parametrize("second", [(), (18,)], ids=["no second kill", "after it must have begun"])
def test_nothing_excuses_a_last_attempt_that_no_kill_took(second: tuple[float, ...]) -> None:
    """It was begun late, or never."""
    assert not last_attempt_killed_too(*second).has_passed


def test_a_question_that_got_no_answer_is_counted() -> None:
    """What the workflow said when it was asked again has to agree all the same."""
    again = evidence(of=session(questions=2))
    assert {} == broken(again)
    assert {ASKED_AGAIN: 1} == exceptions(again, "one final state")
    silent = session(questions=3, standings={"the workflow": {"it does not answer": "query timed out"}})
    assert "one final state" in broken(evidence(of=silent))


def counted_first(
    *second: float, counted: float = 12, began: float = 24, budget: int | None = 10 * COST
) -> CheckResult:
    """Return what is found where a lost attempt was entered, and the next one of the item began much later."""
    kills = [outage(Blow.KILL_WORKER, began=1.4, ended=2)]
    kills += [outage(Blow.KILL_WORKER, began=one, ended=one + 0.5, worker="here:102") for one in second]
    of = ledger(
        lost_entry("main", 1, began=1, ended=counted),
        entry("main", 2, began=began, ended=40, worker="here:103"),
    ).model_copy(update={"budget_microdollars": budget})
    return next(one for one in checked(evidence(of=of, outages=tuple(kills))) if one.name == "items go on within 15 s")


def test_what_is_counted_under_a_budget_waits_for_its_session() -> None:
    """It had gone on when it was entered; the session's own worker was killed, and each kill is reckoned by itself."""
    found = counted_first(11)

    assert found.has_passed, found.failures
    assert 1 == found.exceptions[COUNTED]
    assert [10.6, 13.0] == sorted(one.seconds or 0 for one in found.listed if one.item == "main")


@pytest.mark.parametrize(
    "found",
    [
        counted_first(),
        counted_first(11, budget=None),
        counted_first(11, counted=20, began=25),
        counted_first(11, began=27),
    ],
    ids=["its session had a worker", "no budget", "it was counted late", "its session came back late"],
)
def test_the_count_excuses_nothing_by_itself(found: CheckResult) -> None:
    """Each of the two has 15 seconds, and the second only where a kill took the session's worker."""
    assert not found.has_passed


def test_waits_that_a_dead_worker_counted_alone_are_a_known_exception() -> None:
    """They died with its memory: counted, and no difference."""
    lost = lost_entry("main", 1, began=1, ended=2.5)
    throttled = call(1, "main", began=1.1, ended=1.2, status=429, fault="rate_limit")
    of = evidence(
        of=ledger(lost),
        calls=(throttled, *calls()[1:]),
        outages=(outage(Blow.KILL_WORKER, began=1.52, ended=2),),
    )

    assert {} == broken(of)
    assert 1 == exceptions(of, "ledger = log")["waits that a killed worker could not count"]


@pytest.mark.parametrize(
    ("ended", "of_worker", "excused"),
    [(2.0, "worker-1", 1), (1.05, "worker-1", 0), (2.0, "worker-2", 0)],
    ids=["while it was on its way", "before", "the other worker's"],
)
def test_waits_whose_answer_was_stuck_on_its_way_are_a_known_exception(
    ended: float, of_worker: str, excused: int
) -> None:
    """The worker never heard that it was to wait. A connection that worked by then, or another's, explains nothing."""
    stopped = entry("main", 1, began=1, ended=2.5, status=AttemptStatus.UNCERTAIN, error="The attempt was stopped.")
    throttled = call(1, "main", began=1.1, ended=1.2, status=503, fault="server_error")
    stall = outage(Blow.CUT_LINK, began=1.0, ended=ended, target=f"{of_worker}>provider", way="stall")
    killed_later = outage(Blow.KILL_WORKER, began=40, ended=41)
    of = evidence(of=ledger(stopped), calls=(throttled, *calls()[1:]), outages=(stall, killed_later))

    assert excused == exceptions(of, "ledger = log").get(NEVER_ARRIVED, 0)
    assert ("ledger = log" in broken(of)) is not bool(excused)


def test_a_call_of_a_cancelled_item_may_be_forgotten_with_its_worker_alone() -> None:
    """Without a worker that was killed there is no excuse for a call that no ledger knows."""
    items = (item_view("main", attempt=1, status=ItemStatus.CANCELLED), item_view("lifestyle", attempt=1))
    shown = view(*items, status=SessionStatus.CANCELLED)
    known = tuple(one for one in session().ledger if one.item == "lifestyle")
    of = session(view=shown, ledger=known, stored=session().stored[1:], contents={"lifestyle#1": SHA["lifestyle"]})
    kill = outage(Blow.KILL_WORKER, began=1.6, ended=2)

    excused = evidence(of=of, calls=calls()[:2], outages=(kill,))

    assert 1 == exceptions(excused, "ledger = log")[FORGOTTEN]
    assert "ledger = log" not in broken(excused)
    assert "ledger = log" in broken(evidence(of=of, calls=calls()[:2]))
