"""Attempts under way, as the Temporal server tells them: describing a workflow adds nothing to its history."""

from collections.abc import Mapping
from datetime import UTC

from temporalio.api.enums.v1 import PendingActivityState
from temporalio.api.failure.v1 import Failure
from temporalio.api.workflow.v1 import PendingActivityInfo
from temporalio.client import WorkflowExecutionDescription
from temporalio.converter import DataConverter

from activities.failures import FailureDetail
from sessions.attempts import Heartbeat, RoundReport
from sessions.errors import ErrorClass, ItemError
from sessions.identifiers import item_of_activity, round_of_activity
from sessions.progress import UnderWay


async def attempts_under_way(
    description: WorkflowExecutionDescription, *, converter: DataConverter
) -> Mapping[str, UnderWay]:
    """Return what is under way, by item. An item whose first attempt no worker has begun is left out."""
    under_way: dict[str, UnderWay] = {}
    for pending in description.raw_description.pending_activities:
        item = item_of_activity(pending.activity_id)
        is_waiting = pending.state == PendingActivityState.PENDING_ACTIVITY_STATE_SCHEDULED
        if item is None or (is_waiting and pending.attempt <= 1):
            continue
        under_way[item] = await _under_way(pending, item=item, is_waiting=is_waiting, converter=converter)
    return under_way


async def _under_way(
    pending: PendingActivityInfo, *, item: str, is_waiting: bool, converter: DataConverter
) -> UnderWay:
    heartbeat = await _heartbeat(pending, converter=converter)
    error = await _error_of(pending.last_failure, converter=converter) if pending.HasField("last_failure") else None
    next_attempt_at = heartbeat.waiting_until
    if is_waiting and pending.HasField("next_attempt_schedule_time"):
        next_attempt_at = pending.next_attempt_schedule_time.ToDatetime(tzinfo=UTC)
    return UnderWay(
        item=item,
        round=round_of_activity(pending.activity_id),
        attempt_in_round=pending.attempt - 1 if is_waiting else pending.attempt,
        is_running=not is_waiting,
        began_at=None if is_waiting else pending.last_started_time.ToDatetime(tzinfo=UTC),
        next_attempt_at=next_attempt_at,
        error=heartbeat.waiting_for or error,
        spending=heartbeat.report.spending,
    )


async def _heartbeat(pending: PendingActivityInfo, *, converter: DataConverter) -> Heartbeat:
    if not pending.HasField("heartbeat_details"):
        return Heartbeat(report=RoundReport())
    (heartbeat,) = await converter.decode(pending.heartbeat_details.payloads, [Heartbeat])
    return Heartbeat.model_validate(heartbeat)


async def _error_of(failure: Failure, *, converter: DataConverter) -> ItemError:
    if failure.application_failure_info.details.payloads:
        details = failure.application_failure_info.details.payloads
        (detail,) = await converter.decode(details[:1], [FailureDetail])
        return FailureDetail.model_validate(detail).error
    if failure.HasField("timeout_failure_info"):
        return ItemError(
            type=ErrorClass.UNCERTAIN,
            message="The worker stopped in the middle of the attempt.",
            advice="It may have been billed. The next attempt follows by itself.",
        )
    return ItemError(type=ErrorClass.TRANSIENT, message=failure.message, advice="The next attempt follows by itself.")
