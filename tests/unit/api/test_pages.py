import re

import httpx2
import pytest

from sessions.images import ImageSessionRequest
from sessions.state import SessionState
from tests.unit.api.in_memory import InMemory

HTML = {"Accept": "text/html,*/*"}
TYPED = {"title": " Steel bottle ", "features": "Cold\r\n\r\n Tight ", "audience": "", "note": "a\r\nb", "token": "t"}


async def test_the_list_shows_sessions_newest_first_with_their_pictures(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """Title, kind, status and counts as words, pictures with what they show."""
    memory.begin(ImageSessionRequest.model_validate({"product": {"title": "Wool socks"}}))
    page = (await client.get("/", headers=HTML)).text
    assert page.index("Wool socks") < page.index("Steel bottle")
    assert f'href="/sessions/{state.id}"' in page
    assert 'alt="Main image of Steel bottle"' in page
    small = await client.get(f"/sessions/{state.id}/items/main/thumbnail?attempt=1")
    assert f'src="{small.request.url.raw_path.decode()}"' in page
    assert ("image/webp", "private, max-age=31536000, immutable") == (
        small.headers["content-type"],
        small.headers["cache-control"],
    )
    assert "images ·" in page
    assert re.search(r">processing<", page)
    assert "<strong>1</strong> complete" in page
    assert "<strong>1</strong> failed" in page


async def test_the_page_renews_itself_only_while_something_runs(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A person who reads a settled session is left in peace."""
    refresh = 'http-equiv="refresh"'
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": "T"}, "images": [{"type": "main"}]}))
    for path in ("/", f"/sessions/{state.id}"):
        assert refresh in (await client.get(path, headers=HTML)).text
    memory.complete(state, key="main", data=b"x")
    for path in ("/", f"/sessions/{state.id}", "/new"):
        assert refresh not in (await client.get(path, headers=HTML)).text


async def test_more_sessions_are_a_page_away(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Twenty at a time, with the way to the older ones and back."""
    for number in range(21):
        memory.begin(ImageSessionRequest.model_validate({"product": {"title": f"Bottle {number}"}}))
    first = (await client.get("/", headers=HTML)).text
    assert "Bottle 20<" in first
    assert "Bottle 0<" not in first
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older is not None
    second = (await client.get(older[1], headers=HTML)).text
    assert "Bottle 0<" in second
    assert "Newest" in second


async def test_a_session_shows_each_item_and_what_can_be_done(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """Errors with their advice, attempts as words, and the ways on: retry, cancel, download, Temporal."""
    page = (await client.get(f"/sessions/{state.id}", headers=HTML)).text
    assert "attempt 3 of 3" in page
    assert "The provider refused the content (violence)." in page
    assert "Change the note, then retry." in page
    for button in ("Retry failed", "Cancel"):
        assert f">{button}</button>" in page
    assert f'action="/api/sessions/{state.id}/archive"><button>Download' in page
    assert f"/workflows/{state.id}" in page


async def test_no_time_is_promised_that_no_worker_keeps(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """Whoever reads a recorded state is told so on each of its pages, and not when it will be ready."""
    memory.complete(state, key="infographic_1", data=b"x")
    page = f"/sessions/{state.id}"
    assert re.search(r"Ready <time [^>]*>at about ", (await client.get(page, headers=HTML)).text)
    memory.is_stale = True
    for path in (page, f"{page}/items/main", f"{page}/attempts"):
        assert "No worker answers; this is the last recorded state." in (await client.get(path, headers=HTML)).text
    assert 'class="eta"' not in (await client.get(page, headers=HTML)).text


@pytest.mark.parametrize(
    ("form", "data", "told"),
    [
        ("budget", {"budget_usd": "much"}, "Budget: must be a valid number."),
        ("items/lifestyle/retry", {"note": "x" * 2001}, "Note: may have at most 2,000 characters."),
    ],
)
async def test_a_mistake_is_told_by_the_words_on_the_page(
    client: httpx2.AsyncClient, state: SessionState, form: str, data: dict[str, str], told: str
) -> None:
    """Whoever typed it knows the field by its label, not by its name in the API."""
    response = await client.post(f"/sessions/{state.id}/{form}", data=data, headers={"HX-Request": "true"})
    assert (422, told) == (response.status_code, response.json()["detail"])


async def test_retry_failed_retries_all_that_failed(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """A plain form, and back to the session."""
    response = await client.post(f"/sessions/{state.id}/retry", headers=HTML)
    assert (303, f"/sessions/{state.id}") == (response.status_code, response.headers["location"])
    assert [None] == [request.items for request in memory.retried]
    refused = await client.post(f"/sessions/{state.id}/retry", headers=HTML)
    assert 409 == refused.status_code
    assert "text/html" in refused.headers["content-type"]
    assert "Nothing has failed" in refused.text
    assert f'href="/sessions/{state.id}">Back to the session' in refused.text
    gone = await client.get("/sessions/ses-aaaabbbbccccdddd", headers=HTML)
    assert "Back to the session" not in gone.text


async def test_cancel_stops_a_session(client: httpx2.AsyncClient, memory: InMemory, state: SessionState) -> None:
    """What is under way is cancelled, what is finished stays."""
    assert 303 == (await client.post(f"/sessions/{state.id}/cancel", headers=HTML)).status_code
    assert "cancelled" == memory.states[state.id].status


async def test_the_form_starts_a_session(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Fields are tidied, not changed; the person lands on the session."""
    response = await client.post("/new", data=TYPED, headers=HTML)
    assert 303 == response.status_code
    (request,) = memory.started
    assert response.headers["location"] == f"/sessions/{next(iter(memory.states))}"
    assert (
        request.product.title,
        request.product.features,
        request.product.audience,
    ) == ("Steel bottle", ("Cold", "Tight"), None)
    assert "a\nb" == request.note
    assert 5 == len(request.images)


async def test_a_second_click_starts_nothing_and_a_changed_form_does(
    client: httpx2.AsyncClient, memory: InMemory
) -> None:
    """The same form with the same content is one session."""
    first = await client.post("/new", data=TYPED, headers=HTML)
    again = await client.post("/new", data=TYPED, headers=HTML)
    assert first.headers["location"] == again.headers["location"]
    await client.post("/new", data={**TYPED, "title": "Another"}, headers=HTML)
    await client.post("/new", data={**TYPED, "token": "another form"}, headers=HTML)
    assert 3 == len(memory.started)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"title": ""}, "Title: must not be blank."),
        ({"title": "x" * 201}, "Title: may have at most 200 characters."),
        ({"title": "T", "features": "a\nb\nc\nd"}, "Features: may have at most 3 lines."),
        ({"title": "T", "features": "a\n" + "b" * 501}, "Features: line 2 may have at most 500 characters."),
        ({"title": "T", "audience": "x\0"}, "Audience: holds the control character U+0000; remove it."),
        ({"title": "T", "note": "x" * 2001}, "Note: may have at most 2,000 characters."),
    ],
)
async def test_a_form_with_a_mistake_comes_back_with_what_was_typed(
    client: httpx2.AsyncClient, memory: InMemory, typed: dict[str, str], words: str
) -> None:
    """Nothing that was typed is lost, and the mistake stands at its field."""
    response = await client.post("/new", data={"note": "<b>kept</b>", **typed}, headers=HTML)
    assert 422 == response.status_code
    assert words in response.text
    assert 'aria-invalid="true"' in response.text
    if "note" not in typed:
        assert "&lt;b&gt;kept&lt;/b&gt;" in response.text
    assert [] == memory.started


async def test_the_form_has_fields_and_buttons_by_name(client: httpx2.AsyncClient) -> None:
    """Labels are what people, screen readers and tests find fields by."""
    page = (await client.get("/new", headers=HTML)).text
    for label in ("Title", "Features", "Audience", "Note"):
        assert f'<label for="{label.lower()}">{label}</label>' in page
    assert ">Start</button>" in page


async def test_what_people_write_is_shown_as_text(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """No markup from outside survives, on any page or in any attribute."""
    title = "\"><script>alert('x')</script>"
    state = memory.begin(ImageSessionRequest.model_validate({"product": {"title": title}}))
    memory.complete(state, key="main", data=b"x")
    for path in ("/", f"/sessions/{state.id}"):
        page = (await client.get(path, headers=HTML)).text
        assert "<script>" not in page
        assert "&lt;script&gt;" in page


@pytest.mark.parametrize("path", ["/sessions/ses-aaaaaaaaaaaaaaaa", "/nothing", "/sessions/%00"])
async def test_a_person_gets_a_page_and_a_program_a_problem(client: httpx2.AsyncClient, path: str) -> None:
    """The same mistake, told to whoever asks in their own form."""
    person, program = await client.get(path, headers=HTML), await client.get(path)
    assert (404, 404) == (person.status_code, program.status_code)
    assert "text/html" in person.headers["content-type"]
    assert "Not Found" in person.text
    assert "application/problem+json" == program.headers["content-type"]


async def test_nothing_is_loaded_from_elsewhere(
    client: httpx2.AsyncClient, memory: InMemory, state: SessionState
) -> None:
    """No inline scripts or styles, and no other site: the content security policy allows none."""
    for path in ("/", "/new", "/login", f"/sessions/{state.id}", "/nothing"):
        page = (await client.get(path, headers=HTML)).text
        assert [] == re.findall(r"<script(?! src=\"/static/[^\"]+\" defer></script>)", page)
        assert "<style" not in page
        assert " style=" not in page
        assert [] == re.findall(r'(?:src|action)="(?!/)[^"]*"', page)
    style = re.search(r'href="(/static/style\.css\?[0-9a-f]+)"', page)
    assert style is not None
    assert 200 == (await client.get(style[1])).status_code
    assert 200 == (await client.get("/static/icon.svg")).status_code
