"""The page on which sessions are started, asked for as a browser does."""

import re
from html import unescape

import httpx2
import pytest

from service.errors import BusyError, IdempotencyKeySpentError, UncertainStartError
from tests.unit.api.in_memory import InMemory

HTML = {"Accept": "text/html,*/*"}
SCRIPT = {**HTML, "HX-Request": "true"}
FRONT, BACK = b"picture of the front", b"picture of the back"


def sent(*files: tuple[str, bytes]) -> list[tuple[str, tuple[str, bytes]]]:
    return [("photos", file) for file in files]


def kept_in(page: str) -> list[str]:
    """Return what the page would send of the photos that are kept."""
    return [unescape(value) for value in re.findall(r'name="photo" value="([^"]*)"', page)]


async def test_photos_go_along_with_the_form(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Without a script the form brings them; they are kept and go into the request in their order."""
    files = sent(("front.jpg", FRONT), ("back.jpg", BACK), ("again.jpg", FRONT))
    response = await client.post("/new", data={"title": "Bottle"}, files=files, headers=HTML)
    assert 303 == response.status_code
    (request,) = memory.started
    assert [FRONT, BACK] == [memory.uploads[upload] for upload in request.references]


async def test_a_refused_photo_is_named_and_all_else_stays(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """What was typed and the photos that are fine: nobody chooses them twice."""
    files = sent(("front.jpg", FRONT), ("<b>page.png", b"<html>"), ("large.jpg", b"picture".ljust(20 * 2**20 + 1)))
    response = await client.post("/new", data={"title": "Bottle", "note": "<i>"}, files=files, headers=HTML)
    page = response.text
    assert 422 == response.status_code
    assert [] == memory.started
    for words in ("&lt;b&gt;page.png: The file is no picture.", "large.jpg: The picture is larger than 20 MB."):
        assert 2 == page.count(words)  # at the field, and with all others at the top
    assert 'value="Bottle"' in page
    assert "\n&lt;i&gt;</textarea>" in page
    (front,) = kept_in(page)
    assert front.endswith(":front.jpg")

    again = await client.post("/new", data={"title": "Bottle", "photo": kept_in(page)}, headers=HTML)
    assert 303 == again.status_code
    assert [FRONT] == [memory.uploads[upload] for upload in memory.started[0].references]


async def test_photos_survive_the_refusal_of_something_else(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Those that came along with the form, and those that had been kept before."""
    added = await client.post("/new/photos", files=sent(("front.jpg", FRONT)), headers=SCRIPT)
    response = await client.post(
        "/new", data={"title": "", "photo": kept_in(added.text)}, files=sent(("back.jpg", BACK)), headers=HTML
    )
    assert 422 == response.status_code
    assert ["front.jpg", "back.jpg"] == [value.partition(":")[2] for value in kept_in(response.text)]


async def test_a_photo_is_kept_as_soon_as_it_is_chosen(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The script gets what the form shows of it, or why it cannot be."""
    added = await client.post("/new/photos", files=sent(("front.jpg", FRONT)), headers=SCRIPT)
    (source,) = re.findall(r'<img src="([^"]+)"', added.text)
    preview = await client.get(source, headers=HTML)
    assert (200, "image/webp") == (preview.status_code, preview.headers["content-type"])
    assert b"preview of " + FRONT == preview.content
    assert "immutable" in preview.headers["cache-control"]

    refused = await client.post("/new/photos", files=sent(("page.png", b"<html>")), headers=SCRIPT)
    assert (422, "The file is no picture. Upload one.") == (refused.status_code, refused.json()["detail"])
    nothing = await client.post("/new/photos", headers=SCRIPT)
    assert (422, "Choose a picture to upload.") == (nothing.status_code, nothing.json()["detail"])
    assert 404 == (await client.get(f"/new/photos/upl-{'z' * 26}", headers=HTML)).status_code


async def test_a_photo_that_is_gone_is_told_and_taken_out(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """Uploads may have been cleared away while the form was open."""
    gone = f"upl-{'z' * 26}:front.jpg"
    response = await client.post("/new", data={"title": "Bottle", "photo": gone}, headers=HTML)
    assert 422 == response.status_code
    assert "front.jpg: it is no longer kept here. Add it again." in response.text
    assert [] == kept_in(response.text)


async def test_none_of_the_images_is_a_mistake(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A form without a tick means none, not all of them."""
    response = await client.post("/new", data={"title": "Bottle", "image": ""}, headers=HTML)
    assert 422 == response.status_code
    assert "Images: choose at least one." in response.text
    assert 'href="#image-main"' in response.text
    assert 'id="image-main"' in response.text


async def test_every_mistake_leads_to_its_field(client: httpx2.AsyncClient) -> None:
    """From the summary, which takes the focus; fields that are folded away are unfolded."""
    typed = {"title": "", "budget": "x", "own_images": "Box", "features": "a\nb\nc\nd", "image": ""}
    story = {"idea": "", "budget": "x", "language": "English", "segments": "x", "set_length": "0"}
    for path, fields, count in (("/new", typed, len(typed)), ("/new/story", story, len(story))):
        page = (await client.post(path, data=fields, headers=HTML)).text
        (summary,) = re.findall(r'<section class="[^"]*summary" tabindex="-1" autofocus.*?</section>', page, re.DOTALL)
        places = re.findall(r'href="#([^"]+)"', summary)
        assert count == len(places)
        for place in places:
            assert 1 == page.count(f'id="{place}"')
        assert 1 == page.count("<details open>")


async def test_ids_are_there_once(client: httpx2.AsyncClient) -> None:
    """Both forms are on one page, and have fields of the same name."""
    ids = re.findall(r' id="([^"]+)"', (await client.get("/new", headers=HTML)).text)
    assert len(set(ids)) == len(ids)
    assert {"title", "features", "audience", "note", "photos", "idea", "segments"} <= set(ids)


@pytest.mark.parametrize(
    ("name", "words"),
    [("bottle", 'value="Insulated steel bottle, 750 ml"'), ("lighthouse", "\nA lighthouse keeper and her brother")],
)
async def test_an_example_fills_in_the_form(client: httpx2.AsyncClient, name: str, words: str) -> None:
    """With one click on a link of the page, and without a script; one that is not there fills in nothing."""
    page = (await client.get("/new", headers=HTML)).text
    (link,) = re.findall(rf'href="(/new\?example={name}(?:#story)?)"', page)
    assert words not in page
    assert words in (await client.get(link, headers=HTML)).text
    assert words not in (await client.get("/new?example=nothing", headers=HTML)).text


async def test_the_cost_is_told_before_anything_is_started(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """While somebody types, and it changes with what is asked for; a title is not needed for it."""
    five = (await client.post("/new/estimate", data={"title": ""}, headers=SCRIPT)).text
    one = (await client.post("/new/estimate", data={"image": "main", "max_attempts": "1"}, headers=SCRIPT)).text
    story = (await client.post("/new/story/estimate", data={"idea": "A short film."}, headers=SCRIPT)).text
    assert re.search(r"<strong>About \$0\.\d\d</strong> \(\$0\.\d\d to \$0\.\d\d\), at worst \$\d\.\d\d", five)
    assert "5 images by gpt-image-2.5-flare; at worst each takes 3 attempts." in five
    assert "1 image by gpt-image-2.5-flare. Prices of" in one
    assert "1 outline and 2 sets by gpt-6-luna" in story
    assert [] == memory.started


@pytest.mark.parametrize(
    ("path", "data", "words"),
    [
        ("/new/estimate", {"note": "x" * 10_000}, "Note: may have at most 2,000 characters."),
        ("/new/estimate", {"model": "unheard-of"}, "The price of this model is not known"),
        ("/new/estimate", {"budget": "0.01"}, "The budget may not be enough"),
        ("/new/estimate", {"photo": f"upl-{'z' * 26}:x.jpg"}, "The cost cannot be told now."),
        ("/new/story/estimate", {"idea": ""}, "Write down the idea to see what it costs."),
        ("/new/story/estimate", {"idea": "x", "segments": "many"}, "Segments: must be a whole number."),
    ],
)
async def test_what_keeps_the_cost_from_being_told_is_said(
    client: httpx2.AsyncClient, path: str, data: dict[str, str], words: str
) -> None:
    """In place of the cost, and never as a failure of the page."""
    response = await client.post(path, data=data, headers=SCRIPT)
    assert 200 == response.status_code
    assert words in response.text


async def test_the_cost_without_a_script(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """A button shows the page again with the cost and all that was typed, photos included."""
    response = await client.post(
        "/new/estimate", data={"title": "Bottle"}, files=sent(("a.jpg", FRONT), ("b.jpg", b"<html>")), headers=HTML
    )
    assert 200 == response.status_code
    assert "at worst $" in response.text
    assert 'value="Bottle"' in response.text
    assert 1 == len(kept_in(response.text))
    assert "b.jpg: The file is no picture." in response.text
    story = (await client.post("/new/story/estimate", data={"idea": "Rain."}, headers=HTML)).text
    assert "at worst $" in story
    assert "\nRain.</textarea>" in story
    assert [] == memory.started


async def test_nothing_typed_is_lost_while_something_is_out_of_reach(
    client: httpx2.AsyncClient, memory: InMemory
) -> None:
    """The form comes back with what to do, and the same form starts one session later."""
    memory.is_down = True
    for path, typed in (("/new", {"title": "Bottle", "token": "t"}), ("/new/story", {"idea": "Rain.", "token": "t"})):
        response = await client.post(path, data=typed, headers=HTML)
        assert 503 == response.status_code
        assert "2" == response.headers["retry-after"]
        assert "What you typed is still here." in response.text
        assert 'name="token" value="t"' in response.text
    assert 'value="Bottle"' not in response.text
    assert "\nRain.</textarea>" in response.text


@pytest.mark.parametrize(
    ("refusal", "status", "words", "is_same_form"),
    [
        (IdempotencyKeySpentError(), 409, "has been deleted. Start once more to begin another.", False),
        (UncertainStartError(), 503, "this form starts one session. What you typed is still here.", True),
        (BusyError(), 503, "Start again in a moment. What you typed is still here.", True),
    ],
)
async def test_what_no_field_is_to_blame_for_is_told_on_top(
    client: httpx2.AsyncClient,
    memory: InMemory,
    monkeypatch: pytest.MonkeyPatch,
    refusal: Exception,
    status: int,
    words: str,
    is_same_form: bool,
) -> None:
    """The form stays. It begins another session only where the one that it began is gone."""

    async def refused(*_: object, **__: object) -> None:
        raise refusal

    for name in ("start_images", "start_story"):
        monkeypatch.setattr(memory, name, refused)
    for path, typed in (("/new", {"title": "Bottle", "token": "t"}), ("/new/story", {"idea": "Rain.", "token": "t"})):
        response = await client.post(path, data=typed, headers=HTML)
        assert status == response.status_code
        assert words in response.text
        assert is_same_form == ('name="token" value="t"' in response.text)


async def test_a_callback_that_may_not_be_is_told_at_its_field(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """The installation decides that, not the form of the address."""
    for path, typed in (("/new", {"title": "Bottle"}), ("/new/story", {"idea": "Rain."})):
        address = {"callback_url": "http://127.0.0.1/hook"}
        response = await client.post(path, data={**typed, **address}, headers=HTML)
        assert 422 == response.status_code
        assert 2 == response.text.count("Callback: ")
    assert [] == memory.started


async def test_a_story_is_reloaded_as_the_form_it_was(client: httpx2.AsyncClient) -> None:
    """Its own address takes what was typed, and leads back to the form."""
    response = await client.get("/new/story", headers=HTML)
    assert (303, "/new#story") == (response.status_code, response.headers["location"])


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"nonsense", "multipart/form-data; boundary=x", 400),
        (b"x", "multipart/form-data", 400),
        (b"&".join([b"title=x"] * 2000), "application/x-www-form-urlencoded", 400),
        (b'{"title": "x"}', "application/json", 422),
        (b"", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_what_is_no_form_is_refused(
    client: httpx2.AsyncClient, memory: InMemory, body: bytes, content_type: str, status: int
) -> None:
    """As a mistake of whoever sends it."""
    for path in ("/new", "/new/story", "/new/photos"):
        response = await client.post(path, content=body, headers={**HTML, "Content-Type": content_type})
        assert (path, status) == (path, response.status_code)
    assert {} == memory.states


async def test_bytes_that_are_no_text_are_shown_as_such(client: httpx2.AsyncClient, memory: InMemory) -> None:
    """And never break the page."""
    headers = {**HTML, "Content-Type": "application/x-www-form-urlencoded"}
    response = await client.post("/new", content=b"title=%ff%fe&note=%ed%a0%80&budget=x", headers=headers)
    assert 422 == response.status_code
    assert "Budget: must be a valid number." in response.text
