"""The state of a session, and the pure functions that are the only way it changes.

The workflow keeps one `SessionState` and replaces it by what these functions return. Nothing here reads a clock
or anything else outside its arguments, so the same functions serve replay, tests and the records.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Self

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.model import Value
from sessions.money import Spending
from sessions.statuses import ItemStatus, SessionKind, SessionStatus, session_status

DEFAULT_MAX_ATTEMPTS = 3
DEFAULT_RETRY_WINDOW = timedelta(days=7)
"""How long a settled session with failed items stays open for a retry."""


class ItemState(Value):
    """One item. ``attempt`` is the number of its last finished attempt over its whole life, 0 before the first.

    ``attempts_before_round`` and ``max_attempts`` belong to the round the item is, or was last, made in.
    """

    key: str
    label: str
    status: ItemStatus = ItemStatus.PENDING
    attempt: int = Field(default=0, ge=0)
    round: int = Field(default=1, ge=1)
    attempts_before_round: int = Field(default=0, ge=0)
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1)
    note: str | None = None
    """What a person asked for when retrying; it goes into the prompt of this round."""
    error: ItemError | None = None
    artifact: Artifact | None = None


class SessionState(Value):
    """One session. ``revision`` grows with every change; times are UTC.

    ``closed_at`` is set when the workflow is about to complete; a later retry clears it again.
    """

    id: str
    kind: SessionKind
    tenant: str
    title: str
    items: tuple[ItemState, ...]
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1)
    round: int = Field(default=1, ge=1)
    revision: int = Field(default=1, ge=1)
    estimated_microdollars: int = 0
    spending: Spending = Spending()
    created_at: datetime
    updated_at: datetime
    settled_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def status(self) -> SessionStatus:
        """The status, always derived from the items so that the two cannot disagree."""
        return session_status(item.status for item in self.items)

    @property
    def failed_items(self) -> tuple[ItemState, ...]:
        """The items that a retry would make again."""
        return self.with_status(ItemStatus.FAILED)

    def with_status(self, status: ItemStatus) -> tuple[ItemState, ...]:
        """Return the items of one status, in their order."""
        return tuple(item for item in self.items if item.status is status)

    def item(self, key: str) -> ItemState:
        """Return an item.

        Raises:
            KeyError: there is no such item.
        """
        for item in self.items:
            if item.key == key:
                return item
        raise KeyError(key)

    def _changed(self, *, items: tuple[ItemState, ...], now: datetime, by: int = 1) -> Self:
        """Return the state with its items replaced, and settled where that settles it.

        ``by`` is how far the revision advances: an item that ends advances it past every step that watchers may
        have been shown while its attempts were under way, so that what they see never counts backwards.
        """
        is_settled = session_status(item.status for item in items).is_settled
        settled_at = (self.settled_at or now) if is_settled else None
        return self.model_copy(
            update={
                "items": items,
                "revision": self.revision + by,
                "updated_at": now,
                "settled_at": settled_at,
                "closed_at": None,
            }
        )

    def _with_item(self, changed: ItemState, *, now: datetime, by: int = 1) -> Self:
        items = tuple(changed if item.key == changed.key else item for item in self.items)
        return self._changed(items=items, now=now, by=by)


def steps_of(attempts_in_round: int) -> int:
    """Return how many steps attempts of one round show to a watcher: each begins and each ends."""
    return 2 * attempts_in_round


def _steps_of_round(item: ItemState) -> int:
    """Return how far an item that ends advances the revision.

    As many steps as its round could have shown, not as it is known to have taken: an attempt that took up an earlier
    one's result counts as none, and yet watchers have seen it begin.
    """
    return steps_of(item.max_attempts) + 1


def item_started(state: SessionState, *, key: str, now: datetime) -> SessionState:
    """Hand an item to the workers. Shown as processing; which attempt runs is known to the server, not here.

    The revision stays as it is: a watcher sees the step when the attempt itself begins.
    """
    item = state.item(key).model_copy(update={"status": ItemStatus.PROCESSING})
    return state._with_item(item, now=now, by=0)


def item_completed(
    state: SessionState,
    *,
    key: str,
    artifact: Artifact,
    spending: Spending,
    now: datetime,
) -> SessionState:
    """An attempt of the item succeeded."""
    item = state.item(key).model_copy(
        update={
            "status": ItemStatus.COMPLETE,
            "attempt": artifact.attempt,
            "artifact": artifact,
            "error": None,
        }
    )
    return _with_spending(state._with_item(item, now=now, by=_steps_of_round(item)), spending)


def item_failed(
    state: SessionState, *, key: str, error: ItemError, attempts_used: int, spending: Spending, now: datetime
) -> SessionState:
    """The item failed for good in this round."""
    item = state.item(key)
    item = item.model_copy(
        update={
            "status": ItemStatus.FAILED,
            "attempt": item.attempts_before_round + attempts_used,
            "error": error,
        }
    )
    return _with_spending(state._with_item(item, now=now, by=_steps_of_round(item)), spending)


def item_cancelled(
    state: SessionState, *, key: str, attempts_used: int, spending: Spending, now: datetime
) -> SessionState:
    """The item was stopped, after so many attempts of this round."""
    item = state.item(key)
    item = item.model_copy(
        update={"status": ItemStatus.CANCELLED, "attempt": item.attempts_before_round + attempts_used}
    )
    return _with_spending(state._with_item(item, now=now, by=_steps_of_round(item)), spending)


def item_interrupted(
    state: SessionState, *, key: str, attempts_used: int, spending: Spending, now: datetime
) -> SessionState:
    """The item is handed out again for what is left of its round: an attempt was cut off that must not count.

    ``attempts_used``: attempts of this round that do count. The last number allowed stays as it was.
    """
    item = state.item(key)
    item = item.model_copy(
        update={
            "status": ItemStatus.PENDING,
            "attempt": item.attempts_before_round + attempts_used,
            "attempts_before_round": item.attempts_before_round + attempts_used,
            "max_attempts": item.max_attempts - attempts_used,
        }
    )
    return _with_spending(state._with_item(item, now=now, by=_steps_of_round(state.item(key))), spending)


def unfinished_items_cancelled(state: SessionState, *, now: datetime) -> SessionState:
    """A person stopped the session: what is finished stays, all else is cancelled."""
    items = tuple(
        item if item.status.is_settled else item.model_copy(update={"status": ItemStatus.CANCELLED})
        for item in state.items
    )
    by = sum(_steps_of_round(item) for item in state.items if not item.status.is_settled) + 1
    return state._changed(items=items, now=now, by=by)


def items_retried(
    state: SessionState, *, notes: Mapping[str, str | None], max_attempts: int | None, now: datetime
) -> SessionState:
    """Begin the next round over failed items: ``notes`` holds their keys, each with a note or None.

    Attempt numbers go on counting; finished items are not touched. The caller has checked that every key is a
    failed item's.
    """
    round_number = state.round + 1
    items = tuple(
        item.model_copy(
            update={
                "status": ItemStatus.PENDING,
                "round": round_number,
                "attempts_before_round": item.attempt,
                "max_attempts": max_attempts or state.max_attempts,
                "note": notes[item.key],
            }
        )
        if item.key in notes
        else item
        for item in state.items
    )
    return state._changed(items=items, now=now).model_copy(update={"round": round_number})


def session_closed(state: SessionState, *, now: datetime) -> SessionState:
    """The workflow is about to complete."""
    return state.model_copy(update={"closed_at": now, "updated_at": now, "revision": state.revision + 1})


def not_closed_yet(state: SessionState) -> SessionState:
    """Return the state of a workflow that still runs: while its last write is under way its state says closed."""
    if state.closed_at is None:
        return state
    return state.model_copy(update={"closed_at": None, "revision": state.revision - 1})


def _with_spending(state: SessionState, spending: Spending) -> SessionState:
    return state.model_copy(update={"spending": state.spending + spending})


def new_items(labels: Iterable[tuple[str, str]], *, max_attempts: int) -> tuple[ItemState, ...]:
    """Return the items of a new session from their keys and labels, in order."""
    return tuple(ItemState(key=key, label=label, max_attempts=max_attempts) for key, label in labels)
