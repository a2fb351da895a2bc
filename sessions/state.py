"""The state of a session, and the pure functions that are the only way it changes.

The workflow keeps one `SessionState` and replaces it by what these functions return. Nothing here reads a clock
or anything else outside its arguments, so the same functions serve replay, tests and the records.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import Self

from pydantic import Field

from sessions.artifacts import Artifact
from sessions.blocking import ended, without_what_is_given_up, without_what_nobody_wants, without_what_waits_in_vain
from sessions.errors import ItemError
from sessions.items import DEFAULT_MAX_ATTEMPTS, Items, ItemState
from sessions.model import Value
from sessions.money import Spending
from sessions.pending import PendingAttempt
from sessions.statuses import HeldAttempts, ItemStatus, SessionKind, SessionStatus
from sessions.texts import shortened

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
    is_paused: bool = False
    budget_microdollars: int | None = None
    """What the session may cost; no attempt begins that could pass it."""
    worst_case_microdollars: int = 0
    """What one attempt is reckoned to cost at worst, for the budget."""
    tolerated_failures: int | None = None
    """When more items than this have failed in a round, no further ones are begun in it."""
    held_until: datetime | None = None
    """Until when nothing is begun because the installation has spent what it may in a month."""
    applied: tuple[str, ...] = ()
    """Digests of the latest commands that came with a key of their own: sent again, they change nothing."""
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
    def has_given_up(self) -> bool:
        """Whether items were not begun because too many others had failed."""
        failed = self.failed_items
        first = min((item.stage for item in failed), default=None)
        # In a later stage they wait in vain for what failed before them, which is another reason.
        return self.tolerated_failures is not None and any(item.is_blocked and item.stage == first for item in failed)

    @property
    def awaits_approval(self) -> bool:
        """Whether nothing goes on until a person approves."""
        stage = self.items.open_stage
        if self.approval_before_stage is None or stage is None or self.status.is_settled:
            return False
        return stage >= self.approval_before_stage

    def item(self, key: str) -> ItemState:
        """Return an item.

        Raises:
            KeyError: there is no such item.
        """
        return self.items.of(key)

    @property
    def committed_microdollars(self) -> int:
        """What is spent, may have been spent, or may yet be spent by what is being made."""
        under_way = self.items.count(ItemStatus.PROCESSING) * self.worst_case_microdollars
        return self.spending.at_worst_microdollars + under_way

    @property
    def affordable_attempts(self) -> int | None:
        """How many more attempts the budget allows to begin, None where there is no limit."""
        if self.budget_microdollars is None or self.worst_case_microdollars == 0:
            return None
        left = self.budget_microdollars - self.committed_microdollars
        return max(0, left // self.worst_case_microdollars)

    @property
    def waits_for_budget(self) -> bool:
        """Whether there is something to make that the budget does not allow to begin, and nothing else is under way."""
        is_idle = not self.items.count(ItemStatus.PROCESSING) and not self.is_paused and not self.awaits_approval
        return is_idle and self.items.count(ItemStatus.PENDING) > 0 and self.affordable_attempts == 0

    @property
    def held_attempts(self) -> HeldAttempts:
        """Which further attempts of items that are being made may not begin.

        Under a budget one that follows on what was paid for does not: the session counts that first, and then hands
        the item out again if it can. Otherwise items that spend side by side would not know of each other.
        """
        if self.is_paused or self.held_until is not None:
            return HeldAttempts.ALL
        if self.budget_microdollars is None:
            return HeldAttempts.NONE
        is_within = self.committed_microdollars <= self.budget_microdollars
        return HeldAttempts.THAT_SPENT if is_within else HeldAttempts.ALL

    def may_begin(self, *, spent_in_round_microdollars: int) -> bool:
        """Whether a further attempt of an item that is being made may begin."""
        return not self.held_attempts.includes(spent_in_round_microdollars=spent_in_round_microdollars)

    def items_to_make(self, *, at_most: int) -> Sequence[ItemState]:
        """Return items that can be handed out now, in order."""
        if self.affordable_attempts is not None:
            at_most = min(at_most, self.affordable_attempts)
        is_held = self.is_paused or self.awaits_approval or self.held_until is not None
        if at_most < 1 or is_held or not self.items.count(ItemStatus.PENDING):
            return ()
        stage = self.items.open_stage
        ready = (item for item in self.items if item.status is ItemStatus.PENDING and item.stage == stage)
        return tuple(islice(ready, at_most))

    def _changed(self, *, items: Items, now: datetime, by: int = 1) -> Self:
        """Return the state with its items replaced, and settled where that settles it.

        ``by`` is how far the revision advances: an item that ends advances it past every step that watchers may
        have been shown while its attempts were under way, so that what they see never counts backwards.
        """
        items = without_what_waits_in_vain(items)
        items = without_what_is_given_up(items, tolerated=self.tolerated_failures, round_number=self.round)
        items = without_what_nobody_wants(items)
        settled_at = (self.settled_at or now) if items.status.is_settled else None
        return self.model_copy(
            update={
                "items": items,
                "revision": self.revision + by,
                "updated_at": now,
                "settled_at": settled_at,
                "closed_at": None,
                # What has come to its end has nothing left to hold back.
                "is_paused": self.is_paused and settled_at is None,
                "held_until": None if settled_at else self.held_until,
            }
        )

    def _with_item(self, changed: ItemState, *, now: datetime, by: int = 1) -> Self:
        return self._changed(items=self.items.changed(changed), now=now, by=by)


_ROUND_OVER = {
    "prompt": None,
    "is_refined": False,
    "made_in_round": 0,
    "was_interrupted": False,
    "handed_out_again_at": None,
    "pending": None,
    "is_stopping": False,
}
"""What a round leaves behind of what it was begun with: nothing that is long."""

_TEXTS_BYTES = 300_000
_LONGEST_TEXT = 1500
_SHORTEST_TEXT = 250


def _room_for_text(state: SessionState) -> int:
    """Return how long a text of one item may be, in bytes: all of them travel in one payload."""
    return min(_LONGEST_TEXT, max(_SHORTEST_TEXT, _TEXTS_BYTES // len(state.items)))


def steps_of(attempts_in_round: int) -> int:
    """Return how many steps attempts of one round show to a watcher: each begins and each ends."""
    return 2 * attempts_in_round


def _steps_of_round(item: ItemState) -> int:
    """Return how far an item that ends advances the revision.

    As many steps as its round could have shown, not as it is known to have taken: an attempt that took up an earlier
    one's result counts as none, and yet watchers have seen it begin.
    """
    return 1 if item.is_stopping else steps_of(item.max_attempts) + 1


def _with_item_ended(state: SessionState, item: ItemState, *, now: datetime) -> SessionState:
    """Return the state with an item as its round has left it, advanced by what that round was allowed."""
    return state._with_item(item, now=now, by=_steps_of_round(state.item(item.key)))


def item_started(state: SessionState, *, key: str, now: datetime, is_budgeted: bool = False) -> SessionState:
    """Hand an item to the workers. Shown as processing; which attempt runs is known to the server, not here.

    The revision stays as it is: a watcher sees the step when the attempt itself begins.
    """
    item = state.item(key)
    again_at = now if item.was_interrupted else None
    item = item.model_copy(
        update={"status": ItemStatus.PROCESSING, "handed_out_again_at": again_at, "is_budgeted": is_budgeted}
    )
    return state._with_item(item, now=now, by=0)


def item_completed(
    state: SessionState,
    *,
    key: str,
    artifact: Artifact,
    spending: Spending,
    now: datetime,
    attempts_used: int = 0,
    title: str | None = None,
) -> SessionState:
    """An attempt of the item succeeded. ``title`` is the session's, where this item decides it.

    ``attempts_used``: attempts of this round that count; more than the successful one's, where later ones were lost.
    """
    before = state.item(key).attempts_before_round
    item = (
        state.item(key)
        .with_version(artifact)
        .model_copy(
            update={
                "status": ItemStatus.COMPLETE,
                "attempt": max(artifact.attempt, before + attempts_used),
                "error": None,
                "correction": None,
                **_ROUND_OVER,
            }
        )
    )
    changed = _with_item_ended(state, item, now=now)
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
    """The item failed for good in this round. One that has a version stays complete with it."""
    item = state.item(key)
    item = ended(item, ItemStatus.FAILED).model_copy(
        update={
            "attempt": item.attempts_before_round + attempts_used,
            "error": error.shortened(max_bytes=_room_for_text(state)),
            "correction": correction and shortened(correction, max_bytes=_room_for_text(state)),
            **_ROUND_OVER,
        }
    )
    return _with_spending(_with_item_ended(state, item, now=now), spending)


def item_stopping(state: SessionState, *, key: str, now: datetime) -> SessionState:
    """The item was stopped between two attempts, and the ledger is asked how many they were.

    Its steps count from now on: nobody else tells of them any more, and the answer may take seconds.
    """
    item = state.item(key).model_copy(update={"is_stopping": True})
    return state._with_item(item, now=now, by=steps_of(item.max_attempts))


def item_lost(state: SessionState, *, key: str, attempts_used: int, now: datetime) -> SessionState:
    """The item's last attempt was lost with its worker, and what it may have left is looked for.

    As where an item is stopped, its steps count from now on.
    """
    stopping = item_stopping(state, key=key, now=now)
    item = stopping.item(key)
    item = item.model_copy(update={"attempt": item.attempts_before_round + attempts_used})
    return stopping._with_item(item, now=now, by=0)


def item_cancelled(
    state: SessionState, *, key: str, attempts_used: int, spending: Spending, now: datetime
) -> SessionState:
    """The item was stopped, after so many attempts of this round."""
    item = state.item(key)
    item = ended(item, ItemStatus.CANCELLED).model_copy(update={"attempt": item.attempts_before_round + attempts_used})
    return _with_spending(_with_item_ended(state, item, now=now), spending)


def item_interrupted(
    state: SessionState,
    *,
    key: str,
    attempts_used: int,
    spending: Spending,
    now: datetime,
    correction: str | None = None,
    pending: PendingAttempt | None = None,
) -> SessionState:
    """The item is handed out again for what is left of its round: an attempt was cut off that must not count.

    ``attempts_used``: attempts of this round that do count. The last number allowed stays as it was. ``pending`` is
    the attempt that was cut off, where its call goes on: its number is taken, whatever becomes of the item.
    """
    item = state.item(key)
    item = item.model_copy(
        update={
            "status": ItemStatus.PENDING,
            "was_interrupted": True,
            "is_stopping": False,
            "pending": pending,
            "attempt": pending.entry.attempt if pending else item.attempts_before_round + attempts_used,
            "attempts_before_round": item.attempts_before_round + attempts_used,
            "max_attempts": item.max_attempts - attempts_used,
            "made_in_round": item.made_in_round + attempts_used,
            "correction": correction or item.correction,
        }
    )
    return _with_spending(_with_item_ended(state, item, now=now), spending)


def unfinished_items_cancelled(state: SessionState, *, now: datetime) -> SessionState:
    """A person stopped the session: what is finished stays, all else is cancelled."""
    unfinished = [item for item in state.items if not item.status.is_settled]
    items = state.items.changed(*(ended(item, ItemStatus.CANCELLED) for item in unfinished))
    by = sum(_steps_of_round(item) for item in unfinished) + 1
    return state._changed(items=items, now=now, by=by)


def items_retried(
    state: SessionState, *, notes: Mapping[str, str | None], max_attempts: int | None, now: datetime
) -> SessionState:
    """Begin the next round over failed items: ``notes`` holds their keys, each with a note or None.

    Attempt numbers go on counting; finished items are not touched. The caller has checked that every key is a
    failed item's.
    """
    changes = {
        item.key: {
            "max_attempts": max_attempts or state.max_attempts,
            "note": notes[item.key],
            "error": None if item.is_blocked else item.error,
        }
        for item in map(state.item, notes)
    }
    return _next_round(state, changes=changes, now=now)


def item_retaken(
    state: SessionState,
    *,
    key: str,
    note: str | None,
    prompt: str | None,
    is_refined: bool,
    now: datetime,
    following: Collection[str] = (),
) -> SessionState:
    """Begin a round over an item that is complete: it gets another version, and those it has stay.

    So do those that are ``following`` because they were made by it. The caller has checked that all are complete.
    """
    change = {
        "max_attempts": state.max_attempts,
        "note": note,
        "error": None,
        "prompt": prompt,
        "is_refined": is_refined,
    }
    again = {**change, "note": None, "prompt": None}
    return _next_round(state, changes={key: change, **dict.fromkeys(following, again)}, now=now)


def _next_round(state: SessionState, *, changes: Mapping[str, Mapping[str, object]], now: datetime) -> SessionState:
    """Begin the next round over items, each with what changes for it. Attempt numbers go on counting."""
    round_number = state.round + 1
    begun = [
        item.model_copy(
            update={
                "status": ItemStatus.PENDING,
                "round": round_number,
                "attempts_before_round": item.last_number,
                "is_blocked": False,
                **_ROUND_OVER,
                **changes[item.key],
            }
        )
        for item in map(state.item, changes)
    ]
    in_round = state.model_copy(update={"round": round_number})
    return in_round._changed(items=state.items.changed(*begun), now=now)


def version_selected(state: SessionState, *, key: str, attempt: int, now: datetime) -> SessionState:
    """A person chose which version of an item counts. The caller has checked that there is this version."""
    item = state.item(key)
    chosen = next(version for version in item.versions if version.attempt == attempt)
    others = tuple(version for version in item.versions if version.attempt != attempt)
    changed = item.model_copy(update={"artifact": chosen, "others": others, "is_chosen": True})
    return state._with_item(changed, now=now)


def items_cancelled(state: SessionState, *, keys: Collection[str], now: datetime) -> SessionState:
    """A person does not want these items any more; those of them that are being made are stopped by the engine."""
    waiting = [item for item in map(state.item, keys) if item.status is ItemStatus.PENDING]
    by = sum(_steps_of_round(item) for item in waiting) + 1
    return state._changed(
        items=state.items.changed(*(ended(item, ItemStatus.CANCELLED) for item in waiting)), now=now, by=by
    )


def outline_approved(
    state: SessionState, *, replaced: Mapping[str, Artifact], title: str | None, now: datetime
) -> SessionState:
    """A person approved of what the first stages have made, or put something of their own in its place.

    ``replaced`` holds artifacts by item, each numbered after the item's last attempt: attempt numbers are never
    used twice, and what was replaced stays.
    """
    items = (state.item(key).with_version(artifact) for key, artifact in replaced.items())
    approved = state._changed(items=state.items.changed(*items), now=now)
    return approved.model_copy(update={"approval_before_stage": None, "title": title or state.title})


def session_closed(state: SessionState, *, now: datetime) -> SessionState:
    """The workflow is about to complete."""
    return state.model_copy(update={"closed_at": now, "updated_at": now, "revision": state.revision + 1})


def not_closed_yet(state: SessionState) -> SessionState:
    """Return the state of a workflow that still runs: while its last write is under way its state says closed.

    The revision stays, lest who has read that write sees the version fall.
    """
    return state.model_copy(update={"closed_at": None})


def _with_spending(state: SessionState, spending: Spending) -> SessionState:
    return state.model_copy(update={"spending": state.spending + spending})
