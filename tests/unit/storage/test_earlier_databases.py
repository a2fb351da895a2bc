"""A database that an earlier version has filled is brought up to date with all that is in it, and still read.

The rows were written by the versions themselves: `earlier/REVISION.json` holds what the product had recorded when that
revision was its newest. A new migration needs the rows of the revision before it.
"""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Boolean, Connection, DateTime, MetaData, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

import storage.records.migrate
from service.kinds import input_to_go_on
from sessions.present import session_view
from sessions.statuses import SessionStatus
from storage.records.database import Database
from storage.records.migrate import is_current, upgrade
from storage.records.repository import Records

pytest_plugins = ["tests.support.databases"]

EARLIER = Path(__file__).with_name("earlier")
MIGRATIONS = Path(storage.records.migrate.__file__).with_name("migrations")
SCRIPTS = ScriptDirectory(str(MIGRATIONS))
REVISIONS = [script.revision for script in reversed(list(SCRIPTS.walk_revisions()))]

Rows = dict[str, list[dict[str, Any]]]


def rows_of(revision: str) -> Rows:
    rows: Rows = json.loads((EARLIER / f"{revision}.json").read_text(encoding="utf-8"))
    return rows


async def filled(url: str, *, revision: str) -> None:
    """Make a database of an earlier version, with what that version has recorded."""

    def fill(connection: Connection) -> None:
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        tables = MetaData()
        tables.reflect(connection)
        for name, rows in rows_of(revision).items():
            table = tables.tables[name]
            connection.execute(insert(table), [_typed(table, row=row, url=url) for row in rows])

    database = Database(url)
    await database.write(lambda connection: connection.run_sync(fill), key="fill")
    await database.close()


def _typed(table: Table, *, row: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a row with values of the types that the columns have: SQLite wrote them as texts and numbers."""
    typed = dict(row)
    for column in table.columns:
        value = row[column.name]
        if value is not None and isinstance(column.type, DateTime):
            moment = datetime.fromisoformat(value)
            typed[column.name] = moment if url.startswith("sqlite") else moment.replace(tzinfo=UTC)
        elif value is not None and isinstance(column.type, Boolean):
            typed[column.name] = bool(value)
    return typed


async def kept(connection: AsyncConnection) -> dict[str, list[dict[str, Any]]]:
    """Return every row of every table, whatever columns there are."""

    def read(sync: Connection) -> dict[str, list[dict[str, Any]]]:
        tables = MetaData()
        tables.reflect(sync)
        return {
            table.name: [dict(row) for row in sync.execute(select(table).order_by(*table.primary_key)).mappings()]
            for table in tables.sorted_tables
            if table.name != "alembic_version"
        }

    return await connection.run_sync(read)


def test_every_revision_but_the_newest_has_left_rows() -> None:
    """A migration cannot be added without the proof that it keeps what was there."""
    assert set(REVISIONS[:-1]) <= {file.stem for file in EARLIER.glob("*.json")}


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_nothing_is_lost_on_the_way(empty_database_url: str, revision: str) -> None:
    """Every value of every row is the same after the migrations as before."""
    await filled(empty_database_url, revision=revision)
    database = Database(empty_database_url)
    before = await database.read(kept)
    assert not await is_current(database)
    await upgrade(empty_database_url)
    after = await database.read(kept)
    assert await is_current(database)
    await database.close()

    assert rows_of(revision).keys() <= before.keys()
    for table, rows in before.items():
        assert [{name: row[name] for name in old} for old, row in zip(rows, after[table], strict=True)] == rows


@pytest.mark.parametrize("revision", REVISIONS[:-1])
async def test_what_an_earlier_version_recorded_is_still_read(empty_database_url: str, revision: str) -> None:
    """Lists, sessions, ledgers, callbacks and what it takes to start a session again."""
    await filled(empty_database_url, revision=revision)
    await upgrade(empty_database_url)
    database = Database(empty_database_url)
    records = Records(database)
    rows = rows_of(revision)

    listed = (await records.sessions(limit=10)).sessions
    assert {row["id"] for row in rows["sessions"]} == {record.state.id for record in listed}
    for row in rows["sessions"]:
        record = await records.session(row["id"])
        assert record is not None
        assert record.start is not None
        view = session_view(record.state, under_way={}, temporal_link=None)
        items = {item["key"]: item["status"] for item in rows["items"] if item["session_id"] == row["id"]}
        assert (row["title"], row["status"], row["round"]) == (view.title, view.status, view.round)
        assert items == {item.key: item.status for item in view.items}
        assert record.state == input_to_go_on(record.start, state=record.state).state
        assert (await records.sessions(status=SessionStatus(row["status"]), limit=10)).sessions
        entries = await records.attempts(row["id"])
        told = [(entry["item"], entry["attempt"]) for entry in rows["attempts"] if entry["session_id"] == row["id"]]
        assert sorted(told) == sorted((entry.item, entry.attempt) for entry in entries)
        sent = [one for one in rows.get("deliveries", []) if one["session_id"] == row["id"]]
        assert len(sent) == len(await records.deliveries(row["id"]))
    await database.close()
