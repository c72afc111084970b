"""The tray: what may be chosen and what may not and why, and that nothing chosen is ever lost."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask

from config import DEFAULT_FILE_MAX_BYTES
from tests.picker.dialog import (
    EMPTY,
    ODDS,
    PHOTOS,
    PREVIEWED,
    PROJECT,
    SAFETY,
    Line,
    address_of,
    chosen,
    click,
    crumbs,
    fail_items,
    line,
    lines,
    more,
    tick,
    upload,
)
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, attachments, items, run_worker, send
from tests.support.linking import link
from tests.support.pages import HOST, Page, Visitor
from tests.support.world import World

SignIn = Callable[[str], Visitor]
README = f"{PROJECT}/03 Drawings/04 CAD/xref_bind_readme.txt"
CAD = f"{PROJECT}/03 Drawings/04 CAD"
MINE = {"type": "user", "id": "0", "name": "Devon Achterberg", "login": "d"}
ROSA = {"type": "user", "id": "123", "name": "Rosa Imamura", "login": "r"}


def tray_page(visitor: Visitor, here: str) -> Page:
    return visitor.get(f"{here}tray")


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


def listed(visitor: Visitor, sandbox: SandboxProcess, here: str, *entries: Any) -> list[Line]:
    """Return the rows that these entries of Box become."""
    fail_items(sandbox, status=200, json={"entries": entries, "next_marker": None})
    return lines(visitor.get(f"{here}box/folders/0"))


# ---- into the tray and out of it


def test_a_tick_puts_a_file_into_the_tray_and_another_takes_it_out(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    first, second, third = lines(page)[:3]
    tray = tick(linked, here, first.token, second.token)
    assert chosen(tray) == [first.name, second.name]
    assert tray.response.headers["HX-Trigger"] == "tray-changed"
    assert "Attach 2 files" in tray.text
    ids = next(e.get("data-ids", "") for e in tray.all("div") if e.get("data-ids")).split()
    assert sorted(ids) == sorted([first.id, second.id])
    assert chosen(tick(linked, here, third.token)) == [first.name, second.name, third.name]
    assert chosen(tick(linked, here, remove=second.token)) == [first.name, third.name]
    again = linked.get(address_of(sandbox, here, SAFETY))
    assert [found.is_chosen for found in lines(again)[:3]] == [True, False, True]


def test_the_tray_takes_out_one_file_or_all(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    rows = lines(linked.get(address_of(sandbox, here, SAFETY)))
    tray = tick(linked, here, *(row.token for row in rows[:3]))
    button = next(b for b in tray.all("button") if b.get("aria-label") == f"Remove {rows[1].name}")
    tray = linked.post(f"{here}tray", {"item": button.get("value")}, htmx=True)
    assert chosen(tray) == [rows[0].name, rows[2].name]
    # Once more, as from a tab that still shows it: it stays out and nothing else goes.
    tray = linked.post(f"{here}tray", {"item": button.get("value")}, htmx=True)
    assert chosen(tray) == [rows[0].name, rows[2].name]
    tray = linked.post(f"{here}tray", {"item": "all"}, htmx=True)
    assert chosen(tray) == []
    assert next(tray.all("button")).get("disabled") is not None


@pytest.mark.parametrize("item", ["", "x", "-1", "0", "1.5", "2147483648", "9" * 19, "All"])
def test_what_names_nothing_in_a_tray_changes_nothing(
    linked: Visitor, sandbox: SandboxProcess, here: str, item: str
) -> None:
    tick(linked, here, lines(linked.get(address_of(sandbox, here, SAFETY)))[0].token)
    linked.post(f"{here}tray", {"item": item}, expect=400)
    linked.post(f"{here}tray", {"item": "9" * 9}, htmx=True)
    assert len(chosen(tray_page(linked, here))) == 1


def test_choosing_works_without_a_script(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{address_of(sandbox, here, SAFETY)}?sort=size&dir=desc")
    biggest = lines(page)[0]
    page = linked.submit(page, "box/choose", choice=biggest.token)
    assert chosen(page) == [biggest.name]
    assert lines(page)[0].is_chosen
    assert "10 Safety" in tray_text(page)
    page = linked.submit(page, "attach/send")
    assert page.response.request.path == here.removesuffix("/attach/")
    assert biggest.name in page.text


def tray_text(page: Page) -> str:
    tray = next(page.all("section", id="picker-tray"))
    return " ".join("".join(tray.itertext()).split())


def test_the_tray_says_where_in_box_a_file_is_from(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, CAD))
    readme = line(page, "xref_bind_readme.txt")
    sealed = page.form("box/choose").values["in"]
    tray = tick(linked, here, readme.token, within=sealed[0])
    where = "Quillmark Projects / 2317 Larkspur MOB / 03 Drawings / 04 CAD"
    assert f"2 kB, {where}" in tray_text(tray)


def test_the_tray_outlives_folders_searches_closing_and_signing_in_again(
    linked: Visitor, sandbox: SandboxProcess, here: str, signed_in: SignIn
) -> None:
    page = linked.get(address_of(sandbox, here, SAFETY))
    name = lines(page)[0].name
    tick(linked, here, lines(page)[0].token)
    assert chosen(linked.get(address_of(sandbox, here, ODDS))) == [name]
    assert chosen(linked.get(f"{here}box/search?q=daily&scope=all")) == [name]
    linked.get(here.removesuffix("attach/"), expect=None)
    assert chosen(linked.get(here, htmx=True)) == [name]
    linked.post("/sign-out")
    back = signed_in("alice")
    page = back.get(address_of(sandbox, here, SAFETY))
    assert chosen(page) == [name]
    assert lines(page)[0].is_chosen


def test_a_file_is_in_the_tray_once_and_in_the_version_chosen_last(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    old = line(linked.get(address_of(sandbox, here, CAD)), "xref_bind_readme.txt")
    sandbox.change("new_version", README, size=5000)
    new = line(linked.get(address_of(sandbox, here, CAD)), "xref_bind_readme.txt")
    assert old.token != new.token
    tray = tick(linked, here, old.token, new.token)
    assert chosen(tray) == ["xref_bind_readme.txt"]
    assert "5 kB" in tray_text(tray)
    assert "2 kB" in tray_text(tick(linked, here, old.token))


def test_a_record_and_a_response_on_it_have_trays_of_their_own(
    bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(bob, sandbox)
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    page = bob.post(f"{record}/sections/responses", {"text": "Done", "attach": "1"})
    of_row = str(page.response.request.path).removesuffix("box/")
    rows = lines(bob.get(address_of(sandbox, of_row, SAFETY)))
    tick(bob, of_row, rows[0].token)
    assert chosen(bob.get(f"{of_row}tray")) == [rows[0].name]
    assert chosen(bob.get(f"{record}/attach/tray")) == []


# ---- two tabs


def test_what_is_chosen_in_one_tab_is_in_the_other(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    rows = lines(linked.get(address_of(sandbox, here, SAFETY)))
    tick(linked, here, rows[0].token)
    tray = tick(linked, here, rows[1].token)
    assert chosen(tray) == chosen(tray_page(linked, here)) == [rows[0].name, rows[1].name]


def test_attach_pressed_in_two_tabs_attaches_once(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    row = line(linked.get(address_of(sandbox, here, CAD)), "xref_bind_readme.txt")
    tick(linked, here, row.token)
    one, other = tray_page(linked, here), tray_page(linked, here)
    linked.submit(one, "/send")
    linked.submit(other, "/send")
    assert [item.name for item in items(app)] == ["xref_bind_readme.txt"]
    assert chosen(tray_page(linked, here)) == []


def test_a_tick_in_a_tab_that_has_not_seen_the_file_being_attached_is_refused(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    rows = lines(linked.get(address_of(sandbox, here, CAD)))
    readme = next(row for row in rows if row.name == "xref_bind_readme.txt")
    tick(linked, here, readme.token)
    send(linked, here)
    other = next(row for row in rows if row.name != readme.name)
    tick(linked, here, other.token)
    for _ in range(2):
        refused = tick(linked, here, readme.token, expect=409)
        assert "xref_bind_readme.txt is attached already, or on its way." in refused.text
        assert chosen(refused) == [other.name]
        run_worker(app)
    assert len(attachments(app)) == 1


# ---- limits


def test_more_files_than_one_action_takes_are_refused_and_the_tray_stays(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(address_of(sandbox, here, PHOTOS), htmx=True)
    assert len(chosen(tick(linked, here, *(row.token for row in lines(first))))) == 100
    extra = lines(click(linked, first, more(first)))[0]
    refused = tick(linked, here, extra.token, expect=422)
    assert "At most 100 files can be attached at once." in refused.text
    assert len(chosen(refused)) == 100
    page = linked.post(f"{here}box/choose", {"choice": extra.token}, expect=422)
    assert "At most 100 files can be attached at once." in page.text
    answer = upload(linked, here, "one.txt", expect=422)
    assert "At most 100 files" in answer.text
    assert len(chosen(tray_page(linked, here))) == 100


def test_a_blocked_kind_of_file_is_refused_from_the_computer_under_any_spelling(
    linked: Visitor, here: str
) -> None:
    for name in ("setup.exe", "SETUP.EXE", "setup.exe.", "setup.exe ", "setup.ex\u202ee"):
        answer = upload(linked, here, name, expect=422)
        assert "Acme Builders does not accept .exe files." in answer.text
    assert chosen(tray_page(linked, here)) == []
    assert chosen(upload(linked, here, "exe.txt")) == ["exe.txt"]


# ---- what cannot be chosen, and why


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ({"size": DEFAULT_FILE_MAX_BYTES + 1}, "Over the {max} limit for one file"),
        ({"size": float(2**52)}, "Over the {max} limit for one file"),
        (
            {"permissions": {"can_download": False}, "owned_by": ROSA},
            "Preview only. Ask Rosa Imamura for download rights.",
        ),
        (
            {"permissions": {"can_download": False}},
            "Preview only. Your Box account may not download it.",
        ),
        (
            {"lock": {"created_by": ROSA, "is_download_prevented": True}},
            "Locked by Rosa Imamura, who prevents downloads",
        ),
        (
            {"lock": {"is_download_prevented": True}},
            "Locked by someone in Box, who prevents downloads",
        ),
        ({"name": "setup.exe"}, "Acme Builders does not accept .exe files"),
        ({"name": "SETUP.EXE"}, "Acme Builders does not accept .exe files"),
        ({"name": "setup.exe. "}, "Acme Builders does not accept .exe files"),
        ({"file_version": None}, "Box gives no version of this file to copy"),
        (
            {"file_version": {"id": "1; DROP TABLE"}},
            "Box gives no version of this file to copy",
        ),
        ({"file_version": {"id": "9" * 40}}, "Box gives no version of this file to copy"),
        ({"id": "not-a-number"}, "Box gives no version of this file to copy"),
        (
            {"type": "web_link", "url": "javascript:alert(1)"},
            "A bookmark, there is no file to attach",
        ),
    ],
)
def test_what_cannot_be_chosen_says_why_beside_it(
    linked: Visitor, sandbox: SandboxProcess, here: str, facts: dict[str, Any], why: str
) -> None:
    rows = listed(linked, sandbox, here, entry(**facts), entry(id="1", name="fine.pdf"))
    refused = rows[0]
    limit = f"{DEFAULT_FILE_MAX_BYTES / 10**9:.1f} GB"
    assert (refused.token, refused.why) == ("", why.format(max=limit))
    assert rows[1].token


@pytest.mark.parametrize(
    ("facts", "note"),
    [
        ({"size": DEFAULT_FILE_MAX_BYTES}, ""),
        ({"lock": {"created_by": ROSA}}, "Locked by Rosa Imamura, can still be attached"),
        ({"size": 0}, "Empty, 0 bytes"),
        ({"owned_by": ROSA}, "Owned by Rosa Imamura"),
        ({"owned_by": {"id": "", "name": "", "login": ""}}, ""),
        ({"name": "Minutes.boxnote"}, ""),
        ({"name": "Takt plan.gsheet", "sha1": None, "size": None}, ""),
        ({"permissions": None, "sha1": "none", "version_number": None}, ""),
        ({"version_number": "9" * 40}, ""),
        ({"owned_by": {**ROSA, "name": "R" * 900}}, f"Owned by {'R' * 254}"),
    ],
)
def test_what_is_only_unusual_can_be_chosen_and_says_what_is_unusual(
    linked: Visitor, sandbox: SandboxProcess, here: str, facts: dict[str, Any], note: str
) -> None:
    row = listed(linked, sandbox, here, entry(**facts))[0]
    assert row.note == note
    assert row.why == ""
    assert chosen(tick(linked, here, row.token)) == [row.name]


def test_a_size_box_does_not_know_is_said(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    for size in (None, "12", -1, True, 2**60):
        row = listed(linked, sandbox, here, entry(size=size))[0]
        assert row.size == "unknown size"
        assert "unknown size" in tray_text(tick(linked, here, row.token))


def test_shared_files_that_i_may_only_look_at_name_whom_to_ask(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    rows = lines(linked.get(address_of(sandbox, here, PREVIEWED)))
    assert len(rows) == 3
    reason = "Preview only. Ask Anneke Brandvold for download rights."
    assert [(row.token, row.why) for row in rows] == [("", reason)] * 3


def test_the_odds_and_ends_of_a_real_folder_are_told_apart(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.change("forbid_download", f"{ODDS}/UPPER.PDF")
    page = linked.get(address_of(sandbox, here, ODDS))
    assert line(page, "Old project wiki").why == "A bookmark, there is no file to attach"
    assert line(page, "Old project wiki").label == "URL"
    budget = line(page, "locked by Rosa - budget.xlsx")
    assert budget.note == "Locked by Rosa Imamura, can still be attached"
    assert budget.token
    assert line(page, "empty placeholder.txt").note == "Empty, 0 bytes"
    assert line(page, "UPPER.PDF").why == "Preview only. Your Box account may not download it."
    assert line(page, "no_extension").label == ""


# ---- what is there already


def test_what_is_attached_or_on_its_way_cannot_be_chosen_again(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World
) -> None:
    attach(linked, sandbox, here, README)
    address = address_of(sandbox, here, CAD)
    row = line(linked.get(address), "xref_bind_readme.txt")
    assert (row.token, row.why) == ("", "Being copied already")
    run_worker(app)
    row = line(linked.get(address), "xref_bind_readme.txt")
    assert (row.token, row.why) == ("", "Already attached")
    elsewhere = f"/projects/{world.tower}/rfis/{world.private_rfi}/attach/"
    assert line(linked.get(address_of(sandbox, elsewhere, CAD)), row.name).token
    record = linked.get(here.removesuffix("/attach/"))
    removal = next(href for href in record.links().values() if href.endswith("/remove"))
    linked.submit(linked.get(removal), "/remove")
    assert line(linked.get(address), "xref_bind_readme.txt").token


def test_a_newer_version_is_tagged_and_says_which_one_the_record_has(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, CAD)
    for size in range(101, 109):
        sandbox.change("new_version", README, size=size)
    for number in (9, 10):
        row = line(linked.get(address), "xref_bind_readme.txt")
        assert row.sealed[5] == str(number)
        tick(linked, here, row.token)
        send(linked, here)
        run_worker(app)
        sandbox.change("new_version", README, size=200 + number)
    row = line(linked.get(address), "xref_bind_readme.txt")
    assert row.tag == "Newer"
    assert row.note == "Version 11. The record has version 10."
    tick(linked, here, row.token)
    send(linked, here)
    run_worker(app)
    assert [found.box_version_number for found in attachments(app)] == ["9", "10", "11"]


# ---- hostile names

HOSTILE = {
    "<script>alert(1)</script>.html": "<script>alert(1)<_script>.html",
    '"><img src=x onerror=alert(1)>.png': "",
    "' hx-get='x' hx-trigger='load.pdf": "",
    "{{ 7 * 7 }}{% include 'x' %}.pdf": "",
    "%(name)s 100%s %d.pdf": "",
    "&lt;b&gt; &amp; &#x3c;.txt": "",
    "=cmd|'C calc'!A0.csv": "",
    "🏗️👨‍👩‍👧 Żółć 名前 مخطط.pdf": "",
    "invoice\u202efdp.docx": "invoicefdp.docx",
    "\u2066isolated\u2069.pdf": "isolated.pdf",
    "bell\x07 and\x1b[31m red.pdf": "bell and[31m red.pdf",
    "line\r\nbreak.pdf": "line break.pdf",
    "CON.txt": "_CON.txt",
    "trailing dots.pdf...": "trailing dots.pdf",
    "zero\u200bwidth\ufeff.pdf": "zerowidth.pdf",
    "L" * 251 + ".pdf": "",
    "名" * 251 + ".pdf": "",
}


def test_hostile_file_names_are_text_in_the_list_in_the_tray_and_nowhere_else(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    entries = [
        entry(id=str(number), name=name, file_version={"id": str(number)}, owned_by=ROSA)
        for number, name in enumerate(HOSTILE, start=1)
    ]
    rows = listed(linked, sandbox, here, *entries)
    assert [row.name for row in rows] == [shown or name for name, shown in HOSTILE.items()]
    page = tick(linked, here, *(row.token for row in rows))
    for found in (page, linked.get(f"{here}tray")):
        assert len(chosen(found)) == len(HOSTILE)
        assert "<script>alert" not in found.html
        assert not any("\u202a" <= char <= "\u202e" for char in found.html)
        assert list(found.all("img")) == []
        assert [e for e in found.tree.iter() if e.get("hx-get") == "x"] == []


def test_hostile_folder_names_are_text_and_can_be_opened(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    names = ["<script>x<!--", "\"' onclick=x {{7*7}} & % # ? ;", "left\u202etfel", "名" * 250]
    for name in names:
        sandbox.change("add_folder", f"{EMPTY}/{name}")
    page = linked.get(address_of(sandbox, here, EMPTY), htmx=True)
    shown = [name.replace("\u202e", "") for name in names]
    assert sorted(row.name for row in lines(page)) == sorted(shown)
    for name in shown:
        for opened in (
            click(linked, page, line(page, name).href),
            linked.get(line(page, name).href),
        ):
            assert crumbs(opened).endswith(f"Empty folder / {' '.join(name.split())}")
            assert "This folder is empty" in opened.text


def test_a_way_too_long_for_an_address_stays_usable_to_its_end(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    path = EMPTY
    for step in range(25):
        path = f"{path}/{step:02d} {'長' * 120}"
        sandbox.change("add_folder", path)
    page = linked.get(address_of(sandbox, here, EMPTY), htmx=True)
    for step in range(25):
        folder = lines(page)[0]
        assert folder.name.startswith(f"{step:02d} ")
        page = click(linked, page, folder.href)
        assert len(page.response.request.url) < 4000
    assert "This folder is empty" in page.text
    sandbox.change("add_file", f"{path}/at the end.txt", size=10)
    deep = linked.get(address_of(sandbox, here, path))
    sealed = deep.form("box/choose").values["in"][0]
    tray = tick(linked, here, lines(deep)[0].token, within=sealed)
    assert "24 長長" in tray_text(tray)
    sandbox.settings(search_lag_s=0)
    tick(linked, here, remove=lines(deep)[0].token)
    hit = line(linked.get(f"{here}box/search?q=end&scope=all"), "at the end.txt")
    assert chosen(tick(linked, here, hit.token)) == ["at the end.txt"]


@pytest.mark.parametrize("page", ["?source=computer", "box/", "tray"])
def test_attaching_on_the_dialogs_own_page_leads_to_the_record(
    linked: Visitor, here: str, page: str
) -> None:
    """A script attaches there too, and then there is no dialog to close."""
    record = here.removesuffix("/attach/")
    for asked_from, header, value in (
        (f"{here}{page}", "HX-Redirect", record),
        (record, "HX-Trigger", "close-dialog, files-changed"),
    ):
        form = upload(linked, here, "note.txt").form("/send")
        answer = linked.post(
            form.action,
            form.values,
            htmx=True,
            expect=204,
            headers={"HX-Current-URL": f"http://{HOST}{asked_from}"},
        ).response
        assert answer.headers[header] == value
        assert ("HX-Redirect" in answer.headers) is (header == "HX-Redirect")
