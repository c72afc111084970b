"""The tab that leads to Box is never left empty by our own policy, whatever redirects follow."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.chromium import Surfer


@pytest.fixture
def company_sign_in() -> Iterator[str]:
    """A company's sign-in page at an origin of its own; it leads to wherever one came from."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = b"<!doctype html><title>Quillmark</title><h1>Quillmark sign-in</h1>"
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            """Say nothing among the lines of the tests."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}/sign-in"
        server.shutdown()


def test_the_tab_for_box_goes_on_through_the_companys_own_sign_in(
    surfers: Callable[..., Surfer],
    alice_here: Actor,
    sandbox: SandboxProcess,
    company_sign_in: str,
) -> None:
    surfer = surfers()
    surfer.take_cookies(alice_here.person.http)
    surfer.watch.expects("favicon.ico")
    sandbox.faults(
        {"match": {"path": "/api/oauth2/authorize$"}, "action": {"redirect": company_sign_in}}
    )
    surfer.tab.goto("/settings/box")
    card = surfer.tab.locator("#box_link-status")
    with surfer.context.expect_page() as opened:
        card.get_by_role("button", name="Box Integration").click()
    box = opened.value
    expect(box.get_by_role("heading", level=1)).to_have_text("Quillmark sign-in")
    # From there the company sends them back to Box, where the question waits.
    asked = [url for url in surfer.watch.documents if "/api/oauth2/authorize?" in url]
    box.goto(asked[-1])
    grant(box)
    expect(card).to_contain_text(DEVON)


def test_without_scripts_the_tab_for_box_arrives_too(
    surfers: Callable[..., Surfer], alice_here: Actor
) -> None:
    surfer = surfers(java_script_enabled=False)
    surfer.take_cookies(alice_here.person.http)
    surfer.tab.goto("/settings/box")
    with surfer.context.expect_page() as opened:
        surfer.tab.get_by_role("button", name="Box Integration").click()
    expect(opened.value.get_by_role("button", name="Authorize")).to_be_visible()
