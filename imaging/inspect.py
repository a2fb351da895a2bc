"""Whether bytes are a picture, found out by decoding all of it. Synchronous and CPU-bound: call it in a thread."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from PIL import Image, ImageFile, UnidentifiedImageError

PictureType = Literal["image/png", "image/jpeg", "image/webp", "image/gif"]

MAX_PIXELS = 60_000_000
"""Pixels that are decoded at most unless a caller says otherwise; as RGBA they take four bytes each."""

_MEDIA_TYPES: dict[str, PictureType] = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # what phones write: a JPEG with a preview or depth map appended
    "WEBP": "image/webp",
    "GIF": "image/gif",
}


@dataclass(frozen=True, kw_only=True)
class PictureFacts:
    """What a picture is by its content. ``width`` and ``height`` are pixels as stored, before any EXIF rotation."""

    media_type: PictureType
    width: int
    height: int


class NotAPictureError(Exception):
    """The bytes are no picture that can be decoded as a whole. The message says why."""


class TooManyPixelsError(NotAPictureError):
    """The picture has more pixels than are decoded; it was not tried."""


def inspect_picture(data: bytes, *, max_pixels: int = MAX_PIXELS) -> PictureFacts:
    """Decode a PNG, JPEG, WebP or GIF as a whole (of an animation: its first frame) and return what it is.

    Raises:
        NotAPictureError: empty, another format, damaged or cut off.
        TooManyPixelsError: width times height exceeds ``max_pixels``.
    """
    with decoded_picture(data, max_pixels=max_pixels) as image:
        return facts_of(image)


def facts_of(image: ImageFile.ImageFile) -> PictureFacts:
    """Return the facts of a picture that `decoded_picture` gave out."""
    return PictureFacts(media_type=_MEDIA_TYPES[image.format or ""], width=image.width, height=image.height)


@contextmanager
def decoded_picture(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Iterator[ImageFile.ImageFile]:
    """Give out the decoded picture, for callers that do more with it than inspect it.

    Raises:
        NotAPictureError: as `inspect_picture` does.
    """
    if not data:
        raise NotAPictureError("The picture is empty (0 bytes).")
    with _decoded(data, max_pixels=max_pixels) as image:
        yield image


def _decoded(data: bytes, *, max_pixels: int) -> ImageFile.ImageFile:
    try:
        # verify() finds damage that decoding passes over, such as a wrong checksum, but leaves the image unusable.
        with _opened(data, max_pixels=max_pixels) as image:
            image.verify()
        image = _opened(data, max_pixels=max_pixels)
        image.load()
    except (MemoryError, NotAPictureError):
        raise
    except Exception as error:  # Pillow's parsers raise whatever they trip over: OSError, SyntaxError, ValueError, …
        raise NotAPictureError(f"The picture is damaged or cut off ({type(error).__name__}).") from error
    return image


def _opened(data: bytes, *, max_pixels: int) -> ImageFile.ImageFile:
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG", "JPEG", "WEBP", "GIF"))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixelsError(_too_many(max_pixels)) from error
    except UnidentifiedImageError as error:
        raise NotAPictureError("The bytes are no PNG, JPEG, WebP or GIF picture.") from error
    if image.width * image.height > max_pixels:
        image.close()
        raise TooManyPixelsError(_too_many(max_pixels))
    return image


def _too_many(max_pixels: int) -> str:
    return f"The picture has more than {max_pixels / 1_000_000:g} megapixels."
