"""Whether an attempt may begin: what its session holds back, and what the records say was spent this month."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.service import RPCError

from service.answers import answered
from sessions.ports import Hold
from sessions.records import RecordsOutOfReachError
from sessions.statuses import HeldAttempts
from sessions.wire import HELD_ATTEMPTS_MEMO, MAY_BEGIN_QUERY

_TIMEOUT = timedelta(seconds=3)
_PATIENCE = timedelta(seconds=20)
"""A session whose worker was killed answers when the server has given that worker up."""
_ASKED_ANEW = timedelta(seconds=2)
_MONTH_RETRY = timedelta(minutes=1)
_PAUSE_BETWEEN_QUESTIONS = timedelta(milliseconds=250)

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
    message="It is not known whether the session may go on.",
    advice="It goes on by itself as soon as that is known.",
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
        self,
        session_id: str,
        *,
        spent_in_round_microdollars: int,
        worst_case_microdollars: int,
        is_first: bool,
        is_told: bool,
    ) -> Hold | None:
        """Return why an attempt may not begin."""
        ask = self._told_by_server if is_told else self._told_by_session
        if not is_first and (held := await _held_by_session(session_id, spent_in_round_microdollars, ask=ask)):
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

    async def _told_by_server(self, session_id: str, spent_in_round_microdollars: int) -> bool:
        """Return whether an attempt may begin, by what the session has told the server. No worker is asked."""
        description = await self._client.get_workflow_handle(session_id).describe()
        held = await description.memo_value(HELD_ATTEMPTS_MEMO, HeldAttempts.NONE.value, type_hint=str)
        return not HeldAttempts(held).includes(spent_in_round_microdollars=spent_in_round_microdollars)

    async def _told_by_session(self, session_id: str, spent_in_round_microdollars: int) -> bool:
        """Return whether an attempt may begin, by the session itself: one that began before it told the server."""
        handle = self._client.get_workflow_handle(session_id)
        may_begin: bool = await handle.query(MAY_BEGIN_QUERY, spent_in_round_microdollars, result_type=bool)
        return may_begin

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


async def _held_by_session(
    session_id: str, spent_in_round_microdollars: int, *, ask: Callable[[str, int], Awaitable[bool]]
) -> Hold | None:
    """Return why a session does not let an attempt begin. One of which nothing is known is not passed over."""
    patience = asyncio.get_running_loop().time() + _PATIENCE.total_seconds()
    while True:
        try:
            may_begin = await answered(ask(session_id, spent_in_round_microdollars), within=_TIMEOUT)
            return None if may_begin else _HELD_BY_SESSION
        except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError) as error:
            _logger.info(
                "it is not known whether a session lets go on", extra={"session_id": session_id, "reason": str(error)}
            )
            if asyncio.get_running_loop().time() > patience:
                return _UNANSWERED
            await asyncio.sleep(_PAUSE_BETWEEN_QUESTIONS.total_seconds())
