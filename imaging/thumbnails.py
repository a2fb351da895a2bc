"""Small copies of pictures. Synchronous and CPU-bound: call it in a thread."""

import io
from typing import Final

from imaging.inspect import decoded_picture

THUMBNAIL_TYPE: Final = "image/webp"

_QUALITY: Final = 80


def thumbnail(data: bytes, *, side: int) -> bytes:
    """Return a picture as WebP, scaled down to fit into a square of so many pixels; never scaled up.

    Raises:
        NotAPictureError: the bytes are no picture.
    """
    with decoded_picture(data) as image:
        small = image.convert("RGBA" if image.has_transparency_data else "RGB")
    small.thumbnail((side, side))
    written = io.BytesIO()
    small.save(written, "WEBP", quality=_QUALITY)
    return written.getvalue()
