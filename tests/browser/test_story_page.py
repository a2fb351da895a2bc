"""A story in the browser: its outline approved with a change, its sets read as they arrive, and taken home."""

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.support.browser import Visitor, visiting
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")

IDEA = "Ada keeps the light of <script>alert(1)</script>, 🫙 and قارورة."
SECOND_SLOWLY = {"match": "\nSet 2 of 3 (", "times": 1, "fault": {"kind": "slow", "seconds": 4}}
THIRD_REFUSED = {"match": "\nSet 3 of 3 (", "times": 3, "fault": {"kind": "refusal"}}
SLOW_OUTLINE = {"match": "Outline of", "times": 1, "fault": {"kind": "slow", "seconds": 3}}
PATIENCE = 30_000


async def start_story(product: Product, **request: Any) -> str:
    body = {"idea": IDEA, "total_segments": 6, "segments_per_set": 2, **request}
    response = await product.api.post("/api/sessions/stories", json=body)
    assert response.status_code == 202, response.text
    return str(response.json()["id"])


async def mark(page: Page) -> None:
    """Mark the page so that a reload would show."""
    await page.evaluate("window.isSamePage = true")


async def is_same_page(page: Page) -> bool:
    return bool(await page.evaluate("window.isSamePage === true"))


async def test_from_the_outline_to_the_export(product: Product, visitor: Visitor) -> None:
    """The outline appears, is changed and approved; sets arrive without a reload; a failed one says what to do."""
    await product.faults({"seed": 1, "rules": [SLOW_OUTLINE, SECOND_SLOWLY, THIRD_REFUSED]})
    page = visitor.page
    session_id = await start_story(product, approve_outline=True)
    await page.goto(f"/sessions/{session_id}/outline")
    await mark(page)
    await expect(page.get_by_text("The outline is being written.")).to_be_visible()
    await visitor.keep_screenshots("outline-waiting")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE)
    assert await is_same_page(page)
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("outline")

    await page.get_by_label("Title").fill("")
    second = page.get_by_role("group", name="Set 2")
    await second.get_by_label("Beats").fill("The lamp goes out 🫙.\nقارورة <b>breaks</b>.")
    await page.get_by_role("button", name="Approve").click()
    await expect(page.locator("#title-error")).to_have_text("Must not be blank.")
    await expect(second.get_by_label("Beats")).to_have_value("The lamp goes out 🫙.\nقارورة <b>breaks</b>.")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("outline-refused")
    await page.get_by_label("Title").fill("<i>Two</i> Lights قارورة 🫙")
    await page.get_by_role("button", name="Approve").click()

    await page.wait_for_url(f"**/sessions/{session_id}/story")
    await mark(page)
    await expect(page.get_by_role("heading", level=1)).to_have_text("<i>Two</i> Lights قارورة 🫙")
    await expect(page.locator("#set-2")).to_contain_text("This set is being written.")
    await expect(page.locator("#segment-2 .spoken").first).to_be_visible(timeout=PATIENCE)
    await page.locator("#segment-1").get_by_text("Directions").click()
    await page.locator("#segment-1").get_by_text("Camera").wait_for()
    await visitor.keep_screenshots("story-processing")
    await expect(page.locator("#segment-3 .spoken").first).to_be_visible(timeout=PATIENCE)
    await expect(page.locator("#set-3")).to_contain_text("This set could not be written.", timeout=PATIENCE)
    await expect(page.locator("#set-3")).to_contain_text("attempt 3 of 3")
    await expect(page.locator("#segment-1").get_by_text("Camera")).to_be_visible()
    assert await is_same_page(page)
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("story")
    outline = (await product.api.get(f"/api/sessions/{session_id}/outline")).json()
    assert ["The lamp goes out 🫙.", "قارورة <b>breaks</b>."] == outline["sets"][1]["beats"]

    async with page.expect_download() as begun:
        await page.get_by_role("navigation", name="Exports").get_by_role("link", name="Markdown").click()
    assert re.search(r"\.md$", (await begun.value).suggested_filename)


async def test_another_outline_and_somebody_who_was_quicker(product: Product, visitor: Visitor) -> None:
    """A note leads to another outline; what somebody else approved meanwhile is told, and nothing typed is lost."""
    page = visitor.page
    session_id = await start_story(product, approve_outline=True)
    await page.goto(f"/sessions/{session_id}/outline")
    await expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE)
    before = len(await product.calls())
    await page.get_by_label("Note").fill("In the mountains.")
    await page.get_by_role("button", name="Write another outline").click()
    await expect(page.locator("input[name=attempt][value='2']")).to_be_attached(timeout=PATIENCE)
    assert "In the mountains." in (await product.calls())[before]["prompt"]
    await page.get_by_label("Summary").fill("Typed with care.")
    await product.api.put(f"/api/sessions/{session_id}/outline", json={"approve": True})
    await page.get_by_role("button", name="Approve").click()
    await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text("nothing")
    await expect(page.get_by_label("Summary")).to_have_value("Typed with care.")
    await product.settled(session_id)
    await page.goto(f"/sessions/{session_id}/outline")
    await expect(page.get_by_text("stays as it is")).to_be_visible()
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("outline-read")


async def test_on_a_phone(product: Product, browser: Browser) -> None:
    """Nothing is wider than the screen; the contents unfold, and lead to a set of another part."""
    session_id = await start_story(
        product,
        total_segments=120,
        segments_per_set=10,
        characters=[{"name": "N" * 60, "description": "Keeps the light."}],
    )
    await product.settled(session_id)
    async with visiting(browser, str(product.api.base_url), viewport={"width": 360, "height": 740}) as visitor:
        page = visitor.page
        await page.goto(f"/sessions/{session_id}/story")
        await expect(page.locator("#segment-40")).to_be_visible()
        await expect(page.locator("#segment-41")).to_have_count(0)
        contents = page.get_by_role("navigation", name="Contents")
        link = contents.get_by_role("link", name="Set 7")
        await expect(link).to_be_hidden()
        assert 360 == await page.evaluate("document.documentElement.scrollWidth")
        await visitor.keep_screenshots("story-phone")
        await contents.get_by_text("Contents").click()
        assert [] == await visitor.violations()
        await link.click()
        await expect(page.get_by_role("heading", name="Set 7")).to_be_in_viewport()
        for below in ("outline", "items/outline"):
            await page.goto(f"/sessions/{session_id}/{below}")
            assert 360 == await page.evaluate("document.documentElement.scrollWidth"), below


async def test_without_scripts(product: Product, browser: Browser) -> None:
    """The form is a form, and the reader a page."""
    session_id = await start_story(product, approve_outline=True)
    async with visiting(browser, str(product.api.base_url), java_script_enabled=False) as visitor:
        page = visitor.page
        await page.goto(f"/sessions/{session_id}/outline")
        await expect(page.get_by_role("button", name="Approve")).to_be_visible(timeout=PATIENCE)
        await page.get_by_role("button", name="Approve").click()
        await page.wait_for_url(f"**/sessions/{session_id}/story")
        await product.settled(session_id)
        await page.reload()
        await expect(page.locator("#segment-6")).to_be_visible()
