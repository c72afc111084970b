"""The whole job as a person does it: link one's Box once, attach from it, unlink again."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.boxing import grant
from tests.browser.conftest import Actor
from tests.browser.picking import loads_of, name_of, open_dialog, tick, to_root
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.chromium import SIZES, Surfer
from tests.support.pages import PASSWORD
from tests.support.world import World

FIRST = "/Templates/Folder structure readme.txt"
SECOND = "/Quillmark Projects/2317 Larkspur MOB/08 Meetings/OAC/OAC 10 minutes.pdf"


@pytest.mark.parametrize("size", SIZES)
def test_somebody_links_their_box_attaches_two_files_and_unlinks(
    size: str,
    surfers: Callable[..., Surfer],
    alice_here: Actor,
    sandbox: SandboxProcess,
    world: World,
    tmp_path: Path,
) -> None:
    record = alice_here.new_rfi("Which of the two")
    surfer = surfers(**SIZES[size])
    tab, look = surfer.tab, surfer.watch.look
    _sign_in(tab, world.email("alice"))
    look(tab)
    _link(surfer)
    _go_to_record(tab, size, record)
    dialog = open_dialog(tab)
    tick(dialog, FIRST)
    to_root(dialog)
    tick(dialog, SECOND)
    look(tab)
    if size == "phone":
        dialog.get_by_role("link", name="Show chosen").click()
    for path in (FIRST, SECOND):
        chosen = dialog.locator("#picker-tray li").filter(has_text=name_of(path))
        expect(chosen).to_be_visible()

    # One of the two stops half-way, so that its progress can be seen.
    sandbox.faults({"match": {"host": "download"}, "action": {"gate": "half", "after_bytes": 1}})
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(dialog).to_have_count(0)
    files = tab.locator("#tools-files")
    sandbox.wait_for_gate("half")
    expect(files.get_by_role("progressbar").first).to_be_visible()
    look(tab)
    sandbox.release("half")
    expect(files.get_by_text("verified")).to_have_count(2)
    expect(files.get_by_role("progressbar")).to_have_count(0)
    look(tab)
    assert loads_of(surfer, record) == 1, "the record was loaded again"

    for path in (FIRST, SECOND):
        assert _sha1_of_download(tab, path, tmp_path) == sandbox.world(path)["sha1"]
    _disconnect(surfer)
    tab.goto(record)
    expect(open_dialog(tab).get_by_role("button", name="Connect Box")).to_be_visible()
    look(tab)


def _sign_in(tab: Page, email: str) -> None:
    tab.goto("/")
    expect(tab).to_have_url(re.compile("/sign-in$"))
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()


def _open_box_settings(tab: Page) -> None:
    tab.locator("summary", has_text="Menu of Alice Test").click()
    tab.get_by_role("link", name="My Settings").click()
    tab.get_by_role("main").get_by_role("link", name="Box Integration").click()


def _link(surfer: Surfer) -> None:
    """Grant access in Box's own tab; the card in this one goes on by itself."""
    tab, look = surfer.tab, surfer.watch.look
    _open_box_settings(tab)
    card = tab.locator("#box_link-status")
    expect(card).to_contain_text("Not linked")
    look(tab)
    with surfer.context.expect_page() as opened:
        card.get_by_role("button", name="Box Integration").click()
    grant(opened.value, look)
    expect(card).to_contain_text(DEVON)
    look(tab)


def _sha1_of_download(tab: Page, path: str, folder: Path) -> str:
    with tab.expect_download() as started:
        tab.locator("#tools-files").get_by_role("link", name=name_of(path), exact=True).click()
    assert started.value.suggested_filename == name_of(path)
    kept = folder / "download"
    started.value.save_as(kept)
    return hashlib.sha1(kept.read_bytes(), usedforsecurity=False).hexdigest()


def _disconnect(surfer: Surfer) -> None:
    tab = surfer.tab
    _open_box_settings(tab)
    tab.get_by_role("link", name="Disconnect…").click()
    expect(tab.get_by_role("heading", name=f"Disconnect {DEVON}?")).to_be_visible()
    surfer.watch.look(tab)
    tab.get_by_role("button", name="Disconnect Box").click()
    expect(tab.locator("#box_link-status")).to_contain_text("Not linked")


def _go_to_record(tab: Page, size: str, record: str) -> None:
    """From anywhere to the record by what can be clicked."""
    if size == "desktop":
        tab.get_by_role("link", name="Plumbline").click()
        tab.get_by_role("main").get_by_role("link", name="Tower").first.click()
        tab.get_by_role("navigation", name="Project tools").get_by_role("link", name="RFIs").click()
    else:
        tab.locator("summary", has_text="Project").click()
        tab.locator(".project .menu").get_by_role("link", name="T-1 Tower").click()
        tab.get_by_role("navigation", name="Shortcuts").get_by_role("link", name="RFIs").click()
    tab.get_by_role("main").locator(f'a[href="{record}"]').click()
    expect(tab).to_have_url(re.compile(f"{record}$"))
