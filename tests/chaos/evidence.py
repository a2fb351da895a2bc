"""What a run has left behind, as plain facts: the checks see nothing else, so that each can be shown to fail."""

from collections.abc import Mapping
from datetime import datetime

from providers.offline.calls import Call
from sessions.ledger import LedgerEntry
from sessions.view import SessionView
from tests.chaos.journal import Asked, Fact, Outage, Seen, Wait


class Stored(Fact):
    """An artifact as it lies in the store. ``stored_at``: when its receipt, which is written last, was there."""

    item: str
    attempt: int
    stored_at: datetime
    sha256: str
    request_id: str | None


class SessionEvidence(Fact):
    """All that is known of one session in the end.

    Attributes:
        max_attempts: what its request allowed in a round.
        budget_microdollars: what its request allowed it to cost, None for no limit.
        spent_within_budget: what it had cost, uncertain attempts included, when its budget was lifted or the run was
            over; and what its attempts cost beyond what they were reckoned at. None without a budget.
        view: as the API shows it.
        standings: the status of each item, by who says so: each API, the records, the workflow itself.
        questions: how often the workflow had to be asked.
        contents: the SHA-256 of the bytes that the API serves, by item and attempt as ``main#2``.
        replayed: the first event of a fresh stream.
        watched: the last event of somebody who had watched all the time; None where nobody did.
        has_stream_ended: whether that stream said that the session has closed.
    """

    mark: str
    id: str
    is_cancelled_by_plan: bool
    max_attempts: int
    budget_microdollars: int | None = None
    spent_within_budget: tuple[int, int] | None = None
    view: SessionView
    standings: Mapping[str, Mapping[str, str]]
    questions: int = 1
    ledger: tuple[LedgerEntry, ...]
    stored: tuple[Stored, ...]
    contents: Mapping[str, str]
    replayed: SessionView | None = None
    watched: SessionView | None = None
    has_stream_ended: bool = True


class HistoryEvidence(Fact):
    """A workflow's history. ``leaks`` are what it must not hold; ``replay_error`` is None where it replays."""

    session_id: str
    run_id: str
    events: int
    size: int
    leaks: tuple[str, ...] = ()
    replay_error: str | None = None


class Evidence(Fact):
    """All that is known of a run.

    Attributes:
        asked_for: the marks of all sessions that were asked for.
        unsettled: the marks of those that had not settled in the time that was given.
        strangers: ids of sessions that the product knows and nobody has asked for.
        workers: what the ledger calls each worker process that there was.
        disorders: what was seen in passing and must not be.
        waits: the attempts that were in the queue for long, as the workers tell.
    """

    seed: int
    command: str
    commit: str
    records: str
    store: str
    began_at: datetime
    faults_ended_at: datetime
    settled_at: datetime
    asked_for: tuple[str, ...]
    unsettled: tuple[str, ...]
    strangers: tuple[str, ...]
    sessions: tuple[SessionEvidence, ...]
    calls: tuple[Call, ...]
    outages: tuple[Outage, ...]
    asked: tuple[Asked, ...]
    seen: tuple[Seen, ...]
    histories: tuple[HistoryEvidence, ...]
    workers: tuple[str, ...]
    disorders: tuple[str, ...]
    waits: tuple[Wait, ...]
    settle_within_seconds: float
