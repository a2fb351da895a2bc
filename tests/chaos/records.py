"""The records of a run, and ways to take them away for a while: never a byte of them is lost by it."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from tests.chaos.links import Port, Socket
from tests.chaos.scale import Records
from tests.support.databases import PostgresqlCluster, running_postgresql

# Another process, because SQLite's locks are between processes. It says so once it has the lock.
_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=30, isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
sys.stdin.read()
"""


class RecordsKeeper(Protocol):
    """Where records are, and how to stop them."""

    @property
    def url(self) -> str:
        """The address past every link, for whoever collects the evidence."""
        ...

    @property
    def behind(self) -> Port | Socket | None:
        """What the links to the records lead to, None where there is none."""
        ...

    def url_through(self, port: int) -> str:
        """Return the address for a part whose link listens on this port."""
        ...

    async def stop(self) -> None:
        """Let nobody write any more, whom they serve included."""
        ...

    async def go_on(self) -> None:
        """Serve again."""
        ...


class SqliteRecords:
    """One file. Stopped, another process holds its lock: nobody can write, and everybody waits."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._locker: Process | None = None

    @property
    def url(self) -> str:
        """The file."""
        return f"sqlite+aiosqlite:///{self._file}"

    @property
    def behind(self) -> None:
        """No link leads to a file."""
        return

    def url_through(self, _port: int) -> str:
        """Return the file's own address."""
        return self.url

    async def stop(self) -> None:
        """Take the lock."""
        self._locker = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _LOCK, str(self._file), stdin=PIPE, stdout=PIPE
        )
        assert self._locker.stdout is not None
        assert await self._locker.stdout.readline() == b"locked\n"

    async def go_on(self) -> None:
        """Let go of the lock."""
        locker, self._locker = self._locker, None
        if locker is not None:
            locker.kill()
            await locker.wait()


class PostgresqlRecords:
    """A server. Stopped, all of its processes stand still: connections stay, and nothing is answered."""

    def __init__(self, cluster: PostgresqlCluster) -> None:
        self._cluster = cluster
        self._url = cluster.create()
        self._frozen: tuple[int, ...] = ()

    @property
    def url(self) -> str:
        """Its database, by the server's own socket."""
        return self._url

    @property
    def behind(self) -> Socket:
        """The server's own socket."""
        return Socket(path=self._cluster.folder / ".s.PGSQL.5432")

    def url_through(self, port: int) -> str:
        """Return the database's address on a port."""
        name = self._url.partition("@/")[2].partition("?")[0]
        return f"postgresql://retakes@127.0.0.1:{port}/{name}"

    async def stop(self) -> None:
        """Have all of the server's processes stand still."""
        first = int((self._cluster.folder / "data" / "postmaster.pid").read_text().splitlines()[0])
        os.kill(first, signal.SIGSTOP)  # first of all, so that it starts no other meanwhile
        self._frozen = (first, *_children_of(first))
        for pid in self._frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    async def go_on(self) -> None:
        """Have them go on."""
        frozen, self._frozen = self._frozen, ()
        for pid in frozen:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _children_of(pid: int) -> tuple[int, ...]:
    return tuple(int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


@contextmanager
def kept_records(records: Records, *, folder: Path) -> Iterator[RecordsKeeper]:
    """Provide records of a kind until the block ends."""
    if records is Records.SQLITE:
        yield SqliteRecords(folder / "records.sqlite3")
        return
    with running_postgresql() as cluster:
        yield PostgresqlRecords(cluster)
