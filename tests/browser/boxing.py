"""What a person does at Box's own pages."""

from collections.abc import Callable

from playwright.sync_api import Page, expect

from tests.sandbox.process import DEVON, PASSWORD


def log_in(box: Page) -> None:
    box.get_by_label("E-mail address").fill(DEVON)
    box.get_by_label("Password").fill(PASSWORD)
    box.get_by_role("button", name="Authorize").click()


def grant(box: Page, look: Callable[[Page], None] = lambda page: None) -> None:
    """Log in at Box, grant access, see the account named and close the tab."""
    # Our own page goes on to Box by itself.
    expect(box.get_by_role("button", name="Authorize")).to_be_visible()
    look(box)
    log_in(box)
    look(box)
    box.get_by_role("button", name="Grant access to Box").click()
    expect(box.get_by_role("heading", level=1)).to_have_text("Your Box account is linked")
    expect(box.get_by_role("main")).to_contain_text(DEVON)
    look(box)
    box.close()
