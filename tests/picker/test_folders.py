"""Whole folders of Box: chosen with one tick, counted in the background, attached file by file."""

from collections.abc import Callable
from typing import Any
from zlib import crc32

import pytest
from flask import Flask

from config import DEFAULT_FILE_MAX_BYTES
from tests.picker.dialog import (
    ODDS,
    PROJECT,
    SAFETY,
    address_of,
    asked,
    chosen,
    click,
    fail_items,
    id_of,
    line,
    lines,
    picker,
    tick,
    trail,
    upload,
)
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attachments, check_invariant, items, run_worker, send
from tests.support.linking import link
from tests.support.pages import XHTML, Page, Visitor
from tests.support.ruling import set_rules
from tests.support.world import World
from webapp.core.database import db
from webapp.imports import walker
from webapp.imports.walk_models import FolderWalk, WalkFile, WalkStep

SignIn = Callable[[str], Visitor]
DEEP = f"{ODDS}/Level 02"
RFIS = f"{PROJECT}/05 RFIs"
FOOTING = f"{RFIS}/RFI-001 Footing F4"
PHOTOS = f"{PROJECT}/12 Photos"
ALL_PHOTOS = f"{PHOTOS}/Progress 2025 (all)"
CLOSEOUT = f"{PROJECT}/14 Closeout"
MANUALS = f"{CLOSEOUT}/O and M Manuals"


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Walk without a pause between pages; nobody else asks this sandbox for anything."""
    monkeypatch.setattr(walker, "PACE_SECONDS", 0.0)


def entry(name: str, **facts: Any) -> dict[str, Any]:
    """Return a file as Box lists it, with some facts changed."""
    number = crc32(name.encode()) + 1
    return {
        "type": "file",
        "id": str(number),
        "name": name,
        "size": 1000,
        "sha1": "a" * 40,
        "file_version": {"type": "file_version", "id": str(number + 1)},
        "permissions": {"can_download": True},
        **facts,
    }


def choose_folder(visitor: Visitor, sandbox: SandboxProcess, here: str, path: str) -> Page:
    """Tick a folder in the listing of the folder it lies in, and return the tray."""
    above, _, name = path.rpartition("/")
    page = visitor.get(address_of(sandbox, here, above) if above else f"{here}box/folders/0")
    return tick(visitor, here, folder=line(page, name).whole, within=trail(page))


def tray_text(page: Page) -> str:
    (tray,) = page.all("section", id="picker-tray")
    return " ".join("".join(tray.itertext()).split())


def tray_of(visitor: Visitor, here: str) -> Page:
    return visitor.get(f"{here}tray", htmx=True)


def left_out(page: Page) -> list[str]:
    """Return the reasons that the tray gives, with how many and what they are about."""
    details = list(page.all("details"))
    return [
        " ".join(" ".join(li.itertext()).split())
        for one in details
        for li in next(one.iter(f"{XHTML}ul")).findall(f"{XHTML}li")
    ]


def may_attach(page: Page) -> bool:
    (tray,) = page.all("section", id="picker-tray")
    form = next(f for f in tray.iter(f"{XHTML}form") if f.get("action", "").endswith("/send"))
    return next(form.iter(f"{XHTML}button")).get("disabled") is None


def rows_of(app: Flask, model: Any) -> int:
    with app.app_context():
        count = db.session.query(model).count()
        db.session.remove()
    return int(count)


def test_a_folder_is_counted_and_attached_with_its_way_in_the_names(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.change("add_folder", f"{FOOTING}/Photos")
    sandbox.change("add_file", f"{FOOTING}/Photos/Bottom of F4.jpg", text="a footing")
    tray = choose_folder(linked, sandbox, here, FOOTING)
    assert chosen(tray) == ["RFI-001 Footing F4"]
    assert "Counting:" in tray_text(tray)
    assert not may_attach(tray)
    run_worker(app)
    tray = tray_of(linked, here)
    inside = [row for row in lines(linked.get(address_of(sandbox, here, FOOTING))) if not row.href]
    size = sum(int(sandbox.world(f"{FOOTING}/{row.name}")["size"]) for row in inside) + 9
    assert f"{len(inside) + 1} files, {size / 1e6:.1f} MB" in tray_text(tray)
    assert "left out" not in tray_text(tray)
    assert may_attach(tray)
    send(linked, here)
    run_worker(app)
    files = attachments(app)
    names = {file.name for file in files}
    assert names == {f"RFI-001 Footing F4, {row.name}" for row in inside} | {
        "RFI-001 Footing F4, Photos, Bottom of F4.jpg"
    }
    deep = next(file for file in files if file.name.endswith("Bottom of F4.jpg"))
    assert deep.original_name == "Bottom of F4.jpg"
    assert deep.box_path.endswith("05 RFIs / RFI-001 Footing F4 / Photos")
    assert all(file.is_verified for file in files)
    check_invariant(app, sandbox)


def test_the_root_and_what_is_no_folder_have_no_such_choice(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{here}box/folders/0")
    assert all(row.whole for row in lines(page) if row.href)
    assert list(page.all("input", aria_label="Choose all of 99 Odds and Ends"))
    (sealed,) = page.form("box/choose").values["in"]
    assert id_of(sandbox, ODDS) in [row.id[1:] for row in lines(page)]
    odds = linked.get(address_of(sandbox, here, ODDS))
    assert not any(row.whole for row in lines(odds) if not row.href)
    for forged in (sealed, line(page, "99 Odds and Ends").whole[:-1] + "x", "0"):
        tick(linked, here, folder=forged, expect=400)
    file_token = next(row.token for row in lines(odds) if row.token)
    tick(linked, here, folder=file_token, expect=400)
    tick(linked, here, line(page, "99 Odds and Ends").whole, expect=400)


def test_a_folders_choice_is_bound_to_its_person(
    linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World, here: str
) -> None:
    token = line(linked.get(f"{here}box/folders/0"), "Templates").whole
    bob = signed_in("bob")
    link(bob, sandbox)
    other = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    tick(bob, other, folder=token, expect=400)
    assert chosen(tray_of(bob, other)) == []


def test_what_is_left_out_is_listed_with_the_words_of_its_row(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    theirs = {"id": "22", "name": "Rosa Imamura", "login": "rosa@boxmail.example"}
    preview = {"permissions": {"can_download": False}}
    entries = [
        entry("huge.pdf", size=DEFAULT_FILE_MAX_BYTES + 1),
        entry("seen only.pdf", owned_by=theirs, **preview),
        entry("seen only too.pdf", owned_by=theirs, **preview),
        entry("mine to see.pdf", **preview),
        entry("held.pdf", lock={"created_by": theirs, "is_download_prevented": True}),
        entry("setup.exe"),
        entry("bare.pdf", file_version=None),
        entry("A page", type="web_link", url="https://page.example"),
        entry("fine.pdf"),
    ]
    token = line(linked.get(f"{here}box/folders/0"), "Templates").whole
    fail_items(sandbox, times=2, status=200, json={"entries": entries, "next_marker": None})
    rows = lines(linked.get(address_of(sandbox, here, "Templates")))
    tick(linked, here, folder=token)
    run_worker(app)
    tray = tray_of(linked, here)
    assert "8 files" in tray_text(tray)
    assert "8 left out, 1 will be attached" in tray_text(tray)
    refused = [row for row in rows if row.why]
    assert [row.name for row in rows if not row.why] == ["fine.pdf"]
    told = left_out(tray)
    assert len(told) == len({row.why for row in refused}) == 7
    for row in refused:
        assert any(row.why in text and f"Templates / {row.name}" in text for text in told), row
    assert any(text.startswith("2: Preview only. Ask Rosa Imamura") for text in told)
    send(linked, here)
    assert [item.name for item in items(app)] == ["Templates, fine.pdf"]


def test_the_companys_rules_hold_for_the_files_of_a_folder(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    secret, internal = ({"name": name, "color": None} for name in ("Confidential", "Internal"))
    entries = [
        entry("secret.pdf", classification=secret),
        entry("ours only.pdf", classification=internal),
        entry("fine.pdf"),
    ]
    set_rules(linked, world, named={"Confidential": "block", "Internal": "reason"})
    token = line(linked.get(f"{here}box/folders/0"), "Templates").whole
    fail_items(sandbox, status=200, json={"entries": entries, "next_marker": None})
    tick(linked, here, folder=token)
    run_worker(app)
    tray = tray_of(linked, here)
    assert "1 left out, 2 will be attached" in tray_text(tray)
    [told] = left_out(tray)
    assert told.startswith("1: Acme Builders does not take files classified as Confidential")
    assert "Classified as Internal: needs a reason" in tray_text(tray)
    refused = linked.submit(tray, "/send", expect=422)
    assert "Say why these files are attached" in refused.text
    linked.submit(tray_of(linked, here), "/send", reason="The city asked for it")
    kept = {item.original_name: item.reason_given for item in items(app)}
    assert kept == {"ours only.pdf": "The city asked for it", "fine.pdf": ""}


def test_of_many_left_out_for_one_reason_some_are_named(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    token = line(linked.get(f"{here}box/folders/0"), "Templates").whole
    entries = [entry(f"{number}.exe") for number in range(30)]
    fail_items(sandbox, status=200, json={"entries": entries, "next_marker": None})
    tick(linked, here, folder=token)
    run_worker(app)
    (told,) = left_out(tray_of(linked, here))
    assert told.startswith("30: Acme Builders does not accept .exe files")
    assert told.endswith("Templates / 9.exe and 20 more")


def test_files_come_breadth_first_and_what_is_over_the_limit_is_said(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """Five thousand photos lie in one folder; a hundred files go at once."""
    choose_folder(linked, sandbox, here, PHOTOS)
    run_worker(app)
    tray = tray_of(linked, here)
    assert "100 will be attached" in tray_text(tray)
    total = sum(
        int(sandbox.world(f"{PHOTOS}/{row.name}")["count"])
        for row in lines(linked.get(address_of(sandbox, here, PHOTOS)))
    )
    assert total > 5000
    assert f"{total} files" in tray_text(tray)
    over = next(text for text in left_out(tray) if "Over the 100 files of one go" in text)
    assert over.startswith(f"{total - 100}:")
    assert rows_of(app, WalkFile) == 100
    listings = [call for call in asked(sandbox) if "limit=1000" in call["query"]]
    assert 9 <= len(listings) <= 11
    send(linked, here)
    first = lines(linked.get(address_of(sandbox, here, PHOTOS)))[0].name
    assert len(items(app)) == 100
    assert all(item.name.startswith(f"12 Photos, {first}, ") for item in items(app)[:5])


def test_a_tray_with_a_full_folder_takes_no_more_files(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, ALL_PHOTOS)
    run_worker(app)
    free = next(r for r in lines(linked.get(address_of(sandbox, here, SAFETY))) if r.token)
    refused = tick(linked, here, free.token, expect=422)
    assert "At most 100 files can be attached at once." in refused.text
    assert chosen(refused) == ["Progress 2025 (all)"]
    upload(linked, here, "one more.txt", expect=422)
    tick(linked, here, close=folder_token(linked, sandbox, here, ALL_PHOTOS))
    assert chosen(tick(linked, here, free.token)) == [free.name]


def folder_token(visitor: Visitor, sandbox: SandboxProcess, here: str, path: str) -> str:
    above, _, name = path.rpartition("/")
    return line(visitor.get(address_of(sandbox, here, above)), name).whole


def test_a_file_chosen_by_itself_and_in_two_folders_is_attached_once(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, MANUALS)
    page = linked.get(address_of(sandbox, here, MANUALS))
    assert {row.why for row in lines(page)} == {"In the chosen folder O and M Manuals"}
    tick(linked, here, close=folder_token(linked, sandbox, here, MANUALS))
    page = linked.get(address_of(sandbox, here, MANUALS))
    alone = lines(page)[0]
    tick(linked, here, alone.token, within=trail(page))
    choose_folder(linked, sandbox, here, MANUALS)
    run_worker(app)
    assert "1: Chosen already" in left_out(tray_of(linked, here))
    # The folder above takes the one below along.
    tray = choose_folder(linked, sandbox, here, CLOSEOUT)
    assert chosen(tray) == [alone.name, "14 Closeout"]
    run_worker(app)
    send(linked, here)
    names = [item.name for item in items(app)]
    assert alone.name in names
    assert "14 Closeout, Closeout checklist.xlsx" in names
    assert len({item.box_file_id for item in items(app)}) == len(names) == 4
    run_worker(app)
    assert len(attachments(app)) == 4
    check_invariant(app, sandbox)


def test_two_chosen_folders_that_hold_the_same_folder_attach_its_files_once(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    """The one below was chosen where its way could not be seen: from its own address."""
    shared = f"{here}box/search?q=Manuals&scope=all&kind=folders"
    sandbox.advance(3600)
    hit = line(linked.get(shared), "O and M Manuals")
    tick(linked, here, folder=hit.whole)
    # As if Box had moved it below the other one since.
    other = sandbox.change("add_folder", f"{SAFETY}/Sorted")
    assert other["type"] == "folder"
    sandbox.change("move", MANUALS, to=f"{SAFETY}/Sorted")
    choose_folder(linked, sandbox, here, f"{SAFETY}/Sorted")
    run_worker(app)
    tray = tray_of(linked, here)
    assert chosen(tray) == ["O and M Manuals", "Sorted"]
    assert "3: Chosen already" in left_out(tray)
    send(linked, here)
    assert len(items(app)) == 3


def test_what_is_attached_already_is_left_out(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, MANUALS))
    tick(linked, here, lines(page)[0].token, within=trail(page))
    send(linked, here)
    choose_folder(linked, sandbox, here, MANUALS)
    run_worker(app)
    assert len(attachments(app)) == 1
    tray = tray_of(linked, here)
    told = left_out(tray)
    assert len(told) == 1
    # Whichever the worker did first, the copy or the count.
    assert "Already attached" in told[0] or "Being copied already" in told[0]
    send(linked, here)
    assert len(items(app)) == 3


def test_a_deep_folder_is_walked_to_its_end(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, DEEP)
    run_worker(app)
    send(linked, here)
    (first, *_others) = items(app)
    assert first.box_path.count(" / ") == 6
    assert first.name.startswith("Level 02, ")
    assert len(first.name.encode()) <= 200
    assert first.original_name
    assert first.name.endswith(first.original_name)


def test_folders_that_lie_too_deep_or_are_too_many_are_left_out(
    app: Flask,
    linked: Visitor,
    sandbox: SandboxProcess,
    here: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(walker, "DEPTH_MAX", 2)
    choose_folder(linked, sandbox, here, DEEP)
    run_worker(app)
    (deep,) = left_out(tray_of(linked, here))
    assert deep.startswith("1: A folder that lies too deep")
    assert deep.endswith("Level 02 / Level 03 / Level 04 / Level 05")
    linked.post(f"{here}tray", {"item": "all"}, htmx=True)
    monkeypatch.setattr(walker, "FOLDERS_MAX", 3)
    choose_folder(linked, sandbox, here, RFIS)
    run_worker(app)
    (many,) = left_out(tray_of(linked, here))
    assert many.startswith("3: A folder beyond the first")
    assert rows_of(app, WalkStep) == 3
    linked.post(f"{here}tray", {"item": "all"}, htmx=True)
    monkeypatch.setattr(walker, "PAGES_MAX", 1)
    choose_folder(linked, sandbox, here, RFIS)
    run_worker(app)
    assert "A folder beyond the first" in left_out(tray_of(linked, here))[0]
    assert may_attach(tray_of(linked, here))


def test_an_empty_folder_adds_nothing_to_attach(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, f"{ODDS}/Empty folder")
    run_worker(app)
    tray = tray_of(linked, here)
    assert "0 files, 0 bytes" in tray_text(tray)
    assert not may_attach(tray)


def test_a_folder_still_being_counted_cannot_be_attached(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    tray = choose_folder(linked, sandbox, here, MANUALS)
    form = tray.form("/send")
    refused = linked.post(form.action, {**form.values}, htmx=True, csrf=False, expect=409)
    assert "O and M Manuals is still being counted. Attach when that is done." in refused.text
    assert chosen(tray_of(linked, here)) == ["O and M Manuals"]
    assert items(app) == []
    run_worker(app)
    send(linked, here)
    assert len(items(app)) == 3
    linked.post(form.action, {**form.values}, csrf=False)
    assert len(items(app)) == 3


def test_taking_a_folder_out_ends_its_walk(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    tray = choose_folder(linked, sandbox, here, PHOTOS)
    (button,) = tray.all("button", name="folder")
    assert button.get("aria-label") == "Remove 12 Photos"
    tray = linked.post(f"{here}tray", {"folder": button.get("value")}, htmx=True)
    assert chosen(tray) == []
    sandbox.forget_calls()
    run_worker(app)
    assert asked(sandbox) == []
    assert [rows_of(app, model) for model in (FolderWalk, WalkStep, WalkFile)] == [0, 0, 0]


def test_the_tray_asks_again_only_while_a_folder_is_counted(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    def polls(page: Page) -> bool:
        return any(e.get("hx-trigger") == "every 2s" for e in page.all("span"))

    tray = choose_folder(linked, sandbox, here, MANUALS)
    assert polls(tray)
    run_worker(app)
    assert not polls(tray_of(linked, here))
    whole = linked.get(here)
    assert chosen(whole) == ["O and M Manuals"]
    assert not polls(whole)


def test_folders_are_chosen_without_script(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, CLOSEOUT))
    after = linked.submit(page, "box/choose", folder=line(page, "O and M Manuals").whole)
    assert chosen(after) == ["O and M Manuals"]
    assert "Look how far it is" in after.html
    assert line(after, "O and M Manuals").is_chosen
    run_worker(app)
    again = linked.get(f"{here}tray")
    assert "3 files" in tray_text(again)
    out = linked.post(
        f"{here}tray", {"folder": next(again.all("button", name="folder")).get("value")}
    )
    assert chosen(out) == []


def test_a_folder_found_by_a_search_knows_its_way(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.advance(3600)
    hits = linked.get(f"{here}box/search?q=Manuals&scope=all")
    tick(linked, here, folder=line(hits, "O and M Manuals").whole, within=trail(hits))
    hits = linked.get(f"{here}box/search?q=Panelboards&scope=all")
    inside = line(hits, "O and M - Panelboards.pdf")
    assert inside.why == "In the chosen folder O and M Manuals"
    run_worker(app)
    send(linked, here)
    assert {item.box_path for item in items(app)} == {
        "Quillmark Projects / 2317 Larkspur MOB / 14 Closeout / O and M Manuals"
    }


def test_the_next_record_begins_where_the_folder_was_chosen(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, MANUALS)
    run_worker(app)
    send(linked, here)
    assert "14 Closeout" in linked.get(f"{here}box/", htmx=True).text


def test_a_colleague_sees_nothing_of_a_chosen_folder(
    app: Flask, linked: Visitor, signed_in: SignIn, sandbox: SandboxProcess, world: World
) -> None:
    shared = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    choose_folder(linked, sandbox, shared, MANUALS)
    run_worker(app)
    assert chosen(tray_of(linked, shared)) == ["O and M Manuals"]
    bob = signed_in("bob")
    link(bob, sandbox)
    assert chosen(tray_of(bob, shared)) == []
    (button,) = tray_of(linked, shared).all("button", name="folder")
    for values in ({"folder": button.get("value")}, {"again": button.get("value")}):
        bob.post(f"{shared}tray", values, htmx=True)
    assert chosen(tray_of(linked, shared)) == ["O and M Manuals"]
    assert chosen(tray_of(linked, picker(world))) == []


def test_at_most_twenty_folders_are_chosen_at_once(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    for number in range(21):
        sandbox.change("add_folder", f"{ODDS}/Same names/Part {number:02d}")
    page = linked.get(address_of(sandbox, here, f"{ODDS}/Same names"))
    tokens = [row.whole for row in lines(page) if row.whole]
    data = {"folder": tokens, "in": trail(page)}
    refused = linked.post(f"{here}box/choose", data, htmx=True, expect=422)
    assert "At most 20 folders can be chosen at once." in refused.text
    assert chosen(refused) == []
    data = {"folder": tokens[:20], "in": trail(page)}
    assert len(chosen(linked.post(f"{here}box/choose", data, htmx=True))) == 20


@pytest.mark.parametrize("value", ["x", "-1", "", "99999999999999999999"])
def test_odd_wishes_about_a_folder_are_refused(linked: Visitor, here: str, value: str) -> None:
    for name in ("folder", "again"):
        linked.post(f"{here}tray", {name: value}, htmx=True, expect=400)
    linked.post(f"{here}tray", {"again": "12345"}, htmx=True)


def test_rows_below_a_chosen_folder_say_so_and_are_drawn_anew_when_it_goes(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    choose_folder(linked, sandbox, here, CLOSEOUT)
    above = linked.get(address_of(sandbox, here, PROJECT))
    assert line(above, "14 Closeout").is_chosen
    inside = click(linked, above, line(above, "14 Closeout").href)
    assert line(inside, "O and M Manuals").why == "In the chosen folder 14 Closeout"
    assert line(inside, "O and M Manuals").whole == ""
    deeper = click(linked, inside, line(inside, "O and M Manuals").href)
    assert not any(row.token for row in lines(deeper))
    assert any(e.get("hx-trigger") == "tray-changed from:body" for e in deeper.all("span"))
    tick(linked, here, close=line(above, "14 Closeout").whole)
    free = click(linked, inside, line(inside, "O and M Manuals").href)
    assert all(row.token for row in lines(free))
    assert not any(e.get("hx-trigger") == "tray-changed from:body" for e in free.all("span"))
