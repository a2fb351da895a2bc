"""Why an attempt was or was not tried again, told from the ledger and the rules. What neither tells is not guessed."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Final

from sessions.errors import ErrorClass
from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.state import SessionState
from sessions.statuses import AttemptStatus, ItemStatus

AttemptId = tuple[str, int]
"""An item's key, and the number of an attempt at it."""

ERRORS_IN_WORDS: Final[Mapping[ErrorClass, str]] = {
    ErrorClass.THROTTLE: "asked to wait for too long",
    ErrorClass.BILLING: "the account cannot pay",
    ErrorClass.TRANSIENT: "broke before it worked",
    ErrorClass.UNCERTAIN: "no whole answer came back",
    ErrorClass.CONTENT: "refused, or not usable",
    ErrorClass.PERMANENT: "cannot work as asked",
}
"""The classes of errors for people who have never heard of them."""

_WHY_AGAIN: Final[Mapping[ErrorClass, str]] = {
    ErrorClass.THROTTLE: "the provider's limit recovers with time",
    ErrorClass.TRANSIENT: "the same call may work in a moment",
    ErrorClass.UNCERTAIN: "without an answer there is no result",
    ErrorClass.CONTENT: "asked in another way, the result may be another",
}
_WHY_NOT: Final[Mapping[ErrorClass, str]] = {
    ErrorClass.BILLING: "until the account can pay, every attempt would end like this",
    ErrorClass.PERMANENT: "however often it is repeated, it would end like this",
}


class Afterwards(StrEnum):
    """What followed an attempt."""

    UNDER_WAY = "under way"
    MADE = "made"
    TRIED_AGAIN = "tried again"
    WILL_BE_TRIED_AGAIN = "will be tried again"
    NOT_TRIED_AGAIN = "not tried again"
    UNKNOWN = "not known"


@dataclass(frozen=True, kw_only=True)
class Aftermath:
    """What followed an attempt and why, in whole sentences. ``begun_again``: what a person asked for later, if so."""

    what: Afterwards
    why: str
    begun_again: str | None = None


def aftermaths(
    entries: Sequence[LedgerEntry], *, of: Iterable[LedgerEntry], state: SessionState
) -> Mapping[AttemptId, Aftermath]:
    """Return what followed some attempts of a session, by item and number.

    Args:
        entries: the session's whole ledger.
        of: the attempts to tell of.
        state: the session.
    """
    by_item: dict[str, list[LedgerEntry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.attempt):
        by_item.setdefault(entry.item, []).append(entry)
    following = {
        (entry.item, entry.attempt): after for of_item in by_item.values() for entry, after in pairwise(of_item)
    }
    return {
        (entry.item, entry.attempt): aftermath(
            entry, following=following.get((entry.item, entry.attempt)), item=state.item(entry.item), state=state
        )
        for entry in of
    }


def aftermath(entry: LedgerEntry, *, following: LedgerEntry | None, item: ItemState, state: SessionState) -> Aftermath:
    """Return what followed an attempt.

    Args:
        entry: the attempt.
        following: the next one at the same item that is written down, of whatever round.
        item: the item as it stands.
        state: the session as it stands.
    """
    begun_again = _begun_again(entry, following=following, item=item)
    if entry.status is AttemptStatus.COMPLETE:
        return Aftermath(what=Afterwards.MADE, why=_what_counts(entry, item=item), begun_again=begun_again)
    if following is not None and following.round == entry.round:
        return _followed(entry, following=following)
    if entry.status is AttemptStatus.RUNNING:
        return _open(entry, item=item)
    if entry.error_type is not None and not entry.error_type.is_retried:
        why = f"Not tried again: {_WHY_NOT[entry.error_type]}."
        return Aftermath(what=Afterwards.NOT_TRIED_AGAIN, why=why, begun_again=begun_again)
    if item.round > entry.round:
        return Aftermath(
            what=Afterwards.NOT_TRIED_AGAIN, why=_end_of_earlier_round(entry, state=state), begun_again=begun_again
        )
    return _last_of_round(entry, item=item, state=state)


def _followed(entry: LedgerEntry, *, following: LedgerEntry) -> Aftermath:
    later = ""
    if entry.ended_at is not None:
        pause = max(timedelta(0), following.started_at - entry.ended_at)
        later = f", {pause.total_seconds():.1f}\u00a0s later"
    if entry.status is AttemptStatus.RUNNING:
        why = f"How it ended is not written down. Attempt {following.attempt} followed{later}."
        return Aftermath(what=Afterwards.UNKNOWN, why=why)
    reason = _WHY_AGAIN.get(entry.error_type) if entry.error_type else None
    why = f"Tried again as attempt {following.attempt}{later}" + (f": {reason}." if reason else ".")
    if following.variation and following.variation != entry.variation:
        why += f" That one asked with “{following.variation}”."
    return Aftermath(what=Afterwards.TRIED_AGAIN, why=why)


def _open(entry: LedgerEntry, *, item: ItemState) -> Aftermath:
    is_current = entry.round == item.round and item.attempt < entry.attempt
    if is_current and item.status is ItemStatus.PROCESSING:
        return Aftermath(what=Afterwards.UNDER_WAY, why="It is being made now.")
    return Aftermath(what=Afterwards.UNKNOWN, why="How it ended is not written down.")


def _what_counts(entry: LedgerEntry, *, item: ItemState) -> str:
    if item.artifact is None:
        return "It made a result."
    if item.artifact.attempt == entry.attempt:
        return "Its result counts, as a person chose." if item.is_chosen else "Its result counts."
    return f"It made a result; that of attempt {item.artifact.attempt} counts."


def _begun_again(entry: LedgerEntry, *, following: LedgerEntry | None, item: ItemState) -> str | None:
    """Return what a person asked for after the round of this attempt, which was the last of it."""
    if item.round == entry.round:
        return None
    asked = "another version" if entry.status is AttemptStatus.COMPLETE else "it to be made again"
    if following is not None:
        return f"Later a person asked for {asked}: attempt {following.attempt}, in round {following.round}."
    return f"Later a person asked for {asked}, in round {item.round}."


def _end_of_earlier_round(entry: LedgerEntry, *, state: SessionState) -> str:
    # Of rounds that are over, only the first is known to have had as many attempts as the session allows.
    if entry.round == 1 and entry.attempt >= state.max_attempts:
        return f"Not tried again: it was the last of the {state.max_attempts} attempts of its round."
    return "Not tried again: its round ended with it."


def _last_of_round(entry: LedgerEntry, *, item: ItemState, state: SessionState) -> Aftermath:
    """Return what follows the last attempt that is written down of the item's current round, which failed."""
    if item.attempt > entry.attempt:
        return Aftermath(
            what=Afterwards.TRIED_AGAIN, why=f"Tried again as attempt {item.attempt}, which is not written down yet."
        )
    # A cancelled item that has a version is complete with it, and unlike after a failure no error is left.
    was_cancelled = item.status is ItemStatus.CANCELLED or (item.status is ItemStatus.COMPLETE and item.error is None)
    if was_cancelled:
        return Aftermath(what=Afterwards.NOT_TRIED_AGAIN, why="Not tried again: a person cancelled it.")
    last = item.attempts_before_round + item.max_attempts
    if entry.attempt >= last:
        why = f"Not tried again: attempt {last} is the last that its round allows."
        return Aftermath(what=Afterwards.NOT_TRIED_AGAIN, why=why)
    if item.status.is_settled:
        return Aftermath(what=Afterwards.NOT_TRIED_AGAIN, why="Not tried again. Why is not written down.")
    return Aftermath(what=Afterwards.WILL_BE_TRIED_AGAIN, why=_when_again(state))


def _when_again(state: SessionState) -> str:
    if state.is_paused:
        return "It is tried again when the session is resumed."
    if state.held_until is not None:
        return "It is tried again when the limit of the month allows it."
    if state.waits_for_budget:
        return "It is tried again when the budget allows it."
    return "It is tried again after a short wait."


def waiting_in_words(entry: LedgerEntry) -> str | None:
    """Return what the waits cost that the provider asked for within an attempt, None where there were none."""
    if not entry.throttled_calls:
        return None
    times = "once" if entry.throttled_calls == 1 else f"{entry.throttled_calls} times"
    return f"The provider asked {times} to wait. Waiting uses up no attempt and is not billed."


def billing_in_words(entry: LedgerEntry) -> str | None:
    """Return what is known of an attempt's cost where that is not plain, None where it is."""
    if entry.status is not AttemptStatus.UNCERTAIN:
        return None
    if entry.usage is not None:
        return "It may have been billed; the cost is that of the tokens the provider had counted."
    return "It may have been billed, nobody here can tell; the cost is the worst case and counts as uncertain."
