import hashlib
import io
import json
import zipfile

import httpx2
import pytest

from api.files import archive_disposition, marketplace_name
from sessions.identifiers import artifact_key
from sessions.images import ImageSessionRequest
from sessions.present import session_view
from sessions.state import SessionState
from tests.unit.api.in_memory import InMemory

PICTURE = b"main picture" * 1000
ETAG = f'"{hashlib.sha256(PICTURE).hexdigest()}"'


async def test_content_comes_with_all_that_caches_need(client: httpx2.AsyncClient, state: SessionState) -> None:
    """Bytes, type, length, digest and a name; what an attempt made never changes, what counts may."""
    path = f"/api/sessions/{state.id}/items/main/content"
    for query, cached in (("?attempt=1", "private, max-age=31536000, immutable"), ("", "private, no-cache")):
        response = await client.get(path + query)
        assert 200 == response.status_code
        assert response.content == PICTURE
        assert response.headers["etag"] == ETAG
        assert "image/png" == response.headers["content-type"]
        assert str(len(PICTURE)) == response.headers["content-length"]
        assert 'inline; filename="main.png"' == response.headers["content-disposition"]
        assert cached == response.headers["cache-control"]


async def test_head_tells_the_same_without_the_bytes(client: httpx2.AsyncClient, state: SessionState) -> None:
    """HEAD has every header of GET."""
    path = f"/api/sessions/{state.id}/items/main/content?attempt=1"
    got, headed = await client.get(path), await client.head(path)
    assert b"" == headed.content
    names = ("etag", "content-type", "content-length", "content-disposition", "cache-control")
    assert [got.headers[name] for name in names] == [headed.headers[name] for name in names]


@pytest.mark.parametrize("known", [ETAG, f"W/{ETAG}", f'"other", {ETAG}', "*"])
async def test_known_bytes_are_not_sent_again(client: httpx2.AsyncClient, state: SessionState, known: str) -> None:
    """304 keeps the headers that caches need."""
    path = f"/api/sessions/{state.id}/items/main/content"
    response = await client.get(path, headers={"If-None-Match": known})
    assert (response.status_code, response.content, response.headers["etag"]) == (304, b"", ETAG)


@pytest.mark.parametrize("known", ['"other"', "", ETAG.strip('"'), "\xff"])
async def test_other_bytes_are_sent(client: httpx2.AsyncClient, state: SessionState, known: str) -> None:
    """Another digest, or what is none, is no match."""
    path = f"/api/sessions/{state.id}/items/main/content"
    response = await client.get(path, headers=[(b"If-None-Match", known.encode("latin-1"))])
    assert 200 == response.status_code


@pytest.mark.parametrize("rest", ["lifestyle/content", "nothing/content", "main/content?attempt=2"])
async def test_what_was_not_made_is_not_found(client: httpx2.AsyncClient, state: SessionState, rest: str) -> None:
    """404 for an item that is not ready, an item that is not there, and an attempt that was not made."""
    assert 404 == (await client.get(f"/api/sessions/{state.id}/items/{rest}")).status_code


async def test_bytes_that_are_gone_are_not_found(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """The records may know of what somebody deleted: that is told before the answer begins."""
    del memory.stored[artifact_key(state.id, item="main", attempt=1)]
    assert 404 == (await client.get(f"/api/sessions/{state.id}/items/main/content")).status_code


@pytest.mark.parametrize(
    ("position", "key", "media_type", "name"),
    [
        (1, "main", "image/png", "1_main_image.png"),
        (2, "infographic_1", "image/png", "2_infographic_1.png"),
        (3, "infographic_2", "image/png", "3_infographic_2.png"),
        (4, "lifestyle", "image/webp", "4_lifestyle.webp"),
        (5, "comparison", "image/jpeg", "5_comparison.jpg"),
        (6, "packaging", "image/png", "6_packaging.png"),
        (10, "back", "image/tiff", "10_back.bin"),
    ],
)
def test_marketplace_names(position: int, key: str, media_type: str, name: str) -> None:
    """Position, key and the ending of what it really is."""
    assert name == marketplace_name(key, position=position, media_type=media_type)


async def test_the_archive_holds_what_is_complete_and_says_what_it_is(
    client: httpx2.AsyncClient, memory: InMemory
) -> None:
    """Pictures in the order of the session under marketplace names, then the manifest; what failed is not there."""
    custom = {"type": "custom", "key": "packaging", "label": "Packaging", "prompt": "the box"}
    images = [{"type": "main"}, {"type": "lifestyle"}, custom]
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "Steel bottle"}, "images": images}))
    state = memory.complete(state, key="packaging", data=b"box" * 100_000)
    state = memory.complete(state, key="main", data=PICTURE, attempt=2)
    state = memory.fail(state, key="lifestyle")
    response = await client.get(f"/api/sessions/{state.id}/archive")
    assert 200 == response.status_code
    assert "application/zip" == response.headers["content-type"]
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        assert ["1_main_image.png", "3_packaging.png", "manifest.json"] == archive.namelist()
        assert archive.read("1_main_image.png") == PICTURE
        assert {zipfile.ZIP_STORED} == {entry.compress_type for entry in archive.infolist()}
        manifest = json.loads(archive.read("manifest.json"))
        for file in manifest["files"]:
            assert file["artifact"]["sha256"] == hashlib.sha256(archive.read(file["name"])).hexdigest()
    assert state.id == manifest["session"]["id"]
    assert {"main", "packaging", "lifestyle"} == {attempt["item"] for attempt in manifest["attempts"]}
    assert response.content == (await client.get(f"/api/sessions/{state.id}/archive")).content


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Steel bottle", "Steel_bottle.zip"),
        ('../"; x\u202e', "x.zip"),
        ("قارورة", "%D9%82%D8%A7%D8%B1%D9%88%D8%B1%D8%A9.zip"),
        ("🧴", None),
        ("x" * 200, "x" * 60 + ".zip"),
    ],
)
def test_the_archive_is_named_by_the_title(memory: InMemory, title: str, name: str | None) -> None:
    """Letters and digits of any script stay; what could mean something to a file system does not."""
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": title}}))
    disposition = archive_disposition(session_view(state))
    assert f"attachment; filename=\"{state.id}.zip\"; filename*=UTF-8''{name or state.id + '.zip'}" == disposition
