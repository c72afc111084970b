"""Choosing from Documents: the tab, a folder, an older version, and the record that keeps it."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import FilePayload, Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import (
    attach_from_computer,
    expect_chosen,
    open_dialog,
    open_folders,
    row,
)
from tests.browser.test_accessibility import Inspection
from tests.support.chromium import SIZES, Surfer

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
PERMIT, LETTER = "Building permit.pdf", "Letter of the city.pdf"


def _fill_documents(tab: Page, actor: Actor, name: str) -> str:
    """Make a folder with a file in two versions and another one; return the folder's address."""
    tab.goto(f"/projects/{actor.project}/documents")
    tab.get_by_label("Name of the new folder").fill(name)
    tab.get_by_role("button", name="New folder").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(name)
    folder = re.sub(r"^https?://[^/]+", "", tab.url)
    for file, content in ((PERMIT, PDF), (PERMIT, PDF + b"%2\n"), (LETTER, PDF)):
        tab.goto(folder)
        dialog = open_dialog(tab)
        payload = FilePayload(name=file, mimeType="application/pdf", buffer=content)
        dialog.locator("#picker-file").set_input_files(payload)
        expect_chosen(dialog, file)
        dialog.get_by_role("button", name="Attach 1 file").click()
        expect(dialog).to_have_count(0)
    return folder


def _open_documents(surfer: Surfer) -> Locator:
    """Open the dialog and its tab, which takes the place of Box's side while that is coming."""
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    dialog = open_dialog(surfer.tab)
    dialog.get_by_role("link", name="Documents", exact=True).click()
    expect(dialog.locator(".path [aria-current]")).to_have_text("Documents")
    return dialog


@pytest.mark.parametrize("size", SIZES)
def test_an_older_version_of_a_document_is_attached_and_stays(
    linked: Actor, surfers: Callable[..., Surfer], size: str
) -> None:
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    folder = f"Permits on a {size}"
    there = _fill_documents(tab, linked, folder)
    record = linked.new_rfi(f"Which permit, on a {size}?")
    tab.goto(record)
    dialog = _open_documents(surfer)
    expect(dialog.locator(".sources [aria-current]")).to_have_text("Documents")
    open_folders(dialog, folder)
    row(dialog, PERMIT).get_by_role("checkbox").check()
    expect_chosen(dialog, PERMIT)
    versions = dialog.get_by_label(f"Version of {PERMIT}")
    expect(versions.locator("option:checked")).to_have_text("2, the newest")
    versions.select_option(index=1)
    expect(dialog.locator("#picker-tray li")).to_contain_text(f"Documents / {folder}, version 1")
    row(dialog, LETTER).get_by_role("checkbox").check()
    expect_chosen(dialog, LETTER)
    dialog.locator(".path .up a").click()
    open_folders(dialog, folder)
    expect(row(dialog, PERMIT).get_by_role("checkbox")).to_be_checked()
    expect(versions.locator("option:checked")).to_have_text(re.compile("^1, "))
    row(dialog, LETTER).get_by_role("checkbox").uncheck()
    expect(dialog.locator("#picker-tray li")).to_have_count(1)
    surfer.watch.look(tab)
    inspection = Inspection(tab)
    inspection.look("a folder with a file in two versions")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    files = tab.locator("#tools-files")
    expect(files.get_by_role("link", name=PERMIT, exact=True)).to_be_visible()
    expect(files).to_contain_text(f"Documents / {folder} / {PERMIT}, version 1, by Alice Test")
    expect(files).to_contain_text("Documents has version 2 by now")
    files.locator("summary").filter(has_text=folder).click()
    inspection.look("a record with a document")
    inspection.check()
    files.get_by_role("link", name="Open it in Documents").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text(PERMIT)
    tab.goto(there)
    expect(tab.locator("#documents-folder").get_by_role("link", name=PERMIT)).to_have_count(2)


def test_a_document_is_found_by_name_with_the_keyboard(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    _fill_documents(tab, linked, "Found by name")
    tab.goto(linked.new_rfi("Which letter?"))
    dialog = _open_documents(surfer)
    open_folders(dialog, "Found by name")
    tab.keyboard.press("/")
    tab.keyboard.type("of the city")
    expect(dialog.get_by_text("Search in all of Documents")).to_be_visible()
    found = row(dialog, LETTER).filter(has_text="Found by name")
    found.get_by_role("checkbox").focus()
    tab.keyboard.press("Space")
    expect_chosen(dialog, LETTER)
    dialog.get_by_role("link", name="Clear search").click()
    expect(dialog.locator(".path [aria-current]")).to_have_text("Found by name")
    expect(row(dialog, LETTER).get_by_role("checkbox")).to_be_checked()
    tab.reload()
    expect(dialog.locator(".path [aria-current]")).to_have_text("Found by name")
    tab.go_back()
    expect(row(dialog, "Found by name")).to_be_visible()
    tab.go_back()
    expect(dialog.get_by_role("link", name="Box", exact=True)).to_have_attribute(
        "aria-current", "true"
    )
    dialog.get_by_role("link", name="My computer").click()
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_role("link", name=LETTER, exact=True)).to_be_visible()


def test_documents_without_any_script(linked: Actor, surfers: Callable[..., Surfer]) -> None:
    scripted = surfers()
    scripted.take_cookies(linked.person.http)
    _fill_documents(scripted.tab, linked, "No script")
    record = linked.new_rfi("Which permit, without a script?")
    surfer = surfers(java_script_enabled=False)
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    tab.goto(f"{record}/attach/?source=computer")
    tab.locator(".sources").get_by_role("link", name="Documents").click()
    tab.get_by_role("row").get_by_role("link", name="No script", exact=True).click()
    body = tab.locator("body")
    row(body, PERMIT).get_by_role("checkbox").check()
    tab.get_by_label(f"Version of {PERMIT}").select_option(index=1)
    tab.get_by_role("button", name="Add to the chosen files").click()
    expect(tab.locator("#picker-tray li")).to_contain_text("version 1")
    expect(tab.locator(".path [aria-current]"), "one is still there").to_have_text("No script")
    tab.get_by_role("button", name="Attach 1 file").click()
    expect(tab).to_have_url(linked.plumbline.url + record)
    expect(tab.locator("#tools-files")).to_contain_text("version 1, by Alice Test")


@pytest.mark.parametrize("where", ["?source=computer", "documents/"])
def test_attaching_on_the_dialogs_own_page_leads_to_the_record(
    linked: Actor, surfer: Surfer, where: str
) -> None:
    """The dialog in a tab of its own, with scripts: there is nothing behind it to go back to."""
    tab = surfer.tab
    record = linked.new_rfi("A tab of its own")
    tab.goto(f"{record}/attach/?source=computer")
    payload = FilePayload(name="note.txt", mimeType="text/plain", buffer=b"a note")
    tab.locator("#picker-file").set_input_files(payload)
    expect(tab.locator("#picker-tray li")).to_have_count(1)
    tab.goto(f"{record}/attach/{where}")
    tab.get_by_role("button", name="Attach 1 file").click()
    expect(tab).to_have_url(linked.plumbline.url + record)
    expect(
        tab.locator("#tools-files").get_by_role("link", name="note.txt", exact=True)
    ).to_be_visible()
    attach_from_computer(tab, record, "second.txt", b"in the dialog, as ever")
    expect(tab).to_have_url(linked.plumbline.url + record)
