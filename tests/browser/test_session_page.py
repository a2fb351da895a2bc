"""A session in the browser: seen as it happens, steered, and still right after whatever was in between."""

import asyncio
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, Response, Route, expect

from tests.support.browser import Visitor, visiting
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAILING_TWICE = {"match": "Image: Lifestyle", "times": 2, "fault": {"kind": "server_error"}}
REFUSED = {"match": "Image: Lifestyle", "times": 3, "fault": {"kind": "refusal"}}
SLOW = {"match": "Image:", "times": 1000, "fault": {"kind": "slow", "seconds": 3}}
LIFESTYLE = [{"type": "main"}, {"type": "lifestyle"}]
PATIENCE = 30_000


def badge(page: Page) -> Any:
    return page.locator(".top .status")


async def open_page(page: Page, session_id: str) -> None:
    """Go to a session, and mark the page so that a reload would show."""
    await page.goto(f"/sessions/{session_id}")
    await page.evaluate("window.isSamePage = true")


async def is_same_page(page: Page) -> bool:
    return bool(await page.evaluate("window.isSamePage === true"))


async def test_retries_are_seen_as_they_happen(product: Product, visitor: Visitor) -> None:
    """The wait counts down, says why, and the last picture and the badge appear without a reload."""
    await product.faults({"seed": 1, "rules": [FAILING_TWICE]})
    page = visitor.page
    session_id = await product.start_images(product={"title": "Steel <script>alert(1)</script> 🫙 قارورة"})
    await open_page(page, session_id)
    card = page.locator("#card-lifestyle")
    await expect(card).to_contain_text(re.compile(r"Next attempt (in \d s|now)"), timeout=PATIENCE)
    await expect(card.locator(".error")).to_contain_text("Last attempt: The provider had a fault of its own")
    await expect(card).to_contain_text("attempt 2 of 3")
    await expect(page.locator(".eta")).to_have_text(re.compile(r"^Ready (in about \d+ s|at any moment)$"))
    await expect(card).to_contain_text("“Emphasize clarity and simplicity”")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("session-processing")
    await expect(badge(page)).to_have_text("complete", timeout=PATIENCE)
    await expect(card.locator("img")).to_be_visible()
    await expect(card).to_contain_text("attempt 3 of 3")
    assert await is_same_page(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("Steel <script>alert(1)</script> 🫙 قارورة")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("session-complete")


async def test_what_failed_is_retried_with_a_note(product: Product, visitor: Visitor) -> None:
    """The failure is explained with advice; the note goes into the prompt word for word; nothing else is made again."""
    await product.faults({"seed": 1, "rules": [REFUSED]})
    page = visitor.page
    session_id = await product.start_images(images=LIFESTYLE)
    await open_page(page, session_id)
    await expect(badge(page)).to_have_text("partial", timeout=PATIENCE)
    card = page.locator("#card-lifestyle")
    await expect(card.locator(".advice")).to_contain_text("Retry it with a note")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("session-partial")
    before = len(await product.calls())
    await card.get_by_label("Note").fill("Without any people.\nIn a kitchen.")
    await card.get_by_role("button", name="Retry").click()
    await expect(badge(page)).to_have_text("complete", timeout=PATIENCE)
    await expect(card).to_contain_text("attempt 4 of 6")
    assert await is_same_page(page)
    (call,) = (await product.calls())[before:]
    assert "Without any people.\nIn a kitchen." in call["prompt"]


async def test_a_retake_adds_a_version(product: Product, visitor: Visitor) -> None:
    """One click, no reload; the card says how many versions there are."""
    page = visitor.page
    session_id = await product.start_images(images=[{"type": "main"}])
    await product.settled(session_id)
    await open_page(page, session_id)
    await page.get_by_role("button", name="Retake").click()
    await expect(page.locator("#card-main")).to_contain_text("2 versions", timeout=PATIENCE)
    await expect(badge(page)).to_have_text("complete", timeout=PATIENCE)


async def test_pause_resume_cancel_and_delete(product: Product, visitor: Visitor) -> None:
    """Each shows at once what came of it; deleting is asked once, and the session is gone."""
    await product.faults({"seed": 1, "rules": [SLOW]})
    page = visitor.page
    session_id = await product.start_images()
    await open_page(page, session_id)
    await page.get_by_role("button", name="Pause").press("Enter")
    await expect(badge(page)).to_have_text("paused")
    await expect(page.get_by_role("button", name="Resume")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(badge(page)).to_have_text("processing")
    await page.get_by_role("button", name="Cancel").click()
    await expect(badge(page)).to_have_text("cancelled", timeout=PATIENCE)
    await page.get_by_role("button", name="Delete").click()
    dialog = page.get_by_role("dialog")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("session-delete")
    await expect(dialog.get_by_role("button", name="Keep")).to_be_focused()
    for stop in ("Delete", "Keep"):
        await page.keyboard.press("Tab")
        await expect(dialog.get_by_role("button", name=stop)).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("button", name="Delete")).to_be_focused()
    await page.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Keep").click()
    await expect(dialog).to_be_hidden()
    await page.get_by_role("button", name="Delete").click()
    await dialog.get_by_role("button", name="Delete").click()
    await page.wait_for_url("**/")
    assert 404 == (await product.api.get(f"/api/sessions/{session_id}")).status_code


async def test_the_archive_is_downloaded(product: Product, visitor: Visitor) -> None:
    """With a name that says what it is."""
    page = visitor.page
    session_id = await product.start_images(images=[{"type": "main"}])
    await product.settled(session_id)
    await open_page(page, session_id)
    async with page.expect_download() as begun:
        await page.get_by_role("button", name="Download").click()
    assert "Steel_bottle.zip" == (await begun.value).suggested_filename


async def test_what_is_refused_is_told_beside_what_is_there(product: Product, visitor: Visitor) -> None:
    """Somebody else was quicker: a notice says so, and the page stays."""
    await product.faults({"seed": 1, "rules": [SLOW]})
    page = visitor.page
    session_id = await product.start_images()
    await open_page(page, session_id)
    await expect(page.get_by_role("button", name="Pause")).to_be_visible()
    # The stream would show what the other has done: it is cut off, as it is for a moment in a slow network.
    await page.route("**/live*", lambda route: route.abort())
    await page.reload()
    await product.api.post(f"/api/sessions/{session_id}/pause")
    await page.get_by_role("button", name="Pause").click()
    await expect(page.get_by_role("alert")).to_have_text("The session is paused already.")
    await product.api.post(f"/api/sessions/{session_id}/cancel")


async def test_the_api_is_restarted_under_an_open_page(product: Product, visitor: Visitor) -> None:
    """The page says that the connection is lost, keeps what was typed, and catches up by itself."""
    await product.faults({"seed": 1, "rules": [REFUSED]})
    page = visitor.page
    session_id = await product.start_images(images=LIFESTYLE)
    await open_page(page, session_id)
    await expect(badge(page)).to_have_text("partial", timeout=PATIENCE)
    note = page.locator("#card-lifestyle").get_by_label("Note")
    await note.fill("Half a sentence")
    await product.kill("api")
    banner = page.locator("#connection")
    await expect(banner).to_contain_text("The connection is lost")
    await visitor.keep_screenshots("connection-lost")
    await page.locator("#card-lifestyle").get_by_role("button", name="Retry").click()
    await expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached. Nothing was changed")
    await product.start("api")
    await product.api.post(f"/api/sessions/{session_id}/items/main/retake")
    await expect(banner).to_be_hidden(timeout=PATIENCE)
    await expect(page.locator("#card-main")).to_contain_text("2 versions", timeout=PATIENCE)
    await expect(note).to_have_value("Half a sentence")
    assert await is_same_page(page)


async def test_the_network_is_cut_and_restored(product: Product, visitor: Visitor) -> None:
    """The page says so at once, and shows what it has missed as soon as it can."""
    # Long enough to be cut off while it is being made: a page whose session has closed has no connection to lose.
    await product.faults({"seed": 1, "rules": [{**SLOW, "fault": {"kind": "slow", "seconds": 8}}]})
    page = visitor.page
    session_id = await product.start_images(images=LIFESTYLE)
    await open_page(page, session_id)
    await expect(badge(page)).to_have_text("processing", timeout=PATIENCE)
    # News that is on its way when the network is cut would take the banner away again.
    for item in ("main", "lifestyle"):
        await expect(page.locator(f"#card-{item}")).to_contain_text("attempt 1 of 3", timeout=PATIENCE)
    await visitor.context.set_offline(True)
    await expect(page.locator("#connection")).to_be_visible()
    await product.settled(session_id)
    await visitor.context.set_offline(False)
    await expect(badge(page)).to_have_text("complete", timeout=PATIENCE)
    await expect(page.locator("#connection")).to_be_hidden()
    assert await is_same_page(page)


async def test_the_keyboard_alone(product: Product, visitor: Visitor) -> None:
    """Every control is reached with Tab and used with Enter; the focus survives that the board changes."""
    await product.faults({"seed": 1, "rules": [{**REFUSED, "times": 4}]})
    page = visitor.page
    session_id = await product.start_images(images=[{"type": "lifestyle"}], max_attempts=1)
    await product.settled(session_id)
    await open_page(page, session_id)
    for _ in range(30):
        await page.keyboard.press("Tab")
        if "Note" in (await page.evaluate("document.activeElement.labels?.[0]?.textContent ?? ''")):
            break
    await page.keyboard.type("Softer light")
    # A change arrives while somebody types.
    await product.api.put(f"/api/sessions/{session_id}/budget", json={"budget_usd": 5})
    await expect(page.locator(".facts", has_text="budget $5.00")).to_be_visible()
    await page.keyboard.type(", please")
    await expect(page.locator("#card-lifestyle").get_by_label("Note")).to_have_value("Softer light, please")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#card-lifestyle")).to_contain_text("attempt 2 of", timeout=PATIENCE)
    assert await is_same_page(page)


async def test_without_scripts(product: Product, browser: Browser) -> None:
    """Every button works as a form that leads back to the page."""
    await product.faults({"seed": 1, "rules": [REFUSED]})
    session_id = await product.start_images(images=LIFESTYLE)
    await product.settled(session_id)
    async with visiting(browser, str(product.api.base_url), java_script_enabled=False) as visitor:
        page = visitor.page
        await page.goto(f"/sessions/{session_id}")
        await page.get_by_role("button", name="Retry failed").click()
        await page.wait_for_url(f"**/sessions/{session_id}")
        await product.settled(session_id)
        await page.reload()
        await expect(badge(page)).to_have_text("complete")


async def test_on_a_phone(product: Product, browser: Browser) -> None:
    """Nothing is wider than the screen."""
    session_id = await product.start_images(product={"title": "W" * 120})
    await product.settled(session_id)
    async with visiting(browser, str(product.api.base_url), viewport={"width": 360, "height": 740}) as visitor:
        await visitor.page.goto(f"/sessions/{session_id}")
        await expect(badge(visitor.page)).to_have_text("complete")
        assert 360 == await visitor.page.evaluate("document.documentElement.scrollWidth")
        assert [] == await visitor.violations()
        await visitor.keep_screenshots("session-phone")
        for below in ("items/main", "attempts"):
            await visitor.page.goto(f"/sessions/{session_id}/{below}")
            assert 360 == await visitor.page.evaluate("document.documentElement.scrollWidth"), below


async def test_a_slow_network_still_connects(product: Product, visitor: Visitor) -> None:
    """In whatever moment its scripts arrive, the page finds its stream."""
    await product.faults({"seed": 1, "rules": [SLOW]})

    async def late(route: Route) -> None:
        await asyncio.sleep(0.4)  # as a slow network would take
        await route.continue_()

    await visitor.page.route("**/static/vendor/*", late)
    session_id = await product.start_images(images=[{"type": "main"}])
    await open_page(visitor.page, session_id)
    await expect(badge(visitor.page)).to_have_text("complete", timeout=PATIENCE)
    assert await is_same_page(visitor.page)


async def test_scripts_and_styles_are_light(product: Product, visitor: Visitor) -> None:
    """What a page loads besides itself and its pictures stays within 100 kB; none of it comes from elsewhere."""
    session_id = await product.start_images(images=[{"type": "main"}])
    await product.settled(session_id)
    page = visitor.page
    loaded: list[Response] = []

    def note(response: Response) -> None:
        loaded.append(response)

    page.on("response", note)
    await page.goto(f"/sessions/{session_id}")
    files = [response for response in loaded if "/static/" in response.url]
    assert 100_000 >= sum([len(await response.body()) for response in files])
    assert {str(product.api.base_url).rstrip("/")} == {"/".join(one.url.split("/")[:3]) for one in loaded}
