"""What is stored, as routes see it: failures of a store become refusals that say what to do."""

import logging
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager

from api.services import UploadRefusedError
from service.errors import ArtifactNotFoundError, OutOfReachError
from sessions.artifacts import Artifact
from sessions.uploads import Upload
from storage import uploads as kept
from storage.artifacts import StoredArtifacts
from storage.thumbnails import Thumbnails

_logger = logging.getLogger("retakes.api")


class ArtifactsInStore:
    """Artifacts as routes see them."""

    def __init__(self, artifacts: StoredArtifacts) -> None:
        self._artifacts = artifacts

    async def open(self, key: str, *, artifact: Artifact) -> AsyncIterator[bytes]:
        """Return the bytes of an artifact, in pieces."""
        with _reached("The artifacts cannot be read now. Try again in a moment."):
            try:
                return (await self._artifacts.open(key, artifact=artifact)).chunks
            except FileNotFoundError as error:
                raise ArtifactNotFoundError(
                    "The bytes are recorded, but they are no longer stored. Make the item again."
                ) from error


class ThumbnailsInStore:
    """Small copies as routes see them."""

    def __init__(self, thumbnails: Thumbnails) -> None:
        self._thumbnails = thumbnails

    async def thumbnail(self, key: str, *, artifact: Artifact) -> bytes:
        """Return a small copy of a stored picture."""
        with _reached("The artifacts cannot be read now. Try again in a moment."):
            try:
                return await self._thumbnails.of(key, artifact=artifact)
            except FileNotFoundError as error:
                raise ArtifactNotFoundError(
                    "There is no picture any more of which a small copy could be made."
                ) from error


class UploadsInStore:
    """Uploads as routes and the start of sessions see them."""

    def __init__(self, pictures: kept.UploadedPictures) -> None:
        self._pictures = pictures

    async def add(self, data: bytes) -> Upload:
        """Keep a picture."""
        with _reached("Pictures cannot be kept now. Try again in a moment."):
            try:
                upload = await self._pictures.add(data)
            except kept.UploadRefusedError as error:
                raise UploadRefusedError(str(error)) from error
        return Upload(
            id=upload.id, media_type=upload.media_type, width=upload.width, height=upload.height, bytes=upload.bytes
        )

    async def preview(self, upload_id: str) -> bytes:
        """Return a small copy of an uploaded picture."""
        with _reached("Pictures cannot be read now. Try again in a moment."):
            return await self._pictures.preview(upload_id)

    async def missing(self, upload_ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of these uploads that there are not."""
        with _reached("Uploads cannot be looked up now; nothing was started. Try again in a moment."):
            return await self._pictures.missing(upload_ids)


@contextmanager
def _reached(advice: str) -> Iterator[None]:
    """Turn the failure of a store into the refusal that it is for whoever asked."""
    try:
        yield
    except OSError as error:
        _logger.warning("a store failed: %s", error)
        raise OutOfReachError(advice) from error
