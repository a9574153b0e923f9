"""People at browsers: real Chromium pages that fail a test by any complaint of theirs."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, expect, sync_playwright

from infra.setup import BROWSERS

WAIT_MS = 15_000
ARGUMENTS = ("--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
CHECK = """
async (rules) => (await axe.run({ runOnly: rules })).violations
    .map((each) => `${each.id}: ${each.nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`)
"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser of this machine."""
    path = next(found for name in BROWSERS if (found := shutil.which(name)))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path, headless=True, chromium_sandbox=False, args=list(ARGUMENTS)
        )
        yield browser
        browser.close()


class Person:
    """Somebody at a browser of his own; whatever the browser complains of is kept."""

    def __init__(self, browser: Browser, url: str, **how: Any) -> None:
        self.url = url
        self.complaints: list[str] = []
        self._context = browser.new_context(
            base_url=url, locale="en-GB", timezone_id="Europe/Berlin", **how
        )
        self._context.set_default_timeout(WAIT_MS)
        self.page: Page = self._context.new_page()
        self.page.on("pageerror", lambda each: self.complaints.append(f"{each}"))
        self.page.on("console", self._heard)

    def _heard(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"{message.type}: {message.text}")

    def goes(self, path: str) -> None:
        self.page.goto(path, wait_until="load")

    def signs_in(self, who: str, path: str) -> None:
        """Open a page as a stranger, and sign in on the way."""
        self.goes(path)
        self.page.click(f'button[value="{who}"]')
        self.page.wait_for_url(f"**{path}")

    def presses(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def sees(self, text: str) -> None:
        """Wait until the page shows a text; without JavaScript by loading it again."""
        expect(self.page.locator("body")).to_contain_text(text, timeout=WAIT_MS)

    def sees_after_reloads(self, text: str, until: Callable[..., Any]) -> None:
        until(lambda: text in (self.page.reload() and self.page.inner_text("body")), text)

    def is_well_served(self) -> None:
        """Check what the page looks like to machines: accessible, and not wider than its window."""
        spec = find_spec("axe_playwright_python")
        assert spec is not None and spec.origin is not None
        self.page.evaluate((Path(spec.origin).parent / "axe.min.js").read_text(encoding="utf-8"))
        assert self.page.evaluate(CHECK, RULES) == []
        assert self.page.evaluate(TOO_WIDE) == 0
        assert self.complaints == []

    def close(self) -> None:
        self._context.close()
