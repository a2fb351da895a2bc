"""Whatever people write arrives as they wrote it, from the request to the prompt and the exports, or is refused."""

import io
import json
import zipfile
from collections.abc import AsyncIterator
from pathlib import PurePosixPath
from typing import Any, Final
from xml.etree import ElementTree

import httpx2
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.effort import LIMIT, effort
from tests.support.product import Product, running_product

_NASTY: Final = [
    "\u202eelttob leetS\u202c بطل القصة",
    "../../etc/passwd",
    'C:\\..\\NUL: *?"<>|',
    '=HYPERLINK("http://x","y")',
    "<script>alert(1)</script>&amp;]]>",
    '#eval("1") $x^2$ *bold* @ref `raw` // no comment',
    "INT. HOUSE - NIGHT >CENTERED< ~song~ [[note]] /* boneyard */",
    "---\n# Title\n| a | b |\n```",
    "Z̷̢͍a̸̡l̵͓g̶̰o 👩‍👩‍👧‍👦 Ⓢ𝕥𝕖𝕖𝕝 ﷽",
    "{{title}} %s %(x)s {0} ${HOME} \\n \\u0000",
    "'; DROP TABLE sessions; --",
    "x" * 190,
    ".",
    "\u200b\ufeff\u00ad-",
    "con.png",
    "\ufffe\uffff",
]
_REFUSED: Final = ["\0", "a\0b", "\ud800", "\x1b[31m", " \u2003 ", "", "\x85", "\x7f", "x" * 2_001]
LINES: Final = st.sampled_from(_NASTY).map(lambda text: text.replace("\n", " ")) | st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=80
)
TEXTS: Final = st.sampled_from([*_NASTY, "long " * 390]) | LINES
LONG_TEXTS: Final = TEXTS | st.just("Es war einmal. " * 660)
_REFUSABLE: Final = st.sampled_from(_REFUSED) | st.text(max_size=20)
FORMATS: Final = ("md", "fountain", "fdx", "pdf", "csv")


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    async with running_product(tmp_path_factory.mktemp("words")) as product:
        yield product


async def posted(product: Product, path: str, body: object) -> httpx2.Response:
    """Send JSON in which half surrogates are, too: as escapes, which every program can send."""
    content = json.dumps(body).encode("ascii")
    return await product.api.post(path, content=content, headers={"Content-Type": "application/json"}, timeout=30)


async def checked_archive(product: Product, session_id: str) -> None:
    """Check that an archive can be unpacked by anybody: names that lead nowhere else, and each of them once."""
    response = await product.api.get(f"/api/sessions/{session_id}/archive")
    assert 200 == response.status_code, response.text
    response.headers["content-disposition"].encode("ascii")
    with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert len({name.casefold() for name in names}) == len(names)
        for name in names:
            assert ".." not in PurePosixPath(name).parts
            assert not name.startswith("/")
            assert not set(name) & set('\\:*?"<>|\0\n\r')
        json.loads(archive.read(next(name for name in names if name.endswith("manifest.json"))))


async def settled(product: Product, response: httpx2.Response) -> dict[str, Any] | None:
    """Return the session that was started, once it is complete; None where the request was refused."""
    if response.status_code == 422:
        assert "application/problem+json" == response.headers["content-type"]
        assert response.json()["detail"]
        return None
    assert 202 == response.status_code, response.text
    session = await product.settled(response.json()["id"])
    assert "complete" == session["status"], session["message"]
    return session


@pytest.mark.timeout(LIMIT)
@effort(6)
@given(title=LINES, feature=TEXTS, note=TEXTS, prompt=LONG_TEXTS, label=LINES)
async def test_the_words_of_images_arrive(
    product: Product, title: str, feature: str, note: str, prompt: str, label: str
) -> None:
    """Every accepted word stands in the prompt verbatim, and nothing in the session is stuck over it."""
    image = {"type": "custom", "key": "own", "label": label, "prompt": prompt, "note": note}
    body = {"product": {"title": title, "features": [feature]}, "note": note, "images": [image], "size": "256x256"}
    session = await settled(product, await posted(product, "/api/sessions/images", body))
    if session is None:
        return
    assert title == session["title"]
    (call,) = (await product.calls())[-1:]
    for text in (title, feature, note, prompt):
        assert text in call["prompt"]
    await checked_archive(product, session["id"])
    again = await posted(product, f"/api/sessions/{session['id']}/items/own/retake", {"note": feature})
    assert again.status_code in (202, 409), again.text
    page = await product.api.get(f"/sessions/{session['id']}", headers={"Accept": "text/html"})
    assert 200 == page.status_code
    assert "<script>alert" not in page.text


@pytest.mark.timeout(LIMIT)
@effort(4)
@given(idea=LONG_TEXTS, name=LINES, description=TEXTS)
async def test_the_words_of_stories_arrive(product: Product, idea: str, name: str, description: str) -> None:
    """From the idea to every export: each opens as what it says it is."""
    body = {
        "idea": idea,
        "total_segments": 2,
        "segments_per_set": 1,
        "characters": [{"name": name, "description": description}],
    }
    session = await settled(product, await posted(product, "/api/sessions/stories", body))
    if session is None:
        return
    assert any(idea in call["prompt"] for call in (await product.calls())[-3:])
    await checked_archive(product, session["id"])
    for form in FORMATS:
        response = await product.api.get(f"/api/sessions/{session['id']}/export/{form}", timeout=30)
        assert 200 == response.status_code, response.text
        response.headers["content-disposition"].encode("ascii")
        match form:
            case "pdf":
                assert response.content.startswith(b"%PDF")
            case "fdx":
                ElementTree.fromstring(response.content)
            case _:
                assert "\0" not in response.content.decode("utf-8")
    assert 200 == (await product.api.get(f"/api/sessions/{session['id']}/story")).status_code


@pytest.mark.timeout(LIMIT)
@effort(30)
@given(text=_REFUSABLE, place=st.sampled_from(["title", "feature", "note", "prompt", "idea", "name", "q"]))
async def test_what_cannot_be_borne_is_refused(product: Product, text: str, place: str) -> None:
    """Control characters, half surrogates and texts without end are refused wherever they stand, and start nothing."""
    image = {"type": "custom", "key": "own", "prompt": text if place == "prompt" else "A box"}
    images = {
        "product": {"title": text if place == "title" else "A", "features": [text if place == "feature" else "B"]},
        "note": text if place == "note" else None,
        "images": [image],
        "size": "256x256",
        "budget_usd": 0,
    }
    story = {
        "idea": text if place == "idea" else "A story",
        "characters": [{"name": text if place == "name" else "Ada"}],
        "budget_usd": 0,
    }
    match place:
        case "q":
            query = {"q": text[:500].encode(errors="surrogatepass").decode(errors="replace")}
            response = await product.api.get("/api/sessions", params=query)
            assert response.status_code in (200, 422, 431), response.text
            return
        case "idea" | "name":
            response = await posted(product, "/api/sessions/stories", story)
        case _:
            response = await posted(product, "/api/sessions/images", images)
    assert response.status_code in (202, 422), response.text
    if text in _REFUSED and (len(text) < 2000 or place not in ("idea", "prompt")):
        assert 422 == response.status_code
    if response.status_code == 202:
        cancelled = await product.api.post(f"/api/sessions/{response.json()['id']}/cancel")
        assert cancelled.status_code in (202, 409), cancelled.text
