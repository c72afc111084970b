"""Files from the computer: dropped, pasted, photographed, and large ones over a bad connection."""

import hashlib
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Dialog, Locator, Page, Request, Route, expect

from tests.browser.conftest import Actor
from tests.browser.picking import expect_chosen, name_of, open_dialog, settled, tick
from tests.browser.test_accessibility import inspecting
from tests.support.chromium import PHONE, SIZES, Surfer

README = "/Templates/Folder structure readme.txt"
# Three parts: two of 4 MiB and a rest.
LARGE = b"".join(number.to_bytes(4, "big") for number in range(2_150_000))
PART_BYTES = 4 << 20
# So much at once is much for a machine that is busy with other tests.
LARGE_WAIT_MS = 60_000
PARTS = re.compile(r"/computer/parts(/|$)")
# What Chromium says when a connection breaks.
BROKEN = (r"net::ERR_INTERNET_DISCONNECTED", r"net::ERR_FAILED", r"net::ERR_CONNECTION")


class Drag:
    """Files in somebody's hand, as the system gives them to the browser."""

    def __init__(self, tab: Page, *paths: Path, words: str = "") -> None:
        self._tab = tab
        self._to = tab.context.new_cdp_session(tab)
        items = [{"mimeType": "text/plain", "data": words}] if words else []
        self._data = {
            "items": items,
            "files": [str(path) for path in paths],
            "dragOperationsMask": 1,
        }

    def over(self, place: Locator) -> "Drag":
        self._send(place, "dragEnter", "dragOver")
        return self

    def away(self) -> None:
        """Out of the window; the protocol has no word for it, so the event is the test's own."""
        self._tab.locator("main").dispatch_event("dragleave")

    def drop(self, place: Locator) -> None:
        self._send(place, "dragEnter", "dragOver", "drop")

    def _send(self, place: Locator, *kinds: str) -> None:
        place.scroll_into_view_if_needed()
        box = place.bounding_box()
        assert box is not None
        at = {
            "x": box["x"] + min(box["width"] / 2, 200),
            "y": box["y"] + min(box["height"] / 2, 20),
        }
        for kind in kinds:
            self._to.send("Input.dispatchDragEvent", {"type": kind, **at, "data": self._data})


def files(tab: Page) -> Locator:
    return tab.locator("#tools-files li.file")


def written(folder: Path, name: str, content: bytes = b"some bytes") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


# ---- dropped


def test_files_dropped_on_a_record_open_the_dialog_and_wait_there_for_attach(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Dropped on the page"))
    one, two = written(tmp_path, "one.txt", b"1"), written(tmp_path, "two.txt", b"2")
    place = tab.get_by_role("heading", level=1)
    drag = Drag(tab, one, two).over(place)
    expect(tab.locator("main")).to_have_attribute("data-over", "Drop the files here to choose them")
    drag.away()
    expect(tab.locator("[data-over]")).to_have_count(0)
    drag.drop(place)
    dialog = tab.get_by_role("dialog")
    expect_chosen(dialog, "one.txt", "two.txt")
    expect(tab.locator("[data-over]")).to_have_count(0)
    expect(dialog.get_by_role("link", name="My computer")).to_have_attribute("aria-current", "true")
    expect(dialog.locator("[data-says]")).to_have_text("Everything has been sent.")
    expect(files(tab)).to_have_count(0)
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(files(tab)).to_have_count(2)


def test_files_dropped_on_a_response_go_to_the_response(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Dropped on a response"))
    reply = tab.locator("#tools-reply")
    Drag(tab, written(tmp_path, "proof.txt")).drop(reply)
    dialog = tab.get_by_role("dialog")
    expect_chosen(dialog, "proof.txt")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(reply.locator(".mini").get_by_role("link").first).to_contain_text("proof.txt")
    expect(files(tab)).to_have_count(0)


def test_files_dropped_on_one_of_several_notes_go_to_that_note(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab, person = surfer.tab, alice_here.person
    log = f"/projects/{alice_here.project}/daily-log"
    for words in ("First note", "Second note"):
        edit = urlsplit(person.submit(log, "/daily-log/notes").url).path
        person.submit(edit, "/edit", comments=words)
    tab.goto(log)
    second = tab.get_by_role("listitem").filter(has=tab.get_by_role("link", name="Second note"))
    Drag(tab, written(tmp_path, "site.txt")).drop(second)
    dialog = tab.get_by_role("dialog")
    expect_chosen(dialog, "site.txt")
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(second.locator(".mini")).to_contain_text("site.txt")
    expect(tab.locator(".mini")).to_have_count(1)
    # Beside the notes there is nothing that a file could be for.
    drag = Drag(tab, written(tmp_path, "other.txt")).over(tab.get_by_role("heading", level=1))
    expect(tab.locator("[data-over]")).to_have_count(0)
    drag.drop(tab.get_by_role("heading", level=1))
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_files_are_taken_although_the_panel_was_redrawn_while_they_were_looked_for(
    alice_here: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Looking"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer").click()
    expect(dialog.get_by_role("heading", name="Drop files here")).to_be_visible()
    settled(tab)
    # What the browser's own list of files hands over goes to the field that had opened it.
    field = dialog.locator("#picker-file").element_handle()
    dialog.get_by_role("link", name="My computer").click()
    wait_for(tab, lambda: not field.evaluate("field => field.isConnected"))
    field.evaluate(
        """field => {
            const given = new DataTransfer();
            given.items.add(new File(["a note"], "note.txt", { type: "text/plain" }));
            field.files = given.files;
            field.dispatchEvent(new Event("change", { bubbles: true }));
        }"""
    )
    expect_chosen(dialog, "note.txt")


@pytest.mark.parametrize("source", ["My computer", "Box"])
def test_files_dropped_anywhere_on_the_dialog_are_chosen(
    linked: Actor, surfer: Surfer, tmp_path: Path, source: str
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Dropped on the dialog"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name=source, exact=True).click()
    panel = dialog.locator("#picker-panel")
    expect(panel).to_have_attribute("data-source", source.rsplit(maxsplit=1)[-1].lower())
    for place in (dialog.get_by_role("heading", level=2), panel, dialog.locator("#picker-tray")):
        name = f"{place.first.evaluate('e => e.id')}.txt"
        drag = Drag(tab, written(tmp_path, name)).over(place.first)
        expect(dialog).to_have_attribute("data-over", re.compile("Drop"))
        drag.drop(place.first)
        expect_chosen(dialog, name)


def test_of_a_dropped_folder_the_files_come_with_their_ways_in_their_names(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A folder"))
    folder = tmp_path / "Level 1"
    long = "/".join(f"a rather long name of a folder {number}" for number in range(7))
    for name in ("plan.pdf", "Rev B/plan.pdf", ".DS_Store", ".git/HEAD", "Thumbs.db"):
        written(folder, name)
    written(folder, f"{long}/deep.txt")
    (folder / "empty").mkdir()
    Drag(tab, folder, written(tmp_path, "beside.txt")).drop(tab.get_by_role("heading", level=1))
    dialog = tab.get_by_role("dialog")
    expect_chosen(dialog, "Level 1_plan.pdf", "Level 1_Rev B_plan.pdf", "beside.txt")
    expect_chosen(dialog, "folder 6_deep.txt")
    expect(dialog.locator("#picker-tray li")).to_have_count(4)


def test_of_too_many_files_as_many_are_taken_as_may_be_attached(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Too many"))
    for number in range(7):
        written(tmp_path, f"folder/{number}.txt")
    dialog = open_dialog(tab)
    expect(dialog).to_have_attribute("data-max", "100")
    dialog.evaluate("dialog => { dialog.dataset.max = '5'; }")
    Drag(tab, tmp_path / "folder").drop(dialog)
    expect(dialog.locator("#picker-tray li")).to_have_count(5)
    expect(dialog.locator("[data-says]")).to_have_text(
        "At most 5 files at a time. The others were left out. Everything has been sent."
    )


def test_what_is_dragged_and_is_no_file_is_left_alone(alice_here: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Words"))
    place = tab.get_by_role("heading", level=1)
    drag = Drag(tab, words="only words").over(place)
    expect(tab.locator("[data-over]")).to_have_count(0)
    drag.drop(place)
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_where_nothing_may_be_attached_a_dropped_file_does_nothing(
    alice_here: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    record = alice_here.new_rfi("A list")
    record_list = record.rpartition("/")[0]
    tab.goto(record_list)
    place = tab.get_by_role("heading", level=1)
    drag = Drag(tab, written(tmp_path, "one.txt")).over(place)
    expect(tab.locator("[data-over]")).to_have_count(0)
    drag.drop(place)
    expect(tab.get_by_role("heading", level=1)).to_have_text("RFIs")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    assert urlsplit(tab.url).path == record_list


# ---- pasted, photographed


def copy_picture(surfer: Surfer) -> None:
    """Have a picture in the clipboard, as after a screenshot."""
    surfer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    surfer.tab.evaluate(
        """async () => {
          const canvas = document.createElement("canvas");
          const picture = await new Promise((take) => canvas.toBlob(take, "image/png"));
          await navigator.clipboard.write([new ClipboardItem({ "image/png": picture })]);
        }"""
    )


PASTED = re.compile(r"^Pasted 20\d\d-\d\d-\d\d at \d\d\.\d\d\.png$")


def test_a_picture_pasted_on_a_record_or_in_the_dialog_is_chosen_under_a_name_of_its_own(
    alice_here: Actor, surfer: Surfer
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Pasted"))
    copy_picture(surfer)
    tab.keyboard.press("Control+V")
    dialog = tab.get_by_role("dialog")
    names = dialog.locator("#picker-tray li b")
    expect(names).to_have_text([PASTED])
    dialog.get_by_role("button", name="Clear").focus()
    tab.keyboard.press("Control+V")
    expect(names).to_have_text([PASTED, PASTED])
    dialog.get_by_role("button", name="Attach 2 files").click()
    expect(files(tab)).to_have_count(2)


def test_what_is_pasted_into_a_field_stays_there(alice_here: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Pasted into a field"))
    copy_picture(surfer)
    response = tab.get_by_label("Your response")
    response.press("Control+V")
    tab.evaluate("() => navigator.clipboard.writeText('words')")
    response.press("Control+V")
    expect(response).to_have_value("words")
    expect(tab.get_by_role("dialog")).to_have_count(0)
    tab.get_by_role("heading", level=1).click()
    tab.keyboard.press("Control+V")
    expect(tab.get_by_role("dialog")).to_have_count(0)


def test_on_a_phone_a_photo_is_taken(
    alice_here: Actor, surfers: Callable[..., Surfer], tmp_path: Path
) -> None:
    surfer = surfers(**PHONE)
    surfer.take_cookies(alice_here.person.http)
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A photo"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer").click()
    button = dialog.get_by_text("Take a photo")
    expect(button).to_be_visible()
    box = button.bounding_box()
    assert box is not None
    assert box["height"] >= 44
    camera = dialog.get_by_label("Take a photo")
    expect(camera).to_have_attribute("accept", "image/*")
    expect(camera).to_have_attribute("capture", "environment")
    camera.set_input_files(written(tmp_path, "image.jpg", b"\xff\xd8 a photo"))
    expect(dialog.locator("#picker-tray li b")).to_have_text(
        [re.compile(r"^Photo 20\d\d-\d\d-\d\d at \d\d\.\d\d\.jpg$")]
    )
    assert tab.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_on_a_desk_there_is_no_button_for_a_camera(alice_here: Actor, surfer: Surfer) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("No photo"))
    dialog = open_dialog(tab)
    dialog.get_by_role("link", name="My computer").click()
    expect(dialog.get_by_text("Choose files")).to_be_visible()
    expect(dialog.get_by_text("Take a photo")).to_be_hidden()


def test_from_box_dropped_and_pasted_in_one_go(
    linked: Actor, surfer: Surfer, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(linked.new_rfi("Three ways"))
    dialog = open_dialog(tab)
    tick(dialog, README)
    Drag(tab, written(tmp_path, "dropped.txt")).drop(dialog.get_by_role("heading", level=2).first)
    expect_chosen(dialog, "dropped.txt")
    copy_picture(surfer)
    tab.keyboard.press("Control+V")
    expect_chosen(dialog, "Pasted")
    dialog.get_by_role("button", name="Attach 3 files").click()
    expect(dialog).to_have_count(0)
    expect(files(tab)).to_have_count(3)
    for name in (name_of(README), "dropped.txt", "Pasted"):
        expect(files(tab).locator(".name").filter(has_text=name)).to_be_visible()
    expect(files(tab).get_by_text("verified")).to_be_visible()


# ---- large, over a bad connection


@dataclass
class Line:
    """The connection to the server, which stops at the part that begins here until let go."""

    tab: Page
    stops_at: int | None = None
    held: list[Route] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tab.on("request", self._note)
        self.tab.route(PARTS, self._handle)

    def hang_up(self) -> None:
        """Let go of what nobody waits for any more."""
        for route in self.held:
            route.abort()

    def _note(self, request: Request) -> None:
        if PARTS.search(request.url):
            offset = request.headers.get("upload-offset", "")
            self.asked.append(f"{request.method} {offset}".strip())

    def _handle(self, route: Route) -> None:
        if route.request.headers.get("upload-offset") == str(self.stops_at):
            self.stops_at = None
            self.held.append(route)
        else:
            route.continue_()


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("large"), "model.ifc", LARGE)


def choose(dialog: Locator, *paths: Path) -> None:
    dialog.get_by_role("link", name="My computer").click()
    dialog.locator("#picker-file").set_input_files(paths)


def line_of(dialog: Locator, name: str) -> Locator:
    return dialog.locator(".uploads li").filter(has_text=name)


def expect_half(dialog: Locator, line: Line) -> Locator:
    """Wait until the first part has arrived and the second one is held; return its line."""
    wait_for(line.tab, lambda: bool(line.held))
    shown = line_of(dialog, "model.ifc")
    expect(shown.locator(".meta")).to_have_text(re.compile(r"^\d+(\.\d)? MB of 8\.6 MB$"))
    return shown


def wait_for(tab: Page, is_so: Callable[[], bool]) -> None:
    """Wait for something that the test's own handlers note."""
    for _ in range(LARGE_WAIT_MS // 50):
        if is_so():
            return
        tab.wait_for_timeout(50)
    raise AssertionError("it did not happen")


def expect_attached_whole(tab: Page) -> None:
    dialog = tab.get_by_role("dialog")
    item = dialog.locator("#picker-tray li").filter(has_text="model.ifc")
    expect(item).to_have_count(1, timeout=LARGE_WAIT_MS)
    expect(dialog.locator(".uploads li")).to_have_count(0)
    dialog.get_by_role("button", name="Attach 1 file").click()
    with tab.expect_download() as started:
        files(tab).get_by_role("link", name="model.ifc", exact=True).click()
    content = started.value.path().read_bytes()
    assert hashlib.sha1(content).digest() == hashlib.sha1(LARGE).digest()


def test_a_large_file_goes_in_parts_and_a_small_one_in_one_form(
    alice_here: Actor, surfer: Surfer, model: Path, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A large file"))
    line = Line(tab)
    loaded: list[str] = []
    tab.on("request", lambda request: loaded.append(urlsplit(request.url).path))
    dialog = open_dialog(tab)
    assert not any(path.endswith(("/upload.js", "/parts.js")) for path in loaded)
    choose(dialog, written(tmp_path, "small.txt"))
    expect_chosen(dialog, "small.txt")
    assert line.asked == []
    assert not any(path.endswith("/parts.js") for path in loaded)
    # The line of what was sent goes when the tray has come; before that the tray is redrawn.
    expect(dialog.locator("[data-uploads] li")).to_have_count(0)
    dialog.get_by_role("button", name="Remove small.txt").dispatch_event("click")
    expect(dialog.locator("#picker-tray li")).to_have_count(0)
    choose(dialog, model)
    expect_attached_whole(tab)
    assert line.asked == ["POST", "PATCH 0", f"PATCH {PART_BYTES}", f"PATCH {2 * PART_BYTES}"]


def test_an_upload_whose_connection_is_cut_goes_on_by_itself_where_it_was(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A cut connection"))
    line = Line(tab, stops_at=PART_BYTES)
    surfer.watch.expects(*BROKEN)
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    surfer.context.set_offline(True)
    line.held[0].abort("internetdisconnected")
    failed = line_of(dialog, "model.ifc")
    expect(failed.get_by_role("alert")).to_have_text(
        "No connection. It goes on by itself when you are back."
    )
    surfer.context.set_offline(False)
    expect_attached_whole(tab)
    # Nothing that had arrived was sent again.
    assert line.asked.count("POST") == 1
    assert line.asked.count("PATCH 0") == 1
    assert "HEAD" in line.asked


def test_one_try_that_fails_is_repeated_without_a_word(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("A hiccup"))
    line = Line(tab, stops_at=PART_BYTES)
    surfer.watch.expects(*BROKEN, "503")
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    line.stops_at = PART_BYTES
    line.held[0].abort()
    wait_for(tab, lambda: len(line.held) == 2)
    expect(dialog.locator(".uploads li.failed")).to_have_count(0)
    line.held[1].fulfill(status=503)
    expect_attached_whole(tab)
    assert line.asked.count("PATCH 0") == 1


def test_a_server_that_takes_nothing_is_not_asked_for_ever(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    surfer.watch.expects(*BROKEN, "503")
    tab.clock.install()
    tab.goto(alice_here.new_rfi("Takes nothing"))
    asked: list[str] = []
    is_away = [True]

    def answer(route: Route) -> None:
        if route.request.method == "PATCH":
            asked.append(route.request.method)
            if is_away[0]:
                return route.fulfill(status=503)
        return route.continue_()

    tab.route("**/computer/parts/**", answer)
    dialog = open_dialog(tab)
    choose(dialog, model)
    again = line_of(dialog, "model.ifc").get_by_role("button", name="Try again")
    for _ in range(40):
        if again.count():
            break
        tab.clock.run_for(21_000)
        tab.wait_for_timeout(100)
    expect(again).to_be_visible()
    assert len(asked) == 6
    is_away[0] = False
    again.click()
    expect_attached_whole(tab)


def test_a_large_file_is_paused_and_resumed(
    alice_here: Actor, surfer: Surfer, model: Path, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Paused"))
    line = Line(tab, stops_at=PART_BYTES)
    surfer.watch.expects(*BROKEN)
    dialog = open_dialog(tab)
    choose(dialog, model, written(tmp_path, "small.txt"))
    expect_half(dialog, line)
    large = line_of(dialog, "model.ifc")
    large.get_by_role("button", name="Pause").click()
    expect(large).to_contain_text("Paused")
    expect(large.get_by_role("button", name="Resume")).to_be_focused()
    line.hang_up()
    # What comes behind it does not wait for it.
    expect_chosen(dialog, "small.txt")
    dialog.get_by_role("button", name="Remove small.txt").click()
    expect(dialog.locator("#picker-tray li")).to_have_count(0)
    large.get_by_role("button", name="Resume").press("Enter")
    expect_attached_whole(tab)
    assert line.asked.count("PATCH 0") == 1


def test_a_large_file_that_is_cancelled_leaves_nothing(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Cancelled"))
    line = Line(tab, stops_at=PART_BYTES)
    surfer.watch.expects(*BROKEN)
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    with tab.expect_response(lambda answer: answer.request.method == "DELETE") as answered:
        line_of(dialog, "model.ifc").get_by_role("button", name="Cancel").click()
    assert answered.value.status == 204
    line.hang_up()
    expect(dialog.locator(".uploads li")).to_have_count(0)
    expect(dialog.locator("#picker-tray li")).to_have_count(0)
    assert tab.evaluate("() => Object.keys(localStorage).filter((k) => /upload/.test(k))") == []


def test_after_a_reload_the_same_file_goes_on_where_it_was(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Reloaded"))
    line = Line(tab, stops_at=PART_BYTES)
    surfer.watch.expects(*BROKEN)
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    tab.reload()
    line.hang_up()
    dialog.get_by_role("link", name="My computer").click()
    left = dialog.get_by_text("Not finished: model.ifc")
    expect(left).to_be_visible()
    choose(dialog, model)
    expect(left).to_have_count(0)
    expect_attached_whole(tab)
    assert line.asked.count("POST") == 1
    assert line.asked.count("PATCH 0") == 1


def test_a_dialog_that_is_closed_and_opened_again_shows_what_is_under_way(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Closed meanwhile"))
    line = Line(tab, stops_at=PART_BYTES)
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    dialog.get_by_role("link", name="Close").click()
    expect(dialog).to_have_count(0)
    open_dialog(tab)
    expect(line_of(dialog, "model.ifc").get_by_role("button", name="Pause")).to_be_visible()
    line.held[0].continue_()
    expect_attached_whole(tab)


def test_a_dialog_that_is_closed_while_a_file_is_sent_says_so_on_the_page(
    alice_here: Actor, surfer: Surfer, model: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Closed while sending"))
    line = Line(tab, stops_at=PART_BYTES)
    dialog = open_dialog(tab)
    choose(dialog, model)
    expect_half(dialog, line)
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    said = tab.locator("#main > .note[role=status]")
    expect(said).to_contain_text("Stay on this page until then.")
    # Leaving would lose the file, and the browser asks.
    asked: list[str] = []

    def stay(found: Dialog) -> None:
        asked.append(found.type)
        found.dismiss()

    tab.once("dialog", stay)
    tab.evaluate("() => setTimeout(() => window.location.assign('/'))")
    wait_for(tab, lambda: bool(asked))
    assert asked == ["beforeunload"]
    line.held[0].continue_()


def test_attach_waits_for_what_is_still_being_sent(
    alice_here: Actor, surfer: Surfer, model: Path, tmp_path: Path
) -> None:
    tab = surfer.tab
    tab.goto(alice_here.new_rfi("Attach too early"))
    line = Line(tab, stops_at=PART_BYTES)
    dialog = open_dialog(tab)
    choose(dialog, written(tmp_path, "small.txt"), model)
    expect_chosen(dialog, "small.txt")
    expect_half(dialog, line)
    dialog.get_by_role("button", name="Attach 1 file").click()
    expect(dialog.locator("[data-says]")).to_have_text(
        "Attaches as soon as everything has been sent."
    )
    expect(files(tab)).to_have_count(0)
    tab.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(tab.locator("#main > .note[role=status]")).to_contain_text("Files being sent: 1.")
    line.held[0].continue_()
    expect(files(tab)).to_have_count(2, timeout=LARGE_WAIT_MS)
    expect(tab.locator("#main > .note[role=status]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", list(SIZES))
def test_files_on_their_way_are_accessible(
    alice_here: Actor,
    surfers: Callable[..., Surfer],
    model: Path,
    tmp_path: Path,
    size: str,
    scheme: str,
) -> None:
    surfer = surfers(**SIZES[size], color_scheme=scheme, reduced_motion="reduce")
    record = alice_here.new_rfi("Sending looked at")
    surfer.watch.expects(r"status of 422", r"^answered 422")
    with inspecting(surfer, alice_here.person) as inspection:
        tab = surfer.tab
        tab.goto(record)
        line = Line(tab, stops_at=PART_BYTES)
        dialog = open_dialog(tab)
        choose(dialog, written(tmp_path, "setup.exe"), model)
        expect(line_of(dialog, "setup.exe").get_by_role("alert")).to_be_visible()
        expect_half(dialog, line)
        inspection.look("a file that is refused and one under way")
        buttons = dialog.locator(".uploads button")
        heights = buttons.evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect().height)"
        )
        assert len(heights) == 4
        assert size == "desktop" or min(heights) >= 44
        line_of(dialog, "model.ifc").get_by_role("button", name="Cancel").click()
        expect(line_of(dialog, "model.ifc")).to_have_count(0)
        line.hang_up()


# ---- at a real socket


def test_the_half_of_a_part_that_came_before_the_line_broke_is_kept(alice_here: Actor) -> None:
    record = alice_here.new_rfi("A real socket")
    person = alice_here.person
    form = person.form(f"{record}/attach/?source=computer", "/computer")
    headers = {"Tus-Resumable": "1.0.0", "X-CSRFToken": form.values["csrf_token"][0]}
    url = alice_here.plumbline.url
    begun = person.http.post(
        f"{url}{record}/attach/computer/parts",
        headers={
            **headers,
            "Upload-Length": str(len(LARGE)),
            "Upload-Metadata": "filename eC5pZmM=",
        },
        timeout=30,
    )
    assert begun.status_code == 201
    path = begun.headers["Location"]
    cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in person.http.cookies)
    lines = {
        **headers,
        "Host": urlsplit(url).netloc,
        "Cookie": cookies,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": str(PART_BYTES),
        "Upload-Offset": "0",
    }
    head = (
        f"PATCH {path} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n"
    )
    with socket.create_connection(("127.0.0.1", alice_here.plumbline.port), timeout=30) as line:
        line.sendall(head.encode() + LARGE[:3_000_000])

    def offset() -> int:
        answer = person.http.head(url + path, headers=headers, timeout=30)
        assert answer.status_code == 200
        return int(answer.headers["Upload-Offset"])

    alice_here.plumbline.wait_until(lambda: offset() == 3_000_000, "what came is kept")
    rest = person.http.patch(
        url + path,
        data=LARGE[3_000_000:],
        headers={
            **headers,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": "3000000",
        },
        timeout=60,
    )
    assert rest.status_code == 204
    assert "x.ifc" in person.get(f"{record}/attach/tray").text
