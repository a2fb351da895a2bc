"""Whether an attempt may begin: asks its session for a pause and the budget, and the records for the month."""

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Protocol

from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from service.answers import answered
from sessions.ports import Hold
from sessions.records import RecordsOutOfReachError
from sessions.wire import MAY_BEGIN_QUERY

_QUERY_TIMEOUT = timedelta(seconds=3)
_QUERY_PATIENCE = timedelta(seconds=20)
"""A session whose worker was killed answers when the server has given that worker up."""
_ASKED_ANEW = timedelta(seconds=2)
_MONTH_RETRY = timedelta(minutes=1)
_PAUSE_BETWEEN_QUERIES = timedelta(milliseconds=250)

_HELD_BY_SESSION = Hold(
    message="The session is paused, or its budget is used up.",
    advice="It goes on when the session is resumed, or its budget raised.",
)
_HELD_BY_MONTH = Hold(
    message="The limit on what may be spent in a month is reached.",
    advice="It goes on when RETAKES_MONTHLY_BUDGET_USD is raised, or with the next month.",
    retry_after=_MONTH_RETRY,
)

_UNANSWERED = Hold(
    message="The session did not say whether it may go on.",
    advice="It goes on by itself as soon as a worker has it in hand.",
)

_logger = logging.getLogger("retakes.gate")


class Spending(Protocol):
    """Knows what was spent."""

    async def spent_since(self, moment: datetime) -> int:
        """Return what attempts since a moment have cost, in micro-dollars, what is uncertain included."""
        ...


class SessionGate:
    """Implements `sessions.ports.Gate`. ``monthly_microdollars``: what the installation may spend in a month."""

    def __init__(self, client: Client, *, spending: Spending, monthly_microdollars: int | None) -> None:
        self._client = client
        self._spending = spending
        self._monthly_microdollars = monthly_microdollars
        self._spent = 0
        self._admitted: list[tuple[datetime, int]] = []
        self._asked_at = datetime.min.replace(tzinfo=UTC)

    async def hold(
        self, session_id: str, *, spent_in_round_microdollars: int, worst_case_microdollars: int, is_first: bool
    ) -> Hold | None:
        """Return why an attempt may not begin."""
        if not is_first and (held := await self._held_by_session(session_id, spent_in_round_microdollars)):
            return held
        if self._monthly_microdollars is None:
            return None
        spent = await self._spent_this_month()
        # What was let through just now may not be in the records yet.
        spent += sum(amount for _, amount in self._admitted)
        if spent + worst_case_microdollars > self._monthly_microdollars:
            return _HELD_BY_MONTH
        self._admitted.append((datetime.now(UTC), worst_case_microdollars))
        return None

    async def _held_by_session(self, session_id: str, spent_in_round_microdollars: int) -> Hold | None:
        """Return why the session does not let an attempt begin. A session that does not answer is not passed over."""
        handle = self._client.get_workflow_handle(session_id)
        patience = asyncio.get_running_loop().time() + _QUERY_PATIENCE.total_seconds()
        while True:
            try:
                asking = handle.query(MAY_BEGIN_QUERY, spent_in_round_microdollars, result_type=bool)
                return None if await answered(asking, within=_QUERY_TIMEOUT) else _HELD_BY_SESSION
            except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
                _logger.info(
                    "a session did not say whether to go on", extra={"session_id": session_id, "reason": str(error)}
                )
                if asyncio.get_running_loop().time() > patience:
                    return _UNANSWERED
                await asyncio.sleep(_PAUSE_BETWEEN_QUERIES.total_seconds())

    async def _spent_this_month(self) -> int:
        """Return what was spent since the first of the month in UTC, as it was known two seconds ago at most."""
        now = datetime.now(UTC)
        if now - self._asked_at > _ASKED_ANEW:
            month = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
            try:
                self._spent = await self._spending.spent_since(month)
                # Those let through before the last question are in its answer; later ones may not be.
                self._admitted = [(at, amount) for at, amount in self._admitted if at > self._asked_at]
                self._asked_at = now
            except RecordsOutOfReachError:
                _logger.info("the records do not say what was spent this month; the last figure counts")
        return self._spent
