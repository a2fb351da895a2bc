from datetime import UTC, datetime, timedelta

from sessions.callbacks import CallbackType
from sessions.deliveries import Delivery, DeliveryOutcome
from sessions.statuses import SessionKind
from storage.records.repository import Records

pytest_plugins = ["tests.support.databases"]

MOMENT = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def delivery(*, attempt: int = 1, session_id: str = "ses-aaaaaaaaaaaaaaaa", at: datetime = MOMENT) -> Delivery:
    return Delivery(
        id=f"dlv-{session_id}-1-7",
        session_id=session_id,
        type=CallbackType.SESSION_SETTLED,
        url="https://hooks.example.com/",
        attempt=attempt,
        at=at,
        outcome=DeliveryOutcome.FAILED,
        status=None,
        error="The receiver was not reached.",
        duration=timedelta(milliseconds=1234),
        next_attempt_at=at + timedelta(seconds=5),
    )


async def test_attempts_are_kept_oldest_first(records: Records) -> None:
    """What was written comes back as it was, in order, for its own session alone; a repetition changes nothing."""
    first, second = delivery(), delivery(attempt=2, at=MOMENT + timedelta(seconds=5))
    for line in (second, first, first, delivery(session_id="ses-bbbbbbbbbbbbbbbb")):
        await records.record_delivery(line)

    assert (first, second) == tuple(await records.deliveries("ses-aaaaaaaaaaaaaaaa"))


async def test_a_log_is_never_rewritten(records: Records) -> None:
    """Attempts of a workflow that was reset count from 1 again, and stand beside the earlier ones."""
    earlier, later = delivery(), delivery(at=MOMENT + timedelta(hours=1))
    await records.record_delivery(earlier)
    await records.record_delivery(later)

    assert (earlier, later) == tuple(await records.deliveries(earlier.session_id))


async def test_a_deleted_session_takes_its_log_along(records: Records) -> None:
    """Nothing of it stays behind."""
    await records.record_delivery(delivery())
    await records.delete_session("ses-aaaaaaaaaaaaaaaa", kind=SessionKind.IMAGES)

    assert () == tuple(await records.deliveries("ses-aaaaaaaaaaaaaaaa"))
