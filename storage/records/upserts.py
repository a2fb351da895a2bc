"""INSERT … ON CONFLICT, which both databases have and SQLAlchemy keeps apart by dialect."""

from typing import Any

from sqlalchemy import Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

Insert = sqlite.Insert | postgresql.Insert


def insert_into(table: Table[Any], *, connection: AsyncConnection) -> Insert:
    """Return an INSERT that understands ON CONFLICT on the connection's database."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)
