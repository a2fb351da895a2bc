"""The versions of an item: everything that was made of it, and what each was made from."""

from collections.abc import Sequence
from typing import Protocol

from service.errors import OutOfReachError
from sessions.artifacts import Artifact
from sessions.identifiers import artifact_key
from sessions.links import content_path
from sessions.ports import ArtifactStore
from sessions.variations import variation_for
from sessions.view import ArtifactView, SessionView, VersionView


class Reading(Protocol):
    """Reads sessions, as `service.read.SessionReader` does."""

    async def session(self, session_id: str) -> SessionView:
        """Return a session."""
        ...

    async def made(self, session_id: str, *, item: str) -> Sequence[Artifact]:
        """Return every version of an item, oldest first."""
        ...


class Versions:
    """Tells of the versions of items."""

    def __init__(self, *, reader: Reading, artifacts: ArtifactStore) -> None:
        self._reader = reader
        self._artifacts = artifacts

    async def versions(self, session_id: str, *, item: str) -> Sequence[VersionView]:
        """Return the versions of an item, oldest first.

        Raises:
            SessionNotFoundError: there is no such session.
            ArtifactNotFoundError: there is no such item.
            OutOfReachError: what it is read from does not answer.
        """
        made = await self._reader.made(session_id, item=item)
        view = await self._reader.session(session_id)
        selected = next((shown.selected_attempt for shown in view.items if shown.key == item), None)
        return [
            VersionView(
                attempt=version.attempt,
                artifact=ArtifactView(
                    url=content_path(session_id, item=item, attempt=version.attempt),
                    **version.model_dump(exclude={"attempt"}),
                ),
                is_selected=version.attempt == selected,
                variation=variation_for(version.attempt),
                prompt=await self._prompt(session_id, item=item, attempt=version.attempt),
            )
            for version in made
        ]

    async def _prompt(self, session_id: str, *, item: str, attempt: int) -> str | None:
        try:
            receipt = await self._artifacts.find(artifact_key(session_id, item=item, attempt=attempt))
        except OSError as error:
            raise OutOfReachError("The artifacts cannot be read now. Try again in a moment.") from error
        return receipt.prompt if receipt else None
