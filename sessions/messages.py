"""What a session says of itself, in plain words: what is ready, what failed and why, and what to do next."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from sessions.stories import OUTLINE, part_number_of, set_number_of
from sessions.view import ItemView

_NOUNS = {SessionKind.IMAGES: ("image", "images"), SessionKind.STORY: ("set", "sets")}
_NAMED_ITEMS = 3
APPROVAL_AWAITED = "until it is approved or replaced"
"""What the message of a session that waits for an approval says, and no other."""


class Holding(StrEnum):
    """What keeps a session from going on until somebody does something."""

    APPROVAL = "approval"
    PAUSE = "pause"
    BUDGET = "budget"
    MONTH = "month"


HOLDINGS = {
    Holding.PAUSE: "Paused: what is being made comes to its end, nothing further begins until it is resumed.",
    Holding.BUDGET: "The budget does not allow another attempt; raise it, and the session goes on.",
    Holding.MONTH: (
        "The limit on what may be spent in a month is reached; the session goes on with the next month, or when "
        "RETAKES_MONTHLY_BUDGET_USD is raised."
    ),
}


def session_message(
    status: SessionStatus,
    *,
    kind: SessionKind,
    items: Sequence[ItemView],
    holding: Holding | None = None,
    has_given_up: bool = False,
    is_stale: bool = False,
) -> str:
    """Return the message of a session in a status, with these items.

    ``holding``: what keeps it from going on. ``has_given_up``: whether so many have failed that others were not begun.
    """
    # The outline of a story is made like any item, but it is the sets that a person waits for.
    counted = [item for item in items if kind is SessionKind.IMAGES or set_number_of(item.key) is not None]
    ready = sum(item.status is ItemStatus.COMPLETE for item in counted)
    if holding is Holding.APPROVAL:
        text = f"The outline is ready. {_plural(len(counted), kind=kind)} wait {APPROVAL_AWAITED}."
    elif holding is not None:
        are = "is" if len(counted) == 1 else "are"
        text = f"{HOLDINGS[holding]} {ready} of {_plural(len(counted), kind=kind)} {are} ready."
    else:
        text = _text(status, kind=kind, items=items, total=len(counted), ready=ready)
        if has_given_up:
            text += " More have failed than were tolerated, so the rest was not begun."
    if not is_stale:
        return text
    return f"{text.removesuffix('.')}. No worker answers; this is the last recorded state."


def _plural(number: int, *, kind: SessionKind) -> str:
    singular, plural = _NOUNS[kind]
    return f"{number} {singular if number == 1 else plural}"


def _text(status: SessionStatus, *, kind: SessionKind, items: Sequence[ItemView], total: int, ready: int) -> str:
    singular, plural = _NOUNS[kind]
    noun = singular if total == 1 else plural
    so_far = f"{ready} of {total} {noun} {'is' if total == 1 else 'are'} ready"
    match status:
        case SessionStatus.PENDING:
            return f"{total} {noun} {'waits' if total == 1 else 'wait'} for a worker."
        case SessionStatus.PROCESSING:
            return "; ".join([_outline_news(items) or so_far, *_news(items)])
        case SessionStatus.COMPLETE:
            return f"The {noun} is ready." if total == 1 else f"All {total} {noun} are ready."
        case SessionStatus.PARTIAL:
            return f"{so_far}. {_failures(items)} Retry makes only what failed again."
        case SessionStatus.FAILED:
            return f"No {singular} could be made. {_failures(items)} Retry makes what failed again."
        case SessionStatus.CANCELLED:
            return f"Cancelled. {so_far}{' and kept' if ready else ''}."


def _outline_news(items: Iterable[ItemView]) -> str | None:
    """Return that a story's outline is being written, as long as that is so."""
    first = next(iter(items), None)
    if first is None or first.key != OUTLINE or first.status is ItemStatus.FAILED:
        return None
    if first.status is not ItemStatus.COMPLETE:
        return "The outline is being written"
    parts = [item for item in items if part_number_of(item.key) is not None]
    written = sum(part.status is ItemStatus.COMPLETE for part in parts)
    return f"{written} of {len(parts)} parts of the outline are written" if written < len(parts) else None


def _news(items: Iterable[ItemView]) -> list[str]:
    """Return what is worth telling of items that do not go smoothly."""
    news: list[str] = []
    failed = [item.key for item in items if item.status is ItemStatus.FAILED]
    if failed:
        news.append(f"{_listed(failed)} failed")
    retried = [item for item in items if item.status is ItemStatus.PROCESSING and (item.error or item.attempt > 1)]
    for item in retried[:_NAMED_ITEMS]:
        if item.next_attempt_at and item.error:
            news.append(
                f"{item.key} waits to try again after attempt {item.attempt} of {item.max_attempts}: "
                f"{item.error.message.removesuffix('.')}"
            )
        else:
            news.append(f"{item.key} is on attempt {item.attempt} of {item.max_attempts}")
    if len(retried) > _NAMED_ITEMS:
        news.append(f"{len(retried) - _NAMED_ITEMS} more are being retried")
    return news


def _failures(items: Iterable[ItemView]) -> str:
    """Return one sentence for each different reason, naming the items it stopped."""
    reasons: dict[tuple[str, str], list[ItemView]] = {}
    # What failed without an attempt waited for another item, whose reason is told.
    for item in items:
        if item.status is ItemStatus.FAILED and item.error and item.attempt:
            reasons.setdefault((item.error.message, item.error.advice), []).append(item)
    sentences = []
    for (message, advice), failed in list(reasons.items())[:_NAMED_ITEMS]:
        keys = _listed([item.key for item in failed])
        tries = max(item.attempt for item in failed)
        sentences.append(f"{keys} failed after {tries} {'attempt' if tries == 1 else 'attempts'}: {message} {advice}")
    if len(reasons) > _NAMED_ITEMS:
        sentences.append("Others failed for other reasons: see each item.")
    return " ".join(sentences)


def _listed(keys: Sequence[str]) -> str:
    if len(keys) > _NAMED_ITEMS + 1:
        return f"{', '.join(keys[:_NAMED_ITEMS])} and {len(keys) - _NAMED_ITEMS} more"
    return " and ".join([", ".join(keys[:-1]), keys[-1]]) if len(keys) > 1 else keys[0]
