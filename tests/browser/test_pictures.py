"""The pictures of the page that the README shows are taken here, so that they show what is there."""

import pytest
from playwright.async_api import expect

from tests.support.browser import Visitor
from tests.support.product import Product

pytestmark = pytest.mark.asyncio(loop_scope="module")

PRODUCT = {"title": "Steel bottle", "features": ["Keeps cold 24 h", "Leak-proof"], "audience": "hikers"}


async def test_a_session_with_a_retry_under_way(product: Product, visitor: Visitor) -> None:
    """Four images are ready, the fifth waits for its next attempt and says why."""
    rules = [
        {"match": "Image: Comparison", "times": 1, "fault": {"kind": "refusal"}},
        {"match": "[VARIATION: Emphasize", "times": 1, "fault": {"kind": "server_error"}},
    ]
    await product.faults({"seed": 1, "rules": rules})
    page = visitor.page
    await page.set_viewport_size({"width": 1100, "height": 1000})
    session_id = await product.start_images(product=PRODUCT)
    await page.goto(f"/sessions/{session_id}")
    card = page.locator("#card-comparison")
    await expect(card).to_contain_text("Next attempt in", timeout=20_000)
    await expect(card).to_contain_text("attempt 2 of 3", timeout=20_000)
    await expect(card).to_contain_text("Next attempt in", timeout=20_000)
    await expect(page.locator(".items img")).to_have_count(4)
    await visitor.keep_screenshots("readme-session")
