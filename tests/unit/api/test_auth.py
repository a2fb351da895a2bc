from collections.abc import AsyncIterator

import httpx2
import pytest

from api.auth import COOKIE, Keys
from tests.unit.api.in_memory import InMemory, application, client_of

KEYS = ("first-key", "zweiter-Schlüssel")
HTML = {"Accept": "text/html"}
OWN = {"Sec-Fetch-Site": "same-origin"}
PRODUCT = {"product": {"title": "Steel bottle"}}


@pytest.fixture
async def guarded(memory: InMemory) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(application(memory, keys=KEYS)) as client:
        yield client


def bearer(key: str) -> list[tuple[bytes, bytes]]:
    """Return the header that shows a key."""
    return [(b"Authorization", b"Bearer " + key.encode())]


@pytest.mark.parametrize(
    "path", ["/api/sessions", "/api/openapi.json", "/api/nothing", "/metrics", "/nothing", "/API/x"]
)
async def test_without_a_key_nothing_is_told(guarded: httpx2.AsyncClient, path: str) -> None:
    """401 with the scheme to use, whether there is something at the address or not."""
    response = await guarded.get(path)
    assert 401 == response.status_code
    assert "application/problem+json" == response.headers["content-type"]
    assert "Bearer" == response.headers["www-authenticate"]
    assert "Authorization" in response.json()["detail"]


async def test_who_is_logged_out_in_the_middle_is_told_so(guarded: httpx2.AsyncClient) -> None:
    """The page's script shows it to a person, who has no header to send."""
    response = await guarded.post("/sessions/x/retry", headers={**OWN, "HX-Request": "true"})
    assert 401 == response.status_code
    assert response.json()["detail"].startswith("You are logged out. Log in again")


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/login", "/static/style.css"])
async def test_health_and_the_door_are_open(guarded: httpx2.AsyncClient, path: str) -> None:
    """Whoever keeps the process running has no key, and the door needs its style."""
    assert 200 == (await guarded.get(path)).status_code


@pytest.mark.parametrize("key", KEYS)
async def test_every_key_opens(guarded: httpx2.AsyncClient, key: str) -> None:
    """Any of the keys will do, for reading and for starting."""
    assert 200 == (await guarded.get("/api/sessions", headers=bearer(key))).status_code
    assert 200 == (await guarded.get("/metrics", headers=bearer(key))).status_code
    assert 202 == (await guarded.post("/api/sessions/images", json=PRODUCT, headers=bearer(key))).status_code


@pytest.mark.parametrize(
    "value", [b"first-key", b"Basic first-key", b"Bearer", b"Bearer ", b"Bearer \xff\xfe", b"Bearer first-key x"]
)
async def test_anything_else_does_not(guarded: httpx2.AsyncClient, memory: InMemory, value: bytes) -> None:
    """Another scheme, no key, more than a key or no text at all is no key."""
    response = await guarded.post("/api/sessions/images", json=PRODUCT, headers=[(b"Authorization", value)])
    assert 401 == response.status_code
    assert [] == memory.started


async def test_a_person_gives_the_key_once(guarded: httpx2.AsyncClient, memory: InMemory) -> None:
    """The page leads to the door, the door back to the page, and the cookie opens pages, images and forms."""
    door = await guarded.get("/sessions/x", headers=HTML)
    assert (303, "/login?next=/sessions/x") == (door.status_code, door.headers["location"])
    wrong = await guarded.post("/login", data={"key": "guess"}, headers={**HTML, **OWN})
    assert 403 == wrong.status_code
    assert "none of the keys" in wrong.text
    right = await guarded.post("/login", data={"key": " first-key ", "next": "/new"}, headers={**HTML, **OWN})
    assert (303, "/new") == (right.status_code, right.headers["location"])
    cookie = right.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "secure" not in cookie
    assert "first-key" not in cookie
    assert 200 == (await guarded.get("/", headers=HTML)).status_code
    assert 200 == (await guarded.get("/api/sessions")).status_code
    assert 202 == (await guarded.post("/api/sessions/images", json=PRODUCT, headers=OWN)).status_code
    await guarded.post("/logout", headers=OWN)
    assert 401 == (await guarded.get("/api/sessions")).status_code


async def test_a_form_that_was_open_too_long_leads_back_to_the_door(
    guarded: httpx2.AsyncClient, memory: InMemory
) -> None:
    """A cookie may have ended since: the person logs in again and lands where forms are, not on a form's address."""
    response = await guarded.post("/new", data={"title": "T"}, headers={**HTML, **OWN})
    assert (303, "/login?next=/") == (response.status_code, response.headers["location"])
    assert [] == memory.started


@pytest.mark.parametrize("host", ["[", "a b", "", "\xff", "x" * 5000])
async def test_a_strange_host_changes_nothing(memory: InMemory, host: str) -> None:
    """What a client calls this server is not taken apart."""
    async with client_of(application(memory, keys=KEYS)) as client:
        headers = [(b"Host", host.encode("latin-1")), (b"Authorization", b"Bearer first-key")]
        assert 200 == (await client.get("/api/sessions", headers=headers)).status_code
        assert 200 == (await client.get("/", headers=[*headers, (b"Accept", b"text/html")])).status_code


@pytest.mark.parametrize(
    ("host", "status"),
    [
        *(("127.0.0.1:8000", 200), ("[::1]:8000", 200), ("localhost:8000", 200), ("api:8000", 200), ("box.local", 200)),
        *(("evil.example", 403), ("evil.example.:8000", 403), ("127.0.0.1.evil.example", 403), ("[", 403)),
    ],
)
async def test_without_keys_no_site_can_lead_its_own_name_here(memory: InMemory, host: str, status: int) -> None:
    """A page of such a site would pass for ours in the browser, and could spend money."""
    async with client_of(application(memory)) as client:
        assert status == (await client.get("/api/sessions", headers={"Host": host})).status_code
        assert 200 == (await client.get("/health/live", headers={"Host": host})).status_code


async def test_a_wrong_key_is_not_made_up_for_by_a_cookie(guarded: httpx2.AsyncClient) -> None:
    """Whoever shows a key is judged by it."""
    guarded.cookies.set(COOKIE, Keys(KEYS).cookie())
    assert 401 == (await guarded.get("/api/sessions", headers=bearer("guess"))).status_code


def test_cookies_are_good_in_every_process_with_the_same_keys_and_in_no_other() -> None:
    """The order of the keys does not matter; adding or changing one ends every cookie."""
    cookie = Keys(KEYS).cookie()
    assert Keys(tuple(reversed(KEYS))).accept_cookie(cookie)
    assert not Keys((*KEYS, "third")).accept_cookie(cookie)
    assert not Keys(KEYS).accept_cookie(cookie[:-1])
    assert not Keys(KEYS).accept_cookie("")


@pytest.mark.parametrize("keys", [(), KEYS])
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://[broken"},
    ],
)
async def test_another_site_cannot_act_through_a_browser(
    memory: InMemory, keys: tuple[str, ...], headers: dict[str, str]
) -> None:
    """Neither a cookie nor the lack of keys lets a foreign page start, retry or log out; looking is not acting."""
    async with client_of(application(memory, keys=keys)) as client:
        client.cookies.set(COOKIE, Keys(keys).cookie())
        for path in ("/new", "/api/sessions/images", "/logout", "/login"):
            assert 403 == (await client.post(path, data={"title": "T"}, headers=headers)).status_code
        assert 200 == (await client.get("/api/sessions", headers=headers)).status_code
    assert [] == memory.started


async def test_the_page_and_programs_can_act(client: httpx2.AsyncClient) -> None:
    """A form of the page says where it comes from; a program says nothing."""
    for headers in (OWN, {"Sec-Fetch-Site": "none"}, {"Origin": "http://retakes.test"}, {}):
        assert 303 == (await client.post("/new", data={"title": "T"}, headers=headers)).status_code


@pytest.mark.parametrize(
    "destination", ["//elsewhere.example", "/\\elsewhere.example", "https://elsewhere.example", "", "/\r\nx: y"]
)
async def test_the_door_leads_nowhere_else(guarded: httpx2.AsyncClient, destination: str) -> None:
    """Only addresses of this server are gone on to."""
    response = await guarded.post("/login", data={"key": "first-key", "next": destination}, headers=OWN)
    assert (303, "/") == (response.status_code, response.headers["location"])


async def test_over_https_the_cookie_stays_there(memory: InMemory) -> None:
    """A cookie that was given over HTTPS is never sent without it."""
    app = application(memory, keys=KEYS)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="https://retakes.test") as client:
        response = await client.post("/login", data={"key": "first-key"}, headers=OWN)
        assert "secure" in response.headers["set-cookie"].lower()
