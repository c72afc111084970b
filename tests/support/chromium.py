"""Chromium as a person's browser: it notices whatever a person's browser should never have to say.

A tab writes down console messages, page errors, failed requests and addresses. At the end of a
test they must be clean, but for what the test announced with `expects`.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import requests
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Request,
    Response,
    WebError,
    expect,
    sync_playwright,
)

from webapp.box_link.clients import CALLBACK_PATH

PROGRAM = "/usr/bin/chromium"
WAIT_MS = 15_000
TOKEN = re.compile(r"TKN_\w")
# A page may be left while it asks for something: htmx says so, and that a request is over.
# What goes wrong says more than that: a status, a failed connection.
LEAVING = (re.compile("htmx:sendAbort"), re.compile("htmx:afterRequest"))

DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 860}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "has_touch": True,
    "is_mobile": True,
}
SIZES = {"desktop": DESKTOP, "phone": PHONE}

# A click that leads away while an answer is on its way, or a newer click, cancels the older one.
CANCELLED = "net::ERR_ABORTED"


@contextmanager
def started() -> Iterator[Browser]:
    """Run Chromium; HEADED=1 shows it, and slowly."""
    is_headed = bool(os.environ.get("HEADED"))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=PROGRAM,
            headless=not is_headed,
            slow_mo=250 if is_headed else 0,
            # Drawn as ever; an emulated graphics card costs a tenth more.
            args=["--disable-gpu", "--disable-software-rasterizer"],
        )
        yield browser
        browser.close()


@dataclass
class Watch:
    """What a browser said and asked for, over all its tabs."""

    said: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)
    leaks: list[str] = field(default_factory=list)
    _allowed: list[re.Pattern[str]] = field(default_factory=lambda: [*LEAVING])

    def follow(self, context: BrowserContext) -> None:
        context.on("console", self._console)
        context.on("weberror", self._error)
        context.on("request", self._asked)
        context.on("requestfailed", self._failed)
        context.on("response", self._answered)

    def expects(self, *patterns: str) -> None:
        """Announce what this test provokes, each as a pattern of what the browser will say."""
        self._allowed += [re.compile(pattern) for pattern in patterns]

    def check(self) -> None:
        """Fail with whatever was said or went wrong unannounced."""
        unexpected = [line for line in (*self.said, *self.failed) if not self._is_allowed(line)]
        assert not unexpected, "the browser complains:\n" + "\n".join(unexpected)
        assert not self.leaks, f"a token is shown: {self.leaks}"

    def look(self, page: Page) -> None:
        """Look for tokens in what a tab shows now, its address included."""
        if TOKEN.search(page.content()) or TOKEN.search(page.url):
            self.leaks.append(page.url)

    def _is_allowed(self, line: str) -> bool:
        return any(pattern.search(line) for pattern in self._allowed)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning", "assert"}:
            where = message.location.get("url", "")
            self.said.append(f"console {message.type}: {message.text} {where}")

    def _error(self, error: WebError) -> None:
        self.said.append(f"page error: {error.error}")

    def _asked(self, request: Request) -> None:
        # Box itself puts the code into the address of the way back; nothing may do so again.
        parts = urlsplit(request.url)
        if parts.path != CALLBACK_PATH and TOKEN.search(request.url):
            self.leaks.append(request.url)
        if request.is_navigation_request():
            self.documents.append(request.url)

    def _failed(self, request: Request) -> None:
        if request.failure != CANCELLED:
            self.failed.append(f"failed: {request.method} {request.url} {request.failure}")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self.failed.append(
                f"answered {response.status}: {response.request.method} {response.url}"
            )


class Surfer:
    """Somebody's browser with its own cookies; `tab` is the one they began with."""

    def __init__(self, browser: Browser, home: str, **options: Any) -> None:
        self.context = browser.new_context(base_url=home, accept_downloads=True, **options)
        self.context.set_default_timeout(WAIT_MS)
        self.watch = Watch()
        self.watch.follow(self.context)
        self.tab = self.context.new_page()
        self._home = home

    def take_cookies(self, http: requests.Session) -> None:
        """Be signed in as a session that was begun without a browser."""
        self.context.add_cookies(
            [
                {"name": cookie.name, "value": cookie.value or "", "url": self._home}
                for cookie in http.cookies
            ]
        )

    def close(self) -> None:
        self.context.close()


__all__ = ["DESKTOP", "PHONE", "SIZES", "WAIT_MS", "Surfer", "Watch", "expect", "started"]
