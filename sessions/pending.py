"""Calls that go on at the provider whether or not anybody waits for them, so that another worker can take them up."""

from datetime import datetime

from sessions.ledger import LedgerEntry
from sessions.model import Value


class PendingCall(Value):
    """A call by the provider's own name for it. ``request_id`` is that of the request which began it."""

    id: str
    request_id: str | None = None
    begun_at: datetime | None = None


class PendingAttempt(Value):
    """An attempt whose worker has left it while the provider went on working: it is paid for, and yet to be fetched."""

    entry: LedgerEntry
    call: PendingCall
