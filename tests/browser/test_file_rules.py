"""The company's rules in the dialog: blocked rows, words in the tray, and the reason asked for."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import (
    expect_chosen,
    open_dialog,
    open_folders,
    row,
    settled,
    tick,
)
from tests.support.chromium import SIZES, Surfer
from tests.support.world import World

FOLDER = "/Quillmark Projects/2317 Larkspur MOB/02 Subcontracts"
INTERNAL, PLAIN = "Buyout tracker.xlsm", "Subcontract log.xlsx"
RECEIVED = "/Received from Brindlewick"


@pytest.fixture
def ruled(linked: Actor, world: World) -> Iterator[Callable[..., None]]:
    """Set rules for this test alone."""
    here = f"/companies/{world.acme}/settings/box"

    def set_rules(**typed: str) -> None:
        usual = {"outside": "allow", "ours": "acme.example", "classified": "allow"}
        saved = linked.person.submit(here, "/settings/box/rules", **{**usual, **typed})
        assert saved.status_code == 200, saved.text

    yield set_rules
    set_rules()


@pytest.mark.parametrize("size", SIZES)
def test_a_reason_is_asked_for_once_and_stays_while_one_goes_on_choosing(
    size: str, linked: Actor, surfers: Callable[..., Surfer], ruled: Callable[..., None]
) -> None:
    ruled(classified="reason")
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    record = linked.new_rfi("With a reason")
    tab.goto(record)
    dialog = open_dialog(tab)
    tick(dialog, f"{FOLDER}/{INTERNAL}")
    reason = dialog.get_by_label("Why are they attached?")
    expect(reason).to_be_visible()
    settled(tab)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(reason, "the browser leads to what is missing").to_be_focused()
    expect(dialog).to_be_visible()

    reason.fill("The owner asked for it")
    row(dialog, PLAIN).get_by_role("checkbox").check()
    expect_chosen(dialog, PLAIN)
    expect(reason, "a tick redraws the tray around it").to_have_value("The owner asked for it")
    settled(tab)
    _close_and_open_again(tab)
    expect(reason, "it is kept on the server").to_have_value("The owner asked for it")
    settled(tab)
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(dialog).to_have_count(0)
    files = tab.locator("#tools-files")
    expect(files.get_by_text("verified")).to_have_count(2)
    files.locator(".file").filter(has_text=INTERNAL).locator("summary").click()
    expect(files.get_by_text("The owner asked for it")).to_be_visible()


def _close_and_open_again(tab: Page) -> None:
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_have_count(0)
    open_dialog(tab)
    expect(dialog.get_by_role("table")).to_be_visible()


def test_what_the_company_does_not_take_is_there_and_says_why(
    linked: Actor, surfer: Surfer, ruled: Callable[..., None]
) -> None:
    ruled(outside="block")
    tab = surfer.tab
    tab.goto(linked.new_rfi("Nothing from others"))
    dialog = open_dialog(tab)
    open_folders(dialog, RECEIVED)
    trench = dialog.get_by_role("row").filter(has_text="Joint trench exhibit.pdf")
    expect(trench.get_by_role("checkbox")).to_be_disabled()
    expect(trench).to_contain_text("does not take files owned by Bryn Castellane")
    as_builts = dialog.get_by_role("row").filter(has_text="Utility as-builts 1998.tif")
    expect(as_builts).to_contain_text("Confidential")
    expect(dialog.get_by_role("button", name="Attach", exact=True)).to_be_disabled()


def test_a_rule_that_came_since_a_file_was_ticked_is_told_with_what_to_do(
    linked: Actor, surfer: Surfer, ruled: Callable[..., None]
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Ruled since"))
    dialog = open_dialog(tab)
    tick(dialog, f"{RECEIVED}/Joint trench exhibit.pdf")
    surfer.watch.expects(r"status of 4(09|22)", r"^answered 4(09|22)", r"Error Code 4(09|22)")
    attach = dialog.get_by_role("button", name="Attach 1 file")
    ruled(outside="block")
    attach.click()
    alert = dialog.get_by_role("region", name="Chosen").get_by_role("alert")
    expect(alert).to_contain_text("does not take files owned by Bryn Castellane. Take it out of")
    expect(attach, "the focus stays where one was").to_be_focused()
    ruled(outside="reason")
    attach.click()
    expect(alert).to_contain_text("Say why these files are attached")
    dialog.get_by_label("Why are they attached?").fill("The trench is theirs")
    attach.click()
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
