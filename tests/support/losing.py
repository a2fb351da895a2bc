"""Records that have lost something. Apart from the databases, which are a plugin of tests."""

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.records.database import Database
from storage.records.tables import attempts, sessions


async def forget_session(database: Database, session_id: str) -> None:
    """Lose what is written down of a session, as when the records were restored from an older backup."""

    async def lose(connection: AsyncConnection) -> None:
        for table, column in ((attempts, attempts.c.session_id), (sessions, sessions.c.id)):
            await connection.execute(delete(table).where(column == session_id))

    await database.write(lose, key=session_id)
