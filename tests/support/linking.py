"""A visitor who goes to Box and comes back with a link, the way a browser does."""

from urllib.parse import parse_qs, urlsplit

import requests
from werkzeug.test import TestResponse

from tests.sandbox.people import Browser, callback
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.pages import Page, Visitor


def leave_for_box(visitor: Visitor) -> dict[str, str]:
    """Press Box Integration and return what the authorize address asks for."""
    left = visitor.post("/settings/box/link")
    target = left.response.headers.get("Refresh", "").removeprefix("0; url=")
    assert "/api/oauth2/authorize?" in target, f"not sent to Box but to {target!r}"
    return {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}


def grant_page(sandbox: SandboxProcess, asked: dict[str, str], login: str) -> requests.Response:
    """Sign in at Box and return the page that asks whether to grant access."""
    browser = Browser(sandbox)
    return browser.sign_in(browser.open(**asked), login)


def answer_of_box(
    sandbox: SandboxProcess, asked: dict[str, str], *, login: str = DEVON, decision: str = "grant"
) -> dict[str, str]:
    """Sign in at Box, press Grant or Deny, and return what the redirect back carries."""
    browser = Browser(sandbox)
    page = browser.sign_in(browser.open(**asked), login)
    return callback(browser.submit(page, decision=decision))


def come_back(visitor: Visitor, answer: dict[str, str]) -> Page:
    """Follow Box's redirect to the callback and from there to the page that tells the outcome."""
    return visitor.get("/box/callback", query_string=answer)


def link(visitor: Visitor, sandbox: SandboxProcess, *, login: str = DEVON) -> Page:
    """Link a visitor to a Box account and return the page that names it."""
    page = come_back(visitor, answer_of_box(sandbox, leave_for_box(visitor), login=login))
    assert login in page.text
    return page


def location_of(response: TestResponse) -> str:
    return response.location or ""
