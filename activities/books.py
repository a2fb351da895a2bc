"""The books of one item's round: what is entered of its attempts in the ledger, and the report that goes from one to
the next, and to the session.
"""

import hashlib
import logging
from dataclasses import dataclass
from datetime import UTC, datetime

from activities.ledger import LedgerLine, LedgerWriter
from activities.plans import Plan
from sessions.artifacts import Receipt
from sessions.attempts import ItemTask, RoundReport
from sessions.errors import AttemptError, ContentRejected, UncertainOutcome
from sessions.ledger import UNKNOWN_PROMPT, LedgerEntry
from sessions.money import Usage
from sessions.pricing import PriceTable
from sessions.statuses import AttemptStatus, ItemStatus
from sessions.variations import variation_for

_logger = logging.getLogger("retakes.attempts")


@dataclass(kw_only=True)
class Books:
    """What is known of the attempts of a round. ``worker`` names the process in the ledger."""

    task: ItemTask
    ledger: LedgerWriter
    prices: PriceTable
    worker: str
    report: RoundReport

    @property
    def place(self) -> dict[str, str]:
        """Whose attempts they are, for the log."""
        return {"session_id": self.task.session_id, "item": self.task.item}

    @property
    def correction(self) -> str | None:
        """What was wrong with the last result, in words for the model."""
        return self.report.correction or self.task.correction

    def number(self, number_in_round: int) -> int:
        """Return the number of an attempt over the item's whole life."""
        return self.task.attempts_before_round + number_in_round

    def opened(self, number: int, *, plan: Plan) -> LedgerEntry:
        """Return the entry of an attempt that begins."""
        return LedgerEntry(
            item=self.task.item,
            attempt=number,
            round=self.task.round,
            variation=variation_for(number),
            prompt_sha256=digest(plan.prompt),
            model=self.task.model,
            status=AttemptStatus.RUNNING,
            worst_case_microdollars=self._cost(plan.worst_case, model=self.task.model),
            started_at=datetime.now(UTC),
            worker=self.worker,
        )

    def running_again(self, lost: LedgerEntry, *, plan: Plan) -> LedgerEntry:
        """Return the entry of a lost attempt as it was before; of one that nobody told of, as it must have been."""
        if lost.prompt_sha256 == UNKNOWN_PROMPT:
            return self.opened(lost.attempt, plan=plan)
        return lost.model_copy(update={"error_type": None, "error": None, "advice": None})

    def completed(self, entry: LedgerEntry, *, receipt: Receipt, throttled_calls: int) -> LedgerEntry:
        """Return the entry of an attempt that has come to what a receipt says."""
        return entry.model_copy(
            update={
                "status": AttemptStatus.COMPLETE,
                "ended_at": datetime.now(UTC),
                "request_id": receipt.request_id,
                "usage": receipt.usage,
                "cost_microdollars": self._cost(receipt.usage, model=entry.model),
                "artifact": receipt.artifact,
                "throttled_calls": throttled_calls,
            }
        )

    def failed(self, entry: LedgerEntry, *, error: AttemptError, throttled_calls: int) -> LedgerEntry:
        """Return the entry of an attempt that has failed."""
        is_uncertain = isinstance(error, UncertainOutcome)
        cost = self._cost(error.usage, model=entry.model)
        return entry.model_copy(
            update={
                "status": AttemptStatus.UNCERTAIN if is_uncertain else AttemptStatus.FAILED,
                "error_type": error.error_class,
                "error": error.message,
                "advice": error.advice,
                "request_id": error.request_id or entry.request_id,
                "ended_at": datetime.now(UTC),
                "usage": error.usage,
                "cost_microdollars": cost if error.usage or not is_uncertain else entry.worst_case_microdollars,
                "throttled_calls": throttled_calls,
            }
        )

    async def enter_as_running(self, entry: LedgerEntry) -> bool:
        """Enter an attempt that begins, or waits, and return whether the records have it."""
        return await self._write(entry, item_status=ItemStatus.PROCESSING)

    async def enter_as_complete(self, closed: LedgerEntry) -> None:
        """Enter and count an attempt that has made its item."""
        self._count(closed)
        await self._write(closed, item_status=ItemStatus.COMPLETE)

    async def enter_as_failed(self, closed: LedgerEntry, *, item_status: ItemStatus) -> None:
        """Enter, count and log an attempt that has failed. ``item_status``: the item's after it."""
        _logger.warning("an attempt failed", extra=self.log_fields(closed))
        self._count(closed)  # first: a cancel may come while the records are waited for
        await self._write(closed, item_status=item_status)

    def learn_from(self, error: AttemptError) -> None:
        """Keep what the next prompt is to say of a result that was not accepted."""
        if isinstance(error, ContentRejected) and error.correction:
            self.report = self.report.model_copy(update={"correction": error.correction})

    def log_fields(self, entry: LedgerEntry) -> dict[str, object]:
        """Return what an operator needs to find and understand an attempt. No prompt: its hash will do."""
        return {
            **self.place,
            "attempt": entry.attempt,
            "retry_count": entry.attempt - 1,
            "round": entry.round,
            "error_class": entry.error_type,
            "error": entry.error,
            "variation": entry.variation,
            "prompt_sha256": entry.prompt_sha256,
            "request_id": entry.request_id,
        }

    async def _write(self, entry: LedgerEntry, *, item_status: ItemStatus) -> bool:
        line = LedgerLine(
            session_id=self.task.session_id,
            entry=entry,
            item_status=item_status,
            max_attempts=self.number(self.task.max_attempts),
        )
        others = tuple(known for known in self.report.unrecorded if known.attempt != entry.attempt)
        # Until the records confirm it, whatever cuts this off.
        self.report = self.report.model_copy(update={"unrecorded": (*others, entry)})
        is_recorded = await self.ledger.write(line)
        if is_recorded:
            self.report = self.report.model_copy(update={"unrecorded": others})
        return is_recorded

    def _count(self, closed: LedgerEntry) -> None:
        self.report = self.report.model_copy(
            update={
                "attempts_used": self.report.attempts_used + 1,
                "spending": self.report.spending + closed.spending,
            }
        )

    def _cost(self, usage: Usage | None, *, model: str) -> int:
        return self.prices.cost_microdollars(usage, model=model) if usage else 0


def digest(prompt: str) -> str:
    """Return by what the ledger knows a prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()
