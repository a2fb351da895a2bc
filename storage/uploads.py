"""Reference photos that people upload, named by their content: the same bytes have the same id."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from imaging.inspect import NotAPictureError, PictureType, TooManyPixelsError
from imaging.photos import AnimationError, Photo, prepared_photo
from imaging.thumbnails import thumbnail
from sessions.identifiers import is_upload_id, upload_id_for
from sessions.ports import ReferencePicture
from storage.objects import Objects

MAX_BYTES = 20 * 1024 * 1024
MAX_PIXELS = 60_000_000
PREVIEW_SIDE = 320

# A picture of 60 megapixels takes 240 MB while it is looked at.
_AT_ONCE = 2


@dataclass(frozen=True, kw_only=True)
class Upload:
    """An uploaded picture. ``width`` and ``height`` are pixels and ``bytes`` its size, upright and as it is kept."""

    id: str
    media_type: str
    width: int
    height: int
    bytes: int


class UploadRefusedError(Exception):
    """The file cannot be a reference photo. The message says why and what to do."""


class UploadedPictures:
    """Uploads in an object store. Implements `ReferenceStore`.

    Every method raises an `OSError` when the store fails.
    """

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._turns = asyncio.Semaphore(_AT_ONCE)

    async def add(self, data: bytes) -> Upload:
        """Keep a picture, upright and without metadata: a phone writes into it where it was taken.

        Raises:
            UploadRefusedError: larger than 20 MB or 60 megapixels, an animation, damaged, or no JPEG, PNG or WebP.
        """
        if len(data) > MAX_BYTES:
            raise UploadRefusedError("The picture is larger than 20 MB. Scale it down and upload it again.")
        async with self._turns:
            upload_id, photo = await asyncio.to_thread(_identified, data)
        await self._objects.put(_path(upload_id), data=photo.data)
        return Upload(
            id=upload_id,
            media_type=photo.facts.media_type,
            width=photo.facts.width,
            height=photo.facts.height,
            bytes=len(photo.data),
        )

    async def load(self, upload_id: str) -> ReferencePicture:
        """Return an uploaded picture.

        Raises:
            KeyError: there is no such upload.
        """
        if not is_upload_id(upload_id):
            raise KeyError(upload_id)
        try:
            data = await self._objects.read(_path(upload_id))
        except FileNotFoundError as error:
            raise KeyError(upload_id) from error
        media_type = _type_of(data)
        return ReferencePicture(
            name=f"{upload_id}.{media_type.removeprefix('image/')}", media_type=media_type, data=data
        )

    async def preview(self, upload_id: str) -> bytes:
        """Return an uploaded picture as a small WebP.

        Raises:
            KeyError: there is no such upload.
        """
        picture = await self.load(upload_id)
        async with self._turns:
            return await asyncio.to_thread(thumbnail, picture.data, side=PREVIEW_SIDE)

    async def missing(self, upload_ids: Sequence[str]) -> tuple[str, ...]:
        """Return those of the ids that nothing was uploaded under, each once, in their order."""
        asked = tuple(dict.fromkeys(upload_ids))
        there = await asyncio.gather(*(self._is_there(upload_id) for upload_id in asked))
        return tuple(upload_id for upload_id, is_there in zip(asked, there, strict=True) if not is_there)

    async def _is_there(self, upload_id: str) -> bool:
        if not is_upload_id(upload_id):
            return False
        return await self._objects.size(_path(upload_id)) is not None


def _path(upload_id: str) -> str:
    return f"uploads/{upload_id}"


def _identified(data: bytes) -> tuple[str, Photo]:
    # Of the bytes as they came: they stay the same when a later version keeps pictures in another way.
    return upload_id_for(data), _photo(data)


def _photo(data: bytes) -> Photo:
    try:
        return prepared_photo(data, max_pixels=MAX_PIXELS)
    except TooManyPixelsError as error:
        raise UploadRefusedError(
            f"The picture has more than {MAX_PIXELS // 1_000_000} megapixels. Scale it down and upload it again."
        ) from error
    except AnimationError as error:
        raise UploadRefusedError("The picture is an animation. Upload a still picture.") from error
    except NotAPictureError as error:
        raise UploadRefusedError(
            "The file is damaged, or it is no JPEG, PNG or WebP picture whatever its name says. "
            "Save the picture as one of these and upload that."
        ) from error


def _type_of(kept: bytes) -> PictureType:
    """Return the type of a picture that was checked before it was kept, so that how it begins is enough."""
    if kept.startswith(b"\x89PNG"):
        return "image/png"
    return "image/jpeg" if kept.startswith(b"\xff\xd8") else "image/webp"
