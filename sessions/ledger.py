"""The ledger: one entry per attempt, written when it begins and completed once when it ends."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sessions.artifacts import Artifact
from sessions.errors import ErrorClass, ItemError
from sessions.model import Value
from sessions.money import Spending, Usage
from sessions.statuses import AttemptStatus

UNKNOWN_WORKER: Final = "unknown"
"""In the place of a worker, in an entry that the session made up: nobody has told whose the attempt was."""
UNKNOWN_PROMPT: Final = hashlib.sha256(b"").hexdigest()
"""The digest in an entry of which nobody knows what was asked: that of no prompt at all."""


class LedgerEntry(Value):
    """One attempt at one item. ``attempt`` counts over the item's whole life; times are UTC.

    ``cost_microdollars`` is what the recorded usage costs, or for an uncertain attempt ``worst_case_microdollars``.
    ``throttled_calls`` are calls that the provider turned away with a request to wait; they are not billed.
    """

    item: str
    attempt: int
    round: int
    variation: str | None = None
    prompt_sha256: str
    model: str
    status: AttemptStatus
    error_type: ErrorClass | None = None
    error: str | None = None
    advice: str | None = None
    request_id: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    usage: Usage | None = None
    cost_microdollars: int = 0
    worst_case_microdollars: int = 0
    artifact: Artifact | None = None
    worker: str
    throttled_calls: int = 0

    def abandoned(self, *, noticed_at: datetime | None = None) -> "LedgerEntry":
        """Return the entry of an attempt whose worker died: it may have been billed. When it ended nobody knows."""
        return self.model_copy(
            update={
                "status": AttemptStatus.UNCERTAIN,
                "ended_at": noticed_at,
                "error_type": ErrorClass.UNCERTAIN,
                "error": "The worker stopped before the attempt's outcome was known.",
                "advice": "It may have been billed.",
                "cost_microdollars": self.worst_case_microdollars,
            }
        )

    def given_up(self, error: ItemError, *, noticed_at: datetime) -> "LedgerEntry":
        """Return the entry of an attempt whose worker died while the provider had it wait: nothing was billed."""
        return self.model_copy(
            update={
                "status": AttemptStatus.FAILED,
                "ended_at": noticed_at,
                "error_type": error.type,
                "error": error.message,
                "advice": error.advice,
            }
        )

    @property
    def spending(self) -> Spending:
        """What this attempt adds to the session's spending."""
        is_uncertain = self.status is AttemptStatus.UNCERTAIN
        return Spending(
            usage=self.usage or Usage(),
            spent_microdollars=0 if is_uncertain else self.cost_microdollars,
            uncertain_microdollars=self.cost_microdollars if is_uncertain else 0,
        )


def first_within(entries: Sequence[LedgerEntry], *, most_bytes: int) -> tuple[LedgerEntry, ...]:
    """Return the first entries that come to no more than so many bytes of JSON together."""
    fitting: list[LedgerEntry] = []
    for entry in entries:
        most_bytes -= len(entry.model_dump_json().encode()) + 1
        if most_bytes < 0:
            break
        fitting.append(entry)
    return tuple(fitting)
