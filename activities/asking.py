"""Asking the provider within one attempt: for as long as it may take, waiting as often as it asks to."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from activities.heartbeat import Pulse
from activities.patience import Patience
from activities.plans import PendingCalls, Plan
from sessions.artifacts import Made
from sessions.attempts import ItemTask
from sessions.errors import Throttled, UncertainOutcome
from sessions.keeping import kept
from sessions.ledger import LedgerEntry
from sessions.pending import PendingAttempt, PendingCall

_FIRST_THROTTLE_WAIT = timedelta(seconds=1)
_LONGEST_THROTTLE_WAIT = timedelta(seconds=30)
# What an answer that is long overdue is given all the same: it is looked for, and it may take a moment to be found.
_SHORTEST_TAKE_UP = timedelta(seconds=30)

_logger = logging.getLogger("retakes.asking")

OnWait = Callable[[LedgerEntry], Awaitable[object]]
"""Hears of an attempt that the provider has asked to wait."""


class Asking:
    """How an attempt stands with the provider, and what it asks of it.

    Attributes:
        throttled_calls: calls of the attempt that were turned away with a request to wait.
        is_asking: whether a call is under way, so that stopping now may cost money.
        is_waiting: whether the provider has asked to wait, and has not been asked again yet.
        has_asked: whether anything was asked for.
        pending: what the provider is at work on whether or not this worker lives.
    """

    def __init__(self, task: ItemTask, *, pulse: Pulse, pending: PendingAttempt | None, on_wait: OnWait) -> None:
        self.throttled_calls = 0
        self.is_asking = False
        self.is_waiting = False
        self.has_asked = False
        self.pending = pending
        self._task = task
        self._pulse = pulse
        self._on_wait = on_wait
        self._calls: PendingCalls | None = None

    async def answer(self, plan: Plan, *, entry: LedgerEntry) -> Made:
        """Return the provider's answer, waiting as often as it asks to within the patience of one attempt.

        Raises:
            AttemptError: there is none.
        """
        self._calls, self.throttled_calls = plan.pending, 0
        deadline = self._task.limits.deadline
        patience = Patience(self._task.limits.throttle_patience)
        backoff = _FIRST_THROTTLE_WAIT
        call = await plan.prepare()

        def on_pending(pending: PendingCall) -> None:
            told = {"request_id": pending.request_id, "throttled_calls": self.throttled_calls}
            begun = pending.model_copy(update={"begun_at": datetime.now(UTC)})
            self.pending = PendingAttempt(entry=entry.model_copy(update=told), call=begun)
            self._pulse.pending(self.pending)

        while True:
            try:
                async with asyncio.timeout(deadline.total_seconds()):
                    self.is_asking, self.is_waiting, self.has_asked = True, False, True
                    made = await call(on_pending)
                    self.is_asking = False
                    return made
            except TimeoutError as error:
                await kept(self.give_up())
                raise _overdue(deadline) from error
            except Throttled as throttled:
                self.throttled_calls += 1
                self.is_asking, self.is_waiting, self.pending = False, True, None
                await self._wait(throttled, patience=patience, backoff=backoff, entry=entry)
                backoff = min(backoff * 2, _LONGEST_THROTTLE_WAIT)

    async def take_up(self, attempt: PendingAttempt, *, calls: PendingCalls) -> Made | None:
        """Return what an attempt has come to that another worker has begun, None where the provider does not know it.

        Raises:
            AttemptError: it has come to nothing.
        """
        _logger.info("taking up a call that goes on", extra={**self._place, "attempt": attempt.entry.attempt})
        self._calls, self.pending = calls, attempt
        self.throttled_calls, self.is_asking, self.has_asked = attempt.entry.throttled_calls, True, True
        deadline = self._task.limits.deadline
        rest = (attempt.call.begun_at or attempt.entry.started_at) + deadline - datetime.now(UTC)
        rest = min(max(rest, _SHORTEST_TAKE_UP), deadline)
        try:
            async with asyncio.timeout(rest.total_seconds()):
                made = await calls.take_up(attempt.call)
        except TimeoutError as error:
            await kept(self.give_up())
            raise _overdue(deadline) from error
        except asyncio.CancelledError:
            raise  # the call goes on, and is still to be taken up
        except BaseException:
            self._is_over()
            raise
        if made is None:
            self._is_over()
        return made

    async def give_up(self) -> None:
        """End what the provider is at work on, if that can be done."""
        attempt, self.pending = self.pending, None
        if attempt is not None and self._calls is not None:
            await self._calls.give_up(attempt.call)

    def _is_over(self) -> None:
        self.is_asking, self.has_asked, self.pending = False, False, None

    async def _wait(self, throttled: Throttled, *, patience: Patience, backoff: timedelta, entry: LedgerEntry) -> None:
        # Spread by up to a quarter, so that items which were turned away together do not come back together.
        pause = (throttled.retry_after or backoff) * (1 + random.random() / 4)  # noqa: S311 - no secret
        if not patience.is_left:
            raise self._out_of_patience(throttled) from throttled
        # A provider that asks for more than there is gets all there is, and is asked once more.
        pause = min(pause, patience.rest)
        _logger.info("the provider asks to wait", extra={**self._place, "seconds": pause.total_seconds()})
        self._pulse.waiting(throttled.as_item_error(), until=datetime.now(UTC) + pause)
        # Those who watch the session look again when its ledger has changed.
        await self._on_wait(entry.model_copy(update={"throttled_calls": self.throttled_calls}))
        await asyncio.sleep(pause.total_seconds())
        self._pulse.going_on()

    def _out_of_patience(self, throttled: Throttled) -> Throttled:
        seconds = self._task.limits.throttle_patience.total_seconds()
        return Throttled(
            f"{throttled.message} It has asked to wait for more than {seconds:g} seconds in all.",
            advice="Retry when the provider's limit has recovered, or raise RETAKES_THROTTLE_PATIENCE.",
            retry_after=throttled.retry_after,
            request_id=throttled.request_id,
        )

    @property
    def _place(self) -> dict[str, object]:
        return {"session_id": self._task.session_id, "item": self._task.item}


def _overdue(deadline: timedelta) -> UncertainOutcome:
    return UncertainOutcome(
        f"The provider gave no whole answer within {deadline.total_seconds():g} seconds.",
        advice="It may have been billed. Raise RETAKES_ATTEMPT_TIMEOUT if its answers take longer.",
    )
