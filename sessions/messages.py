"""What a session says of itself, in plain words: what is ready, what failed and why, and what to do next."""

from collections.abc import Iterable, Sequence

from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from sessions.view import ItemView

_NOUNS = {SessionKind.IMAGES: ("image", "images"), SessionKind.STORY: ("set", "sets")}
_NAMED_ITEMS = 3


def session_message(
    status: SessionStatus, *, kind: SessionKind, items: Sequence[ItemView], is_stale: bool = False
) -> str:
    """Return the message of a session in a status, with these items."""
    ready = sum(item.status is ItemStatus.COMPLETE for item in items)
    text = _text(status, kind=kind, items=items, ready=ready)
    return f"{text} No worker answers; this is the last recorded state." if is_stale else text


def _text(status: SessionStatus, *, kind: SessionKind, items: Sequence[ItemView], ready: int) -> str:
    singular, plural = _NOUNS[kind]
    noun = singular if len(items) == 1 else plural
    so_far = f"{ready} of {len(items)} {noun} {'is' if len(items) == 1 else 'are'} ready"
    match status:
        case SessionStatus.PENDING:
            return f"{len(items)} {noun} {'waits' if len(items) == 1 else 'wait'} for a worker."
        case SessionStatus.PROCESSING:
            return "; ".join([so_far, *_news(items)])
        case SessionStatus.COMPLETE:
            return f"The {noun} is ready." if len(items) == 1 else f"All {len(items)} {noun} are ready."
        case SessionStatus.PARTIAL:
            return f"{so_far}. {_failures(items)} Retry makes only what failed again."
        case SessionStatus.FAILED:
            return f"No {singular} could be made. {_failures(items)} Retry makes what failed again."
        case SessionStatus.CANCELLED:
            return f"Cancelled. {so_far}{' and kept' if ready else ''}."


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
                f"{item.error.message}"
            )
        else:
            news.append(f"{item.key} is on attempt {item.attempt} of {item.max_attempts}")
    if len(retried) > _NAMED_ITEMS:
        news.append(f"{len(retried) - _NAMED_ITEMS} more are being retried")
    return news


def _failures(items: Iterable[ItemView]) -> str:
    """Return one sentence for each different reason, naming the items it stopped."""
    reasons: dict[tuple[str, str], list[ItemView]] = {}
    for item in items:
        if item.status is ItemStatus.FAILED and item.error:
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
