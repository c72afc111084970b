"""How a list is ordered and what it says of that; a search that is one call, in no hurry."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import Actor
from tests.browser.picking import name_of, open_dialog, open_folders, row, settled, tick
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer
from tests.support.world import World

README = "/Templates/Folder structure readme.txt"
NOTES = "/Field Notes (Devon)"
MINUTES = "OAC 10 minutes.pdf"
MINUTES_PATH = "Quillmark Projects / 2317 Larkspur MOB / 08 Meetings / OAC"
REFUSED = (r"status of 424", r"^answered 424", r"Status Error Code 424")
# What Box lets one person search in a second, as Plumbline counts it, and some more.
CROWD = 9
DELAY_MS = 500
# The longest wait that the page waits out by itself, and a little.
AGAIN_MS = 65_000


def field(dialog: Locator) -> Locator:
    return dialog.get_by_role("searchbox")


def names(dialog: Locator) -> Locator:
    return dialog.locator("tbody tr:not(.load) :is(a, b)")


def heading(dialog: Locator, label: str) -> Locator:
    return dialog.get_by_role("columnheader", name=label, exact=True)


def searches(sandbox: SandboxProcess) -> int:
    return sum(call["path"] == "/2.0/search" for call in sandbox.calls()["log"])


def asked_by(tab: Page) -> list[str]:
    """Return the searches this page will ask for, as it happens."""
    found: list[str] = []

    def note(address: str) -> None:
        if "/box/search" in address:
            found.append(address)

    tab.on("request", lambda request: note(request.url))
    return found


@pytest.mark.parametrize("size", SIZES)
def test_a_folder_is_ordered_by_name_date_and_size_both_ways(
    size: str, linked: Actor, surfers: Callable[..., Surfer], sandbox: SandboxProcess
) -> None:
    folder = f"{NOTES}/Ordered"
    sandbox.change("add_folder", folder)
    for name, size_bytes in (("b", 3000), ("d", 1000), ("a", 2000), ("c", 4000)):
        sandbox.change("add_file", f"{folder}/{name}.txt", size=size_bytes)
        sandbox.advance(90)
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    tab.goto(linked.new_rfi("Ordered"))
    dialog = open_dialog(tab)
    open_folders(dialog, folder)
    expect(heading(dialog, "Name")).to_have_attribute("aria-sort", "ascending")
    expect(names(dialog)).to_have_text(["a.txt", "b.txt", "c.txt", "d.txt"])
    for label, order in (("Name", "dcba"), ("Modified", "bdac"), ("Size", "dabc")):
        is_turned = label == "Name"
        for letters in (order,) if is_turned else (order, order[::-1]):
            heading(dialog, label).get_by_role("link").click()
            expect(names(dialog)).to_have_text([f"{letter}.txt" for letter in letters])
            way = "ascending" if letters == order and not is_turned else "descending"
            expect(heading(dialog, label)).to_have_attribute("aria-sort", way)
            expect(dialog.locator("[aria-sort]:not([aria-sort=none])")).to_have_count(1)


def test_where_box_cannot_order_the_list_says_how_it_is_ordered(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    sandbox.change("use", "/Templates/RFI form.docx")
    sandbox.advance(60)
    sandbox.change("use", README)
    tab = surfer.tab
    tab.goto(linked.new_rfi("As Box has it"))
    dialog = open_dialog(tab)
    note = dialog.locator(".sort-note")

    def cannot_be_sorted(words: str) -> None:
        expect(note).to_have_text(words)
        expect(note).to_be_visible()
        for label in ("Name", "Modified", "Size"):
            expect(heading(dialog, label)).to_be_visible()
            expect(heading(dialog, label)).not_to_have_attribute("aria-sort", "ascending")
        expect(dialog.locator("thead [aria-sort]")).to_have_count(0)
        expect(dialog.locator("thead").get_by_role("link")).to_have_count(0)

    expect(names(dialog).first).to_be_visible()
    cannot_be_sorted("Sorted by name")
    shown = names(dialog).all_inner_texts()
    assert shown == sorted(shown, key=str.casefold), "the note tells what is so"
    for view, words in (
        ("Recents", "Last used first"),
        ("Favorites", "In Box's order"),
        ("Shared with me", "Sorted by name"),
    ):
        link = dialog.get_by_role("link", name=view, exact=True)
        link.click()
        expect(link).to_have_attribute("aria-current", "true")
        cannot_be_sorted(words)
        if view == "Recents":
            expect(names(dialog).first).to_have_text(name_of(README))
            expect(names(dialog).nth(1)).to_have_text("RFI form.docx")
    field(dialog).fill("minutes")
    expect(dialog.locator("#picker-folder")).to_have_attribute("data-view", "search")
    cannot_be_sorted("Best matches first")


def test_a_word_typed_fast_is_one_search_and_enter_does_not_wait(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.clock.install()
    tab.goto(linked.new_rfi("Typed fast"))
    dialog = open_dialog(tab)
    expect(names(dialog).first).to_be_visible()
    asked = asked_by(tab)
    sandbox.forget_calls()
    tab.clock.pause_at(tab.evaluate("Date.now()") / 1000 + 1)
    field(dialog).focus()
    for letter in "minutes":
        tab.keyboard.press(letter)
        tab.clock.run_for(DELAY_MS - 100)
    tab.clock.run_for(90)
    tab.wait_for_timeout(200)
    assert asked == [], "half a second after the last key has not passed"
    tab.clock.run_for(10)
    expect(row(dialog, MINUTES)).to_be_visible()
    tab.clock.run_for(2000)
    assert len(asked) == searches(sandbox) == 1
    # Enter does not wait for the clock, and what would have come with it does not come as well.
    field(dialog).press_sequentially(" template")
    field(dialog).press("Enter")
    expect(names(dialog).first).to_have_text("Meeting minutes template.docx")
    tab.clock.run_for(2000)
    tab.wait_for_timeout(200)
    assert len(asked) == searches(sandbox) == 2


def test_search_works_from_every_view_and_hits_say_where_they_lie(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Searched from everywhere"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    open_dialog(tab)
    last = dialog.get_by_role("link", name="Last used here", exact=True)
    expect(last).to_have_attribute("aria-current", "true")
    dialog.get_by_label("Where to search").select_option("All of Box")
    for view in ("Last used here", "Recents", "Favorites", "Shared with me", "All files"):
        link = dialog.get_by_role("link", name=view, exact=True).first
        link.click()
        expect(link).to_have_attribute("aria-current", "true")
        settled(tab)
        expect(row(dialog, MINUTES)).to_have_count(0)
        expect(field(dialog)).to_be_enabled()
        field(dialog).fill("OAC 10 minutes")
        field(dialog).press("Enter")
        expect(row(dialog, MINUTES), view).to_contain_text(MINUTES_PATH)
        expect(row(dialog, MINUTES).get_by_role("checkbox")).to_be_enabled()
    # On a fast machine these are more than six within a second: it waits and goes on by itself.
    surfer.watch.expects(*REFUSED)
    # What has just been added is not found at once, and the empty list says that this may be so.
    sandbox.change("add_file", f"{NOTES}/Quokka sketch.txt", size=10)
    field(dialog).fill("quokka")
    field(dialog).press("Enter")
    nothing = dialog.get_by_role("status").filter(has_text="Nothing in your Box matches “quokka”")
    expect(nothing).to_contain_text(
        "Box can take a few minutes to find a file that was just added or renamed."
    )
    sandbox.settings(search_lag_s=0)
    field(dialog).press("Enter")
    expect(row(dialog, "Quokka sketch.txt")).to_contain_text(NOTES.removeprefix("/"))


def test_too_many_searches_wait_politely_and_go_on_by_themselves(
    bob_here: Actor, surfers: Callable[..., Surfer], sandbox: SandboxProcess, world: World
) -> None:
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    surfer = surfers()
    surfer.take_cookies(bob_here.person.http)
    tab = surfer.tab
    tab.goto(record)
    dialog = open_dialog(tab)
    expect(names(dialog).first).to_be_visible()
    surfer.watch.expects(*REFUSED)
    # Box's own limit is out of the way: that the wait comes from Plumbline is seen by that.
    sandbox.settings(rate_limits=False)
    elsewhere = f"{record}/attach/box/search?q=crane&scope=all"

    refused: list[int] = []
    again: list[Route] = []

    def crowd(route: Route) -> None:
        if refused:
            again.append(route)
            return
        answer = None
        # A second may just have begun anew; then once more.
        while answer is None or answer.status == 200:
            with ThreadPoolExecutor(CROWD) as others:
                list(others.map(bob_here.person.get, [elsewhere] * CROWD))
            sandbox.forget_calls()
            answer = route.fetch()
        refused.append(answer.status)
        route.fulfill(response=answer)

    tab.route(re.compile(r"/box/search\?.*\bq=overlay"), crowd)
    dialog.get_by_label("Where to search").select_option("All of Box")
    settled(tab)
    field(dialog).fill("overlay")
    alert = dialog.get_by_role("alert").filter(has_text="That was many searches in a short time.")
    expect(alert).to_contain_text(re.compile(r"It can go on in \d+ seconds?\."))
    assert searches(sandbox) == 0, "a search that has to wait does not reach Box"
    for _ in range(AGAIN_MS // 50):
        if not again:
            tab.wait_for_timeout(50)
    expect(alert).to_be_visible()
    again[0].continue_()
    expect(row(dialog, "RFI-002 overlay.pdf")).to_be_visible()
    assert searches(sandbox) == 1
    expect(field(dialog)).to_have_value("overlay")
