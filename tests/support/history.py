"""Reading a history: what the server has written down of a session, and what it would bill."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from sessions.identifiers import item_of_activity

_BILLED = (
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
    EventType.EVENT_TYPE_TIMER_STARTED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
)


@dataclass(frozen=True, kw_only=True)
class Run:
    """The last attempt of an activity, and how long after its scheduling it began."""

    attempt: int
    began_after: timedelta


def of_type(history: WorkflowHistory, kind: EventType.ValueType) -> list[HistoryEvent]:
    """Return the events of a type, in their order."""
    return [event for event in history.events if event.event_type == kind]


def item_runs(history: WorkflowHistory) -> Mapping[str, Run]:
    """Return the last attempt of each item's last activity, by item."""
    scheduled = {event.event_id: event for event in of_type(history, EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)}
    runs: dict[str, Run] = {}
    for event in of_type(history, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED):
        started = event.activity_task_started_event_attributes
        planned = scheduled[started.scheduled_event_id]
        item = item_of_activity(planned.activity_task_scheduled_event_attributes.activity_id)
        if item is not None:
            waited = event.event_time.ToDatetime(tzinfo=UTC) - planned.event_time.ToDatetime(tzinfo=UTC)
            runs[item] = Run(attempt=started.attempt, began_after=waited)
    return runs


def billable_actions(history: WorkflowHistory) -> int:
    """Return how many actions the history shows: the start, activities and their retries, upserts, timers, messages."""
    retries = sum(
        event.activity_task_started_event_attributes.attempt - 1
        for event in of_type(history, EventType.EVENT_TYPE_ACTIVITY_TASK_STARTED)
    )
    return sum(event.event_type in _BILLED for event in history.events) + retries


def payloads(message: Message) -> Iterator[Payload]:
    """Yield every payload within a message, however deep."""
    if isinstance(message, Payload):
        yield message
        return
    for _, value in message.ListFields():
        if isinstance(value, Message):
            yield from payloads(value)
        elif isinstance(value, Mapping):
            for entry in value.values():
                if isinstance(entry, Message):
                    yield from payloads(entry)
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
            for entry in value:
                if isinstance(entry, Message):
                    yield from payloads(entry)


def history_payloads(history: WorkflowHistory) -> list[bytes]:
    """Return the bytes of every payload of a history."""
    return [payload.data for event in history.events for payload in payloads(event)]
