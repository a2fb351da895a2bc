"""Whatever is uploaded: a picture that can be passed on as it is, or a refusal that says why; never anything else."""

import io
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from imaging.inspect import inspect_picture
from storage.objects import Objects
from storage.uploads import MAX_PIXELS, UploadedPictures, UploadRefusedError
from tests.fuzz.effort import LIMIT, effort
from tests.unit.storage.pictures import NOT_PICTURES, animation, drawn, encoded, picture, png_of_size

FORMATS: Final = ("JPEG", "PNG", "WEBP")
MODES: Final = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
}
_ORIENTATIONS: Final = st.integers(1, 8)


@st.composite
def whole_pictures(draw: st.DrawFn) -> bytes:
    """Pictures in every mode, held in every way, with any EXIF and colour profile."""
    form = draw(st.sampled_from(FORMATS))
    image: Image.Image = drawn(draw(st.integers(2, 40)), draw(st.integers(2, 40)))
    image = image.convert("L").convert("I;16") if (mode := draw(st.sampled_from(MODES[form]))) == "I;16" else image
    image = image.convert(mode) if mode != "I;16" else image
    options: dict[str, object] = {}
    if draw(st.booleans()):
        exif = Image.Exif()
        exif[0x0112] = draw(_ORIENTATIONS)
        exif[0x0110] = "SecretPhone"
        written = exif.tobytes()
        options["exif"] = draw(st.just(written) | garbled(written) | st.binary(max_size=60).map(b"Exif\0\0".__add__))
    if draw(st.integers(0, 4)) == 0:
        options["icc_profile"] = draw(st.binary(max_size=200))
    return encoded(image, format=form, **options)


@st.composite
def garbled(draw: st.DrawFn, data: bytes) -> bytes:
    """The same with some bytes changed, taken out, doubled or cut off."""
    bytes_ = bytearray(data)
    for _ in range(draw(st.integers(1, 5))):
        place = draw(st.integers(0, max(0, len(bytes_) - 1)))
        end = place + draw(st.integers(1, 12))
        match draw(st.sampled_from(["change", "remove", "double", "cut", "insert"])):
            case "change":
                bytes_[place : place + 1] = draw(st.binary(min_size=1, max_size=1))
            case "remove":
                del bytes_[place:end]
            case "double":
                bytes_[place:place] = bytes_[place:end]
            case "cut":
                del bytes_[place:]
            case _:
                bytes_[place:place] = draw(st.binary(min_size=1, max_size=8))
    return bytes(bytes_)


FILES: Final = (
    st.binary(max_size=400)
    | st.sampled_from(sorted(NOT_PICTURES.values()))
    | whole_pictures()
    | whole_pictures().flatmap(garbled)
    | st.builds(bytes.__add__, whole_pictures(), st.binary(max_size=50))
    | st.builds(bytes.__add__, whole_pictures(), whole_pictures())
    | st.builds(png_of_size, st.integers(0, 2**31 - 1), st.integers(0, 2**31 - 1))
    | st.sampled_from([animation("WEBP"), animation("PNG"), animation("GIF")])
)


@pytest.fixture
def uploads(tmp_path: Path) -> UploadedPictures:
    return UploadedPictures(Objects(tmp_path.as_uri()))


@pytest.mark.timeout(LIMIT)
@effort(300)
@given(data=FILES)
async def test_any_file_is_a_picture_or_refused(uploads: UploadedPictures, data: bytes) -> None:
    """What is kept is decoded again as what it was said to be, and tells nothing of the phone."""
    try:
        upload = await uploads.add(data)
    except UploadRefusedError:
        return
    kept = await uploads.load(upload.id)
    facts = inspect_picture(kept.data, max_pixels=MAX_PIXELS)
    assert (upload.media_type, upload.width, upload.height) == (facts.media_type, facts.width, facts.height)
    assert kept.media_type == upload.media_type
    assert upload.bytes == len(kept.data)
    assert b"SecretPhone" not in kept.data
    assert b"<script" not in kept.data


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed() -> bytes:
    """Return 200 MB in a few hundred kilobytes."""
    return zlib.compress(b"\0" * 200_000_000, 1)


def after_the_header(more: bytes) -> bytes:
    return picture()[:33] + more + picture()[33:]


BOMBS: Final[dict[str, Callable[[], bytes]]] = {
    "huge by its header": lambda: png_of_size(2**31 - 1, 2**31 - 1),
    "just too large": lambda: png_of_size(10_000, 6_001),
    "packed text": lambda: after_the_header(chunk(b"zTXt", b"a\0\0" + packed())),
    "packed profile": lambda: after_the_header(chunk(b"iCCP", b"a\0\0" + packed())),
    "rows without end": lambda: picture()[:33] + chunk(b"IDAT", packed()) + chunk(b"IEND", b""),
}
# In a process of its own, whose largest size is that of this upload and not of whatever ran before.
_UPLOADING: Final = """
import asyncio, resource, sys, tempfile
from pathlib import Path
from storage.objects import Objects
from storage.uploads import UploadedPictures, UploadRefusedError

data = Path(sys.argv[1]).read_bytes()
uploads = UploadedPictures(Objects(Path(sys.argv[2]).as_uri()))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    asyncio.run(uploads.add(data))
except UploadRefusedError:
    pass
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_does_not_go_off(tmp_path: Path, bomb: str) -> None:
    """A small file that unpacks to 200 MB, or to more pixels than are decoded, is borne without unpacking it."""
    file = tmp_path / "bomb.png"
    file.write_bytes(BOMBS[bomb]())
    command = [sys.executable, "-c", _UPLOADING, str(file), str(tmp_path)]
    megabytes = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert int(megabytes) < 50


@pytest.mark.parametrize("height", [7_500, 7_501])
async def test_sixty_megapixels_are_the_most(uploads: UploadedPictures, height: int) -> None:
    """A picture of exactly as many is kept, turned upright too; one row more is refused before it is decoded."""
    exif = Image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    Image.new("L", (8_000, height)).save(file, "PNG", compress_level=1, exif=exif)
    if 8_000 * height > MAX_PIXELS:
        with pytest.raises(UploadRefusedError, match="60 megapixels"):
            await uploads.add(file.getvalue())
    else:
        upload = await uploads.add(file.getvalue())
        assert (height, 8_000) == (upload.width, upload.height)
