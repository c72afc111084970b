"""Opening files in Chromium: a PDF and a picture show, and nothing that is attached can act."""

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.browser.conftest import Actor
from tests.browser.picking import attach_from_computer, open_dialog, tick
from tests.support.chromium import Surfer

MINUTES = "/Quillmark Projects/2317 Larkspur MOB/08 Meetings/OAC/OAC 10 minutes.pdf"
# The viewer asks for an icon of the site as for any page.
ICON = "favicon.ico"
ACTING = b"<!doctype html><title>acts</title><script>document.title='acted'</script>"


def picture(red: int, green: int, blue: int) -> bytes:
    """Return a PNG of 40 by 30 points in one colour."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    lines = (b"\x00" + bytes([red, green, blue]) * 40) * 30
    head = struct.pack(">IIBBBBB", 40, 30, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def open_file(surfer: Surfer, name: str) -> Page:
    """Press Open beside a file and return the tab it opens in."""
    with surfer.context.expect_page() as opened:
        files = surfer.tab.locator("#tools-files")
        files.get_by_role("link", name=f"Open {name}", exact=True).click()
    return opened.value


def test_a_pdf_from_box_shows_in_the_browsers_viewer(surfer: Surfer, linked: Actor) -> None:
    surfer.watch.expects(ICON)
    surfer.tab.goto(linked.new_rfi("What was said"))
    dialog = open_dialog(surfer.tab)
    tick(dialog, MINUTES)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(surfer.tab.locator("#tools-files").get_by_text("verified")).to_have_count(1)
    shown = open_file(surfer, "OAC 10 minutes.pdf")
    viewer = _viewer_of(shown)
    # Playwright looks into the viewer's shadow trees; the toolbar counts pages once it has them.
    expect(viewer.locator("viewer-toolbar #pagelength")).to_have_text(re.compile("^[1-9]"))


def _viewer_of(shown: Page) -> Frame:
    """Wait for the frame of Chromium's own PDF viewer."""
    for _attempt in range(100):
        for frame in shown.frames:
            if frame.url.startswith("chrome-extension://"):
                return frame
        shown.wait_for_timeout(100)
    raise AssertionError(f"no viewer in {[frame.url for frame in shown.frames]}")


def test_a_picture_shows(surfer: Surfer, alice_here: Actor) -> None:
    surfer.watch.expects(ICON)
    record = alice_here.new_rfi("What it looks like")
    attach_from_computer(surfer.tab, record, "wall.png", picture(200, 30, 30))
    shown = open_file(surfer, "wall.png")
    image = shown.locator("img")
    expect(image).to_be_visible()
    assert image.evaluate("image => [image.naturalWidth, image.naturalHeight]") == [40, 30]
    assert shown.evaluate("self.origin") == "null"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("acting.pdf", ACTING),
        ("acting.html", ACTING),
        ("acting.png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='top.x=1'/>"),
        ("acting.svg", b"<svg xmlns='http://www.w3.org/2000/svg'><script>top.x=1</script></svg>"),
    ],
)
def test_what_could_act_is_saved_and_not_shown(
    surfer: Surfer, alice_here: Actor, tmp_path: Path, name: str, content: bytes
) -> None:
    record = alice_here.new_rfi("What it does")
    attach_from_computer(surfer.tab, record, name, content)
    tab = surfer.tab
    link = tab.locator("#tools-files").get_by_role("link", name=name, exact=True)
    address = f"{link.get_attribute('href')}/view"
    with tab.expect_download() as started:
        tab.evaluate("address => { location = address }", address)
    assert started.value.suggested_filename == name
    kept = tmp_path / "kept"
    started.value.save_as(kept)
    assert kept.read_bytes() == content
    assert tab.title() != "acted"
    expect(tab).to_have_url(re.compile(f"{record}$"))


def test_files_are_renamed_removed_and_restored_by_hand(
    surfers: Callable[..., Surfer], alice_here: Actor
) -> None:
    surfer = surfers(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    surfer.take_cookies(alice_here.person.http)
    tab, record = surfer.tab, alice_here.new_rfi("Which wall")
    attach_from_computer(tab, record, "IMG_1.png", picture(30, 200, 30))
    files = tab.locator("#tools-files")
    files.get_by_role("link", name="Change IMG_1.png").click()
    tab.get_by_label("Name").fill("North wall")
    tab.get_by_role("button", name="Save file").click()
    files.get_by_role("link", name="Change North wall.png").click()
    tab.get_by_role("link", name="Remove file…").click()
    tab.get_by_role("button", name="Remove file").click()
    files.locator("summary", has_text="Removed files").click()
    files.get_by_role("button", name="Restore North wall.png").click()
    expect(files.get_by_role("link", name="North wall.png", exact=True)).to_be_visible()
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
