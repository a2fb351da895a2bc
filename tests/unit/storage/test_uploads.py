"""Uploads: kept under a name that their content gives them, or refused with words that help."""

import asyncio
import io
import re
from pathlib import Path

import pytest
from PIL import Image

from imaging.inspect import inspect_picture
from sessions.images import ImageSessionRequest
from storage.objects import Objects, ObjectStoreError
from storage.uploads import MAX_BYTES, UploadedPictures, UploadRefusedError
from tests.unit.storage.pictures import NOT_PICTURES, animation, encoded, photo, picture, png_of_size


@pytest.fixture
def uploads(tmp_path: Path) -> UploadedPictures:
    return UploadedPictures(Objects(tmp_path.as_uri()))


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("format", "media_type"), [("JPEG", "image/jpeg"), ("PNG", "image/png"), ("WEBP", "image/webp")]
)
async def test_kept(uploads: UploadedPictures, format: str, media_type: str) -> None:
    """A photo that was uploaded is there to be sent along, upright, of the type that it is."""
    upload = await uploads.add(photo(format, orientation=6))
    loaded = await uploads.load(upload.id)

    assert (media_type, 48, 32) == (upload.media_type, upload.width, upload.height)
    assert (media_type, upload.bytes) == (loaded.media_type, len(loaded.data))
    assert (48, 32) == (inspect_picture(loaded.data).width, inspect_picture(loaded.data).height)
    assert loaded.name.startswith(f"{upload.id}.")


async def test_same_picture(uploads: UploadedPictures, tmp_path: Path) -> None:
    """The same bytes get the same id and are kept once; other bytes get another."""
    first, again, other = [await uploads.add(data) for data in (photo(), photo(), picture())]

    assert first == again
    assert first.id != other.id
    assert {first.id, other.id} == names_in(tmp_path / "uploads")


async def test_uploaded_at_once(uploads: UploadedPictures) -> None:
    """Pictures that come in at the same time do not get into each other's way."""
    pictures = [picture(width=20 + number) for number in range(8)]
    kept = await asyncio.gather(*(uploads.add(data) for data in (*pictures, *pictures)))

    assert [20 + number for number in range(8)] * 2 == [upload.width for upload in kept]
    assert 8 == len({upload.id for upload in kept})


async def test_id(uploads: UploadedPictures) -> None:
    """The id has the form that requests take."""
    upload = await uploads.add(photo())

    assert re.fullmatch(r"upl-[a-z2-7]{26}", upload.id)
    assert ImageSessionRequest.model_validate({"product": {"title": "Mug"}, "references": [upload.id]})


async def test_missing(uploads: UploadedPictures) -> None:
    """Ids that nothing was uploaded under are told, each once, whatever they look like."""
    there = (await uploads.add(photo())).id
    nobody = "upl-" + "a" * 26

    assert (nobody, "../secret") == await uploads.missing([nobody, there, "../secret", nobody])
    assert () == await uploads.missing([there])
    assert () == await uploads.missing([])


@pytest.mark.parametrize("upload_id", ["upl-" + "a" * 26, "upl-short", "../../etc/passwd", "", "a\0b"])
async def test_unknown(uploads: UploadedPictures, upload_id: str) -> None:
    """An id that nothing was uploaded under is a KeyError; none leads out of the folder."""
    with pytest.raises(KeyError):
        await uploads.load(upload_id)


@pytest.mark.parametrize("name", [*NOT_PICTURES, "gif", "half"])
async def test_disguised(uploads: UploadedPictures, tmp_path: Path, name: str) -> None:
    """What is no JPEG, PNG or WebP is refused by its content, says what to do, and is not kept."""
    whole = photo()
    files = {**NOT_PICTURES, "gif": picture("GIF"), "half": whole[: len(whole) // 2]}
    with pytest.raises(UploadRefusedError, match="Save the picture as one of these"):
        await uploads.add(files[name])

    assert not names_in(tmp_path)


@pytest.mark.parametrize("format", ["PNG", "WEBP"])
async def test_animation(uploads: UploadedPictures, format: str) -> None:
    """An animation is refused."""
    with pytest.raises(UploadRefusedError, match="Upload a still picture"):
        await uploads.add(animation(format))


async def test_bomb(uploads: UploadedPictures) -> None:
    """A few bytes that would unfold into gigapixels are refused without unfolding them."""
    with pytest.raises(UploadRefusedError, match=r"more than 60 megapixels\. Scale it down"):
        await uploads.add(png_of_size(60_000, 60_000))


async def test_large_picture(uploads: UploadedPictures) -> None:
    """A picture with more than 60 megapixels is refused, though the file is small; a large one below is kept."""
    with pytest.raises(UploadRefusedError, match="60 megapixels"):
        await uploads.add(encoded(Image.new("1", (10_000, 6_001)), format="PNG"))

    assert 4000 == (await uploads.add(encoded(Image.new("1", (4000, 3000)), format="PNG"))).width


async def test_large_file(uploads: UploadedPictures) -> None:
    """A file of more than 20 MB is refused before anybody looks into it; one of exactly that size is looked at."""
    with pytest.raises(UploadRefusedError, match="larger than 20 MB"):
        await uploads.add(b"\0" * (MAX_BYTES + 1))
    padded = picture("JPEG") + b"\0" * (MAX_BYTES - len(picture("JPEG")))

    assert (await uploads.add(padded)).bytes == len(picture("JPEG"))


async def test_full_disk(tmp_path: Path) -> None:
    """A store that fails is an error of its own, not a refusal of the picture."""
    uploads = UploadedPictures(Objects(tmp_path.as_uri()))
    (tmp_path / "uploads").write_bytes(b"a file where the folder should be")

    with pytest.raises(ObjectStoreError, match="Not a directory"):
        await uploads.add(photo())


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
async def test_preview(uploads: UploadedPictures, format: str) -> None:
    """A large photo is shown small, upright and with the colours that it has."""
    upload = await uploads.add(picture(format, width=1600, height=800))
    preview = await uploads.preview(upload.id)

    with Image.open(io.BytesIO(preview)) as image:
        assert ("WEBP", (320, 160)) == (image.format, image.size)
        red, _, blue = image.convert("RGB").getpixel((20, 20))  # type: ignore[misc]  # of RGB a pixel is a triple
    assert red > 150 > 100 > blue
    assert len(preview) < 5_000


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "I;16", "RGBA"])
async def test_preview_of_any_png(uploads: UploadedPictures, mode: str) -> None:
    """Whatever a picture's pixels are made of; a small one is not made larger."""
    upload = await uploads.add(encoded(Image.new(mode, (40, 30)), format="PNG"))
    with Image.open(io.BytesIO(await uploads.preview(upload.id))) as image:
        assert (40, 30) == image.size


@pytest.mark.parametrize("upload_id", ["upl-" + "z" * 26, "../../etc/passwd"])
async def test_no_preview_of_what_is_not_there(uploads: UploadedPictures, upload_id: str) -> None:
    with pytest.raises(KeyError):
        await uploads.preview(upload_id)
