"""Without a mouse, and on a narrow screen: every step can be taken, and nothing gets lost."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, name_of, open_dialog, open_folders, row, tick
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import PHONE, Surfer
from tests.support.world import World

README = "/Templates/Folder structure readme.txt"
LAST_OF_TEMPLATES = "Transmittal form.docx"


def opener(tab: Page) -> Locator:
    return tab.locator("#tools-files").get_by_role("link", name="Attach File(s)")


def opened_by_enter(tab: Page) -> Locator:
    opener(tab).focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    expect(dialog.get_by_role("row").get_by_role("link").first).to_be_focused()
    return dialog


def test_the_whole_dialog_by_keyboard_alone(linked: Actor, surfer: Surfer) -> None:
    tab, press = surfer.tab, surfer.tab.keyboard.press
    tab.goto(linked.new_rfi("By keyboard"))
    dialog = opened_by_enter(tab)
    press("End")
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_focused()
    press("Enter")
    expect(dialog.locator(".path [aria-current]")).to_have_text("Templates")
    first = dialog.locator("tbody").get_by_role("checkbox").first
    expect(first, "the focus is in the new folder").to_be_focused()
    press("Space")
    expect(first).to_be_checked()
    press("ArrowDown")
    press("Space")
    expect(dialog.get_by_role("button", name="Attach 2 files")).to_be_visible()
    press("Backspace")
    templates = dialog.get_by_role("link", name="Templates", exact=True)
    expect(templates, "going up leads back to where one came from").to_be_focused()
    press("/")
    field = dialog.get_by_label("Search Box by name")
    expect(field).to_be_focused()
    tab.keyboard.type("OAC 10")
    hit = row(dialog, "OAC 10 minutes.pdf").get_by_role("checkbox")
    expect(hit).to_be_visible()
    expect(field).to_be_focused()
    dialog.get_by_role("button", name="Attach 2 files").focus()
    press("Enter")
    expect(dialog).to_have_count(0)
    expect(opener(tab)).to_be_focused()


def test_tab_never_leaves_the_dialog_and_escape_gives_the_focus_back(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Trapped"))
    dialog = opened_by_enter(tab)
    where = "() => document.activeElement.closest('dialog') ? 'in' : document.activeElement.tagName"
    for key in ("Tab", "Shift+Tab"):
        seen = set()
        for _ in range(14):
            tab.keyboard.press(key)
            seen.add(tab.evaluate(where))
        # Past the last control comes the browser's own frame, in which nothing of a page has focus.
        assert seen <= {"in", "BODY"}, seen
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(opener(tab)).to_be_focused()


def test_escape_closes_the_menu_of_the_path_before_the_dialog(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Two escapes"))
    dialog = opened_by_enter(tab)
    open_folders(dialog, "/99 Odds and Ends/Level 02/Level 03/Level 04")
    summary = dialog.locator(".path summary")
    summary.focus()
    tab.keyboard.press("Enter")
    menu = dialog.locator(".path .menu")
    expect(menu).to_be_visible()
    tab.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(summary).to_be_focused()
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)


def test_the_focus_stays_in_the_tray_when_files_are_taken_out_of_it(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Taken out"))
    dialog = opened_by_enter(tab)
    tick(dialog, README)
    for name in ("RFI form.docx", "Toolbox talk blank.pdf"):
        row(dialog, name).get_by_role("checkbox").check()
        expect_chosen(dialog, name)
    removes = dialog.locator("#picker-tray li").get_by_role("button")
    removes.nth(1).focus()
    tab.keyboard.press("Enter")
    expect(removes).to_have_count(2)
    expect(removes.nth(1), "the one that moved up").to_be_focused()
    tab.keyboard.press("Enter")
    expect(removes).to_have_count(1)
    expect(removes.nth(0)).to_be_focused()
    tab.keyboard.press("Enter")
    expect(removes).to_have_count(0)
    expect(dialog.get_by_role("heading", name="Chosen")).to_be_focused()
    expect(dialog.locator("tbody").get_by_role("checkbox", checked=True)).to_have_count(0)


def test_more_rows_take_the_focus_where_they_begin(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("More rows"))
    dialog = opened_by_enter(tab)
    open_folders(dialog, "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)")
    expect(row(dialog, "IMG_00001.JPG").get_by_role("checkbox")).to_be_focused()
    dialog.locator("tr.load").get_by_role("link", name="Show more").focus()
    tab.keyboard.press("Enter")
    expect(row(dialog, "IMG_00101.JPG").get_by_role("checkbox")).to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(row(dialog, "IMG_00100.JPG").get_by_role("checkbox")).to_be_focused()


def test_the_button_that_connects_keeps_the_focus_while_the_dialog_waits(
    alice_here: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Waiting for Box"))
    opener(tab).focus()
    tab.keyboard.press("Enter")
    connect = tab.get_by_role("dialog").get_by_role("button", name="Connect Box")
    connect.focus()
    with tab.expect_response(re.compile("/attach/box/$")) as asked_again:
        expect(connect).to_be_focused()
    assert asked_again.value.ok
    handle = "() => document.activeElement.textContent.trim()"
    tab.wait_for_function(f"({handle})() === 'Connect Box'")
    expect(connect).to_be_focused()


def test_a_record_whose_files_arrive_keeps_the_focus_and_what_is_unfolded(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Arriving"))
    dialog = opened_by_enter(tab)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    files = tab.locator("#tools-files")
    expect(files.get_by_text("verified")).to_have_count(1)
    opener(tab).focus()
    tab.keyboard.press("Enter")
    dialog = tab.get_by_role("dialog")
    # It begins in the folder of the last one, on the first file that can be chosen.
    expect(dialog.locator("tbody").get_by_role("checkbox").first).to_be_focused()
    row(dialog, "RFI form.docx").get_by_role("checkbox").check()
    sandbox.faults({"match": {"host": "download"}, "action": {"gate": "half", "after_bytes": 1}})
    dialog.get_by_role("button", name="Attach 1 file").click()
    sandbox.wait_for_gate("half")
    details = files.locator("details.from").first
    details.locator("summary").click()
    download = files.get_by_role("link", name="Download " + name_of(README))
    download.focus()
    with tab.expect_response(re.compile("/files\\?since=")):
        expect(files.get_by_role("progressbar")).to_be_visible()
    with tab.expect_response(re.compile("/files\\?since=")):
        expect(download).to_be_focused()
    expect(details.get_by_text("SHA-1")).to_be_visible()
    expect(download).to_be_focused()
    sandbox.release("half")
    expect(files.get_by_text("verified")).to_have_count(2)
    expect(download).to_be_focused()


def test_a_button_that_is_held_down_is_not_replaced_under_the_pointer(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    """A record whose files arrive is redrawn every two seconds; Cancel is clicked all the same."""
    tab = surfer.tab
    tab.goto(linked.new_rfi("Held down"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    sandbox.faults({"match": {"host": "download"}, "action": {"gate": "half", "after_bytes": 1}})
    dialog.get_by_role("button", name="Attach 1 file").click()
    sandbox.wait_for_gate("half")
    cancel = tab.locator("#tools-files").get_by_role("button", name=re.compile("^Cancel"))
    cancel.hover()
    tab.mouse.down()
    tab.wait_for_timeout(2500)
    tab.mouse.up()
    expect(tab.locator("#tools-files").get_by_text("No files yet")).to_be_visible()
    sandbox.release("half")


def test_the_page_behind_the_dialog_does_not_scroll(
    linked: Actor, surfers: Callable[..., Surfer]
) -> None:
    surfer = surfers(viewport={"width": 1280, "height": 500})
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Behind"))
    open_dialog(tab)
    expect(tab.get_by_role("dialog").get_by_role("row").first).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollHeight > innerHeight + 50")
    before = tab.evaluate("scrollY")
    tab.mouse.move(5, 250)
    tab.mouse.wheel(0, 400)
    tab.mouse.move(640, 250)
    tab.mouse.wheel(0, 4000)
    tab.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    assert tab.evaluate("scrollY") == before


WIDE = """() => {
  const wide = [...document.querySelectorAll("body *")].filter((e) => {
    const box = e.getBoundingClientRect();
    return box.width > 1 && box.right > innerWidth + 1 && e.checkVisibility();
  });
  return [document.documentElement.scrollWidth, wide.map((e) => e.outerHTML.slice(0, 120))];
}"""


def pages(world: World, record: str) -> list[str]:
    project = f"/projects/{world.tower}"
    return [
        "/",
        project,
        f"{project}/rfis",
        f"{project}/punch-list",
        record,
        f"{record}/edit",
        f"{record}/attach/box/",
        f"{record}/attach/?source=computer",
        "/settings",
        "/settings/security",
        "/settings/box",
        "/settings/box/disconnect",
        f"/companies/{world.acme}",
        f"/companies/{world.acme}/settings/box",
        "/help/box",
        "/notices",
        "/nowhere",
    ]


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_narrow_screen(
    width: int, linked: Actor, surfers: Callable[..., Surfer], world: World
) -> None:
    surfer = surfers(**{**PHONE, "viewport": {"width": width, "height": 780}})
    surfer.take_cookies(linked.person.http)
    surfer.watch.expects("404")
    tab = surfer.tab
    record = linked.new_rfi(
        "A subject that is so long that it needs more than a line of a narrow screen"
    )
    wide = {}
    for address in [*pages(world, record), "dialog"]:
        if address == "dialog":
            tab.goto(record)
            open_folders(open_dialog(tab), "/99 Odds and Ends")
        else:
            tab.goto(address)
        scroll_width, elements = tab.evaluate(WIDE)
        if scroll_width > width:
            wide[address] = [scroll_width, *elements[:6]]
    assert not wide
