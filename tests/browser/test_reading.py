"""The dialog as a screen reader tells it: what things are, their names, what is announced."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.conftest import Actor
from tests.browser.picking import open_dialog, open_folders, row
from tests.support.chromium import PHONE, Surfer


def test_the_dialog_reads_as_what_it_is(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Read aloud"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    expect(dialog).to_match_aria_snapshot("""
        - dialog /Attach files to RFI-\\d+/:
          - heading /Attach files to RFI-\\d+/ [level=2]
          - link "Close"
          - navigation "Source":
            - link "My computer"
            - link "Box"
          - navigation "Views of Box":
            - list:
              - listitem:
                - link "All files"
              - listitem:
                - link "Recents"
              - listitem:
                - link "Favorites"
              - listitem:
                - link "Shared with me"
          - region "Files in Box":
            - search:
              - searchbox "Search Box by name, or paste a link of Box"
              - combobox "Where to search"
            - navigation "Folder":
              - list:
                - listitem:
                  - link "Up to All files"
            - table "Files and folders in Templates":
              - rowgroup:
                - row:
                  - columnheader "Name"
                  - columnheader "Modified"
                  - columnheader "Size"
              - rowgroup:
                - row:
                  - cell:
                    - checkbox /Folder structure readme.txt/
    """)
    expect(dialog.get_by_role("status").filter(has_text="items")).to_have_count(1)
    tray = dialog.get_by_role("region", name="Chosen")
    expect(tray.get_by_role("status")).to_have_text("0 files")
    expect(tray.get_by_role("button", name="Attach")).to_be_disabled()
    name = dialog.get_by_role("columnheader", name="Name")
    expect(name).to_have_attribute("aria-sort", "ascending")
    expect(dialog.locator(".sources [aria-current=true]")).to_have_text("Box")
    expect(dialog.locator(".path [aria-current=true]")).to_have_text("Templates")


def test_what_changes_is_announced_in_live_regions(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Announced"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    chosen = dialog.get_by_role("region", name="Chosen").get_by_role("status")
    row(dialog, "RFI form.docx").get_by_role("checkbox").check()
    expect(chosen).to_have_text("1 file")
    count = dialog.locator("[data-count]")
    expect(count).to_have_role("status")
    dialog.get_by_role("searchbox").fill("no such name")
    expect(dialog.get_by_role("status").filter(has_text="Nothing in this folder")).to_be_visible()
    surfer.watch.expects(r"status of 424", r"^answered 424", r"Status Error Code 424")
    dialog.get_by_role("searchbox").fill("https://app.box.com/file/1234567")
    expect(
        dialog.get_by_role("alert").filter(has_text="does not see what this link leads to")
    ).to_be_visible()


def test_what_cannot_be_chosen_says_why_in_its_name(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Refused aloud"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Received from Studio Fennimore")
    refused = dialog.get_by_role("checkbox", name="Preview only").first
    expect(refused).to_be_disabled()


SMALL = """
    root => [...root.querySelectorAll("a[href], button, input, select, summary, textarea")]
      .filter(control => control.checkVisibility({ visibilityProperty: true }))
      .filter(control => control.type !== "hidden" && !control.closest(".vh, [inert]"))
      .filter(control => !control.closest("p.small, .prose"))
      .map(control => [control, control.closest("tr") ?? control.closest("label") ?? control])
      .map(([control, target]) => [control, target.getBoundingClientRect()])
      .filter(([, box]) => box.height > 0 && box.height < 43.5)
      .map(([control, box]) => `${control.outerHTML.slice(0, 120)} ${Math.round(box.height)}`)
"""


def test_targets_on_a_phone_are_large_enough_for_a_thumb(
    linked: Actor, surfers: Callable[..., Surfer]
) -> None:
    phone = surfers(**PHONE)
    phone.take_cookies(linked.person.http)
    tab = phone.tab
    tab.goto(linked.new_rfi("Thumbs"))
    assert tab.get_by_role("main").evaluate(SMALL) == []
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    # All of a row is its target, down to the date in its last line.
    row(dialog, "RFI form.docx").locator(".when").tap(force=True)
    expect(row(dialog, "RFI form.docx").get_by_role("checkbox")).to_be_checked()
    assert "\n".join(dialog.evaluate(SMALL)) == ""
    dialog.get_by_role("link", name="Show chosen").click()
    assert "\n".join(dialog.evaluate(SMALL)) == ""
    dialog.get_by_role("link", name="My computer").click()
    expect(dialog.get_by_role("heading", name="Choose from this device")).to_be_visible()
    assert "\n".join(dialog.evaluate(SMALL)) == ""
