"""How an item stands: what the session's state says of it, brought up to date by its ledger.

Pure functions of the two, so that it does not matter in which order, or how often, either is written down.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sessions.errors import ItemError
from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.statuses import AttemptStatus, ItemStatus

Columns = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A ledger entry and its item after it. ``max_attempts``: the last attempt number that is allowed."""

    entry: LedgerEntry
    item_status: ItemStatus
    max_attempts: int

    @property
    def moment(self) -> datetime:
        """When the attempt got to where it is."""
        return self.entry.ended_at or self.entry.started_at

    @property
    def error(self) -> ItemError | None:
        """Why the attempt failed, if it did."""
        entry = self.entry
        if entry.error_type is None:
            return None
        return ItemError(type=entry.error_type, message=entry.error or "", advice=entry.advice or "")


def line_of(entry: LedgerEntry, *, max_attempts: int) -> Line:
    """Return the line of an entry that came without its item's status: one that failed is taken as going on."""
    is_complete = entry.status is AttemptStatus.COMPLETE
    item_status = ItemStatus.COMPLETE if is_complete else ItemStatus.PROCESSING
    return Line(entry=entry, item_status=item_status, max_attempts=max_attempts)


def live_round(item: ItemState) -> int:
    """Return the first round whose attempts are not in the state yet: a settled item's round is all told."""
    return item.round + 1 if item.status.is_settled else item.round


def columns_of_state(item: ItemState, *, updated_at: datetime) -> Columns:
    """Return an item's columns as the state alone tells them."""
    return {
        "label": item.label,
        "status": item.status,
        "is_running": False,
        "round": item.round,
        "live_round": live_round(item),
        "attempt": item.attempt,
        "max_attempts": item.attempts_before_round + item.max_attempts,
        "retry_count": max(0, item.attempt - 1),
        **_error_columns(item.error),
        "artifact": item.artifact,
        "updated_at": updated_at,
    }


def latest_line(lines: Sequence[Line]) -> Line:
    """Return the line of an item that says how it stands now."""
    return max(lines, key=lambda line: line.entry.attempt)


def columns_of_ledger(lines: Sequence[Line]) -> Columns:
    """Return the columns that an item's ledger tells better than the state, when its latest line is live."""
    latest = latest_line(lines)
    attempt = latest.entry.attempt
    columns: dict[str, object] = {
        "status": latest.item_status,
        "is_running": latest.entry.status is AttemptStatus.RUNNING,
        "round": latest.entry.round,
        "attempt": attempt,
        "max_attempts": latest.max_attempts,
        "retry_count": attempt - 1,
        "updated_at": latest.moment,
    }
    if latest.entry.status is AttemptStatus.COMPLETE:
        return {**columns, **_error_columns(None), "artifact": latest.entry.artifact}
    # While an attempt runs, people still want to know why the one before it failed.
    before = [line for line in lines if line.entry.attempt < attempt]
    return {**columns, **_error_columns(latest.error or (latest_line(before).error if before else None))}


def _error_columns(error: ItemError | None) -> Columns:
    return {
        "error_type": error.type if error else None,
        "error_message": error.message if error else None,
        "error_advice": error.advice if error else None,
    }
