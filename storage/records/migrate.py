"""Bringing a database's schema up to date, and finding out whether it is.

A change of the tables is one more file in ``migrations/versions``; files that were released are never changed.
"""

from datetime import timedelta
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records.database import Database, database_address

_PATIENCE = timedelta(minutes=10)
MIGRATIONS = Path(__file__).parent / "migrations"


async def upgrade(url: str) -> None:
    """Bring a database to the newest schema, creating SQLite's file where there is none.

    Safe for several processes at once: one does it, the others wait and find it done. All or nothing.

    Raises:
        RecordsOutOfReachError: the database does not answer.
        ValueError: as `database_address` does.
    """
    address = database_address(url)
    if address.get_backend_name() == "sqlite" and address.database:
        Path(address.database).parent.mkdir(parents=True, exist_ok=True)
    database = Database(url, patience=_PATIENCE)
    try:
        await database.write(lambda connection: connection.run_sync(_upgrade), key="retakes schema")
    finally:
        await database.close()


async def is_current(database: Database) -> bool:
    """Whether the database has the schema that this version of the code works with.

    Raises:
        RecordsOutOfReachError: the database does not answer.
    """
    newest = ScriptDirectory(str(MIGRATIONS)).get_heads()

    async def heads(connection: AsyncConnection) -> tuple[str, ...]:
        return await connection.run_sync(_heads)

    return set(newest) == set(await database.read(heads))


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _heads(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()
