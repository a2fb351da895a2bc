"""Sessions to show."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sessions.errors import ErrorClass, ItemError
from sessions.statuses import ItemStatus, SessionKind, SessionStatus, session_status
from sessions.view import ArtifactView, CostView, Counts, ItemView, Links, RetryInfo, SessionView, UsageView

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
BROKEN = ItemError(type=ErrorClass.TRANSIENT, message="The provider broke.", advice="Retry later.")


def item(
    key: str,
    status: ItemStatus = ItemStatus.PENDING,
    *,
    attempt: int = 0,
    label: str | None = None,
    error: ItemError | None = None,
    waits: timedelta | None = None,
) -> ItemView:
    """Return an item; one that is complete has a picture. ``waits``: until its next attempt, from NOW."""
    picture = ArtifactView(url="/x", media_type="image/png", bytes=54_321, sha256="0" * 64, width=1024, height=768)
    return ItemView(
        key=key,
        label=label or key.capitalize(),
        status=status,
        attempt=attempt,
        max_attempts=3,
        retry_count=max(0, attempt - 1),
        variation=None,
        next_attempt_at=None if waits is None else NOW + waits,
        error=error,
        artifact=picture if status is ItemStatus.COMPLETE else None,
        selected_attempt=attempt if status is ItemStatus.COMPLETE else None,
    )


def session(
    items: Sequence[ItemView],
    *,
    title: str = "Steel bottle",
    message: str = "It goes on.",
    kind: SessionKind = SessionKind.IMAGES,
    version: int = 1,
    is_paused: bool = False,
    uncertain: float = 0.0,
) -> SessionView:
    """Return a session of these items."""
    statuses = [one.status for one in items]
    failed = tuple(one.key for one in items if one.status is ItemStatus.FAILED)
    status: SessionStatus = session_status(statuses)
    return SessionView(
        id="ses-aaaabbbbccccdddd",
        version=version,
        kind=kind,
        title=title,
        status=status,
        paused=is_paused,
        round=1,
        message=message,
        counts=Counts(total=len(items), **{one.value: statuses.count(one) for one in ItemStatus}),
        items=tuple(items),
        retry_info=RetryInfo(can_retry=bool(failed), failed_items=failed, retry_endpoint="/retry"),
        usage=UsageView(input_tokens=0, output_tokens=0),
        cost_usd=CostView(estimated=0.27, spent=0.11, uncertain=uncertain),
        created_at=NOW,
        updated_at=NOW,
        settled_at=NOW if status.is_settled else None,
        closed_at=None,
        stale=False,
        links=Links(self="/s", events="/e", archive="/a", temporal=None),
    )
