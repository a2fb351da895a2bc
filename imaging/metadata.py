"""Taking out of a picture file everything that is not the picture: where and when it was taken, by whom, with what.

Works on the container and leaves the compressed pixels as they are, so nothing is lost and little is computed.
What is kept is listed, not what is dropped: makers of cameras invent new places for what they know.
"""

import re
from collections.abc import Iterator

from imaging.inspect import NotAPictureError, PictureType

_PNG_START = b"\x89PNG\r\n\x1a\n"
# The picture, its transparency, and how its colours are meant.
_PNG_CHUNKS = {
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"),
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"cICP", b"bKGD", b"pHYs"),
}
_WEBP_CHUNKS = {b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ICCP"}
_WEBP_EXIF_AND_XMP = 0b1100
# Application segments by their number and the name they begin with: size and colour again.
_JPEG_SEGMENTS = ((0xE0, b"JFIF\0"), (0xE2, b"ICC_PROFILE\0"), (0xEE, b"Adobe"))
_JPEG_COMMENT = 0xFE
_JPEG_START_OF_SCAN = 0xDA
_JPEG_END = 0xD9
# Within a scan, FF 00 is data, FF D0 to FF D7 restart it, and FF FF is filling.
_JPEG_MARKER_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")


def without_metadata(data: bytes, *, media_type: PictureType) -> bytes:
    """Return a still picture without its metadata, and without what follows its end.

    Raises:
        NotAPictureError: the container is malformed, or is not one of PNG, JPEG and WebP.
    """
    parts = {"image/png": _png_parts, "image/jpeg": _jpeg_parts, "image/webp": _webp_parts}.get(media_type)
    if parts is None:
        raise NotAPictureError(f"Metadata cannot be taken out of {media_type}.")
    try:
        cleaned = b"".join(parts(data))
    except IndexError as error:
        raise NotAPictureError("The picture is damaged or cut off.") from error
    return _with_riff_header(cleaned) if media_type == "image/webp" else cleaned


def _png_parts(data: bytes) -> Iterator[bytes]:
    yield _PNG_START
    position, kind = len(_PNG_START), b""
    while kind != b"IEND":
        kind = _piece(data, position + 4, 4)
        end = position + 12 + int.from_bytes(_piece(data, position, 4), "big")
        if kind in _PNG_CHUNKS:
            yield _piece(data, position, end - position)
        position = end


def _jpeg_parts(data: bytes) -> Iterator[bytes]:
    yield _piece(data, 0, 2)
    position = 2
    while True:
        while data[position + 1] == 0xFF:  # markers may be preceded by filling
            position += 1
        marker = data[position + 1]
        if data[position] != 0xFF:
            raise IndexError
        if marker == _JPEG_END:
            yield _piece(data, position, 2)
            return
        end = position + 2 + int.from_bytes(_piece(data, position + 2, 2), "big")
        if marker == _JPEG_START_OF_SCAN:
            after = _JPEG_MARKER_AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        if _is_kept_in_jpeg(marker, data, position + 4):
            yield _piece(data, position, end - position)
        position = end


def _is_kept_in_jpeg(marker: int, data: bytes, content: int) -> bool:
    if marker == _JPEG_COMMENT:
        return False
    is_application = 0xE0 <= marker <= 0xEF
    return not is_application or any(
        marker == number and data.startswith(name, content) for number, name in _JPEG_SEGMENTS
    )


def _webp_parts(data: bytes) -> Iterator[bytes]:
    position = 12
    end_of_file = 8 + int.from_bytes(_piece(data, 4, 4), "little")
    while position < end_of_file:
        kind = _piece(data, position, 4)
        size = int.from_bytes(_piece(data, position + 4, 4), "little")
        end = position + 8 + size + size % 2
        chunk = _piece(data, position, end - position)
        if kind == b"VP8X":
            chunk = chunk[:8] + bytes([chunk[8] & ~_WEBP_EXIF_AND_XMP]) + chunk[9:]
        if kind in _WEBP_CHUNKS:
            yield chunk
        position = end


def _with_riff_header(chunks: bytes) -> bytes:
    return b"RIFF" + (len(chunks) + 4).to_bytes(4, "little") + b"WEBP" + chunks


def _piece(data: bytes, position: int, size: int) -> bytes:
    if position + size > len(data):
        raise IndexError
    return data[position : position + size]
