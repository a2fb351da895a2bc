"""A session's life as a sequence of pure steps: what holds after every one of them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sessions.artifacts import Artifact
from sessions.errors import ErrorClass, ItemError
from sessions.items import ItemState, new_items
from sessions.money import Spending, Usage
from sessions.state import (
    SessionState,
    item_completed,
    item_failed,
    item_lost,
    item_started,
    items_retried,
    session_closed,
    unfinished_items_cancelled,
)
from sessions.statuses import ItemStatus, SessionKind, SessionStatus

NOW = datetime(2026, 11, 1, tzinfo=UTC)
ERROR = ItemError(type=ErrorClass.CONTENT, message="Refused.", advice="Change the note.")
COST = Spending(usage=Usage(input_tokens=10, output_tokens=100), spent_microdollars=7, uncertain_microdollars=2)


def a_state(*keys: str, max_attempts: int = 3) -> SessionState:
    return SessionState(
        id="ses-a",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="Steel bottle",
        items=new_items(((key, key.title()) for key in keys or ("main", "lifestyle")), max_attempts=max_attempts),
        max_attempts=max_attempts,
        created_at=NOW,
        updated_at=NOW,
    )


def an_artifact(attempt: int) -> Artifact:
    return Artifact(attempt=attempt, media_type="image/png", bytes=3, sha256=f"sha-{attempt}", width=64, height=64)


def completed(state: SessionState, key: str, *, attempts_used: int = 1) -> SessionState:
    attempt = state.item(key).attempts_before_round + attempts_used
    return item_completed(state, key=key, artifact=an_artifact(attempt), spending=COST, now=NOW)


def failed(state: SessionState, key: str, *, attempts_used: int = 3) -> SessionState:
    return item_failed(state, key=key, error=ERROR, attempts_used=attempts_used, spending=COST, now=NOW)


def test_a_new_session_waits() -> None:
    """Nothing has been tried, nothing has been spent, nothing is settled."""
    state = a_state()
    assert state.status == SessionStatus.PENDING
    assert [item.attempt for item in state.items] == [0, 0]
    assert state.settled_at is None
    assert Spending() == state.spending


def test_a_completed_item_has_its_artifact_and_no_error() -> None:
    """An earlier round's error does not stay on an item that was made."""
    state = items_retried(failed(a_state("main"), "main"), notes={"main": "softer"}, max_attempts=None, now=NOW)
    item = completed(state, "main", attempts_used=2).item("main")
    assert (item.status, item.attempt, item.error) == (ItemStatus.COMPLETE, 5, None)
    assert an_artifact(5) == item.artifact


def test_a_failed_item_says_why() -> None:
    """With the number of its last attempt."""
    item = failed(a_state(), "main", attempts_used=2).item("main")
    assert (item.status, item.attempt, item.error) == (ItemStatus.FAILED, 2, ERROR)


def test_one_item_never_disturbs_another() -> None:
    """What happens to one leaves the others equal to the bit."""
    state = a_state("main", "lifestyle", "comparison")
    after = failed(completed(state, "main"), "lifestyle")
    assert state.item("comparison") == after.item("comparison")


def test_attempts_go_on_counting_over_rounds() -> None:
    """A second round begins with attempt 4, a third one where the second ended."""
    state = failed(a_state("main"), "main", attempts_used=3)
    state = items_retried(state, notes={"main": None}, max_attempts=2, now=NOW)
    assert (state.item("main").attempts_before_round, state.item("main").max_attempts) == (3, 2)
    state = failed(state, "main", attempts_used=2)
    assert state.item("main").attempt == 5
    state = items_retried(state, notes={"main": None}, max_attempts=None, now=NOW)
    assert (state.item("main").attempts_before_round, state.item("main").max_attempts) == (5, 3)
    assert 3 == state.round == state.item("main").round


def test_a_retry_touches_only_what_it_names() -> None:
    """Finished items and failed ones that were not named stay as they are, note and round included."""
    state = failed(failed(completed(a_state("main", "a", "b"), "main"), "a"), "b")
    after = items_retried(state, notes={"a": "warmer"}, max_attempts=None, now=NOW)
    assert [state.item("main"), state.item("b")] == [after.item("main"), after.item("b")]
    assert (after.item("a").status, after.item("a").note, after.item("a").round) == (ItemStatus.PENDING, "warmer", 2)
    assert after.item("a").error == ERROR


def test_a_retry_opens_a_settled_and_closed_session_again() -> None:
    """It is neither settled nor closed while items are made again, and settles anew afterwards."""
    state = failed(completed(a_state(), "main"), "lifestyle")
    state = session_closed(state, now=NOW)
    assert (state.status, state.settled_at, state.closed_at) == (SessionStatus.PARTIAL, NOW, NOW)
    state = items_retried(state, notes={"lifestyle": None}, max_attempts=None, now=NOW)
    assert (state.status, state.settled_at, state.closed_at) == (SessionStatus.PROCESSING, None, None)
    later = NOW + timedelta(hours=1)
    artifact = an_artifact(4)
    state = item_completed(state, key="lifestyle", artifact=artifact, spending=COST, now=later)
    assert (SessionStatus.COMPLETE, later) == (state.status, state.settled_at)


def test_a_session_is_settled_once_at_its_last_item() -> None:
    """The time is that of the item that settled it, and closing does not move it."""
    later = NOW + timedelta(hours=1)
    state = completed(completed(a_state(), "main"), "lifestyle")
    assert state.settled_at == NOW
    closed = session_closed(state, now=later)
    assert (NOW, later) == (closed.settled_at, closed.closed_at)
    assert closed.revision > state.revision


def test_cancelling_keeps_what_is_finished() -> None:
    """What is made or has failed stays so; everything else is cancelled, and the session is settled."""
    state = failed(completed(a_state("main", "a", "b", "c"), "main"), "a")
    state = unfinished_items_cancelled(item_started(state, key="b", now=NOW), now=NOW)
    assert [item.status for item in state.items] == [
        ItemStatus.COMPLETE,
        ItemStatus.FAILED,
        ItemStatus.CANCELLED,
        ItemStatus.CANCELLED,
    ]
    assert (state.status, state.settled_at) == (SessionStatus.CANCELLED, NOW)


def test_spending_adds_up() -> None:
    """Failed attempts cost, too."""
    state = failed(completed(a_state(), "main"), "lifestyle")
    assert state.spending == COST + COST


def test_an_unknown_item_is_a_key_error() -> None:
    """A wrong key is a bug, never a new item."""
    with pytest.raises(KeyError):
        item_started(a_state(), key="nowhere", now=NOW)


def test_a_state_survives_the_wire() -> None:
    """What the workflow hands on is what the next one begins with."""
    state = session_closed(failed(completed(a_state(), "main"), "lifestyle"), now=NOW)
    assert state == SessionState.model_validate_json(state.model_dump_json())


class SessionLife(RuleBasedStateMachine):
    """Any sequence of steps that the engine can take."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.state = a_state()
        self.before: SessionState | None = None
        self.tries: dict[str, int] = {}

    @initialize(items=st.integers(1, 6), max_attempts=st.integers(1, 10))
    def begin(self, items: int, max_attempts: int) -> None:
        self.state = a_state(*(f"item-{index}" for index in range(items)), max_attempts=max_attempts)
        self.tries = {item.key: 0 for item in self.state.items}

    def step_to(self, state: SessionState) -> None:
        self.before, self.state = self.state, state

    def tick(self) -> datetime:
        self.now += timedelta(seconds=1)
        return self.now

    def of_status(self, *statuses: ItemStatus) -> list[ItemState]:
        return [item for item in self.state.items if item.status in statuses]

    @precondition(lambda self: self.of_status(ItemStatus.PENDING))
    @rule(data=st.data())
    def start(self, data: st.DataObject) -> None:
        item = data.draw(st.sampled_from(self.of_status(ItemStatus.PENDING)))
        self.step_to(item_started(self.state, key=item.key, now=self.tick()))

    @precondition(lambda self: self.of_status(ItemStatus.PROCESSING))
    @rule(data=st.data(), succeeds=st.booleans())
    def lose(self, data: st.DataObject, succeeds: bool) -> None:
        """All attempts of a round are lost with their workers. One of them may have left a result."""
        item = data.draw(st.sampled_from(self.of_status(ItemStatus.PROCESSING)))
        used, before = item.max_attempts, self.tries[item.key]
        self.tries[item.key] += used
        self.step_to(item_lost(self.state, key=item.key, attempts_used=used, now=self.tick()))
        assert ItemStatus.PROCESSING is self.state.item(item.key).status
        if succeeds:
            stored = data.draw(st.integers(1, used))
            state = item_completed(
                self.state,
                key=item.key,
                artifact=an_artifact(before + stored),
                attempts_used=used,
                spending=COST,
                now=self.tick(),
            )
        else:
            state = item_failed(
                self.state, key=item.key, error=ERROR, attempts_used=used, spending=COST, now=self.tick()
            )
        self.step_to(state)
        assert self.tries[item.key] == self.state.item(item.key).last_number

    @precondition(lambda self: self.of_status(ItemStatus.PROCESSING))
    @rule(data=st.data(), succeeds=st.booleans())
    def end(self, data: st.DataObject, succeeds: bool) -> None:
        item = data.draw(st.sampled_from(self.of_status(ItemStatus.PROCESSING)))
        used = data.draw(st.integers(1, item.max_attempts))
        self.tries[item.key] += used
        if succeeds:
            state = item_completed(
                self.state,
                key=item.key,
                artifact=an_artifact(self.tries[item.key]),
                spending=COST,
                now=self.tick(),
            )
        else:
            state = item_failed(
                self.state, key=item.key, error=ERROR, attempts_used=used, spending=COST, now=self.tick()
            )
        self.step_to(state)

    @precondition(lambda self: self.state.failed_items)
    @rule(data=st.data(), max_attempts=st.none() | st.integers(1, 10))
    def retry(self, data: st.DataObject, max_attempts: int | None) -> None:
        keys = data.draw(st.sets(st.sampled_from([item.key for item in self.state.failed_items]), min_size=1))
        finished = self.of_status(ItemStatus.COMPLETE)
        self.step_to(items_retried(self.state, notes=dict.fromkeys(keys), max_attempts=max_attempts, now=self.tick()))
        assert finished == self.of_status(ItemStatus.COMPLETE)
        assert not self.state.status.is_settled

    @rule()
    def cancel(self) -> None:
        finished = self.of_status(ItemStatus.COMPLETE, ItemStatus.FAILED)
        self.step_to(unfinished_items_cancelled(self.state, now=self.tick()))
        assert finished == self.of_status(ItemStatus.COMPLETE, ItemStatus.FAILED)
        assert self.state.status.is_settled

    @precondition(lambda self: self.state.status.is_settled)
    @rule()
    def close(self) -> None:
        self.step_to(session_closed(self.state, now=self.tick()))

    @invariant()
    def the_revision_never_falls(self) -> None:
        if self.before is not None:
            assert self.state.revision >= self.before.revision

    @invariant()
    def what_people_see_changes_with_the_revision(self) -> None:
        """Handing an item out is the one step that no watcher is shown by itself."""
        if self.before is not None and self.state.revision == self.before.revision:
            unseen = {ItemStatus.PENDING, ItemStatus.PROCESSING}
            changed = [pair for pair in zip(self.before.items, self.state.items, strict=True) if pair[0] != pair[1]]
            assert all({before.status, after.status} <= unseen for before, after in changed)

    @invariant()
    def attempts_go_on_counting(self) -> None:
        assert self.tries == {item.key: item.attempt for item in self.state.items}
        for item in self.state.items:
            assert item.attempts_before_round <= item.attempt
            assert item.round <= self.state.round

    @invariant()
    def a_session_is_settled_exactly_when_it_has_a_time_for_it(self) -> None:
        assert self.state.status.is_settled == (self.state.settled_at is not None)
        assert self.state.settled_at is None or self.state.settled_at <= self.state.updated_at

    @invariant()
    def a_session_with_open_items_is_never_partial(self) -> None:
        if self.of_status(ItemStatus.PENDING, ItemStatus.PROCESSING):
            assert self.state.status in (SessionStatus.PENDING, SessionStatus.PROCESSING)
            assert self.state.closed_at is None

    @invariant()
    def every_finished_item_has_what_it_needs(self) -> None:
        for item in self.of_status(ItemStatus.COMPLETE):
            assert item.artifact is not None
            assert item.error is None
            assert item.artifact.attempt <= item.attempt  # later ones may have been lost
        assert all(item.error is not None for item in self.state.failed_items)


TestSessionLife = SessionLife.TestCase
TestSessionLife.settings = settings(deadline=None, max_examples=60, stateful_step_count=30)
