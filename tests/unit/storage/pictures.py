"""Pictures for tests, drawn here: real ones, and files that only look like one."""

import io
import struct
import zlib

from PIL import Image, ImageDraw
from PIL.TiffImagePlugin import IFDRational

ORIENTATION, GPS, CAMERA = 0x0112, 0x8825, 0x0110

# What a camera that was held in this way does to the picture, by the number that EXIF gives it.
AS_HELD = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def drawn(width: int = 48, height: int = 32) -> Image.Image:
    """Return a picture whose top left quarter is red and the rest blue."""
    image = Image.new("RGB", (width, height), (20, 40, 200))
    ImageDraw.Draw(image).rectangle((0, 0, width // 2 - 1, height // 2 - 1), fill=(220, 30, 30))
    return image


def encoded(image: Image.Image, *, format: str, **options: object) -> bytes:
    """Return a picture as the bytes of a file."""
    file = io.BytesIO()
    image.save(file, format=format, **options)
    return file.getvalue()


def picture(format: str = "PNG", *, width: int = 48, height: int = 32) -> bytes:
    """Return the file of a plain picture."""
    return encoded(drawn(width, height), format=format)


def exif(*, orientation: int = 1) -> Image.Exif:
    """Return what a phone writes: how it was held, which one it was, and where."""
    written = Image.Exif()
    written[ORIENTATION] = orientation
    written[CAMERA] = "SecretPhone"
    degrees = (IFDRational(52), IFDRational(30), IFDRational(0))
    written.get_ifd(GPS).update({1: "N", 2: degrees, 3: "E", 4: degrees})
    return written


def photo(format: str = "JPEG", *, orientation: int = 1) -> bytes:
    """Return a photo as a phone writes it: stored as it was held, with EXIF that tells how to turn it and more."""
    image = drawn()
    if orientation != 1:
        image = image.transpose(AS_HELD[orientation])
    return encoded(image, format=format, exif=exif(orientation=orientation))


def animation(format: str) -> bytes:
    """Return a moving picture."""
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    return encoded(frames[0], format=format, save_all=True, append_images=frames[1:])


def png_of_size(width: int, height: int) -> bytes:
    """Return a small PNG file that promises a picture of any size: what a decompression bomb begins with."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    body = b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + body


NOT_PICTURES = {
    "empty": b"",
    "html": b"<!DOCTYPE html><html><script>alert(1)</script></html>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "text": b"a picture, honestly" * 100,
    "zip": b"PK\x03\x04" + b"\0" * 200,
    "bmp": picture("BMP"),
    "tiff": picture("TIFF"),
    "png signature alone": b"\x89PNG\r\n\x1a\n",
    "jpeg marker alone": b"\xff\xd8\xff\xe0" + b"\0" * 64,
    "webp header alone": b"RIFF\x24\0\0\0WEBPVP8 " + b"\0" * 40,
    "random": bytes(index * 7919 % 251 for index in range(4000)),
}
