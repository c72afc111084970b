"""Each of the twelve tools as a person uses it: a record, a file from Box, one from the computer,
a step further, and everything in one zip. Documents has no Box, and refuses one by hand.
"""

import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import attach_from_computer, expect_chosen, name_of, open_dialog, tick
from tests.support.chromium import Surfer
from webapp.tools.registry import TOOLS

README = "/Templates/Folder structure readme.txt"
PLAN = (
    "/Quillmark Projects/2317 Larkspur MOB/03 Drawings/01 IFC Set 2025-02-14"
    "/A Architectural/A-101 First Floor Plan.pdf"
)
NOTE, CONTENT = "note.txt", b"Taken on site."
SHEET = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass(frozen=True)
class Walk:
    """What is filled in, which step is taken then, and what the record says after it."""

    step: str
    status: str
    filled: dict[str, str] = field(default_factory=dict)
    ticked: tuple[str, ...] = ()


WALKS = {
    "emails": Walk("Send", "Sen", {"message": "Please see the plan."}, ("to",)),
    "bidding": Walk(
        "Invite the bidders", "Open", {"invitation": "Please bid.", "instructions": "Lump sum."}
    ),
    "prime_contract": Walk("Approve", "Approved"),
    "commitments": Walk("Put out for bid", "Out for Bid"),
    "change_orders": Walk("Send for review", "Pending"),
    "rfis": Walk("Open", "Open", {"question": "Which of the two?"}, ("assignees",)),
    "submittals": Walk("Open", "Open", {"spec_section": "01 33 00"}),
    "meetings": Walk("Publish the agenda", "Agenda"),
    "daily_log": Walk("Withdraw", "Withdrawn", {"comments": "Rain until noon."}),
    "directory": Walk("Mark as inactive", "Inactive"),
    "punch_list": Walk("Send to the manager", "Initiated"),
}


def test_every_tool_but_drawings_and_documents_is_walked() -> None:
    assert {*WALKS, "drawings", "documents"} == {tool.key for tool in TOOLS}


@pytest.mark.parametrize("key", WALKS)
def test_a_record_from_the_list_to_the_zip(
    key: str, linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    walk, tab = WALKS[key], surfer.tab
    # A page is left while it still asks how far its files have come.
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    if key == "change_orders":
        _begin(tab, linked, "prime_contract")
        _save(tab)
    record = _begin(tab, linked, key)
    for name, value in walk.filled.items():
        _fill(tab, name, value)
    for name in walk.ticked:
        tab.locator(f'#edit-form input[type="checkbox"][name="{name}"]').first.check()
    if key == "change_orders":
        tab.locator('#edit-form [name="parent"]').select_option(index=1)
    _fill_manager(tab)
    _save(tab)
    surfer.watch.look(tab)
    dialog = open_dialog(tab)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    attach_from_computer(tab, record, NOTE, CONTENT)
    tab.goto(record)
    _take(tab, walk.step, walk.status)
    expect(tab.locator(".block .stamp").first).to_contain_text(walk.status)
    surfer.watch.look(tab)
    assert _names_in_zip(tab, record, tmp_path) == {name_of(README), NOTE, "manifest.csv"}


def test_sheets_from_box_and_the_computer_are_published(
    linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    surfer.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    batch = _begin(tab, linked, "drawings")
    _save(tab)
    dialog = open_dialog(tab)
    tick(dialog, PLAN)
    dialog.get_by_role("link", name="My computer").click()
    sheet = tmp_path / "A-901 Door Types Rev 2.pdf"
    sheet.write_bytes(SHEET)
    dialog.locator("#picker-file").set_input_files(sheet)
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    tab.goto(batch)
    table = tab.locator("#drawings-sheets")
    for place in range(2):
        table.locator('[name$="-set"]').nth(place).fill("Permit set")
    surfer.watch.look(tab)
    table.get_by_role("button", name="Publish 2 sheets").click()
    tab.goto(f"/projects/{linked.project}/drawings")
    tab.get_by_role("main").get_by_role("link", name="Door Types").first.click()
    expect(tab.locator(".block .stamp").first).to_contain_text("Published")
    surfer.watch.look(tab)
    assert sheet.name in _downloaded(tab, sheet.name)


def test_documents_has_no_box_and_refuses_one_by_hand(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(f"/projects/{linked.project}/documents")
    tab.get_by_label("Name of the new folder").fill("Permits")
    tab.get_by_role("button", name="New folder").click()
    expect(tab.get_by_role("heading", level=1)).to_have_text("Permits")
    folder = re.sub(r"^https?://[^/]+", "", tab.url)
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("link", name="Box", exact=True)).to_have_count(0)
    file = FilePayload(name="Permit.pdf", mimeType="application/pdf", buffer=SHEET)
    dialog.locator("#picker-file").set_input_files(file)
    expect_chosen(dialog, "Permit.pdf")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    within = tab.locator("#documents-folder")
    expect(within.get_by_role("link", name="Permit.pdf", exact=True)).to_have_count(1)
    surfer.watch.look(tab)
    form = linked.person.form(f"{folder}/attach/", "/computer")
    for path in ("box/", "box/folders/0", "box/search?q=plan"):
        assert linked.person.get(f"{folder}/attach/{path}").status_code == 404
    token = {"csrf_token": form.values["csrf_token"], "choice": "1/0/1/x"}
    answer = linked.person.post(f"{folder}/attach/box/choose", token)
    assert answer.status_code == 404


def _begin(tab: Page, actor: Actor, key: str) -> str:
    """Press the list's button for a new record; return the record's address."""
    tool = TOOLS.get(key)
    assert tool is not None
    tab.goto(f"/projects/{actor.project}/{tool.slug}")
    head = tab.get_by_role("main").locator(".head").first
    head.locator("button.go, a.go").first.click()
    expect(tab).to_have_url(re.compile(r"/edit$"))
    if not tool.title_from:
        tab.locator('#edit-form [name="title"]').fill(f"Walk of {key}")
    return re.sub(r"^https?://[^/]+", "", tab.url).removesuffix("/edit")


def _fill(tab: Page, name: str, value: str) -> None:
    control = tab.locator(f'#edit-form [name="{name}"]')
    if control.evaluate("node => node.tagName") == "SELECT":
        control.select_option(value)
    else:
        control.fill(value)


def _fill_manager(tab: Page) -> None:
    """Choose the first person where a record wants a manager."""
    manager = tab.locator('#edit-form select[name="manager"]')
    if manager.count() and not manager.input_value():
        manager.select_option(label="Alice Test")


def _save(tab: Page) -> None:
    tab.locator("#edit-form").get_by_role("button", name=re.compile("^Save( draft)?$")).click()
    expect(tab).not_to_have_url(re.compile(r"/edit$"))


def _take(tab: Page, step: str, status: str) -> None:
    """Press a step, wherever the page has put it, and say yes where it asks first."""
    button = tab.locator(".block").get_by_role("button", name=step, exact=True)
    if not button.first.is_visible():
        tab.locator(".more-steps > summary").click()
    button.first.click()
    question = tab.get_by_role("alertdialog")
    expect(question.or_(tab.locator(".block .stamp", has_text=status)).first).to_be_visible()
    if question.is_visible():
        question.get_by_role("button").click()


def _names_in_zip(tab: Page, record: str, folder: Path) -> set[str]:
    with tab.expect_download() as started:
        tab.locator("#tools-files").get_by_role("link", name="Download all").click()
    kept = folder / "all.zip"
    started.value.save_as(kept)
    with zipfile.ZipFile(kept) as archive:
        assert archive.testzip() is None
        return {name_of(f"/{name}") for name in archive.namelist()}


def _downloaded(tab: Page, name: str) -> str:
    with tab.expect_download() as started:
        tab.locator("#tools-files").get_by_role("link", name=name, exact=True).click()
    return started.value.suggested_filename
