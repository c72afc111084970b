"""The ways into a Box beside its folders: what is starred, shared, used last, or pasted."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

from config import DEFAULT_FILE_MAX_BYTES
from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, name_of, open_dialog, row, tick
from tests.sandbox.people import PEOPLE
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.chromium import Surfer
from tests.support.world import World

PROJECT = "/Quillmark Projects/2317 Larkspur MOB"
README = "/Templates/Folder structure readme.txt"
LOG = f"{PROJECT}/05 RFIs/RFI log 2025-09-15.xlsx"
PLAN = f"{PROJECT}/10 Safety/Site safety plan rev 2.pdf"
DRONE = f"{PROJECT}/12 Photos/Drone"
NOTES = "/Field Notes (Devon)"
FENNIMORE = "/Received from Studio Fennimore"
PREVIEW_ONLY = f"{FENNIMORE}/SF-2317 Door 112B function.pdf"
REFUSED = (r"status of 424", r"^answered 424", r"Status Error Code 424")


def names(dialog: Locator) -> Locator:
    return dialog.locator("tbody tr:not(.load) :is(a, b)")


def here(dialog: Locator) -> Locator:
    return dialog.locator(".path [aria-current]")


def go(dialog: Locator, view: str) -> None:
    link = dialog.locator(".views").get_by_role("link", name=view, exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "true")
    expect(dialog.locator(".views [aria-current]")).to_have_count(1)


def test_favorites_are_what_has_a_star_and_shared_is_what_others_own(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    sandbox.change("favorite", README)
    sandbox.change("favorite", FENNIMORE)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Starred and shared"))
    dialog = open_dialog(tab)
    go(dialog, "Favorites")
    expect(row(dialog, name_of(README))).to_contain_text("Templates")
    expect(row(dialog, name_of(LOG))).to_contain_text("05 RFIs")
    expect(row(dialog, name_of(FENNIMORE))).to_contain_text("Owned by Anneke Brandvold")
    expect(row(dialog, "Quillmark Projects")).to_have_count(0)
    row(dialog, name_of(README)).get_by_role("checkbox").check()
    expect_chosen(dialog, name_of(README))

    go(dialog, "Shared with me")
    expect(names(dialog)).to_have_count(2)
    for name, owner in (
        (name_of(FENNIMORE), "Anneke Brandvold"),
        ("Received from Brindlewick", "Bryn Castellane"),
    ):
        expect(row(dialog, name)).to_contain_text(f"Owned by {owner}")
    dialog.get_by_role("link", name="Received from Brindlewick").click()
    expect(row(dialog, "Joint trench exhibit.pdf")).to_contain_text("Owned by Bryn Castellane")
    for name in (README, LOG):
        sandbox.change("unfavorite", name)
    go(dialog, "Favorites")
    expect(row(dialog, name_of(FENNIMORE))).to_be_visible()
    expect(row(dialog, name_of(README))).to_have_count(0)


def test_the_picker_opens_where_one_or_else_a_colleague_attached_last(
    linked: Actor,
    bob_here: Actor,
    surfer: Surfer,
    surfers: Callable[..., Surfer],
    sandbox: SandboxProcess,
    world: World,
) -> None:
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    mine, theirs = surfer.tab, surfers()
    theirs.take_cookies(bob_here.person.http)

    def opened(tab: Page, address: str) -> Locator:
        # By way of another page: to load the same one again would open its dialog again.
        tab.goto("/help/box")
        tab.goto(address)
        dialog = open_dialog(tab)
        expect(dialog.locator("tbody tr").first).to_be_visible()
        return dialog

    # Nobody has attached anything here: it opens at the top, for both of them.
    dialog = opened(theirs.tab, record)
    expect(here(dialog)).to_have_text("All files")
    expect(dialog.get_by_role("link", name="Last used here", exact=True)).to_have_count(0)
    dialog = opened(mine, record)
    expect(here(dialog)).to_have_text("All files")
    tick(dialog, LOG)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(mine.locator("#tools-files").get_by_text("verified")).to_have_count(1)

    # The next record of this tool, for the one who attached and for a colleague.
    dialog = opened(mine, record)
    expect(here(dialog)).to_have_text("05 RFIs")
    expect(dialog.locator(".sort-note")).to_have_text("Last used here")
    dialog = opened(theirs.tab, record)
    expect(here(dialog)).to_have_text("05 RFIs")
    expect(dialog.locator(".sort-note")).to_have_text("Last used here by Alice Test")
    last = dialog.get_by_role("link", name="Last used here", exact=True)
    expect(last).to_have_attribute("aria-current", "true")
    attached = dialog.get_by_role("row").filter(has_text=name_of(LOG))
    expect(attached.get_by_role("checkbox")).to_be_disabled()

    # Another tool has a place of its own.
    dialog = opened(mine, linked.new_rfi("Another tool"))
    expect(here(dialog)).to_have_text("All files")

    # Where Alice goes next Bob's Box does not lead: it opens at the top, and says nothing of her.
    dialog = opened(mine, record)
    go(dialog, "All files")
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(mine.locator("#tools-files").get_by_text("verified")).to_have_count(2)
    dialog = opened(theirs.tab, record)
    expect(here(dialog)).to_have_text("All files")
    expect(dialog).not_to_contain_text("Alice Test")

    # One's own goes before a colleague's.
    tick(dialog, "/Personal/Certificates.pdf")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(theirs.tab.locator("#tools-files").get_by_text("verified")).to_have_count(3)
    dialog = opened(theirs.tab, record)
    expect(here(dialog)).to_have_text("Personal")
    dialog = opened(mine, record)
    expect(here(dialog)).to_have_text("Templates")
    go(dialog, "Recents")
    go(dialog, "Last used here")
    expect(here(dialog)).to_have_text("Templates")


def test_a_list_does_not_end_at_a_short_or_empty_page(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    folder = f"{NOTES}/Short pages"
    sandbox.change("add_folder", folder)
    wanted = [f"part {number:03d}.txt" for number in range(180)]
    ops = [{"op": "add_file", "path": f"{folder}/{name}", "size": 10} for name in wanted]
    mine = [{"op": "add_folder", "path": f"/00 Mine {number:02}"} for number in range(100)]
    sandbox.control("POST", "files", {"ops": ops + mine})
    sandbox.change("short_pages", folder)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Short pages"))
    dialog = open_dialog(tab)
    count = dialog.locator("[data-count]")
    expect(count).to_have_text("Showing 100, more available")
    # Nothing of others is on the first page of the root: it goes on by itself to where there is.
    go(dialog, "Shared with me")
    expect(row(dialog, name_of(FENNIMORE))).to_be_visible()
    expect(count).to_have_text("2 items")
    dialog.get_by_role("searchbox").fill(Box(sandbox).folder(folder))
    expect(here(dialog)).to_have_text("Short pages")
    rows = dialog.locator("[data-rows]")
    while "more available" in count.inner_text():
        before = count.inner_text()
        assert before.startswith("Showing")
        rows.evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
        expect(count).not_to_have_text(before)
    expect(count).to_have_text("180 items")
    expect(names(dialog)).to_have_text(wanted)


@dataclass
class Box:
    """The sandbox's side of pasted links."""

    sandbox: SandboxProcess

    def file(self, path: str, login: str = DEVON) -> str:
        return f"https://app.box.com/file/{self.sandbox.world(path, login=login)['id']}"

    def folder(self, path: str, login: str = DEVON) -> str:
        return f"https://app.box.com/folder/{self.sandbox.world(path, login=login)['id']}"

    def shared(self, path: str, person: str = "") -> str:
        login = PEOPLE[person] if person else DEVON
        return str(self.sandbox.world(path, login=login)["shared_link"])


def paste(dialog: Locator, link: str) -> None:
    """Paste over whatever stands there; what was shown goes first."""
    field = dialog.get_by_role("searchbox")
    field.fill(link)
    field.press("Enter")


def test_pasted_links_land_where_they_lead(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    box, tab = Box(sandbox), surfer.tab
    tab.goto(linked.new_rfi("Pasted"))
    dialog = open_dialog(tab)
    expect(names(dialog).first).to_be_visible()
    paste(dialog, box.file(README))
    expect(names(dialog)).to_have_text([name_of(README)])
    row(dialog, name_of(README)).get_by_role("checkbox").check()
    paste(dialog, box.folder(f"{PROJECT}/10 Safety"))
    expect(here(dialog)).to_have_text("10 Safety")
    expect(row(dialog, name_of(PLAN))).to_be_visible()
    paste(dialog, box.shared(PLAN))
    expect(names(dialog)).to_have_text([name_of(PLAN)])
    row(dialog, name_of(PLAN)).get_by_role("checkbox").check()
    dialog.get_by_role("link", name="Open its folder").click()
    expect(here(dialog)).to_have_text("10 Safety")
    expect(row(dialog, name_of(PLAN)).get_by_role("checkbox")).to_be_checked()
    paste(dialog, box.shared(DRONE))
    expect(here(dialog)).to_have_text("Drone")
    expect(row(dialog, "2025-09-05 Flight log.csv")).to_be_visible()
    expect_chosen(dialog, name_of(README), name_of(PLAN))
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(2)


def test_a_pasted_link_that_cannot_be_attached_says_why(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    box, tab = Box(sandbox), surfer.tab
    tab.goto(linked.new_rfi("Pasted in vain"))
    dialog = open_dialog(tab)
    expect(names(dialog).first).to_be_visible()
    surfer.watch.expects(*REFUSED)
    for name in ("setup.exe", "Survey.las", "Kept.txt"):
        sandbox.change("add_file", f"{NOTES}/{name}", size=10)

    # What leads nowhere: one sentence, and the account that was asked where it is about that.
    kept = sandbox.world(f"{NOTES}/Kept.txt")["id"]
    forbidden = {"type": "error", "code": "forbidden_by_policy", "message": "Access denied"}
    rule = {"match": {"host": "api", "path": f"/files/{kept}$"}}
    sandbox.faults({**rule, "times": None, "action": {"status": 403, "json": forbidden}})
    for link, words in (
        (
            box.file("/Operations/Staffing plan 2025.xlsx", PEOPLE["mara"]),
            f"Your Box account {DEVON} does not see what this link leads to",
        ),
        (
            box.folder("/Executive", PEOPLE["mara"]),
            f"Your Box account {DEVON} does not see what this link leads to",
        ),
        (
            box.shared("/Operations/Staffing plan 2025.xlsx", "mara"),
            f"has ended, or it does not let your Box account {DEVON} in",
        ),
        (
            box.shared("/2317 Larkspur structural/Calculation book volume 1.pdf", "kwame"),
            f"is open to you by its link only. Ask Kwame Ellery to invite {DEVON}",
        ),
        (
            box.shared("/2317 Larkspur/Project brief.pdf", "anneke"),
            "This shared link asks for a password",
        ),
        (box.file(f"{NOTES}/Kept.txt"), "An administrator of Box does not let this be opened"),
        ("https://drive.example/file/1", "That is no link to a file or folder in Box"),
    ):
        paste(dialog, link)
        alert = dialog.get_by_role("alert").filter(has_text=words)
        expect(alert, words).to_be_visible()
        expect(names(dialog)).to_have_count(0)

    # What is found and cannot be attached: its row, disabled, with the reason in its name.
    big = sandbox.world(f"{NOTES}/Survey.las")
    entry = {
        "type": "file",
        "id": big["id"],
        "name": "Survey.las",
        "size": DEFAULT_FILE_MAX_BYTES + 1,
        "sha1": "a" * 40,
        "file_version": {"type": "file_version", "id": big["version_id"]},
        "permissions": {"can_download": True},
        "path_collection": {"total_count": 0, "entries": []},
    }
    rule = {"match": {"host": "api", "path": f"/files/{big['id']}$"}}
    sandbox.faults({**rule, "times": None, "action": {"status": 200, "json": entry}})
    for link, name, words in (
        (
            box.file(PREVIEW_ONLY),
            name_of(PREVIEW_ONLY),
            "Preview only. Ask Anneke Brandvold for download rights.",
        ),
        (box.file(f"{NOTES}/Survey.las"), "Survey.las", "Over the 5.0 GB limit for one file"),
        (box.file(f"{NOTES}/setup.exe"), "setup.exe", "Acme Builders does not accept .exe files"),
    ):
        paste(dialog, link)
        box_of = dialog.get_by_role(
            "checkbox", name=re.compile(f"{re.escape(name)}.*{re.escape(words)}")
        )
        expect(box_of, words).to_be_disabled()
        expect(names(dialog)).to_have_count(0)
    expect(dialog.get_by_role("button", name="Attach", exact=True)).to_be_disabled()
