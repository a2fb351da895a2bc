"""The artifact store as attempts use it: asked for a while when it is down, since paying again costs more."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import TypeVar

from activities.patience import Patience
from sessions.artifacts import Artifact, Made, Receipt
from sessions.attempts import ItemTask
from sessions.errors import TransientFailure
from sessions.identifiers import artifact_key
from sessions.ports import ArtifactStore

_RETRY_INTERVAL = timedelta(seconds=1)
# A store that hangs is as good as down, and must not keep a stopping worker from ending for ever.
_LONGEST_CALL = timedelta(seconds=60)

Answer = TypeVar("Answer")

_logger = logging.getLogger("retakes.shelf")


class StoreDownError(Exception):
    """The store did not answer in all the time that was given to it."""


async def from_store(
    ask: Callable[[], Awaitable[Answer]], *, patience: timedelta, place: Mapping[str, object]
) -> Answer:
    """Return what the store answers, asking until it does or the patience is over.

    Args:
        ask: one call of the store.
        patience: for all calls together.
        place: whose call it is, for the log.

    Raises:
        FileNotFoundError: it answers that what is asked for is not there.
        StoreDownError: it does not answer.
    """
    left = Patience(patience)
    while True:
        try:
            async with asyncio.timeout(_LONGEST_CALL.total_seconds()):
                return await ask()
        except FileNotFoundError:
            raise
        except Exception as error:  # whatever the store suffers from
            if not left.is_left:
                raise StoreDownError from error
            _logger.warning("the artifact store is out of reach; trying again", extra={**place, "reason": repr(error)})
            await asyncio.sleep(_RETRY_INTERVAL.total_seconds())


class Shelf:
    """Where the results of one item lie."""

    def __init__(self, artifacts: ArtifactStore, *, task: ItemTask) -> None:
        self._artifacts = artifacts
        self._task = task

    async def find(self, number: int) -> Receipt | None:
        """Return what an attempt has left, None where there is nothing.

        Raises:
            StoreDownError: it cannot be told.
        """
        key = artifact_key(self._task.session_id, item=self._task.item, attempt=number)
        return await self._asked(lambda: self._artifacts.find(key))

    async def put(self, made: Made, *, number: int, prompt: str | None) -> Receipt:
        """Store what an attempt has made, and what from, where that is known.

        Raises:
            TransientFailure: the store stays down or full, so that the result is lost.
        """
        artifact = await asyncio.to_thread(lambda: Artifact.of(made, attempt=number))
        receipt = Receipt(
            artifact=artifact, model=made.model, request_id=made.request_id, usage=made.usage, prompt=prompt
        )
        key = artifact_key(self._task.session_id, item=self._task.item, attempt=number)
        try:
            await self._asked(lambda: self._artifacts.put(key, data=made.data, receipt=receipt))
        except (StoreDownError, FileNotFoundError) as error:
            raise TransientFailure(
                "The result could not be stored, so it is lost although it was paid for.",
                advice="Free space in the artifact store or make it writable, then retry.",
                request_id=made.request_id,
                usage=made.usage,
            ) from error
        return receipt

    async def _asked(self, ask: Callable[[], Awaitable[Answer]]) -> Answer:
        return await from_store(
            ask,
            patience=self._task.limits.storage_patience,
            place={"session_id": self._task.session_id, "item": self._task.item},
        )
