"""The moments in which the dialog can disappoint: no link, no Box, no patience, two windows."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.browser.picking import (
    expect_chosen,
    hold_first,
    name_of,
    open_dialog,
    open_folders,
    row,
    tick,
)
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer
from tests.support.pages import PASSWORD
from tests.support.world import World

README = "/Templates/Folder structure readme.txt"
FORM = "/Templates/RFI form.docx"
PERMIT = "/Field Notes (Devon)/Sketch canopy.svg"
PHOTOS = "/Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
ITEMS = {"host": "api", "path": "/items$"}
# What Chromium notes in its console about every answer of 400 and more.
REFUSED = (r"status of 424", r"^answered 424", r"Status Error Code 424")
# htmx says so whenever a newer click takes the place of an older one.
CANCELLED = (r"htmx:sendAbort", r"htmx:afterRequest")


def files(tab: Page) -> Locator:
    return tab.locator("#tools-files li.file")


def test_linking_from_the_dialog_loses_no_word_of_a_response(
    alice_here: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Draft kept"))
    response = tab.get_by_label("Your response")
    response.fill("See the attached permit; the slab edge")
    tab.locator("#tools-reply").get_by_role("button", name="Attach File(s)").click()
    dialog = tab.get_by_role("dialog")
    with surfer.context.expect_page() as opened:
        dialog.get_by_role("button", name="Connect Box").click()
    grant(opened.value)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog).to_have_count(0)
    expect(tab.locator("#tools-reply .mini").get_by_role("link").first).to_contain_text(
        name_of(README)
    )
    expect(response).to_have_value("See the attached permit; the slab edge")
    response.press("End")
    response.press_sequentially(" is at grid 7.")
    tab.get_by_role("button", name="Send response").or_(
        tab.locator("#tools-reply .btn.go")
    ).first.click()
    sent = tab.locator(".thread li").filter(has_text="grid 7.")
    expect(sent).to_contain_text("See the attached permit; the slab edge is at grid 7.")
    expect(sent.get_by_role("link", name=name_of(README)).first).to_be_visible()


def test_a_link_that_ends_is_renewed_without_losing_what_was_chosen(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Reconnect"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    row(dialog, name_of(FORM)).get_by_role("checkbox").check()
    expect_chosen(dialog, name_of(README), name_of(FORM))
    sandbox.revoke()
    surfer.watch.expects(*REFUSED)
    dialog.locator(".path a").filter(visible=True).first.click()
    expect(dialog.get_by_role("heading", name="Your Box link has ended")).to_be_visible()
    dialog.get_by_role("link", name="Reconnect Box").click()
    with surfer.context.expect_page() as opened:
        dialog.get_by_role("button", name="Reconnect Box").click()
    grant(opened.value)
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    expect_chosen(dialog, name_of(README), name_of(FORM))
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(files(tab).get_by_text("verified")).to_have_count(2)


def test_unlinking_in_another_window_is_noticed_and_linking_again_goes_on(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Unlinked meanwhile"))
    dialog = open_dialog(tab)
    folder = dialog.get_by_role("link", name="Templates", exact=True)
    expect(folder).to_be_visible()
    linked.unlink()
    folder.click()
    connect = dialog.get_by_role("button", name="Connect Box")
    expect(connect).to_be_visible()
    expect(dialog.get_by_label("Search Box by name")).to_have_count(0)
    with surfer.context.expect_page() as opened:
        connect.click()
    grant(opened.value)
    expect(folder).to_be_visible()
    expect(dialog.locator("#picker-panel")).to_have_count(1)
    tick(dialog, README)


def test_a_dialog_that_opens_while_box_is_down_can_go_on_in_every_way(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Down from the start"))
    sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
    surfer.watch.expects(*REFUSED)
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("heading", name="Box did not open this")).to_be_visible()
    dialog.get_by_role("link", name="Use my computer").click()
    expect(dialog.get_by_role("heading", name="Drop files here")).to_be_visible()
    dialog.get_by_role("link", name="Box", exact=True).click()
    expect(dialog.get_by_role("heading", name="Box did not open this")).to_be_visible()
    sandbox.clear_faults()
    dialog.get_by_role("link", name="Try again").click()
    tick(dialog, README)
    for part in ("#picker-panel", "#picker-folder", "#picker-find"):
        expect(dialog.locator(part)).to_have_count(1)


def test_while_box_is_down_a_sentence_says_so_and_trying_again_goes_on(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Box is down"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
    surfer.watch.expects(*REFUSED)
    to_root_click(dialog)
    alert = dialog.get_by_role("alert").filter(has_text="Box did not open this")
    expect(alert).to_be_visible()
    expect_chosen(dialog, name_of(README))
    sandbox.clear_faults()
    alert.get_by_role("link", name="Try again").click()
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    expect(alert).to_have_count(0)


def to_root_click(dialog: Locator) -> None:
    dialog.locator(".path").get_by_role("link", name="All files", exact=True).click()


def test_of_two_folders_clicked_quickly_the_last_is_shown_and_nothing_replaces_it(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Two folders"))
    dialog = open_dialog(tab)
    link = dialog.get_by_role("row").get_by_role("link")
    expect(link.first).to_be_visible()
    sandbox.faults({"match": ITEMS, "action": {"gate": "slow"}})
    dialog.get_by_role("link", name="99 Odds and Ends", exact=True).click()
    sandbox.wait_for_gate("slow")
    surfer.watch.expects(*CANCELLED)
    expect(dialog.get_by_role("progressbar", name="Opening")).to_be_visible()
    expect(dialog.locator("#picker-panel")).to_have_attribute("aria-busy", "true")
    dialog.get_by_role("link", name="Templates", exact=True).click()
    here = dialog.locator(".path [aria-current]")
    expect(here).to_have_text("Templates")
    expect(dialog.get_by_role("progressbar", name="Opening")).to_have_count(0)
    sandbox.release("slow")
    # The answer to a search comes after the one that was held back, so that has had its chance.
    search(dialog, "readme")
    expect(row(dialog, name_of(README))).to_be_visible()
    dialog.get_by_role("link", name="Clear search").click()
    expect(here).to_have_text("Templates")


def test_of_box_and_the_computer_the_one_clicked_last_is_shown(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Slow Box"))
    dialog = open_dialog(tab)
    folder = dialog.get_by_role("link", name="Templates", exact=True)
    expect(folder).to_be_visible()
    sources = dialog.get_by_role("navigation", name="Source")
    box = sources.get_by_role("link", name="Box", exact=True)
    computer = sources.get_by_role("link", name="My computer")
    drop = dialog.get_by_role("heading", name="Drop files here")
    sandbox.faults({"match": ITEMS, "action": {"gate": "folder"}})
    folder.click()
    sandbox.wait_for_gate("folder")
    surfer.watch.expects(*CANCELLED)
    computer.click()
    expect(drop).to_be_visible()

    held = hold_first(tab, "**/attach/?source=computer")
    sandbox.faults({"match": ITEMS, "action": {"gate": "panel"}})
    box.click()
    sandbox.wait_for_gate("panel")
    with tab.expect_request("**/attach/?source=computer"):
        computer.click()
    sandbox.release("panel")
    sandbox.release("folder")
    # Another tab's answer from Box comes after those that were held, so they have had their chance.
    other = surfer.context.new_page()
    other.goto(tab.url + "/attach/box/")
    other.close()
    held[0].continue_()
    expect(computer).to_have_attribute("aria-current", "true")
    expect(drop).to_be_visible()


def test_five_thousand_photos_come_as_they_are_scrolled_to(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Photos"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    boxes = dialog.get_by_role("table").get_by_role("checkbox")
    count = dialog.locator("[data-count]")
    expect(boxes).to_have_count(100)
    expect(count).to_have_text("Showing 100, more available")
    end = dialog.locator("tr.load")
    end.scroll_into_view_if_needed()
    expect(boxes).to_have_count(200)
    expect(count).to_have_text("Showing 200, more available")
    sandbox.faults({"match": ITEMS, "action": {"status": 503}, "times": None})
    surfer.watch.expects(*REFUSED)
    end.scroll_into_view_if_needed()
    expect(end.get_by_role("alert")).to_be_visible()
    expect(boxes).to_have_count(200)
    sandbox.clear_faults()
    end.get_by_role("link", name="Try again").click()
    expect(boxes).to_have_count(300)
    expect(row(dialog, "IMG_00300.JPG")).to_be_visible()
    row(dialog, "IMG_00300.JPG").get_by_role("checkbox").check()
    expect_chosen(dialog, "IMG_00300.JPG")


def test_leaving_a_folder_while_more_of_it_is_coming_is_no_trouble(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Photos left"))
    dialog = open_dialog(tab)
    open_folders(dialog, PHOTOS)
    expect(dialog.get_by_role("table").get_by_role("checkbox")).to_have_count(100)
    sandbox.faults({"match": ITEMS, "action": {"gate": "more"}})
    dialog.locator("tr.load").scroll_into_view_if_needed()
    sandbox.wait_for_gate("more")
    # The call is given up: nobody waits for it any more.
    with tab.expect_event("requestfailed", lambda r: "&m=" in r.url or "?m=" in r.url):
        dialog.locator(".path").get_by_role("link", name="12 Photos").last.click()
    sandbox.release("more")
    expect(dialog.locator(".path [aria-current]")).to_have_text("12 Photos")
    expect(dialog.get_by_role("link", name="Drone", exact=True)).to_be_visible()
    expect(dialog.get_by_text("IMG_00150.JPG")).to_have_count(0)


def search(dialog: Locator, words: str) -> None:
    dialog.get_by_label("Search Box by name").fill(words)


def test_a_folder_is_sorted_by_its_headings(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Sorted"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    heading = dialog.get_by_role("columnheader", name="Size")
    heading.get_by_role("link").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    first = dialog.locator("tbody tr").first
    expect(first).to_contain_text("Folder structure readme.txt")
    heading.get_by_role("link").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(first).to_contain_text("Toolbox talk blank.pdf")
    expect(heading.get_by_role("link"), "the focus stays on the heading").to_be_focused()


def test_searching_here_and_in_all_of_box(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Searched"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    search(dialog, "minutes")
    expect(row(dialog, "Meeting minutes template.docx")).to_be_visible()
    expect(row(dialog, "OAC 10 minutes.pdf")).to_have_count(0)
    expect(dialog.get_by_label("Search Box by name"), "typing goes on").to_be_focused()
    dialog.get_by_label("Where to search").select_option("All of Box")
    expect(row(dialog, "OAC 10 minutes.pdf")).to_be_visible()
    row(dialog, "OAC 10 minutes.pdf").get_by_role("checkbox").check()
    expect_chosen(dialog, "OAC 10 minutes.pdf")
    search(dialog, "nothing is called like this")
    expect(dialog.get_by_role("heading", name="Nothing in your Box matches")).to_be_visible()
    dialog.get_by_role("link", name="Clear search").click()
    expect(row(dialog, "RFI form.docx")).to_be_visible()
    expect(dialog.get_by_label("Search Box by name")).to_have_value("")


def test_files_from_the_computer_are_chosen_and_dropped(
    linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("From the computer"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    dialog.get_by_role("link", name="My computer").click()
    photo, note = tmp_path / "site photo.jpg", tmp_path / "note.txt"
    photo.write_bytes(b"\xff\xd8" + b"p" * 400_000)
    note.write_text("note")
    held = hold_first(tab, "**/attach/computer")
    dialog.locator("#picker-file").set_input_files([photo, note])
    bar = dialog.get_by_role("progressbar", name="site photo.jpg")
    expect(bar).to_be_visible()
    held[0].continue_()
    expect_chosen(dialog, "site photo.jpg", "note.txt")
    expect(dialog.get_by_role("progressbar")).to_have_count(0)

    dropped = tab.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["dropped"], "dropped.csv", { type: "text/csv" }));
          return data;
        }"""
    )
    target = dialog.get_by_role("heading", name="Drop files here")
    for kind in ("dragover", "drop"):
        target.dispatch_event(kind, {"dataTransfer": dropped})
    expect_chosen(dialog, "dropped.csv", "site photo.jpg", "note.txt", name_of(README))
    dialog.get_by_role("button", name="Attach 4 files").click()
    expect(dialog).to_have_count(0)
    for name in ("dropped.csv", "site photo.jpg", "note.txt", name_of(README)):
        expect(files(tab).get_by_role("link", name=name, exact=True)).to_be_visible()
    with tab.expect_download() as started:
        files(tab).get_by_role("link", name="dropped.csv", exact=True).click()
    assert started.value.path().read_bytes() == b"dropped"


def test_an_upload_that_fails_is_told_and_tried_again_and_the_others_go_on(
    linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("A broken upload"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer").click()
    program, broken, fine = (tmp_path / name for name in ("setup.exe", "broken.txt", "fine.txt"))
    for path in (program, broken, fine):
        path.write_text(path.name)

    def cut(route: Route) -> None:
        body = route.request.post_data_buffer or b""
        if b'filename="broken.txt"' in body:
            route.abort()
        else:
            route.continue_()

    tab.route("**/attach/computer", cut)
    surfer.watch.expects(r"status of 422", r"^answered 422", r"ERR_FAILED", r"net::ERR_FAILED")
    dialog.locator("#picker-file").set_input_files([program, broken, fine])
    expect_chosen(dialog, "fine.txt")
    failed = dialog.locator(".uploads li.failed")
    expect(failed.filter(has_text="setup.exe")).to_contain_text("does not accept .exe files")
    expect(failed.filter(has_text="broken.txt")).to_contain_text("The connection broke")
    tab.unroute("**/attach/computer")
    failed.filter(has_text="broken.txt").get_by_role("button", name="Try again").click()
    expect_chosen(dialog, "broken.txt", "fine.txt")
    expect(failed).to_have_count(1)


def test_a_double_click_on_attach_attaches_once(linked: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Twice"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    dialog.get_by_role("button", name="Attach 1 file").dblclick()
    expect(dialog).to_have_count(0)
    expect(files(tab).get_by_text("verified")).to_have_count(1)
    expect(tab.locator("#files-title")).to_have_text("Attachments 1")
    tab.reload()
    expect(files(tab)).to_have_count(1)


def test_attach_pressed_right_after_a_tick_takes_that_file_along(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("In a hurry"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    held = hold_first(tab, "**/box/choose")
    row(dialog, name_of(FORM)).get_by_role("checkbox").check()
    dialog.get_by_role("button", name="Attach 1 file").click()
    held[0].continue_()
    expect(dialog).to_have_count(0)
    expect(files(tab).get_by_text("verified")).to_have_count(2)


def test_a_tick_that_does_not_reach_the_server_is_taken_back_and_the_next_one_counts(
    linked: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Lost tick"))
    dialog = open_dialog(tab)
    open_folders(dialog, "/Templates")
    tab.route("**/box/choose", lambda route: route.abort())
    surfer.watch.expects(r"ERR_FAILED", r"htmx:sendError", r"htmx:afterRequest")
    first, second = (row(dialog, name_of(path)).get_by_role("checkbox") for path in (README, FORM))
    first.click()
    expect(dialog.get_by_role("alert").filter(visible=True)).to_contain_text(
        "Plumbline did not answer"
    )
    expect(first).not_to_be_checked()
    tab.unroute("**/box/choose")
    second.check()
    expect_chosen(dialog, name_of(FORM))


@pytest.mark.parametrize("size", SIZES)
def test_what_the_server_refuses_is_said_inside_the_dialog(
    size: str, linked: Actor, surfers: Callable[..., Surfer]
) -> None:
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab = surfer.tab
    record = linked.new_rfi("Refused")
    tab.goto(record)
    dialog = open_dialog(tab)
    folder = dialog.get_by_role("link", name="Templates", exact=True)
    expect(folder).to_be_visible()
    surfer.watch.expects(r"status of 400", r"^answered 400", r"Status Error Code 400")
    no_folder = f"{linked.plumbline.url}{record}/attach/box/folders/x"
    tab.route("**/box/folders/*", lambda route: route.continue_(url=no_folder))
    folder.click()
    alert = dialog.get_by_role("alert").filter(has_text="Plumbline could not read that")
    expect(alert).to_be_visible()
    # The note may cover what is being redone, but not the ways out.
    for way_out in ("Close", "My computer"):
        dialog.get_by_role("link", name=way_out, exact=True).click(trial=True)
    tab.unroute("**/box/folders/*")
    folder.click()
    expect(dialog.locator(".path [aria-current]")).to_have_text("Templates")
    expect(alert).to_have_count(0)


def _sign_in(tab: Page, email: str) -> None:
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()


def test_a_session_that_ends_under_the_dialog_leads_to_the_sign_in_and_back(
    linked: Actor, surfer: Surfer, world: World
) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Signed out")
    tab.goto(record)
    response = tab.get_by_label("Your response")
    response.fill("Half a sentence")
    dialog = open_dialog(tab)
    tick(dialog, README)
    surfer.context.clear_cookies()
    surfer.watch.expects(r"status of 401", r"^answered 401")
    to_root_click(dialog)
    expect(tab).to_have_url(re.compile("/sign-in$"))
    expect(tab.get_by_role("navigation")).to_have_count(0)
    expect(tab.get_by_text("You are signed out. Sign in to go on")).to_be_visible()
    _sign_in(tab, world.email("alice"))
    expect(tab).to_have_url(re.compile(f"{record}$"))
    # The dialog is where it was, the tray and the half sentence are there.
    expect(dialog.locator(".path [aria-current]")).to_have_text("Templates")
    expect_chosen(dialog, name_of(README))
    tab.go_back()
    expect(dialog).to_have_count(0)
    expect(response).to_have_value("Half a sentence")
    tab.reload()
    expect(response).to_have_value("")


def test_what_somebody_was_writing_is_not_for_whoever_signs_in_instead(
    linked: Actor, surfer: Surfer, world: World
) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Somebody else", world.people["bob"])
    tab.goto(record)
    response = tab.get_by_label("Your response")
    response.fill("Half a sentence")
    dialog = open_dialog(tab)
    expect(dialog.get_by_role("link", name="Templates", exact=True)).to_be_visible()
    surfer.context.clear_cookies()
    surfer.watch.expects(r"status of 401", r"^answered 401")
    dialog.get_by_role("link", name="Templates", exact=True).click()
    expect(tab).to_have_url(re.compile("/sign-in$"))
    _sign_in(tab, world.email("bob"))
    expect(tab).to_have_url(re.compile(f"{record}$"))
    expect(tab.get_by_role("heading", level=1)).to_have_text("Somebody else")
    # What was kept is looked at once, by a module that comes for it.
    tab.wait_for_load_state("networkidle")
    assert tab.evaluate("sessionStorage.getItem('kept')") is None
    expect(response).to_have_value("")
    expect(dialog).to_have_count(0)


def test_a_session_that_ends_does_not_take_away_what_is_being_written(
    linked: Actor, surfer: Surfer, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    record = linked.new_rfi("Writing")
    tab.goto(record)
    dialog = open_dialog(tab)
    tick(dialog, README)
    sandbox.faults({"match": {"host": "download"}, "action": {"gate": "half", "after_bytes": 1}})
    dialog.get_by_role("button", name="Attach 1 file").click()
    sandbox.wait_for_gate("half")
    response = tab.get_by_label("Your response")
    response.fill("Half a sentence")
    surfer.watch.expects(r"status of 401", r"^answered 401")
    with tab.expect_response(lambda answer: answer.status == 401):
        surfer.context.clear_cookies()
    with tab.expect_response(lambda answer: answer.status == 401):
        expect(response).to_have_value("Half a sentence")
    expect(tab).to_have_url(re.compile(f"{record}$"))
    expect(response).to_have_value("Half a sentence")
    open_link = tab.locator("#tools-files").get_by_role("link", name="Attach File(s)")
    open_link.click()
    expect(tab).to_have_url(re.compile("/sign-in$"))


def test_an_upload_after_the_session_ended_says_what_to_do(
    linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Signed out, my computer"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer", exact=True).click()
    note = tmp_path / "note.txt"
    note.write_text("note")
    surfer.context.clear_cookies()
    surfer.watch.expects(r"status of 401", r"^answered 401")
    dialog.locator("#picker-file").set_input_files(note)
    failed = dialog.locator(".uploads li.failed")
    expect(failed).to_contain_text("You are signed out. Sign in, then try again")
    expect(failed.get_by_role("button", name="Sign in")).to_be_visible()
    surfer.take_cookies(linked.person.http)
    failed.get_by_role("button", name="Try again").click()
    expect(dialog.locator("#picker-tray li").filter(has_text="note.txt")).to_have_count(1)
