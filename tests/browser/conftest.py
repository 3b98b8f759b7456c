"""A server of its own and a browser beside it.

Law: whatever a page writes to the console as an error, throws, or is kept from by the policy, fails
the test that looked at it.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from api.http.site import BUILT, START
from tests.browser.running import browser_arguments, chromium_path, running_server

PICTURES = Path(__file__).with_name("pictures")
EMAIL = "ada@example.com"
PASSWORD = "a sentence that nobody guesses"

PATIENCE_S = 30.0
"""How long a page, or an answer, is waited for: browsers on a busy machine take their time."""

expect.set_options(timeout=PATIENCE_S * 1000)


@dataclass(eq=False)
class Site:
    """A server with its key, and a browser."""

    address: str
    key: str
    browser: Browser
    faults: list[str] = field(default_factory=list)

    def page(self, path: str = "/", *, known: bool = True, **options: Any) -> Page:  # ruff: ignore[any-type]
        """A new window at a page; `known`: with the key in its tab."""
        context = self.browser.new_context(
            **({"viewport": {"width": 1280, "height": 800}} | options)
        )
        context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.address)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.faults.append(f"thrown: {error}"))
        if known:
            context.add_init_script(
                f"if (!location.pathname.startsWith('/e/'))"
                f" sessionStorage.setItem('statflow.key', '{self.key}')"
            )
        page.goto(self.address + path)
        return page

    def send(self, *items: dict[str, Any]) -> None:
        """Send points."""
        answer = self.ask("POST", "/v1/ingest/batch", json={"items": list(items)})
        assert answer["accepted"] == len(items), answer

    def ask(self, method: str, path: str, **options: Any) -> Any:  # ruff: ignore[any-type]
        """Ask the API as a program does."""
        headers = {"authorization": f"Bearer {self.key}"}
        url = self.address + path
        answer = httpx.request(method, url, headers=headers, timeout=PATIENCE_S, **options)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def _heard(self, message: ConsoleMessage) -> None:
        place = str((message.location or {}).get("url", ""))
        if message.type == "error":
            self.faults.append(f"console: {message.text} at {place}")


@pytest.fixture(scope="session")
def chromium() -> Generator[Browser]:
    """The browser; without one, or without pages, there is nothing to see."""
    found = chromium_path()
    if found is None:
        pytest.skip("no browser: apt-get install chromium, or name one in CHROMIUM")
    if not (BUILT / START).exists():
        pytest.skip("no pages: make web")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=browser_arguments())
        yield browser
        browser.close()


@pytest.fixture
def site(chromium: Browser, tmp_path: Path) -> Generator[Site]:
    """A new server; at the end no page may have complained."""
    with open_site(chromium, tmp_path / "data") as one:
        yield one


@contextmanager
def open_site(chromium: Browser, data: Path, *more: str) -> Generator[Site]:
    """A new server with arguments of its own, while somebody looks at it."""
    with running_server(data, *more) as (address, key):
        one = Site(address, key, chromium)
        yield one
        for context in chromium.contexts:
            context.close()
    assert one.faults == []


def signed_up(site: Site, **options: Any) -> Page:  # ruff: ignore[any-type]
    """The window of somebody new."""
    page = site.page("/signup", known=False, **options)
    page.get_by_label("E-mail").fill(EMAIL)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", name="Send the first point")).to_be_visible()
    return page
