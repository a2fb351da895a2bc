"""Whatever the order in which a session is written down, and however often: the same records."""

from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, select

from sessions.identifiers import new_session_id
from sessions.statuses import AttemptStatus
from storage.records.database import Database
from storage.records.repository import Records
from storage.records.tables import attempts, items, sessions
from tests.unit.storage.histories import AttemptCall, Call, History, new_state

pytest_plugins = ["tests.support.databases"]

NOT_COMPLETE = (AttemptStatus.FAILED, AttemptStatus.UNCERTAIN)
# Of an entry that only came along with the session, its item's status is a guess, and never looked at again.
IGNORED = {"session_id", "id", "item_status", "max_attempts_of_entry"}


@st.composite
def histories(draw: st.DrawFn) -> History:
    """A session of two items: its rounds, retries, a cancel perhaps, and what was written down of each."""
    history = History(state=new_state("main", "lifestyle"))
    history.recorded()
    for number in range(draw(st.integers(1, 3), label="rounds")):
        if number:
            if not history.state.failed_items:
                break
            history.retried()
            if draw(st.booleans(), label="retry recorded"):
                history.recorded()
        unfinished = [item.key for item in history.state.items if not item.status.is_settled]
        stopping = draw(st.integers(0, 9), label="cancelled at 0") == 0
        for key in unfinished[: 1 if stopping else None]:
            failures = draw(st.lists(st.sampled_from(NOT_COMPLETE), max_size=3))
            outcomes = failures if len(failures) == 3 else [*failures, AttemptStatus.COMPLETE]
            history.round_of(key, outcomes=outcomes)
        if stopping:
            history.cancelled()
        history.recorded(is_ledger_complete=draw(st.booleans(), label="ledger complete"))
    if draw(st.booleans(), label="closed"):
        history.finished()
        history.recorded()
    return history


def told_of(call: Call, *, session_id: str) -> Call:
    """Return the call as one about another session."""
    if isinstance(call, AttemptCall):
        return AttemptCall(
            session_id=session_id, entry=call.entry, item_status=call.item_status, max_attempts=call.max_attempts
        )
    return type(call)(state=call.state.model_copy(update={"id": session_id}), entries=call.entries)


async def written_down(database: Database, calls: Sequence[Call]) -> list[list[dict[str, object]]]:
    """Return the rows that calls leave behind when they are about a fresh session."""
    session_id = new_session_id()
    for call in calls:
        await told_of(call, session_id=session_id).apply(Records(database))

    async def rows_of(table: Table, *, key: str) -> list[dict[str, object]]:
        statement = select(table).where(table.c[key] == session_id).order_by(*table.primary_key)
        rows = await database.read(lambda connection: connection.execute(statement))
        return [{name: value for name, value in row._mapping.items() if name not in IGNORED} for row in rows]

    session_rows = await rows_of(sessions, key="id")
    for row in session_rows:
        del row["state"]
    attempt_rows = await rows_of(attempts, key="session_id")
    for row in attempt_rows:
        del row["updated_at"], row["max_attempts"]
    return [session_rows, await rows_of(items, key="session_id"), attempt_rows]


@settings(
    max_examples=1500, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(data=st.data(), history=histories())
async def test_any_order(database: Database, data: st.DataObject, history: History) -> None:
    """What the records hold depends on what was told, not on when, how often or in which order."""
    so_far = history.calls[: data.draw(st.integers(1, len(history.calls)), label="so far")]
    again = data.draw(st.lists(st.sampled_from(so_far), max_size=4), label="told again")
    shuffled = data.draw(st.permutations([*so_far, *again]), label="as it comes in")

    assert await written_down(database, so_far) == await written_down(database, shuffled)
