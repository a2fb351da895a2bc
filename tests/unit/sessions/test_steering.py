"""Every command on a session's state: what it changes, and what it leaves alone."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from sessions.commands import Command, CommandRefusedError, KeyReusedError, Retry, once, refusals
from sessions.commands import obeyed as obeyed_once
from sessions.errors import ErrorClass, ItemError
from sessions.holding import held_back
from sessions.limits import tolerated_of
from sessions.money import Spending
from sessions.present import session_view
from sessions.progress import RecordedItem, brought_up_to_date
from sessions.state import (
    SessionState,
    item_cancelled,
    item_completed,
    item_failed,
    item_interrupted,
    item_started,
    session_closed,
)
from sessions.statuses import ItemStatus, SessionStatus
from sessions.steering import BudgetChange, CancelItems, Pause, Resume, Retake, RetakeRequest, Selection
from tests.unit.sessions.test_state import COST, ERROR, NOW, a_state, an_artifact, completed, failed

LATER = NOW + timedelta(minutes=1)


def obeyed(state: SessionState, command: Command) -> SessionState:
    return command.applied_to(state, now=LATER)


def after_round(state: SessionState, key: str = "main") -> SessionState:
    """Let a retake succeed."""
    return completed(item_started(state, key=key, now=NOW), key)


def both_complete() -> SessionState:
    return completed(completed(a_state(), "main"), "lifestyle")


def under_budget(budget: int, *, items: int = 3) -> SessionState:
    keys = [f"item-{number}" for number in range(items)]
    return a_state(*keys).model_copy(update={"budget_microdollars": budget, "worst_case_microdollars": 10})


def begun(state: SessionState) -> list[str]:
    return [item.key for item in state.items_to_make(at_most=99)]


def test_a_retake_begins_a_round_over_one_item() -> None:
    """Its version counts until there is another, attempt numbers go on, and the other item is not touched."""
    before = session_closed(both_complete(), now=NOW)

    state = obeyed(before, Retake(key="main", note="At dusk."))

    item = state.item("main")
    assert (ItemStatus.PENDING, 2, 1, "At dusk.") == (item.status, item.round, item.attempts_before_round, item.note)
    assert an_artifact(1) == item.artifact
    assert (SessionStatus.PROCESSING, None, None) == (state.status, state.settled_at, state.closed_at)
    assert before.item("lifestyle") == state.item("lifestyle")


def test_the_newest_version_counts_until_a_person_chooses() -> None:
    """Afterwards the choice does, and no version is ever dropped."""
    state = after_round(obeyed(both_complete(), Retake(key="main")))
    assert (an_artifact(2), (an_artifact(1),)) == (state.item("main").artifact, state.item("main").others)

    chosen = obeyed(state, Selection(key="main", attempt=1))
    assert an_artifact(1) == chosen.item("main").artifact
    again = after_round(obeyed(chosen, Retake(key="main")))
    assert an_artifact(1) == again.item("main").artifact
    assert [1, 2, 3] == [version.attempt for version in again.item("main").versions]


def test_a_failed_retake_leaves_the_item_complete_and_says_why() -> None:
    """It is nothing to retry; taken again, the error is gone."""
    state = failed(obeyed(both_complete(), Retake(key="main")), "main")

    item = state.item("main")
    assert (ItemStatus.COMPLETE, an_artifact(1), ERROR, 4) == (item.status, item.artifact, item.error, item.attempt)
    assert SessionStatus.COMPLETE is state.status
    assert () == state.failed_items
    assert ERROR == session_view(state).items[0].error
    assert after_round(obeyed(state, Retake(key="main"))).item("main").error is None


def test_a_cancelled_item_is_taken_for_the_first_time() -> None:
    """Whoever has changed his mind gets it made."""
    state = obeyed(a_state(), CancelItems(items=("main",)))
    assert ["main"] == begun(completed(obeyed(state, Retake(key="main")), "lifestyle"))


def test_what_is_cancelled_already_is_cancelled_as_often_as_somebody_asks() -> None:
    """Nothing changes by it, also after the session has closed; what else is asked for is obeyed."""
    state = obeyed(a_state("main", "lifestyle"), CancelItems(items=("main",)))
    assert obeyed(state, CancelItems(items=("main",))) is state

    both = obeyed(state, CancelItems(items=("main", "lifestyle")))
    assert {ItemStatus.CANCELLED} == {item.status for item in both.items}
    closed = session_closed(both, now=NOW)
    assert obeyed(closed, CancelItems(items=("main", "lifestyle"))) is closed


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (Retake(key="main"), "'main' is being made; wait until it is finished, or cancel it first"),
        (Retake(key="lifestyle"), "'lifestyle' has failed; retry it instead"),
        (Retake(key="nowhere"), "There is no item 'nowhere'"),
        (Selection(key="main", attempt=1), "Attempts that can be selected: none"),
        (Selection(key="nowhere", attempt=1), "There is no item 'nowhere'"),
        (Resume(), "is not paused \\(it is processing\\)"),
        (CancelItems(items=("lifestyle",)), "'lifestyle' is failed already"),
        (CancelItems(items=("main", "nowhere")), "There is no item 'nowhere'"),
        (BudgetChange(budget_usd=0.000008), "has spent 9e-06 US dollars already|has spent 0.000009 US dollars already"),
    ],
)
def test_a_refusal_says_what_the_state_is(command: Command, said: str) -> None:
    """So that a person knows what to do instead."""
    state = failed(item_started(a_state(), key="main", now=NOW), "lifestyle")
    with pytest.raises(CommandRefusedError, match=said):
        obeyed(state, command)


def test_every_refusal_is_known_by_its_name() -> None:
    """The API learns from the name that crosses the wire what kind of refusal it was."""
    assert {"CommandRefusedError", "WrongRequestError", "KeyReusedError", "NothingFailedError"} <= set(refusals())


@pytest.mark.parametrize("body", [{"note": "x", "prompt": "y"}, {"note": " "}, {"from_previous": "yes"}, {"n": 1}])
def test_a_retake_that_makes_no_sense_is_refused(body: dict[str, object]) -> None:
    """Both kinds of words at once, none, or what nobody knows."""
    with pytest.raises(ValidationError):
        RetakeRequest.model_validate(body)


def test_a_pause_holds_back_what_waits_and_nothing_else() -> None:
    """What is being made may come to its end, but makes no further attempt."""
    state = obeyed(item_started(a_state(), key="main", now=NOW), Pause())
    assert ([], False) == (begun(state), state.may_begin(spent_in_round_microdollars=0))
    assert ItemStatus.PROCESSING is state.item("main").status

    resumed = obeyed(completed(state, "main"), Resume())
    assert (["lifestyle"], False) == (begun(resumed), resumed.is_paused)


def test_a_pause_ends_with_what_it_held_back() -> None:
    """A session that has come to its end is not paused, nor held by the month."""
    state = obeyed(obeyed(a_state("main"), Pause()), CancelItems(items=("main",)))
    assert (SessionStatus.CANCELLED, False) == (state.status, state.is_paused)
    held = completed(held_back(item_started(a_state("main"), key="main", now=NOW), until=LATER, now=NOW), "main")
    assert held.held_until is None


def test_cancelling_items_stops_what_waits_at_once() -> None:
    """What is being made is for the engine to stop; a retake leaves its item complete."""
    state = obeyed(both_complete(), Retake(key="main"))
    assert ItemStatus.COMPLETE is obeyed(state, CancelItems(items=("main",))).item("main").status

    command = CancelItems(items=("main", "lifestyle"))
    state = item_started(a_state("main", "lifestyle", "comparison"), key="main", now=NOW)
    assert ["main"] == list(command.stops(state))
    statuses = [item.status for item in obeyed(state, command).items]
    assert [ItemStatus.PROCESSING, ItemStatus.CANCELLED, ItemStatus.PENDING] == statuses
    stopped = item_cancelled(state, key="main", attempts_used=1, spending=COST, now=NOW)
    assert (ItemStatus.CANCELLED, 1) == (stopped.item("main").status, stopped.item("main").attempt)


@pytest.mark.parametrize(("budget", "number"), [(0, 0), (9, 0), (10, 1), (29, 2), (30, 3), (1000, 3)])
def test_the_budget_allows_so_many_attempts(budget: int, number: int) -> None:
    """Each counted at its worst."""
    state = under_budget(budget)
    assert number == len(begun(state))
    assert (number == 0) == state.waits_for_budget


def test_what_is_being_made_is_taken_from_the_budget() -> None:
    """At its worst until it is known, and then at what it was."""
    state = item_started(under_budget(25), key="item-0", now=NOW)
    assert ["item-1"] == begun(state)
    assert not state.waits_for_budget
    cheap = item_completed(
        state, key="item-0", artifact=an_artifact(1), spending=Spending(spent_microdollars=5), now=NOW
    )
    assert ["item-1", "item-2"] == begun(cheap)


def test_an_attempt_after_a_billed_one_asks_the_session_first() -> None:
    """Items that retry side by side would pass the budget together without knowing of each other."""
    state = item_started(under_budget(100), key="item-0", now=NOW)
    assert state.may_begin(spent_in_round_microdollars=0)
    assert not state.may_begin(spent_in_round_microdollars=1)
    assert a_state().may_begin(spent_in_round_microdollars=1)
    lowered = obeyed(state, BudgetChange(budget_usd=0.000009))
    assert not lowered.may_begin(spent_in_round_microdollars=0)


def test_a_higher_budget_lets_a_session_go_on() -> None:
    """None lifts it."""
    state = under_budget(0)
    assert 2 == len(begun(obeyed(state, BudgetChange(budget_usd=0.00002))))
    assert 3 == len(begun(obeyed(state, BudgetChange(budget_usd=None))))
    assert "raise it" in session_view(item_cancelled_first(state)).message


def item_cancelled_first(state: SessionState) -> SessionState:
    return obeyed(state, CancelItems(items=("item-0",)))


@pytest.mark.parametrize(
    ("tolerated", "items", "expected"),
    [(None, 5, None), (0, 5, 0), (3, 5, 3), ("20%", 9, 1), ("100%", 7, 7), ("0%", 7, 0)],
)
def test_failures_are_tolerated_by_count_or_share(
    tolerated: int | str | None, items: int, expected: int | None
) -> None:
    """Shares are rounded down."""
    assert expected == tolerated_of(tolerated, items=items)


def test_more_failures_than_tolerated_end_the_round() -> None:
    """What was not begun fails without an attempt; what is being made goes on; a retry begins anew."""
    state = a_state("a", "b", "c", "d").model_copy(update={"tolerated_failures": 1})
    for key in ("a", "b", "c"):
        state = item_started(state, key=key, now=NOW)
    state = failed(failed(state, "a"), "b")

    assert ItemStatus.PROCESSING is state.item("c").status
    assert (ItemStatus.FAILED, True, 0) == (state.item("d").status, state.item("d").is_blocked, state.item("d").attempt)
    assert not state.status.is_settled
    settled = completed(state, "c")
    message = session_view(settled).message
    assert "1 of 4 images are ready. a and b failed after 3 attempts: Refused." in message
    assert message.endswith("More have failed than were tolerated, so the rest was not begun.")
    assert ["a", "b", "d"] == begun(obeyed(settled, Retry()))


def test_a_set_that_was_not_begun_takes_along_what_it_waits_for() -> None:
    """Where parts were given up and others failed, naming one that waits for them makes them all again."""
    items = a_state("a", "b", "c").items
    staged = items.changed(
        *(items.of(key).model_copy(update={"stage": stage}) for key, stage in zip("abc", (0, 0, 1), strict=True))
    )
    state = a_state("a", "b", "c").model_copy(update={"items": staged, "tolerated_failures": 0})
    state = failed(item_started(state, key="a", now=NOW), "a")
    assert SessionStatus.FAILED is state.status

    for named in "abc":
        retried = obeyed(state, Retry.model_validate({"items": [{"key": named}]}))
        assert ["a", "b"] == begun(retried)
        assert ItemStatus.PENDING is retried.item("c").status


def test_what_hangs_on_a_cancelled_item_is_not_wanted_either() -> None:
    """As failed, nothing could ever make it again: neither alone nor with a retry of all."""
    items = a_state("a", "b", "c", "d").items
    stages = {"a": 0, "b": 1, "c": 1, "d": 2}
    staged = items.changed(*(items.of(key).model_copy(update={"stage": stage}) for key, stage in stages.items()))
    state = a_state("a", "b", "c", "d").model_copy(update={"items": staged})
    state = obeyed(item_started(state, key="a", now=NOW), CancelItems(items=("b",)))

    state = failed(state, "a")

    assert ["failed", "cancelled", "failed", "cancelled"] == [item.status for item in state.items]
    assert ["a"] == begun(obeyed(state, Retry()))
    with pytest.raises(CommandRefusedError, match="'d' cannot be made before 'a', which is failed"):
        obeyed(state, Retake(key="d"))


def test_a_correction_outlives_an_interruption() -> None:
    """What was wrong with the last result is told after a pause, too."""
    state = item_started(a_state("main"), key="main", now=NOW)
    state = item_interrupted(state, key="main", attempts_used=1, spending=COST, correction="Too few.", now=NOW)
    item = state.item("main")
    assert (ItemStatus.PENDING, 1, 1, 2, "Too few.") == (
        item.status,
        item.attempt,
        item.attempts_before_round,
        item.max_attempts,
        item.correction,
    )


def test_the_attempts_of_a_round_are_counted_over_its_interruptions() -> None:
    """The pauses between them go on growing; those of the next round begin anew."""
    state = a_state("main")
    for made in (1, 2):
        state = item_started(state, key="main", now=NOW)
        state = item_interrupted(state, key="main", attempts_used=1, spending=COST, now=NOW)
        assert made == state.item("main").made_in_round
    state = item_started(state, key="main", now=NOW)
    state = item_failed(state, key="main", error=ERROR, attempts_used=1, spending=COST, now=NOW)

    assert 0 == obeyed(state, Retry()).item("main").made_in_round


def test_what_was_begun_is_not_given_up_when_the_ledger_is_read() -> None:
    """Whoever reads only what was written down comes to the same as the session itself."""
    state = a_state("a", "b", "c").model_copy(update={"tolerated_failures": 0})
    told = ItemError(type=ErrorClass.PERMANENT, message="Wrong key.", advice="Set it.")

    def row(key: str, error: ItemError) -> RecordedItem:
        return RecordedItem(
            key=key, status=ItemStatus.FAILED, attempt=1, round=1, is_running=False, error=error, updated_at=NOW
        )

    folded, _ = brought_up_to_date(state, recorded=[row("a", ERROR), row("b", told)])

    state = item_started(item_started(state, key="a", now=NOW), key="b", now=NOW)
    for key, error in (("a", ERROR), ("b", told)):
        state = item_failed(state, key=key, error=error, attempts_used=1, spending=Spending(), now=NOW)
    assert [item.error for item in state.items if item.attempt] == [item.error for item in folded.items if item.attempt]
    assert told == folded.item("b").error


def test_a_command_with_a_key_is_obeyed_once() -> None:
    """Sent again it changes nothing, even where it would be refused by now."""
    command = Retake(key="main")
    command = command.model_copy(update={"once": once("a key", request=command)})
    state = obeyed_once(command, both_complete(), now=NOW)

    assert state is obeyed_once(command, state, now=LATER)
    for other in (Retake(key="lifestyle"), Retake(key="main", note="Warmer."), Retry()):
        reused = other.model_copy(update={"once": once("a key", request=other)})
        with pytest.raises(KeyReusedError):
            obeyed_once(reused, state, now=LATER)
    assert state == SessionState.model_validate_json(state.model_dump_json())
