"""A session's files under human names, in a folder and in an S3 bucket alike."""

import asyncio
import os
from pathlib import Path

import pytest

from sessions.identifiers import new_session_id, session_prefix
from sessions.story_files import metadata_file, set_file
from storage.artifacts import StoredArtifacts
from storage.files import StoredFiles
from storage.objects import Objects
from tests.unit.storage.bucket import Bucket

pytest_plugins = ["tests.support.stores"]

NAMES = (
    set_file("Der Löwe", set_number=1),
    set_file("Der Löwe", set_number=1000),
    metadata_file("Дом"),
    metadata_file("शेर और चूहा"),
    metadata_file("獅子"),
    set_file("𐐀" * 50, set_number=12),
    "a-b.c.json",
)


@pytest.fixture
def files(store_url: str) -> StoredFiles:
    return StoredFiles(Objects(store_url))


@pytest.fixture
def session_id() -> str:
    return new_session_id()


async def test_listed(files: StoredFiles, session_id: str) -> None:
    """Files are listed by exactly the names they were given, sorted, and none of another session's."""
    assert [] == list(await files.names(session_id))
    for name in NAMES:
        await files.save(session_id, name=name, data=b"{}")
    await files.save(new_session_id(), name="other.json", data=b"{}")

    assert sorted(NAMES) == list(await files.names(session_id))


async def test_replaced(files: StoredFiles, session_id: str) -> None:
    """A file takes the place of the one of its name."""
    for data in (b"the first draft", b"the second"):
        await files.save(session_id, name=NAMES[0], data=data)

    assert [NAMES[0]] == list(await files.names(session_id))


async def test_removed(files: StoredFiles, session_id: str) -> None:
    """A file that is removed is gone, also for the second time, and takes no other with it."""
    for name in NAMES:
        await files.save(session_id, name=name, data=b"{}")
    for _ in range(2):
        await files.remove(session_id, name=NAMES[0])

    assert sorted(NAMES[1:]) == list(await files.names(session_id))


async def test_deleted_with_the_session(store_url: str, session_id: str) -> None:
    """Deleting all that is stored of a session takes its files along."""
    objects = Objects(store_url)
    files = StoredFiles(objects)
    for name in NAMES:
        await files.save(session_id, name=name, data=b"{}")
    await StoredArtifacts(objects).delete_prefix(session_prefix(session_id))

    assert [] == list(await files.names(session_id))


@pytest.mark.parametrize("folder", ["artifacts", "a folder, 50 % ünï"])
async def test_opened(tmp_path: Path, session_id: str, folder: str) -> None:
    """In a folder a file has exactly its name, and is opened where it says it is."""
    files = StoredFiles(Objects((tmp_path / folder).as_uri()))
    for name in NAMES:
        await files.save(session_id, name=name, data=name.encode())

    folder_of_files = Path(files.location(session_id))
    assert folder_of_files.is_absolute()
    assert folder_of_files.is_relative_to(tmp_path / folder)
    assert set(NAMES) == set(os.listdir(folder_of_files))  # noqa: PTH208 - the loop has nothing else to do
    for name in NAMES:
        assert name.encode() == _opened(files.location(session_id, name=name))


def _opened(location: str) -> bytes:
    with open(location, "rb") as file:  # noqa: PTH123 - as people's own programs do it
        return file.read()


async def test_never_half_replaced(tmp_path: Path, session_id: str) -> None:
    """Whoever opens a file while it is replaced reads all of one version."""
    files = StoredFiles(Objects(tmp_path.as_uri()))
    versions = [bytes([digit]) * 300_000 for digit in b"01"]
    await files.save(session_id, name=NAMES[0], data=versions[0])
    path = Path(files.location(session_id, name=NAMES[0]))
    replacing = asyncio.create_task(_replaced(files, session_id, versions=versions))
    while not replacing.done():
        assert await asyncio.to_thread(path.read_bytes) in versions
    await replacing


async def _replaced(files: StoredFiles, session_id: str, *, versions: list[bytes]) -> None:
    for number in range(1, 40):
        await files.save(session_id, name=NAMES[0], data=versions[number % 2])


async def test_addressed(bucket: Bucket, session_id: str) -> None:
    """In a bucket a file is where its address says, under the name it was given."""
    files = StoredFiles(Objects("s3://pictures/some/prefix/"))
    await files.save(session_id, name=NAMES[2], data=b"{}")

    folder = f"s3://pictures/some/prefix/sessions/{session_id}/files/"
    assert f"{folder}Дом_metadata.json" == files.location(session_id, name=NAMES[2])
    assert folder == files.location(session_id)
    assert {f"{folder}Дом_metadata.json"} == {f"s3://{path}" for path in bucket.objects}


@pytest.mark.parametrize("name", ["", ".", "..", "../attempt-001.receipt.json", "a/b.json", "/etc/passwd"])
async def test_no_way_out(files: StoredFiles, session_id: str, name: str) -> None:
    """What is no plain name is refused, so that nothing but files can be replaced or removed."""
    with pytest.raises(ValueError, match="is no name of a file"):
        await files.save(session_id, name=name, data=b"{}")
    with pytest.raises(ValueError, match="is no name of a file"):
        await files.remove(session_id, name=name)
