"""Empty object stores for tests: a folder, and a bucket on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.storage.bucket import Bucket


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    """A bucket that the environment points to."""
    bucket = Bucket()
    with bucket.listening():
        monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.address)
        monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        yield bucket


@pytest.fixture(params=["file", "s3"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty store: each test runs on both kinds."""
    if request.param == "file":
        return f"{tmp_path.as_uri()}/artifacts"
    request.getfixturevalue("bucket")
    return "s3://pictures/retakes"
