"""Results that the artifact store does not take are not lost with the process that holds them."""

import asyncio
import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from sessions.artifacts import Artifact, Made, Receipt
from sessions.identifiers import artifact_key, new_session_id, session_prefix
from storage.artifacts import StoredArtifacts
from storage.objects import Objects, ObjectStoreError
from storage.spool import SpooledArtifacts
from tests.support.eventually import eventually
from tests.unit.storage.bucket import Bucket

pytest_plugins = ["tests.support.stores"]

DATA = bytes(range(256)) * 4096
MADE = Made(data=DATA, media_type="image/png", model="gpt-image-2", request_id="req_1")
RECEIPT = Receipt(artifact=Artifact.of(MADE, attempt=1), model=MADE.model, request_id=MADE.request_id)
DAY = timedelta(days=1).total_seconds()


@pytest.fixture
def key() -> str:
    return artifact_key(new_session_id(), item="main", attempt=1)


@pytest.fixture
def store(bucket: Bucket) -> StoredArtifacts:
    return StoredArtifacts(Objects("s3://pictures"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def artifacts(store: StoredArtifacts, folder: Path) -> SpooledArtifacts:
    return SpooledArtifacts(store, folder=folder)


def entries(folder: Path) -> list[Path]:
    """Return all that lies in a folder and below."""
    return sorted(folder.rglob("*"))


def files(folder: Path) -> list[Path]:
    """Return the files that were set aside, with their receipts."""
    return [path for path in entries(folder) if path.is_file()]


async def refused(artifacts: SpooledArtifacts, key: str, *, bucket: Bucket) -> None:
    """Have the store refuse a result, and go on refusing."""
    bucket.is_refusing = True
    with pytest.raises(ObjectStoreError):
        await artifacts.put(key, data=DATA, receipt=RECEIPT)


async def test_what_the_store_refused_is_found_by_another_process(
    artifacts: SpooledArtifacts, store: StoredArtifacts, folder: Path, bucket: Bucket, key: str
) -> None:
    """Once the store works again it is there, byte for byte, and nothing is left aside."""
    await refused(artifacts, key, bucket=bucket)
    bucket.is_refusing = False
    another = SpooledArtifacts(store, folder=folder)

    assert RECEIPT == await another.find(key)
    assert RECEIPT == await store.find(key)
    assert DATA == await another.read(key, artifact=RECEIPT.artifact)
    assert [] == files(folder)


async def test_a_store_that_can_be_read_but_not_written_is_no_reason_to_pay_again(
    artifacts: SpooledArtifacts, store: StoredArtifacts, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever looks is not told that nothing is there, and what was set aside stays."""

    async def full(*_: object, **__: object) -> None:
        raise ObjectStoreError("no space left on device")

    monkeypatch.setattr(store, "put", full)
    for asking in (artifacts.put(key, data=DATA, receipt=RECEIPT), artifacts.find(key), artifacts.find(key)):
        with pytest.raises(ObjectStoreError, match="no space left"):
            await asking

    assert 2 == len(files(folder))


async def test_what_was_set_aside_is_removed_once_it_is_stored(
    artifacts: SpooledArtifacts, folder: Path, bucket: Bucket, key: str
) -> None:
    """However often the store refused it before."""
    await refused(artifacts, key, bucket=bucket)
    await refused(artifacts, key, bucket=bucket)
    assert 2 == len(files(folder))
    bucket.is_refusing = False
    await artifacts.put(key, data=DATA, receipt=RECEIPT)

    assert [] == files(folder)
    assert RECEIPT == await artifacts.find(key)


async def test_a_store_that_hangs_keeps_nothing_in_memory_alone(
    artifacts: SpooledArtifacts, store: StoredArtifacts, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The result is aside while the store has not said anything, and in its place when it has."""
    monkeypatch.setattr("storage.spool._QUICK", timedelta(milliseconds=10))
    answers, put = asyncio.Event(), store.put

    async def slow(key: str, *, data: bytes, receipt: Receipt) -> None:
        await answers.wait()
        await put(key, data=data, receipt=receipt)

    monkeypatch.setattr(store, "put", slow)
    storing = asyncio.ensure_future(artifacts.put(key, data=DATA, receipt=RECEIPT))
    await eventually(lambda: len(files(folder)) == 2)
    assert not storing.done()
    answers.set()
    await storing

    assert [] == files(folder)
    assert RECEIPT == await store.find(key)


async def test_a_call_that_is_given_up_leaves_no_other_behind(
    artifacts: SpooledArtifacts, store: StoredArtifacts, folder: Path, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who waits no longer for a store that hangs ends the call, and what was set aside stays."""
    monkeypatch.setattr("storage.spool._QUICK", timedelta(milliseconds=10))
    ended = asyncio.Event()

    async def endless(*_: object, **__: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(store, "put", endless)
    storing = asyncio.ensure_future(artifacts.put(key, data=DATA, receipt=RECEIPT))
    await eventually(lambda: len(files(folder)) == 2)
    storing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await storing
    await asyncio.wait_for(ended.wait(), timeout=5)

    assert 2 == len(files(folder))


async def test_without_a_folder_results_wait_in_memory_alone(
    store: StoredArtifacts, tmp_path: Path, bucket: Bucket, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    """A folder that cannot be made keeps nobody from storing and finding, and the log tells of it."""
    (tmp_path / "file").touch()
    artifacts = SpooledArtifacts(store, folder=tmp_path / "file" / "spool")
    await refused(artifacts, key, bucket=bucket)
    assert "a crash would lose it" in caplog.text
    bucket.is_refusing = False

    assert await artifacts.find(key) is None
    await artifacts.put(key, data=DATA, receipt=RECEIPT)
    assert RECEIPT == await artifacts.find(key)


async def test_where_nothing_was_set_aside_nothing_is_made(artifacts: SpooledArtifacts, folder: Path, key: str) -> None:
    """A store that works leaves no trace beside it."""
    assert await artifacts.find(key) is None
    await artifacts.put(key, data=DATA, receipt=RECEIPT)
    await artifacts.delete_prefix("sessions/")

    assert [] == entries(folder.parent)


async def test_a_deleted_session_leaves_nothing_aside(
    artifacts: SpooledArtifacts, folder: Path, bucket: Bucket
) -> None:
    """And another one keeps what is its own."""
    deleted, kept = new_session_id(), new_session_id()
    for session_id in (deleted, kept):
        await refused(artifacts, artifact_key(session_id, item="main", attempt=1), bucket=bucket)
    bucket.is_refusing = False
    await artifacts.delete_prefix(session_prefix(deleted))

    assert await artifacts.find(artifact_key(deleted, item="main", attempt=1)) is None
    assert RECEIPT == await artifacts.find(artifact_key(kept, item="main", attempt=1))


async def test_what_nobody_came_for_is_removed(
    artifacts: SpooledArtifacts, folder: Path, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a day, and no sooner."""
    monkeypatch.setattr("storage.spool._SWEEP_INTERVAL", timedelta(milliseconds=10))
    old, young = (artifact_key(new_session_id(), item="main", attempt=1) for _ in range(2))
    for key in (old, young):
        await refused(artifacts, key, bucket=bucket)
    bucket.is_refusing = False
    now = time.time()
    for path in files(folder):
        is_old = path.is_relative_to((folder / old).parent)
        os.utime(path, (now, now - (DAY + 60 if is_old else DAY - 60)))
    async with artifacts:
        await eventually(lambda: len(files(folder)) == 2)

    assert await artifacts.find(old) is None
    assert RECEIPT == await artifacts.find(young)
