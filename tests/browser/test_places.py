"""Back, Forward and reload while files are chosen: what people expect of a page, in a dialog."""

import re
from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import (
    expect_chosen,
    hold_first,
    name_of,
    open_dialog,
    open_folders,
    row,
    settled,
    tick,
    to_root,
)
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer

README = "Templates/Folder structure readme.txt"
ITEMS = {"host": "api", "path": "/items$"}


def current(dialog: Locator) -> Locator:
    return dialog.locator(".path [aria-current]")


def entries(tab: Page) -> int:
    length: int = tab.evaluate("history.length")
    return length


def test_back_goes_from_folder_to_folder_then_to_the_record_then_to_the_list(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Back")
    record_list = record.rpartition("/")[0]
    tab.goto(record_list)
    tab.get_by_label("Search").fill("Back")
    expect(tab).to_have_url(re.compile(r"q=Back"))
    settled(tab)
    tab.get_by_role("main").locator(f'a[href="{record}"]').click()
    dialog = open_dialog(tab)
    expect(current(dialog)).to_have_text("All files")
    tick(dialog, README)
    to_root(dialog)
    open_folders(dialog, "Quillmark Projects/2317 Larkspur MOB")
    settled(tab)
    for name in ("Quillmark Projects", "All files", "Templates"):
        tab.go_back()
        expect(current(dialog)).to_have_text(name)
    expect(row(dialog, name_of(README)).get_by_role("checkbox")).to_be_checked()
    tab.go_forward()
    expect(current(dialog)).to_have_text("All files")
    tab.go_back()
    expect(current(dialog)).to_have_text("Templates")
    tab.go_back()
    expect(current(dialog)).to_have_text("All files")
    tab.go_back()
    expect(dialog).to_have_count(0)
    expect(tab.get_by_role("heading", level=1)).to_have_text("Back")
    tab.go_forward()
    expect(current(dialog)).to_have_text("All files")
    expect_chosen(dialog, name_of(README))
    tab.go_back()
    expect(dialog).to_have_count(0)
    tab.go_back()
    expect(tab).to_have_url(re.compile(r"q=Back"))
    expect(tab.get_by_role("heading", level=1)).to_have_text("RFIs")
    expect(tab.get_by_label("Search")).to_have_value("Back")


def test_back_after_the_dialog_was_closed_leaves_the_record(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Closed")
    tab.goto(record.rpartition("/")[0])
    tab.goto(record)
    for close in ("Escape", "Close"):
        dialog = open_dialog(tab)
        open_folders(dialog, "Quillmark Projects/2317 Larkspur MOB")
        settled(tab)
        if close == "Escape":
            tab.keyboard.press(close)
        else:
            dialog.get_by_role("link", name=close, exact=True).click()
        expect(dialog).to_have_count(0)
        button = tab.locator("#tools-files").get_by_role("link", name="Attach File(s)")
        expect(button).to_be_focused()
    dialog = open_dialog(tab)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    expect(dialog).to_have_count(0)
    tab.go_back()
    expect(tab.get_by_role("heading", level=1)).to_have_text("RFIs")


def test_a_reload_opens_the_dialog_where_it_was(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Reload"))
    dialog = open_dialog(tab)
    to_root(dialog)
    tick(dialog, README)
    to_root(dialog)
    open_folders(dialog, "Quillmark Projects/2317 Larkspur MOB")
    settled(tab)
    before = entries(tab)
    tab.reload()
    expect(current(dialog)).to_have_text("2317 Larkspur MOB")
    expect_chosen(dialog, name_of(README))
    expect(dialog.get_by_role("navigation", name="Views of Box")).to_be_visible()
    settled(tab)
    assert entries(tab) == before
    tab.go_back()
    expect(current(dialog)).to_have_text("Quillmark Projects")
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_role("link", name="Attach File(s)")).to_be_focused()
    tab.reload()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Reload")
    settled(tab)
    expect(dialog).to_have_count(0)


def test_searches_views_and_sources_are_places_too(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Views"))
    dialog = open_dialog(tab)
    to_root(dialog)
    dialog.get_by_role("link", name="Recents", exact=True).click()
    expect(current(dialog)).to_have_text("Recents")
    field = dialog.get_by_role("searchbox")
    field.press_sequentially("larkspur")
    expect(dialog.get_by_text("Clear search")).to_be_visible()
    settled(tab)
    dialog.get_by_role("link", name="My computer").click()
    expect(dialog.get_by_role("heading", name="Drop files here")).to_be_visible()
    tab.go_back()
    expect(dialog.get_by_text("Clear search")).to_be_visible()
    expect(field).to_have_value("larkspur")
    expect(dialog.get_by_role("link", name="Box", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    tab.go_back()
    expect(current(dialog)).to_have_text("Recents")
    expect(field).to_have_value("")
    tab.go_back()
    expect(current(dialog)).to_have_text("All files")


def test_a_source_chosen_while_box_was_still_coming_is_gone_back_from_to_box(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    tab.goto(linked.new_rfi("In a hurry"))
    held = hold_first(tab, "**/attach/box/**")
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("link", name="My computer")).to_be_visible()
    tab.wait_for_timeout(100)
    assert held, "Box is asked for"
    dialog.get_by_role("link", name="My computer").click()
    expect(dialog.get_by_role("heading", name="Drop files here")).to_be_visible()
    held[0].abort()
    tab.go_back()
    expect(current(dialog)).to_have_text("All files")
    tab.go_back()
    expect(dialog).to_have_count(0)


def test_sorting_is_no_place_of_its_own(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Sorted"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, "Quillmark Projects")
    dialog.get_by_role("columnheader", name="Size").get_by_role("link").click()
    expect(dialog.get_by_role("columnheader", name="Size")).to_have_attribute(
        "aria-sort", "ascending"
    )
    settled(tab)
    tab.go_back()
    expect(current(dialog)).to_have_text("All files")
    tab.go_forward()
    expect(dialog.get_by_role("columnheader", name="Size")).to_have_attribute(
        "aria-sort", "ascending"
    )


def test_back_pressed_twice_in_a_hurry_goes_back_twice(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    # htmx says so of what was on its way when Back was pressed again.
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    tab.goto(linked.new_rfi("In a hurry"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, "Quillmark Projects/2317 Larkspur MOB/12 Photos")
    settled(tab)
    held = hold_first(tab, "**/box/folders/*")
    tab.go_back()
    expect(dialog.locator("#picker-panel")).to_have_attribute("aria-busy", "true")
    tab.go_back()
    expect(current(dialog)).to_have_text("Quillmark Projects")
    for route in held:
        route.abort()
    settled(tab)
    tab.go_forward()
    expect(current(dialog)).to_have_text("2317 Larkspur MOB")
    tab.go_forward()
    expect(current(dialog)).to_have_text("12 Photos")


def test_a_folder_that_does_not_open_is_gone_back_from(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Fails"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, "Quillmark Projects")
    settled(tab)
    surfer.watch.expects(r"status of 424", r"^answered 424", r"Status Error Code 424")
    sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
    dialog.get_by_role("row").get_by_role("link", name="2317 Larkspur MOB", exact=True).click()
    expect(dialog.get_by_role("heading", name="Box did not open this")).to_be_visible()
    settled(tab)
    sandbox.clear_faults()
    tab.go_back()
    expect(current(dialog)).to_have_text("Quillmark Projects")


def test_going_back_to_a_box_that_has_been_unlinked_offers_to_connect(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Unlinked"))
    dialog = open_dialog(tab)
    to_root(dialog)
    tick(dialog, README)
    settled(tab)
    linked.unlink()
    tab.go_back()
    expect(dialog.get_by_role("button", name="Connect Box")).to_be_visible()
    expect_chosen(dialog, name_of(README))
    tab.go_back()
    expect(dialog).to_have_count(0)


def test_on_a_phone_back_folds_the_tray_before_it_leaves_the_folder(
    linked: Actor, surfers: Callable[..., Surfer]
) -> None:
    phone = surfers(**SIZES["phone"])
    phone.take_cookies(linked.person.http)
    tab = phone.tab
    tab.goto(linked.new_rfi("Folded"))
    dialog = open_dialog(tab)
    to_root(dialog)
    tick(dialog, README)
    settled(tab)
    dialog.get_by_role("link", name="Show chosen").click()
    item = dialog.locator("#picker-tray li").filter(has_text=name_of(README))
    expect(item).to_be_visible()
    tab.go_back()
    expect(item).to_be_hidden()
    expect(current(dialog)).to_have_text("Templates")
    dialog.get_by_role("link", name="Show chosen").click()
    dialog.get_by_role("link", name="Hide chosen").click()
    expect(item).to_be_hidden()
    dialog.get_by_role("link", name="Close", exact=True).click()
    expect(dialog).to_have_count(0)
    assert tab.evaluate("history.state") is None
    assert "#" not in tab.url
