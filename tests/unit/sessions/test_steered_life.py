"""Any sequence of commands, attempts and crashes: what holds after every step of a session's life.

The two faults that every system with mapped reruns has shipped are redoing too much and skipping in silence.
"""

import os
from typing import Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from sessions.commands import Command, Retry, RetryItem, once
from sessions.errors import ErrorClass
from sessions.holding import held_back
from sessions.items import Items, ItemState
from sessions.money import MICRODOLLARS_PER_DOLLAR
from sessions.present import session_view
from sessions.progress import brought_up_to_date
from sessions.state import SessionState
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from sessions.steering import BudgetChange, CancelItems, OutlineApproval, Pause, Resume, Retake, Selection
from tests.unit.sessions.played import START, WORST_CASE, Activity, Played

EXAMPLES: Final = int(os.environ.get("RETAKES_TEST_EXAMPLES", "60"))
UNSETTLED: Final = (ItemStatus.PENDING, ItemStatus.PROCESSING)

_ENDS: Final = (
    "succeeds",
    "succeeds once more",
    "succeeds again",
    "dies",
    "dies with its result stored",
    "is sent away while it waits",
    ErrorClass.CONTENT,
    ErrorClass.UNCERTAIN,
    ErrorClass.PERMANENT,
    ErrorClass.TRANSIENT,
)
"""How an attempt can end; success is named more often than it would come about."""

budgets = st.none() | st.integers(0, 12).map(lambda attempts: attempts * WORST_CASE)
keys_of_commands = st.none() | st.sampled_from(["key-1", "key-2"])


class SteeredLife(RuleBasedStateMachine):
    """One session: ``played`` holds it, and beside it what must never be lost."""

    def __init__(self) -> None:
        super().__init__()
        self.played = Played(a_state(1))
        self.revision = 0
        self.version = 0
        self.versions: dict[str, set[int]] = {}
        self.chosen: dict[str, int] = {}
        self.ceiling: int | None = None
        self.last: Command | None = None

    @initialize(
        stages=st.lists(st.integers(1, 3), min_size=1, max_size=3),
        room=st.integers(1, 4),
        max_attempts=st.integers(1, 4),
        budget=budgets,
        tolerated=st.none() | st.integers(0, 2),
        awaits_approval=st.booleans(),
    )
    def starts(
        self,
        stages: list[int],
        room: int,
        max_attempts: int,
        budget: int | None,
        tolerated: int | None,
        awaits_approval: bool,
    ) -> None:
        """An image session has one stage, a story up to three: outline, parts, sets."""
        state = a_state(*stages, max_attempts=max_attempts).model_copy(
            update={
                "budget_microdollars": budget,
                "tolerated_failures": tolerated,
                "approval_before_stage": 1 if awaits_approval and len(stages) > 1 else None,
            }
        )
        self.played = Played(state, room=room)
        self.ceiling = budget
        self.played.hand_out()

    @property
    def state(self) -> SessionState:
        return self.played.state

    def drawn(self, data: st.DataObject) -> ItemState:
        return data.draw(st.sampled_from(list(self.state.items)))

    def activity(self, data: st.DataObject, *, is_running: bool) -> Activity:
        return data.draw(st.sampled_from(self.with_workers(is_running=is_running)))

    def with_workers(self, *, is_running: bool) -> list[Activity]:
        return [one for one in self.played.activities.values() if (one.entry is not None) is is_running]

    def obey(self, command: Command) -> bool:
        before = self.state
        is_obeyed = self.played.obey(command)
        if not is_obeyed:
            assert self.state is before, "a refusal has changed something"
            assert self.played.refusal
        if is_obeyed:
            self.last = command
            self.takes_note(command)
        self.check()
        self.played.hand_out()
        return is_obeyed

    def takes_note(self, command: Command) -> None:
        match command:
            case Selection():
                self.chosen[command.key] = command.attempt
            case BudgetChange():
                # What was handed out before somebody thought of a budget, or lowered it, goes on.
                at_stake = self.played.spent + self.state.items.count(ItemStatus.PROCESSING) * WORST_CASE
                budget = self.state.budget_microdollars
                self.ceiling = None if budget is None else max(budget, at_stake)

    # What workers do

    @precondition(lambda self: self.played.activities)
    @rule(data=st.data(), turns=st.integers(1, 6))
    def workers_work(self, data: st.DataObject, turns: int) -> None:
        """Attempts begin and end in any order, and the run loop goes on after each."""
        for _ in range(turns):
            if not self.played.activities:
                break
            key = data.draw(st.sampled_from(sorted(self.played.activities)))
            if self.played.activities[key].entry is None:
                self.played.begin(key, is_fresh=data.draw(st.booleans()))
            else:
                self.attempt_ends(
                    key, how=data.draw(st.sampled_from(_ENDS)), cost=data.draw(st.integers(0, WORST_CASE))
                )
            self.check()
            self.played.hand_out()
            self.check()

    def attempt_ends(self, key: str, *, how: ErrorClass | str, cost: int) -> None:
        match how:
            case ErrorClass():
                self.played.fail(key, error_class=how, cost=cost)
            case "dies" | "dies with its result stored":
                self.played.lose(key, is_stored=how != "dies")
            case "is sent away while it waits":
                self.played.interrupt(key)
            case _:
                self.played.complete(key, cost=cost)

    @precondition(lambda self: self.with_workers(is_running=False))
    @rule(data=st.data())
    def month_is_used_up(self, data: st.DataObject) -> None:
        self.played.begin(self.activity(data, is_running=False).key, is_fresh=False, is_month_over=False)

    @precondition(lambda self: self.state.held_until is not None)
    @rule()
    def month_is_over(self) -> None:
        self.played.state = held_back(self.state, until=None, now=self.played.tick())
        self.played.hand_out()

    @precondition(lambda self: any(one.is_stopped for one in self.played.activities.values()))
    @rule(data=st.data())
    def attempt_hears_that_it_is_stopped(self, data: st.DataObject) -> None:
        stopped = [one.key for one in self.played.activities.values() if one.is_stopped]
        self.played.stop(data.draw(st.sampled_from(stopped)))

    @rule(is_recorded=st.booleans())
    def workflow_restarts(self, is_recorded: bool) -> None:
        before = self.state
        self.played.restart()
        assert before == self.state
        if is_recorded:
            self.played.record()

    @precondition(lambda self: self.state.status.is_settled and self.state.closed_at is None)
    @rule()
    def workflow_closes(self) -> None:
        self.played.close()

    # What people do

    @rule(max_attempts=st.none() | st.integers(1, 3), key=keys_of_commands)
    def retries_all(self, max_attempts: int | None, key: str | None) -> None:
        failed = [item.key for item in self.state.failed_items]
        finished = self.finished()
        round_number = self.state.round
        command = Retry(max_attempts=max_attempts)
        if key is not None:
            command = command.model_copy(update={"once": once(key, request=command)})
        if self.obey(command) and self.state.round > round_number:
            assert all(self.state.item(key).round == self.state.round for key in failed), "a failed item is skipped"
            assert all(self.state.item(key).status in UNSETTLED for key in failed), "a failed item is skipped"
        assert finished == self.finished()

    @rule(data=st.data(), note=st.none() | st.just("Warmer."))
    def retries_some(self, data: st.DataObject, note: str | None) -> None:
        named = data.draw(st.lists(st.sampled_from([item.key for item in self.state.items]), min_size=1, max_size=2))
        finished = self.finished()
        if self.obey(Retry(items=tuple(RetryItem(key=key, note=note) for key in named))):
            assert all(self.state.item(key).status in UNSETTLED for key in named), "what was named is not made again"
        assert finished == self.finished()

    @rule(data=st.data(), key=keys_of_commands, note=st.none() | st.just("Warmer."), from_previous=st.booleans())
    def retakes(self, data: st.DataObject, key: str | None, note: str | None, from_previous: bool) -> None:
        item = self.drawn(data)
        others = [other for other in self.finished() if other.key != item.key]
        command = Retake(key=item.key, note=note, from_previous=from_previous and note is not None)
        if key is not None:
            command = command.model_copy(update={"once": once(key, request=command)})
        round_number = self.state.round
        if self.obey(command) and self.state.round > round_number:
            assert self.state.item(item.key).status in UNSETTLED, "what was asked for is not made again"
        assert others == [other for other in self.finished() if other.key != item.key]

    @rule(data=st.data())
    def selects(self, data: st.DataObject) -> None:
        item = self.drawn(data)
        attempt = data.draw(st.integers(1, item.attempt + 1))
        self.obey(Selection(key=item.key, attempt=attempt))

    @rule()
    def pauses(self) -> None:
        self.obey(Pause())

    @rule()
    def resumes(self) -> None:
        self.obey(Resume())

    @rule(data=st.data())
    def cancels_items(self, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from([item.key for item in self.state.items]), min_size=1, max_size=3))
        self.obey(CancelItems(items=tuple(sorted(keys))))

    @rule(budget=budgets)
    def changes_the_budget(self, budget: int | None) -> None:
        amount = None if budget is None else budget / MICRODOLLARS_PER_DOLLAR
        self.obey(BudgetChange(budget_usd=amount))

    @precondition(lambda self: self.state.approval_before_stage is not None)
    @rule()
    def approves(self) -> None:
        self.obey(OutlineApproval())

    @precondition(lambda self: not self.state.status.is_settled)
    @rule(is_meant=st.integers(0, 3))
    def cancels(self, is_meant: int) -> None:
        if is_meant == 0:
            self.played.cancel()

    @precondition(lambda self: self.last is not None)
    @rule()
    def repeats_the_last_command(self) -> None:
        if self.last is None:
            return
        before = self.state
        self.obey(self.last)
        if self.last.once is not None and self.last.once in before.applied:
            assert before is self.state, "a command with a key was obeyed twice"

    def check(self) -> None:
        """Check what holds between two steps, too."""
        self.status_follows_from_the_items()
        self.what_is_settled_holds_nothing_back()
        self.what_is_being_made_is_with_a_worker()
        self.versions_never_vanish_and_one_of_them_counts()
        self.attempts_go_on_counting()
        self.the_budget_is_kept()
        self.spending_is_what_the_ledger_says()
        self.nothing_that_people_see_goes_backwards()
        self.the_ledger_tells_the_same()

    def finished(self) -> list[ItemState]:
        return [item for item in self.state.items if item.status is ItemStatus.COMPLETE]

    # What holds

    @invariant()
    def status_follows_from_the_items(self) -> None:
        statuses = {item.status for item in self.state.items}
        if statuses & set(UNSETTLED):
            expected = {SessionStatus.PENDING, SessionStatus.PROCESSING}
        elif ItemStatus.CANCELLED in statuses:
            expected = {SessionStatus.CANCELLED}
        elif statuses == {ItemStatus.COMPLETE}:
            expected = {SessionStatus.COMPLETE}
        else:
            expected = {SessionStatus.PARTIAL if ItemStatus.COMPLETE in statuses else SessionStatus.FAILED}
        assert self.state.status in expected
        assert self.state.status.is_settled == (self.state.settled_at is not None)
        assert self.state.closed_at is None or self.state.settled_at is not None

    @invariant()
    def what_is_settled_holds_nothing_back(self) -> None:
        if self.state.status.is_settled:
            assert not self.state.is_paused
            assert self.state.held_until is None
            assert not self.played.activities

    @invariant()
    def what_is_being_made_is_with_a_worker(self) -> None:
        processing = {item.key for item in self.state.items if item.status is ItemStatus.PROCESSING}
        assert processing == set(self.played.activities)

    @invariant()
    def versions_never_vanish_and_one_of_them_counts(self) -> None:
        for item in self.state.items:
            known = self.versions.setdefault(item.key, set())
            attempts = [version.attempt for version in item.versions]
            assert len(attempts) == len(set(attempts))
            assert known <= set(attempts), "a version has vanished"
            known |= set(attempts)
            assert (item.artifact is not None) == bool(attempts)
            if item.artifact is not None:
                expected = self.chosen.get(item.key, max(attempts))
                assert expected == item.artifact.attempt, "another version counts than the one that should"
                assert item.status not in (ItemStatus.FAILED, ItemStatus.CANCELLED)
            if item.status is ItemStatus.COMPLETE:
                assert item.artifact is not None
            if item.status is ItemStatus.FAILED:
                assert item.error is not None

    @invariant()
    def every_version_has_its_entry(self) -> None:
        for item in self.state.items:
            for version in item.versions:
                assert version == self.played.lines[item.key, version.attempt].entry.artifact

    @invariant()
    def attempts_go_on_counting(self) -> None:
        for item in self.state.items:
            told = [attempt for key, attempt in self.played.lines if key == item.key]
            assert item.attempts_before_round <= item.attempt
            assert item.max_attempts >= 1
            if item.status.is_settled:
                assert item.attempt == max(told, default=0) or (item.key, max(told)) in self.played.left_open

    @invariant()
    def the_budget_is_kept(self) -> None:
        running = sum(one.entry is not None for one in self.played.activities.values())
        if self.ceiling is not None:
            assert self.played.spent + running * WORST_CASE <= self.ceiling

    @invariant()
    def spending_is_what_the_ledger_says(self) -> None:
        known = self.state.spending
        with_workers = sum(
            one.spending.spent_microdollars + one.spending.uncertain_microdollars
            for one in self.played.activities.values()
        )
        assert self.played.spent == known.spent_microdollars + known.uncertain_microdollars + with_workers

    @invariant()
    def nothing_that_people_see_goes_backwards(self) -> None:
        view = session_view(self.state, under_way=self.played.under_way)
        assert self.state.revision >= self.revision
        assert view.version >= self.version
        self.revision, self.version = self.state.revision, view.version
        assert view.message

    @invariant()
    def the_ledger_tells_the_same(self) -> None:
        """Whoever has only what was written down comes to the same items, wherever their ledger knows."""
        folded, _ = brought_up_to_date(self.played.recorded, recorded=self.played.recorded_items)
        for item in self.state.items:
            lines = [line for (key, _), line in self.played.lines.items() if key == item.key]
            latest = max(lines, key=lambda line: line.entry.attempt, default=None)
            known = self.played.recorded.item(item.key)
            if latest is None or not latest.item_status.is_settled:
                continue
            if item.status not in (ItemStatus.COMPLETE, ItemStatus.FAILED):
                continue
            if latest.entry.round != item.round or known.round != item.round:
                continue
            told = folded.item(item.key)
            assert item.model_copy(update={"others": ()}) == told.model_copy(
                update={
                    "others": (),
                    "attempts_before_round": item.attempts_before_round,
                    "max_attempts": item.max_attempts,
                }
            )
            assert item.versions == told.versions

    def teardown(self) -> None:
        """Left alone by people and luck, everything that was asked for is made."""
        self.played.room = 9
        for _ in range(3):
            self.comes_to_its_end()
            assert self.state.status.is_settled
            if not self.state.failed_items:
                break
            failed = {item.key for item in self.state.failed_items}
            assert self.obey(Retry()), self.played.refusal
            assert failed == {item.key for item in self.state.items if item.status in UNSETTLED}
        assert not self.state.failed_items

    def comes_to_its_end(self) -> None:
        for _ in range(200):
            if self.state.status.is_settled:
                return
            if self.state.is_paused:
                self.obey(Resume())
            if self.state.budget_microdollars is not None:
                self.obey(BudgetChange(budget_usd=None))
            if self.state.awaits_approval:
                self.obey(OutlineApproval())
            if self.state.held_until is not None:
                self.played.state = held_back(self.state, until=None, now=self.played.tick())
            self.played.hand_out()
            for key in tuple(self.played.activities):
                if self.played.activities[key].is_stopped:
                    self.played.stop(key)
                elif self.played.activities[key].entry is None:
                    self.played.begin(key, is_fresh=True)
                else:
                    self.played.complete(key, cost=1)


def a_state(*stages: int, max_attempts: int = 3) -> SessionState:
    """Return a session with so many items in each stage."""
    return SessionState(
        id="ses-aaaaaaaaaaaaaaaa",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="Steel bottle",
        items=Items(
            ItemState(key=f"item-{stage}-{number}", label="Item", stage=stage, max_attempts=max_attempts)
            for stage, size in enumerate(stages)
            for number in range(size)
        ),
        max_attempts=max_attempts,
        worst_case_microdollars=WORST_CASE,
        created_at=START,
        updated_at=START,
    )


TestSteeredLife = SteeredLife.TestCase
TestSteeredLife.settings = settings(
    deadline=None,
    max_examples=EXAMPLES,
    stateful_step_count=40,
    suppress_health_check=[HealthCheck.too_slow],
    report_multiple_bugs=False,
)
