"""`make gallery`: photographs the demo, every page that people see, at desktop and phone width.

    python -m scripts.gallery [FOLDER] [NAME ...]

Starts the whole demo on ports and data of its own, walks through it in Chromium as the demo's
people do, and writes one JPEG per page and width into FOLDER (docs/gallery by default) with a
README that shows them. With names, only those shots are made. DARK=1 adds the dark ones.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, FilePayload, Page, sync_playwright

from scripts import capture

ROOT = Path(__file__).resolve().parent.parent
CHROMIUM = "/usr/bin/chromium"
START_SECONDS = 120
SETTLE_MS = 20_000
QUALITY = 55
WIDTHS = {"desktop": (1280, 860), "phone": (390, 844)}
LMOB = "/projects/1"
FILM = "attaching"


@dataclass(frozen=True)
class Shot:
    """One photograph: who looks at which address, and what they do before it is taken.

    `opens` are the first words of a record in the list that stands at the address.
    """

    name: str
    title: str
    who: str
    path: str
    opens: str = ""
    act: Callable[[Page], None] = lambda page: None
    whole: bool = True


@dataclass
class Studio:
    """Chromium with everybody signed in once per width and colour scheme."""

    browser: Browser
    url: str
    folder: Path
    known: dict[tuple[str, str, str], BrowserContext] = field(default_factory=dict)
    signed_in: dict[str, list[Any]] = field(default_factory=dict)

    def take(self, shot: Shot, width: str, scheme: str) -> Path:
        page = self._opened(shot, width, scheme)
        shot.act(page)
        page.wait_for_load_state("networkidle") if not page.locator("progress").count() else None
        suffix = "" if scheme == "light" else f"-{scheme}"
        file = self.folder / f"{shot.name}-{width}{suffix}.jpg"
        page.screenshot(path=file, full_page=shot.whole, type="jpeg", quality=QUALITY)
        page.close()
        return file

    def _opened(self, shot: Shot, width: str, scheme: str) -> Page:
        page = self._context(shot.who, width, scheme).new_page()
        page.set_default_timeout(SETTLE_MS)
        page.goto(self.url + shot.path)
        if shot.opens:
            found = page.locator("main a").filter(has_text=shot.opens).first
            page.goto(self.url + (found.get_attribute("href") or ""))
        return page

    def film(self, shot: Shot, width: str) -> Path:
        """Film attaching files to the record of a shot."""
        page = self._opened(shot, width, "light")
        file = self.folder / f"{FILM}-{width}.webp"
        capture.film_attaching(page, file)
        page.close()
        return file

    def _context(self, who: str, width: str, scheme: str) -> BrowserContext:
        key = (who, width, scheme)
        if key not in self.known:
            size = {"width": WIDTHS[width][0], "height": WIDTHS[width][1]}
            is_phone = width == "phone"
            context = self.browser.new_context(
                viewport=size,  # type: ignore[arg-type]  # a plain dict is what playwright takes
                color_scheme=scheme,  # type: ignore[arg-type]
                device_scale_factor=2 if is_phone else 1,
                has_touch=is_phone,
                is_mobile=is_phone,
            )
            if who:
                context.add_cookies(self._cookies(who))
            self.known[key] = context
        return self.known[key]

    def _cookies(self, who: str) -> list[Any]:
        """Return the cookies of somebody signed in; everybody signs in once."""
        if who not in self.signed_in:
            context = self.browser.new_context()
            self._sign_in(context, who)
            self.signed_in[who] = context.cookies()
            context.close()
        return self.signed_in[who]

    def _sign_in(self, context: BrowserContext, who: str) -> None:
        page = context.new_page()
        page.goto(f"{self.url}/sign-in")
        page.get_by_label("E-mail").fill(who)
        page.get_by_label("Password").fill("plumbline")
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(lambda address: not address.endswith("/sign-in"))
        page.close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def demo(folder: str) -> Iterator[str]:
    """Run `make run` on ports of its own; gives the address, ends it all afterwards."""
    port = free_port()
    env = {
        **os.environ,
        "PORT": str(port),
        "SANDBOX_PORT": str(free_port()),
        "DATA_DIR": folder,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "scripts.run"], cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("Ctrl-C ends everything"):
                break
        url = f"http://127.0.0.1:{port}"
        _wait_for_copies(url)
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(30)


def _wait_for_copies(url: str) -> None:
    """Give the demo's own copies from Box time to arrive."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{url}/healthz", timeout=5):
            break
    time.sleep(8)


def open_box(page: Page) -> None:
    """Open the Attach File(s) dialog on Box's side."""
    attach = page.get_by_role("main").get_by_role("link", name="Attach File(s)")
    attach.filter(visible=True).first.click()
    page.get_by_role("dialog").wait_for()
    page.wait_for_timeout(600)


def browse(page: Page) -> None:
    """Open a folder of drawings and choose two."""
    open_box(page)
    dialog = page.get_by_role("dialog")
    for name in ("Quillmark Projects", "2317 Larkspur MOB", "03 Drawings"):
        dialog.get_by_role("link", name=name, exact=True).click()
        dialog.locator(".path [aria-current]").get_by_text(name).wait_for()
    for name in ("01 IFC Set 2025-02-14", "A Architectural"):
        dialog.get_by_role("link", name=name, exact=True).click()
        dialog.locator(".path [aria-current]").get_by_text(name).wait_for()
    for name in ("A-101 First Floor Plan.pdf", "A-103 Roof Plan.pdf"):
        row = dialog.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
        row.get_by_role("checkbox").check()
        dialog.locator("#picker-tray li").filter(has_text=name).wait_for(state="attached")


def edit(page: Page) -> None:
    page.goto(page.url + "/edit")


def odds(page: Page) -> None:
    open_box(page)
    page.get_by_role("dialog").get_by_role("link", name="99 Odds and Ends", exact=True).click()
    page.wait_for_timeout(600)


def search(page: Page) -> None:
    open_box(page)
    field = page.get_by_role("dialog").get_by_role("searchbox")
    page.get_by_role("dialog").get_by_label("Where to search").select_option("all")
    field.fill("plan")
    field.press("Enter")
    page.wait_for_timeout(900)


def view(name: str) -> Callable[[Page], None]:
    """Return the act of going to one of the views of Box."""

    def act(page: Page) -> None:
        open_box(page)
        page.get_by_role("dialog").get_by_role("link", name=name, exact=True).click()
        page.locator(f'.views a[aria-current]:has-text("{name}")').wait_for()

    return act


def keys(page: Page) -> None:
    open_box(page)
    page.keyboard.press("?")


def nothing_found(page: Page) -> None:
    open_box(page)
    field = page.get_by_role("dialog").get_by_role("searchbox")
    field.fill("zzz")
    field.press("Enter")
    page.wait_for_timeout(900)


def documents(page: Page) -> None:
    """Give a document a further version, then choose the one before and a file beside it."""
    record, look_ahead = page.url, "Three-week look-ahead 2025-09-15.pdf"
    page.goto(page.url.partition("/rfis")[0] + "/documents")
    page.get_by_role("main").get_by_role("link", name="04 Schedule").click()
    open_box(page)
    dialog = page.get_by_role("dialog")
    content = (ROOT / "demo/files" / look_ahead).read_bytes()
    file = FilePayload(name=look_ahead, mimeType="application/pdf", buffer=content + b"%2\n")
    dialog.locator("#picker-file").set_input_files(file)
    dialog.get_by_role("button", name="Attach 1 file").click()
    dialog.wait_for(state="detached")
    page.goto(record)
    open_box(page)
    dialog.get_by_role("link", name="Documents", exact=True).click()
    dialog.get_by_role("link", name="04 Schedule", exact=True).click()
    dialog.get_by_role("combobox").select_option(index=1)
    for name in (look_ahead, "Baseline schedule 2025-02-01.pdf"):
        row = dialog.get_by_role("row").filter(has=page.get_by_text(name, exact=True))
        row.get_by_role("checkbox").check()
        dialog.locator("#picker-tray li").filter(has_text=name).wait_for(state="attached")


DEVON, ROSA, TEO = "devon@quillmark.example", "rosa@quillmark.example", "teo@quillmark.example"
MARA, BRYN, IMANI = "mara@quillmark.example", "bryn@brindlewick.example", "imani@vendor.example"

RFI = (f"{LMOB}/rfis", "Embed plate EP-3")
ITEM = (f"{LMOB}/punch-list", "Conduit not supported")
# The dialog begins where one attached last in a tool, so each film has a tool to itself.
FILMED = {"desktop": RFI, "phone": ITEM}

SHOTS = (
    Shot("sign-in", "Sign in", "", "/sign-in"),
    Shot("forgot-password", "A forgotten password", "", "/forgot-password"),
    Shot("projects", "Your projects", DEVON, "/"),
    Shot("home", "Project home", DEVON, LMOB),
    Shot("emails", "Emails", DEVON, f"{LMOB}/emails"),
    Shot("email", "A message", DEVON, f"{LMOB}/emails", opens="Crane pick plan"),
    Shot("outbox", "The outbox", DEVON, f"{LMOB}/emails/outbox"),
    Shot("bidding", "Bid packages", DEVON, f"{LMOB}/bidding"),
    Shot("bid", "A bid package", DEVON, f"{LMOB}/bidding", opens="Curtain Wall"),
    Shot(
        "prime-contract", "A prime contract", DEVON, f"{LMOB}/prime-contract", opens="Larkspur MOB"
    ),
    Shot("commitments", "Commitments", DEVON, f"{LMOB}/commitments"),
    Shot("commitment", "A commitment", DEVON, f"{LMOB}/commitments", opens="Concrete"),
    Shot("change-orders", "Change orders", DEVON, f"{LMOB}/change-orders"),
    Shot("change-order", "A change order", DEVON, f"{LMOB}/change-orders", opens="Unsuitable"),
    Shot("rfis", "The list of RFIs", DEVON, f"{LMOB}/rfis"),
    Shot("rfi", "An RFI", DEVON, *RFI),
    Shot("rfi-edit", "Editing an RFI", DEVON, *RFI, edit),
    Shot("submittals", "Submittals", DEVON, f"{LMOB}/submittals"),
    Shot("submittal", "A submittal", DEVON, f"{LMOB}/submittals", opens="Structural steel shop"),
    Shot("meetings", "Meetings", DEVON, f"{LMOB}/meetings"),
    Shot("meeting", "A meeting", DEVON, f"{LMOB}/meetings", opens="Owner Architect"),
    Shot("daily-log", "The daily log", DEVON, f"{LMOB}/daily-log"),
    Shot("drawings", "Drawings", DEVON, f"{LMOB}/drawings"),
    Shot("drawing", "A drawing", DEVON, f"{LMOB}/drawings", opens="Second Floor Plan"),
    Shot("directory", "The directory", DEVON, f"{LMOB}/directory"),
    Shot("directory-company", "A company", DEVON, f"{LMOB}/directory", opens="Northfold"),
    Shot("people", "People and their levels", DEVON, f"{LMOB}/directory/people"),
    Shot("punch", "The punch list", DEVON, f"{LMOB}/punch-list"),
    Shot("punch-item", "A punch item", DEVON, *ITEM),
    Shot("documents", "Documents", DEVON, f"{LMOB}/documents"),
    Shot("documents-folder", "A folder", DEVON, f"{LMOB}/documents", opens="03 Safety"),
    Shot("files", "All files of a project", DEVON, f"{LMOB}/files"),
    Shot("picker", "Choosing from Box", DEVON, *RFI, browse, whole=False),
    Shot("picker-recents", "Recents", DEVON, *RFI, view("Recents"), whole=False),
    Shot("picker-favorites", "Favorites", DEVON, *RFI, view("Favorites"), whole=False),
    Shot("picker-shared", "Shared with me", DEVON, *RFI, view("Shared with me"), whole=False),
    Shot("picker-keys", "What the keyboard can do", DEVON, *RFI, keys, whole=False),
    Shot("picker-odds", "What cannot be chosen", DEVON, *RFI, odds, whole=False),
    Shot("picker-search", "Searching all of Box", DEVON, *RFI, search, whole=False),
    Shot("picker-nothing", "Nothing found", DEVON, *RFI, nothing_found, whole=False),
    Shot("picker-documents", "Choosing from Documents", DEVON, *RFI, documents, whole=False),
    Shot("picker-connect", "Not linked yet", ROSA, *RFI, open_box, whole=False),
    Shot("picker-reconnect", "The link has ended", TEO, *ITEM, open_box, whole=False),
    Shot("settings", "My Settings", DEVON, "/settings"),
    Shot("settings-box", "Box Integration, linked", DEVON, "/settings/box"),
    Shot("settings-box-ended", "Box Integration, ended", TEO, "/settings/box"),
    Shot("settings-box-new", "Box Integration, not linked", ROSA, "/settings/box"),
    Shot("settings-box-off", "Box Integration, not enabled", BRYN, "/settings/box"),
    Shot("settings-notifications", "What one is told", DEVON, "/settings/notifications"),
    Shot("settings-security", "Password and sign-ins", DEVON, "/settings/security"),
    Shot("disconnect", "Disconnecting", DEVON, "/settings/box/disconnect"),
    Shot("help", "Help with Box", DEVON, "/help/box"),
    Shot("company", "A company", MARA, "/companies/1"),
    Shot("company-details", "A company's details", MARA, "/companies/1/settings/details"),
    Shot("company-invite", "Inviting somebody to a company", MARA, "/companies/1/people/new"),
    Shot("project-new", "A new project", MARA, "/companies/1/projects/new"),
    Shot("company-box", "A company's Box", MARA, "/companies/1/settings/box"),
    Shot("company-box-ask", "Asking for Box", BRYN, "/companies/2/settings/box"),
    Shot("requests", "The Implementation Manager's desk", IMANI, "/box-requests"),
    Shot("company-new", "Beginning a company", IMANI, "/companies/new"),
    Shot("administrators", "A company's administrators", IMANI, "/companies/1/administrators"),
    Shot("notices", "Notices", TEO, "/notices"),
    Shot("not-found", "Nothing at this address", DEVON, "/projects/1/rfis/999"),
)


def main() -> None:
    arguments = sys.argv[1:]
    folder = ROOT / (arguments[0] if arguments else "docs/gallery")
    names = set(arguments[1:])
    folder.mkdir(parents=True, exist_ok=True)
    schemes = ("light", "dark") if os.environ.get("DARK") else ("light",)
    shots = [shot for shot in SHOTS if not names or shot.name in names]
    with (
        tempfile.TemporaryDirectory() as data,
        demo(data) as url,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        studio = Studio(browser, url, folder)
        for shot in shots:
            for width in WIDTHS:
                for scheme in schemes:
                    print(studio.take(shot, width, scheme).name, flush=True)
        if not names or FILM in names:
            for width in WIDTHS:
                print(studio.film(Shot(FILM, "", DEVON, *FILMED[width]), width).name, flush=True)
        browser.close()
    if not names:
        _write_index(folder)


def _write_index(folder: Path) -> None:
    lines = ["# What it looks like", "", "Made from the demo by `make gallery`.", ""]
    lines += ["## From Attach File(s) to verified copies", ""]
    lines += [f"![Attaching, {width}]({FILM}-{width}.webp)" for width in WIDTHS] + [""]
    for shot in SHOTS:
        lines += [f"## {shot.title}", ""]
        lines += [f"![{shot.title}, {width}]({shot.name}-{width}.jpg)" for width in WIDTHS]
        lines.append("")
    (folder / "README.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
