"""What a row tells of a file, what the tray tells of the chosen ones, what is said at Attach."""

import re
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, expect

from config import DEFAULT_FILE_MAX_BYTES
from tests.browser.conftest import Actor
from tests.browser.picking import (
    attach_from_computer,
    expect_chosen,
    name_of,
    open_dialog,
    open_folders,
    row,
    settled,
    tick,
    to_root,
)
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import Surfer
from tests.support.world import World

NOTES = "/Field Notes (Devon)"
RECEIVED = "/Received from Brindlewick"
README = "/Templates/Folder structure readme.txt"
FORM = "/Templates/RFI form.docx"
LOG = "/Quillmark Projects/2317 Larkspur MOB/05 RFIs/RFI log 2025-09-15.xlsx"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
ITEMS = {"host": "api", "path": "/items$"}
REFUSED = (r"status of 422", r"^answered 422", r"Status Error Code 422")


def chosen(dialog: Locator, name: str) -> Locator:
    return dialog.locator("#picker-tray li").filter(has_text=name)


def test_a_row_tells_type_size_date_owner_lock_and_classification(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    folder = f"{RECEIVED}/Told"
    sandbox.change("add_folder", folder)
    for name, size in (("Sheet.xlsx", 2_500_000), ("Plan.pdf", 12_345), ("Model.dwg", 0)):
        sandbox.change("add_file", f"{folder}/{name}", size=size)
    sandbox.change("lock", f"{folder}/Plan.pdf", by="bryn")
    sandbox.change("classify", f"{folder}/Sheet.xlsx", name="Confidential")
    tab = surfer.tab
    tab.goto(linked.new_rfi("Told"))
    dialog = open_dialog(tab)
    expect(row(dialog, "Quillmark Projects")).not_to_contain_text("Owned by")
    expect(row(dialog, name_of(RECEIVED))).to_contain_text("Owned by Bryn Castellane")
    open_folders(dialog, folder)
    for name, told in (
        ("Sheet.xlsx", ("XLSX", "2.5 MB", "Confidential", "Owned by Bryn Castellane")),
        ("Plan.pdf", ("PDF", "12 kB", "Locked by Bryn Castellane, can still be attached")),
        ("Model.dwg", ("DWG", "0 bytes", "Owned by Bryn Castellane")),
    ):
        for words in told:
            expect(row(dialog, name).get_by_text(words).first, f"{name}: {words}").to_be_visible()
        expect(row(dialog, name).locator(".when")).to_have_text(
            re.compile("Today, |[A-Z][a-z]{2} ")
        )
        expect(row(dialog, name).get_by_role("checkbox")).to_be_enabled()
    # What a screen reader says of a row is in the name of its box.
    lock = dialog.get_by_role("checkbox", name=re.compile("Plan.pdf.*Locked by Bryn Castellane"))
    expect(lock).to_be_enabled()
    expect(
        dialog.get_by_role("checkbox", name=re.compile("Sheet.xlsx.*Confidential"))
    ).to_be_enabled()
    to_root(dialog)
    open_folders(dialog, "/Templates")
    expect(row(dialog, name_of(FORM))).not_to_contain_text("Owned by")


def test_what_cannot_be_attached_stays_visible_and_says_why(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    folder = f"{RECEIVED}/Refused"
    sandbox.change("add_folder", folder)
    for name in ("setup.exe", "Look only.pdf", "Held.docx", "Fine.txt"):
        sandbox.change("add_file", f"{folder}/{name}", size=10)
    sandbox.change("add_web_link", f"{folder}/Portal", url="https://portal.example/")
    sandbox.change("forbid_download", f"{folder}/Look only.pdf")
    sandbox.change("lock", f"{folder}/Held.docx", by="bryn", prevent_download=True)
    tab = surfer.tab
    record = linked.new_rfi("Refused")
    tab.goto(record)
    dialog = open_dialog(tab)
    open_folders(dialog, folder)
    reasons = {
        "setup.exe": "Acme Builders does not accept .exe files",
        "Look only.pdf": "Preview only. Ask Bryn Castellane for download rights.",
        "Held.docx": "Locked by Bryn Castellane, who prevents downloads",
        "Portal": "A bookmark, there is no file to attach",
    }
    expect(dialog.locator("tbody tr")).to_have_count(5)
    _expect_reasons(dialog, reasons)
    dialog.get_by_label("All shown").check()
    expect_chosen(dialog, "Fine.txt")
    expect(dialog.locator("#picker-tray li")).to_have_count(1)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)

    # Opens where one was; a file over the limit is too heavy to be made here, so Box only says so.
    too_big = _entry("Survey.las", size=DEFAULT_FILE_MAX_BYTES + 1)
    sandbox.faults(
        {
            "match": ITEMS,
            "action": {"status": 200, "json": {"entries": [too_big], "next_marker": None}},
        }
    )
    open_dialog(tab)
    _expect_reasons(dialog, {"Survey.las": "Over the 5.0 GB limit for one file"})
    dialog.get_by_role("link", name="Last used here", exact=True).click()
    _expect_reasons(dialog, {**reasons, "Fine.txt": "Already attached"})


def _expect_reasons(dialog: Locator, reasons: dict[str, str]) -> None:
    for name, why in reasons.items():
        named = re.compile(f"{re.escape(name)}.*{re.escape(why)}")
        expect(dialog.get_by_role("checkbox", name=named), name).to_be_disabled()
        shown = dialog.get_by_role("row").filter(has_text=name)
        expect(shown.get_by_text(why), name).to_be_visible()


def _entry(name: str, *, size: int) -> dict[str, Any]:
    return {
        "type": "file",
        "id": "4711",
        "name": name,
        "size": size,
        "modified_at": "2026-03-09T07:05:00-07:00",
        "sha1": "a" * 40,
        "file_version": {"type": "file_version", "id": "815"},
        "permissions": {"can_download": True},
    }


def test_the_tray_tells_each_file_and_the_total_against_the_limits(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Tray"))
    dialog = open_dialog(tab)
    tray, total = dialog.locator("#picker-tray"), dialog.locator("#picker-tray .sum b")
    limits = "of at most 100, 5.0 GB each"
    expect(total).to_have_text(f"0 files{limits}")
    tick(dialog, LOG)
    to_root(dialog)
    tick(dialog, README)
    for name, told in (
        (name_of(LOG), "338 kB, Quillmark Projects / 2317 Larkspur MOB / 05 RFIs"),
        (name_of(README), "1 kB, Templates"),
    ):
        expect(chosen(dialog, name)).to_contain_text(told)
        expect(chosen(dialog, name).get_by_role("button", name=f"Remove {name}")).to_be_visible()
    expect(total).to_have_text(f"2 files, 340 kB{limits}")
    chosen(dialog, name_of(LOG)).get_by_role("button").click()
    expect(total).to_have_text(f"1 file, 1 kB{limits}")
    expect(chosen(dialog, name_of(LOG))).to_have_count(0)
    expect(row(dialog, name_of(README)).get_by_role("checkbox")).to_be_checked()
    tray.get_by_role("button", name="Clear", exact=True).click()
    expect(total).to_have_text(f"0 files{limits}")
    expect(row(dialog, name_of(README)).get_by_role("checkbox")).not_to_be_checked()

    # The limit is kept: one too many is taken back and told, and a hundred stay.
    to_root(dialog)
    open_folders(dialog, PHOTOS)
    dialog.get_by_label("All shown").check()
    expect(total).to_contain_text("100 files, ")
    dialog.locator("tr.load").scroll_into_view_if_needed()
    extra = row(dialog, "IMG_00101.JPG").get_by_role("checkbox")
    expect(extra).to_be_visible()
    settled(tab)
    surfer.watch.expects(*REFUSED)
    extra.click()
    expect(dialog.get_by_role("alert").filter(has_text="At most 100 files")).to_be_visible()
    expect(extra).not_to_be_checked()
    expect(total).to_contain_text("100 files, ")


def test_what_the_chosen_files_meet_is_said_before_attach(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    path = f"{NOTES}/Anchor detail.txt"
    sandbox.change("add_file", path, text="the first")
    tab = surfer.tab
    record = linked.new_rfi("Meets")
    attach_from_computer(tab, record, "rfi FORM.docx", b"quite another file")
    dialog = open_dialog(tab)
    tick(dialog, path)
    expect(chosen(dialog, name_of(path)).locator(".mark")).to_have_count(0)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    sandbox.change("new_version", path, size=2000)

    open_dialog(tab)
    newer = row(dialog, name_of(path))
    expect(newer).to_contain_text("Version 2. The record has version 1.")
    newer.get_by_role("checkbox").check()
    marks = chosen(dialog, name_of(path)).locator(".mark")
    expect(marks).to_have_text(["Newer than the attached version 1"])
    to_root(dialog)
    tick(dialog, FORM)
    expect(chosen(dialog, name_of(FORM)).locator(".mark")).to_have_text(
        ["Same name as a file attached here, kept beside it"]
    )
    # All of it is read by whoever does not see it: the marks are in the list of what was chosen.
    expect(dialog.get_by_role("region", name="Chosen").get_by_role("listitem")).to_have_count(2)
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(3)
    expect(tab.locator("#files-title")).to_have_text("Attachments 4")


def test_what_a_colleague_attached_meanwhile_and_who_will_see_it(
    linked: Actor,
    bob_here: Actor,
    surfer: Surfer,
    surfers: Callable[..., Surfer],
    world: World,
) -> None:
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    tab, theirs = surfer.tab, surfers()
    tab.goto(record)
    dialog = open_dialog(tab)
    seen_by = dialog.locator(".who-sees")
    expect(seen_by).to_have_text("Visible to 5 people, none of them from other companies.")
    tick(dialog, LOG)
    theirs.take_cookies(bob_here.person.http)
    theirs.tab.goto(record)
    tick(open_dialog(theirs.tab), "/05 RFIs/" + name_of(LOG))
    theirs.tab.get_by_role("button", name="Attach 1 file").click()
    expect(theirs.tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    # Alice goes on choosing, and her tray knows.
    to_root(dialog)
    tick(dialog, README)
    expect(chosen(dialog, name_of(LOG)).locator(".mark")).to_have_text(
        ["This version is attached here already"]
    )
    expect(chosen(dialog, name_of(README)).locator(".mark")).to_have_count(0)

    tab.goto(f"/projects/{world.tower}/rfis/{world.private_rfi}")
    open_dialog(tab)
    expect(seen_by).to_have_text(
        "This is private. Visible to 2 people, none of them from other companies."
    )
