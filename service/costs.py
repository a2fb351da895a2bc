"""Money: what a session would cost, what sessions have cost, and the prices that both are computed with."""

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from service.callbacks import CallbackRules
from service.errors import OutOfReachError, UnknownReferenceError
from service.start import KnownUploads, StartDefaults
from sessions.costs import CostBy, CostRecords, CostReport, period_of, report_of
from sessions.estimates import Estimate, EstimateRequest, ImageEstimateRequest, estimate
from sessions.expectations import Learned, has_formula, learned_from
from sessions.pricing import PriceTable
from sessions.records import RecordsOutOfReachError
from sessions.statuses import SessionKind

_LEARNED_CALLS: Final = 200
_LEARNED_FOR: Final = timedelta(minutes=1)
_MOST_LEARNED: Final = 100
"""Models, whose names anybody makes up."""

_logger = logging.getLogger("retakes.costs")


def _now() -> datetime:
    return datetime.now(UTC)


class CostService:
    """Tells what sessions cost.

    Args:
        records: the records, which estimates wait for a moment at most.
        reports: the same with more patience, for sums over many attempts.
        uploads: tells which uploads there are.
        callbacks: which addresses may be called.
        defaults: what sessions get from the installation.
        now: the clock, for tests.
    """

    def __init__(
        self,
        *,
        records: CostRecords,
        reports: CostRecords,
        uploads: KnownUploads,
        callbacks: CallbackRules,
        defaults: StartDefaults,
        now: Callable[[], datetime] = _now,
    ) -> None:
        self._records = records
        self._reports = reports
        self._uploads = uploads
        self._callbacks = callbacks
        self._defaults = defaults
        self._now = now
        self._learned: dict[tuple[str, SessionKind], tuple[float, Learned]] = {}

    @property
    def prices(self) -> PriceTable:
        """The price table in use."""
        return self._defaults.prices

    async def estimate(self, request: EstimateRequest) -> Estimate:
        """Return what a session would cost. Nothing is started or written.

        While the records do not answer, nothing is learned from them, and the estimate says so.

        Raises:
            UnknownReferenceError: a reference picture was never uploaded.
            CallbackRefusedError: no callback may go to the address.
            OutOfReachError: the uploads cannot be looked up.
        """
        self._callbacks.url_for(request.callback_url)
        if isinstance(request, ImageEstimateRequest):
            model = request.model or self._defaults.image_model
            if missing := await self._uploads.missing(request.uploads):
                raise UnknownReferenceError(missing)
        else:
            model = request.model or self._defaults.text_model
        learned = Learned() if has_formula(request, model=model) else await self._learned_of(model, kind=request.kind)
        # In a thread: the plan of a long story takes a while.
        return await asyncio.to_thread(
            estimate, request, model=model, prices=self.prices, learned=learned, today=self._now().date()
        )

    async def report(
        self, *, begin: str | None, end: str | None, by: CostBy, limit: int, cursor: str | None
    ) -> CostReport:
        """Return what was spent in a period.

        Args:
            begin: its beginning as `period_of` takes it.
            end: its end, likewise.
            by: what the sums are taken by.
            limit: how many models or sessions at most.
            cursor: where the page before ended.

        Raises:
            InvalidPeriodError: the period holds not one moment.
            InvalidCursorError: the cursor is not one of this list.
            OutOfReachError: the records do not answer.
        """
        period = period_of(begin, end, now=self._now())
        try:
            page = await self._reports.costs(period, by=by, limit=limit, cursor=cursor)
        except RecordsOutOfReachError as error:
            raise OutOfReachError("The records do not answer. Try again in a moment, or ask for less time.") from error
        return report_of(page, period=period, by=by)

    async def _learned_of(self, model: str, *, kind: SessionKind) -> Learned | None:
        """Return what the ledger teaches of a model, None while it does not answer."""
        key, now = (model, kind), time.monotonic()
        if key in self._learned and now - self._learned[key][0] < _LEARNED_FOR.total_seconds():
            return self._learned[key][1]
        try:
            calls = await self._records.recorded_calls(model, kind=kind, limit=_LEARNED_CALLS)
        except RecordsOutOfReachError:
            _logger.info("the records did not answer, so an estimate goes without them")
            return None
        learned = await asyncio.to_thread(learned_from, calls, kind=kind)
        self._learned.pop(key, None)
        if len(self._learned) >= _MOST_LEARNED:
            del self._learned[next(iter(self._learned))]
        self._learned[key] = (now, learned)
        return learned
