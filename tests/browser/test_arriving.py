"""Copies on their way: how far they are, what they wait for, how they end, what is kept of them."""

import re
import time
from collections.abc import Callable
from datetime import timedelta

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import name_of, open_dialog, tick, to_root
from tests.browser.test_accessibility import inspecting
from tests.browser.test_copies import until_hinted
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.chromium import Surfer
from tests.support.processes import Person
from tests.support.world import World
from webapp.core.clock import utcnow

PERMIT = "/Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"
README = "/Templates/Folder structure readme.txt"
FORM = "/Templates/RFI form.docx"
TRENCH = "/Received from Brindlewick/Joint trench exhibit.pdf"
NOTES = "/Field Notes (Devon)"
BYTES = {"host": "download"}
CONTENT = {"host": "api", "path": "/content$"}
# Two seconds for whoever has cancelled, and as much again for a machine busy with other tests.
CANCEL_MS = 4000


def files(tab: Page) -> Locator:
    return tab.locator("#tools-files")


def line(tab: Page, path: str) -> Locator:
    """Return the record's line for a copy or a file that has arrived."""
    return files(tab).locator("li.file").filter(has_text=name_of(path))


def attach(tab: Page, record: str, *paths: str) -> None:
    tab.goto(record)
    dialog = open_dialog(tab)
    for path in paths:
        to_root(dialog)
        tick(dialog, path)
    dialog.get_by_role("button", name=re.compile(r"^Attach \d+ file")).click()
    expect(dialog).to_have_count(0)


def sent_of(sandbox: SandboxProcess) -> list[int]:
    """Return how many bytes each download had, the announced size while it is under way."""
    return [call["bytes_sent"] for call in sandbox.calls()["log"] if call["host"] == "download"]


def test_a_slow_copy_tells_rate_and_time_left_to_everybody_and_ends_when_it_is_cancelled(
    linked: Actor,
    surfer: Surfer,
    surfers: Callable[..., Surfer],
    sandbox: SandboxProcess,
    people: Callable[[str], Person],
) -> None:
    tab, record = surfer.tab, linked.new_rfi("Slow")
    rita = surfers()
    rita.take_cookies(people("rita").http)
    size = sandbox.world(PERMIT)["size"]
    sandbox.forget_calls()
    sandbox.faults({"match": BYTES, "action": {"drip": 300_000}})
    attach(tab, record, PERMIT)
    rita.tab.goto(record)
    told = re.compile(r"^[\d.]+ of 7\.9 MB, \d+ kB/s, about \d+ s left$")
    for looker in (tab, rita.tab):
        copy = line(looker, PERMIT)
        expect(copy.get_by_text(told)).to_be_visible()
        bar = copy.get_by_role("progressbar", name=name_of(PERMIT))
        expect(bar).to_have_attribute("max", str(size))
        expect(copy).to_contain_text("Chosen by Alice Test")
    expect(line(rita.tab, PERMIT).get_by_role("button")).to_have_count(0)
    assert sent_of(sandbox) == [size], "under way"

    line(tab, PERMIT).get_by_role("button", name="Cancel copying").click()
    pressed_at = time.monotonic()
    expect(line(tab, PERMIT)).to_have_count(0, timeout=CANCEL_MS)
    # At this rate the rest would have taken twenty seconds.
    limit_s = CANCEL_MS / 1000 - (time.monotonic() - pressed_at)
    linked.plumbline.wait_until(lambda: sent_of(sandbox) < [size], "it ends", seconds=limit_s)
    assert sent_of(sandbox)[0] < size / 2
    # Whoever else looks sees it with the next look, two seconds later.
    expect(line(rita.tab, PERMIT)).to_have_count(0)
    for looker in (tab, rita.tab):
        expect(files(looker).get_by_text("No files yet")).to_be_visible()


def test_while_box_asks_to_wait_the_record_says_until_when_and_the_copy_goes_on_by_itself(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab, record = surfer.tab, linked.new_rfi("Busy")
    for seconds in (240, 6):
        headers = {"Retry-After": str(seconds)}
        sandbox.faults({"match": CONTENT, "action": {"status": 429, "headers": headers}})
        asked_at = utcnow()
        attach(tab, record, README)
        wait = line(tab, README).get_by_text("Box asks us to wait until ")
        expect(wait).to_contain_text("The copy then goes on by itself.")
        said = re.search(r"until (\d+):(\d\d) ([AP]M)\. ", wait.inner_text())
        assert said, wait.inner_text()
        minutes = {
            f"{moment.hour % 12 or 12}:{moment:%M %p}"
            for moment in (asked_at + timedelta(seconds=seconds + late) for late in range(31))
        }
        assert f"{said[1]}:{said[2]} {said[3]}" in minutes
        # Against Box's word nobody can hurry it.
        expect(line(tab, README).get_by_role("button")).to_have_count(1)
        if seconds > 60:
            line(tab, README).get_by_role("button", name="Cancel copying").click()
            expect(line(tab, README)).to_have_count(0)
    expect(line(tab, README).get_by_text("verified")).to_be_visible()


def test_a_failure_says_what_happened_was_tried_and_can_be_done_with_one_button(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab, record = surfer.tab, linked.new_rfi("Fails")
    denied = {"status": 403, "json": {"type": "error", "code": "access_denied", "message": "x"}}
    sandbox.faults({"match": CONTENT, "times": 2, "action": denied})
    attach(tab, record, README, FORM)
    failed = line(tab, README)
    why = failed.locator(".why")
    expect(why).to_have_text(
        "Your Box account may not download it any more. "
        "Ask its owner to let you download it, then try again. Code: no_permission_in_box"
    )
    help_with = failed.locator(".btn:not(.icon)")
    expect(help_with).to_have_text([f"Try again {name_of(README)}"])
    # Where several failed there is one button for all of them as well.
    files(tab).get_by_role("button", name="Try all again that failed").click()
    for path in (README, FORM):
        expect(line(tab, path).get_by_text("verified")).to_be_visible()

    # What Plumbline tries by itself it tells.
    path = f"{NOTES}/Garbled.txt"
    sandbox.change("add_file", path, text="quite another text")
    sandbox.faults({"match": BYTES, "times": None, "action": {"flip_byte": 3}})
    attach(tab, record, path)
    failed = line(tab, path)
    expect(failed.locator(".why.late")).to_have_text(
        re.compile(
            r"^What arrived from Box was not what Box had announced\. "
            r"We tried 3 times, last at \d+:\d\d [AP]M\. Nothing of it was kept\. Try again\. "
            r"Code: corrupt_transfer$"
        )
    )
    sandbox.clear_faults()
    expect(failed.locator(".btn:not(.icon)")).to_have_text([f"Try again {name_of(path)}"])

    # Where trying again is of no use the one button does something else.
    path = f"{NOTES}/Gone soon.txt"
    sandbox.change("add_file", path, text="not for long")
    sandbox.faults({"match": CONTENT, "action": {"gate": "late"}})
    attach(tab, record, path)
    sandbox.wait_for_gate("late")
    sandbox.change("delete", path)
    sandbox.release("late")
    failed = line(tab, path)
    expect(failed.locator(".why")).to_have_text(
        "It was deleted in Box since it was chosen, or access was lost. "
        "Look for it in Box and choose it again, or choose another file. Code: not_found_in_box"
    )
    help_with = failed.locator(".btn:not(.icon)")
    expect(help_with).to_have_text([f"Choose again instead of {name_of(path)}"])
    help_with.click()
    expect(tab.get_by_role("dialog").get_by_role("table")).to_be_visible()


def test_a_record_tells_where_a_copy_came_from_and_leads_back_to_it(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab, there = surfer.tab, sandbox.world(TRENCH)
    attach(tab, linked.new_rfi("Told where from"), TRENCH)
    file = line(tab, TRENCH)
    expect(file.locator("details.from summary")).to_have_text(
        "From Box / Received from Brindlewick, verified"
    )
    file.locator("details.from summary").click()
    facts = file.locator("dl.facts")
    terms = facts.locator("dt").all_inner_texts()
    told = dict(zip(terms, facts.locator("dd").all_inner_texts(), strict=True))
    assert told["Path then"] == "Received from Brindlewick"
    assert told["Box file"] == f"{there['id']}, version 1, owned by Bryn Castellane"
    assert re.fullmatch(r"Alice Test, today, \d+:\d\d [AP]M", told["Attached"])
    assert told["Account"] == DEVON
    sha1, _, checked = told["SHA-1"].partition(", ")
    assert sha1.replace(" ", "") == there["sha1"]
    assert checked == "checked after the copy"
    link = facts.get_by_role("link", name="Open in Box")
    expect(link).to_have_attribute("href", f"{sandbox.account_url}/file/{there['id']}")
    with surfer.context.expect_page() as opened:
        link.click()
    expect(opened.value.get_by_role("heading", name=name_of(TRENCH))).to_be_visible()


def test_a_newer_version_in_box_is_told_accessibly_and_the_history_says_who_took_it(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess, world: World
) -> None:
    path = f"{NOTES}/Anchor detail.txt"
    sandbox.change("add_file", path, text="the first")
    record = linked.new_rfi("Overtaken")
    tab = surfer.tab
    attach(tab, record, path)
    expect(line(tab, path).get_by_text("verified")).to_be_visible()
    sandbox.change("new_version", path, size=2000)
    # What Box said is remembered for a session's minutes, so another one looks.
    with inspecting(surfer, linked.plumbline.person(world.email("alice"))) as inspection:
        newest = files(tab).get_by_role("button", name=f"Attach version 2 of {name_of(path)}")
        until_hinted(tab, record, newest)
        expect(files(tab).get_by_text("Box has version 2, version 1 is attached.")).to_be_visible()
        inspection.look("a record that knows of a newer version")
        newest.click()
        expect(newest).to_have_count(0)
        fold = files(tab).locator("summary", has_text="Superseded files")
        fold.click()
        expect(files(tab).get_by_text("superseded by version 2")).to_be_visible()
        tab.reload()
        fold.click()
        tab.locator("summary", has_text="Change history").click()
        expect(tab.locator(".log")).to_contain_text(
            f"Alice Test put version 2 of {name_of(path)} in the place of version 1"
        )
        inspection.look("the superseded file and the history unfolded")
