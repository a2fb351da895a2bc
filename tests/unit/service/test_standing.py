from datetime import timedelta

from service.standing import standing_of
from sessions.money import Spending
from sessions.progress import RecordedItem
from sessions.records import SessionRecord
from sessions.state import SessionState, item_started, session_closed
from sessions.statuses import AttemptStatus, ItemStatus, SessionStatus
from tests.unit.storage.histories import START, History, new_state

LATER = START + timedelta(minutes=5)
SPENDING = Spending(spent_microdollars=30, uncertain_microdollars=7)


def halfway() -> SessionState:
    """Return a state with one item made and one handed out."""
    history = History(state=new_state("main", "lifestyle"))
    history.round_of("main", outcomes=[AttemptStatus.COMPLETE])
    return item_started(history.state, key="lifestyle", now=history.now)


def recorded(state: SessionState) -> SessionRecord:
    """Return the record of a state whose second item is at its second attempt."""
    row = RecordedItem(
        key="lifestyle", status=ItemStatus.PROCESSING, attempt=2, round=1, is_running=True, updated_at=LATER
    )
    return SessionRecord(state=state, items=(row,), spending=SPENDING)


def test_open() -> None:
    """While the workflow may still run, what is under way is told, and the ledger's money."""
    state, under_way = standing_of(recorded(halfway()))
    assert SessionStatus.PROCESSING is state.status
    assert 2 == under_way["lifestyle"].attempt_in_round
    assert SPENDING == state.spending


def test_ended_from_outside() -> None:
    """What was unfinished is cancelled, and told alike however often and after it was written down."""
    record = recorded(halfway())
    state, under_way = standing_of(record, ended_at=LATER)
    assert not under_way
    assert (SessionStatus.CANCELLED, LATER) == (state.status, state.closed_at)
    assert record.state.revision < state.revision
    assert (state, {}) == standing_of(record.model_copy(update={"state": state}), ended_at=LATER)


def test_ended_while_it_waited_for_a_retry() -> None:
    """A settled session that is terminated keeps its status, and becomes a newer state that can be written down."""
    history = History(state=new_state("main"))
    history.round_of("main", outcomes=[AttemptStatus.FAILED])
    state, _ = standing_of(SessionRecord(state=history.state), ended_at=LATER)
    assert (SessionStatus.FAILED, LATER) == (state.status, state.closed_at)
    assert history.state.revision < state.revision


def test_result_of_a_reset() -> None:
    """A result that is newer than what is written down counts, with a revision that lets it be written."""
    history = History(state=new_state("main"))
    begun = history.state
    history.round_of("main", outcomes=[AttemptStatus.FAILED])
    written = session_closed(history.state, now=history.now)
    history.state = begun
    history.round_of("main", outcomes=[AttemptStatus.COMPLETE])
    result = session_closed(history.state, now=LATER)
    state, _ = standing_of(SessionRecord(state=written), result=result, ended_at=LATER)
    assert SessionStatus.COMPLETE is state.status
    assert written.revision < state.revision
    older, _ = standing_of(SessionRecord(state=state), result=result, ended_at=LATER)
    assert state.revision == older.revision
