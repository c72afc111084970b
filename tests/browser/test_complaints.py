"""Complaints about other file pickers that only a browser shows; the others: tests/complaints."""

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.browser.picking import (
    expect_chosen,
    name_of,
    open_dialog,
    open_folders,
    row,
    settled,
    tick,
)
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import DESKTOP, PHONE, Surfer

TEMPLATES = "/Templates"
README = f"{TEMPLATES}/Folder structure readme.txt"
FORM = f"{TEMPLATES}/RFI form.docx"
ODDS = "/99 Odds and Ends"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
ITEMS = {"host": "api", "path": "/items$"}
TABS_MAX = 8
WORDS = (
    "Curtain wall submittals returned with comments, second review by structural engineer of "
    "record after site visit and coordination with mechanical penetrations at level four"
).split()
# What is wider than the window, or than the part of the dialog it stands in.
WIDE = """() => {
  const wide = [...document.querySelectorAll("dialog, dialog *")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.right > innerWidth + 1 && e.checkVisibility();
  });
  return wide.map((e) => e.outerHTML.slice(0, 120));
}"""


def opener(tab: Page) -> Locator:
    return tab.locator("#tools-files").get_by_role("link", name="Attach File(s)")


def boxes(dialog: Locator) -> Locator:
    return dialog.locator("[data-rows] input[name=choice]")


def chosen(dialog: Locator) -> Locator:
    return dialog.locator("#picker-tray li")


def test_02_leaving_a_folder_that_is_slow_gives_up_its_call(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    """A large folder could not be left until all of it had come."""
    tab = surfer.tab
    tab.goto(linked.new_rfi("Slow folder"))
    dialog = open_dialog(tab)
    big = dialog.get_by_role("link", name="99 Odds and Ends", exact=True)
    expect(big).to_be_visible()
    settled(tab)
    sandbox.faults({"match": ITEMS, "action": {"gate": "slow"}})
    big.click()
    sandbox.wait_for_gate("slow")
    folder_id = sandbox.world(ODDS)["id"]
    with tab.expect_event("requestfailed", lambda asked: f"folders/{folder_id}" in asked.url):
        dialog.get_by_role("link", name="Templates", exact=True).click()
    expect(dialog.locator(".path [aria-current]")).to_have_text("Templates")
    sandbox.release("slow")


def test_04_all_shown_and_ranges_are_chosen_at_once_and_cleared(
    linked: Actor, surfer: Surfer
) -> None:
    """Forty photos took forty clicks: there was no way to choose all, or a range."""
    tab = surfer.tab
    tab.goto(linked.new_rfi("Ranges"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    expect(boxes(dialog)).to_have_count(100)
    settled(tab)
    boxes(dialog).nth(2).click()
    expect(chosen(dialog)).to_have_count(1)
    boxes(dialog).nth(9).click(modifiers=["Shift"])
    expect(chosen(dialog)).to_have_count(8)
    dialog.get_by_role("button", name="Clear", exact=True).click()
    expect(chosen(dialog)).to_have_count(0)
    expect(dialog.locator("tbody input:checked")).to_have_count(0)
    settled(tab)
    boxes(dialog).nth(20).focus()
    tab.keyboard.press("Space")
    for _ in range(3):
        tab.keyboard.press("Shift+ArrowDown")
    expect(chosen(dialog)).to_have_count(4)
    settled(tab)
    all_shown = dialog.get_by_label("All shown")
    all_shown.check()
    expect(chosen(dialog)).to_have_count(100)
    expect(dialog.get_by_role("button", name="Attach 100 files")).to_be_visible()
    settled(tab)
    all_shown.uncheck()
    expect(chosen(dialog)).to_have_count(0)


def test_05_what_is_chosen_survives_escape_reload_and_reconnecting(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    """One wrong key, or a link that ended, and everything had to be chosen anew."""
    tab = surfer.tab
    tab.goto(linked.new_rfi("Survives"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    dialog = open_dialog(tab)
    expect_chosen(dialog, name_of(README))
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    tab.reload()
    expect_chosen(dialog, name_of(README))
    open_folders(dialog, TEMPLATES)
    expect(row(dialog, name_of(README)).get_by_role("checkbox")).to_be_checked()
    sandbox.revoke()
    surfer.watch.expects(r"status of 424", r"^answered 424", r"Status Error Code 424")
    settled(tab)
    dialog.locator(".path").get_by_role("link", name="All files", exact=True).click()
    dialog.get_by_role("link", name="Reconnect Box").click()
    with surfer.context.expect_page() as opened:
        dialog.get_by_role("button", name="Reconnect Box").click()
    grant(opened.value)
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    expect_chosen(dialog, name_of(README))


@pytest.mark.parametrize("size", ["desktop", "phone"])
def test_08_twelve_levels_of_long_names_break_nothing(
    size: str, linked: Actor, surfers: Callable[..., Surfer], sandbox: SandboxProcess
) -> None:
    """Long names pushed the buttons out of the dialog."""
    options = DESKTOP if size == "desktop" else {**PHONE, "viewport": {"width": 320, "height": 700}}
    surfer = surfers(**options)
    surfer.take_cookies(linked.person.http)
    tab, path = surfer.tab, f"{ODDS}/Empty folder"
    for step in range(12):
        name = f"{step:02d} {' '.join(WORDS[step:] + WORDS[:step])}"[:120].strip()
        path = f"{path}/{name}"
        sandbox.change("add_folder", path)
    sandbox.change("add_file", f"{path}/At the end.txt", size=10)
    record = linked.new_rfi("Twelve levels")
    tab.goto(record)
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("searchbox")).to_be_visible()
    settled(tab)
    dialog.get_by_role("searchbox").fill(f"https://app.box.com/folder/{sandbox.world(path)['id']}")
    row(dialog, "At the end.txt").get_by_role("checkbox").check()
    expect_chosen(dialog, "At the end.txt")
    assert tab.evaluate(WIDE) == []
    attach = dialog.get_by_role("button", name="Attach 1 file")
    attach.click(trial=True)
    current = dialog.locator(".path [aria-current]")
    expect(current).to_have_text(name_of(path))
    if size == "desktop":
        dialog.locator(".path summary").click()
        expect(dialog.locator(".path .menu a")).to_have_count(12)
        assert tab.evaluate(WIDE) == []


def test_11_linking_needs_neither_a_popup_nor_the_page_that_began_it(
    alice_here: Actor, surfer: Surfer
) -> None:
    """The popup was blocked, opened twice, or could not find the page it had come from."""
    tab = surfer.tab
    surfer.context.add_init_script("window.open = () => { throw new Error('a popup'); };")
    tab.goto(alice_here.new_rfi("No popup"))
    response = tab.get_by_label("Your response")
    response.fill("Half a sentence")
    tab.locator("#tools-reply").get_by_role("button", name="Attach File(s)").click()
    dialog = tab.get_by_role("dialog")
    dialog.get_by_role("link", name="My computer").click()
    dialog.locator("#picker-file").set_input_files(
        {"name": "note.txt", "mimeType": "text/plain", "buffer": b"a note"}
    )
    expect_chosen(dialog, "note.txt")
    dialog.get_by_role("link", name="Box", exact=True).click()
    with surfer.context.expect_page() as opened:
        dialog.get_by_role("button", name="Connect Box").click()
    box = opened.value
    # Our own page goes on to Box by itself.
    box.wait_for_url(re.compile("/oauth2/authorize"))
    assert box.evaluate("window.opener") is None
    grant(box)
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    expect_chosen(dialog, "note.txt")
    expect(response).to_have_value("Half a sentence")
    assert len(surfer.context.pages) == 1


def test_12_the_browser_asks_nobody_but_plumbline(linked: Actor, surfer: Surfer) -> None:
    """With the vendor's cookies blocked, or in a private window, its picker stayed empty."""
    tab = surfer.tab
    ours = urlsplit(linked.plumbline.url).netloc
    asked: list[str] = []
    surfer.context.on("request", lambda request: asked.append(request.url))
    tab.goto(linked.new_rfi("First party"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    settled(tab)
    dialog.get_by_label("Previews").check()
    expect(dialog.locator(".thumb img").first).to_have_js_property("complete", True)
    row(dialog, "IMG_00001.JPG").get_by_role("checkbox").check()
    expect_chosen(dialog, "IMG_00001.JPG")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    hosts = {urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    assert hosts == {ours}
    assert len(asked) > 20
    cookies = {cookie.get("domain", "") for cookie in surfer.context.cookies()}
    assert cookies == {ours.partition(":")[0]}


def test_22_the_tab_may_be_closed_while_files_are_copied(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    """The tab had to stay open until the last file was there."""
    tab, record = surfer.tab, linked.new_rfi("Tab closed")
    tab.goto(record)
    dialog = open_dialog(tab)
    tick(dialog, README)
    row(dialog, name_of(FORM)).get_by_role("checkbox").check()
    expect_chosen(dialog, name_of(FORM))
    gate = {"gate": "half", "after_bytes": 1}
    sandbox.faults({"match": {"host": "download"}, "action": gate})
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(dialog).to_have_count(0)
    sandbox.wait_for_gate("half")
    surfer.tab = surfer.context.new_page()
    tab.close()
    sandbox.release("half")
    files = surfer.tab.locator("#tools-files")

    def have_arrived() -> bool:
        surfer.tab.goto(record)
        return files.get_by_text("verified").count() == 2

    linked.plumbline.wait_until(have_arrived, "both files are there")


def test_25_the_whole_way_is_few_keys_whatever_the_length_of_the_list(
    linked: Actor, surfer: Surfer
) -> None:
    """By keyboard it took 51 to 230 Tabs to confirm, and the focus was lost afterwards."""
    tab, press = surfer.tab, surfer.tab.keyboard.press
    tab.goto(linked.new_rfi("By keyboard"))
    opener(tab).focus()
    press("Enter")
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_role("row").get_by_role("link").first).to_be_focused()
    open_folders(dialog, PHOTOS)
    expect(boxes(dialog)).to_have_count(100)
    expect(boxes(dialog).first).to_be_focused()
    settled(tab)
    press("Space")
    for _ in range(14):
        press("Shift+ArrowDown")
    expect(chosen(dialog)).to_have_count(15)
    status = dialog.locator("#picker-tray [role=status]")
    expect(status).to_have_text("15 files")
    expect(dialog.locator("#picker-folder [role=status]").first).to_have_text(
        "Showing 100, more available"
    )
    settled(tab)
    # Whoever takes their time is not led back into rows that have come meanwhile.
    press("End")
    expect(boxes(dialog)).to_have_count(200)
    settled(tab)
    attach = dialog.get_by_role("button", name="Attach 15 files")
    tabs, seen = 0, []
    while not attach.evaluate("button => button === document.activeElement"):
        tabs += 1
        seen.append(tab.evaluate("document.activeElement.outerHTML.slice(0, 90)"))
        assert tabs <= TABS_MAX, "\n".join(seen)
        press("Tab")
        settled(tab)
    press("Enter")
    expect(dialog).to_have_count(0)
    expect(opener(tab)).to_be_focused()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(15)


def test_25_the_chosen_files_are_one_stop_with_arrows_inside(linked: Actor, surfer: Surfer) -> None:
    """To take out the last of many chosen files one had to pass all the others."""
    tab, press = surfer.tab, surfer.tab.keyboard.press
    tab.goto(linked.new_rfi("Stops"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    settled(tab)
    boxes(dialog).nth(0).click()
    expect(chosen(dialog)).to_have_count(1)
    boxes(dialog).nth(3).click(modifiers=["Shift"])
    expect(chosen(dialog)).to_have_count(4)
    settled(tab)
    removes = chosen(dialog).get_by_role("button")
    dialog.get_by_role("button", name="Clear", exact=True).focus()
    press("Tab")
    expect(removes.nth(0)).to_be_focused()
    press("End")
    expect(removes.nth(3)).to_be_focused()
    press("ArrowUp")
    expect(removes.nth(2)).to_be_focused()
    press("Enter")
    expect(removes).to_have_count(3)
    expect(removes.nth(2), "the one that moved up").to_be_focused()
    settled(tab)
    press("Tab")
    expect(dialog.get_by_role("button", name="Attach 3 files")).to_be_focused()
    press("Shift+Tab")
    expect(removes.nth(2), "where one came from").to_be_focused()


def test_25_more_rows_are_reached_by_the_arrows(linked: Actor, surfer: Surfer) -> None:
    """The keyboard ended at the last row that had come, or never got out of those that came."""
    tab, press = surfer.tab, surfer.tab.keyboard.press
    tab.goto(linked.new_rfi("More by arrows"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    settled(tab)
    row(dialog, "IMG_00100.JPG").get_by_role("checkbox").focus()
    expect(boxes(dialog)).to_have_count(200)
    expect(row(dialog, "IMG_00100.JPG").get_by_role("checkbox")).to_be_focused()
    press("ArrowDown")
    expect(row(dialog, "IMG_00101.JPG").get_by_role("checkbox")).to_be_focused()
    press("Tab")
    expect(dialog.locator("[data-rows] :focus")).to_have_count(0)
