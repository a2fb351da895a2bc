"""Artifacts: whole or not there, in a folder and in an S3 bucket alike."""

import asyncio
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

from sessions.artifacts import Artifact, Receipt
from sessions.identifiers import artifact_key, new_session_id, session_prefix
from sessions.money import Usage
from storage.artifacts import StoredArtifacts
from storage.objects import Objects, ObjectStoreError
from tests.unit.storage.bucket import Bucket

pytest_plugins = ["tests.support.stores"]

DATA = bytes(range(256)) * 4096


def receipt_of(data: bytes, *, attempt: int = 1, media_type: str = "image/png") -> Receipt:
    artifact = Artifact(
        attempt=attempt,
        media_type=media_type,
        bytes=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        width=1024,
        height=1024,
    )
    return Receipt(artifact=artifact, model="gpt-image-2", request_id="req_1", usage=Usage(output_tokens=5))


@pytest.fixture
def key() -> str:
    return artifact_key(new_session_id(), item="main", attempt=1)


@pytest.fixture
def artifacts(store_url: str) -> StoredArtifacts:
    return StoredArtifacts(Objects(store_url))


async def test_found_again(artifacts: StoredArtifacts, key: str) -> None:
    """What was stored is found under its key, byte for byte, with what its call used."""
    receipt = receipt_of(DATA)
    assert await artifacts.find(key) is None
    await artifacts.put(key, data=DATA, receipt=receipt)

    assert receipt == await artifacts.find(key)
    assert DATA == await artifacts.read(key, artifact=receipt.artifact)


async def test_in_pieces(artifacts: StoredArtifacts, key: str) -> None:
    """Bytes can be passed on in pieces; how many there are is known before the first."""
    receipt = receipt_of(DATA)
    await artifacts.put(key, data=DATA, receipt=receipt)
    stored = await artifacts.open(key, artifact=receipt.artifact)

    assert len(DATA) == stored.size
    assert DATA == b"".join([chunk async for chunk in stored.chunks])


async def test_empty(artifacts: StoredArtifacts, key: str) -> None:
    """An artifact of no bytes is an artifact."""
    receipt = receipt_of(b"")
    await artifacts.put(key, data=b"", receipt=receipt)

    assert receipt == await artifacts.find(key)
    assert b"" == await artifacts.read(key, artifact=receipt.artifact)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp", "application/json", "text/x-odd"])
async def test_media_types(artifacts: StoredArtifacts, key: str, media_type: str) -> None:
    """Whatever the type, receipt and bytes never share a name."""
    receipt = receipt_of(b"{}", media_type=media_type)
    await artifacts.put(key, data=b"{}", receipt=receipt)

    assert receipt == await artifacts.find(key)
    assert b"{}" == await artifacts.read(key, artifact=receipt.artifact)


async def test_stored_twice(artifacts: StoredArtifacts, key: str) -> None:
    """When two workers make the same attempt, each reference that was handed out leads to its own bytes."""
    first, second = b"first worker", b"second one, of the same attempt"
    for data in (first, second):
        await artifacts.put(key, data=data, receipt=receipt_of(data))

    assert receipt_of(second) == await artifacts.find(key)
    assert first == await artifacts.read(key, artifact=receipt_of(first).artifact)
    assert second == await artifacts.read(key, artifact=receipt_of(second).artifact)


async def test_missing(artifacts: StoredArtifacts, key: str) -> None:
    """Bytes that are not there are told apart from a store that does not work."""
    with pytest.raises(FileNotFoundError):
        await artifacts.open(key, artifact=receipt_of(DATA).artifact)
    with pytest.raises(FileNotFoundError):
        await artifacts.read(key, artifact=receipt_of(DATA).artifact)


async def test_deleted(artifacts: StoredArtifacts) -> None:
    """Deleting a session's artifacts takes all of them, and none of a session whose id begins alike."""
    session, neighbour = "ses-aaaaaaaaaaaaaaaa", "ses-aaaaaaaaaaaaaaaab"
    keys = [artifact_key(session, item=f"item-{number}", attempt=1) for number in range(3)]
    kept = artifact_key(neighbour, item="main", attempt=1)
    for stored in (*keys, kept):
        await artifacts.put(stored, data=DATA, receipt=receipt_of(DATA))
    await artifacts.delete_prefix(session_prefix(session))
    await artifacts.delete_prefix(session_prefix(session))

    assert [None, None, None] == [await artifacts.find(stored) for stored in keys]
    assert receipt_of(DATA) == await artifacts.find(kept)
    with pytest.raises(FileNotFoundError):
        await artifacts.read(keys[0], artifact=receipt_of(DATA).artifact)


async def test_ready(artifacts: StoredArtifacts, key: str) -> None:
    """A store that works is ready, empty or not."""
    await artifacts.check()
    await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))
    await artifacts.check()


async def test_bytes_without_receipt(tmp_path: Path, key: str) -> None:
    """Bytes whose receipt was never written are not found: the receipt makes the artifact."""
    artifacts = StoredArtifacts(Objects(tmp_path.as_uri()))
    await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))
    (tmp_path / f"{key}.receipt.json").unlink()

    assert await artifacts.find(key) is None


@pytest.mark.parametrize("suffix", [".receipt.json", f"-{hashlib.sha256(DATA).hexdigest()[:16]}.png"])
@pytest.mark.parametrize("kept_bytes", [0, 10])
async def test_cut_off(tmp_path: Path, key: str, suffix: str, kept_bytes: int) -> None:
    """What a power cut shortened, receipt or bytes, is not found, and can be stored again."""
    artifacts = StoredArtifacts(Objects(tmp_path.as_uri()))
    await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))
    os.truncate(tmp_path / f"{key}{suffix}", kept_bytes)

    assert await artifacts.find(key) is None
    await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))
    assert receipt_of(DATA) == await artifacts.find(key)


async def test_killed_while_storing(tmp_path: Path) -> None:
    """A process that is killed while it stores leaves whole artifacts and no halves."""
    program = """
import asyncio, hashlib, sys
from sessions.artifacts import Artifact, Receipt
from storage.artifacts import StoredArtifacts
from storage.objects import Objects, ObjectStoreError

async def main():
    artifacts = StoredArtifacts(Objects(sys.argv[1]))
    for number in range(100_000):
        data = number.to_bytes(4, "big") * 500_000
        artifact = Artifact(attempt=1, media_type="image/png", bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        await artifacts.put(f"key-{number}", data=data, receipt=Receipt(artifact=artifact, model="m"))
        print(number, flush=True)

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, tmp_path.as_uri(), stdout=subprocess.PIPE
    )
    assert process.stdout
    confirmed = -1
    while confirmed < 5:
        confirmed = int(await process.stdout.readline())
    process.kill()
    rest = (await process.communicate())[0].split()
    confirmed = int(rest[-1]) if rest else confirmed

    artifacts = StoredArtifacts(Objects(tmp_path.as_uri()))
    for number in range(confirmed + 1):
        receipt = await artifacts.find(f"key-{number}")
        assert receipt is not None
        data = await artifacts.read(f"key-{number}", artifact=receipt.artifact)
        assert receipt.artifact.sha256 == hashlib.sha256(data).hexdigest()


async def test_lost_folder(tmp_path: Path) -> None:
    """A folder that has gone away, an unmounted disk say, is not ready."""
    artifacts = StoredArtifacts(Objects((tmp_path / "artifacts").as_uri()))
    (tmp_path / "artifacts").rmdir()

    with pytest.raises(ObjectStoreError, match="missing or not writable"):
        await artifacts.check()


async def test_refused_credentials(bucket: Bucket, key: str) -> None:
    """Credentials that the bucket refuses are an error wherever they are used, never a missing artifact."""
    artifacts = StoredArtifacts(Objects("s3://pictures"))
    bucket.is_refusing = True

    with pytest.raises(ObjectStoreError):
        await artifacts.check()
    with pytest.raises(ObjectStoreError):
        await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))
    with pytest.raises(ObjectStoreError):
        await artifacts.find(key)


async def test_under_the_prefix(bucket: Bucket, key: str) -> None:
    """Everything in a bucket lies under the prefix of its address."""
    artifacts = StoredArtifacts(Objects("s3://pictures/some/prefix"))
    await artifacts.put(key, data=DATA, receipt=receipt_of(DATA))

    assert {True} == {path.startswith(f"pictures/some/prefix/{key}") for path in bucket.objects}
    assert 2 == len(bucket.objects)


def test_new_folder(tmp_path: Path) -> None:
    """The folder is made when it is missing, whatever its name."""
    Objects((tmp_path / "a folder" / "50 % ünï").as_uri())

    assert (tmp_path / "a folder" / "50 % ünï").is_dir()


@pytest.mark.parametrize("url", ["/tmp/artifacts", "gs://bucket", "https://bucket.example/", ""])
def test_other_stores(url: str) -> None:
    """Another kind of store is refused when it is configured."""
    with pytest.raises(ValueError, match=r"file:///folder or s3://bucket/prefix"):
        Objects(url)
