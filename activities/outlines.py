"""Reads outlines for those who write by them: a worker writes many sets of one story, and reads its outline once."""

from collections import OrderedDict
from typing import TypeVar

from activities.shelf import StoreDownError, from_store
from sessions.artifacts import Artifact
from sessions.attempts import ItemTask
from sessions.errors import PermanentFailure, TransientFailure
from sessions.identifiers import artifact_key
from sessions.ports import ArtifactStore
from sessions.scripts import Outline, OutlinedPart
from sessions.stories import OUTLINE, part_key

_KEPT = 32

Document = TypeVar("Document", Outline, OutlinedPart)


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
        try:
            return await from_store(
                lambda: self._artifacts.read(key, artifact=artifact),
                patience=task.limits.storage_patience,
                place={"session_id": task.session_id, "item": task.item},
            )
        except FileNotFoundError as error:
            raise PermanentFailure(
                "The outline is recorded, but it is no longer stored.", advice="Start the story anew."
            ) from error
        except StoreDownError as error:
            raise TransientFailure(
                "The outline cannot be read from the artifact store.",
                advice="Bring the store back, then retry. Nothing was billed.",
            ) from error
