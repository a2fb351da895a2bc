"""What became of callbacks: each attempt at one, classified and written down."""

from datetime import datetime, timedelta
from enum import StrEnum

from sessions.callbacks import CallbackType
from sessions.model import Value

LONGEST_WAIT = timedelta(hours=1)
"""How long a receiver may have the next attempt put off."""

# The receiver is in the way of itself for the moment; any other 4xx says that the call is wrong and stays so.
_WORTH_ANOTHER_TRY = (408, 425, 429)


class DeliveryOutcome(StrEnum):
    """How an attempt at a delivery ended. After ``failed`` another one follows, after the others none."""

    DELIVERED = "delivered"
    FAILED = "failed"
    GIVEN_UP = "given_up"


class CallbackAnswer(Value):
    """What came of one call.

    ``status`` is the HTTP status, None where no answer came; ``error`` then says why. ``is_refused``: the address is
    not to be called at all, now or later. ``retry_after`` is the receiver's own figure.
    """

    status: int | None = None
    error: str | None = None
    is_refused: bool = False
    retry_after: timedelta | None = None
    duration: timedelta

    @property
    def outcome(self) -> DeliveryOutcome:
        """Whether the callback is delivered, is worth another try, or is not."""
        if self.status is None:
            return DeliveryOutcome.GIVEN_UP if self.is_refused else DeliveryOutcome.FAILED
        if 200 <= self.status < 300:
            return DeliveryOutcome.DELIVERED
        is_rejected = 400 <= self.status < 500 and self.status not in _WORTH_ANOTHER_TRY
        return DeliveryOutcome.GIVEN_UP if is_rejected else DeliveryOutcome.FAILED

    @property
    def reason(self) -> str | None:
        """Why it is not delivered, for people; None where it is."""
        if self.status is None or self.outcome is DeliveryOutcome.DELIVERED:
            return self.error
        if 300 <= self.status < 400:
            return f"The receiver answered {self.status}: redirects are not followed. Use the address it leads to."
        if self.status == 410:
            return "The receiver answered 410: it wants no more callbacks."
        return f"The receiver answered {self.status}."

    @property
    def wanted_wait(self) -> timedelta | None:
        """How long the receiver asks to be left alone, within bounds; None where it does not ask."""
        if self.retry_after is None or self.retry_after <= timedelta():
            return None
        return min(self.retry_after, LONGEST_WAIT)


class Delivery(Value):
    """One attempt at a delivery, as it is logged. ``id`` is the delivery's, ``url`` as `shown_url` shows it."""

    id: str
    session_id: str
    type: CallbackType
    url: str
    attempt: int
    at: datetime
    outcome: DeliveryOutcome
    status: int | None = None
    error: str | None = None
    duration: timedelta
    next_attempt_at: datetime | None = None


class DeliveryView(Value):
    """One attempt at a delivery as it is shown. ``status`` is the receiver's HTTP status; values of a query are hidden
    in ``url``."""

    id: str
    type: CallbackType
    url: str
    attempt: int
    at: datetime
    outcome: DeliveryOutcome
    status: int | None
    error: str | None
    duration_ms: int
    next_attempt_at: datetime | None


class DeliveryList(Value):
    """Every attempt to tell of a session, oldest first."""

    deliveries: tuple[DeliveryView, ...]


class TriedCallback(Value):
    """What came of a test call."""

    id: str
    url: str
    delivered: bool
    status: int | None
    error: str | None
    duration_ms: int


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return an attempt as it is shown."""
    fields = delivery.model_dump(exclude={"session_id", "duration"})
    return DeliveryView(**fields, duration_ms=milliseconds(delivery.duration))


def milliseconds(duration: timedelta) -> int:
    """Return a duration in whole milliseconds."""
    return round(duration.total_seconds() * 1000)
