"""Inspecting pictures: what is whole passes, whatever its name; what is not does not."""

from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.inspect import NotAPictureError, PictureFacts, PictureType, TooManyPixelsError, inspect_picture
from tests.unit.storage.pictures import NOT_PICTURES, animation, picture, png_of_size

FORMATS: dict[str, PictureType] = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}
# The marks that end a file come after the whole picture; PNG's is followed by a checksum.
END_MARK = {"PNG": 4, "GIF": 2, "JPEG": 2, "WEBP": 0}


@pytest.mark.parametrize(("format", "media_type"), FORMATS.items())
def test_facts(format: str, media_type: PictureType) -> None:
    """A picture is told by its content: type, width and height."""
    assert inspect_picture(picture(format)) == PictureFacts(media_type=media_type, width=48, height=32)


@pytest.mark.parametrize("format", FORMATS)
def test_cut_off(format: str) -> None:
    """A picture that was cut off anywhere is none."""
    data = picture(format)
    for size in range(len(data) - END_MARK[format]):
        with pytest.raises(NotAPictureError):
            inspect_picture(data[:size])


@pytest.mark.parametrize("name", NOT_PICTURES)
def test_disguised(name: str) -> None:
    """What is no PNG, JPEG, WebP or GIF is none, however it begins."""
    with pytest.raises(NotAPictureError):
        inspect_picture(NOT_PICTURES[name])


def test_changed_on_the_way() -> None:
    """A PNG whose bytes were changed on the way is none, although it could be drawn."""
    data = bytearray(picture("PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(NotAPictureError):
        inspect_picture(bytes(data))


@pytest.mark.parametrize("size", [(20_000, 20_000), (65_000, 65_000), (2_000_000, 100), (10_000, 6_001)])
def test_bombs(size: tuple[int, int]) -> None:
    """A picture with too many pixels is refused by its header, before memory is spent on it."""
    with pytest.raises(TooManyPixelsError, match="60 megapixels"):
        inspect_picture(png_of_size(*size))


def test_own_limit() -> None:
    """Callers may set another limit; a picture of exactly that size passes."""
    assert inspect_picture(picture(width=40, height=25), max_pixels=1000).width == 40
    with pytest.raises(TooManyPixelsError, match=r"0\.001 megapixels"):
        inspect_picture(picture(width=41, height=25), max_pixels=1000)


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_animations(format: str) -> None:
    """An animation is a picture: its first frame."""
    assert inspect_picture(animation(format)).width == 16


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_damaged(data: st.DataObject) -> None:
    """However a picture is damaged, it is a picture or it is refused by the one error; nothing else comes out."""
    damaged = bytearray(picture(data.draw(st.sampled_from(sorted(FORMATS)))))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotAPictureError):
        inspect_picture(bytes(damaged))
