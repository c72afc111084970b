"""Walking through one's Box in the dialog: what is shown, what it costs, what goes wrong."""

import time
from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from flask import Flask

from tests.picker.dialog import (
    EMPTY,
    ODDS,
    PHOTOS,
    PREVIEWED,
    PROJECT,
    RFIS,
    SAFETY,
    address_of,
    asked,
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
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.companies.models import Project
from webapp.core.database import writing

GONE = "This folder is no longer in your Box, or you no longer have access to it."
DOWN = "Box is not answering right now. Try again in a moment."
STALE = "The list changed in Box. Start again from the top of the folder."
LAST_LEVEL = "Level 07 with a longer folder name than most people would ever choose for a directory"
DEEP = f"{ODDS}/Level 02/Level 03/Level 04/Level 05/Level 06/{LAST_LEVEL}"


def folder_names(page: Page) -> list[str]:
    return [found.name for found in lines(page) if found.href]


def file_names(page: Page) -> list[str]:
    return [found.name for found in lines(page) if not found.href]


def is_usable(page: Page) -> bool:
    """True when the frame around a failure still offers everything else."""
    assert {"My computer", "Box"} <= page.links().keys()
    return bool(list(page.all("section", id="picker-tray")))


# ---- opening


def test_the_dialog_is_a_page_with_box_on_it_when_there_is_no_script(
    linked: Visitor, here: str
) -> None:
    page = linked.get(here)
    assert page.h1 == "Attach files to RFI-001"
    assert page.response.request.path == f"{here}box/"
    assert "Quillmark Projects" in folder_names(page)
    assert list(page.all("dialog")) == []


def test_htmx_gets_the_frame_at_once_and_the_root_folder_by_a_request_of_its_own(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    dialog = linked.get(here, htmx=True)
    assert asked(sandbox) == []
    assert len(list(dialog.all("dialog", id="picker-dialog"))) == 1
    panel = next(dialog.all("div", id="picker-panel"))
    assert panel.get("hx-get") == f"{here}box/"
    assert panel.get("hx-trigger") == "load"
    assert "Quillmark Projects" in folder_names(linked.get(f"{here}box/", htmx=True))


def test_page_and_partial_are_made_of_the_same_block(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, ODDS)
    whole, part = linked.get(address), linked.get(address, htmx=True)
    assert [found.name for found in lines(whole)] == [found.name for found in lines(part)]
    block = next(whole.all("div", id="picker-folder"))
    again = next(part.all("div", id="picker-folder"))
    assert "".join(block.itertext()).split() == "".join(again.itertext()).split()
    assert {"HX-Request", "Cookie"} <= set(whole.response.vary)


def test_a_restored_history_entry_is_a_whole_page(linked: Visitor, here: str) -> None:
    headers = {"HX-Request": "true", "HX-History-Restore-Request": "true"}
    page = linked.get(f"{here}box/", headers=headers)
    assert page.h1 == "Attach files to RFI-001"


@pytest.mark.parametrize("source", ["nowhere", "Box", ""])
def test_a_source_that_is_none_is_no_address(linked: Visitor, here: str, source: str) -> None:
    linked.get(f"{here}?source={source}", expect=404)


# ---- what a folder shows, and what it costs


def test_the_root_folder_is_one_call_to_box(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{here}box/", htmx=True)
    assert [call["path"] for call in asked(sandbox)] == ["/2.0/folders/0/items"]
    assert crumbs(page) == "All files"
    assert "Sorted by name" in page.text


def test_every_step_downwards_is_one_call_and_adds_a_crumb(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{here}box/", htmx=True)
    for name in ("Quillmark Projects", "2317 Larkspur MOB", "05 RFIs"):
        sandbox.forget_calls()
        page = click(linked, page, line(page, name).href)
        assert [call["path"].rpartition("/")[2] for call in asked(sandbox)] == ["items"]
    expected = "All files / Quillmark Projects / 2317 Larkspur MOB / 05 RFIs"
    assert crumbs(page) == expected
    up = address_of(sandbox, here, PROJECT)
    sandbox.forget_calls()
    page = click(linked, page, up)
    assert crumbs(page) == "All files / Quillmark Projects / 2317 Larkspur MOB"
    assert len(asked(sandbox)) == 1


def test_a_deep_link_asks_box_once_more_for_the_way(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, DEEP))
    paths = [call["path"] for call in asked(sandbox)]
    assert len(paths) == 2
    assert sorted(path.endswith("/items") for path in paths) == [False, True]
    steps = ["All files", "99 Odds and Ends", "Level 02", "Level 03", "Level 04", "Level 05"]
    assert crumbs(page) == " / ".join([*steps, "Level 06", LAST_LEVEL])
    assert file_names(page) == ["Bottom of the tree.pdf"]


def test_folders_come_first_and_everything_box_has_is_there(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(address_of(sandbox, here, ODDS))
    found = lines(page)
    assert len(found) == sandbox.world(ODDS)["count"]
    kinds = [bool(row.href) for row in found]
    assert kinds == sorted(kinds, reverse=True)
    assert folder_names(page) == ["Empty folder", "Level 02", "Same names"]
    assert f"{len(found)} items" in page.text


def test_a_files_row_says_its_kind_its_size_and_its_day(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    drone = linked.get(address_of(sandbox, here, f"{PROJECT}/12 Photos/Drone"))
    film = line(drone, "2025-09-05 Site flyover 4K.mp4")
    assert (film.label, film.size) == ("MP4", "2.1 GB")
    cloud = line(drone, "2025-09-05 Point cloud.las")
    assert (cloud.label, cloud.size) == ("LAS", "588.0 MB")
    assert all(found.when for found in lines(drone))


@pytest.mark.parametrize(
    ("modified_at", "shown"),
    [
        ("2031-03-09T07:05:00-07:00", "Mar 9, 2031"),
        ("2031-03-09", "Mar 9, 2031"),
        ("2031-13-09T07:05:00-07:00", ""),
        ("yesterday, somehow", ""),
        ("", ""),
        (None, ""),
        (20310309, ""),
    ],
)
def test_a_date_box_gives_in_an_odd_form_spoils_no_list(
    linked: Visitor, sandbox: SandboxProcess, here: str, modified_at: object, shown: str
) -> None:
    entry = {"type": "folder", "id": "77", "name": "A folder", "modified_at": modified_at}
    fail_items(sandbox, status=200, json={"entries": [entry], "next_marker": None})
    assert line(linked.get(f"{here}box/"), "A folder").when == shown


def test_a_time_of_today_that_is_none_spoils_no_list(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    today = time.strftime("%Y-%m-%d")
    entries = [
        {"type": "folder", "id": "77", "name": "Afternoon", "modified_at": f"{today}T14:05:00Z"},
        {"type": "folder", "id": "78", "name": "Odd", "modified_at": f"{today}Tnoon, about"},
    ]
    fail_items(sandbox, status=200, json={"entries": entries})
    page = linked.get(f"{here}box/")
    assert line(page, "Afternoon").when in {"Today, 2:05 PM", "2:05 PM"}
    assert line(page, "Odd").when.startswith("Today")


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Honolulu"])
def test_a_row_tells_its_time_by_the_projects_clock(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, world: World, here: str, zone: str
) -> None:
    with app.app_context(), writing() as session:
        session.get_one(Project, world.tower).timezone = zone
    now = datetime.now(UTC)
    entries = [
        {"type": "folder", "id": "77", "name": "Now", "modified_at": now.isoformat()},
        # Half past three in the morning of the tenth by UTC, still the ninth in both places.
        {"type": "folder", "id": "78", "name": "Then", "modified_at": "2025-03-09T19:30:00-08:00"},
    ]
    fail_items(sandbox, status=200, json={"entries": entries})
    page = linked.get(f"{here}box/")
    local = now.astimezone(ZoneInfo(zone))
    clock = f"{local.hour % 12 or 12}:{local:%M} {'PM' if local.hour >= 12 else 'AM'}"
    assert line(page, "Now").when in {f"Today, {clock}", clock}
    assert line(page, "Then").when == "Mar 9, 2025"


def test_an_empty_folder_says_so(linked: Visitor, sandbox: SandboxProcess, here: str) -> None:
    page = linked.get(address_of(sandbox, here, EMPTY))
    assert "This folder is empty" in page.text
    assert lines(page) == []


@pytest.mark.parametrize(
    "folder_id", ["-1", "+1", "1e3", "0x10", "007", "٣", "0;", "x", "9" * 21, "0%23", "%20 1"]
)
def test_what_is_no_folder_id_of_box_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, folder_id: str
) -> None:
    linked.get(f"{here}box/folders/{folder_id}", expect=400)
    assert asked(sandbox) == []


# ---- order


@pytest.mark.parametrize("sort", ["name", "date", "size"])
def test_a_folder_is_sorted_by_box_both_ways(
    linked: Visitor, sandbox: SandboxProcess, here: str, sort: str
) -> None:
    address = address_of(sandbox, here, SAFETY)
    there = linked.get(f"{address}?sort={sort}&dir=asc")
    back = linked.get(f"{address}?sort={sort}&dir=desc")
    assert [row.id for row in lines(there)] == [row.id for row in reversed(lines(back))]
    assert f"sort={sort}" in asked(sandbox)[-2]["query"]
    assert "direction=DESC" in [c for c in asked(sandbox) if "items" in c["path"]][-1]["query"]
    sizes = [row.sealed[3] for row in lines(there)]
    assert (sizes == sorted(sizes)) is (sort == "size")
    names = [row.name for row in lines(there)]
    assert (names == sorted(names, key=str.casefold)) is (sort == "name")
    sorted_column = [th for th in there.all("th") if th.get("aria-sort") == "ascending"]
    assert len(sorted_column) == 1


def test_the_root_folder_has_boxs_own_order_only(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(f"{here}box/folders/0?sort=size&dir=desc")
    assert "sort" not in asked(sandbox)[0]["query"]
    assert [th for th in page.all("th") if th.get("aria-sort")] == []


@pytest.mark.parametrize("query", ["sort=owner", "dir=up", "sort=", "sort=name&dir=ASC"])
def test_an_order_that_is_none_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, query: str
) -> None:
    linked.get(f"{address_of(sandbox, here, SAFETY)}?{query}", expect=400)
    assert asked(sandbox) == []


# ---- paging


@pytest.mark.slow
def test_five_thousand_photos_are_paged_to_the_end_and_none_is_lost_or_doubled(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(address_of(sandbox, here, PHOTOS), htmx=True)
    assert "Showing 100, more available" in first.text
    sandbox.forget_calls()
    page, names, pages = first, file_names(first), 1
    while more(page):
        page = click(linked, first, more(page))
        names += file_names(page)
        pages += 1
    assert names == [f"IMG_{number:05d}.JPG" for number in range(1, 5001)]
    assert pages == 50
    assert len(asked(sandbox)) == 49


def test_short_and_empty_pages_do_not_end_a_folder(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    files = [
        {"op": "add_file", "path": f"{EMPTY}/part {number:03d}.txt", "size": 10}
        for number in range(180)
    ]
    sandbox.control("POST", "files", {"ops": files})
    sandbox.change("short_pages", EMPTY)
    page = first = linked.get(address_of(sandbox, here, EMPTY), htmx=True)
    lengths, names = [len(lines(first))], file_names(first)
    while more(page):
        page = click(linked, first, more(page))
        lengths.append(len(lines(page)))
        names += file_names(page)
    assert lengths == [100, 0, 50, 30]
    assert names == [f"part {number:03d}.txt" for number in range(180)]


def test_show_more_is_a_page_without_a_script(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(f"{address_of(sandbox, here, PHOTOS)}?sort=name&dir=desc")
    second = linked.get(more(first))
    assert second.h1 == "Attach files to RFI-001"
    assert file_names(second)[0] == "IMG_04900.JPG"
    assert crumbs(second) == crumbs(first)
    third = linked.get(more(second))
    assert file_names(third)[0] == "IMG_04800.JPG"


def test_choosing_on_a_later_page_without_a_script_comes_back_to_that_page(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    second = linked.get(more(linked.get(address_of(sandbox, here, PHOTOS))))
    photo = line(second, "IMG_00150.JPG")
    page = linked.submit(second, "box/choose", choice=photo.token)
    assert file_names(page) == file_names(second)
    assert line(page, "IMG_00150.JPG").is_chosen
    assert chosen(page) == ["IMG_00150.JPG"]


def test_a_choice_goes_back_to_a_page_of_the_dialog_only(linked: Visitor, here: str) -> None:
    for back in ("https://evil.example/", "//evil.example", "/projects", ""):
        answer = linked.post(f"{here}tray", {"item": "all", "back": back}, expect=303)
        assert answer.response.location == here


def test_a_marker_that_ran_out_says_so_and_leads_to_the_folders_beginning(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(f"{address_of(sandbox, here, PHOTOS)}?sort=size&dir=desc")
    tick(linked, here, lines(first)[0].token)
    fail_items(sandbox, times=2, status=400, json={"code": "bad_request"})
    page = linked.get(more(first), expect=424)
    assert STALE in page.text
    assert chosen(page) == [lines(first)[0].name]
    assert is_usable(page)
    row = click(linked, first, more(first), expect=424)
    assert STALE in row.text
    again = next(a for a in row.all("a") if a.get("href") == row.links()["Start again"])
    assert again.get("hx-target") == "#picker-folder"
    for found in (page, row):
        start = found.links()["Start again"]
        assert "m=" not in urlsplit(start).query
        fresh = linked.get(start)
        assert file_names(fresh) == file_names(first)
        assert chosen(fresh) == [lines(first)[0].name]


def test_a_failing_request_for_more_rows_takes_the_place_of_its_own_row_only(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(address_of(sandbox, here, PHOTOS), htmx=True)
    asks = next(a for a in first.all("a") if a.get("href") == more(first))
    assert asks.get("hx-target") == "closest tbody"
    fail_items(sandbox, status=503)
    row = click(linked, first, more(first), expect=424)
    assert "HX-Retarget" not in row.response.headers
    assert row.html.strip().startswith("<tbody")
    assert len(list(row.all("tr"))) == 1
    assert DOWN in row.text
    again = next(row.all("a"))
    assert again.get("hx-target") == "closest tbody"
    sandbox.forget_calls()
    following = linked.get(str(again.get("hx-get")), htmx=True)
    assert file_names(following)[0] == "IMG_00101.JPG"
    assert len(asked(sandbox)) == 1


# ---- what Box refuses or cannot do


def test_a_folder_that_is_gone_and_one_that_is_closed_to_me_read_the_same(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    gone, closed = (address_of(sandbox, here, path) for path in (SAFETY, PREVIEWED))
    sandbox.change("trash", SAFETY)
    sandbox.change("unshare", PREVIEWED)
    for address in (gone, closed, f"{here}box/folders/4711"):
        page = linked.get(address, expect=424)
        assert GONE in page.text
        assert is_usable(page)
        assert GONE in linked.get(address, htmx=True, expect=424).text


def test_a_folder_that_box_forbids_is_told_as_a_folder(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    fail_items(sandbox, status=403, json={"code": "access_denied_insufficient_permissions"})
    page = linked.get(address_of(sandbox, here, SAFETY), expect=424)
    assert GONE in page.text
    assert "download" not in page.text


def test_a_file_is_no_folder(linked: Visitor, sandbox: SandboxProcess, here: str) -> None:
    address = address_of(sandbox, here, f"{SAFETY}/JHA - crane.pdf")
    assert GONE in linked.get(address, expect=424).text


@pytest.mark.parametrize(
    ("action", "sentence"),
    [
        ({"status": 500}, DOWN),
        ({"status": 502, "body": "<html>bad gateway</html>"}, DOWN),
        ({"reset_after": 0}, DOWN),
        ({"truncate_after": 50}, DOWN),
        ({"status": 200, "body": "{"}, "Box answered in a way Plumbline does not understand."),
        ({"status": 200, "body": "<html>"}, "Box answered in a way Plumbline does not understand."),
        ({"redirect": "http://127.0.0.1:9/"}, "Box answered in a way Plumbline does not"),
    ],
)
def test_what_goes_wrong_with_box_is_one_sentence_and_trying_again_works(
    linked: Visitor, sandbox: SandboxProcess, here: str, action: dict[str, Any], sentence: str
) -> None:
    address = address_of(sandbox, here, RFIS)
    fail_items(sandbox, **action)
    page = linked.get(f"{address}?sort=date&dir=desc", expect=424)
    assert sentence in page.text
    assert is_usable(page)
    again = page.links()["Try again"]
    assert "sort=date" in again
    assert crumbs(linked.get(again)).endswith("05 RFIs")


def test_the_first_folder_that_fails_is_a_panel_from_which_the_dialog_goes_on(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    fail_items(sandbox, status=500)
    panel = linked.get(f"{here}box/", htmx=True, expect=424)
    assert len(list(panel.all("div", id="picker-panel"))) == 1
    retry = next(a for a in panel.all("a") if a.get("href") == panel.links()["Try again"])
    assert retry.get("hx-target") == "#picker-folder"
    folder = linked.get(str(retry.get("hx-get")), htmx=True)
    assert "Quillmark Projects" in folder_names(folder)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("abc", 5), ("-1", 5), ("99999", 900), (None, 5), ("0", 1)],
)
def test_when_box_is_busy_the_page_says_how_long_it_asks_to_wait(
    linked: Visitor, sandbox: SandboxProcess, here: str, header: str | None, seconds: int
) -> None:
    headers = {"Retry-After": header} if header else {}
    fail_items(sandbox, status=429, headers=headers)
    page = linked.get(address_of(sandbox, here, SAFETY), expect=424)
    assert "Box asks us to wait a little." in page.text
    unit = "second" if seconds == 1 else "seconds"
    assert f"Box asks to wait {seconds} {unit}." in page.text
    retry = next(a for a in page.all("a") if a.get("href") == page.links()["Try again"])
    expected = f"click, load delay:{seconds}s" if seconds <= 30 else None
    assert retry.get("hx-trigger") == expected


def test_a_date_to_wait_for_is_understood_as_well(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    at = formatdate(time.time() + 20, usegmt=True)
    fail_items(sandbox, status=429, headers={"Retry-After": at})
    text = linked.get(f"{here}box/", expect=424).text
    assert any(f"Box asks to wait {seconds} seconds." in text for seconds in range(15, 21))


def test_a_page_asks_a_busy_box_three_times_by_itself_and_then_waits_for_the_person(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    fail_items(sandbox, times=None, status=429, headers={"Retry-After": "1"})
    address, tried_by_itself = address_of(sandbox, here, SAFETY), 0
    for _step in range(5):
        page = linked.get(address, htmx=True, expect=424)
        retry = next(a for a in page.all("a") if a.get("href") == page.links()["Try again"])
        tried_by_itself += retry.get("hx-trigger") is not None
        address = str(retry.get("hx-get"))
    assert tried_by_itself == 3
    sandbox.clear_faults()
    assert lines(linked.get(address, htmx=True))


@pytest.mark.parametrize("extra", ["endpoint=x", "_external=1", "_anchor=x", "t=x", "folder_id=1"])
def test_what_else_stands_in_an_address_never_reaches_the_one_to_try_again(
    linked: Visitor, sandbox: SandboxProcess, here: str, extra: str
) -> None:
    fail_items(sandbox, status=500)
    page = linked.get(f"{address_of(sandbox, here, SAFETY)}?{extra}", expect=424)
    again = page.links()["Try again"]
    assert again.startswith(address_of(sandbox, here, SAFETY))
    assert extra not in again


@pytest.mark.slow
def test_a_silent_box_holds_a_page_for_ten_seconds_at_most(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    fail_items(sandbox, hang_s=30)
    began = time.monotonic()
    page = linked.get(address_of(sandbox, here, SAFETY), expect=424)
    assert time.monotonic() - began < 10.5
    assert DOWN in page.text
    assert is_usable(page)


@pytest.mark.slow
def test_a_deep_link_waits_for_one_slow_answer_and_not_for_two(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.faults(
        {"match": {"path": r"/folders/\d+(/items)?$"}, "times": None, "action": {"delay_ms": 2500}}
    )
    began = time.monotonic()
    page = linked.get(address_of(sandbox, here, SAFETY))
    assert time.monotonic() - began < 4.5
    assert len(lines(page)) == 14
    assert crumbs(page) == "All files / …"
    assert len(asked(sandbox)) == 1


def test_a_name_that_box_will_not_tell_is_no_reason_to_hide_the_folder(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.faults({"match": {"path": r"/folders/\d+$"}, "action": {"status": 500}})
    page = linked.get(address_of(sandbox, here, SAFETY))
    assert len(lines(page)) == 14
    assert crumbs(page) == "All files / …"


# ---- when Box is shut


def test_a_link_that_ended_leads_to_reconnecting_and_then_on_with_everything_chosen(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = address_of(sandbox, here, SAFETY)
    tick(linked, here, lines(linked.get(address))[0].token)
    sandbox.revoke()
    page = linked.get(address, expect=424)
    assert "Your Box link has ended" in page.text
    assert is_usable(page)
    shut = linked.get(page.links()["Reconnect Box"])
    assert "Your Box link has ended" in shut.text
    assert "The 1 file you chose is kept." in shut.text
    assert shut.form("/settings/box/link")
    partial = linked.get(address, htmx=True)
    assert partial.response.headers["HX-Retarget"] == "#picker-panel"
    assert partial.response.headers["HX-Reswap"] == "outerHTML"
    link(linked, sandbox)
    page = linked.get(address)
    assert len(lines(page)) == 14
    assert chosen(page) == [lines(page)[0].name]
    assert lines(page)[0].is_chosen


def test_without_a_link_the_dialog_asks_for_it_and_goes_on_with_the_draft_and_the_tray(
    alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    page = alice.post(f"/projects/{world.tower}/rfis")
    record = str(page.response.request.path).removesuffix("/edit")
    alice.post(f"{record}/keep", {**page.form("/edit").values, "title": "Half a thought"})
    here = f"{record}/attach/"
    page = alice.get(f"{here}box/")
    assert "Attach straight from your Box" in page.text
    assert page.form("/settings/box/link")
    panel = next(alice.get(f"{here}box/", htmx=True).all("div", id="picker-panel"))
    assert (panel.get("hx-get"), panel.get("hx-trigger")) == (f"{here}box/", "every 3s")
    upload(alice, here, "notes.txt")
    link(alice, sandbox)
    panel_after = alice.get(f"{here}box/", htmx=True)
    assert "Quillmark Projects" in folder_names(panel_after)
    assert chosen(alice.get(f"{here}box/")) == ["notes.txt"]
    assert "Half a thought" in alice.get(f"{record}/edit").html


def test_where_the_company_has_switched_box_off_the_page_says_who_can_switch_it_on(
    linked: Visitor, sandbox: SandboxProcess, world: World, here: str
) -> None:
    address = address_of(sandbox, here, SAFETY)
    token = lines(linked.get(address))[0].token
    tick(linked, here, token)
    linked.post(f"/companies/{world.acme}/settings/box", {"action": "off"})
    sandbox.forget_calls()
    page = linked.get(address)
    assert "Box is off here" in page.text
    assert "Acme Builders has switched Box off. Its administrators can switch it on" in page.text
    assert "Use my computer" in page.links()
    assert len(chosen(page)) == 1
    refused = tick(linked, here, token, expect=409)
    assert "Acme Builders has switched Box off." in refused.text
    assert asked(sandbox) == []
    linked.post(f"/companies/{world.acme}/settings/box", {"action": "on"})
    assert len(lines(linked.get(address))) == 14


def test_where_no_company_has_box_the_page_says_who_can_ask_for_it(
    charlie: Visitor, world: World
) -> None:
    page = charlie.get(f"/projects/{world.bridge}/rfis/{world.bridge_rfi}/attach/")
    assert "Box is on in none of your companies." in page.text
    assert "ask for" in page.text
    assert [f for f in page.all("form") if (f.get("action") or "").endswith("/link")] == []


def test_the_dialog_of_a_response_browses_as_well(
    bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(bob, sandbox)
    record = f"/projects/{world.tower}/punch-list/{world.punch}"
    page = bob.post(f"{record}/sections/responses", {"text": "See photos", "attach": "1"})
    here = page.response.request.path
    assert here == f"{record}/rows/1/attach/box/"
    folder = line(page, "Quillmark Projects")
    assert folder.href.startswith(f"{here}folders/")
    page = bob.get(folder.href)
    assert crumbs(page) == "All files / Quillmark Projects"
    assert page.form("box/choose").action == f"{here}choose"


def test_the_dialog_names_the_account_and_leads_to_the_help(
    linked: Visitor, here: str, sandbox: SandboxProcess
) -> None:
    page = linked.get(f"{here}box/")
    assert f"Linked as {DEVON}" in page.text
    assert page.links()["Help"] == "/help/box"
    assert page.links()["My Settings"] == "/settings/box"
    linked.submit(linked.get("/settings/box/disconnect"), "/disconnect")
    shut = linked.get(f"{here}box/")
    assert "Linked as" not in shut.text
    assert shut.links()["How it works"] == "/help/box"
