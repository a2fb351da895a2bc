"""What lists show of sessions, on SQLite and on PostgreSQL."""

from datetime import timedelta

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from sessions.identifiers import new_session_id
from sessions.overviews import MOST_THUMBNAILS
from sessions.present import session_view
from sessions.records import InvalidCursorError
from sessions.state import SessionState, item_started, session_closed
from sessions.statuses import AttemptStatus, ItemStatus, SessionKind, SessionStatus
from storage.records.database import Database
from storage.records.migrate import MIGRATIONS, upgrade
from storage.records.repository import Records
from tests.unit.storage.histories import START, AttemptCall, History, entry_of, new_state

pytest_plugins = ["tests.support.databases"]

RUNNING, COMPLETE, FAILED, UNCERTAIN = AttemptStatus
KEYS = tuple(f"item-{number}" for number in range(9))


async def _created(records: Records, state: SessionState) -> SessionState:
    await records.create_session(state, request_sha256="d", start="{}")
    return state


async def _attempted(records: Records, session_id: str, item: str, **fields: object) -> None:
    entry = entry_of(item, **fields)  # type: ignore[arg-type]  # the test names what entry_of takes
    status = ItemStatus.COMPLETE if entry.status is COMPLETE else ItemStatus.PROCESSING
    await AttemptCall(session_id=session_id, entry=entry, item_status=status, max_attempts=3).apply(records)


async def test_figures(records: Records) -> None:
    """A session is shown with its counts, its costs and its first pictures, as its attempts have recorded them."""
    state = await _created(records, new_state(*KEYS).model_copy(update={"estimated_microdollars": 270_000}))
    for number in (8, 5, 4, 3, 2, 1, 0):
        await _attempted(records, state.id, f"item-{number}", status=COMPLETE, cost_microdollars=10_000)
    await _attempted(records, state.id, "item-6", status=UNCERTAIN, cost_microdollars=40_000)

    [shown] = (await records.overviews(limit=5)).sessions

    assert (state.id, "Steel bottle", SessionKind.IMAGES) == (shown.id, shown.title, shown.kind)
    assert (SessionStatus.PROCESSING, False, START) == (shown.status, shown.paused, shown.created_at)
    assert {"total": 9, "pending": 1, "processing": 1, "complete": 7, "failed": 0, "cancelled": 0} == (
        shown.counts.model_dump()
    )
    assert (0.27, 0.07, 0.04) == (shown.cost_usd.estimated, shown.cost_usd.spent, shown.cost_usd.uncertain)
    assert [f"item-{number}" for number in range(MOST_THUMBNAILS)] == [picture.item for picture in shown.thumbnails]
    first = shown.thumbnails[0]
    assert ("Item-0", 1, 1024, 1024) == (first.label, first.attempt, first.width, first.height)


async def test_as_the_list_of_whole_sessions(records: Records) -> None:
    """What is shown of a session is what the whole session says."""
    history = History(state=new_state("main", "lifestyle", "packaging"))
    history.round_of("main", outcomes=[FAILED, COMPLETE])
    history.round_of("lifestyle", outcomes=[FAILED, FAILED, FAILED])
    handed_out = item_started(history.state, key="packaging", now=START).model_copy(update={"is_paused": True})
    await records.record_session(handed_out, entries=history.closed)
    [record] = (await records.sessions(limit=1)).sessions
    whole = session_view(record.state.model_copy(update={"spending": record.spending}), under_way={})

    [shown] = (await records.overviews(limit=1)).sessions

    for name in ("id", "title", "kind", "status", "paused", "counts", "created_at", "cost_usd"):
        assert getattr(whole, name) == getattr(shown, name), name


async def test_stories_have_no_pictures(records: Records) -> None:
    """A document is no picture."""
    state = await _created(records, new_state("outline", kind=SessionKind.STORY))
    await _attempted(records, state.id, "outline", status=COMPLETE)

    [shown] = (await records.overviews(limit=5)).sessions

    assert (1, ()) == (shown.counts.complete, shown.thumbnails)


async def test_pages(records: Records) -> None:
    """Pages follow each other, newest first, and hold what was asked for."""
    states = [
        await _created(
            records,
            new_state(
                title=f"Bottle {number}",
                kind=SessionKind.STORY if number % 2 else SessionKind.IMAGES,
                created_at=START + timedelta(seconds=number),
            ),
        )
        for number in range(5)
    ]
    seen, cursor = list[str](), None
    for _ in range(3):
        page = await records.overviews(limit=2, cursor=cursor)
        seen += [session.id for session in page.sessions]
        cursor = page.next_cursor

    assert [state.id for state in reversed(states)] == seen
    assert cursor is None
    found = await records.overviews(limit=9, kind=SessionKind.STORY, status=SessionStatus.PENDING, query="bottle 3")
    assert [states[3].id] == [session.id for session in found.sessions]
    assert () == (await records.overviews(limit=9, query="\0")).sessions
    with pytest.raises(InvalidCursorError):
        await records.overviews(limit=9, cursor="nonsense")


async def test_what_changes_the_marker(records: Records) -> None:
    """Whatever a list shows changes the marker, and nothing else does."""
    markers = [await records.list_marker()]

    async def is_new() -> bool:
        markers.append(await records.list_marker())
        return markers[-1] not in markers[:-1]

    assert not await is_new()
    state = await _created(records, new_state("main", "lifestyle"))
    assert await is_new()
    await records.session(state.id)
    await records.sessions(limit=5)
    assert not await is_new()
    await _attempted(records, state.id, "main")
    assert await is_new()
    await _attempted(records, state.id, "main", status=COMPLETE)
    assert await is_new()
    await records.record_session(state.model_copy(update={"is_paused": True, "revision": 9}), entries=())
    assert await is_new()
    await records.record_session(session_closed(state, now=START), entries=())
    assert not await is_new()
    await records.delete_session(state.id, kind=SessionKind.IMAGES)
    assert await is_new()
    await records.delete_session(new_session_id(), kind=SessionKind.IMAGES)
    assert await is_new()


async def test_sessions_of_before(records: Records, database: Database, database_url: str) -> None:
    """A database that is brought up to date shows the sessions it holds as if they had been written today."""
    paused = new_state(title='Says "is_paused":true').model_copy(
        update={"is_paused": True, "estimated_microdollars": 270_000}
    )
    await _created(records, paused)
    await _created(records, new_state(title='Says "is_paused":true', created_at=START + timedelta(seconds=1)))
    before = await records.overviews(limit=5)

    def go_back(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0005")

    await database.write(lambda connection: connection.run_sync(go_back), key="retakes schema")
    await upgrade(database_url)

    assert [False, True] == [session.paused for session in before.sessions]
    assert before == await records.overviews(limit=5)
