"""What the workflow hands to the records at once, and what it asks them.

Determinism contract: as in `workflows.rounds`.
"""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.records import RecordActivities
from sessions.attempts import RoundQuestion, RoundReport
from sessions.items import ItemState
from sessions.ledger import LedgerEntry, first_within
from sessions.state import SessionState
from sessions.wire import records_queue
from workflows.policies import MOST_PAYLOAD_BYTES, REPORT_PATIENCE

_ENTRIES_AT_ONCE = 500
"""About half a megabyte; a payload may hold two."""


def entries_that_fit(
    entries: Sequence[LedgerEntry], *, state: SessionState, beside: str = ""
) -> tuple[LedgerEntry, ...]:
    """Return the first of the entries that fit into one payload, with the state and what else is in it."""
    taken = len(beside.encode()) + len(state.model_dump_json().encode())
    return first_within(entries[:_ENTRIES_AT_ONCE], most_bytes=MOST_PAYLOAD_BYTES - taken)


async def round_report(item: ItemState, *, session_id: str) -> RoundReport:
    """Return what an item's attempts of this round have come to. Should nobody know, no number is used again."""
    question = RoundQuestion(
        session_id=session_id,
        item=item.key,
        round=item.round,
        attempts_before_round=item.attempts_before_round,
    )
    try:
        return await workflow.execute_activity_method(
            RecordActivities.report_round,
            question,
            task_queue=records_queue(workflow.info().task_queue),
            start_to_close_timeout=REPORT_PATIENCE,
            schedule_to_close_timeout=REPORT_PATIENCE,
            summary=f"Ask what became of {item.label}",
        )
    except ActivityError:
        return RoundReport(attempts_used=item.max_attempts)
