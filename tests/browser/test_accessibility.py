"""Every page and every state of the dialog through axe: light and dark, on a desk and on a phone.

The rules are WCAG 2.2 A and AA and axe's best practices; nothing is left out.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.boxing import log_in
from tests.browser.conftest import Actor
from tests.browser.picking import attach_from_computer, open_dialog, open_folders, tick, to_root
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer
from tests.support.processes import Person
from tests.support.world import World

AXE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERYTHING = {"type": "tag", "values": TAGS}
# In the dark nothing else than the colours changes.
COLOURS = {"type": "rule", "values": ["color-contrast"]}
RUN = """async (options) => {
  const found = await axe.run(document, { ...options, resultTypes: ["violations"] });
  return found.violations.map((rule) => ({
    rule: rule.id,
    impact: rule.impact,
    where: rule.nodes.map((node) => `${node.target.join(" ")} ${node.any[0]?.message ?? ""}`),
  }));
}"""
README = "/Templates/Folder structure readme.txt"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
ITEMS = {"host": "api", "path": "/items$"}


@dataclass
class Inspection:
    """Looks at one state after another and fails at the end with all that was found."""

    tab: Page
    found: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    looked_at: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        is_dark = self.tab.evaluate("() => matchMedia('(prefers-color-scheme: dark)').matches")
        self.options = {"runOnly": COLOURS if is_dark else EVERYTHING}

    def look(self, state: str) -> None:
        if not self.tab.evaluate("() => 'axe' in window"):
            self.tab.evaluate(AXE)
        violations = self.tab.evaluate(RUN, self.options)
        self.looked_at += 1
        if violations:
            self.found[state] = violations

    def at(self, address: str, *, state: str = "") -> None:
        self.tab.goto(address)
        self.look(state or address)

    def check(self) -> None:
        lines = [
            f"{state}: {v['rule']} ({v['impact']}): {'; '.join(v['where'][:5])}"
            for state, violations in self.found.items()
            for v in violations
        ]
        assert self.looked_at
        assert not lines, "\n".join(lines)


@contextmanager
def inspecting(surfer: Surfer, person: Person) -> Iterator[Inspection]:
    surfer.take_cookies(person.http)
    inspection = Inspection(surfer.tab)
    yield inspection
    inspection.check()


# In the dark only colours change, and they are the same at every size.
LOOKS = [*(f"{size}-light" for size in SIZES), "desktop-dark"]


@pytest.fixture(params=LOOKS)
def looker(request: pytest.FixtureRequest, surfers: Callable[..., Surfer]) -> Surfer:
    """A browser of one size in one colour scheme."""
    size, _, scheme = str(request.param).partition("-")
    return surfers(**SIZES[size], color_scheme=scheme, reduced_motion="reduce")


def test_a_page_with_faults_is_not_passed(surfers: Callable[..., Surfer]) -> None:
    tab = surfers().tab
    inspection = Inspection(tab)
    inspection.at("/sign-in")
    inspection.check()
    tab.locator("label").evaluate_all("labels => labels.forEach((label) => label.remove())")
    tab.locator("p.dim").evaluate("p => { p.style.color = '#ccc'; p.style.background = '#fff'; }")
    inspection.look("spoilt")
    assert {"label", "color-contrast"} <= {v["rule"] for v in inspection.found["spoilt"]}


def test_pages_that_anybody_sees_are_accessible(looker: Surfer) -> None:
    inspection = Inspection(looker.tab)
    inspection.at("/sign-in")
    looker.tab.get_by_label("E-mail").fill("nobody@example.test")
    looker.tab.get_by_label("Password").fill("not the password")
    looker.watch.expects("status of 422", "^answered 422")
    looker.tab.get_by_role("button", name="Sign in").click()
    expect(looker.tab.get_by_role("alert")).to_be_visible()
    inspection.look("sign-in refused")
    inspection.at("/box/callback", state="a way back that is closed")
    looker.watch.expects("status of 400", "^answered 400")
    inspection.check()


def test_pages_of_a_project_are_accessible(linked: Actor, looker: Surfer, world: World) -> None:
    project = f"/projects/{world.tower}"
    record = linked.new_rfi("Looked at")
    looker.watch.expects("404")
    with inspecting(looker, linked.person) as inspection:
        tab = inspection.tab
        for address in ("/", project, f"{project}/rfis", f"{project}/punch-list", record):
            inspection.at(address)
        tab.locator("#tools-reply textarea").fill("A response")
        tab.locator("#tools-reply .btn.go").click()
        expect(tab.locator(".thread").get_by_text("A response")).to_be_visible()
        tab.locator("summary", has_text="Change history").click()
        inspection.look("record with a response and its history")
        for address in (f"{record}/edit", f"{project}/rfis?q=nothing+like+this", "/notices"):
            inspection.at(address)
        tab.goto(f"{record}/edit")
        tab.get_by_label("Subject").fill("")
        looker.watch.expects("status of 422", "^answered 422")
        tab.locator("#edit-form .btn.go").click()
        expect(tab.get_by_role("alert").filter(has_text="Not saved yet")).to_be_visible()
        inspection.look("edit form refused")
        inspection.at("/nowhere", state="404")
        tab.goto("/")
        tab.locator("summary", has_text="Menu of").click()
        inspection.look("menu of one's name")


def test_pages_of_files_are_accessible(alice_here: Actor, looker: Surfer, world: World) -> None:
    record = alice_here.new_rfi("With files")
    # The next file is attached while the page still asks for what the last one changed.
    looker.watch.expects("htmx:sendAbort", "htmx:afterRequest")
    with inspecting(looker, alice_here.person) as inspection:
        tab = inspection.tab
        for name in ("plan.pdf", "model.dwg", "gone.pdf"):
            attach_from_computer(tab, record, name, b"%PDF-1.7")
        files = tab.locator("#tools-files")
        files.get_by_role("link", name="Change gone.pdf").click()
        expect(tab.get_by_role("link", name="Remove file…")).to_be_visible()
        inspection.look("renaming a file")
        tab.get_by_role("link", name="Remove file…").click()
        remove = tab.get_by_role("button", name="Remove file")
        expect(remove).to_be_visible()
        inspection.look("removing a file")
        remove.click()
        files.locator("summary", has_text="Removed files").click()
        inspection.look("record with files and a removed one")
        inspection.at(f"/projects/{world.tower}/files")
        inspection.at(f"/projects/{world.tower}/files?q=nothing+like+this")


def test_settings_and_company_pages_are_accessible(
    linked: Actor, looker: Surfer, people: Callable[[str], Person], world: World
) -> None:
    with inspecting(looker, linked.person) as inspection:
        for address in (
            "/settings",
            "/settings/security",
            "/settings/box",
            "/settings/box/disconnect",
            "/help/box",
            f"/companies/{world.acme}",
            f"/companies/{world.acme}/settings/box",
        ):
            inspection.at(address)
        linked.unlink()
        inspection.at("/settings/box", state="Box Integration, not linked")
        with looker.context.expect_page() as opened:
            inspection.tab.get_by_role("button", name="Box Integration").click()
        expect(inspection.tab.get_by_text("Box is open in another tab")).to_be_visible()
        inspection.look("Box Integration, linking")
        log_in(opened.value)
        opened.value.get_by_role("button", name="Deny").click()
        expect(opened.value.get_by_role("heading", name="You did not grant")).to_be_visible()
        inspection.at(opened.value.url, state="the page after access was denied")
    looker.context.clear_cookies()
    charlie = people("charlie")
    box_page = f"/companies/{world.borealis}/settings/box"
    with inspecting(looker, charlie) as inspection:
        inspection.at("/settings/box", state="Box Integration, not enabled")
        inspection.at(box_page, state="company that may ask for Box")
        ask = inspection.tab.get_by_role("button", name="Ask for Box")
        if ask.count():
            ask.click()
            inspection.look("company that has asked for Box")
    looker.context.clear_cookies()
    with inspecting(looker, people("imani")) as inspection:
        inspection.at("/box-requests", state="Implementation Manager's queue")


def test_the_dialog_is_accessible_in_all_its_states(
    linked: Actor, looker: Surfer, sandbox: SandboxProcess
) -> None:
    record = linked.new_rfi("Dialog looked at")
    refused = (r"status of 424", r"^answered 424", r"Status Error Code 424")
    with inspecting(looker, linked.person) as inspection:
        tab = inspection.tab
        tab.goto(record)
        dialog = open_dialog(tab)
        expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
        inspection.look("root folder")
        tick(dialog, README)
        inspection.look("folder with a chosen file")
        if tab.viewport_size and tab.viewport_size["width"] < 500:
            dialog.get_by_role("link", name="Show chosen").click()
            inspection.look("tray unfolded")
            dialog.get_by_role("link", name="Hide chosen").click()
        _search(dialog, "OAC")
        expect(dialog.get_by_text("OAC 10 minutes.pdf").or_(dialog.locator(".say"))).to_be_visible()
        inspection.look("search")
        _search(dialog, "nothing is called like this")
        expect(dialog.get_by_role("heading", name="Nothing in this folder matches")).to_be_visible()
        inspection.look("search without hits")
        inspection.at(f"{record}/attach/box/", state="the dialog as a page")
        tab.goto(record)
        dialog = open_dialog(tab)
        open_folders(dialog, "/99 Odds and Ends")
        inspection.look("folder with what cannot be chosen")
        open_folders(dialog, "/Empty folder")
        inspection.look("empty folder")
        sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
        looker.watch.expects(*refused)
        dialog.locator(".path .up a").click()
        expect(dialog.get_by_role("link", name="Try again")).to_be_visible()
        inspection.look("Box is down")
        sandbox.clear_faults()
        dialog.get_by_role("link", name="My computer", exact=True).click()
        expect(dialog.locator("#picker-drop-title")).to_be_visible()
        inspection.look("computer")
        sandbox.revoke()
        dialog.get_by_role("link", name="Box", exact=True).click()
        expect(dialog.get_by_role("link", name="Reconnect Box")).to_be_visible()
        inspection.look("link ended just now")
        dialog.get_by_role("link", name="Reconnect Box").click()
        expect(dialog.get_by_role("button", name="Reconnect Box")).to_be_visible()
        inspection.look("link ended")
        linked.unlink()
        tab.reload()
        expect(dialog.get_by_role("button", name="Connect Box")).to_be_visible()
        inspection.look("not linked")


def test_the_ways_into_a_box_are_accessible(
    linked: Actor, looker: Surfer, sandbox: SandboxProcess
) -> None:
    looker.watch.expects(r"status of 424", r"^answered 424", r"Status Error Code 424")
    with inspecting(looker, linked.person) as inspection:
        tab = inspection.tab
        tab.goto(linked.new_rfi("Ways looked at"))
        sandbox.faults({"match": ITEMS, "action": {"gate": "opening"}})
        dialog = open_dialog(tab)
        sandbox.wait_for_gate("opening")
        expect(dialog.get_by_text("Opening your Box")).to_be_visible()
        inspection.look("Box is being opened")
        sandbox.release("opening")
        for view in ("Recents", "Favorites", "Shared with me", "All files"):
            way = dialog.locator(".views").get_by_role("link", name=view)
            way.click()
            expect(way).to_have_attribute("aria-current", "true")
            inspection.look(view)
        _search(dialog, "https://app.box.com/file/1234567")
        expect(dialog.get_by_text("does not see what this link leads to")).to_be_visible()
        inspection.look("a link that leads nowhere")
        dialog.locator(".views").get_by_role("link", name="All files").click()
        open_folders(dialog, PHOTOS)
        dialog.get_by_label("Previews").check()
        expect(dialog.locator(".thumb img").first).to_have_js_property("complete", True)
        inspection.look("previews")
        dialog.get_by_role("button", name="Look at IMG_00001.JPG").click()
        expect(dialog.get_by_role("dialog", name="IMG_00001.JPG")).to_be_visible()
        inspection.look("a picture that is looked at")
        tab.keyboard.press("Escape")
        dialog.get_by_label("Previews").uncheck()


def test_a_list_of_thousands_is_accessible(linked: Actor, surfers: Callable[..., Surfer]) -> None:
    with inspecting(surfers(), linked.person) as inspection:
        tab = inspection.tab
        tab.goto(linked.new_rfi("Thousands looked at"))
        dialog = open_dialog(tab)
        open_folders(dialog, PHOTOS)
        rows, count = dialog.locator("[data-rows]"), dialog.locator("[data-count]")
        for shown in range(200, 5001, 100):
            rows.evaluate("rows => rows.scrollTo(0, rows.scrollHeight)")
            expect(count).to_contain_text(re.compile(rf"^(Showing )?{shown}\b"))
        inspection.look("5,000 rows")


def test_the_companys_rules_are_accessible(linked: Actor, looker: Surfer, world: World) -> None:
    here = f"/companies/{world.acme}/settings/box"
    rules = {"outside": "block", "ours": "acme.example", "classified": "reason"}
    linked.person.submit(here, "/settings/box/rules", **rules)
    looker.watch.expects("status of 422", "^answered 422")
    with inspecting(looker, linked.person) as inspection:
        tab = inspection.tab
        tab.goto(linked.new_rfi("Ruled"))
        dialog = open_dialog(tab)
        tick(dialog, "/Quillmark Projects/2317 Larkspur MOB/02 Subcontracts/Buyout tracker.xlsm")
        expect(dialog.get_by_label("Why are they attached?")).to_be_visible()
        inspection.look("tray that asks for a reason")
        if tab.viewport_size and tab.viewport_size["width"] < 500:
            dialog.get_by_role("link", name="Show chosen").click()
            inspection.look("tray that asks for a reason, unfolded")
            dialog.get_by_role("link", name="Hide chosen").click()
        to_root(dialog)
        open_folders(dialog, "/Received from Brindlewick")
        inspection.look("folder with what the company does not take")
        inspection.at(here, state="the company's rules and what became of them")
        tab.get_by_label("Box addresses that are the company's own").fill("nonsense")
        tab.get_by_role("button", name="Save rules").click()
        expect(tab.locator("#rules-e")).to_contain_text("nonsense is neither a domain")
        inspection.look("rules refused")
        linked.person.submit(here, "/settings/box/rules", outside="allow", classified="allow")


def test_a_record_whose_files_move_is_accessible(
    linked: Actor, looker: Surfer, sandbox: SandboxProcess
) -> None:
    record = linked.new_rfi("Files looked at")
    with inspecting(looker, linked.person) as inspection:
        tab = inspection.tab
        tab.goto(record)
        dialog = open_dialog(tab)
        tick(dialog, README)
        sandbox.faults(
            {"match": {"host": "download"}, "action": {"gate": "half", "after_bytes": 1}}
        )
        dialog.get_by_role("button", name="Attach 1 file").click()
        sandbox.wait_for_gate("half")
        files = tab.locator("#tools-files")
        expect(files.get_by_role("progressbar")).to_be_visible()
        inspection.look("a copy under way")
        tab.locator("#imports-copies summary").click()
        inspection.look("one's copies, unfolded")
        tab.keyboard.press("Escape")
        sandbox.release("half")
        expect(files.get_by_text("verified")).to_have_count(1)
        files.locator("details.from summary").click()
        inspection.look("a verified file and where it is from")
        files.get_by_role("link", name="Change").click()
        tab.get_by_role("link", name="Remove file…").click()
        expect(tab.get_by_role("button", name="Remove file")).to_be_visible()
        inspection.look("the question before a file is removed")


def _search(dialog: Locator, words: str) -> None:
    dialog.get_by_label("Search Box by name").fill(words)
