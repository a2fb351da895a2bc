"""Photos from people: checked by content, upright, and without what a phone writes into them besides the picture."""

import io
from dataclasses import dataclass

from PIL import Image, ImageFile
from PIL.ExifTags import Base

from imaging.inspect import NotAPictureError, PictureFacts, decoded_picture, facts_of
from imaging.metadata import without_metadata

PHOTO_TYPES = ("image/jpeg", "image/png", "image/webp")

_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
_QUALITY = 95
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A photo that can be passed on as it is."""

    data: bytes
    facts: PictureFacts


class AnimationError(NotAPictureError):
    """The picture moves."""


def prepared_photo(data: bytes, *, max_pixels: int) -> Photo:
    """Return a still JPEG, PNG or WebP upright and without metadata. Synchronous and CPU-bound.

    Pixels stay as they are unless EXIF says that the picture has to be turned; then it is encoded again, at quality
    95 where that loses anything.

    Raises:
        NotAPictureError: it is none of the three, or damaged; as `decoded_picture` raises it.
        AnimationError: it is an animation.
        TooManyPixelsError: width times height exceeds ``max_pixels``.
    """
    with decoded_picture(data, max_pixels=max_pixels) as image:
        facts = facts_of(image)
        if facts.media_type not in PHOTO_TYPES:
            raise NotAPictureError("The picture is no JPEG, PNG or WebP.")
        # A phone's JPEG may hold more pictures behind the one that counts (a preview, a depth map).
        if getattr(image, "n_frames", 1) > 1 and facts.media_type != "image/jpeg":
            raise AnimationError("The picture is an animation.")
        turn = _turn_needed(image)
        if turn is not None:  # one of them is 0
            upright = image.transpose(turn)
            facts = PictureFacts(media_type=facts.media_type, width=upright.width, height=upright.height)
            data = _encoded(upright, media_type=facts.media_type)
    return Photo(data=without_metadata(data, media_type=facts.media_type), facts=facts)


def _turn_needed(image: ImageFile.ImageFile) -> Image.Transpose | None:
    # Not ImageOps.exif_transpose: that writes the EXIF anew as well, and fails where it is malformed.
    try:
        return _TURNS.get(image.getexif().get(Base.Orientation, 1))
    except Exception:  # Pillow raises whatever it trips over; EXIF that cannot be read does not spoil a picture
        return None


def _encoded(image: Image.Image, *, media_type: str) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, format=_FORMATS[media_type], quality=_QUALITY, icc_profile=image.info.get("icc_profile"))
    return encoded.getvalue()
