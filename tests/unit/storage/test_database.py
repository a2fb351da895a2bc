"""The database connection: an answer in bounded time, whatever is at its other end."""

import asyncio
import logging
import sqlite3
import struct
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from sessions.records import RecordsOutOfReachError
from sessions.statuses import ItemStatus
from storage.records.database import Database, database_address
from storage.records.repository import Records
from tests.support.eventually import eventually
from tests.unit.storage.histories import entry_of, new_state
from tests.unit.storage.relay import Relay

pytest_plugins = ["tests.support.databases"]

PATIENCE = timedelta(milliseconds=500)


@pytest_asyncio.fixture
async def relay(postgresql_url: str) -> AsyncIterator[Relay]:
    """A relay that listens in front of a fresh PostgreSQL database."""
    address = make_url(postgresql_url)
    # Not pytest's folder: the path of a socket has to be short.
    with tempfile.TemporaryDirectory(prefix="retakes-relay-") as folder:
        relay = Relay(server=Path(str(address.query["host"])), folder=Path(folder))
        async with relay.listening():
            yield relay


@pytest_asyncio.fixture
async def through_relay(relay: Relay, postgresql_url: str) -> AsyncIterator[Database]:
    """The database behind the relay, for somebody of little patience."""
    address = make_url(postgresql_url).set(query={"host": str(relay.folder)})
    database = Database(address.render_as_string(hide_password=False), patience=PATIENCE)
    yield database
    await database.close()


@contextmanager
def within(limit: timedelta) -> Iterator[None]:
    """Fail when the block takes longer."""
    began = time.monotonic()
    yield
    assert time.monotonic() - began < limit.total_seconds()


async def test_silent_server(relay: Relay, through_relay: Database) -> None:
    """A PostgreSQL that falls silent costs each call its patience and no more, and works again once it speaks."""
    records = Records(through_relay)
    state = new_state()
    await records.create_session(state, request_sha256="d", start="{}")
    relay.fall_silent()
    for call in (
        records.session(state.id),
        records.record_attempt(state.id, entry=entry_of(), item_status=ItemStatus.PROCESSING, max_attempts=3),
        through_relay.ping(),
    ):
        with within(2 * PATIENCE), pytest.raises(RecordsOutOfReachError, match="did not answer within"):
            await call
    relay.speak_again()

    async def answers() -> bool:
        try:
            return await records.session(state.id) is not None
        except RecordsOutOfReachError:
            return False

    await eventually(answers, timeout=timedelta(seconds=20))


async def test_hurried_ping(relay: Relay, through_relay: Database) -> None:
    """A readiness check waits no longer than it is told to."""
    relay.fall_silent()
    with within(PATIENCE), pytest.raises(RecordsOutOfReachError, match=r"within 0\.1 seconds"):
        await through_relay.ping(patience=timedelta(milliseconds=100))


async def test_giving_up(relay: Relay, through_relay: Database) -> None:
    """Whoever stops waiting is let go at once, although the server is silent."""
    relay.fall_silent()
    with within(PATIENCE), pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await Records(through_relay).session(new_state().id)


async def test_server_restarted(postgresql_url: str) -> None:
    """Connections that the server has ended in the meantime are replaced without anybody noticing."""
    database, other = Database(postgresql_url), Database(postgresql_url)
    await database.ping()

    async def end_all_others(connection: AsyncConnection) -> None:
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        await connection.execute(text(f"{ending} AND pid <> pg_backend_pid()"))

    await other.read(end_all_others)

    assert await Records(database).session(new_state().id) is None
    await database.close()
    await other.close()


async def test_nobody_there(tmp_path: Path) -> None:
    """A PostgreSQL that is not running is out of reach at once."""
    database = Database(f"postgresql://retakes@/none?host={tmp_path}")
    with within(timedelta(seconds=1)), pytest.raises(RecordsOutOfReachError, match="No such file"):
        await database.ping()
    await database.close()


async def test_unknown_database(postgresql_url: str) -> None:
    """A database that the server does not have is out of reach, and the error says so."""
    database = Database(make_url(postgresql_url).set(database="none").render_as_string())
    with pytest.raises(RecordsOutOfReachError, match='"none" does not exist'):
        await database.ping()
    await database.close()


async def test_without_schema(empty_database_url: str) -> None:
    """A database that was never migrated is out of reach rather than broken."""
    database = Database(empty_database_url)
    with pytest.raises(RecordsOutOfReachError, match="sessions"):
        await Records(database).session(new_state().id)
    await database.close()


async def test_locked_file(sqlite_url: str) -> None:
    """An SQLite file that somebody keeps locked is out of reach for writers, and readers go on reading."""
    database = Database(sqlite_url, patience=PATIENCE)
    records = Records(database)
    state = new_state()
    with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)) as somebody:
        somebody.execute("BEGIN IMMEDIATE")
        with within(2 * PATIENCE), pytest.raises(RecordsOutOfReachError):
            await records.create_session(state, request_sha256="d", start="{}")
        assert await records.session(state.id) is None
    await records.create_session(state, request_sha256="d", start="{}")
    assert await records.session(state.id) is not None
    await database.close()


async def test_no_database_file(tmp_path: Path) -> None:
    """A file that is no SQLite database is out of reach, and the error says so."""
    (tmp_path / "records.sqlite3").write_bytes(b"not a database at all" * 100)
    database = Database(f"sqlite:///{tmp_path / 'records.sqlite3'}")
    with pytest.raises(RecordsOutOfReachError, match="not a database"):
        await database.ping()
    await database.close()


async def test_all_or_nothing(database: Database) -> None:
    """A write that breaks half-way leaves nothing behind, and its error is not taken for an outage."""
    state = new_state()

    async def break_half_way(connection: AsyncConnection) -> None:
        await connection.execute(text("DELETE FROM sessions"))
        await connection.execute(text("INSERT INTO items (session_id) VALUES ('nobody')"))

    await Records(database).create_session(state, request_sha256="d", start="{}")
    with pytest.raises(DBAPIError):
        await database.write(break_half_way, key="k")

    assert await Records(database).session(state.id) is not None


async def test_no_words_in_errors(database: Database, caplog: pytest.LogCaptureFixture) -> None:
    """What people wrote is in no error message: those end in logs."""
    caplog.set_level(logging.DEBUG)

    async def break_it(connection: AsyncConnection) -> None:
        await connection.execute(
            text("INSERT INTO items (session_id, label) VALUES (:id, :label)"), {"id": "x", "label": "secret words"}
        )

    with pytest.raises(DBAPIError) as caught:
        await database.write(break_it, key="k")

    assert "secret words" not in str(caught.value)


@pytest.mark.parametrize("url", ["mysql://host/name", "postgresql+psycopg://host/name", "records.db", ""])
def test_other_databases(url: str) -> None:
    """Another database, another driver or no URL at all is refused when it is configured."""
    with pytest.raises(ValueError, match=r"sqlite:///"):
        database_address(url)


def _message(kind: bytes, body: bytes) -> bytes:
    """Return a message of PostgreSQL's protocol."""
    return kind + struct.pack("!I", len(body) + 4) + body


async def _welcomes_and_leaves(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a client in, as PostgreSQL does, and be gone before it can ask for anything."""
    await reader.readexactly(8)  # whether TLS is to be had
    writer.write(b"N")
    await reader.read(10_000)
    writer.write(
        _message(b"R", struct.pack("!I", 0))
        + _message(b"S", b"server_version\0" + b"15.0\0")
        + _message(b"K", struct.pack("!II", 1, 1))
        + _message(b"Z", b"I")
    )
    await writer.drain()
    writer.close()


async def test_a_connection_that_is_lost_as_it_is_set_up_is_out_of_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's own errors, which nobody translates at that moment, are no fault of ours."""
    connect = asyncpg.connect

    async def connected_and_lost(*args: Any, **options: Any) -> Any:
        connection = await connect(*args, **options)
        await eventually(connection.is_closed)
        return connection

    monkeypatch.setattr(asyncpg, "connect", connected_and_lost)
    server = await asyncio.start_server(_welcomes_and_leaves, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    database = Database(f"postgresql://somebody@127.0.0.1:{port}/retakes")
    async with server:
        with pytest.raises(RecordsOutOfReachError):
            await database.ping()
        await database.close()
