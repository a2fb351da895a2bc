"""From a session's state to what is shown of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from sessions.artifacts import Artifact
from sessions.items import ItemState
from sessions.ledger import LedgerEntry
from sessions.links import archive_path, content_path, events_path, retry_path, session_path
from sessions.messages import Holding, session_message
from sessions.money import Spending, dollars
from sessions.progress import UnderWay, applicable
from sessions.state import SessionState
from sessions.statuses import ItemStatus, session_status
from sessions.variations import variation_for
from sessions.view import (
    ArtifactView,
    AttemptView,
    CostView,
    Counts,
    ItemView,
    Links,
    RetryInfo,
    SessionView,
    UsageView,
)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A session as it was read: what is shown of it, and what that was made from."""

    view: SessionView
    state: SessionState
    under_way: Mapping[str, UnderWay]


def session_view(
    state: SessionState,
    *,
    under_way: Mapping[str, UnderWay] | None = None,
    is_stale: bool = False,
    temporal_link: str | None = None,
) -> SessionView:
    """Return a session as it is shown.

    Args:
        state: what the workflow, or the records, know.
        under_way: attempts that have begun, by item. None where that is not known (inside the workflow): then an
            item that was handed out counts as on its first attempt of the round.
        is_stale: whether no worker could answer.
        temporal_link: address of the session in Temporal's UI.
    """
    items = tuple(_item_view(item, session_id=state.id, under_way=under_way) for item in state.items)
    status = session_status(item.status for item in items)
    failed = tuple(item.key for item in items if item.status is ItemStatus.FAILED)
    live = [known for item in state.items if (known := applicable(under_way or {}, item=item))]
    spending = sum((known.spending for known in live), state.spending)
    return SessionView(
        id=state.id,
        version=state.revision + sum(known.steps for known in live),
        kind=state.kind,
        title=state.title,
        status=status,
        paused=state.is_paused,
        round=state.round,
        message=session_message(
            status,
            kind=state.kind,
            items=items,
            holding=_holding(state),
            has_given_up=state.status.is_settled and state.has_given_up,
            is_stale=is_stale,
        ),
        counts=_counts(items),
        items=items,
        retry_info=RetryInfo(can_retry=bool(failed), failed_items=failed, retry_endpoint=retry_path(state.id)),
        usage=UsageView(input_tokens=spending.usage.input_tokens, output_tokens=spending.usage.output_tokens),
        cost_usd=_cost_view(spending, estimated_microdollars=state.estimated_microdollars),
        created_at=state.created_at,
        updated_at=state.updated_at,
        settled_at=state.settled_at,
        closed_at=state.closed_at,
        stale=is_stale,
        links=Links(
            self=session_path(state.id),
            events=events_path(state.id),
            archive=archive_path(state.id),
            temporal=temporal_link,
        ),
    )


def _holding(state: SessionState) -> Holding | None:
    if state.status.is_settled:
        return None
    if state.is_paused:
        return Holding.PAUSE
    if state.awaits_approval:
        return Holding.APPROVAL
    if state.held_until is not None:
        return Holding.MONTH
    return Holding.BUDGET if state.waits_for_budget else None


def _item_view(item: ItemState, *, session_id: str, under_way: Mapping[str, UnderWay] | None) -> ItemView:
    status, attempt, error, next_attempt_at = item.status, item.attempt, item.error, None
    if status is ItemStatus.PROCESSING:
        if under_way is None:
            attempt = item.attempts_before_round + 1
        elif known := applicable(under_way, item=item):
            attempt = item.attempts_before_round + known.attempt_in_round
            error, next_attempt_at = known.error, known.next_attempt_at
        elif not item.is_stopping:
            # Handed out, but no worker has begun: to a person it has not started.
            status = ItemStatus.PENDING
    return ItemView(
        key=item.key,
        label=item.label,
        status=status,
        attempt=attempt,
        max_attempts=item.attempts_before_round + item.max_attempts,
        retry_count=max(0, attempt - 1),
        variation=variation_for(attempt) if attempt else None,
        next_attempt_at=next_attempt_at,
        error=error,
        artifact=_artifact_view(item.artifact, session_id=session_id, item=item.key),
        selected_attempt=item.artifact.attempt if item.artifact else None,
    )


def _artifact_view(artifact: Artifact | None, *, session_id: str, item: str) -> ArtifactView | None:
    if artifact is None:
        return None
    return ArtifactView(
        url=content_path(session_id, item=item, attempt=artifact.attempt),
        media_type=artifact.media_type,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        width=artifact.width,
        height=artifact.height,
    )


def _counts(items: tuple[ItemView, ...]) -> Counts:
    statuses = [item.status for item in items]
    return Counts(total=len(statuses), **{status.value: statuses.count(status) for status in ItemStatus})


def _cost_view(spending: Spending, *, estimated_microdollars: int) -> CostView:
    return CostView(
        estimated=dollars(estimated_microdollars),
        spent=dollars(spending.spent_microdollars),
        uncertain=dollars(spending.uncertain_microdollars),
    )


def attempt_view(entry: LedgerEntry) -> AttemptView:
    """Return a ledger entry as it is shown."""
    usage = entry.usage
    return AttemptView(
        **entry.model_dump(
            exclude={"usage", "cost_microdollars", "worst_case_microdollars", "artifact", "advice", "throttled_calls"}
        ),
        usage=UsageView(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens) if usage else None,
        cost_usd=dollars(entry.cost_microdollars),
        artifact_sha256=entry.artifact.sha256 if entry.artifact else None,
    )
