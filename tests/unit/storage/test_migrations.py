"""Migrations: what they build is what the code expects, whoever runs them, and however often at once."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records.database import Database
from storage.records.migrate import is_current, upgrade
from storage.records.tables import metadata

pytest_plugins = ["tests.support.databases"]


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, metadata))


async def test_agree_with_tables(database: Database) -> None:
    """A migrated database has exactly the tables, columns, types and indexes that the code describes."""
    assert [] == await database.read(lambda connection: connection.run_sync(_differences))


async def test_current(empty_database_url: str) -> None:
    """A database is current once it was migrated, stays so when that is repeated, and was not before."""
    database = Database(empty_database_url)
    before = await is_current(database)
    await upgrade(empty_database_url)
    await upgrade(empty_database_url)

    assert (False, True) == (before, await is_current(database))
    await database.close()


async def test_newer_schema(database: Database) -> None:
    """A database that a newer version has migrated is not current for this one."""

    async def pretend(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    await database.write(pretend, key="k")

    assert not await is_current(database)


async def test_processes_at_once(empty_database_url: str) -> None:
    """Processes that start together on an empty database all find it migrated; none breaks."""
    program = "import asyncio, sys; from storage.records.migrate import upgrade; asyncio.run(upgrade(sys.argv[1]))"
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, empty_database_url, stderr=asyncio.subprocess.PIPE
        )
        for _ in range(2)
    ]
    errors = [(await process.communicate())[1].decode() for process in processes]

    assert [0, 0] == [process.returncode for process in processes], errors
    database = Database(empty_database_url)
    assert await is_current(database)
    await database.close()


async def test_all_or_nothing(empty_database_url: str) -> None:
    """A migration that cannot be finished leaves the database as it was."""
    database = Database(empty_database_url)

    async def get_in_the_way(connection: AsyncConnection) -> None:
        await connection.execute(text("CREATE TABLE attempts (id INTEGER)"))

    async def tables(connection: AsyncConnection) -> set[str]:
        return set(await connection.run_sync(lambda sync: sync.dialect.get_table_names(sync)))

    await database.write(get_in_the_way, key="k")
    with pytest.raises(Exception, match="already exists"):
        await upgrade(empty_database_url)

    assert {"attempts"} == await database.read(tables)
    await database.close()


async def test_new_folder(tmp_path: Path) -> None:
    """The folder of an SQLite file is made when it is missing, and the file is fast: write-ahead, one sync per
    checkpoint."""
    path = tmp_path / "a folder" / "50 %" / "records.sqlite3"
    await upgrade(f"sqlite:///{path}")

    with closing(sqlite3.connect(path)) as connection:
        assert ("wal",) == connection.execute("PRAGMA journal_mode").fetchone()
