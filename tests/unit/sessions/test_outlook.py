"""When a session will be ready, and since when its attempts run."""

from datetime import UTC, datetime, timedelta

import pytest

from sessions.artifacts import Artifact
from sessions.items import Items, ItemState
from sessions.ledger import LedgerEntry
from sessions.outlook import AttemptDuration, Outlook, outlook_of
from sessions.progress import UnderWay
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind
from tests.unit.storage.histories import new_state

MOMENT = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


def state_of(*statuses: ItemStatus, kind: SessionKind = SessionKind.IMAGES) -> SessionState:
    items = Items(
        ItemState(key=f"item_{number}", label="Item", status=status, artifact=artifact(status))
        for number, status in enumerate(statuses, start=1)
    )
    return new_state().model_copy(update={"items": items, "kind": kind})


def artifact(status: ItemStatus) -> Artifact | None:
    if status is not ItemStatus.COMPLETE:
        return None
    return Artifact(attempt=1, media_type="image/png", bytes=1, sha256="0" * 64, width=1, height=1)


def entry(number: int, *, took: timedelta | None = None, status: AttemptStatus = AttemptStatus.COMPLETE) -> LedgerEntry:
    return LedgerEntry(
        item=f"item_{number}",
        attempt=1,
        round=1,
        prompt_sha256="0" * 64,
        model="a model",
        status=status,
        started_at=MOMENT,
        ended_at=None if took is None else MOMENT + took,
        worker="a worker",
    )


def waiting(number: int, *, until: timedelta) -> UnderWay:
    return UnderWay(
        item=f"item_{number}", round=1, attempt_in_round=1, is_running=False, next_attempt_at=MOMENT + until
    )


def outlook(
    state: SessionState, *entries: LedgerEntry, under_way: tuple[UnderWay, ...] = (), elsewhere: int | None = None
) -> Outlook:
    durations = [] if elsewhere is None else [AttemptDuration(item="another", took=elsewhere * SECOND)]
    return outlook_of(
        state,
        under_way={known.item: known for known in under_way},
        entries=entries,
        elsewhere=durations,
        now=MOMENT + 4 * SECOND,
    )


def test_a_running_attempt_is_reckoned_from_when_it_began() -> None:
    """It has run for four seconds of the ten that others took."""
    state = state_of(ItemStatus.PROCESSING)
    found = outlook(state, entry(1, status=AttemptStatus.RUNNING), elsewhere=10)
    assert MOMENT + 10 * SECOND == found.ready_at
    assert {"item_1": MOMENT} == found.began_at


def test_an_attempt_that_takes_longer_than_usual_may_end_any_moment() -> None:
    """It is never said to have ended in the past."""
    state = state_of(ItemStatus.PROCESSING)
    found = outlook(state, entry(1, status=AttemptStatus.RUNNING), elsewhere=1)
    assert MOMENT + 5 * SECOND == found.ready_at


def test_a_wait_comes_before_the_next_attempt() -> None:
    """What waits until then still has to be made."""
    state = state_of(ItemStatus.PROCESSING)
    found = outlook(state, under_way=(waiting(1, until=6 * SECOND),), elsewhere=10)
    assert MOMENT + 16 * SECOND == found.ready_at


def test_what_waits_for_a_place_follows_whoever_is_done_first() -> None:
    """Two at work and three in line: as many are made at once as now."""
    state = state_of(*[ItemStatus.PROCESSING] * 2, *[ItemStatus.PENDING] * 3)
    running = [entry(number, status=AttemptStatus.RUNNING) for number in (1, 2)]
    assert MOMENT + 30 * SECOND == outlook(state, *running, elsewhere=10).ready_at


def test_its_own_durations_go_before_those_of_others() -> None:
    """The median of what the session has measured itself: this prompt may be a hard one."""
    state = state_of(*[ItemStatus.COMPLETE] * 3, ItemStatus.PROCESSING)
    done = [entry(number, took=took * SECOND) for number, took in ((1, 20), (2, 30), (3, 90))]
    found = outlook(state, *done, entry(4, status=AttemptStatus.RUNNING), elsewhere=1)
    assert MOMENT + 30 * SECOND == found.ready_at
    assert {"item_1": 20 * SECOND, "item_2": 30 * SECOND, "item_3": 90 * SECOND} == found.took


def test_a_later_stage_begins_when_the_one_before_is_done() -> None:
    """Sets are written once the outline is there."""
    outline = ItemState(key="outline", label="Outline", status=ItemStatus.PROCESSING)
    written = [ItemState(key=f"set_{number}", label="Set", stage=1) for number in (1, 2)]
    state = new_state().model_copy(update={"items": Items([outline, *written]), "kind": SessionKind.STORY})
    found = outlook_of(
        state,
        under_way={},
        entries=[],
        elsewhere=[AttemptDuration(item=item, took=took * SECOND) for item, took in (("outline", 7), ("set_1", 9))],
        now=MOMENT,
    )
    assert MOMENT + 16 * SECOND == found.ready_at


@pytest.mark.parametrize("change", [{"is_paused": True}, {"held_until": MOMENT}], ids=["paused", "held"])
def test_nothing_is_said_of_what_waits_for_somebody(change: dict[str, object]) -> None:
    """Nobody knows when they will act."""
    state = state_of(ItemStatus.PROCESSING).model_copy(update=change)
    assert outlook(state, elsewhere=10).ready_at is None


def test_nothing_is_said_without_a_measurement() -> None:
    """A guess is no outlook."""
    assert outlook(state_of(ItemStatus.PROCESSING)).ready_at is None


def test_nothing_is_said_of_what_has_settled() -> None:
    """It is ready, or will not be."""
    assert outlook(state_of(ItemStatus.COMPLETE), entry(1, took=SECOND), elsewhere=10).ready_at is None
