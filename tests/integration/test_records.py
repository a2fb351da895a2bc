"""The records, each promise on SQLite and on PostgreSQL."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError

from sessions.errors import ErrorClass, ItemError
from sessions.identifiers import new_session_id
from sessions.money import Spending, Usage
from sessions.progress import RecordedItem
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus
from storage.records.database import Database
from storage.records.reading import AttemptCount, SessionCount
from storage.records.repository import Records
from storage.records.tables import sessions
from tests.unit.storage.histories import START, AttemptCall, History, artifact_of, entry_of, error_of, new_state

pytest_plugins = ["tests.support.databases"]

RUNNING, COMPLETE, FAILED, UNCERTAIN = AttemptStatus


async def attempt_recorded(
    records: Records,
    session_id: str,
    item: str = "main",
    *,
    attempt: int = 1,
    round_number: int = 1,
    status: AttemptStatus = RUNNING,
    item_status: ItemStatus = ItemStatus.PROCESSING,
    cost_microdollars: int = 0,
) -> None:
    entry = entry_of(
        item, attempt=attempt, round_number=round_number, status=status, cost_microdollars=cost_microdollars
    )
    call = AttemptCall(session_id=session_id, entry=entry, item_status=item_status, max_attempts=3 * round_number)
    await call.apply(records)


async def item_of(records: Records, session_id: str) -> RecordedItem:
    record = await records.session(session_id)
    assert record is not None
    return record.items[0]


async def statuses_listed(records: Records, *, status: SessionStatus) -> list[str]:
    return [record.state.id for record in (await records.sessions(status=status, limit=10)).sessions]


class TestSessions:
    async def test_started(self, records: Records) -> None:
        """A session that was started is there as it started, with what it takes to start it again."""
        state = new_state("main", "lifestyle")
        await records.create_session(state, request_sha256="d1", start='{"model": "gpt-image-2"}')

        record = await records.session(state.id)

        assert record is not None
        assert state == record.state
        assert ("d1", '{"model": "gpt-image-2"}') == (record.request_sha256, record.start)
        assert () == record.items
        assert Spending() == record.spending

    async def test_started_twice(self, records: Records) -> None:
        """Writing a start again changes nothing."""
        state = new_state()
        await records.create_session(state, request_sha256="d1", start="{}")
        await records.create_session(state, request_sha256="d2", start='{"other": 1}')

        record = await records.session(state.id)

        assert record is not None
        assert ("d1", "{}") == (record.request_sha256, record.start)

    async def test_worker_first(self, records: Records) -> None:
        """A session whose API died is made from what its worker knows, and its start can still come later."""
        history = History(state=new_state())
        started = history.state
        history.round_of("main", outcomes=[COMPLETE])
        await records.record_session(history.state, entries=history.closed)
        await records.create_session(started, request_sha256="d1", start="{}")

        record = await records.session(started.id)

        assert record is not None
        assert history.state == record.state
        assert "{}" == record.start
        assert history.closed == list(await records.attempts(started.id))

    async def test_revisions(self, records: Records) -> None:
        """An older state never replaces a newer one."""
        history = History(state=new_state())
        older = history.state
        history.round_of("main", outcomes=[FAILED, FAILED, FAILED])
        await records.record_session(history.state, entries=())
        await records.record_session(older, entries=())

        record = await records.session(older.id)

        assert record is not None
        assert history.state == record.state
        assert () == record.items
        assert [older.id] == await statuses_listed(records, status=SessionStatus.FAILED)

    async def test_unknown(self, records: Records) -> None:
        """What is not there is None, or empty, and no error."""
        nobody = new_session_id()

        assert await records.session(nobody) is None
        assert not await records.attempts(nobody)
        assert await records.attempt(nobody, item="main", attempt=1) is None
        assert await records.attempt(nobody, item="main", attempt=2**80) is None

    @pytest.mark.parametrize(
        "title", ["Fläschchen 🧴👩‍👩‍👧", "בקבוק פלדה", "'; DROP TABLE sessions; --", "100 % \\ _x_", "x" * 200]
    )
    async def test_titles(self, records: Records, title: str) -> None:
        """Any title that is let in comes out as it went in, and is found by its own text."""
        state = new_state(title=title)
        await records.create_session(state, request_sha256="d", start="{}")

        record = await records.session(state.id)

        assert record is not None
        assert title == record.state.title
        assert [state] == [found.state for found in (await records.sessions(query=title, limit=5)).sessions]

    async def test_time_zones(self, records: Records, database: Database) -> None:
        """A moment comes back as the same moment, in UTC, to the microsecond, from the columns as well."""
        kathmandu = timezone(timedelta(hours=5, minutes=45))
        state = new_state(created_at=START.astimezone(kathmandu))
        await records.create_session(state, request_sha256="d", start="{}")

        moment = await database.read(
            lambda connection: connection.scalar(select(sessions.c.created_at).where(sessions.c.id == state.id))
        )

        assert START == moment
        assert UTC is moment.tzinfo

    async def test_no_time_zone(self, records: Records) -> None:
        """A moment without a time zone is refused rather than guessed."""
        with pytest.raises(StatementError, match="has no time zone"):
            await records.changed_since(datetime(2026, 11, 21), limit=10)  # noqa: DTZ001 - the point of the test

    async def test_deleted(self, records: Records) -> None:
        """A deleted session leaves nothing behind, and its neighbour alone."""
        kept, gone = new_state(), new_state()
        for state in (kept, gone):
            await records.create_session(state, request_sha256="d", start="{}")
            await attempt_recorded(records, state.id)
        await records.delete_session(gone.id, kind=SessionKind.IMAGES)
        await records.delete_session(gone.id, kind=SessionKind.IMAGES)

        assert await records.session(gone.id) is None
        assert not await records.attempts(gone.id)
        assert await records.session(kept.id) is not None
        assert 1 == len(await records.attempts(kept.id))


class TestAttempts:
    async def test_running(self, records: Records) -> None:
        """The first attempt puts its item and its session to work."""
        state = new_state("main", "lifestyle")
        await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, state.id)

        item = await item_of(records, state.id)

        assert (ItemStatus.PROCESSING, 1, True) == (item.status, item.attempt, item.is_running)
        assert entry_of().started_at == item.updated_at
        assert [state.id] == await statuses_listed(records, status=SessionStatus.PROCESSING)
        assert [] == await statuses_listed(records, status=SessionStatus.PENDING)

    async def test_last_error(self, records: Records) -> None:
        """While an attempt runs, the error of the one before is still shown; success clears it."""
        state = new_state()
        await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, state.id)
        await attempt_recorded(records, state.id, status=FAILED)
        between = await item_of(records, state.id)
        await attempt_recorded(records, state.id, attempt=2)
        during = await item_of(records, state.id)
        await attempt_recorded(records, state.id, attempt=2, status=COMPLETE, item_status=ItemStatus.COMPLETE)
        after = await item_of(records, state.id)

        failure = ItemError(type=ErrorClass.CONTENT, message="attempt 1 went wrong", advice="Try again.")
        assert (failure, False, 1) == (between.error, between.is_running, between.attempt)
        assert (failure, True, 2) == (during.error, during.is_running, during.attempt)
        assert (None, False, artifact_of(2)) == (after.error, after.is_running, after.artifact)

    async def test_before_its_session(self, records: Records) -> None:
        """An attempt is written down even where its session is not, and counts once that is."""
        state = new_state()
        await attempt_recorded(records, state.id)
        assert [entry_of()] == list(await records.attempts(state.id))

        await records.create_session(state, request_sha256="d", start="{}")

        item = await item_of(records, state.id)
        assert (ItemStatus.PROCESSING, 1, True) == (item.status, item.attempt, item.is_running)
        assert [state.id] == await statuses_listed(records, status=SessionStatus.PROCESSING)

    async def test_ended_stays_ended(self, records: Records) -> None:
        """A running entry that comes late never reopens one that has ended."""
        state = new_state()
        await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, state.id, status=FAILED)
        await attempt_recorded(records, state.id)

        assert [entry_of(status=FAILED)] == list(await records.attempts(state.id))
        assert not (await item_of(records, state.id)).is_running

    async def test_reported_in_late(self, records: Records) -> None:
        """A worker that was given up for dead and reports in replaces the guess that was made about it."""
        state = new_state()
        await attempt_recorded(records, state.id, status=UNCERTAIN, cost_microdollars=9)
        await attempt_recorded(records, state.id, status=COMPLETE, item_status=ItemStatus.COMPLETE)
        await attempt_recorded(records, state.id, status=UNCERTAIN, cost_microdollars=9)

        assert entry_of(status=COMPLETE) == await records.attempt(state.id, item="main", attempt=1)

    @pytest.mark.parametrize("outcome", [ItemStatus.FAILED, ItemStatus.CANCELLED])
    async def test_late_for_a_settled_item(self, records: Records, outcome: ItemStatus) -> None:
        """What arrives after a session has settled goes into the ledger and moves nothing back."""
        history = History(state=new_state())
        if outcome is ItemStatus.FAILED:
            history.round_of("main", outcomes=[FAILED])
        else:
            history.cancelled()
        await records.record_session(history.state, entries=())
        await attempt_recorded(records, history.state.id, attempt=3)

        record = await records.session(history.state.id)

        assert record is not None
        assert () == record.items
        assert outcome is record.state.item("main").status
        assert 1 == len(await records.attempts(history.state.id))
        assert [history.state.id] == await statuses_listed(records, status=history.state.status)

    async def test_next_round(self, records: Records) -> None:
        """A session that was retried is at work again with its first new attempt, numbered on."""
        history = History(state=new_state("main", "lifestyle"))
        history.round_of("main", outcomes=[FAILED, FAILED, FAILED])
        history.round_of("lifestyle", outcomes=[COMPLETE])
        history.finished()
        await records.record_session(history.state, entries=history.closed)
        assert [history.state.id] == await statuses_listed(records, status=SessionStatus.PARTIAL)

        await attempt_recorded(records, history.state.id, attempt=4, round_number=2)

        item = await item_of(records, history.state.id)
        assert (ItemStatus.PROCESSING, 4, 2) == (item.status, item.attempt, item.round)
        assert error_of(history.closed[2]) == item.error
        assert [history.state.id] == await statuses_listed(records, status=SessionStatus.PROCESSING)

    async def test_settled_by_its_attempts(self, records: Records) -> None:
        """When all attempts have come to an end the session is listed so, even before its workflow says it."""
        state = new_state("main", "lifestyle")
        await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, state.id, status=COMPLETE, item_status=ItemStatus.COMPLETE)
        assert [state.id] == await statuses_listed(records, status=SessionStatus.PROCESSING)
        await attempt_recorded(records, state.id, "lifestyle", status=FAILED, item_status=ItemStatus.FAILED)

        assert [state.id] == await statuses_listed(records, status=SessionStatus.PARTIAL)

    async def test_oldest_first(self, records: Records) -> None:
        """The ledger reads in the order in which attempts began."""
        state = new_state("main", "lifestyle")
        for item, attempt in [("main", 2), ("lifestyle", 1), ("main", 1)]:
            await attempt_recorded(records, state.id, item, attempt=attempt)

        assert [("lifestyle", 1), ("main", 1), ("main", 2)] == [
            (entry.item, entry.attempt) for entry in await records.attempts(state.id)
        ]

    async def test_spending(self, records: Records) -> None:
        """Spending is the sum of the ledger, what may have been billed apart, and holds more than 2,147 dollars."""
        state = new_state("main", "lifestyle")
        await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, state.id, status=UNCERTAIN, cost_microdollars=500)
        await attempt_recorded(records, state.id, attempt=2, status=COMPLETE, cost_microdollars=3_000_000_000)
        await attempt_recorded(records, state.id, "lifestyle")

        record = await records.session(state.id)
        page = await records.sessions(limit=1)

        expected = Spending(
            usage=Usage(input_tokens=14, output_tokens=22, input_image_tokens=6),
            spent_microdollars=3_000_000_000,
            uncertain_microdollars=500,
        )
        assert record is not None
        assert [expected, expected] == [record.spending, page.sessions[0].spending]

    async def test_tail(self, records: Records) -> None:
        """Whoever follows the ledger sees each change once it is made, and nothing where nothing changed."""
        state = new_state()
        await attempt_recorded(records, state.id)
        (begun,) = await records.changed_since(START, limit=10)
        await attempt_recorded(records, state.id)
        assert [begun] == list(await records.changed_since(begun.updated_at, limit=10))

        await attempt_recorded(records, state.id, status=FAILED)
        (ended,) = await records.changed_since(begun.updated_at, limit=10)

        assert (state.id, "main", 1) == (ended.session_id, ended.item, ended.attempt)
        assert begun.updated_at <= ended.updated_at
        assert timedelta(minutes=1) > abs(datetime.now(UTC) - ended.updated_at)
        assert not await records.changed_since(ended.updated_at + timedelta(milliseconds=1), limit=10)

    async def test_tail_in_pages(self, records: Records) -> None:
        """However much was written, a query is small, and the next one goes on from the last change of this one."""
        before = await records.clock()
        state = new_state()
        for attempt in range(1, 6):
            await attempt_recorded(records, state.id, attempt=attempt)

        page = await records.changed_since(before - timedelta(milliseconds=1), limit=3)
        rest = await records.changed_since(page[-1].updated_at, limit=10)

        assert 3 == len(page)
        assert {1, 2, 3, 4, 5} == {change.attempt for change in (*page, *rest)}
        assert list(page) == sorted(page, key=lambda change: change.updated_at)
        assert not await records.changed_since(await records.clock() + timedelta(milliseconds=1), limit=10)

    async def test_evidence(self, records: Records) -> None:
        """Whoever takes an attempt over, or reports late, completes its entry and rewrites nothing of its beginning."""
        state = new_state()
        begun = entry_of()
        await records.record_attempt(state.id, entry=begun, item_status=ItemStatus.PROCESSING, max_attempts=3)
        taken_over = entry_of(status=COMPLETE, started_at=begun.started_at + timedelta(seconds=9)).model_copy(
            update={"worker": "worker-2", "prompt_sha256": "cd" * 32, "variation": "another"}
        )
        await records.record_attempt(state.id, entry=taken_over, item_status=ItemStatus.COMPLETE, max_attempts=3)

        (entry,) = await records.attempts(state.id)

        kept = ("started_at", "worker", "prompt_sha256", "variation")
        assert {name: getattr(begun, name) for name in kept} == {name: getattr(entry, name) for name in kept}
        assert (COMPLETE, taken_over.ended_at) == (entry.status, entry.ended_at)

    async def test_worst_case(self, records: Records) -> None:
        """An attempt that is entered as lost by somebody who knows no price of it counts at what it was reckoned at."""
        state = new_state()
        begun = entry_of().model_copy(update={"worst_case_microdollars": 900})
        await records.record_attempt(state.id, entry=begun, item_status=ItemStatus.PROCESSING, max_attempts=3)
        unpriced = begun.model_copy(update={"worst_case_microdollars": 0})
        throttled = unpriced.model_copy(update={"throttled_calls": 1})
        await records.record_attempt(state.id, entry=throttled, item_status=ItemStatus.PROCESSING, max_attempts=3)
        await records.record_session(state, entries=[unpriced.abandoned()])
        (given_up,) = await records.attempts(state.id)
        lost = unpriced.abandoned(noticed_at=START + timedelta(minutes=1))
        await records.record_attempt(state.id, entry=lost, item_status=ItemStatus.PROCESSING, max_attempts=3)
        (entry,) = await records.attempts(state.id)
        record = await records.session(state.id)

        assert (UNCERTAIN, 900, 900) == (
            given_up.status,
            given_up.cost_microdollars,
            given_up.worst_case_microdollars,
        )
        assert (UNCERTAIN, 900, 900) == (entry.status, entry.cost_microdollars, entry.worst_case_microdollars)
        assert record is not None
        assert Spending(uncertain_microdollars=900) == record.spending

    async def test_what_it_did_cost(self, records: Records) -> None:
        """Of an attempt whose price is known after all, that counts, less than the worst case or nothing at all."""
        state = new_state()
        begun = entry_of().model_copy(update={"worst_case_microdollars": 900})
        for attempt, status, cost in ((1, UNCERTAIN, 40), (2, COMPLETE, 50), (3, FAILED, 0)):
            entry = begun.model_copy(update={"attempt": attempt})
            await records.record_attempt(state.id, entry=entry, item_status=ItemStatus.PROCESSING, max_attempts=3)
            await attempt_recorded(records, state.id, attempt=attempt, status=status, cost_microdollars=cost)

        assert [(40, 900), (50, 900), (0, 900)] == [
            (entry.cost_microdollars, entry.worst_case_microdollars) for entry in await records.attempts(state.id)
        ]

    async def test_counts(self, records: Records) -> None:
        """Counts tell sessions by kind and status, and attempts by status and class of error."""
        story = new_state(kind=SessionKind.STORY)
        for state in (new_state(), new_state(), story):
            await records.create_session(state, request_sha256="d", start="{}")
        await attempt_recorded(records, story.id)
        await attempt_recorded(records, story.id, attempt=2, status=UNCERTAIN)

        assert {
            SessionCount(kind=SessionKind.IMAGES, status=SessionStatus.PENDING, count=2),
            SessionCount(kind=SessionKind.STORY, status=SessionStatus.PROCESSING, count=1),
        } == set(await records.session_counts())
        assert {
            AttemptCount(status=RUNNING, error_type=None, count=1),
            AttemptCount(status=UNCERTAIN, error_type=ErrorClass.UNCERTAIN, count=1),
        } == set(await records.attempt_counts())

    async def test_writers_at_once(self, database_url: str) -> None:
        """Workers that write about one session at the same moment lose nothing of each other."""
        state = new_state(*(f"item-{number}" for number in range(8)))
        databases = [Database(database_url, patience=timedelta(seconds=30)) for _ in range(3)]
        all_records = [Records(database) for database in databases]
        calls = [all_records[0].create_session(state, request_sha256="d", start="{}")]
        for number, item in enumerate(state.items):
            records = all_records[number % 3]
            calls += [
                attempt_recorded(records, state.id, item.key),
                attempt_recorded(records, state.id, item.key, status=COMPLETE, item_status=ItemStatus.COMPLETE),
            ]
        await asyncio.gather(*calls)

        record = await all_records[0].session(state.id)
        listed = await statuses_listed(all_records[0], status=SessionStatus.COMPLETE)
        for database in databases:
            await database.close()

        assert record is not None
        assert {ItemStatus.COMPLETE} == {item.status for item in record.items}
        assert [state.id] == listed
