"""The activities that write a session down, and read its ledger for it."""

from temporalio import activity

from sessions.attempts import RoundQuestion, RoundReport, SessionRecordTask
from sessions.ports import AttemptRecords
from sessions.wire import RECORD_SESSION_ACTIVITY, REPORT_ROUND_ACTIVITY


class RecordActivities:
    """Writes what the workflow knows into the records, and tells it what it was not told."""

    def __init__(self, records: AttemptRecords) -> None:
        self._records = records

    @activity.defn(name=RECORD_SESSION_ACTIVITY)
    async def record(self, task: SessionRecordTask) -> None:
        """Write a session's state and the ledger entries that the records may have missed. Safe to repeat."""
        await self._records.record_session(task.state, entries=task.entries)

    @activity.defn(name=REPORT_ROUND_ACTIVITY)
    async def report_round(self, question: RoundQuestion) -> RoundReport:
        """Return what the attempts of a round have come to, by the ledger."""
        return question.answered_by(await self._records.attempts(question.session_id))
