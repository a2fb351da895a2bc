"""A session in the browser: seen as it happens, steered, taken away."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_last_picture_and_the_badge_appear_without_a_reload(product: Product, visitor: Visitor) -> None:
    """Cards complete one by one before one's eyes; the session's badge follows."""
    await product.faults(
        {"seed": 1, "rules": [{"match": "Image: Lifestyle", "times": 1, "fault": {"kind": "server_error"}}]}
    )
    page = visitor.page
    session_id = await product.start_images()
    await page.goto(f"/sessions/{session_id}")
    await page.evaluate("window.isSamePage = true")
    await expect(page.locator(".top .status")).to_have_text("complete", timeout=30_000)
    await expect(page.locator("#card-lifestyle img")).to_be_visible()
    await expect(page.locator("#card-lifestyle")).to_contain_text("attempt 2 of 3")
    assert await page.evaluate("window.isSamePage")
    assert [] == await visitor.violations()
    await visitor.keep_screenshots("session-complete")
