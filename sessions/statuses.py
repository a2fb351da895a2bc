"""Statuses of items and sessions, and the one rule that turns the first into the second."""

from collections.abc import Iterable
from enum import StrEnum


class SessionKind(StrEnum):
    """What a session makes."""

    IMAGES = "images"
    STORY = "story"


class ItemStatus(StrEnum):
    """Where one item stands."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Whether nothing more happens to the item by itself."""
        return self not in (ItemStatus.PENDING, ItemStatus.PROCESSING)


class HeldAttempts(StrEnum):
    """Which attempts at items that are being made may not begin, as a session stands."""

    NONE = "none"
    THAT_SPENT = "that-spent"
    """Those whose item has had attempts in its round that cost something, or may have."""
    ALL = "all"

    def includes(self, *, spent_in_round_microdollars: int) -> bool:
        """Whether an attempt is held whose round has spent so much already."""
        return self is HeldAttempts.ALL or (self is HeldAttempts.THAT_SPENT and spent_in_round_microdollars > 0)


class SessionStatus(StrEnum):
    """Where a session stands as a whole."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_settled(self) -> bool:
        """Whether no item is pending or processing."""
        return self not in (SessionStatus.PENDING, SessionStatus.PROCESSING)


class AttemptStatus(StrEnum):
    """Where one attempt stands in the ledger. ``uncertain``: the outcome is unknown and may have been billed."""

    RUNNING = "running"
    COMPLETE = "complete"
    FAILED = "failed"
    UNCERTAIN = "uncertain"


def session_status(items: Iterable[ItemStatus]) -> SessionStatus:
    """Return the status of a session from those of its items.

    While an item is pending or processing the session is never settled, whatever the others are. A session that
    a person stopped is cancelled, however much of it was finished: its counts tell the rest.
    """
    statuses = set(items)
    if ItemStatus.PROCESSING in statuses:
        return SessionStatus.PROCESSING
    if ItemStatus.PENDING in statuses:
        return SessionStatus.PENDING if statuses == {ItemStatus.PENDING} else SessionStatus.PROCESSING
    if ItemStatus.CANCELLED in statuses:
        return SessionStatus.CANCELLED
    if ItemStatus.FAILED not in statuses:
        return SessionStatus.COMPLETE
    return SessionStatus.PARTIAL if ItemStatus.COMPLETE in statuses else SessionStatus.FAILED
