"""The product and a browser, shared by the tests of a module; each test visits the page with a fresh profile."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser import Visitor, running_browser, visiting
from tests.support.product import Product, running_product


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with running_browser() as browser:
        yield browser


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def product(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Product]:
    data_dir: Path = tmp_path_factory.mktemp("product")
    async with running_product(data_dir) as product:
        yield product


@pytest_asyncio.fixture(loop_scope="module")
async def visitor(browser: Browser, product: Product) -> AsyncIterator[Visitor]:
    """Somebody at the page; the test fails if the browser had anything to complain of."""
    await product.faults({"seed": 1})
    async with visiting(browser, str(product.api.base_url)) as visitor:
        yield visitor
        assert visitor.complaints == []
