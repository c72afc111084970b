"""Complaints about finding and choosing files in other pickers, and why none fits here."""

from typing import Any
from urllib.parse import quote

import pytest
from flask import Flask
from sqlalchemy import select

from config import DEFAULT_FILE_MAX_BYTES
from tests.imports.conftest import PERMIT, Bench
from tests.picker.dialog import (
    EMPTY,
    PHOTOS,
    PREVIEWED,
    SAFETY,
    Line,
    address_of,
    asked,
    chosen,
    click,
    crumbs,
    fail_items,
    id_of,
    line,
    lines,
    more,
    tick,
    trail,
)
from tests.sandbox.process import SandboxProcess
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.accounts.models import Notice
from webapp.core.database import db

pytestmark = pytest.mark.wide

ROSA = {"type": "user", "id": "123", "name": "Rosa Imamura", "login": "rosa@boxmail.example"}
VIEWS = ("folders/0", "recents", "favorites", "shared")
WORDS = (
    "Curtain wall submittals returned with comments, second review by structural engineer of "
    "record after site visit and coordination with mechanical penetrations at level four"
).split()
# Everything an account asks for besides reading: its tokens, and their end.
OAUTH = {"/oauth2/token", "/oauth2/revoke"}


def search(here: str, words: str, **more_args: str) -> str:
    given = "".join(f"&{name}={value}" for name, value in more_args.items())
    return f"{here}box/search?q={quote(words)}{given}"


def entry(**facts: Any) -> dict[str, Any]:
    """Return a file as Box lists it, with some facts changed."""
    return {
        "type": "file",
        "id": "4711",
        "name": "plan.pdf",
        "size": 1000,
        "modified_at": "2031-03-09T07:05:00-07:00",
        "sha1": "a" * 40,
        "file_version": {"type": "file_version", "id": "815"},
        "version_number": "1",
        "permissions": {"can_download": True},
        **facts,
    }


def row_of(visitor: Visitor, sandbox: SandboxProcess, here: str, **facts: Any) -> Line:
    """Return the row that one entry of Box becomes."""
    fail_items(sandbox, status=200, json={"entries": [entry(**facts)], "next_marker": None})
    (only,) = lines(visitor.get(f"{here}box/folders/0"))
    return only


def disabled(page: Page) -> int:
    return sum(box.get("disabled") is not None for box in page.all("input", type="checkbox"))


# ---- 1


def test_01_choosing_a_file_changes_nothing_in_box(bench: Bench) -> None:
    """Ticking a file quietly made a shared link to it, or opened it to everybody."""
    box, person, target = bench.sandbox, bench.person, bench.target
    before = box.world(PERMIT)
    file_id = before["id"]
    box.forget_calls()
    for view in VIEWS:
        person.get(f"{target}box/{view}")
    person.get(search(target, "permit", scope="all"))
    person.get(search(target, f"https://app.box.com/file/{file_id}"))
    person.get(f"{target}box/files/{file_id}/thumbnail", expect=None)
    person.get(f"{target}box/files/{file_id}/picture", expect=None)
    bench.attach(PERMIT)
    bench.work()
    (attached,) = bench.attachments()
    assert attached.box_file_id == file_id
    bench.page()
    person.submit(person.get("/settings/box/disconnect"), "/disconnect")
    calls = box.calls()
    writes = {c["path"] for c in calls["log"] if c["method"] not in {"GET", "HEAD"}}
    assert len(calls["log"]) > 8
    assert writes <= OAUTH
    assert box.world(PERMIT) == before
    assert "shared_link" not in before


# ---- 2


def test_02_a_folder_of_thousands_opens_with_one_call_of_a_hundred(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """A large folder took half a minute, because all of it was fetched before any of it showed."""
    root = linked.get(f"{here}box/folders/0", htmx=True)
    address = address_of(sandbox, here, PHOTOS)
    sandbox.forget_calls()
    page = click(linked, root, address)
    listings = [call for call in asked(sandbox) if call["path"].endswith("/items")]
    assert len(listings) == 1
    assert "limit=100" in listings[0]["query"]
    assert len(lines(page)) == 100
    assert sandbox.world(PHOTOS)["count"] == 5000
    button = next(a for a in page.all("a") if a.get("href") == more(page))
    assert "".join(button.itertext()).strip() == "Show more"
    assert {"click", "intersect"} <= set(button.get("hx-trigger", "").replace(",", " ").split())
    sandbox.forget_calls()
    following = click(linked, page, more(page))
    assert [row.name for row in lines(following)][:1] == ["IMG_00101.JPG"]
    assert len(asked(sandbox)) == 1


# ---- 3


def test_03_no_file_is_silently_missing_behind_a_short_or_empty_page(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Lists ended at a hundred rows, or at the first empty page, and said nothing."""
    names = [f"part {number:03d}.txt" for number in range(180)]
    files = [{"op": "add_file", "path": f"{EMPTY}/{name}", "size": 10} for name in names]
    sandbox.control("POST", "files", {"ops": files})
    sandbox.change("short_pages", EMPTY)
    page = linked.get(address_of(sandbox, here, EMPTY))
    found, lengths = [row.name for row in lines(page)], [len(lines(page))]
    while more(page):
        assert f"Showing {lengths[-1]}, more available" in page.text
        page = linked.get(more(page))
        found += [row.name for row in lines(page)]
        lengths.append(len(lines(page)))
    assert found == names
    assert 0 in lengths
    assert "more available" not in page.text


def test_03_no_hit_of_a_search_is_silently_missing(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Searches ended at the first fifty hits, and said nothing."""
    sandbox.settings(rate_limits=False)
    first = page = linked.get(search(here, "pdf", scope="all"))
    total = int(first.text.partition("of about ")[2].split()[0])
    found = [row.id or row.name for row in lines(first)]
    assert len(found) == 50 < total
    while more(page):
        page = linked.get(more(page), htmx=True)
        found += [row.id or row.name for row in lines(page)]
    assert len(set(found)) == len(found) == total


# ---- 5


def test_05_what_is_chosen_stays_chosen_wherever_one_goes(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """The selection was lost, or showed something else, after going to another folder."""
    safety = linked.get(address_of(sandbox, here, SAFETY))
    one = next(row for row in lines(safety) if row.token)
    tick(linked, here, one.token, within=trail(safety))
    hits = linked.get(search(here, "OAC 10", scope="all"))
    two = line(hits, "OAC 10 minutes.pdf")
    tick(linked, here, two.token, within=trail(hits))
    far = linked.get(more(linked.get(address_of(sandbox, here, PHOTOS))))
    three = line(far, "IMG_00150.JPG")
    tick(linked, here, three.token, within=trail(far))
    names = [one.name, two.name, three.name]
    for view in (*VIEWS, "search?q=nothing+is+called+so"):
        assert chosen(linked.get(f"{here}box/{view}")) == names
    again = linked.get(here)
    assert chosen(again) == names
    tray = next(again.all("section", id="picker-tray"))
    words = " ".join("".join(tray.itertext()).split())
    for path in ("10 Safety", "08 Meetings / OAC", "12 Photos / Progress 2025 (all)"):
        assert path in words
    removes = {button.get("aria-label") for button in tray.iter() if button.get("name") == "item"}
    assert {f"Remove {name}" for name in names} <= removes
    assert line(linked.get(address_of(sandbox, here, SAFETY)), one.name).is_chosen


# ---- 6


@pytest.mark.parametrize("view", VIEWS)
def test_06_search_asks_box_and_works_from_every_view(
    linked: Visitor, sandbox: SandboxProcess, here: str, view: str
) -> None:
    """Search looked only at the rows on the screen, or was greyed out in some views."""
    page = linked.get(f"{here}box/{view}")
    form = page.form("box/search")
    field = next(page.all("input", id="picker-q"))
    assert field.get("disabled") is None
    assert "OAC 10 minutes.pdf" not in [row.name for row in lines(page)]
    sandbox.forget_calls()
    values = {name: given[0] for name, given in form.values.items() if given}
    hits = linked.get(form.action, query_string={**values, "q": "OAC 10", "scope": "all"})
    assert [call["path"] for call in asked(sandbox) if "search" in call["path"]] == ["/2.0/search"]
    hit = line(hits, "OAC 10 minutes.pdf")
    assert hit.note == "Quillmark Projects / 2317 Larkspur MOB / 08 Meetings / OAC"


def test_06_search_is_told_where_to_look(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Search looked into one folder only, and nobody could widen it."""
    page = linked.get(address_of(sandbox, here, SAFETY))
    scopes = [option.get("value") for option in next(page.all("select", id="picker-scope"))]
    assert scopes == ["folder", "all"]
    folder = id_of(sandbox, SAFETY)
    narrow = linked.get(search(here, "OAC 10", scope="folder", folder=folder))
    assert lines(narrow) == []
    assert "Search in 10 Safety" in narrow.text
    wide = linked.get(search(here, "OAC 10", scope="all", folder=folder))
    assert "OAC 10 minutes.pdf" in [row.name for row in lines(wide)]


# ---- 7


def test_07_a_permission_that_does_not_cover_search_leaves_browsing_and_tells_who_can_repair_it(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    """With a narrow token search failed with a bare 403, and nobody who could help was told."""
    narrow = {"status": 403, "json": {"type": "error", "code": "insufficient_scope"}}
    sandbox.faults({"match": {"path": "/search$"}, "times": None, "action": narrow})
    for _ in range(2):
        page = linked.get(search(here, "crane", scope="all"), expect=424)
        assert "Plumbline's permission at Box does not cover this." in page.text
        assert "no longer in your Box" not in page.text
        assert "Reconnect" not in page.text
    assert lines(linked.get(address_of(sandbox, here, SAFETY)))
    imani = Visitor(app).sign_in(world.email("imani"))
    told = "Box refuses what Plumbline asks: its scopes at Box are too narrow."
    assert imani.get("/notices").text.count(told) == 1
    assert told not in linked.get("/notices").text
    with app.app_context():
        kinds = db.session.scalars(select(Notice.person_id).where(Notice.kind == "box_narrow"))
        assert set(kinds) == {world.people["imani"]}
        db.session.remove()


# ---- 8


def test_08_a_path_of_twelve_long_names_can_be_read_and_walked(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Long paths filled the dialog or were cut, so that nobody knew where they were."""
    names = [
        f"{step:02d} {' '.join(WORDS[step:] + WORDS[:step])}"[:120].strip() for step in range(12)
    ]
    path = EMPTY
    for name in names:
        path = f"{path}/{name}"
        sandbox.change("add_folder", path)
    page = linked.get(address_of(sandbox, here, path))
    assert crumbs(page).endswith(" / ".join(names))
    nav = next(page.all("nav", aria_label="Folder"))
    shown = [a for a in nav.iter() if a.tag.endswith("}a")]
    menu = next(e for e in nav.iter() if e.tag.endswith("details"))
    folded = [a for a in menu.iter() if a.tag.endswith("}a")]
    # Up, All files and the parent; all that is between is one menu with a name.
    assert len(shown) - len(folded) == 3
    assert next(menu.iter(f"{menu.tag.removesuffix('details')}summary")).get("aria-label")
    third = next(a for a in folded if "".join(a.itertext()).strip() == names[2])
    up = click(linked, page, third.get("href", ""))
    assert crumbs(up).endswith(" / ".join(names[:3]))
    for name in names[3:]:
        up = click(linked, up, line(up, name).href)
    assert crumbs(up) == crumbs(page)
    assert len(up.response.request.url) < 4000


# ---- 9


def test_09_what_others_shared_names_them_and_all_files_are_one_click_away(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Shared folders were nowhere to be found, or looked like one's own; the way back vanished."""
    root = linked.get(f"{here}box/")
    received = line(root, PREVIEWED.removeprefix("/"))
    owner = sandbox.world(PREVIEWED)["owner"].partition("@")[0].replace(".", " ").title()
    assert received.note == f"Owned by {owner}"
    assert line(root, "Quillmark Projects").note == ""
    shared = linked.get(root.links()["Shared with me"])
    assert line(shared, received.name).note == f"Owned by {owner}"
    inside = linked.get(received.href)
    for row in lines(inside):
        assert owner in f"{row.note} {row.why}", row.name
    for page in (shared, inside, linked.get(search(here, "crane", scope="all"))):
        back = linked.get(page.links()["All files"])
        assert crumbs(back) == "All files"
        assert line(back, received.name)


# ---- 10


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"name": "setup.exe"}, "Acme Builders does not accept .exe files"),
        ({"size": DEFAULT_FILE_MAX_BYTES + 1}, "Over the {max} limit for one file"),
        (
            {"permissions": {"can_download": False}, "owned_by": ROSA},
            "Preview only. Ask Rosa Imamura for download rights.",
        ),
        ({"type": "web_link", "url": "http://x.example"}, "A bookmark, there is no file to attach"),
    ],
    ids=["type", "size", "preview only", "bookmark"],
)
def test_10_what_cannot_be_attached_stays_in_the_list_with_the_reason(
    linked: Visitor, sandbox: SandboxProcess, here: str, facts: dict[str, Any], why: str
) -> None:
    """Files that were not allowed were hidden, or grey without a word."""
    fine = row_of(linked, sandbox, here)
    assert (fine.token != "", fine.why) == (True, "")
    refused = row_of(linked, sandbox, here, **facts)
    assert refused.name == facts.get("name", "plan.pdf")
    assert (refused.token, refused.why) == ("", why.format(max=_limit()))
    fail_items(sandbox, status=200, json={"entries": [entry(**facts)]})
    assert disabled(linked.get(f"{here}box/folders/0")) == 1


def _limit() -> str:
    return f"{DEFAULT_FILE_MAX_BYTES / 10**9:.1f} GB"
