"""The activity that tells somebody else's server that a session has settled."""

import logging
from datetime import UTC, datetime, timedelta

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from sessions.callbacks import CallbackTask, CallbackType, shown_url
from sessions.deliveries import CallbackAnswer, Delivery, DeliveryOutcome
from sessions.ports import CallbackSender, DeliveryRecords
from sessions.records import RecordsOutOfReachError
from sessions.wire import DELIVER_CALLBACK_ACTIVITY

CALL_PATIENCE = timedelta(seconds=15)
"""How long a receiver may take to answer."""

UNDELIVERED = "undelivered"
"""Type of the failure of an attempt at a callback."""

_logger = logging.getLogger("retakes.callbacks")


class CallbackActivities:
    """Delivers callbacks, and logs every attempt."""

    def __init__(self, *, sender: CallbackSender, deliveries: DeliveryRecords) -> None:
        self._sender = sender
        self._deliveries = deliveries

    @activity.defn(name=DELIVER_CALLBACK_ACTIVITY)
    async def deliver(self, task: CallbackTask) -> None:
        """Call once. Whether and when there is another attempt is Temporal's to see to.

        A call whose answer got lost is made again under the same id: delivered is at least once, never exactly once.

        Raises:
            ApplicationError: it is not delivered; non-retryable where another attempt would be in vain.
        """
        at = datetime.now(UTC)
        answer = await self._sender.send(task.message(), patience=CALL_PATIENCE)
        outcome, wait = _outcome_of(answer, now=datetime.now(UTC))
        await self._log(
            Delivery(
                id=task.delivery_id,
                session_id=task.session.id,
                type=CallbackType.SESSION_SETTLED,
                url=shown_url(task.url),
                attempt=activity.info().attempt,
                at=at,
                outcome=outcome,
                status=answer.status,
                error=answer.reason,
                duration=answer.duration,
                next_attempt_at=datetime.now(UTC) + wait if wait else None,
            )
        )
        if outcome is not DeliveryOutcome.DELIVERED:
            raise ApplicationError(
                answer.reason or "The receiver did not answer.",
                type=UNDELIVERED,
                non_retryable=outcome is DeliveryOutcome.GIVEN_UP,
                next_retry_delay=answer.wanted_wait,
                # Somebody else's server is nothing for an operator's alarms.
                category=ApplicationErrorCategory.BENIGN,
            )

    async def _log(self, delivery: Delivery) -> None:
        _logger.info(
            "a callback was %s",
            delivery.outcome.replace("_", " "),
            extra={
                "session_id": delivery.session_id,
                "delivery_id": delivery.id,
                "attempt": delivery.attempt,
                "status": delivery.status,
                "reason": delivery.error,
            },
        )
        try:
            await self._deliveries.record_delivery(delivery)
        except RecordsOutOfReachError as error:
            # Told all the same. To fail here would be to tell it twice.
            _logger.warning("a delivery could not be recorded: %s", error, extra={"delivery_id": delivery.id})


def _outcome_of(answer: CallbackAnswer, *, now: datetime) -> tuple[DeliveryOutcome, timedelta | None]:
    """Return how an attempt ended, and how long it is to the next one, None where there is none.

    The server makes no attempt that would begin after the time for all of them, and says nothing when it gives up;
    so that the log does, it is found out here.
    """
    if answer.outcome is not DeliveryOutcome.FAILED:
        return answer.outcome, None
    info = activity.info()
    wait = answer.wanted_wait or _wait_of_policy(info)
    if info.schedule_to_close_timeout and now + wait >= info.scheduled_time + info.schedule_to_close_timeout:
        return DeliveryOutcome.GIVEN_UP, None
    return DeliveryOutcome.FAILED, wait


def _wait_of_policy(info: activity.Info) -> timedelta:
    policy = info.retry_policy
    if policy is None:
        return timedelta()
    longest = policy.maximum_interval or policy.initial_interval * 100
    wait = policy.initial_interval
    for _ in range(info.attempt - 1):
        if wait >= longest:
            break
        wait *= policy.backoff_coefficient
    return min(wait, longest)
