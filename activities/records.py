"""The activity that writes a session down."""

from temporalio import activity

from sessions.attempts import SessionRecordTask
from sessions.ports import AttemptRecords
from sessions.wire import RECORD_SESSION_ACTIVITY


class RecordActivities:
    """Writes what the workflow knows into the records."""

    def __init__(self, records: AttemptRecords) -> None:
        self._records = records

    @activity.defn(name=RECORD_SESSION_ACTIVITY)
    async def record(self, task: SessionRecordTask) -> None:
        """Write a session's state and the ledger entries that the records may have missed. Safe to repeat."""
        await self._records.record_session(task.state, entries=task.entries)
