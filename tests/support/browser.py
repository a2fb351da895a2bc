"""A real browser, as a visitor of the page has one."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

_ROOT = Path(__file__).parents[2]
_AXE = _ROOT / "node_modules" / "axe-core" / "axe.min.js"
SCREENSHOTS = _ROOT / "test-results" / "screenshots"

_EXPECTED = ("Failed to load resource", "Failed to fetch", "network error")

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")


def chromium() -> str:
    """Return the browser's program; skip the test where there is none, but never in CI."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    assert os.environ.get("CI") != "true", "CI must have chromium"
    pytest.skip("no browser is installed (Debian: chromium)")


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    """Run a browser."""
    program = chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


class Visitor:
    """Somebody at the page. Whatever the browser complains of in its console is kept in ``complaints``."""

    def __init__(self, context: BrowserContext, page: Page) -> None:
        self.context = context
        self.page = page
        self.complaints: list[str] = []
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))
        page.on("console", lambda message: self._heard(message.type, message.text))

    def _heard(self, kind: str, text: str) -> None:
        # Answers that refuse, and a server that is away, are what some tests are about; the page has to cope.
        if kind in ("error", "warning") and not any(expected in text for expected in _EXPECTED):
            self.complaints.append(f"{kind}: {text}")

    async def violations(self) -> list[str]:
        """Return what axe finds wrong with the page as it stands."""
        # By evaluating it: the content security policy keeps scripts out that are not the page's own.
        await self.page.evaluate(_axe())
        found: dict[str, Any] = await self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{violation['id']}: {violation['help']} ({', '.join(str(node['target']) for node in violation['nodes'])})"
            for violation in found["violations"]
        ]

    async def keep_screenshots(self, name: str) -> None:
        """Keep pictures of the page in both themes, as artifacts of the run."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        for theme in THEMES:
            await self.page.emulate_media(color_scheme=theme)
            await self.page.screenshot(path=SCREENSHOTS / f"{name}-{theme}.png", full_page=True)
        await self.page.emulate_media(color_scheme="light")


@asynccontextmanager
async def visiting(browser: Browser, base_url: str, **options: Any) -> AsyncIterator[Visitor]:
    """Let somebody visit the page, with a profile of their own; ``options`` are those of a browser context."""
    context = await browser.new_context(base_url=base_url, **options)
    context.set_default_timeout(20_000)
    try:
        yield Visitor(context, await context.new_page())
    finally:
        await context.close()


@cache
def _axe() -> str:
    assert _AXE.is_file(), "axe is missing: make test installs it with npm"
    return _AXE.read_text()
