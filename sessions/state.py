"""The state of a session, and the pure functions that are the only way it changes.

The workflow keeps one `SessionState` and replaces it by what these functions return. Nothing here reads a clock
or anything else outside its arguments, so the same functions serve replay, tests and the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.errors import ItemError
from sessions.items import DEFAULT_MAX_ATTEMPTS, Items, ItemState
from sessions.model import Value
from sessions.money import Spending
from sessions.statuses import ItemStatus, SessionKind, SessionStatus

DEFAULT_RETRY_WINDOW = timedelta(days=7)
"""How long a settled session with failed items stays open for a retry."""


class SessionState(Value):
    """One session. ``revision`` grows with every change; times are UTC.

    ``closed_at`` is set when the workflow is about to complete; a later retry clears it again.
    """

    id: str
    kind: SessionKind
    tenant: str
    title: str
    items: Items
    max_attempts: int = Field(default=DEFAULT_MAX_ATTEMPTS, ge=1)
    round: int = Field(default=1, ge=1)
    revision: int = Field(default=1, ge=1)
    approval_before_stage: int | None = None
    """Items of this stage and later ones wait until a person has approved of what the stages before have made."""
    estimated_microdollars: int = 0
    spending: Spending = Spending()
    created_at: datetime
    updated_at: datetime
    settled_at: datetime | None = None
    closed_at: datetime | None = None

    @property
    def status(self) -> SessionStatus:
        """The status, always derived from the items so that the two cannot disagree."""
        return self.items.status

    @property
    def failed_items(self) -> tuple[ItemState, ...]:
        """The items that a retry would make again."""
        return self.items.with_status(ItemStatus.FAILED)

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing goes on until a person approves."""
        stage = self.items.open_stage
        return self.approval_before_stage is not None and stage is not None and stage >= self.approval_before_stage

    def item(self, key: str) -> ItemState:
        """Return an item.

        Raises:
            KeyError: there is no such item.
        """
        return self.items.of(key)

    def items_to_make(self, *, at_most: int) -> Sequence[ItemState]:
        """Return items that can be handed out now, in order."""
        if at_most < 1 or self.awaits_approval or not self.items.count(ItemStatus.PENDING):
            return ()
        stage = self.items.open_stage
        ready = (item for item in self.items if item.status is ItemStatus.PENDING and item.stage == stage)
        return tuple(islice(ready, at_most))

    def _changed(self, *, items: Items, now: datetime, by: int = 1) -> Self:
        """Return the state with its items replaced, and settled where that settles it.

        ``by`` is how far the revision advances: an item that ends advances it past every step that watchers may
        have been shown while its attempts were under way, so that what they see never counts backwards.
        """
        items = _without_what_waits_in_vain(items)
        settled_at = (self.settled_at or now) if items.status.is_settled else None
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
        return self._changed(items=self.items.changed(changed), now=now, by=by)


def _without_what_waits_in_vain(items: Items) -> Items:
    """Return the items, with those failed that wait for a stage which has come to its end without being complete."""
    stage = items.open_stage
    if stage is None or not items.count(ItemStatus.PENDING):
        return items
    statuses = items.statuses_of(stage)
    if any(not status.is_settled for status in statuses):
        return items
    waiting = items.with_status(ItemStatus.PENDING)
    if ItemStatus.FAILED not in statuses:
        return items.changed(*(item.model_copy(update={"status": ItemStatus.CANCELLED}) for item in waiting))
    failed = next(item for item in items if item.stage == stage and item.status is ItemStatus.FAILED)
    error = failed.error.waited_for(failed.label) if failed.error else None
    blocked = {"status": ItemStatus.FAILED, "is_blocked": True, "error": error}
    return items.changed(*(item.model_copy(update=blocked) for item in waiting))


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
    title: str | None = None,
) -> SessionState:
    """An attempt of the item succeeded. ``title`` is the session's, where this item decides it."""
    item = state.item(key).model_copy(
        update={
            "status": ItemStatus.COMPLETE,
            "attempt": artifact.attempt,
            "artifact": artifact,
            "error": None,
            "correction": None,
        }
    )
    changed = state._with_item(item, now=now, by=_steps_of_round(item))
    return _with_spending(changed.model_copy(update={"title": title or state.title}), spending)


def item_failed(
    state: SessionState,
    *,
    key: str,
    error: ItemError,
    attempts_used: int,
    spending: Spending,
    now: datetime,
    correction: str | None = None,
) -> SessionState:
    """The item failed for good in this round."""
    item = state.item(key)
    item = item.model_copy(
        update={
            "status": ItemStatus.FAILED,
            "attempt": item.attempts_before_round + attempts_used,
            "error": error,
            "correction": correction,
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
    unfinished = [item for item in state.items if not item.status.is_settled]
    items = state.items.changed(*(item.model_copy(update={"status": ItemStatus.CANCELLED}) for item in unfinished))
    by = sum(_steps_of_round(item) for item in unfinished) + 1
    return state._changed(items=items, now=now, by=by)


def items_retried(
    state: SessionState, *, notes: Mapping[str, str | None], max_attempts: int | None, now: datetime
) -> SessionState:
    """Begin the next round over failed items: ``notes`` holds their keys, each with a note or None.

    Attempt numbers go on counting; finished items are not touched. The caller has checked that every key is a
    failed item's.
    """
    round_number = state.round + 1
    retried = [
        item.model_copy(
            update={
                "status": ItemStatus.PENDING,
                "round": round_number,
                "attempts_before_round": item.attempt,
                "max_attempts": max_attempts or state.max_attempts,
                "note": notes[item.key],
                "is_blocked": False,
                "error": None if item.is_blocked else item.error,
            }
        )
        for item in map(state.item, notes)
    ]
    return state._changed(items=state.items.changed(*retried), now=now).model_copy(update={"round": round_number})


def outline_approved(
    state: SessionState, *, replaced: Mapping[str, Artifact], title: str | None, now: datetime
) -> SessionState:
    """A person approved of what the first stages have made, or put something of their own in its place.

    ``replaced`` holds artifacts by item, each numbered after the item's last attempt: attempt numbers are never
    used twice, and what was replaced stays.
    """
    items = (
        state.item(key).model_copy(
            update={"attempt": artifact.attempt, "attempts_before_round": artifact.attempt, "artifact": artifact}
        )
        for key, artifact in replaced.items()
    )
    approved = state._changed(items=state.items.changed(*items), now=now)
    return approved.model_copy(update={"approval_before_stage": None, "title": title or state.title})


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


def new_items(labels: Iterable[tuple[str, str]], *, max_attempts: int) -> Items:
    """Return the items of a new session from their keys and labels, in order."""
    return Items(ItemState(key=key, label=label, max_attempts=max_attempts) for key, label in labels)
