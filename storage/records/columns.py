"""Column types and expressions that mean the same on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from typing import Generic, TypeVar

from pydantic import BaseModel
from sqlalchemy import DateTime, Dialect, String, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement

ModelT = TypeVar("ModelT", bound=BaseModel)


class UtcDateTime(TypeDecorator[datetime]):
    """A moment. Goes in with any time zone, comes out in UTC; SQLite has no zones, so there UTC is what is stored."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn a moment into what the database stores.

        Raises:
            ValueError: the moment has no time zone.
        """
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Turn what the database stores into a moment."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class AsJson(TypeDecorator[ModelT], Generic[ModelT]):
    """A pydantic value as JSON text.

    Text and not the databases' JSON types: pydantic reads and writes it in one go, and no query looks into it.
    """

    impl = String
    cache_ok = True

    def __init__(self, model: type[ModelT]) -> None:
        super().__init__()
        self.model = model

    def process_bind_param(self, value: ModelT | None, dialect: Dialect) -> str | None:
        """Turn the value into JSON."""
        return None if value is None else value.model_dump_json()

    def process_result_value(self, value: str | None, dialect: Dialect) -> ModelT | None:
        """Turn JSON into the value."""
        return None if value is None else self.model.model_validate_json(value)


class DatabaseNow(FunctionElement[datetime]):
    """The moment by the database's clock: the one clock that all processes share."""

    type = UtcDateTime()
    inherit_cache = True


@compiles(DatabaseNow, "sqlite")
def _now_in_sqlite(_element: DatabaseNow, _compiler: SQLCompiler, **_options: object) -> str:
    # %f is milliseconds; the zeros bring it to the width of the other moments, so that texts sort as times.
    return "strftime('%Y-%m-%d %H:%M:%f000', 'now')"


@compiles(DatabaseNow, "postgresql")
def _now_in_postgresql(_element: DatabaseNow, _compiler: SQLCompiler, **_options: object) -> str:
    # Not now(): that is when the transaction began, and a reader may have passed that moment before it commits.
    return "clock_timestamp()"
