"""The database: one engine, short transactions, and an answer in bounded time even when there is none.

`RecordsOutOfReachError` stands for all that an operator can mend: the database did not answer in time, refused the
connection, is locked or full, or has no schema yet. Any other error is a fault of ours.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Any, TypeVar

import asyncpg
from sqlalchemy import URL, Connection, event, make_url, text
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from sessions.records import RecordsOutOfReachError

Answer = TypeVar("Answer")
Work = Callable[[AsyncConnection], Awaitable[Answer]]

DEFAULT_PATIENCE = timedelta(milliseconds=1500)
LONGEST_PATIENCE = timedelta(seconds=10)
"""That a single transaction may be given in place of the usual one."""

_DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
_POOL_SIZE = 5
_WRITES = "retakes_writes"
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))")
# SQLSTATE classes of PostgreSQL: connection lost, login refused, no such database, out of resources, stopped by an
# operator, system error; and the code of a missing table, which means that nobody has upgraded the schema yet.
_OUT_OF_REACH_STATES = ("08", "28", "3D", "53", "57", "58", "42P01")


def database_address(url: str) -> URL:
    """Return a database URL with the driver that is used here: ``sqlite:///path``, ``postgresql://user@host/name``.

    Raises:
        ValueError: it is no URL, or names another database or driver.
    """
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ValueError("is not a database URL such as sqlite:///path or postgresql://user@host/name") from error
    if address.drivername not in _DRIVERS:
        raise ValueError(f"names '{address.drivername}'; use sqlite:/// or postgresql://")
    return address.set(drivername=_DRIVERS[address.drivername])


class Database:
    """Owns the engine. Connects when first used.

    Args:
        url: as `database_address` takes it.
        patience: how long a transaction may take as a whole, waiting for its turn included, unless it is told.

    Raises:
        ValueError: as `database_address` does.
    """

    def __init__(self, url: str, *, patience: timedelta = DEFAULT_PATIENCE) -> None:
        address = database_address(url)
        self._patience = patience.total_seconds()
        self._is_sqlite = address.get_backend_name() == "sqlite"
        make_engine = _sqlite_engine if self._is_sqlite else _postgresql_engine
        self._engine = make_engine(address, patience=self._patience)
        self._writes = self._engine.execution_options(**{_WRITES: True})
        # SQLite's transactions are snapshots by themselves.
        snapshots = {} if self._is_sqlite else {"isolation_level": "REPEATABLE READ"}
        self._reads = self._engine.execution_options(**snapshots)
        # Writers of this process queue here, because SQLite's own queue is a sleep that grows to 100 ms.
        self._turn: AbstractAsyncContextManager[Any] = asyncio.Lock() if self._is_sqlite else nullcontext()
        self._left_behind: set[asyncio.Task[Any]] = set()

    async def close(self) -> None:
        """Close every connection."""
        if self._left_behind:
            await asyncio.wait(self._left_behind, timeout=self._patience)
        await self._engine.dispose()

    async def ping(self, *, patience: timedelta | None = None) -> None:
        """Find out whether the database answers.

        Raises:
            RecordsOutOfReachError: it does not.
        """

        async def ask(connection: AsyncConnection) -> None:
            await connection.execute(text("SELECT 1"))

        seconds = self._patience if patience is None else patience.total_seconds()
        await self._bounded(self._transaction(ask, engine=self._engine), seconds=seconds)

    async def read(self, work: Work[Answer]) -> Answer:
        """Run queries, all of which see the same state of the database.

        Raises:
            RecordsOutOfReachError: the database does not answer.
        """
        return await self._bounded(self._transaction(work, engine=self._reads), seconds=self._patience)

    async def write(self, work: Work[Answer], *, key: str, patience: timedelta | None = None) -> Answer:
        """Run a transaction and commit it. Of those with the same key, in any process, one runs at a time.

        Args:
            work: the transaction.
            key: what it is about.
            patience: how long it may take, at most `LONGEST_PATIENCE`; None for the usual. For an SQLite file that
                another process keeps locked nobody waits longer than usual.

        Raises:
            RecordsOutOfReachError: the database does not answer; whether anything was written is unknown.
        """
        seconds = self._patience if patience is None else patience.total_seconds()
        return await self._bounded(self._written(work, key=key), seconds=seconds)

    async def _written(self, work: Work[Answer], *, key: str) -> Answer:
        async def alone(connection: AsyncConnection) -> Answer:
            if not self._is_sqlite:  # there the whole file has one writer
                await connection.execute(_LOCK, {"key": key})
            return await work(connection)

        async with self._turn:
            return await self._transaction(alone, engine=self._writes)

    async def _transaction(self, work: Work[Answer], *, engine: AsyncEngine) -> Answer:
        with _translated_errors():
            async with engine.begin() as connection:
                return await work(connection)

    async def _bounded(self, work: Coroutine[Any, Any, Answer], *, seconds: float) -> Answer:
        """Return the result, or leave the work behind when it takes too long.

        ``asyncio.timeout`` would wait for the work to notice: letting go of a connection whose other end is dead
        takes the driver seconds that are not the caller's to wait.
        """
        task = asyncio.create_task(work)
        try:
            done, _ = await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            self._leave_behind(task)
            raise
        if done:
            return task.result()
        self._leave_behind(task)
        raise RecordsOutOfReachError(f"the database did not answer within {seconds:g} seconds")

    def _leave_behind(self, task: asyncio.Task[Any]) -> None:
        def forget(done: asyncio.Task[Any]) -> None:
            self._left_behind.discard(done)
            if not done.cancelled():
                done.exception()  # asked for, or asyncio reports it as never retrieved

        self._left_behind.add(task)
        task.add_done_callback(forget)
        task.cancel()


def _sqlite_engine(address: URL, *, patience: float) -> AsyncEngine:
    engine = create_async_engine(
        address,
        pool_size=_POOL_SIZE,
        pool_timeout=patience,
        hide_parameters=True,  # error messages end in logs, and parameters hold what people wrote
        connect_args={"timeout": patience},
    )
    event.listen(engine.sync_engine, "connect", _prepare_sqlite)
    event.listen(engine.sync_engine, "begin", _begin_in_sqlite)
    return engine


def _prepare_sqlite(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # the driver's own BEGIN comes late and never IMMEDIATE
    cursor = connection.cursor()
    for pragma in ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_in_sqlite(connection: Connection) -> None:
    # A transaction that reads before it writes cannot wait for its turn half-way: it has to take it at the start.
    is_writing = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if is_writing else "BEGIN")


def _postgresql_engine(address: URL, *, patience: float) -> AsyncEngine:
    # Whoever may take longer than usual may do so with one statement; the others are held to less by the patience
    # of their transaction.
    longest = max(patience, LONGEST_PATIENCE.total_seconds())
    return create_async_engine(
        address,
        pool_size=_POOL_SIZE,
        pool_timeout=longest,
        pool_pre_ping=True,
        hide_parameters=True,
        connect_args={
            "timeout": patience,
            "command_timeout": longest,
            "server_settings": {"application_name": "retakes"},
        },
    )


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn what a driver raises when its database is out of reach into the one error that says so."""
    try:
        yield
    except DBAPIError as error:
        if not _is_out_of_reach(error):
            raise
        raise RecordsOutOfReachError(str(error.orig)) from error
    # SQLAlchemy passes on what a new connection meets while it is set up, under the driver's own name.
    except (OSError, PoolTimeoutError, asyncpg.InterfaceError) as error:
        raise RecordsOutOfReachError(str(error) or type(error).__name__) from error
    except asyncpg.PostgresError as error:
        if not _is_out_of_reach_state(error):
            raise
        raise RecordsOutOfReachError(str(error)) from error


def _is_out_of_reach(error: DBAPIError) -> bool:
    if isinstance(error.__cause__, ValueError):  # asyncpg's word for a value that does not fit its column
        return False
    if isinstance(error, OperationalError | InterfaceError) or error.connection_invalidated:
        return True
    if type(error) is DatabaseError:  # SQLite's, for a file that is damaged or no database
        return True
    return _is_out_of_reach_state(error.orig)


def _is_out_of_reach_state(error: BaseException | None) -> bool:
    return (getattr(error, "sqlstate", None) or "").startswith(_OUT_OF_REACH_STATES)
