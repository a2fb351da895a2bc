"""Object stores: a folder of this machine or an S3 bucket, by their URL."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

# The defaults are ten retries within three minutes: too long for an attempt, and for a person, to learn of an outage.
_RETRIES = 3
_RETRY_TIMEOUT = timedelta(seconds=20)
_CHUNK_BYTES = 256 * 1024
_LISTED = 1000


class ObjectStoreError(OSError):
    """The store does not work: full, not writable, out of reach, or refusing the credentials."""


@dataclass(frozen=True, kw_only=True)
class StoredBytes:
    """An object on its way: ``size`` in bytes, and chunks of about 256 KiB, which may raise `ObjectStoreError`."""

    size: int
    chunks: AsyncIterator[bytes]


class Objects:
    """Bytes by their path. Every method raises an `OSError` when the store fails; `ObjectStoreError` is one.

    Args:
        url: ``file:///folder``, which is made if missing, or ``s3://bucket/prefix``. S3's credentials, region and
            endpoint come from the environment, by their usual names (``AWS_ACCESS_KEY_ID``, ``AWS_ENDPOINT_URL``, …).

    Raises:
        ValueError: the URL names another kind of store.
        OSError: the folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self._store = _opened(url)
        self._url = url.rstrip("/")

    def location(self, path: str) -> str:
        """Return where an object is, or would be: its absolute path in a folder, its ``s3://`` address in a bucket."""
        if isinstance(self._store, LocalStore):
            return str(_folder(self._store) / path)
        return f"{self._url}/{path}"

    async def put(self, path: str, *, data: bytes) -> None:
        """Store bytes so that they are whole or not there, even after a power cut.

        A folder's files are staged and renamed, which protects from a killed process; the flush that protects from
        a power cut is not among the library's options.
        """
        with _one_error():
            await self._store.put_async(path, data, use_multipart=False)
        if isinstance(self._store, LocalStore):
            await asyncio.to_thread(_flush, _folder(self._store) / path)

    async def open(self, path: str) -> StoredBytes:
        """Begin to read an object.

        Raises:
            FileNotFoundError: it is not there.
        """
        with _one_error():
            answer = await self._store.get_async(path)

        async def chunks() -> AsyncIterator[bytes]:
            with _one_error():
                async for chunk in answer.stream(min_chunk_size=_CHUNK_BYTES):
                    yield bytes(chunk)

        return StoredBytes(size=answer.meta["size"], chunks=chunks())

    async def read(self, path: str) -> bytes:
        """Return an object.

        Raises:
            FileNotFoundError: it is not there.
        """
        with _one_error():
            answer = await self._store.get_async(path)
            return bytes(await answer.bytes_async())

    async def size(self, path: str) -> int | None:
        """Return the size of an object in bytes, or None where it is not there."""
        try:
            with _one_error():
                return (await self._store.head_async(path))["size"]
        except FileNotFoundError:
            return None

    async def paths(self, prefix: str) -> Sequence[str]:
        """Return the paths of what is below a prefix that ends in ``/``, in no order."""
        with _one_error():
            return [found["path"] async for listed in self._store.list(prefix, chunk_size=_LISTED) for found in listed]

    async def delete(self, path: str) -> None:
        """Delete an object. Safe to repeat."""
        with _one_error(), suppress(FileNotFoundError):
            await self._store.delete_async(path)

    async def delete_prefix(self, prefix: str) -> None:
        """Delete everything below a prefix that ends in ``/``. Safe to repeat."""
        with _one_error():
            async for listed in self._store.list(prefix, chunk_size=_LISTED):
                await self._store.delete_async([found["path"] for found in listed])

    async def delete_older(self, *, than: datetime) -> None:
        """Delete everything that was stored before a moment."""
        with _one_error():
            async for listed in self._store.list(chunk_size=_LISTED):
                await self._store.delete_async([found["path"] for found in listed if found["last_modified"] < than])

    async def check(self) -> None:
        """Find out whether the store can be read and written; the error says why not."""
        if isinstance(self._store, S3Store):
            with _one_error():
                await self._store.list_with_delimiter_async()
        elif not os.access(_folder(self._store), os.R_OK | os.W_OK | os.X_OK):
            raise ObjectStoreError(f"the folder {_folder(self._store)} is missing or not writable")


def _opened(url: str) -> LocalStore | S3Store:
    scheme = url.partition("://")[0]
    with _one_error():
        if scheme == "file":
            return LocalStore.from_url(url, mkdir=True, automatic_cleanup=True)
        if scheme == "s3":
            return S3Store.from_url(url, retry_config={"max_retries": _RETRIES, "retry_timeout": _RETRY_TIMEOUT})
    raise ValueError("is not the URL of an artifact store; use file:///folder or s3://bucket/prefix")


def _folder(store: LocalStore) -> Path:
    assert store.prefix is not None, "opened by a URL, which always has a path"  # noqa: S101 - narrows for the checker
    return store.prefix


def _flush(path: Path) -> None:
    for flushed in (path, path.parent):
        descriptor = os.open(flushed, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _one_error() -> Iterator[None]:
    """Turn the library's errors into one, whose message is their first line: the others are a dump."""
    try:
        yield
    except BaseError as error:
        raise ObjectStoreError(str(error).partition("\n")[0]) from error
