"""What a person asks of a session, and why it can be refused."""

from collections.abc import Collection

from pydantic import Field

from sessions.model import RequestModel
from sessions.state import SessionState
from sessions.statuses import ItemStatus
from sessions.texts import Note

MAX_ATTEMPTS_LIMIT = 10


class RetryItem(RequestModel):
    """One failed item to make again, with an optional note for its prompt."""

    key: str = Field(max_length=64)
    note: Note | None = None


class RetryRequest(RequestModel):
    """Make failed items again: those named, or all when ``items`` is absent."""

    items: tuple[RetryItem, ...] | None = Field(default=None, min_length=1, max_length=2000)
    max_attempts: int | None = Field(default=None, ge=1, le=MAX_ATTEMPTS_LIMIT, strict=True)

    def notes_for(self, state: SessionState) -> dict[str, str | None]:
        """Return the items to make again with their notes; they may be more than were named.

        Raises:
            NothingFailedError: no item has failed.
            ItemNotRetryableError: an item is unknown, not failed, or named twice.
        """
        failed = {item.key for item in state.failed_items}
        if not failed:
            raise NothingFailedError.of(state)
        if self.items is None:
            return dict.fromkeys((item.key for item in state.failed_items), None)
        notes: dict[str, str | None] = {}
        for item in self.items:
            if item.key in notes:
                raise ItemNotRetryableError(f"'{item.key}' is named twice; name each item once.")
            if item.key not in failed:
                raise ItemNotRetryableError(_why_not_failed(state, item.key))
            notes[item.key] = item.note
        return notes | dict.fromkeys(sorted(_made_along(notes, state=state) - notes.keys()))


def _made_along(keys: Collection[str], *, state: SessionState) -> set[str]:
    """Return the failed items that are made again along with those that were named.

    What is blocked cannot be made without what blocks it, and when that is made nothing keeps the rest from going on.
    """
    blocked = [item for item in state.failed_items if item.is_blocked]
    if not blocked:
        return set()
    first = min(item.stage for item in blocked)
    blocking = [item for item in state.failed_items if item.stage < first]
    related = {item.key for item in (*blocking, *blocked)}
    return set() if related.isdisjoint(keys) else related


class CommandRefusedError(Exception):
    """The session's state does not allow the command; nothing has changed. The message says what the state is."""


class NothingFailedError(CommandRefusedError):
    """No item has failed, so there is nothing to retry."""

    @classmethod
    def of(cls, state: SessionState) -> "NothingFailedError":
        """Return the refusal for a session in this state."""
        return cls(f"Nothing has failed in this session (it is {state.status}), so there is nothing to retry.")


class SessionEndingError(CommandRefusedError):
    """The session is being cancelled."""


class NoApprovalAwaitedError(CommandRefusedError):
    """The session does not wait for anybody's approval."""


class ItemNotRetryableError(CommandRefusedError):
    """The request names an item that cannot be retried."""


def _why_not_failed(state: SessionState, key: str) -> str:
    failed = ", ".join(item.key for item in state.failed_items)
    try:
        status = state.item(key).status
    except KeyError:
        return f"There is no item '{key}' in this session. Items that can be retried: {failed}."
    doing = "is being made" if status in (ItemStatus.PENDING, ItemStatus.PROCESSING) else f"is {status}"
    return f"Item '{key}' {doing}, only failed items can be retried: {failed}."
