"""What can go wrong in an attempt, drawn once.

::

    AttemptError
    ├── Throttled            the provider asks to wait: waits inside the attempt, burns none
    ├── BillingStopped       the account cannot pay: not retried, a later retry works once paid
    ├── TransientFailure     refused, overloaded or broken before it worked: retried, counts
    ├── UncertainOutcome     the request left and no answer came back: may be billed, then retried
    ├── ContentRejected      refused, empty, undecodable or invalid result: retried with the next variation
    └── PermanentFailure     cannot work as asked: not retried
"""

from datetime import timedelta
from enum import StrEnum
from typing import ClassVar

from sessions.model import Value
from sessions.money import Usage
from sessions.texts import shortened


class ErrorClass(StrEnum):
    """The class of a failure; it alone decides whether an attempt is tried again."""

    THROTTLE = "throttle"
    BILLING = "billing"
    TRANSIENT = "transient"
    UNCERTAIN = "uncertain"
    CONTENT = "content"
    PERMANENT = "permanent"

    @property
    def is_retried(self) -> bool:
        """Whether the next attempt of the round is made after a failure of this class."""
        return self not in (ErrorClass.BILLING, ErrorClass.PERMANENT)


class ItemError(Value):
    """Why an item's last attempt failed, for people: what happened and what they can do."""

    type: ErrorClass
    message: str
    advice: str

    def shortened(self, *, max_bytes: int) -> "ItemError":
        """Return the error with neither text longer than so many bytes."""
        return ItemError(
            type=self.type,
            message=shortened(self.message, max_bytes=max_bytes),
            advice=shortened(self.advice, max_bytes=max_bytes),
        )

    def waited_for(self, label: str) -> "ItemError":
        """Return the error of an item that could not be begun, because the item with this label failed so."""
        return ItemError(
            type=self.type,
            message=f"Not begun, because “{label}” failed.",
            advice="Retry makes that one again, and then this one.",
        )

    def given_up_after(self, failures: int, *, tolerated: int) -> "ItemError":
        """Return the error of an item that was not begun any more, because so many others had failed."""
        return ItemError(
            type=self.type,
            message=f"Not begun, because {failures} others had failed and {tolerated} were tolerated.",
            advice="See why they failed, then retry.",
        )


class AttemptError(Exception):
    """An attempt failed in a way that is understood.

    ``message`` and ``advice`` are for people and hold neither prompt nor key. ``usage`` is what the provider
    counted although nothing usable came back (a refused or cut-off answer is billed all the same).
    """

    error_class: ClassVar[ErrorClass]

    def __init__(
        self,
        message: str,
        *,
        advice: str,
        request_id: str | None = None,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice
        self.request_id = request_id
        self.usage = usage

    def as_item_error(self) -> ItemError:
        """Return the failure as it is shown on an item."""
        return ItemError(type=self.error_class, message=self.message, advice=self.advice)


class Throttled(AttemptError):
    """The provider asks to wait. ``retry_after`` is its own figure, where it gave one."""

    error_class = ErrorClass.THROTTLE

    def __init__(
        self,
        message: str,
        *,
        advice: str,
        retry_after: timedelta | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(message, advice=advice, request_id=request_id)
        self.retry_after = retry_after


class BillingStopped(AttemptError):
    """The account behind the key cannot pay for the call."""

    error_class = ErrorClass.BILLING


class TransientFailure(AttemptError):
    """The call did not happen or broke before it worked; the same call may work in a moment."""

    error_class = ErrorClass.TRANSIENT


class UncertainOutcome(AttemptError):
    """The request was sent and no whole answer came back: it may have been billed."""

    error_class = ErrorClass.UNCERTAIN


class ContentRejected(AttemptError):
    """The provider refused the content, or its result is not what was asked for.

    ``correction`` says what was wrong with a result, in words for the model that is asked again.
    """

    error_class = ErrorClass.CONTENT

    def __init__(
        self,
        message: str,
        *,
        advice: str,
        request_id: str | None = None,
        usage: Usage | None = None,
        correction: str | None = None,
    ) -> None:
        super().__init__(message, advice=advice, request_id=request_id, usage=usage)
        self.correction = correction


class PermanentFailure(AttemptError):
    """The call cannot work as asked, however often it is repeated."""

    error_class = ErrorClass.PERMANENT
