"""The records: every call is one transaction, and raises `RecordsOutOfReachError` when the database does not answer."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from sessions.costs import CostBy, CostPage, Period, RecordedCall
from sessions.deletions import Deletion
from sessions.deliveries import Delivery
from sessions.ledger import LedgerEntry
from sessions.outlook import AttemptDuration
from sessions.overviews import OverviewPage
from sessions.records import AttemptChange, SessionPage, SessionRecord
from sessions.state import SessionState
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from storage.records.costs import costs_of, recorded_calls, spent_since
from storage.records.database import LONGEST_PATIENCE, Database
from storage.records.deletions import (
    delete_session,
    deletion_of,
    is_deleted,
    note_removed,
    unfinished_deletions,
)
from storage.records.deliveries import deliveries_of, write_delivery
from storage.records.ledger import changes_since, clock_of, durations_of_model, entries_of, entry_of
from storage.records.overviews import marker_of_list, read_overviews
from storage.records.reading import (
    AttemptCount,
    SessionCount,
    count_attempts,
    count_sessions,
    read_page,
    read_session,
)
from storage.records.standing import Line
from storage.records.writing import write_attempt, write_new_session, write_session


class Records:
    """Sessions and their attempts, written down. Implements `AttemptRecords`, `SessionRecords`,
    `SpendingRecords`, `CostRecords`, `OverviewRecords`, `DeletionRecords` and `DeliveryRecords`.

    Writes about one session happen one after the other, and can be repeated and come in any order: what is kept
    is the newest state, every attempt, and each attempt as whoever knew most of it told it.

    Args:
        database: where they are.
        session_patience: how long `record_session` may take. It writes most at once, and where it is a workflow that
            waits, it has 15 seconds; where a person does, the usual patience is enough.
    """

    def __init__(self, database: Database, *, session_patience: timedelta = LONGEST_PATIENCE) -> None:
        self._database = database
        self._session_patience = session_patience

    async def record_attempt(
        self, session_id: str, *, entry: LedgerEntry, item_status: ItemStatus, max_attempts: int
    ) -> None:
        """Write a ledger entry, and show its item and session as they stand after it.

        Args:
            session_id: its session, which may not be written down yet.
            entry: the entry. One that has ended is not changed by one that runs.
            item_status: the item's after this entry; ``processing`` while another attempt follows.
            max_attempts: the last attempt number that the item is allowed in this round.
        """
        line = Line(entry=entry, item_status=item_status, max_attempts=max_attempts)
        await self._database.write(lambda connection: write_attempt(connection, session_id, line=line), key=session_id)

    async def record_session(self, state: SessionState, *, entries: Sequence[LedgerEntry]) -> None:
        """Write a session's state, unless one as new is there, and the entries that are missing."""
        await self._database.write(
            lambda connection: write_session(connection, state, entries=entries),
            key=state.id,
            patience=self._session_patience,
        )

    async def create_session(self, state: SessionState, *, request_sha256: str, start: str) -> None:
        """Write down a session that was just started.

        Args:
            state: what it starts from.
            request_sha256: tells a repeated request from a different one.
            start: the workflow's input without its state, as JSON.
        """
        await self._database.write(
            lambda connection: write_new_session(connection, state, request_sha256=request_sha256, start=start),
            key=state.id,
        )

    async def delete_session(self, session_id: str, *, kind: SessionKind) -> None:
        """Delete a session for good; its artifacts are elsewhere. Whatever is told of it from then on is dropped.

        Of its ledger the figures stay that sums are made of, without anything that people or models have written.

        Args:
            session_id: the session. No matter if it is gone, or nothing is written down of it.
            kind: what it made, for the sums.
        """
        await self._database.write(
            lambda connection: delete_session(connection, session_id, kind=kind),
            key=session_id,
            patience=LONGEST_PATIENCE,
        )

    async def deletion(self, session_id: str) -> Deletion | None:
        """Return how far the deletion of a session has come, None where nobody has deleted it."""
        return await self._database.read(lambda connection: deletion_of(connection, session_id))

    async def is_deleted(self, session_id: str) -> bool:
        """Whether somebody has deleted a session."""
        return await self._database.read(lambda connection: is_deleted(connection, session_id))

    async def unfinished_deletions(self, *, before: datetime, limit: int) -> Sequence[Deletion]:
        """Return deletions that something is left to do of, the oldest first.

        Args:
            before: those of before this moment are to be gone over once more, even where all seems to be removed.
            limit: how many at most.
        """
        return await self._database.read(
            lambda connection: unfinished_deletions(connection, before=before, limit=limit)
        )

    async def note_removed(self, session_id: str, *, is_final: bool) -> None:
        """Note that nothing is left of a deleted session, and whether anything can still come."""
        await self._database.write(
            lambda connection: note_removed(connection, session_id, is_final=is_final), key=session_id
        )

    async def session(self, session_id: str) -> SessionRecord | None:
        """Return a session, or None."""
        stored = await self._database.read(lambda connection: read_session(connection, session_id))
        return None if stored is None else stored.parsed()

    async def sessions(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> SessionPage:
        """Return a page of sessions, newest first, without their ``start``.

        Args:
            kind: only of this kind.
            status: only of this status.
            query: only those whose title holds this text, in upper or lower case.
            limit: how many at most.
            cursor: where the page before ended.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        stored = await self._database.read(
            lambda connection: read_page(connection, kind=kind, status=status, query=query, limit=limit, cursor=cursor)
        )
        return await asyncio.to_thread(stored.parsed)

    async def overviews(
        self,
        *,
        kind: SessionKind | None = None,
        status: SessionStatus | None = None,
        query: str | None = None,
        limit: int,
        cursor: str | None = None,
    ) -> OverviewPage:
        """Return a page of sessions as lists show them, newest first. Its arguments are those of `sessions`.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        return await self._database.read(
            lambda connection: read_overviews(
                connection, kind=kind, status=status, query=query, limit=limit, cursor=cursor
            )
        )

    async def list_marker(self) -> str:
        """Return a text that changes when anything does that a list of sessions shows."""
        return await self._database.read(marker_of_list)

    async def attempts(self, session_id: str) -> Sequence[LedgerEntry]:
        """Return the ledger of a session, oldest first."""
        return await self._database.read(lambda connection: entries_of(connection, session_id))

    async def attempt(self, session_id: str, *, item: str, attempt: int) -> LedgerEntry | None:
        """Return one ledger entry, or None."""
        return await self._database.read(
            lambda connection: entry_of(connection, session_id, item=item, attempt=attempt)
        )

    async def clock(self) -> datetime:
        """Return the moment by the database's clock, which changes are stamped with."""
        return await self._database.read(clock_of)

    async def changed_since(self, moment: datetime, *, limit: int) -> Sequence[AttemptChange]:
        """Return the ledger entries that were written or changed at or after a moment, in that order.

        Args:
            moment: one of the database's clock, best a change's own ``updated_at`` less a second or two: an entry
                can become visible a little after others that were written later.
            limit: how many at most. The rest is at or after the last one's ``updated_at``.
        """
        return await self._database.read(lambda connection: changes_since(connection, moment, limit=limit))

    async def spent_since(self, moment: datetime) -> int:
        """Return what attempts that began at a moment or later have cost, in micro-dollars.

        Uncertain ones count at their worst case; those that run have no cost yet.
        """
        return await self._database.read(lambda connection: spent_since(connection, moment))

    async def costs(self, period: Period, *, by: CostBy, limit: int, cursor: str | None = None) -> CostPage:
        """Return the sums of the attempts that began in a period.

        Args:
            period: from when until when.
            by: what the sums are taken by. Models and sessions come dearest first.
            limit: how many models or sessions at most; there are few days and kinds, so all of them are returned.
            cursor: where the page before ended. Amounts that change meanwhile may show a row twice, or not at all.

        Raises:
            InvalidCursorError: the cursor is not one of this list.
        """
        return await self._database.read(
            lambda connection: costs_of(connection, period, by=by, limit=limit, cursor=cursor)
        )

    async def recorded_calls(self, model: str, *, kind: SessionKind, limit: int) -> Sequence[RecordedCall]:
        """Return those of a model's newest complete attempts that belong to a kind and whose usage was told.

        Args:
            model: the name under which it was asked for.
            kind: of the attempts' sessions.
            limit: how many attempts are looked at, at most.
        """
        return await self._database.read(lambda connection: recorded_calls(connection, model, kind=kind, limit=limit))

    async def durations(self, model: str, *, limit: int) -> Sequence[AttemptDuration]:
        """Return how long a model's newest complete attempts took, at most so many."""
        return await self._database.read(lambda connection: durations_of_model(connection, model, limit=limit))

    async def record_delivery(self, delivery: Delivery) -> None:
        """Write an attempt at a callback down, unless it is there."""
        await self._database.write(
            lambda connection: write_delivery(connection, delivery), key=f"deliveries of {delivery.session_id}"
        )

    async def deliveries(self, session_id: str) -> Sequence[Delivery]:
        """Return every attempt to tell of a session, oldest first."""
        return await self._database.read(lambda connection: deliveries_of(connection, session_id))

    async def session_counts(self) -> Sequence[SessionCount]:
        """Count sessions by kind and status."""
        return await self._database.read(count_sessions)

    async def attempt_counts(self) -> Sequence[AttemptCount]:
        """Count attempts by status and class of error."""
        return await self._database.read(count_attempts)
