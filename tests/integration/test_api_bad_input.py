"""Whatever is sent: a problem that says what to do, or it works. Never a 500, never a half-started session."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sessions.images import ImageSessionRequest
from tests.unit.api.in_memory import InMemory, application, client_of

STARTS = "/api/sessions/images"
UNKNOWN = "/api/sessions/ses-aaaaaaaaaaaaaaaa"
PRODUCT = {"product": {"title": "Steel bottle"}}
SURROGATE = "\ud800"


@pytest.fixture
def memory() -> InMemory:
    return InMemory()


@pytest.fixture
async def client(memory: InMemory) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(memory)) as client:
        yield client


def problem_in(response: httpx2.Response, *, status: int | None = None) -> dict[str, Any]:
    """Return the problem that a response must be."""
    assert 400 <= response.status_code < 500, response.text
    assert status in (None, response.status_code), response.text
    assert "application/problem+json" == response.headers["content-type"]
    problem: dict[str, Any] = response.json()
    assert response.status_code == problem["status"]
    assert problem["title"]
    assert problem["detail"].strip().endswith((".", "!", "?"))
    return problem


WRONG_STARTS = {
    "unknown field": ({**PRODUCT, "imagse": []}, "#/imagse", "is no field"),
    "unknown field within": ({"product": {"title": "T", "colour": "red"}}, "#/product/colour", "is no field"),
    "no product": ({}, "#/product", "is required"),
    "no title": ({"product": {}}, "#/product/title", "is required"),
    "empty title": ({"product": {"title": ""}}, "#/product/title", "must not be blank"),
    "blank title": ({"product": {"title": " \u2003"}}, "#/product/title", "must not be blank"),
    "long title": ({"product": {"title": "x" * 201}}, "#/product/title", "at most 200 characters"),
    "title of two lines": ({"product": {"title": "a\nb"}}, "#/product/title", "one line"),
    "NUL in the title": ({"product": {"title": "a\0b"}}, "#/product/title", "U+0000"),
    "control character": ({"product": {"title": "a\x1bb"}}, "#/product/title", "U+001B"),
    "half a surrogate pair": ({"product": {"title": SURROGATE}}, "#/product/title", "surrogate"),
    "title is a number": ({"product": {"title": 7}}, "#/product/title", "must be a text"),
    "product is a list": ({"product": []}, "#/product", "must be an object"),
    "four features": ({"product": {"title": "T", "features": list("abcd")}}, "#/product/features", "at most 3"),
    "long feature": ({"product": {"title": "T", "features": ["x" * 501]}}, "#/product/features/0", "at most 500"),
    "features are a text": ({"product": {"title": "T", "features": "abc"}}, "#/product/features", "must be a list"),
    "NUL in the note": ({**PRODUCT, "note": "a\0"}, "#/note", "U+0000"),
    "unknown item type": ({**PRODUCT, "images": [{"type": "poster"}]}, "#/images/0/type", "'lifestyle'"),
    "no images": ({**PRODUCT, "images": []}, "#/images", "at least 1 entry"),
    "duplicate keys": ({**PRODUCT, "images": [{"type": "main"}] * 2}, "#", "share a key (main)"),
    "bad key": ({**PRODUCT, "images": [{"type": "main", "key": "../x"}]}, "#/images/0/key", "a-z"),
    "custom without prompt": ({**PRODUCT, "images": [{"type": "custom", "key": "a"}]}, "#/images/0", "prompt"),
    "101 images": ({**PRODUCT, "images": [{"type": "main"}] * 101}, "#/images", "at most 100 entries"),
    "0 attempts": ({**PRODUCT, "max_attempts": 0}, "#/max_attempts", "at least 1"),
    "11 attempts": ({**PRODUCT, "max_attempts": 11}, "#/max_attempts", "at most 10"),
    "attempts in words": ({**PRODUCT, "max_attempts": "many"}, "#/max_attempts", "whole number"),
    "one and a half attempts": ({**PRODUCT, "max_attempts": 1.5}, "#/max_attempts", "whole number"),
    "crooked size": ({**PRODUCT, "size": "1000x1001"}, "#/size", "multiples of 16"),
    "reference of another form": ({**PRODUCT, "references": ["../../etc/passwd"]}, "#/references/0", "has returned"),
    "budget below nothing": ({**PRODUCT, "budget_usd": -1}, "#/budget_usd", "at least 0"),
    "budget in words": ({**PRODUCT, "budget_usd": "1"}, "#/budget_usd", "number"),
    "more than all failures": ({**PRODUCT, "tolerated_failures": "101%"}, "#/tolerated_failures", "20%"),
    "callback to a file": ({**PRODUCT, "callback_url": "file:///etc"}, "#/callback_url", "https://"),
}


@pytest.mark.parametrize(("body", "pointer", "words"), WRONG_STARTS.values(), ids=WRONG_STARTS.keys())
async def test_a_wrong_start_is_refused_with_the_place_of_the_mistake(
    client: httpx2.AsyncClient, memory: InMemory, body: object, pointer: str, words: str
) -> None:
    """The mistake is named by a JSON pointer, in words; nothing has started."""
    response = await client.post(STARTS, content=json.dumps(body), headers={"Content-Type": "application/json"})
    problem = problem_in(response, status=422)
    assert words in next(error["detail"] for error in problem["errors"] if error["pointer"] == pointer)
    assert words in problem["detail"]
    assert [] == memory.started


async def test_every_mistake_is_told_at_once(client: httpx2.AsyncClient) -> None:
    """A person corrects a request once, not once for each mistake; a list that is only wrong is not called short."""
    body = {"product": {"title": ""}, "images": [{"type": "poster"}], "max_attempts": 11}
    errors = problem_in(await client.post(STARTS, json=body), status=422)["errors"]
    assert {"#/product/title", "#/images/0/type", "#/max_attempts"} == {error["pointer"] for error in errors}


async def test_what_was_sent_is_not_sent_back(client: httpx2.AsyncClient) -> None:
    """Neither a huge value nor a huge name, nor ten thousand mistakes, come back in the answer."""
    for body in (
        {"product": {"title": "secret" * 50_000}},
        {"product": {"title": "T"}, "secret" * 50_000: 1},
        {"product": {"title": "T"}, **{f"secret{number}": 1 for number in range(10_000)}},
    ):
        response = await client.post(STARTS, json=body)
        problem_in(response, status=422)
        assert len(response.content) < 10_000


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"{'product': 1}",
        b"\xff\xfe\xfa",
        b"[" * 200_000,
        b'{"max_attempts": ' + b"9" * 5000 + b"}",
        b"\0",
        b'{"product": {"title": "\xff"}}',
    ],
    ids=["cut off", "wrong quotes", "no text", "deep", "huge number", "NUL", "no UTF-8"],
)
async def test_what_is_no_json_is_refused(client: httpx2.AsyncClient, memory: InMemory, body: bytes) -> None:
    """400, not 422: there is no field to point at."""
    response = await client.post(STARTS, content=body, headers={"Content-Type": "application/json"})
    problem_in(response, status=400)
    assert [] == memory.started


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "true", "null", '"3 "', "1e3"])
async def test_odd_numbers_are_refused(client: httpx2.AsyncClient, memory: InMemory, number: str) -> None:
    """Python reads more than JSON allows; what comes of it is refused like any other value."""
    body = f'{{"product": {{"title": "T"}}, "max_attempts": {number}}}'
    response = await client.post(STARTS, content=body, headers={"Content-Type": "application/json"})
    assert response.status_code in (202, 422)
    assert (response.status_code == 202) == bool(memory.started)


@pytest.mark.parametrize("body", ["null", "[]", "7", '"text"', "true"])
async def test_json_that_is_no_object_is_refused(client: httpx2.AsyncClient, memory: InMemory, body: str) -> None:
    """A body must be an object."""
    response = await client.post(STARTS, content=body, headers={"Content-Type": "application/json"})
    problem_in(response, status=422)
    assert [] == memory.started


@pytest.mark.parametrize("content_type", [None, "text/plain", "application/x-www-form-urlencoded", "a/b; c=\0", "\xff"])
async def test_another_content_type_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, content_type: str | None
) -> None:
    """A page elsewhere can make a browser send such a body without asking, so it is not read as JSON."""
    headers = [(b"Content-Type", content_type.encode("latin-1"))] if content_type else []
    response = await client.post(STARTS, content=json.dumps(PRODUCT), headers=headers)
    assert "application/json" in problem_in(response, status=415)["detail"]
    assert [] == memory.started


async def test_a_missing_body_is_refused(client: httpx2.AsyncClient) -> None:
    """Nothing at all is answered with what should be there."""
    assert "no body" in problem_in(await client.post(STARTS), status=422)["detail"]


@pytest.mark.parametrize(
    "title",
    [
        "قارورة ماء فولاذية",
        "\u202eelttob leetS",
        "👩‍👩‍👧‍👦🧴",
        "Ⓢ𝕥𝕖𝕖𝕝",
        "<script>alert(1)</script>",
        "'; DROP TABLE sessions; --",
        "x" * 200,
    ],
)
async def test_titles_of_every_script_are_kept_as_they_are(
    client: httpx2.AsyncClient, memory: InMemory, title: str
) -> None:
    """Right to left, emoji, markup: a title is text."""
    response = await client.post(STARTS, json={"product": {"title": title}})
    assert 202 == response.status_code
    assert title == response.json()["title"]
    page = await client.get("/", headers={"Accept": "text/html"})
    assert 200 == page.status_code
    assert "<script>" not in page.text


async def test_a_reference_that_nobody_uploaded_is_refused(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The answer says where pictures are uploaded; nothing has started."""
    body = {**PRODUCT, "references": ["upl-" + "b" * 26]}
    assert "/api/uploads" in problem_in(await client.post(STARTS, json=body), status=422)["detail"]
    assert [] == memory.started


@pytest.mark.parametrize("key", ["", "x" * 256, "two words", "tab\there", "caf\xe9", "\x7f"])
async def test_an_unusable_idempotency_key_is_refused(client: httpx2.AsyncClient, memory: InMemory, key: str) -> None:
    """1 to 255 visible ASCII characters; anything else is refused and named."""
    response = await client.post(STARTS, json=PRODUCT, headers=[(b"Idempotency-Key", key.encode("latin-1"))])
    assert "Idempotency-Key" == problem_in(response, status=422)["errors"][0]["header"]
    assert [] == memory.started


async def test_an_idempotency_key_starts_one_session(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Same key and body: the same session. Same key, other body: refused."""
    headers = {"Idempotency-Key": "!" + "k" * 254}
    first = await client.post(STARTS, json=PRODUCT, headers=headers)
    again = await client.post(STARTS, json=PRODUCT, headers=headers)
    assert first.json()["id"] == again.json()["id"]
    assert first.json()["links"]["self"] == again.headers["location"]
    other = await client.post(STARTS, json={"product": {"title": "Another"}}, headers=headers)
    assert "Idempotency-Key" in problem_in(other, status=422)["detail"]
    assert 1 == len(memory.started)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("limit=" + "9" * 5000, "limit"),
        ("status=done", "status"),
        ("kind=%00", "kind"),
        ("q=%00", "q"),
        ("q=%0a", "q"),
        ("q=" + "x" * 201, "q"),
        ("cursor=" + "x" * 201, "cursor"),
        ("staus=failed", "staus"),
    ],
)
async def test_a_wrong_query_is_refused(client: httpx2.AsyncClient, query: str, parameter: str) -> None:
    """Misspelt filters are refused, too: they would otherwise seem to hold."""
    errors = problem_in(await client.get(f"/api/sessions?{query}"), status=422)["errors"]
    assert [parameter] == [error["parameter"] for error in errors]


@pytest.mark.parametrize("cursor", ["x", "%ff", "%ed%a0%80", "%F0%9F%A7%B4"])
async def test_a_cursor_from_elsewhere_is_refused(client: httpx2.AsyncClient, cursor: str) -> None:
    """The answer says how to begin anew."""
    assert "Leave it out" in problem_in(await client.get(f"/api/sessions?cursor={cursor}"), status=422)["detail"]


@pytest.mark.parametrize(
    "path", ["%00", "%ed%a0%80", "..%2f..", "ses-AAAAAAAAAAAAAAAA", "x" * 5000, "%F0%9F%A7%B4", "'"]
)
@pytest.mark.parametrize("below", ["", "/events", "/attempts", "/archive", "/items/main/content", "/items/%00/content"])
async def test_ids_of_no_session_are_not_found(client: httpx2.AsyncClient, path: str, below: str) -> None:
    """404 whatever the path holds, and the path does not come back at length."""
    response = await client.get(f"/api/sessions/{path}{below}")
    problem_in(response, status=404)
    assert len(response.content) < 1000


@pytest.mark.parametrize("attempt", ["0", "-1", "x", "1" * 30, "%00", ""])
async def test_a_wrong_attempt_is_refused(client: httpx2.AsyncClient, memory: InMemory, attempt: str) -> None:
    """An attempt is a number that a database can hold."""
    state = memory.begin(ImageSessionRequest.model_validate(PRODUCT))
    path = f"/api/sessions/{state.id}/items/main/content?attempt={attempt}"
    assert "attempt" == problem_in(await client.get(path), status=422)["errors"][0]["parameter"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"items": []}, 422),
        ({"items": [{"key": "nothing"}]}, 422),
        ({"items": [{"key": "main"}]}, 422),
        ({"items": [{"key": "lifestyle"}, {"key": "lifestyle"}]}, 422),
        ({"items": [{"key": "lifestyle", "note": "a\0b"}]}, 422),
        ({"items": [{"key": "lifestyle", "note": "x" * 2001}]}, 422),
        ({"items": [{"key": SURROGATE}]}, 422),
        ({"max_attempts": 0}, 422),
        ({"max_attempts": 11}, 422),
        ({"item": []}, 422),
    ],
)
async def test_a_wrong_retry_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, body: object, status: int
) -> None:
    """All of a retry or nothing of it."""
    state = memory.begin(ImageSessionRequest.model_validate(PRODUCT))
    state = memory.complete(state, key="main", data=b"picture")
    memory.fail(state, key="lifestyle")
    response = await client.post(
        f"/api/sessions/{state.id}/retry", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )
    problem_in(response, status=status)
    assert [] == memory.retried


async def test_a_retry_of_what_has_not_failed_is_a_conflict(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """409 when nothing has failed, 404 where there is no session."""
    state = memory.begin(ImageSessionRequest.model_validate(PRODUCT))
    problem_in(await client.post(f"/api/sessions/{state.id}/retry"), status=409)
    problem_in(await client.post(f"{UNKNOWN}/retry"), status=404)
    problem_in(await client.get(f"/api/sessions/{state.id}/archive"), status=409)
    assert [] == memory.retried


async def test_a_form_that_is_none_is_no_upload(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Every way to send no file is answered, and nothing is kept."""
    boundary = {"Content-Type": "multipart/form-data; boundary=x"}
    for response in (
        await client.post("/api/uploads"),
        await client.post("/api/uploads", json={"file": "x"}),
        await client.post("/api/uploads", data={"file": "x"}),
        await client.post("/api/uploads", files={"picture": ("a.png", b"picture")}),
        await client.post("/api/uploads", files={"file": ("a.png", b"")}),
        await client.post("/api/uploads", files={"file": ("a.png", b"no picture")}),
        await client.post("/api/uploads", files=[("file", ("a.png", b"picture"))] * 2),
        await client.post("/api/uploads", content=b"--x\r\n\r\nnothing", headers=boundary),
        await client.post("/api/uploads", content=b"\xff" * 100, headers=boundary),
        await client.post("/api/uploads", content=b"x", headers={"Content-Type": "multipart/form-data"}),
        await client.post("/api/uploads", content=b"%", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    ):
        problem_in(response)
    assert {} == memory.uploads


@pytest.mark.parametrize("name", ["a\0b.png", "../../etc/passwd", "🧴.png", "x" * 3000])
async def test_the_name_of_a_file_does_not_matter(client: httpx2.AsyncClient, memory: InMemory, name: str) -> None:
    """What is uploaded is known by its content alone."""
    assert 201 == (await client.post("/api/uploads", files={"file": (name, b"picture")})).status_code


@pytest.mark.parametrize(
    ("method", "path"), [("GET", STARTS + "/x/y"), ("GET", "/api"), ("POST", "/api/nothing"), ("GET", "/%00")]
)
async def test_what_is_not_there_is_not_found(client: httpx2.AsyncClient, method: str, path: str) -> None:
    """Whatever the method."""
    problem_in(await client.request(method, path), status=404)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        (STARTS, "POST"),
        ("/api/sessions/stories", "POST"),
        (UNKNOWN, "DELETE, GET"),
        ("/api/sessions", "GET"),
        (f"{UNKNOWN}/items/main/content", "GET, HEAD"),
        ("/new", "GET, POST"),
        ("/static/style.css", "GET, HEAD"),
        ("/api/openapi.json", "GET, HEAD"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(client: httpx2.AsyncClient, path: str, allowed: str) -> None:
    """405 with every method that the address takes."""
    for method in ("PUT", "OPTIONS", "TRACE"):
        response = await client.request(method, path)
        problem_in(response, status=405)
        assert allowed == response.headers["allow"]


@pytest.mark.parametrize(("method", "below"), [("PUT", "selected"), ("POST", "retake"), ("GET", "versions")])
@pytest.mark.parametrize("length", [65, 200, 201])
async def test_a_key_that_no_item_can_have_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, method: str, below: str, length: int
) -> None:
    """Whatever is to be done with the item, whether the session is there or not."""
    state = memory.begin(ImageSessionRequest.model_validate(PRODUCT))
    for session in (f"/api/sessions/{state.id}", UNKNOWN):
        path = f"{session}/items/{'k' * length}/{below}"
        problem_in(await client.request(method, path, json={"attempt": 1} if method == "PUT" else None), status=422)


async def test_a_large_body_is_refused(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """By its declared length, and by what is read where none is declared."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(33):
            yield b" " * 2**15

    for path in (STARTS, f"{UNKNOWN}/retry", "/login"):
        declared = await client.post(path, content=b" " * (2**20 + 1), headers={"Content-Type": "application/json"})
        problem_in(declared, status=413)
    undeclared = await client.post(STARTS, content=pieces(), headers={"Content-Type": "application/json"})
    problem_in(undeclared, status=413)
    assert [] == memory.started


async def test_a_picture_of_more_than_20_mb_is_refused(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Just over the limit of a picture, and far over the limit of a request."""
    for size in (20 * 2**20 + 1, 22 * 2**20):
        response = await client.post("/api/uploads", files={"file": ("a.png", b"x" * size)})
        assert "20 MB" in problem_in(response, status=413)["detail"]
    assert {} == memory.uploads


TEXT = st.text(st.characters(codec="utf-8"), max_size=30)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
STARTING = st.fixed_dictionaries(
    {"product": st.fixed_dictionaries({"title": st.text()}, optional={"features": ANYTHING, "audience": ANYTHING})},
    optional={name: ANYTHING for name in ImageSessionRequest.model_fields if name != "product"},
)


@given(body=ANYTHING | STARTING)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_json_starts_a_session_or_is_refused(body: object) -> None:
    """No JSON at all breaks the start: a session that is whole, or a problem and none."""

    async def start() -> None:
        memory = InMemory()
        async with client_of(application(memory)) as client:
            response = await client.post(STARTS, content=json.dumps(body), headers={"Content-Type": "application/json"})
        if response.status_code != 202:
            problem_in(response)
        assert (response.status_code == 202) == (len(memory.started) == 1)

    asyncio.run(start())


@given(path=TEXT, query=TEXT, header=st.binary(max_size=30))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_address_and_header_is_answered(path: str, query: str, header: bytes) -> None:
    """No path, query or header breaks a read, with keys or without."""

    async def read() -> None:
        names = ("Host", "Last-Event-ID", "If-None-Match", "Authorization", "Cookie", "X-Request-ID", "Accept")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": f"/api/sessions/{path}",
            "raw_path": b"/api/sessions/",
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), header) for name in names],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        messages: list[dict[str, Any]]

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            messages.append(message)

        for keys, statuses in (((), (200, 403, 404, 422)), (("key",), (303, 401))):
            messages = []
            await application(InMemory(), keys=keys)(dict(scope), receive, send)
            assert messages[0]["status"] in statuses

    asyncio.run(read())
