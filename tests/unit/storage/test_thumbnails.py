"""Small copies of stored pictures."""

import io
from pathlib import Path

import pytest
from PIL import Image

from sessions.artifacts import Artifact, Made, Receipt
from storage.artifacts import StoredArtifacts
from storage.objects import Objects
from storage.thumbnails import SIDE, Thumbnails

KEY = "sessions/ses-aaaaaaaaaaaaaaaa/main/attempt-001"


def picture(*, size: tuple[int, int] = (600, 300), mode: str = "RGB") -> bytes:
    written = io.BytesIO()
    Image.new(mode, size, "orange").save(written, "PNG")
    return written.getvalue()


async def stored(folder: Path, data: bytes) -> tuple[StoredArtifacts, Artifact]:
    artifacts = StoredArtifacts(Objects(folder.as_uri()))
    artifact = Artifact.of(Made(data=data, media_type="image/png", model="a model"), attempt=1)
    await artifacts.put(KEY, data=data, receipt=Receipt(artifact=artifact, model="a model"))
    return artifacts, artifact


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
async def test_a_picture_is_made_small(tmp_path: Path, mode: str) -> None:
    """In its proportions, whatever its colours are kept as."""
    artifacts, artifact = await stored(tmp_path, picture(mode=mode))
    small = await Thumbnails(artifacts).of(KEY, artifact=artifact)
    with Image.open(io.BytesIO(small)) as image:
        assert ("WEBP", (SIDE, SIDE // 2)) == (image.format, image.size)


async def test_it_is_made_once(tmp_path: Path) -> None:
    """The picture is not read again."""
    artifacts, artifact = await stored(tmp_path, picture())
    thumbnails = Thumbnails(artifacts)
    small = await thumbnails.of(KEY, artifact=artifact)
    await artifacts.delete_prefix("sessions/ses-aaaaaaaaaaaaaaaa/")
    assert small == await thumbnails.of(KEY, artifact=artifact)


async def test_what_is_no_picture_has_no_small_copy(tmp_path: Path) -> None:
    """As if it were not there."""
    artifacts, artifact = await stored(tmp_path, b'{"sets": []}')
    with pytest.raises(FileNotFoundError):
        await Thumbnails(artifacts).of(KEY, artifact=artifact)
