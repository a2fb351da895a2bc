"""Pages of sessions, each promise on SQLite and on PostgreSQL."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from sqlalchemy import event
from temporalio.client import Client

from service.read import SessionReader
from sessions.present import session_view
from sessions.records import InvalidCursorError
from sessions.state import SessionState
from sessions.statuses import ItemStatus, SessionKind, SessionStatus
from storage.records.database import Database
from storage.records.repository import Records
from tests.unit.storage.histories import START, entry_of, new_state

pytest_plugins = ["tests.support.databases"]

Result = TypeVar("Result")


async def states_started(records: Records, *, count: int) -> list[SessionState]:
    """Start sessions, the newest first; every second one in the same moment as the one before."""
    states = [new_state(created_at=START - timedelta(minutes=number // 2)) for number in range(count)]
    for state in states:
        await records.create_session(state, request_sha256="d", start="{}")
    return sorted(states, key=lambda state: (state.created_at, state.id), reverse=True)


async def test_every_session_once(records: Records) -> None:
    """Page after page shows every session once, newest first, though new ones come in between."""
    states = await states_started(records, count=7)
    shown: list[str] = []
    cursor = None
    while True:
        page = await records.sessions(limit=3, cursor=cursor)
        shown += [record.state.id for record in page.sessions]
        await records.create_session(new_state(created_at=START + timedelta(hours=1)), request_sha256="d", start="{}")
        if (cursor := page.next_cursor) is None:
            break

    assert [state.id for state in states] == shown


async def test_exactly_full(records: Records) -> None:
    """A page that holds the last session names no next one."""
    await states_started(records, count=2)

    assert (await records.sessions(limit=2)).next_cursor is None


async def test_filters(records: Records) -> None:
    """Kind, status and title narrow the list together."""
    bottle = new_state(title="Steel Bottle")
    film = new_state(title="The steel bottle", kind=SessionKind.STORY)
    for state in (bottle, film, new_state(title="Mug")):
        await records.create_session(state, request_sha256="d", start="{}")
    await records.record_attempt(bottle.id, entry=entry_of(), item_status=ItemStatus.PROCESSING, max_attempts=3)

    async def found(query: str, *, kind: SessionKind | None = None, status: SessionStatus | None = None) -> set[str]:
        page = await records.sessions(query=query, kind=kind, status=status, limit=9)
        return {record.state.id for record in page.sessions}

    assert {bottle.id, film.id} == await found("STEEL bott")
    assert {film.id} == await found("steel", kind=SessionKind.STORY)
    assert {bottle.id} == await found("steel", status=SessionStatus.PROCESSING)
    assert set() == await found("steel", status=SessionStatus.PROCESSING, kind=SessionKind.STORY)
    assert 3 == len(await found(""))


@pytest.mark.parametrize(
    ("query", "title"), [("%", "100 % steel"), ("_", "a_b"), ("ÄPFEL", "Frische äpfel"), ("\\", "a\\b")]
)
async def test_search_is_for_text(records: Records, query: str, title: str) -> None:
    """Signs that mean something to a database mean themselves, and case does not matter in any alphabet."""
    state = new_state(title=title)
    for other in (state, new_state(title="Mug")):
        await records.create_session(other, request_sha256="d", start="{}")

    assert [state] == [record.state for record in (await records.sessions(query=query, limit=5)).sessions]


async def test_nul(records: Records) -> None:
    """A search for what no title can hold finds nothing, and is no error."""
    await states_started(records, count=1)

    assert () == (await records.sessions(query="a\0b", limit=5)).sessions


async def test_invalid_cursor(records: Records) -> None:
    """A made-up cursor is refused by a name of its own."""
    with pytest.raises(InvalidCursorError, match="Leave it out"):
        await records.sessions(limit=5, cursor="made-up")


async def test_others_are_not_held_up(records: Records, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is long work with sessions of a thousand items is done beside other requests, and after the transaction."""
    states = await states_started(records, count=3)
    for state in states:
        await records.record_attempt(state.id, entry=entry_of(), item_status=ItemStatus.PROCESSING, max_attempts=3)
    done: list[tuple[str, bool]] = []

    def noted(name: str, real: Callable[..., Result]) -> Callable[..., Result]:
        def call(*arguments: object, **options: object) -> Result:
            done.append((name, threading.current_thread() is threading.main_thread()))
            return real(*arguments, **options)

        return call

    def committed(_connection: object) -> None:
        done.append(("commit", True))

    monkeypatch.setattr(SessionState, "model_validate_json", noted("parse", SessionState.model_validate_json))
    monkeypatch.setattr("service.read.session_view", noted("view", session_view))
    event.listen(database._engine.sync_engine, "commit", committed)
    reader = SessionReader(client=await Client.connect("127.0.0.1:1", lazy=True), records=records, ui_url=None)
    shown = await reader.sessions(limit=3)

    assert [state.id for state in states] == [view.id for view in shown.sessions]
    assert [("commit", True), *[("parse", False)] * 3, *[("view", False)] * 3] == done
