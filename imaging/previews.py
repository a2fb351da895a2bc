"""Small pictures that stand for large ones on a page."""

import io

from PIL import Image

MEDIA_TYPE = "image/webp"

_EDGE_PIXELS = 320
_QUALITY = 80


def preview_of(data: bytes) -> bytes:
    """Return a WebP of at most 320 pixels an edge of a picture that was checked before. Synchronous and CPU-bound."""
    with Image.open(io.BytesIO(data)) as image:
        # A JPEG is read at about the size that is wanted, which takes a fraction of the time and memory.
        image.draft("RGB", (2 * _EDGE_PIXELS, 2 * _EDGE_PIXELS))
        image.thumbnail((_EDGE_PIXELS, _EDGE_PIXELS))
        small = image if image.mode in ("RGB", "RGBA") else image.convert("RGBA")
        encoded = io.BytesIO()
        small.save(encoded, format="WEBP", quality=_QUALITY)
    return encoded.getvalue()
