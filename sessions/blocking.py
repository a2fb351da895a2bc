"""What becomes of items that are not begun: they wait in vain, too many others have failed, or nobody wants them."""

from sessions.errors import ItemError
from sessions.items import Items, ItemState
from sessions.statuses import ItemStatus


def ended(item: ItemState, status: ItemStatus) -> ItemState:
    """Return an item whose round came to this end. What has a version stays complete, whatever became of a retake."""
    status = ItemStatus.COMPLETE if item.artifact else status
    return item.model_copy(update={"status": status, "is_stopping": False})


def without_what_waits_in_vain(items: Items) -> Items:
    """Return the items, with those failed that wait for a stage which has come to its end without being complete."""
    stage = items.open_stage
    if stage is None or not items.count(ItemStatus.PENDING):
        return items
    statuses = items.statuses_of(stage)
    if any(not status.is_settled for status in statuses):
        return items
    failed = next((item for item in items if item.stage == stage and item.status is ItemStatus.FAILED), None)
    return _not_begun(items, error=failed.error.waited_for(failed.label) if failed and failed.error else None)


def without_what_is_given_up(items: Items, *, tolerated: int | None, round_number: int) -> Items:
    """Return the items, with those failed that are not begun any more because too many of the round have failed."""
    if tolerated is None or not items.count(ItemStatus.PENDING) or items.count(ItemStatus.FAILED) <= tolerated:
        return items
    failed = [item for item in items.with_status(ItemStatus.FAILED) if item.round == round_number]
    if len(failed) <= tolerated:
        return items
    error = next((item.error for item in failed if item.error), None)
    return _not_begun(items, error=error.given_up_after(len(failed), tolerated=tolerated) if error else None)


def _not_begun(items: Items, *, error: ItemError | None) -> Items:
    """Return the items, with those that wait ended without an attempt: failed for this reason, or else cancelled."""
    blocked = {"status": ItemStatus.FAILED, "is_blocked": True, "error": error}
    return items.changed(
        *(
            ended(item, ItemStatus.CANCELLED) if item.artifact or error is None else item.model_copy(update=blocked)
            for item in items.with_status(ItemStatus.PENDING)
        )
    )


def without_what_nobody_wants(items: Items) -> Items:
    """Return the items, with those cancelled that were not begun and hang on what somebody has stopped.

    As failed, they could never be made again: no retry makes what was cancelled.
    """
    if not items.count(ItemStatus.CANCELLED) or not items.count(ItemStatus.FAILED):
        return items
    stopped = min(item.stage for item in items.with_status(ItemStatus.CANCELLED))
    hanging = [item for item in items.with_status(ItemStatus.FAILED) if item.is_blocked and item.stage > stopped]
    unwanted = {"status": ItemStatus.CANCELLED, "is_blocked": False, "error": None}
    return items.changed(*(item.model_copy(update=unwanted) for item in hanging))
