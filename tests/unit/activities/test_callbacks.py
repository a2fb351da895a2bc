import dataclasses
from datetime import UTC, datetime, timedelta

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.callbacks import CallbackActivities
from sessions.announcements import settled_callback
from sessions.callbacks import CallbackTask
from sessions.deliveries import Delivery, DeliveryOutcome
from sessions.images import ImageSessionRequest, Product, image_items
from sessions.items import new_items
from sessions.state import SessionState, unfinished_items_cancelled
from sessions.statuses import SessionKind
from tests.support.callbacks import SECRET, MemoryDeliveries, Names, ScriptedSender, receiving
from webhooks.sender import WebhookSender
from workflows.policies import CALLBACK_PATIENCE, CALLBACK_RETRIES

MOMENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def task(url: str = "https://hooks.example.com/a?token=hush") -> CallbackTask:
    state = SessionState(
        id="ses-abcdefghijklmnop",
        kind=SessionKind.IMAGES,
        tenant="default",
        title="Steel bottle",
        items=new_items(image_items(ImageSessionRequest(product=Product(title="Steel bottle"))), max_attempts=3),
        created_at=MOMENT,
        updated_at=MOMENT,
    )
    return settled_callback(unfinished_items_cancelled(state, now=MOMENT), url=url)


def environment(*, attempt: int = 1, since: timedelta = timedelta()) -> ActivityEnvironment:
    """Return the surroundings of an attempt, as the workflow's policy would have them."""
    made = ActivityEnvironment()
    made.info = dataclasses.replace(
        ActivityEnvironment.default_info(),
        attempt=attempt,
        scheduled_time=datetime.now(UTC) - since,
        schedule_to_close_timeout=CALLBACK_PATIENCE,
        retry_policy=CALLBACK_RETRIES,
    )
    return made


@pytest.fixture
def sender() -> ScriptedSender:
    return ScriptedSender()


@pytest.fixture
def log() -> MemoryDeliveries:
    return MemoryDeliveries()


async def failure_of(
    sender: ScriptedSender, log: MemoryDeliveries, surroundings: ActivityEnvironment
) -> tuple[ApplicationError, Delivery]:
    """Let an attempt fail, and return its failure and what is logged of it."""
    activities = CallbackActivities(sender=sender, deliveries=log)
    with pytest.raises(ApplicationError) as raised:
        await surroundings.run(activities.deliver, task())
    return raised.value, log.logged[-1]


async def test_a_delivery_is_made_and_logged(sender: ScriptedSender, log: MemoryDeliveries) -> None:
    """One attempt, one line, with the address but no value of its query."""
    await environment(attempt=3).run(CallbackActivities(sender=sender, deliveries=log).deliver, task())

    [message] = sender.sent
    [delivery] = log.logged
    assert task().message() == message
    assert (message.id, "ses-abcdefghijklmnop", 3, 200, None) == (
        delivery.id,
        delivery.session_id,
        delivery.attempt,
        delivery.status,
        delivery.error,
    )
    assert delivery.url == "https://hooks.example.com/a?token=***"
    assert delivery.outcome is DeliveryOutcome.DELIVERED
    assert delivery.next_attempt_at is None


@pytest.mark.parametrize(("attempt", "expected"), [(1, 5), (2, 10), (5, 80), (10, 2560), (11, 3600), (400, 3600)])
async def test_a_failure_that_may_pass_is_tried_again(
    attempt: int, expected: int, sender: ScriptedSender, log: MemoryDeliveries
) -> None:
    """Temporal makes the next attempt, by its policy, and the log says when."""
    sender.script = [503]
    error, delivery = await failure_of(sender, log, environment(attempt=attempt))

    assert (False, None) == (error.non_retryable, error.next_retry_delay)
    assert delivery.outcome is DeliveryOutcome.FAILED
    assert delivery.next_attempt_at is not None
    wait = delivery.next_attempt_at - datetime.now(UTC)
    assert timedelta(seconds=expected - 5) < wait <= timedelta(seconds=expected)


@pytest.mark.parametrize("status", [410, 404, 401])
async def test_a_refusal_is_given_up(status: int, sender: ScriptedSender, log: MemoryDeliveries) -> None:
    """A receiver that is gone, or does not want this call, is not asked again."""
    sender.script = [status]
    error, delivery = await failure_of(sender, log, environment())

    assert error.non_retryable
    assert (DeliveryOutcome.GIVEN_UP, None) == (delivery.outcome, delivery.next_attempt_at)


async def test_the_last_attempt_says_that_it_was_the_last(sender: ScriptedSender, log: MemoryDeliveries) -> None:
    """The server drops in silence what cannot be tried again within a day; the log does not."""
    sender.script = [None]
    error, delivery = await failure_of(sender, log, environment(attempt=33, since=timedelta(hours=23, minutes=30)))

    assert error.non_retryable
    assert delivery.outcome is DeliveryOutcome.GIVEN_UP
    assert delivery.error == "The receiver was not reached."


async def test_without_records_a_delivery_is_made_all_the_same(sender: ScriptedSender, log: MemoryDeliveries) -> None:
    """To fail for want of a log would be to call twice."""
    log.is_down = True
    await environment().run(CallbackActivities(sender=sender, deliveries=log).deliver, task())

    assert 1 == len(sender.sent)


async def test_a_receiver_decides_when_it_is_called_again(log: MemoryDeliveries) -> None:
    """Its Retry-After takes the place of the policy's wait, in the failure and in the log."""
    async with receiving() as receiver:
        receiver.answers(503, "Retry-After: 600")
        activities = CallbackActivities(
            sender=WebhookSender(secret=SECRET, allow_private=True, resolve=Names(["127.0.0.1"])), deliveries=log
        )
        with pytest.raises(ApplicationError) as raised:
            await environment().run(activities.deliver, task(receiver.url("hooks.example.com")))

    assert timedelta(minutes=10) == raised.value.next_retry_delay
    assert log.logged[0].next_attempt_at is not None
    assert timedelta(minutes=9) < log.logged[0].next_attempt_at - datetime.now(UTC) <= timedelta(minutes=10)


async def test_every_attempt_is_the_same_message(log: MemoryDeliveries) -> None:
    """Id and body do not change from one attempt to the next, so that a receiver can pass a repetition over."""
    async with receiving() as receiver:
        activities = CallbackActivities(
            sender=WebhookSender(secret=SECRET, allow_private=True, resolve=Names(["127.0.0.1"])), deliveries=log
        )
        receiver.answers(500)
        with pytest.raises(ApplicationError):
            await environment().run(activities.deliver, task(receiver.url("hooks.example.com")))
        receiver.answers(200)
        await environment(attempt=2).run(activities.deliver, task(receiver.url("hooks.example.com")))

    first, second = receiver.received
    assert (first.headers["webhook-id"], first.body) == (second.headers["webhook-id"], second.body)
    assert [(1, "failed", 500), (2, "delivered", 200)] == [
        (delivery.attempt, delivery.outcome, delivery.status) for delivery in log.logged
    ]
