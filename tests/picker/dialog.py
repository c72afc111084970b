"""The Attach File(s) dialog as a reader sees it: its rows, its trail, and what Box was asked."""

import base64
import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote
from xml.etree.ElementTree import Element

from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.pages import XHTML, Page, Visitor
from tests.support.world import World

ODDS = "/99 Odds and Ends"
EMPTY = f"{ODDS}/Empty folder"
PROJECT = "/Quillmark Projects/2317 Larkspur MOB"
RFIS = f"{PROJECT}/05 RFIs"
SAFETY = f"{PROJECT}/10 Safety"
PHOTOS = f"{PROJECT}/12 Photos/Progress 2025 (all)"
PREVIEWED = "/Received from Studio Fennimore"
RECEIVED = "/Received from Brindlewick"
TRENCH = f"{RECEIVED}/Joint trench exhibit.pdf"
AS_BUILTS = f"{RECEIVED}/Utility as-builts 1998.tif"


@dataclass(frozen=True)
class Line:
    """One row of the list; `token` is a file's, `whole` a folder's."""

    name: str
    label: str
    when: str
    size: str
    href: str
    token: str
    whole: str
    id: str
    is_chosen: bool
    tag: str
    note: str
    why: str
    classified: str

    @property
    def sealed(self) -> list[Any]:
        """What the row's token holds: file, version, name, size, digest, number and owner."""
        text = self.token.partition(".")[0]
        found: list[Any] = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
        return found


def picker(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}/attach/"


def punch_picker(world: World) -> str:
    """Return a dialog that Bob may open as well as Alice."""
    return f"/projects/{world.tower}/punch-list/{world.punch}/attach/"


def id_of(sandbox: SandboxProcess, path: str, *, login: str = DEVON) -> str:
    return str(sandbox.world(path, login=login)["id"])


def address_of(sandbox: SandboxProcess, target: str, path: str) -> str:
    return f"{target}box/folders/{id_of(sandbox, path)}"


def lines(page: Page) -> list[Line]:
    """Return the rows of a listing in their order."""
    return [_line(tr) for tr in page.all("tr") if _is_line(tr)]


def line(page: Page, name: str) -> Line:
    found = [found for found in lines(page) if found.name == name]
    assert len(found) == 1, f"{len(found)} rows are called {name!r}"
    return found[0]


def _is_line(tr: Element) -> bool:
    return "load" not in (tr.get("class") or "") and tr.find(f".//{XHTML}td") is not None


def _line(tr: Element) -> Line:
    cells = list(tr.iter(f"{XHTML}td"))
    link = next(cells[0].iter(f"{XHTML}a"), None)
    box = next(cells[0].iter(f"{XHTML}input"), None)
    spans = {span.get("class"): _words(span) for span in cells[0].iter(f"{XHTML}span")}
    return Line(
        name=_words(link) if link is not None else _name_of(cells[0]),
        label=_label_of(cells[0]),
        when=_words(cells[1]),
        size=_words(cells[2]),
        href=link.get("href", "") if link is not None else "",
        token=box.get("value", "") if box is not None and box.get("name") == "choice" else "",
        whole=box.get("value", "") if box is not None and box.get("name") == "folder" else "",
        id=box.get("data-id", "") if box is not None else "",
        is_chosen=box is not None and box.get("checked") is not None,
        tag=spans.get("tag", ""),
        note=spans.get("meta", ""),
        why=spans.get("meta why", ""),
        classified=spans.get("tag classified", ""),
    )


def _name_of(cell: Element) -> str:
    bold = next(cell.iter(f"{XHTML}b"), None)
    if bold is not None:
        return bold.text or ""
    plain = next(span for span in cell.iter(f"{XHTML}span") if span.get("class") is None)
    return (plain.text or "").strip()


def _label_of(cell: Element) -> str:
    return next(_words(s) for s in cell.iter(f"{XHTML}span") if "ext" in (s.get("class") or ""))


def _words(element: Element) -> str:
    return " ".join("".join(element.itertext()).split())


def more(page: Page) -> str:
    """Return the address of the rows that follow, "" on the last page."""
    return page.links().get("Show more", "")


def trail(page: Page) -> str:
    """Return the sealed trail that the page sends along with each click."""
    return next(page.all("input", id="picker-trail")).get("value", "")


def crumbs(page: Page) -> str:
    nav = next(page.all("nav", aria_label="Folder"))
    return " / ".join(
        _words(e) for e in nav.iter() if e.tag in {f"{XHTML}a", f"{XHTML}b"} and _words(e)
    )


def click(visitor: Visitor, page: Page, href: str, *, expect: int | None = 200) -> Page:
    """Follow a link of the list as the script does: the trail goes along."""
    path, _, query = href.partition("?")
    given = f"{query}&" if query else ""
    return visitor.get(f"{path}?{given}in={quote(trail(page))}", htmx=True, expect=expect)


def marks(page: Page) -> dict[str, list[str]]:
    """Return what the tray says of each file in it, by name, but for its size and folder."""
    tray = next(page.all("section", id="picker-tray"))
    return {
        _words(next(li.iter(f"{XHTML}b"))): [
            _words(span)
            for span in li.iter(f"{XHTML}span")
            if span.get("class") in {"meta mark", "meta why"}
        ]
        for li in tray.iter(f"{XHTML}li")
    }


def chosen(page: Page) -> list[str]:
    """Return the names in the tray."""
    tray = next(page.all("section", id="picker-tray"))
    names = [next(li.iter(f"{XHTML}b"), None) for li in tray.iter(f"{XHTML}li")]
    return [_words(name) for name in names if name is not None]


def tick(
    visitor: Visitor,
    target: str,
    *tokens: str,
    remove: str = "",
    folder: str = "",
    close: str = "",
    within: str = "",
    expect: int = 200,
) -> Page:
    """Report ticks as the script does, `within` a sealed trail; return the tray that comes back."""
    once = {"remove": remove, "folder": folder, "close": close}
    data = {"choice": list(tokens), "in": within, **{k: v for k, v in once.items() if v}}
    return visitor.post(f"{target}box/choose", data, htmx=True, expect=expect)


def upload(visitor: Visitor, target: str, name: str, *, expect: int = 200) -> Page:
    """Choose a file of the computer without a script, and return the dialog with it."""
    return visitor.post(
        f"{target}computer",
        {"file": (BytesIO(b"some notes"), name)},
        content_type="multipart/form-data",
        expect=expect,
    )


def asked(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    """Return every call to Box's content API since the calls were last forgotten."""
    return [call for call in sandbox.calls()["log"] if call["path"].startswith("/2.0/")]


def fail_items(sandbox: SandboxProcess, times: int | None = 1, **action: Any) -> None:
    """Let the next listings go wrong in this way."""
    sandbox.faults({"match": {"path": "/items$"}, "times": times, "action": action})
