"""Sessions that were deleted: what is remembered of them, so that nothing brings them back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from sessions.model import Value
from sessions.statuses import SessionKind


class Deletion(Value):
    """A session that was deleted.

    ``removed_at`` is when all that Temporal and the store held of it was removed, ``finished_at`` when that was done
    once more, long after whatever still worked for it.
    """

    session_id: str
    kind: SessionKind
    deleted_at: datetime
    removed_at: datetime | None = None
    finished_at: datetime | None = None


class DeletionRecords(Protocol):
    """The records as deleting needs them. Raises `RecordsOutOfReachError` while they do not answer."""

    async def delete_session(self, session_id: str, *, kind: SessionKind) -> None:
        """Delete a session for good: whatever is told of it from then on is dropped. Safe to repeat.

        What its attempts have cost stays, without anything that people or models have written.
        """
        ...

    async def deletion(self, session_id: str) -> Deletion | None:
        """Return how far the deletion of a session has come, None where nobody has deleted it."""
        ...

    async def unfinished_deletions(self, *, before: datetime, limit: int) -> Sequence[Deletion]:
        """Return deletions whose removal has not come to its end, or that are of before a moment and not finished."""
        ...

    async def note_removed(self, session_id: str, *, is_final: bool) -> None:
        """Note that nothing is left of a deleted session, and whether anything can still come."""
        ...
