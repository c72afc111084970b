"""Copies on their way, on whichever page one is, and what a record knows of newer versions."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import name_of, open_dialog, tick
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer
from tests.support.processes import Person
from tests.support.world import World

README = "/Templates/Folder structure readme.txt"
FORM = "/Templates/RFI form.docx"
BYTES = {"host": "download"}


def copies(tab: Page) -> Locator:
    return tab.locator("#imports-copies summary")


def said(tab: Page) -> Locator:
    return tab.locator("#imports-said")


def attach(tab: Page, record: str, *paths: str) -> None:
    tab.goto(record)
    dialog = open_dialog(tab)
    for path in paths:
        tick(dialog, path)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_ones_copies_are_in_the_bar_of_every_page_until_they_have_arrived(
    size: str, surfers: Callable[..., Surfer], linked: Actor, sandbox: SandboxProcess
) -> None:
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    record = linked.new_rfi("Followed from afar")
    sandbox.faults({"match": BYTES, "action": {"gate": "half", "after_bytes": 1}})
    attach(tab, record, README)
    sandbox.wait_for_gate("half")
    expect(copies(tab)).to_contain_text("1 copying")
    expect(said(tab)).to_have_text("1 file is being copied")
    tab.goto("/notices")
    expect(copies(tab)).to_contain_text("1 copying")
    # What was there when the page came is not news.
    expect(said(tab)).to_have_text("")
    copies(tab).click()
    tray = tab.locator("#imports-copies")
    expect(tray.get_by_role("progressbar", name=name_of(README))).to_be_visible()
    expect(tray.get_by_role("button", name="Cancel copying")).to_be_visible()
    width = tab.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, "the tray makes the page wider than the screen"
    # It is redrawn as time passes, and stays open.
    with tab.expect_response(lambda answer: "/imports/" in answer.url):
        pass
    expect(tray.locator("details")).to_have_attribute("open", "")
    sandbox.release("half")
    expect(copies(tab)).to_have_count(0)
    expect(said(tab)).to_have_text(f"{name_of(README)} is attached")
    tab.goto(record)
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)


def test_what_failed_is_tried_again_or_dismissed_from_any_page(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Failed elsewhere")
    denied = {"status": 403, "json": {"type": "error", "code": "access_denied", "message": "x"}}
    sandbox.faults({"match": {"host": "api", "path": "/content$"}, "times": 2, "action": denied})
    attach(tab, record, README)
    expect(copies(tab)).to_contain_text("1 failed")
    tab.goto("/notices")
    copies(tab).click()
    tray = tab.locator("#imports-copies")
    expect(tray).to_contain_text("may not download it any more")
    tray.get_by_role("link", name="RFI-").click()
    expect(tab.get_by_role("heading", name="Failed elsewhere")).to_be_visible()
    copies(tab).click()
    tray.get_by_role("button", name="Try again").click()
    # It is refused once more; the tray is redrawn under the open fold.
    expect(said(tab)).to_contain_text("1 file failed")
    tray.get_by_role("button", name="Try again").click()
    expect(copies(tab)).to_have_count(0)
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)


def test_a_copy_to_a_response_is_followed_beside_it_and_stopped_there(
    surfers: Callable[..., Surfer],
    linked: Actor,
    people: Callable[[str], Person],
    sandbox: SandboxProcess,
) -> None:
    record = linked.new_rfi("Beside a response")
    sandbox.faults({"match": BYTES, "action": {"gate": "half", "after_bytes": 1}})
    hers, his = surfers(), surfers(**SIZES["phone"])
    hers.take_cookies(linked.person.http)
    his.take_cookies(people("bob").http)
    tab, other = hers.tab, his.tab
    tab.goto(record)
    reply, thread = tab.locator("#tools-reply"), tab.locator("#responses-thread")
    reply.get_by_label("Your response").fill("See the readme")
    reply.get_by_role("button", name="Attach File(s)").click()
    dialog = tab.get_by_role("dialog")
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    sandbox.wait_for_gate("half")
    expect(reply.get_by_role("progressbar", name=name_of(README))).to_be_visible()
    expect(reply.get_by_label("Your response")).to_have_value("See the readme")
    reply.get_by_role("button", name="Send response").click()
    expect(thread.get_by_role("progressbar", name=name_of(README))).to_be_visible()
    other.goto(record)
    theirs = other.locator("#responses-thread")
    expect(theirs.get_by_role("progressbar", name=name_of(README))).to_be_visible()
    expect(theirs.get_by_role("button")).to_have_count(0)
    width = other.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert width <= 0, "the copy makes the page wider than the screen"
    # It is redrawn as time passes, and keeps the focus.
    cancel = thread.get_by_role("button", name="Cancel copying")
    cancel.focus()
    for _time in range(2):
        with tab.expect_response(lambda answer: answer.url.endswith("/thread")):
            pass
    expect(cancel).to_be_focused()
    cancel.press("Enter")
    expect(thread.locator(".file")).to_have_count(0, timeout=2000)
    # Nobody has to ask again.
    expect(theirs.locator(".file")).to_have_count(0)
    sandbox.release("half")
    expect(theirs).to_contain_text("See the readme")


def asked(tab: Page, ending: str) -> list[str]:
    """Return what will be asked of addresses that end like this, as it happens."""
    found: list[str] = []

    def note(address: str) -> None:
        if urlsplit(address).path.endswith(ending):
            found.append(address)

    tab.on("request", lambda request: note(request.url))
    return found


HIDE = """(isHidden) => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


def test_a_page_nobody_sees_asks_for_nothing_and_goes_on_at_once(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.clock.install()
    record = linked.new_rfi("Behind another window")
    sandbox.faults({"match": BYTES, "action": {"gate": "half", "after_bytes": 1}})
    attach(tab, record, README)
    sandbox.wait_for_gate("half")
    files = tab.locator("#tools-files")
    expect(files.get_by_role("progressbar")).to_be_visible()
    expect(copies(tab)).to_contain_text("1 copying")
    tab.evaluate(HIDE, True)
    of_files, of_mine = asked(tab, "/files"), asked(tab, "/imports/")
    for _look in range(5):
        tab.clock.run_for(4000)
    assert (of_files, of_mine) == ([], [])
    sandbox.release("half")
    with (
        tab.expect_response(lambda answer: "/imports/" in answer.url),
        tab.expect_response(lambda answer: "/files?" in answer.url),
    ):
        tab.evaluate(HIDE, False)
    expect(files.get_by_text("verified")).to_have_count(1)
    expect(copies(tab)).to_have_count(0)
    # Nothing moves any more, so nothing is asked.
    expect(said(tab)).to_have_text(f"{name_of(README)} is attached")
    del of_files[:], of_mine[:]
    for _look in range(5):
        tab.clock.run_for(4000)
    assert (of_files, of_mine) == ([], [])


def until_hinted(tab: Page, record: str, newest: Locator) -> None:
    """Open the record until it hints; the hint is left out where a busy machine answers late."""
    for _try in range(10):
        with tab.expect_response(lambda answer: answer.url.endswith("/newer/")) as hint:
            tab.goto(record)
        if "Attach version" in hint.value.text():
            break
    expect(newest).to_be_visible()


def test_a_newer_version_is_taken_with_one_click_and_the_old_one_folded_away(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess, world: World
) -> None:
    path = "Field Notes (Devon)/Anchor detail.txt"
    sandbox.change("add_file", path, text="the first")
    tab = surfer.tab
    record = linked.new_rfi("Overtaken")
    attach(tab, record, f"/{path}")
    files = tab.locator("#tools-files")
    expect(files.get_by_text("verified")).to_have_count(1)
    sandbox.change("new_version", path, size=2000)
    # What Box said is remembered for a session's minutes, so another one looks.
    surfer.take_cookies(linked.plumbline.person(world.email("alice")).http)
    newest = files.get_by_role("button", name="Attach version 2 of Anchor detail.txt")
    until_hinted(tab, record, newest)
    newest.click()
    expect(newest).to_have_count(0)
    fold = files.locator("summary", has_text="Superseded files")
    fold.click()
    expect(files.get_by_text("superseded by version 2")).to_be_visible()
    links = files.get_by_role("link", name="Anchor detail.txt", exact=True)
    expect(links).to_have_count(2)
    with tab.expect_download() as old:
        links.last.click()
    assert old.value.path().read_bytes() == b"the first"
    tab.goto(record)
    tab.locator("summary", has_text="Change history").click()
    expect(tab.locator(".log")).to_contain_text(
        "Alice Test put version 2 of Anchor detail.txt in the place of version 1"
    )
    files.locator("details.from summary").first.click()
    with surfer.context.expect_page() as opened:
        files.get_by_role("link", name="Open in Box").first.click()
    expect(opened.value.get_by_role("heading", name="Anchor detail.txt")).to_be_visible()
