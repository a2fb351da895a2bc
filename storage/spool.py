"""What the artifact store does not take waits on the worker's own disk, so that a crash meanwhile loses nothing."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self

from sessions.artifacts import Artifact, Receipt
from storage.artifacts import StoredArtifacts
from storage.objects import Objects

_QUICK = timedelta(seconds=1)
"""What the store has not taken by then is set aside, while it may still take it: one that hangs tells nothing."""
_KEPT = timedelta(days=1)
"""The attempts of a round follow one another within minutes. Nobody comes any more for what is older."""
_SWEEP_INTERVAL = timedelta(hours=1)

_logger = logging.getLogger("retakes.spool")


class SpooledArtifacts:
    """Artifacts in their store, which may be down: until it takes them they lie in a folder of this machine as well.

    Whoever looks for an artifact afterwards finds it, if it shares the folder: it is brought to the store first.
    Implements `ArtifactStore`. While it is entered, what nobody came for is removed. A folder that cannot be written
    is no error: then results wait in memory alone.
    """

    def __init__(self, artifacts: StoredArtifacts, *, folder: Path) -> None:
        self._artifacts = artifacts
        self._folder = folder
        self._sweeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._sweeping = asyncio.create_task(self._sweep(), name="sweep of the spool")
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._sweeping is not None:
            self._sweeping.cancel()
            with suppress(asyncio.CancelledError):
                await self._sweeping

    async def put(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        """Store bytes and their receipt. What the store refuses, or takes long to take, is set aside.

        Raises:
            OSError: the store fails. Ask again, or leave it to whoever looks for the artifact.
        """
        storing = asyncio.ensure_future(self._artifacts.put(key, data=data, receipt=receipt))
        try:
            await asyncio.wait({storing}, timeout=_QUICK.total_seconds())
            if not storing.done() or storing.exception() is not None:
                await self._set_aside(key, data=data, receipt=receipt)
            await storing
        finally:
            storing.cancel()
        await self._forget(key, artifact=receipt.artifact)

    async def find(self, key: str) -> Receipt | None:
        """Return the receipt of what is stored or set aside under a key, or None.

        Raises:
            OSError: the store fails. That something was set aside is no answer yet: it is not in its place.
        """
        return await self._artifacts.find(key) or await self._brought(key)

    async def read(self, key: str, *, artifact: Artifact) -> bytes:
        """Return the bytes of an artifact.

        Raises:
            FileNotFoundError: they are not in the store.
            OSError: the store fails.
        """
        return await self._artifacts.read(key, artifact=artifact)

    async def delete_prefix(self, prefix: str) -> None:
        """Delete everything whose key begins with a prefix that ends in ``/``. Safe to repeat.

        Raises:
            OSError: the store or the folder fails.
        """
        await self._artifacts.delete_prefix(prefix)
        if self._folder.exists():
            await self._spool().delete_prefix(prefix)

    def _spool(self) -> StoredArtifacts:
        """Return what lies in the folder, which is made if missing. Raises `OSError`."""
        return StoredArtifacts(Objects(self._folder.as_uri()))

    async def _set_aside(self, key: str, *, data: bytes, receipt: Receipt) -> None:
        try:
            spool = self._spool()
            if await spool.find(key) == receipt:
                return  # by an earlier try
            await spool.put(key, data=data, receipt=receipt)
        except OSError as error:
            _logger.warning("a result cannot be set aside: a crash would lose it", extra=_told(key, error=error))
        else:
            _logger.info("the store does not take a result, which is set aside", extra=_told(key))

    async def _brought(self, key: str) -> Receipt | None:
        """Bring what was set aside to the store, and return its receipt; None where nothing was."""
        if not self._folder.exists():
            return None
        try:
            spool = self._spool()
            receipt = await spool.find(key)
            data = await spool.read(key, artifact=receipt.artifact) if receipt is not None else b""
        except FileNotFoundError:
            return await self._artifacts.find(key)  # somebody else has just brought it
        except OSError as error:
            _logger.warning("what was set aside cannot be read", extra=_told(key, error=error))
            return None
        if receipt is None:
            return None
        await self._artifacts.put(key, data=data, receipt=receipt)
        _logger.info("a result that was set aside is in its place", extra=_told(key))
        await self._forget(key, artifact=receipt.artifact)
        return receipt

    async def _forget(self, key: str, *, artifact: Artifact) -> None:
        if not self._folder.exists():
            return
        try:
            await self._spool().delete(key, artifact=artifact)
        except OSError as error:
            _logger.warning("what was set aside cannot be removed", extra=_told(key, error=error))

    async def _sweep(self) -> None:
        """Remove what nobody came for. Not at the start: after a long rest, attempts come for what is old."""
        while True:
            await asyncio.sleep(_SWEEP_INTERVAL.total_seconds())
            try:
                if self._folder.exists():
                    await Objects(self._folder.as_uri()).delete_older(than=datetime.now(UTC) - _KEPT)
            except OSError as error:
                _logger.warning("the spool cannot be swept", extra={"reason": str(error)})


def _told(key: str, *, error: OSError | None = None) -> dict[str, str]:
    return {"key": key} if error is None else {"key": key, "reason": str(error)}
