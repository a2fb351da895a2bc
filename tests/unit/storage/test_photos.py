"""Photos: upright, without what a phone wrote into them, and otherwise as they were."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, PngImagePlugin

from imaging.inspect import NotAPictureError, inspect_picture
from imaging.photos import AnimationError, prepared_photo
from tests.unit.storage.pictures import animation, drawn, encoded, exif, photo, picture

FORMATS = ("JPEG", "PNG", "WEBP")
LIMIT = 1_000_000


def opened(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("format", FORMATS)
def test_plain(format: str) -> None:
    """A picture without metadata stays as it is, byte for byte."""
    assert prepared_photo(picture(format), max_pixels=LIMIT).data == picture(format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_upright(format: str, orientation: int) -> None:
    """However the phone was held, the photo stands upright: its red corner is at the top left."""
    prepared = prepared_photo(photo(format, orientation=orientation), max_pixels=LIMIT)
    image = opened(prepared.data).convert("RGB")

    assert (image.width, image.height) == (48, 32)
    assert (prepared.facts.width, prepared.facts.height) == (48, 32)
    red, _, blue = image.crop((2, 2, 10, 10)).resize((1, 1)).tobytes()
    assert red > 180 > 100 > blue
    red, _, blue = image.crop((30, 20, 46, 30)).resize((1, 1)).tobytes()
    assert blue > 150 > 80 > red


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_no_metadata(format: str, orientation: int) -> None:
    """Neither where it was taken nor with which camera is left in a photo."""
    given_photo = photo(format, orientation=orientation)
    assert b"SecretPhone" in given_photo
    prepared = prepared_photo(given_photo, max_pixels=LIMIT)

    assert b"SecretPhone" not in prepared.data
    assert b"Exif" not in prepared.data
    assert dict(opened(prepared.data).getexif()) == {}


@pytest.mark.parametrize("format", FORMATS)
def test_pixels_untouched(format: str) -> None:
    """Taking metadata out changes no pixel."""
    given_photo = photo(format)
    prepared = prepared_photo(given_photo, max_pixels=LIMIT)

    assert opened(prepared.data).tobytes() == opened(given_photo).tobytes()
    assert len(prepared.data) < len(given_photo)


def _with_words(format: str) -> bytes:
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "secret words")
    words.add_itxt("XML:com.adobe.xmp", "<x>secret words</x>")
    options: dict[str, dict[str, object]] = {
        "JPEG": {"comment": b"secret words", "xmp": b"<x>secret words</x>"},
        "PNG": {"pnginfo": words},
        "WEBP": {"xmp": b"<x>secret words</x>"},
    }
    return encoded(drawn(), format=format, **options[format])


@pytest.mark.parametrize("format", FORMATS)
def test_no_words(format: str) -> None:
    """Comments and XMP go as well."""
    assert b"secret words" in _with_words(format)
    assert b"secret words" not in prepared_photo(_with_words(format), max_pixels=LIMIT).data


@pytest.mark.parametrize("format", FORMATS)
def test_nothing_behind_the_end(format: str) -> None:
    """What hangs on behind a picture, a video or a program, is cut off."""
    assert prepared_photo(picture(format) + b"PK\x03\x04 program", max_pixels=LIMIT).data == picture(format)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", [1, 6])
def test_colours_keep_their_meaning(format: str, orientation: int) -> None:
    """The colour profile stays: without it a phone's wide colours would come out wrong."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encoded(drawn(), format=format, exif=exif(orientation=orientation), icc_profile=profile)

    assert opened(prepared_photo(data, max_pixels=LIMIT).data).info["icc_profile"] == profile


def test_progressive() -> None:
    """A JPEG of several scans, with restart markers, is cleaned as well as a plain one."""
    data = encoded(drawn(200, 150), format="JPEG", progressive=True, restart_marker_blocks=3, exif=exif())
    prepared = prepared_photo(data, max_pixels=LIMIT)

    assert opened(prepared.data).tobytes() == opened(data).tobytes()
    assert b"SecretPhone" not in prepared.data


def test_more_pictures_in_one() -> None:
    """A phone's JPEG with further pictures behind the first is that first one."""
    first, second = drawn(), drawn(24, 16)
    data = encoded(first, format="MPO", save_all=True, append_images=[second], exif=exif())
    prepared = prepared_photo(data, max_pixels=LIMIT)

    assert (prepared.facts.media_type, opened(prepared.data).format) == ("image/jpeg", "JPEG")
    assert opened(prepared.data).size == first.size
    assert b"SecretPhone" not in prepared.data


@pytest.mark.parametrize(
    ("mode", "format"),
    [("CMYK", "JPEG"), ("L", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"), ("RGBA", "WEBP")],
)
@pytest.mark.parametrize("orientation", [1, 6])
def test_modes(mode: str, format: str, orientation: int) -> None:
    """Grey, transparent, indexed, deep and print colours are photos too, and stay what they are when turned."""
    data = encoded(Image.new(mode, (20, 10)), format=format, exif=exif(orientation=orientation))
    prepared = prepared_photo(data, max_pixels=LIMIT)

    assert opened(prepared.data).mode == opened(data).mode
    assert inspect_picture(prepared.data) == prepared.facts


def test_malformed_exif() -> None:
    """EXIF that cannot be read does not spoil a picture."""
    data = encoded(drawn(), format="JPEG", exif=b"Exif\0\0" + b"\xff" * 50)

    assert prepared_photo(data, max_pixels=LIMIT).data == picture("JPEG")


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
def test_animations(format: str) -> None:
    """An animation is no photo."""
    with pytest.raises(AnimationError):
        prepared_photo(animation(format), max_pixels=LIMIT)


def test_gif() -> None:
    """A GIF is a picture, but no photo."""
    with pytest.raises(NotAPictureError, match="no JPEG, PNG or WebP"):
        prepared_photo(picture("GIF"), max_pixels=LIMIT)


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged(data: st.DataObject) -> None:
    """However a photo is damaged: it is refused by the one error, or what comes out is a whole picture."""
    damaged = bytearray(photo(data.draw(st.sampled_from(FORMATS)), orientation=data.draw(st.sampled_from([1, 6]))))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        prepared = prepared_photo(bytes(damaged), max_pixels=LIMIT)
    except NotAPictureError:
        return
    assert inspect_picture(prepared.data, max_pixels=LIMIT) == prepared.facts
