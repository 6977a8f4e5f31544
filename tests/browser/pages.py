"""Pages in headless Chromium: what they say, what they ask for, and waiting for them."""

import time
from pathlib import Path


def wait_until(page, expression: str, seconds: float = 8) -> None:
    """Wait for an expression; the page's own policy forbids what wait_for_function does."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        assert time.monotonic() < end, expression
        page.wait_for_timeout(50)


class Opened:
    """A page, what it said, and what it asked for."""

    def __init__(self, browser, path: Path) -> None:
        self.page = browser.new_page(viewport={"width": 1366, "height": 768})
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.messages.append(message.text))
        self.page.on("pageerror", lambda error: self.messages.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("body[data-ready]", timeout=60_000)
