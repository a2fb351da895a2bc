"""Reads outlines for those who write by them: a worker writes many sets of one story, and reads its outline once."""

import asyncio
import logging
from collections import OrderedDict
from datetime import timedelta
from typing import TypeVar

from activities.patience import Patience
from sessions.artifacts import Artifact
from sessions.attempts import ItemTask
from sessions.errors import PermanentFailure, TransientFailure
from sessions.identifiers import artifact_key
from sessions.ports import ArtifactStore
from sessions.scripts import Outline, OutlinedPart
from sessions.stories import OUTLINE, part_key

_RETRY_INTERVAL = timedelta(seconds=1)
_LONGEST_READ = timedelta(seconds=60)
_KEPT = 32

Document = TypeVar("Document", Outline, OutlinedPart)

_logger = logging.getLogger("retakes.outlines")


class Outlines:
    """The outlines that a worker has read lately."""

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._kept: OrderedDict[tuple[str, str], Outline | OutlinedPart] = OrderedDict()

    def has(self, task: ItemTask, *, artifact: Artifact) -> bool:
        """Whether this worker has read the outline already."""
        return (artifact_key(task.session_id, item=OUTLINE, attempt=artifact.attempt), artifact.sha256) in self._kept

    async def outline(self, task: ItemTask, *, artifact: Artifact) -> Outline:
        """Return the outline of a task's story.

        Raises:
            TransientFailure: the store does not give it out.
            PermanentFailure: it is no longer there.
        """
        return await self._read(task, item=OUTLINE, artifact=artifact, document=Outline)

    async def part(self, task: ItemTask, *, part_number: int, artifact: Artifact) -> OutlinedPart:
        """Return the outline of a part of a task's story.

        Raises:
            TransientFailure: the store does not give it out.
            PermanentFailure: it is no longer there.
        """
        return await self._read(task, item=part_key(part_number), artifact=artifact, document=OutlinedPart)

    async def _read(self, task: ItemTask, *, item: str, artifact: Artifact, document: type[Document]) -> Document:
        key = artifact_key(task.session_id, item=item, attempt=artifact.attempt)
        known = self._kept.get((key, artifact.sha256))
        if not isinstance(known, document):
            known = document.model_validate_json(await self._bytes(key, artifact=artifact, task=task))
        self._kept[key, artifact.sha256] = known
        self._kept.move_to_end((key, artifact.sha256))
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        return known

    async def _bytes(self, key: str, *, artifact: Artifact, task: ItemTask) -> bytes:
        """Return what is stored. A store that is down is asked for a while: nothing can be written without it."""
        patience = Patience(task.limits.storage_patience)
        while True:
            try:
                async with asyncio.timeout(_LONGEST_READ.total_seconds()):
                    return await self._artifacts.read(key, artifact=artifact)
            except FileNotFoundError as error:
                raise PermanentFailure(
                    "The outline is recorded, but it is no longer stored.", advice="Start the story anew."
                ) from error
            except Exception as error:  # whatever the store suffers from
                if not patience.is_left:
                    raise TransientFailure(
                        "The outline cannot be read from the artifact store.",
                        advice="Bring the store back, then retry. Nothing was billed.",
                    ) from error
                _logger.warning(
                    "the outline cannot be read; trying again",
                    extra={"session_id": task.session_id, "item": task.item, "reason": repr(error)},
                )
                await asyncio.sleep(_RETRY_INTERVAL.total_seconds())
