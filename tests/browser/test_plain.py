"""The whole job with scripts switched off: every step is a page or a form."""

from collections.abc import Callable

from playwright.sync_api import FilePayload, Page, expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.browser.picking import name_of, row
from tests.sandbox.process import DEVON
from tests.support.chromium import Surfer

FIRST = "/Templates/Folder structure readme.txt"
SECOND = "/Templates/RFI form.docx"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
THIRD = "/Field Notes (Devon)/Sketch canopy.svg"


def test_linking_choosing_and_attaching_without_any_script(
    alice_here: Actor, surfers: Callable[..., Surfer]
) -> None:
    record = alice_here.new_rfi("No script")
    surfer = surfers(java_script_enabled=False)
    surfer.take_cookies(alice_here.person.http)
    tab = surfer.tab
    tab.goto("/settings/box")
    with surfer.context.expect_page() as opened:
        tab.get_by_role("button", name="Box Integration").click()
    grant(opened.value)
    tab.reload()
    expect(tab.get_by_role("main")).to_contain_text(DEVON)

    tab.goto(record)
    tab.locator("#tools-files").get_by_role("link", name="Attach File(s)").click()
    _open(tab, "Templates")
    for path in (FIRST, SECOND):
        row(tab.locator("body"), name_of(path)).get_by_role("checkbox").check()
    tab.get_by_role("button", name="Add to the chosen files").click()
    chosen = tab.locator("#picker-tray li")
    expect(chosen).to_have_count(2)
    expect(tab.locator(".path [aria-current]"), "one is still there").to_have_text("Templates")
    _search(tab, "Sketch")
    row(tab.locator("body"), name_of(THIRD)).get_by_role("checkbox").check()
    tab.get_by_role("button", name="Add to the chosen files").click()
    expect(chosen).to_have_count(3)
    tab.get_by_role("button", name=f"Remove {name_of(SECOND)}").click()
    expect(chosen).to_have_count(2)
    tab.get_by_role("button", name="Attach 2 files").click()
    expect(tab).to_have_url(alice_here.plumbline.url + record)
    files = tab.locator("#tools-files")

    def have_arrived() -> bool:
        tab.reload()
        return files.get_by_text("verified").count() == 2

    alice_here.plumbline.wait_until(have_arrived, "both files are attached")
    for path in (FIRST, THIRD):
        expect(files.get_by_role("link", name=name_of(path), exact=True)).to_be_visible()
    surfer.watch.look(tab)


def test_files_from_the_computer_without_any_script(
    alice_here: Actor, surfers: Callable[..., Surfer]
) -> None:
    record = alice_here.new_rfi("No script, my computer")
    surfer = surfers(java_script_enabled=False)
    surfer.take_cookies(alice_here.person.http)
    tab = surfer.tab
    tab.goto(f"{record}/attach/?source=computer")
    note: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"a note"}
    tab.locator("#picker-file").set_input_files(note)
    tab.get_by_role("button", name="Add to the chosen files").click()
    expect(tab.locator("#picker-tray li")).to_contain_text("note.txt")
    tab.get_by_role("button", name="Attach 1 file").click()
    expect(tab).to_have_url(alice_here.plumbline.url + record)
    with tab.expect_download() as started:
        tab.locator("#tools-files").get_by_role("link", name="note.txt", exact=True).click()
    assert started.value.path().read_bytes() == b"a note"


def test_a_folder_of_several_pages_without_any_script(
    linked: Actor, surfers: Callable[..., Surfer]
) -> None:
    record = linked.new_rfi("No script, many photos")
    surfer = surfers(java_script_enabled=False)
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    tab.goto(f"{record}/attach/")
    body, count = tab.locator("body"), tab.locator("[data-count]")
    for folder in PHOTOS.strip("/").split("/"):
        _open(tab, folder)
    chosen = []
    for page in range(3):
        expect(count).to_have_text("Showing 100, more available")
        names = tab.locator("tbody tr:not(.load) b")
        expect(names).to_have_count(100)
        expect(names.first).to_have_text(f"IMG_{page * 100 + 1:05d}.JPG")
        expect(tab.locator(".path [aria-current]")).to_have_text(name_of(PHOTOS))
        chosen.append(f"IMG_{page * 100 + 50:05d}.JPG")
        row(body, chosen[-1]).get_by_role("checkbox").check()
        tab.get_by_role("button", name="Add to the chosen files").click()
        # One is on the same page still, with the tick where it was.
        expect(names.first).to_have_text(f"IMG_{page * 100 + 1:05d}.JPG")
        expect(row(body, chosen[-1]).get_by_role("checkbox")).to_be_checked()
        expect(tab.locator("#picker-tray li")).to_have_count(page + 1)
        tab.get_by_role("link", name="Show more").click()
    expect(tab.locator("#picker-tray li b")).to_have_text(chosen)
    # Order and views are links, and what is chosen stays.
    tab.get_by_role("link", name="Size", exact=True).click()
    expect(tab.get_by_role("columnheader", name="Size")).to_have_attribute("aria-sort", "ascending")
    tab.get_by_role("link", name="Recents", exact=True).click()
    expect(tab.locator(".views [aria-current]")).to_have_text("Recents")
    expect(tab.locator("#picker-tray li")).to_have_count(3)
    tab.get_by_role("button", name="Clear", exact=True).click()
    expect(tab.locator("#picker-tray li")).to_have_count(0)


def _open(tab: Page, folder: str) -> None:
    tab.get_by_role("row").get_by_role("link", name=folder, exact=True).click()
    expect(tab.locator(".path [aria-current]")).to_have_text(folder)


def _search(tab: Page, words: str) -> None:
    tab.get_by_label("Search Box by name").fill(words)
    tab.get_by_label("Where to search").select_option("All of Box")
    tab.get_by_role("button", name="Search", exact=True).click()
