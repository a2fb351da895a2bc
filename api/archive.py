"""A session as one ZIP file, made while it is sent: at most one picture at a time is in memory."""

import stat
from collections.abc import AsyncIterator, Sequence
from typing import Final

from stream_zip import NO_COMPRESSION_32, AsyncMemberFile, async_stream_zip

from api.files import marketplace_name
from api.services import ArtifactReading
from sessions.artifacts import Artifact
from sessions.identifiers import artifact_key
from sessions.model import Value
from sessions.view import AttemptView, SessionView

MANIFEST: Final = "manifest.json"

_MODE: Final = stat.S_IFREG | 0o644


class ArchivedFile(Value):
    """A file of the archive and what it came from."""

    name: str
    item: str
    artifact: Artifact


class Manifest(Value):
    """What is in an archive, and how it came about."""

    session: SessionView
    attempts: tuple[AttemptView, ...]
    files: tuple[ArchivedFile, ...]


def manifest_of(session: SessionView, *, attempts: Sequence[AttemptView]) -> Manifest:
    """Return the manifest of what a session has finished, in the order of its items."""
    files = tuple(
        ArchivedFile(
            name=marketplace_name(item.key, position=position, media_type=item.artifact.media_type),
            item=item.key,
            artifact=Artifact(attempt=item.selected_attempt, **item.artifact.model_dump(exclude={"url"})),
        )
        for position, item in enumerate(session.items, start=1)
        if item.artifact is not None and item.selected_attempt is not None
    )
    return Manifest(session=session, attempts=tuple(attempts), files=files)


async def archive_of(manifest: Manifest, *, artifacts: ArtifactReading) -> AsyncIterator[bytes]:
    """Yield a ZIP file with everything that a manifest names, and the manifest itself at its end."""
    async for chunk in async_stream_zip(_members(manifest, artifacts=artifacts)):
        yield chunk


async def _members(manifest: Manifest, *, artifacts: ArtifactReading) -> AsyncIterator[AsyncMemberFile]:
    # The session's start, so that the same session gives the same file.
    moment = manifest.session.created_at
    for file in manifest.files:
        key = artifact_key(manifest.session.id, item=file.item, attempt=file.artifact.attempt)
        chunks = await artifacts.open(key, artifact=file.artifact)
        # Pictures are compressed already.
        yield file.name, moment, _MODE, NO_COMPRESSION_32, chunks
    yield MANIFEST, moment, _MODE, NO_COMPRESSION_32, _once(manifest.model_dump_json(indent=2).encode())


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
