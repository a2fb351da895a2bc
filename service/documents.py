"""The documents of a story as the services read them: the versions that count, from the artifact store."""

from collections import OrderedDict
from collections.abc import Awaitable, Sequence
from typing import Final, TypeVar

from service.errors import ArtifactNotFoundError, OutOfReachError, WrongStateError
from sessions.artifacts import Artifact
from sessions.identifiers import artifact_key
from sessions.ports import ArtifactStore
from sessions.scripts import Outline, OutlinedPart
from sessions.stories import OUTLINE, part_number_of, set_number_of
from sessions.view import ItemView, SessionView

_MOST_KEPT_BYTES: Final = 16 * 2**20

Answer = TypeVar("Answer")


async def reached(asking: Awaitable[Answer]) -> Answer:
    """Return what the artifact store answers.

    Raises:
        ArtifactNotFoundError: what is asked for is not there.
        OutOfReachError: the store does not answer.
    """
    try:
        return await asking
    except FileNotFoundError as error:
        raise ArtifactNotFoundError(
            "The bytes are recorded, but they are no longer stored. Make the item again."
        ) from error
    except OSError as error:
        raise OutOfReachError("The artifacts cannot be read or written now. Try again in a moment.") from error


def outline_of(view: SessionView) -> ItemView:
    """Return the item that is the outline of a story."""
    return next(item for item in view.items if item.key == OUTLINE)


def sets_of(view: SessionView) -> Sequence[tuple[int, ItemView]]:
    """Return the items that are sets of a story, by number, in order."""
    return [(number, item) for item in view.items if (number := set_number_of(item.key)) is not None]


class StoryDocuments:
    """Reads what counts of the items of a story.

    Every method can raise:

    * `WrongStateError`: the item is not ready yet.
    * `ArtifactNotFoundError`: it is no longer stored.
    * `OutOfReachError`: the store does not answer.
    """

    def __init__(self, artifacts: ArtifactStore) -> None:
        self._artifacts = artifacts
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_bytes = 0

    async def read(self, view: SessionView, item: ItemView) -> bytes:
        """Return the bytes of an item."""
        if item.artifact is None or item.selected_attempt is None:
            raise WrongStateError(f"“{item.label}” is not ready yet; it is {item.status}.")
        artifact = Artifact(attempt=item.selected_attempt, **item.artifact.model_dump(exclude={"url"}))
        key = artifact_key(view.id, item=item.key, attempt=item.selected_attempt)
        return await reached(self._artifacts.read(key, artifact=artifact))

    async def kept(self, view: SessionView, item: ItemView) -> bytes:
        """Return the bytes of an item, without asking the store for what was read here not long ago.

        For pages that are shown again at every change of a session.
        """
        digest = item.artifact.sha256 if item.artifact else ""
        if digest in self._kept:
            self._kept.move_to_end(digest)
            return self._kept[digest]
        data = await self.read(view, item)
        if digest not in self._kept:  # somebody else may have read it meanwhile
            self._kept[digest] = data
            self._kept_bytes += len(data)
        while self._kept_bytes > _MOST_KEPT_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= len(oldest)
        return data

    async def outline(self, view: SessionView) -> Outline:
        """Return the outline as it is stored; that of a long story refers to its parts."""
        return Outline.model_validate_json(await self.kept(view, outline_of(view)))

    async def parts(self, view: SessionView) -> Sequence[OutlinedPart]:
        """Return the parts of a long story's outline, as far as they are ready."""
        ready = [item for item in view.items if part_number_of(item.key) is not None and item.artifact is not None]
        return [OutlinedPart.model_validate_json(await self.read(view, item)) for item in ready]
