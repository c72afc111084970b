"""Finding a file in Box by whatever one remembers of it: when it was used, its name, its link."""

from playwright.sync_api import Locator, expect

from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, name_of, open_dialog, open_folders, row
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import Surfer

README = "/Templates/Folder structure readme.txt"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
# As many pages of a hundred rows as are kept, and what is on its way.
ROWS_MAX = 1_100
FAR = "IMG_00150.JPG"


def names(dialog: Locator) -> Locator:
    return dialog.locator("tbody tr:not(.load) :is(a, b)")


def go(dialog: Locator, view: str) -> None:
    """Go to one of the views; returns when it is shown."""
    link = dialog.get_by_role("link", name=view, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "true")


def test_a_recent_file_is_attached_with_three_clicks(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    """Attach File(s), Recents, tick, Attach: the first is the button on the record itself."""
    sandbox.change("use", README)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Recent"))
    dialog = open_dialog(tab)
    go(dialog, "Recents")
    expect(names(dialog).first).to_have_text(name_of(README))
    row(dialog, name_of(README)).get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)


def test_what_is_chosen_stays_chosen_from_view_to_view(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    for op in ("use", "favorite"):
        sandbox.change(op, README)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Views"))
    dialog = open_dialog(tab)
    go(dialog, "Favorites")
    box = row(dialog, name_of(README)).get_by_role("checkbox")
    box.check()
    expect_chosen(dialog, name_of(README))
    for view in ("Recents", "All files", "Shared with me", "Favorites"):
        go(dialog, view)
    expect(box).to_be_checked()
    dialog.get_by_role("searchbox").fill("readme")
    expect(dialog.locator("#picker-folder")).to_have_attribute("data-view", "search")
    expect(dialog.locator(".views [aria-current]")).to_have_count(0)
    expect(box).to_be_checked()


def test_a_pasted_link_leads_to_its_file(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Pasted"))
    dialog = open_dialog(tab)
    file_id = sandbox.world(README, login="devon.achterberg@boxmail.example")["id"]
    dialog.get_by_role("searchbox").fill(f"https://app.box.com/file/{file_id}")
    expect(names(dialog)).to_have_text([name_of(README)])
    expect(dialog.get_by_text("From the link")).to_be_visible()
    row(dialog, name_of(README)).get_by_role("checkbox").check()
    expect_chosen(dialog, name_of(README))
    surfer.watch.expects(r"status of 424", r"^answered 424", r"Status Error Code 424")
    dialog.get_by_role("searchbox").fill("https://app.box.com/file/1234567")
    expect(dialog.get_by_text("does not see what this link leads to")).to_be_visible()
    expect_chosen(dialog, name_of(README))
    dialog.get_by_role("link", name="All files", exact=True).last.click()
    expect(dialog.get_by_role("searchbox")).to_have_value("")


def test_a_search_is_narrowed_by_type_and_age(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Narrow"))
    dialog = open_dialog(tab)
    kind = dialog.get_by_label("Type to search for")
    expect(kind).to_be_hidden()
    dialog.get_by_role("searchbox").fill("rfi")
    expect(names(dialog).filter(has_text=".docx")).not_to_have_count(0)
    kind.select_option(label="PDF")
    expect(names(dialog).filter(has_text=".docx")).to_have_count(0)
    expect(names(dialog).filter(has_text=".pdf")).not_to_have_count(0)
    kind.select_option(label="Folders")
    expect(names(dialog).filter(has_text=".pdf")).to_have_count(0)
    dialog.get_by_label("When it was changed").select_option(label="Last 7 days")
    expect(dialog.locator("#picker-folder")).to_have_attribute("data-view", "search")


def test_letters_lead_to_the_row_and_a_question_mark_to_the_keys(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Letters"))
    dialog = open_dialog(tab)
    expect(names(dialog).first).to_be_focused()
    tab.keyboard.type("rec")
    expect(dialog.get_by_role("link", name="Received from Brindlewick")).to_be_focused()
    tab.keyboard.type("eived from s")
    expect(dialog.get_by_role("link", name="Received from Studio Fennimore")).to_be_focused()
    tab.keyboard.press("?")
    keys = dialog.locator("#picker-keys")
    expect(keys).to_be_visible()
    tab.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Keys").click()
    expect(keys.get_by_text("go up one folder")).to_be_visible()


def test_a_long_list_keeps_a_thousand_rows_and_brings_the_others_back(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Long"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    rows, count = dialog.locator("[data-rows]"), dialog.locator("[data-count]")
    loaded, far = dialog.locator("tbody tr:not(.load)"), row(dialog, FAR)
    rows.evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
    far.get_by_role("checkbox").check()
    expect_chosen(dialog, FAR)
    row(dialog, "IMG_00001.JPG").get_by_role("checkbox").focus()
    for shown in range(300, 2100, 100):
        rows.evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
        expect(count).to_have_text(f"Showing {shown}, more available")
    assert loaded.count() <= ROWS_MAX
    expect(far).to_have_count(0)
    before = count.inner_text()
    # The page that has the focus is never let go, and the one after it comes again.
    rows.evaluate("rows => rows.scrollTo(0, 0)")
    row(dialog, "IMG_00100.JPG").scroll_into_view_if_needed()
    expect(far.get_by_role("checkbox")).to_be_checked()
    expect(count).to_have_text(before)
    assert loaded.count() <= ROWS_MAX


def test_previews_come_on_request_and_one_is_looked_at(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Previews"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    thumbs = dialog.locator(".thumb img")
    expect(thumbs).to_have_count(0)
    dialog.get_by_label("Previews").check()
    expect(thumbs).to_have_count(100)
    expect(thumbs.first).to_have_js_property("complete", True)
    assert thumbs.first.evaluate("image => image.naturalWidth") > 0
    dialog.get_by_role("button", name="Look at IMG_00001.JPG").click()
    sheet = dialog.get_by_role("dialog", name="IMG_00001.JPG")
    expect(sheet).to_be_visible()
    expect(row(dialog, "IMG_00001.JPG").get_by_role("checkbox")).not_to_be_checked()
    tab.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    row(dialog, "IMG_00002.JPG").get_by_role("checkbox").focus()
    tab.keyboard.press("ArrowRight")
    sheet = dialog.get_by_role("dialog", name="IMG_00002.JPG")
    expect(sheet.get_by_text("Box is drawing the preview")).to_have_count(0)
    sheet.get_by_role("button", name="Close").click()
    tab.reload()
    expect(dialog.locator(".thumb")).to_have_count(100)
    dialog.get_by_label("Previews").uncheck()
    expect(dialog.locator(".thumb")).to_have_count(0)
    expect(dialog.locator(".ext").first).to_be_visible()
