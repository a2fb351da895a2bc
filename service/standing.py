"""How a session stands by what is written down of it: the one answer to that for pages, lists and retries."""

from collections.abc import Mapping
from datetime import datetime

from sessions.progress import UnderWay, brought_up_to_date
from sessions.records import SessionRecord
from sessions.state import SessionState, session_closed, unfinished_items_cancelled


def standing_of(
    record: SessionRecord, *, result: SessionState | None = None, ended_at: datetime | None = None
) -> tuple[SessionState, Mapping[str, UnderWay]]:
    """Return a session's state, and which attempts are under way as far as that was written down.

    The spending is the ledger's, which knows of attempts that the state was not told of.

    Args:
        record: what is written down.
        result: what its workflow returned, where it has closed by itself.
        ended_at: when its workflow closed, None while it may still run. Of a workflow that was ended from outside
            (terminated, say) nobody works on what it left unfinished: that counts as cancelled.
    """
    known, under_way = brought_up_to_date(record.state, recorded=record.items)
    if result is not None and result.updated_at > record.state.updated_at:
        # A workflow that was reset counts its revisions from where it was reset to, and yet tells the newest.
        known = result.model_copy(update={"revision": max(result.revision, known.revision + 1)})
    if ended_at is not None and known.closed_at is None:
        if not known.status.is_settled:
            known = unfinished_items_cancelled(known, now=ended_at)
        known = session_closed(known, now=ended_at)
    if known.closed_at is not None:
        under_way = {}
    return known.model_copy(update={"spending": record.spending}), under_way
