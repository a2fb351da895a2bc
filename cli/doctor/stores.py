"""Looks at what keeps things: the records' database, the artifact store, the disk."""

import asyncio
import os
import secrets
import shutil
from collections.abc import Awaitable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from cli.doctor.findings import Seen
from cli.doctor.words import in_one_line
from runtime.settings import Settings
from sessions.records import RecordsOutOfReachError
from storage.objects import Objects
from storage.records.database import Database, database_address
from storage.records.migrate import is_current

_ANSWER_WITHIN: Final = timedelta(seconds=2)
"""Letting go of a database whose other end is dead may take as long again."""
_PROBE: Final = b"written by retakes doctor"
_GIB: Final = 1024**3
_TIGHT: Final = _GIB
"""Below this, in bytes, it is time to make room: a picture takes 1 to 8 MB."""
_FULL: Final = _GIB // 10
_NOT_MADE: Final = "not made yet: the first start makes it"


class RecordsLook:
    """Looks at the records' database."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def look(self) -> Seen:
        """Look whether the database answers, lets us write, and has the schema of this version."""
        url = self._settings.database_url.get_secret_value()
        try:
            address = database_address(url)
        except ValueError as error:
            return Seen.wrong(f"RETAKES_DATABASE_URL {error}", advice="Correct it; see docs/settings.md.")
        is_sqlite = address.get_backend_name() == "sqlite"
        place = address.database if is_sqlite else f"{address.host or 'a socket'}/{address.database}"
        # Connecting would make the file.
        if is_sqlite and not await asyncio.to_thread(Path(address.database or "").is_file):
            return _not_made(f"{place} is {_NOT_MADE}", settings=self._settings, command="retakes db upgrade")
        database = Database(url, patience=_ANSWER_WITHIN)
        try:
            is_newest = await is_current(database)
            if is_newest:
                await database.write(lambda _: _nothing(), key="doctor")
        except (RecordsOutOfReachError, OSError) as error:
            return Seen.wrong(
                f"{place} can't be used ({in_one_line(str(error))})",
                advice="Check the database and RETAKES_DATABASE_URL; the file has to be writable."
                if is_sqlite
                else "Check that the database runs, and RETAKES_DATABASE_URL with its password.",
            )
        finally:
            await database.close()
        if not is_newest:
            return Seen.wrong(
                f"{place} answers, with another schema than this version of Retakes works with",
                advice="Run `retakes db upgrade`. If a newer version was here before, run that one.",
            )
        return Seen.ok(f"{place} answers, with the current schema")


class ArtifactLook:
    """Looks at the artifact store."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def look(self) -> Seen:
        """Write a small object, read it back and delete it."""
        url = self._settings.artifacts_url
        place = unquote(urlsplit(url).path) if url.startswith("file://") else url
        # Opening would make the folder.
        if url.startswith("file://") and not await asyncio.to_thread(Path(place).exists):
            return _not_made(f"{place} is {_NOT_MADE}", settings=self._settings, command="retakes worker")
        path = f"doctor/{secrets.token_hex(8)}"
        try:
            objects = await asyncio.to_thread(Objects, url)
            try:
                await objects.put(path, data=_PROBE)
                is_the_same = await objects.read(path) == _PROBE
            finally:
                with suppress(OSError):  # the first failure is the one to tell
                    await objects.delete(path)
            is_gone = await objects.size(path) is None
        except (OSError, ValueError) as error:
            return Seen.wrong(
                f"{place} can't be written or read ({in_one_line(str(error))})",
                advice="Let the worker's user read and write the folder, and look whether the disk is full."
                if url.startswith("file://")
                else "Check the bucket, its region and endpoint, and that the keys (AWS_…) may read, write and delete.",
            )
        if not is_the_same:
            return Seen.wrong(f"{place} gives back other bytes than were written", advice="Look at the store itself.")
        if not is_gone:
            return Seen.warning(
                f"{place} can be written and read, but not deleted from",
                advice="Let the keys delete objects, or sessions can't be removed.",
            )
        return Seen.ok(f"{place}: an object was written, read back and deleted")


class DiskLook:
    """Looks at the disk of the data folder."""

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir

    async def look(self) -> Seen:
        """Look how much room is left."""
        existing = next(folder for folder in (self._folder, *self._folder.parents) if folder.exists())
        if not os.access(existing, os.W_OK | os.X_OK):
            return Seen.wrong(
                f"{existing} is not writable", advice="Let this user write there, or set RETAKES_DATA_DIR."
            )
        try:
            room = await asyncio.to_thread(shutil.disk_usage, existing)
        except OSError as error:
            return Seen.skipped(f"the room for {self._folder} can't be told ({error.strerror})")
        seen = f"{room.free / _GIB:.1f} GiB are free for {self._folder}"
        if room.free < _FULL:
            return Seen.wrong(seen, advice="Make room now: attempts wait for the store, and then fail.")
        if room.free < _TIGHT:
            return Seen.warning(seen, advice="Make room soon: a picture takes 1 to 8 MB.")
        return Seen.ok(seen)


def _not_made(seen: str, *, settings: Settings, command: str) -> Seen:
    if settings.embedded_temporal:
        return Seen.skipped(seen)
    return Seen.wrong(seen, advice=f"Run `{command}` here, or correct the setting if it should be there.")


def _nothing() -> Awaitable[None]:
    return asyncio.sleep(0)
