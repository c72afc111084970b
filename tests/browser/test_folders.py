"""Choosing a whole folder with mouse and keyboard, watching it being counted, attaching it."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, open_dialog, open_folders, row, settled, to_root
from tests.sandbox.process import SandboxProcess
from tests.support.chromium import SIZES, Surfer

RFIS = "Quillmark Projects/2317 Larkspur MOB/05 RFIs"
NAME = "RFI-001 Footing F4"


def hold_the_count(sandbox: SandboxProcess, folder: str) -> None:
    """Let Box answer for this folder only when the gate is released."""
    folder_id = sandbox.world(f"/{folder}")["id"]
    match = {"path": f"/folders/{folder_id}/items$"}
    sandbox.faults({"match": match, "action": {"gate": "count"}})


@pytest.mark.parametrize("size", SIZES)
def test_a_folder_is_chosen_counted_and_attached(
    size: str,
    surfers: Callable[..., Surfer],
    linked: Actor,
    sandbox: SandboxProcess,
) -> None:
    record = linked.new_rfi("All about the footing")
    surfer = surfers(**SIZES[size])
    surfer.take_cookies(linked.person.http)
    tab, look = surfer.tab, surfer.watch.look
    tab.goto(record)
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, RFIS)
    hold_the_count(sandbox, f"{RFIS}/{NAME}")
    box = dialog.get_by_role("checkbox", name=f"Choose all of {NAME}")
    box.check()
    expect_chosen(dialog, NAME)
    sandbox.wait_for_gate("count")
    if size == "phone":
        dialog.get_by_role("link", name="Show chosen").click()
    tray = dialog.locator("#picker-tray")
    expect(tray).to_contain_text("Counting:")
    attach = dialog.get_by_role("button", name="Attach", exact=False)
    expect(attach).to_be_disabled()
    expect(tray.get_by_role("status").filter(has_text="You can attach when")).to_be_visible()
    settled(tab)
    look(tab)
    sandbox.release("count")
    # The tray notices by itself.
    expect(tray).not_to_contain_text("Counting:")
    expect(attach).to_be_enabled()
    expect(box).to_be_checked()
    settled(tab)
    # What one has unfolded stays so on a phone, too.
    expect(tray.get_by_role("button", name=f"Remove {NAME}")).to_be_visible()
    look(tab)
    attach.click()
    expect(dialog).to_have_count(0)
    files = tab.locator("#tools-files")
    expect(files.get_by_text("verified").first).to_be_visible()
    expect(files.get_by_role("progressbar")).to_have_count(0)
    expect(files.get_by_role("link", name=f"{NAME}, ", exact=False).first).to_be_visible()
    look(tab)


def test_space_ticks_a_folder_and_enter_opens_it(
    surfer: Surfer, linked: Actor, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("By keyboard"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, RFIS)
    link = row(dialog, NAME).get_by_role("link")
    link.focus()
    tab.keyboard.press("Space")
    expect_chosen(dialog, NAME)
    expect(dialog.get_by_role("checkbox", name=f"Choose all of {NAME}")).to_be_checked()
    expect(link).to_be_focused()
    settled(tab)
    tab.keyboard.press("Space")
    expect(dialog.locator("#picker-tray li")).to_have_count(0)
    expect(dialog.get_by_role("checkbox", name=f"Choose all of {NAME}")).not_to_be_checked()
    # Arrows go from name to name: a folder is one stop.
    tab.keyboard.press("ArrowDown")
    expect(link).not_to_be_focused()
    tab.keyboard.press("ArrowUp")
    expect(link).to_be_focused()
    tab.keyboard.press("Enter")
    expect(dialog.locator(".path [aria-current]")).to_have_text(NAME)


def test_all_shown_are_the_files_and_not_the_folders(
    surfer: Surfer, linked: Actor, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Files alone"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, RFIS)
    everything = dialog.get_by_role("checkbox", name="All shown")
    files = dialog.locator("input[name=choice]").count()
    assert files
    everything.check()
    expect(dialog.locator("#picker-tray li")).to_have_count(files)
    expect(everything).to_be_checked()
    expect(dialog.locator("input[name=folder]:checked")).to_have_count(0)


def test_inside_a_chosen_folder_rows_say_so_until_it_is_taken_out(
    surfer: Surfer, linked: Actor, sandbox: SandboxProcess
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Inside"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, RFIS)
    dialog.get_by_role("checkbox", name=f"Choose all of {NAME}").check()
    expect_chosen(dialog, NAME)
    expect(dialog.locator("#picker-tray")).not_to_contain_text("Counting:")
    settled(tab)
    open_folders(dialog, NAME)
    expect(dialog.get_by_text(f"In the chosen folder {NAME}").first).to_be_visible()
    expect(dialog.locator("input[name=choice]")).to_have_count(0)
    settled(tab)
    dialog.get_by_role("button", name=f"Remove {NAME}").click()
    expect(dialog.get_by_text(f"In the chosen folder {NAME}")).to_have_count(0)
    expect(dialog.locator("input[name=choice]").first).to_be_enabled()


def test_ticks_made_while_a_folder_is_counted_are_kept(
    surfer: Surfer, linked: Actor, sandbox: SandboxProcess
) -> None:
    """The tray asks for itself every two seconds, and what one does meanwhile counts."""
    tab = surfer.tab
    tab.goto(linked.new_rfi("Meanwhile"))
    dialog = open_dialog(tab)
    to_root(dialog)
    open_folders(dialog, RFIS)
    hold_the_count(sandbox, f"{RFIS}/{NAME}")
    dialog.get_by_role("checkbox", name=f"Choose all of {NAME}").check()
    expect_chosen(dialog, NAME)
    sandbox.wait_for_gate("count")
    polled = watch_polls(tab)
    boxes = dialog.locator("input[name=choice]")
    for number in range(boxes.count()):
        boxes.nth(number).check()
        with tab.expect_response(lambda answer: answer.url.endswith("/tray")):
            pass
        expect(boxes.nth(number)).to_be_checked()
    assert polled
    sandbox.release("count")
    expect(dialog.locator("#picker-tray")).not_to_contain_text("Counting:")
    expect(dialog.locator("input[name=choice]:checked")).to_have_count(boxes.count())


def watch_polls(tab: Page) -> list[Any]:
    polls: list[Any] = []
    tab.on("response", lambda answer: polls.append(answer) if "/tray" in answer.url else None)
    return polls
