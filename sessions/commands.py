"""What a person asks of a session, and why it can be refused.

Every command is a pure change of the state, or a refusal. The workflow applies it while it is open; after it has
closed, the service applies it to the recorded state and starts the next run with that.
"""

import hashlib
from abc import abstractmethod
from collections.abc import Collection
from datetime import datetime
from typing import ClassVar

from pydantic import Field

from sessions.model import RequestModel, Value
from sessions.state import SessionState, items_retried
from sessions.statuses import ItemStatus
from sessions.texts import Note

MAX_ATTEMPTS_LIMIT = 10
_REMEMBERED_KEYS = 50
MOST_TEXT_BYTES = 300_000
"""Notes and prompts of all items of a session together: they travel in one payload."""


class Command(RequestModel):
    """Something that a person asks of a session.

    ``once`` tells it from another one like it, as `once` returns it: sent again, it changes nothing. None for none.
    """

    once: str | None = Field(default=None, max_length=200)

    is_recorded_at_once: ClassVar[bool] = True
    """Whether what it changes is written down when it is obeyed; otherwise the round that it begins sees to that."""

    @abstractmethod
    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state after the command.

        Raises:
            CommandRefusedError: the state does not allow it.
        """

    def stops(self, state: SessionState) -> Collection[str]:
        """Return the items that are being made and are to be stopped."""
        return ()


class Accepted(Value):
    """The answer to a command that was obeyed, now or before: how far the session has come by it."""

    revision: int
    round: int


def once(idempotency_key: str, *, request: RequestModel) -> str:
    """Return what tells a request from another one: a digest of its key, and one of what it asks."""
    asked = f"{type(request).__name__}{request.model_dump_json()}"
    return f"{_digest(idempotency_key)}:{_digest(asked)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def obeyed(command: Command, state: SessionState, *, now: datetime) -> SessionState:
    """Return the state after a command, or the state as it is when this very command was obeyed before.

    Raises:
        CommandRefusedError: the state does not allow it, or its key belongs to another command.
    """
    if command.once is None:
        return command.applied_to(state, now=now)
    if command.once in state.applied:
        return state
    key, _, _ = command.once.partition(":")
    if any(known.startswith(f"{key}:") for known in state.applied):
        raise KeyReusedError("This Idempotency-Key came with another request before. Use a new key for a new request.")
    after = command.applied_to(state, now=now)
    return after.model_copy(update={"applied": (*state.applied, command.once)[-_REMEMBERED_KEYS:]})


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
        notes = self._named(state)
        _refuse_what_hangs_on_the_unwanted(notes, state=state)
        return notes

    def _named(self, state: SessionState) -> dict[str, str | None]:
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


def _refuse_what_hangs_on_the_unwanted(keys: Collection[str], *, state: SessionState) -> None:
    """Refuse to begin what could never be made, because somebody has cancelled what it hangs on."""
    cancelled = state.items.with_status(ItemStatus.CANCELLED)
    for item in map(state.item, keys):
        if unwanted := next((other for other in cancelled if other.stage < item.stage), None):
            raise ItemNotRetryableError(
                f"'{item.key}' hangs on '{unwanted.key}', which was cancelled; have that one made again first."
            )


def refuse_too_much_text(state: SessionState) -> None:
    """Find out whether what people wrote for the items fits into one payload.

    Raises:
        WrongRequestError: it does not.
    """
    texts = (text for item in state.items for text in (item.note, item.prompt) if text)
    if sum(len(text.encode()) for text in texts) > MOST_TEXT_BYTES:
        raise WrongRequestError(
            f"The notes and prompts of this session are longer than {MOST_TEXT_BYTES:,} bytes together. "
            "Shorten them, or retry fewer items at once."
        )


class Retry(Command, RetryRequest):
    """Make failed items again."""

    is_recorded_at_once: ClassVar[bool] = False

    def applied_to(self, state: SessionState, *, now: datetime) -> SessionState:
        """Return the state in the next round."""
        retried = items_retried(state, notes=self.notes_for(state), max_attempts=self.max_attempts, now=now)
        refuse_too_much_text(retried)
        return retried


def _made_along(keys: Collection[str], *, state: SessionState) -> set[str]:
    """Return the failed items that are made again along with those that were named.

    What is blocked cannot be made without what blocks it, and when that is made nothing keeps the rest from going on.
    """
    failed = state.failed_items
    first = min(item.stage for item in failed)
    # What was given up because too many others had failed is blocked, too, and yet waits for no other stage.
    waiting = [item for item in failed if item.is_blocked and item.stage > first]
    if not waiting:
        return set()
    awaited = min(item.stage for item in waiting)
    related = {item.key for item in (*waiting, *(item for item in failed if item.stage < awaited))}
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


class WrongRequestError(CommandRefusedError):
    """The request itself cannot be met, in whatever state the session is."""


class ItemNotRetryableError(WrongRequestError):
    """The request names an item that cannot be retried."""


class KeyReusedError(WrongRequestError):
    """The Idempotency-Key belongs to another request."""


def refusals() -> dict[str, type[CommandRefusedError]]:
    """Return every refusal by its name, which is how it crosses the wire."""
    known: dict[str, type[CommandRefusedError]] = {}
    found: list[type[CommandRefusedError]] = [CommandRefusedError]
    while found:
        refusal = found.pop()
        known[refusal.__name__] = refusal
        found += refusal.__subclasses__()
    return known


def _why_not_failed(state: SessionState, key: str) -> str:
    failed = ", ".join(item.key for item in state.failed_items)
    try:
        status = state.item(key).status
    except KeyError:
        return f"There is no item '{key}' in this session. Items that can be retried: {failed}."
    doing = "is being made" if status in (ItemStatus.PENDING, ItemStatus.PROCESSING) else f"is {status}"
    return f"Item '{key}' {doing}, only failed items can be retried: {failed}."
