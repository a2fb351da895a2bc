"""Sessions and their items in words: pure functions, for the board, the plain lines and the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sessions.messages import APPROVAL_AWAITED, HOLDINGS, Holding
from sessions.statuses import ItemStatus, SessionStatus
from sessions.view import ItemView, SessionView

_SHOWN_FAILURES: Final = 5


def attempt_of(item: ItemView) -> str:
    """Return how far an item has come: "attempt 2 of 3", or nothing before the first."""
    return f"attempt {item.attempt} of {item.max_attempts}" if item.attempt else ""


def detail_of(item: ItemView, *, now: datetime) -> str:
    """Return what there is to say of an item beside its status. ``now`` is the time by the server's clock."""
    error = item.error.message if item.error else ""
    if item.status is ItemStatus.PROCESSING and item.next_attempt_at is not None:
        return " · ".join(filter(None, [f"tries again {countdown(item.next_attempt_at - now)}", error]))
    if item.status is ItemStatus.COMPLETE and item.artifact is not None:
        size = f"{item.artifact.width}×{item.artifact.height}, " if item.artifact.width else ""
        made = f"{size}{size_of(item.artifact.bytes)}"
        return f"{made} · a retake failed: {error}" if error else made
    if item.status is ItemStatus.FAILED and item.error:
        return f"{error} {item.error.advice}"
    if item.status is ItemStatus.PROCESSING and error:
        return f"before: {error}"
    return ""


def countdown(left: timedelta) -> str:
    """Return when something happens that is so far away."""
    return "now" if left <= timedelta(0) else f"in {duration_of(left + timedelta(milliseconds=999))}"


def duration_of(duration: timedelta) -> str:
    """Return a duration with two units at most, such as "4 s", "1 min 5 s" or "2 h 10 min"."""
    seconds = int(duration.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 3600:
        return f"{seconds // 60} min"
    if seconds < 48 * 3600:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86_400} days"


def size_of(count: int) -> str:
    """Return a number of bytes for people."""
    if count < 1000:
        return f"{count} bytes"
    return f"{count / 1000:.0f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def dollars_of(amount: float) -> str:
    """Return an amount of US dollars, with as many digits as it takes to be something."""
    return f"${amount:.2f}" if amount >= 0.01 or not amount else f"${amount:.4f}"


def settled_items(session: SessionView) -> int:
    """Return how many items need nothing further."""
    return session.counts.total - session.counts.pending - session.counts.processing


def way_on(session: SessionView) -> str | None:
    """Return what has a session that waits for somebody go on: its message is what says that it waits.

    None for one that goes on by itself, and for one that has settled.
    """
    if session.status.is_settled:
        return None
    if APPROVAL_AWAITED in session.message:
        return (
            f"The outline waits for you: `retakes outline {session.id}` shows it, `retakes approve {session.id}` has "
            "the sets written by it."
        )
    if session.message.startswith(HOLDINGS[Holding.PAUSE]):
        return f"`retakes resume {session.id}` has it go on."
    if session.message.startswith(HOLDINGS[Holding.BUDGET]):
        return f"`retakes budget {session.id} USD` raises what it may cost."
    return None


def heading(session: SessionView) -> str:
    """Return what a session is."""
    kind = "1 image" if session.counts.total == 1 else f"{session.counts.total} images"
    return f"{session.title} · {session.id} · {kind if session.kind == 'images' else 'story'}"


def changes(before: SessionView | None, after: SessionView, *, now: datetime) -> Iterator[str]:
    """Yield a line for each change from one view of a session to a later one; of the first, what it is and does.

    A session that has settled says so in `summary`.
    """
    known = {item.key: item for item in before.items} if before else {}
    lines = [f"{item.label}: {line}" for item in after.items if (line := _change(known.get(item.key), item, now=now))]
    if before is None:
        yield heading(after)
    has_turned = before is None or before.paused != after.paused
    is_news = before is None or before.message != after.message
    if is_news and (has_turned or not lines) and not after.status.is_settled:
        yield after.message
    yield from lines
    if (hint := way_on(after)) and hint != (way_on(before) if before else None):
        yield hint


def _change(before: ItemView | None, item: ItemView, *, now: datetime) -> str | None:
    is_known = _standing(before) == _standing(item) if before else item.status is not ItemStatus.PROCESSING
    if is_known:
        return None
    match item.status:
        case ItemStatus.PROCESSING if item.next_attempt_at is not None:
            return f"{attempt_of(item)} failed, {detail_of(item, now=now)}"
        case ItemStatus.PROCESSING:
            return attempt_of(item)
        case ItemStatus.FAILED:
            return f"failed after {attempt_of(item) or 'no attempt'}: {detail_of(item, now=now)}"
        case ItemStatus.COMPLETE:
            return f"complete, {attempt_of(item)} ({detail_of(item, now=now)})"
        case _:
            return item.status.value


def _standing(item: ItemView) -> tuple[object, ...]:
    return (item.status, item.attempt, item.next_attempt_at is None, item.selected_attempt)


def summary(session: SessionView) -> Iterator[str]:
    """Yield what came of a session that has settled, and what to do next."""
    cost = session.cost_usd
    spent = f"{dollars_of(cost.spent)} spent" if cost.spent else ""
    uncertain = f"up to {dollars_of(cost.uncertain)} more may have been billed" if cost.uncertain else ""
    yield f"{session.status.value.capitalize()}: {session.message}"
    failed = [item for item in session.items if item.status is ItemStatus.FAILED]
    for item in failed[:_SHOWN_FAILURES] if len(failed) > 1 else ():
        yield f"  {item.key}: {item.error.message if item.error else 'failed'}"
    if len(failed) > _SHOWN_FAILURES:
        yield f"  … and {len(failed) - _SHOWN_FAILURES} more: `retakes show {session.id}`"
    if told := ", ".join(filter(None, [spent, uncertain])):
        yield f"{told}."
    if failed:
        yield f"Next: `retakes retry {session.id}` makes only what failed again."
    if session.counts.complete:
        also = "Also" if failed else "Next"
        kept = "what is complete" if session.status is not SessionStatus.COMPLETE else "it"
        yield f"{also}: `retakes export {session.id}` downloads {kept}."
