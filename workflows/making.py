"""Making one item: an activity under the retry policy, with the same options for every kind."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from temporalio import workflow

from sessions.attempts import AttemptOutcome, ItemTask
from sessions.identifiers import activity_id
from sessions.texts import shortened
from workflows.policies import (
    HEARTBEAT_TIMEOUT,
    LOOK_RETRIES,
    SUMMARY_BYTES,
    attempt_priority,
    attempt_retries,
    attempt_timeout,
)

Task = TypeVar("Task", bound=ItemTask)


async def made_by(activity: Callable[[Any, Task], Awaitable[AttemptOutcome]], task: Task) -> AttemptOutcome:
    """Have an item made by this method of its kind's activities, or only what lost attempts of it have left looked for.

    Raises:
        ActivityError: the item could not be made in this round, nothing was left, or the session was cancelled.
    """
    summary = f"{task.label} · round {task.round}"
    return await workflow.execute_activity_method(
        activity,
        task,
        activity_id=activity_id(task.item, round_number=task.round),
        start_to_close_timeout=attempt_timeout(task.limits),
        heartbeat_timeout=HEARTBEAT_TIMEOUT,
        retry_policy=attempt_retries(task.max_attempts, made=task.made_in_round) if task.lost is None else LOOK_RETRIES,
        priority=attempt_priority(task.round),
        # The attempt that is stopped says what it had cost; a dead worker's is given up with its heartbeats.
        cancellation_type=workflow.ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
        summary=shortened(summary if task.lost is None else f"{summary}: what was left", max_bytes=SUMMARY_BYTES),
    )
