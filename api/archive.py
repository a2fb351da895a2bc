"""A session as one ZIP file, made while it is sent: at most one picture or set at a time is in memory."""

import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final

from stream_zip import NO_COMPRESSION_32, AsyncMemberFile, async_stream_zip

from api.files import marketplace_name
from api.services import ArtifactReading
from sessions.artifacts import Artifact, Made
from sessions.identifiers import artifact_key
from sessions.model import Value
from sessions.scripts import StoryMetadata, as_bytes
from sessions.statuses import SessionKind
from sessions.stories import OUTLINE, part_number_of, set_number_of
from sessions.story_files import metadata_file, outline_file, set_file
from sessions.view import AttemptView, ItemView, SessionView

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


def manifest_of(
    session: SessionView, *, attempts: Sequence[AttemptView], metadata: StoryMetadata | None = None
) -> Manifest:
    """Return the manifest of what a session has finished, in the order of its items.

    Args:
        session: what is archived.
        attempts: its ledger.
        metadata: of a story whose outline is ready, what is the same in all its sets: a file of its own.
    """
    own = (_metadata(metadata),) if metadata else ()
    title = metadata.title if metadata else session.title
    files = own + tuple(
        ArchivedFile(
            name=_name(item, position=position, session=session, title=title, media_type=item.artifact.media_type),
            item=item.key,
            artifact=Artifact(attempt=item.selected_attempt, **item.artifact.model_dump(exclude={"url"})),
        )
        for position, item in enumerate(session.items, start=1)
        if item.artifact is not None and item.selected_attempt is not None
    )
    return Manifest(session=session, attempts=tuple(attempts), files=files)


def _metadata(metadata: StoryMetadata) -> ArchivedFile:
    made = Made(data=as_bytes(metadata), media_type="application/json", model="")
    return ArchivedFile(name=metadata_file(metadata.title), item=OUTLINE, artifact=Artifact.of(made, attempt=1))


def _name(item: ItemView, *, position: int, session: SessionView, title: str, media_type: str) -> str:
    if session.kind is SessionKind.IMAGES:
        return marketplace_name(item.key, position=position, media_type=media_type)
    if (set_number := set_number_of(item.key)) is not None:
        return set_file(title, set_number=set_number)
    return outline_file(title, part_number=part_number_of(item.key))


async def archive_of(
    manifest: Manifest, *, artifacts: ArtifactReading, metadata: StoryMetadata | None = None
) -> AsyncIterator[bytes]:
    """Yield a ZIP file with everything that a manifest names, and the manifest itself at its end."""
    written = {metadata_file(metadata.title): as_bytes(metadata)} if metadata else {}
    async for chunk in async_stream_zip(_members(manifest, artifacts=artifacts, written=written)):
        yield chunk


async def _members(
    manifest: Manifest, *, artifacts: ArtifactReading, written: Mapping[str, bytes]
) -> AsyncIterator[AsyncMemberFile]:
    # The session's start, so that the same session gives the same file.
    moment = manifest.session.created_at
    for file in manifest.files:
        if file.name in written:
            yield file.name, moment, _MODE, NO_COMPRESSION_32, _once(written[file.name])
            continue
        key = artifact_key(manifest.session.id, item=file.item, attempt=file.artifact.attempt)
        chunks = await artifacts.open(key, artifact=file.artifact)
        # Pictures are compressed already, and stories are small.
        yield file.name, moment, _MODE, NO_COMPRESSION_32, chunks
    yield MANIFEST, moment, _MODE, NO_COMPRESSION_32, _once(manifest.model_dump_json(indent=2).encode())


async def _once(data: bytes) -> AsyncIterator[bytes]:
    yield data
