"""New sessions in the browser: from what somebody types, chooses and drops to the session that comes of it."""

import asyncio
import base64
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, Route, expect

from tests.support.browser import Visitor, visiting
from tests.support.product import Product
from tests.unit.storage.pictures import picture, png_of_size

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 30_000
SESSION = re.compile(r"/sessions/ses-[a-z2-7]+$")
PHONE = {"width": 360, "height": 740}
TITLE = "<script>alert('x')</script> בקבוק 🫙"
HTML_FILE = b"<!doctype html><script>alert(1)</script>"


def file(name: str, data: bytes) -> dict[str, object]:
    return {"name": name, "mimeType": "image/jpeg", "buffer": data}


async def choose(page: Page, *files: dict[str, object]) -> None:
    await page.get_by_label("Photos").set_input_files(list(files))  # type: ignore[arg-type]  # of playwright's own type


async def drop(page: Page, name: str, data: bytes, *, on: str) -> None:
    """Drag a file from somewhere else over the page, and let it fall."""
    transfer = await page.evaluate_handle(
        """([name, data]) => {
            const transfer = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0));
            transfer.items.add(new File([bytes], name, { type: "image/jpeg" }));
            return transfer;
        }""",
        [name, base64.b64encode(data).decode()],
    )
    for event in ("dragenter", "dragover", "drop"):
        await page.dispatch_event(on, event, {"dataTransfer": transfer})


async def session_of(page: Page, product: Product) -> dict[str, object]:
    await expect(page).to_have_url(SESSION, timeout=PATIENCE)
    return await product.session(page.url.rpartition("/")[2])


async def test_images_from_the_form_to_the_session(product: Product, visitor: Visitor) -> None:
    """Photos that are chosen or dropped are there at once, the cost before the button, and one click starts it."""
    page = visitor.page
    await page.goto("/new")
    await page.get_by_label("Title").fill("Steel bottle")
    await page.get_by_label("Features").fill("Keeps cold\nLeak-proof")
    await page.get_by_label("Audience").fill("hikers")
    cost = page.locator("#images .estimate")
    await expect(cost).to_contain_text("5 images by")
    five = await cost.locator("strong").inner_text()
    for label in ("Infographic 1", "Infographic 2", "Comparison"):
        await page.get_by_label(label, exact=True).uncheck()
    await expect(cost).to_contain_text("2 images by")
    assert five != await cost.locator("strong").inner_text()

    photos = page.locator("#photos-kept")
    await choose(page, file("front.jpg", picture("JPEG")), file("page.png", HTML_FILE))
    await expect(page.locator("#photos-error")).to_contain_text("page.png: The file is damaged, or it is no JPEG, PNG")
    await drop(page, "back side.png", picture("PNG", width=90), on="h1")
    await expect(photos).to_contain_text("back side.png")
    await expect(page.locator("#photos-error")).to_be_empty()
    await drop(page, "side.webp", picture("WEBP"), on=".drop")
    await expect(photos.get_by_role("listitem")).to_have_count(3)
    assert await photos.locator("img").evaluate_all(
        "(images) => Promise.all(images.map((image) => image.decode().then(() => image.naturalWidth)))"
    ) == [48, 90, 48]
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("new-images")
    await photos.get_by_role("button", name="Remove").nth(2).click()
    await expect(page.locator("#photos-news")).to_have_text("side.webp is removed.")

    await page.get_by_role("button", name="Start").click()
    session = await session_of(page, product)
    assert "Steel bottle" == session["title"]
    await expect(page.locator(".top .status")).to_have_text("complete", timeout=PATIENCE)
    calls = [call for call in await product.calls() if "Steel bottle" in call["prompt"]]
    assert [("/v1/images/edits", 2)] * 2 == [(call["path"], call["images"]) for call in calls]


async def test_what_is_refused_keeps_all_that_was_typed(product: Product, visitor: Visitor) -> None:
    """Beside each field, with the way to it; photos that are fine stay, too large ones are named."""
    page = visitor.page
    await page.goto("/new")
    await page.get_by_label("Features").fill("a\nb\nc\nd")
    await page.get_by_label("Note").fill(f"{TITLE}\n" + "x" * 10_000)
    too_large = b"\xff\xd8".ljust(20 * 2**20 + 1)
    await choose(
        page,
        file("large.jpg", too_large),
        file("huge.png", png_of_size(10_000, 6_100)),
        file("front.jpg", picture("JPEG")),
    )
    await expect(page.locator("#photos-error")).to_contain_text("large.jpg: The picture is larger than 20 MB.")
    await expect(page.locator("#photos-error")).to_contain_text("huge.png: The picture has more than 60 megapixels.")
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_label("Photos")).to_be_focused()
    await expect(page.locator("#photos-news")).to_contain_text("Start again to go on without what was refused.")
    await expect(page.get_by_label("Photos")).to_have_accessible_description(re.compile(r"huge\.png: The picture"))
    await page.get_by_role("button", name="Start").click()

    summary = page.get_by_role("region", name="Nothing was started yet")
    await expect(summary).to_be_focused()
    await expect(summary.get_by_role("link")).to_have_text(
        [
            "Title: must not be blank.",
            "Features: may have at most 3 lines.",
            "Note: may have at most 2,000 characters.",
        ]
    )
    for label, mistake in (("Title", "must not be blank"), ("Note", "may have at most 2,000 characters")):
        await expect(page.get_by_label(label)).to_have_accessible_description(re.compile(mistake))
        await expect(page.get_by_label(label)).to_have_attribute("aria-invalid", "true")
    await expect(page.get_by_label("Features")).to_have_value("a\nb\nc\nd")
    await expect(page.get_by_label("Note")).to_have_value(f"{TITLE}\n" + "x" * 10_000)
    await expect(page.locator("#photos-kept")).to_contain_text("front.jpg")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("new-refused")

    await summary.get_by_role("link", name="Title").press("Enter")
    await expect(page.get_by_label("Title")).to_be_focused()
    await page.keyboard.type(TITLE)
    await page.get_by_label("Features").fill("a")
    await page.get_by_label("Note").fill(TITLE)
    await page.get_by_role("button", name="Start").dblclick()
    await session_of(page, product)
    await expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)
    started = (await product.api.get("/api/sessions", params={"q": TITLE})).json()["sessions"]
    assert 1 == len(started)


async def test_start_waits_for_photos_that_are_under_way(product: Product, visitor: Visitor) -> None:
    """Whoever is quick loses none; where one is refused nothing is started without it. Nobody waits for the cost."""
    page = visitor.page
    arrived, may_go_on = asyncio.Event(), asyncio.Event()

    async def held_up(route: Route) -> None:
        arrived.set()
        await may_go_on.wait()
        await route.continue_()

    await page.route("**/new/photos", held_up)
    await page.route("**/estimate", lambda route: route.abort())
    await page.goto("/new?example=lamp")
    await expect(page.locator("#images .estimate")).to_have_text("The cost cannot be told now.")
    await expect(page.locator("#notice")).to_be_hidden()
    await choose(page, file("page.png", HTML_FILE), file("front.jpg", picture("JPEG")))
    await arrived.wait()
    await page.get_by_role("button", name="Start").click()
    may_go_on.set()
    await expect(page.get_by_label("Photos")).to_be_focused()
    await expect(page.locator("#photos-error")).to_contain_text("page.png")
    may_go_on.clear()
    arrived.clear()
    await choose(page, file("back.jpg", picture("JPEG", width=90)))
    await arrived.wait()
    await page.get_by_role("button", name="Start").click()
    may_go_on.set()
    session = await session_of(page, product)
    assert 4 == session["counts"]["total"]  # type: ignore[index]  # JSON


async def test_a_story_by_keyboard_on_a_phone(browser: Browser, product: Product) -> None:
    """Tab, keys and Enter lead to a story that waits for approval; nothing is wider than the phone."""
    await product.faults({"seed": 1})
    async with visiting(browser, str(product.api.base_url), viewport=PHONE) as visitor:
        page = visitor.page
        await page.goto("/new")
        await tab_to(page, "link", "A story for film")
        await page.keyboard.press("Enter")
        await tab_to(page, "textbox", "Idea")
        await page.keyboard.type("A lighthouse keeper finds a map.")
        await page.keyboard.press("Tab")
        await page.keyboard.type("20")
        await page.keyboard.press("Tab")
        await page.keyboard.type("Ada: the keeper\nJonas: her brother")
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await expect(page.locator("#story .estimate")).to_contain_text("1 outline and 2 sets by")
        assert PHONE["width"] == await page.evaluate("document.documentElement.scrollWidth")
        assert [] == await visitor.violations()
        await visitor.keep_screenshots("new-story-phone")
        await tab_to(page, "button", "Start")
        await page.keyboard.press("Enter")
        session = await session_of(page, product)
        assert 3 == session["counts"]["total"]  # type: ignore[index]  # JSON
        await expect(page.get_by_text("approve").first).to_be_visible(timeout=PATIENCE)
        assert [] == visitor.complaints


async def test_everything_works_without_scripts(browser: Browser, product: Product, tmp_path: Path) -> None:
    """Examples, photos, the cost and the refusal are plain pages; a photo is left out by its box."""
    await product.faults({"seed": 1})
    async with visiting(browser, str(product.api.base_url), java_script_enabled=False) as visitor:
        page = visitor.page
        await page.goto("/new")
        await page.get_by_role("link", name="Reading lamp").click()
        await expect(page.get_by_label("Title")).to_have_value("Clip-on reading lamp")
        await choose(page, file("front.jpg", picture("JPEG")), file("page.png", HTML_FILE))
        await page.get_by_role("button", name="Estimate").click()
        await expect(page.locator("#images .estimate")).to_contain_text("at worst $")
        await expect(page.locator("#photos-error")).to_contain_text("page.png")
        await page.get_by_label("Note").fill("x" * 2001)
        await choose(page, file("back.jpg", picture("JPEG", width=90)))
        await page.get_by_role("button", name="Start").click()
        await expect(page.get_by_role("link", name="Note: may have at most 2,000 characters.")).to_be_visible()
        await page.get_by_label("Note").fill("Morning light.")
        await page.get_by_label("back.jpg").uncheck()
        await page.get_by_role("button", name="Start").click()
        await session_of(page, product)
        await expect(page.get_by_role("heading", level=1)).to_have_text("Clip-on reading lamp")


async def tab_to(page: Page, role: str, name: str) -> None:
    """Press Tab until something has the focus."""
    wanted = page.get_by_role(role, name=name, exact=True)  # type: ignore[arg-type]  # a role that a test names
    for _ in range(60):
        await page.keyboard.press("Tab")
        if await wanted.count() and await wanted.evaluate("(element) => element === document.activeElement"):
            return
    pytest.fail(f"Tab never comes to the {role} {name}")
