"""The list of sessions in the browser: live, narrowed down, turned over."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_list_is_live(product: Product, visitor: Visitor) -> None:
    """A session appears on top, its pictures and its status follow, without a reload."""
    page = visitor.page
    await page.goto("/")
    await expect(page.get_by_text("Nothing has been made here yet.")).to_be_visible()
    assert [] == await visitor.violations()
    await page.evaluate("window.isSamePage = true")
    session_id = await product.start_images(product={"title": "Steel <b>bottle</b> 🫙 قارورة"})
    card = page.locator(f"#{session_id}")
    await expect(card).to_contain_text("Steel <b>bottle</b> 🫙 قارورة")
    await expect(card.locator(".status")).to_have_text("complete", timeout=30_000)
    await expect(card.locator("img")).to_have_count(5)
    width = "image => image.decode().then(() => image.naturalWidth)"
    assert 192 == await card.locator("img").first.evaluate(width)
    assert await page.evaluate("window.isSamePage")


async def test_narrowed_down_and_turned_over(product: Product, visitor: Visitor) -> None:
    """By status, kind and words of the title, page by page; what is asked for stands in the address."""
    refused = {"match": "Image: Main", "times": 3, "fault": {"kind": "refusal"}}
    await product.faults({"seed": 1, "rules": [refused]})
    page = visitor.page
    failed = await product.start_images(product={"title": "Wool socks"}, images=[{"type": "main"}])
    await product.settled(failed)
    others = [await product.start_images(product={"title": f"Cup {n}"}, images=[{"type": "main"}]) for n in range(21)]
    for session_id in others:
        await product.settled(session_id)
    await page.goto("/")
    await expect(page.get_by_role("heading", level=2)).to_have_count(20)
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("sessions")
    await page.get_by_role("link", name="Older sessions").click()
    await expect(page.get_by_role("link", name="Wool socks")).to_be_visible()
    await page.get_by_role("link", name="Newest").click()
    await page.get_by_label("Status").select_option("failed")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_role("heading", level=2)).to_have_text(["Wool socks"])
    assert "status=failed" in page.url
    await page.get_by_label("Status").select_option("Any")
    await page.get_by_label("Search titles").fill("cup 1")
    await page.get_by_label("Search titles").press("Enter")
    await expect(page.get_by_role("heading", level=2)).to_have_count(11)
    await page.get_by_label("Kind").select_option("story")
    await page.get_by_role("button", name="Show").click()
    await expect(page.get_by_text("No session is like that.")).to_be_visible()
