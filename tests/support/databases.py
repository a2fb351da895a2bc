"""Fresh, migrated databases for tests: an SQLite file each, and one each in a PostgreSQL started for the run."""

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio

from storage.records.database import Database
from storage.records.migrate import upgrade
from storage.records.repository import Records

_TEMPLATE = "migrated"
# Nothing in it outlives the run, so nothing has to reach the disk.
_FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=50"


@dataclass(frozen=True, kw_only=True)
class PostgresqlCluster:
    """A running PostgreSQL that listens on a socket in its own folder and nowhere else."""

    programs: Path
    folder: Path
    numbers: Iterator[int] = field(default_factory=count)

    def url(self, name: str) -> str:
        """Return the address of one of its databases."""
        return f"postgresql://retakes@/{name}?host={self.folder}"

    def create(self, *, template: str = _TEMPLATE) -> str:
        """Create a database and return its address."""
        name = f"test_{next(self.numbers)}"
        self.run("createdb", f"--host={self.folder}", "--username=retakes", f"--template={template}", name)
        return self.url(name)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs, as somebody it is willing to run for: never root."""
        account = pwd.getpwnam(_account())
        is_root = os.geteuid() == 0
        # Output goes to a file: the server inherits it, and a pipe would never be closed.
        with (self.folder / "programs.log").open("ab") as log:
            done = subprocess.run(
                [self.programs / program, *arguments],
                stdout=log,
                stderr=log,
                cwd=self.folder,
                check=False,
                user=account.pw_uid if is_root else None,
                group=account.pw_gid if is_root else None,
                extra_groups=[] if is_root else None,
            )
        if done.returncode:
            pytest.fail(f"{program} failed:\n{(self.folder / 'programs.log').read_text()}")


def _account() -> str:
    if os.geteuid() != 0:
        return pwd.getpwuid(os.geteuid()).pw_name
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


def _programs() -> Path:
    """Return the folder of the server's programs; skip the test where there is none, but never in CI."""
    folders = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)  # where Debian hides them
    if asked := shutil.which("pg_config"):
        folders.insert(0, Path(subprocess.check_output([asked, "--bindir"], text=True).strip()))
    for folder in folders:
        if (folder / "initdb").exists():
            return folder
    if os.environ.get("CI") == "true":
        pytest.fail("PostgreSQL is not installed, and CI must not pass without it (Debian: postgresql)")
    pytest.skip("PostgreSQL is not installed (Debian: postgresql)")


@contextmanager
def running_postgresql() -> Iterator[PostgresqlCluster]:
    """Run a PostgreSQL of its own until the block ends."""
    programs = _programs()
    # Not pytest's own folder: that is closed to other accounts, and its path too long for a socket.
    with tempfile.TemporaryDirectory(prefix="retakes-pg-", ignore_cleanup_errors=True) as name:
        cluster = PostgresqlCluster(programs=programs, folder=Path(name))
        shutil.chown(cluster.folder, user=_account())
        data = f"--pgdata={cluster.folder / 'data'}"
        cluster.run("initdb", data, "--username=retakes", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync")
        listening = f"{_FAST} -c listen_addresses='' -c unix_socket_directories={cluster.folder}"
        cluster.run("pg_ctl", "start", data, "--wait", f"--options={listening}")
        try:
            cluster.run("createdb", f"--host={cluster.folder}", "--username=retakes", _TEMPLATE)
            asyncio.run(upgrade(cluster.url(_TEMPLATE)))
            yield cluster
        finally:
            cluster.run("pg_ctl", "stop", data, "--mode=immediate")


@pytest.fixture(scope="session")
def postgresql_cluster() -> Iterator[PostgresqlCluster]:
    """A PostgreSQL that ends with the run."""
    with running_postgresql() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "migrated.sqlite3"
    asyncio.run(upgrade(f"sqlite:///{path}"))
    return path


@pytest.fixture
def sqlite_url(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The address of a fresh SQLite file with the newest schema."""
    path = tmp_path / "records.sqlite3"
    shutil.copyfile(migrated_sqlite, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgresql_url(postgresql_cluster: PostgresqlCluster) -> str:
    """The address of a fresh PostgreSQL database with the newest schema; its ``host`` is the socket's folder."""
    return postgresql_cluster.create()


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of a database without tables: each test runs on both kinds."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'records.sqlite3'}"
    cluster: PostgresqlCluster = request.getfixturevalue("postgresql_cluster")
    return cluster.create(template="template0")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh database with the newest schema: each test runs on both kinds."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A fresh database, open."""
    database = Database(database_url)
    yield database
    await database.close()


@pytest.fixture
def records(database: Database) -> Records:
    """Records in a fresh database."""
    return Records(database)
