"""The flight recorder and the page of an item: every attempt seen live, versions compared, the older one chosen."""

import io
import re
import zipfile
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support.browser import Visitor
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")

PATIENCE = 30_000
TROUBLE: dict[str, Any] = {
    "seed": 1,
    "rules": [
        {"match": "Image: Lifestyle", "times": 1, "fault": {"kind": "server_error"}},
        {"match": "Image: Comparison", "times": 1, "fault": {"kind": "rate_limit", "retry_after": 1}},
        {"match": "Image: Main", "times": 1, "fault": {"kind": "disconnect"}},
        {"match": "Image: Infographic", "times": 1, "fault": {"kind": "slow", "seconds": 2}},
    ],
}


REFUSED = {"match": "Image: Lifestyle", "times": 3, "fault": {"kind": "refusal"}}


async def overflow(page: Page) -> bool:
    """Whether the page is wider than its window."""
    return bool(await page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


async def test_every_attempt_is_seen_as_it_happens(product: Product, visitor: Visitor) -> None:
    """What broke, what it cost and why it was tried again appear without a reload, and what nobody knows is said."""
    await product.faults(TROUBLE)
    page = visitor.page
    session_id = await product.start_images()
    await page.goto(f"/sessions/{session_id}/attempts")
    await page.evaluate("window.isSamePage = true")
    broken = page.locator("#attempt-lifestyle-1")
    await expect(broken).to_contain_text(re.compile(r"Tried again as attempt 2, \d\.\d\ss later"), timeout=PATIENCE)
    await expect(broken).to_contain_text("Broke before it worked (transient)")
    await expect(page.locator("#attempt-lifestyle-2 .status")).to_have_text("complete", timeout=PATIENCE)
    await expect(page.locator("#attempt-main-1 .status")).to_have_text("uncertain")
    await expect(page.locator("#attempt-main-1")).to_contain_text("may have been billed")
    await expect(page.locator("#attempt-comparison-1")).to_contain_text("Waiting uses up no attempt")
    await product.settled(session_id)
    await expect(page.locator("#recorder .message")).to_contain_text("ready", timeout=PATIENCE)
    assert await page.evaluate("window.isSamePage === true")
    attempts = (await product.api.get(f"/api/sessions/{session_id}/attempts")).json()["attempts"]
    await expect(page.locator("tbody tr")).to_have_count(len(attempts))
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("recorder")
    await page.get_by_label("Outcome").select_option("uncertain")
    await page.get_by_role("button", name="Show", exact=True).click()
    await expect(page.locator("tbody tr")).to_have_count(1)
    await page.set_viewport_size({"width": 360, "height": 800})
    await page.goto(f"/sessions/{session_id}/attempts")
    assert not await overflow(page)
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("recorder-phone")


async def test_two_versions_are_compared_and_the_older_one_is_chosen(product: Product, visitor: Visitor) -> None:
    """Side by side with the difference of their prompts; what is chosen counts everywhere, and in words, too.

    What somebody types meanwhile stays, and what they have opened stays open.
    """
    # With something that failed the session stays open, and its pages live.
    await product.faults({"seed": 1, "rules": [REFUSED]})
    page = visitor.page
    session_id = await product.start_images(images=[{"type": "main"}, {"type": "lifestyle"}])
    await product.settled(session_id)
    await page.goto(f"/sessions/{session_id}/items/main")
    await expect(page.get_by_role("heading", level=1)).to_have_text("Main image")
    await page.evaluate("window.isSamePage = true")
    message = page.locator("#making .message")
    await page.get_by_label("Note").fill("Make the bottle blue")
    await page.get_by_role("button", name="Retake", exact=True).click()
    await expect(page.locator(".version")).to_have_count(2, timeout=PATIENCE)
    await expect(message).to_have_text("Version 2 of 2 counts: the newest does until a person chooses.")
    await expect(page.locator(".text ins").filter(has_text="Make the bottle blue")).to_be_visible()
    await page.get_by_text("Write the prompt yourself").click()
    await expect(page.get_by_label("Prompt", exact=True)).to_have_value(re.compile("Note: Make the bottle blue"))
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("item")
    await page.get_by_label("Prompt", exact=True).fill("My own words")
    await page.locator("#version-1").get_by_role("button", name="Use this version").click()
    await expect(page.locator("#version-1 .status")).to_have_text("counts")
    await expect(message).to_have_text("Version 1 of 2 counts, as a person chose. Newer ones do not take its place.")
    await expect(page.get_by_label("Prompt", exact=True)).to_have_value("My own words")
    assert await page.evaluate("window.isSamePage === true")
    main = next(item for item in (await product.session(session_id))["items"] if item["key"] == "main")
    assert 1 == main["selected_attempt"]
    archive = await product.api.get(f"/api/sessions/{session_id}/archive")
    with zipfile.ZipFile(io.BytesIO(archive.content)) as files:
        kept = files.read("1_main_image.png")
    assert kept == (await product.api.get(f"/api/sessions/{session_id}/items/main/content?attempt=1")).content
    async with page.expect_download() as downloading:
        await page.locator("#version-2").get_by_role("button", name="Download").click()
    assert "Main_image_2_Steel_bottle.png" == (await downloading.value).suggested_filename
    await page.goto(f"/sessions/{session_id}/items/lifestyle")
    await expect(message).to_have_text("Attempt 3 of 3 failed, and it is not tried again by itself.")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("item-failed")
    await page.get_by_label("Note").fill("Outdoors")
    await page.get_by_role("button", name="Retry", exact=True).click()
    await expect(message).to_have_text("There is one version, and it counts.", timeout=PATIENCE)


async def test_a_set_is_read_and_made_again_after_its_session_has_closed(product: Product, visitor: Visitor) -> None:
    """Its text stands there to be read, and a retake with a prompt of one's own is seen through to its end."""
    page = visitor.page
    started = await product.api.post(
        "/api/sessions/stories", json={"idea": "A lighthouse keeper finds a door in the sea.", "total_segments": 10}
    )
    session_id = str(started.json()["id"])
    await product.settled(session_id)
    await page.goto(f"/sessions/{session_id}/items/set-01")
    await expect(page.locator(".version .scene")).to_have_count(10)
    await expect(page.locator(".speaker").first).to_be_visible()
    await page.get_by_label("Note").fill("More wind")
    await page.get_by_role("button", name="Retake", exact=True).click()
    await expect(page.locator(".version")).to_have_count(2, timeout=PATIENCE)
    await expect(page.locator(".text ins").filter(has_text="More wind").first).to_be_visible()
    await expect(page.locator(".left-out").first).to_contain_text("lines the same")
    await page.set_viewport_size({"width": 360, "height": 800})
    assert not await overflow(page)
    assert [] == await visitor.violations()
    await page.set_viewport_size({"width": 1280, "height": 800})
    await visitor.keep_screenshots("item-set")
