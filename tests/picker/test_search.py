"""Searching one's Box by name: here and below or everywhere, page by page, and not without end."""

import re
from urllib.parse import parse_qs, urlencode

import pytest
from flask import Flask
from limits import parse

from tests.picker.dialog import (
    EMPTY,
    PHOTOS,
    PROJECT,
    SAFETY,
    address_of,
    asked,
    chosen,
    click,
    id_of,
    line,
    lines,
    more,
    tick,
)
from tests.sandbox.process import SandboxProcess
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.core.extensions import limiter

pytestmark = pytest.mark.wide


def search(here: str, query: str, **more_args: str) -> str:
    return f"{here}box/search?{urlencode({'q': query, **more_args})}"


@pytest.fixture(autouse=True)
def _unhurried(sandbox: SandboxProcess) -> None:
    """Let tests search faster than Box lets anybody."""
    sandbox.settings(rate_limits=False)


@pytest.fixture
def counted(app: Flask, limits: None) -> None:
    with app.app_context():
        limiter.reset()


def test_a_search_looks_below_this_folder_or_everywhere(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    folder = id_of(sandbox, SAFETY)
    below = linked.get(search(here, "jha", scope="folder", folder=folder))
    assert {row.name for row in lines(below)} == {
        "JHA - crane.pdf",
        "JHA - hot work.pdf",
        "JHA - leading edge.pdf",
        "JHA - trenching.pdf",
    }
    assert "Search in 10 Safety" in below.text
    assert "4 hits" in below.text
    nothing = linked.get(search(here, "curtain", scope="folder", folder=folder))
    assert lines(nothing) == []
    everywhere = linked.get(search(here, "curtain", scope="all", folder=folder))
    assert "Search in all of Box" in everywhere.text
    assert "08 44 13 Curtain Wall" in [row.name for row in lines(everywhere) if row.href]


def test_a_search_is_one_call_to_box(linked: Visitor, sandbox: SandboxProcess, here: str) -> None:
    folder = linked.get(address_of(sandbox, here, SAFETY), htmx=True)
    sandbox.forget_calls()
    address = search(here, "crane", scope="folder", folder=id_of(sandbox, SAFETY))
    page = click(linked, folder, address)
    assert [call["path"] for call in asked(sandbox)] == ["/2.0/search"]
    assert "Search in 10 Safety" in page.text


def test_a_hit_says_where_it_is_and_is_chosen_from_there(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(search(here, "leading edge", scope="all"))
    hit = line(page, "JHA - leading edge.pdf")
    assert hit.note == "Quillmark Projects / 2317 Larkspur MOB / 10 Safety"
    sealed = page.form("box/choose").values["in"][0]
    tray = tick(linked, here, hit.token, within=sealed)
    assert chosen(tray) == ["JHA - leading edge.pdf"]
    assert "Quillmark Projects / 2317 Larkspur MOB / 10 Safety" in tray.text
    again = linked.get(search(here, "leading edge", scope="all"))
    assert line(again, "JHA - leading edge.pdf").is_chosen
    assert line(linked.get(address_of(sandbox, here, SAFETY)), hit.name).is_chosen


def test_hits_are_paged_to_the_end_and_none_is_lost_or_doubled(linked: Visitor, here: str) -> None:
    page = first = linked.get(search(here, "pdf", scope="all"), htmx=True)
    ids = [row.id or row.name for row in lines(first)]
    total = int(first.text.partition("of about ")[2].split()[0])
    assert len(ids) == 50
    assert total > 150
    while more(page):
        page = click(linked, first, more(page))
        ids += [row.id or row.name for row in lines(page)]
    assert len(ids) == total
    assert len(set(ids)) == total


def test_more_hits_are_a_page_without_a_script(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    folder = id_of(sandbox, PHOTOS)
    first = linked.get(search(here, "img", scope="folder", folder=folder))
    second = linked.get(more(first))
    assert second.h1 == "Attach files to RFI-001"
    assert "Search in Progress 2025 (all)" in second.text
    assert len({row.id for row in (*lines(first), *lines(second))}) == 100


def test_box_pages_no_further_than_ten_thousand_hits_and_neither_do_we(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    reply = {"entries": [], "total_count": 20_000, "limit": 50}
    for offset, goes_on in ((9_950, True), (10_000, False)):
        sandbox.faults(
            {
                "match": {"path": "/search$"},
                "action": {"status": 200, "json": {**reply, "offset": offset}},
            }
        )
        page = linked.get(search(here, "x", scope="all", o=str(offset)))
        assert bool(more(page)) is goes_on


@pytest.mark.parametrize(
    "offset", ["-50", "25", "10050", "x", "", "0000000000050", "٥٠", "1e3", "000010050"]
)
def test_a_page_of_hits_that_cannot_be_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, offset: str
) -> None:
    linked.get(search(here, "x", scope="all", o=offset), expect=400)
    assert asked(sandbox) == []


def test_nothing_found_says_where_and_that_box_may_be_late(linked: Visitor, here: str) -> None:
    page = linked.get(search(here, "<zzyzx>", scope="folder"))
    assert "Nothing in this folder matches “<zzyzx>”" in page.text
    assert "Box can take a few minutes to find a file that was just added" in page.text
    page = linked.get(search(here, "zzyzx", scope="all"))
    assert "Nothing in your Box matches “zzyzx”" in page.text


def test_a_fresh_file_is_found_as_soon_as_box_has_indexed_it(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.change("add_file", f"{EMPTY}/quokka.txt", size=10)
    address = search(here, "quokka", scope="all")
    assert lines(linked.get(address)) == []
    sandbox.settings(search_lag_s=0)
    assert [row.name for row in lines(linked.get(address))] == ["quokka.txt"]


@pytest.mark.parametrize("query", ["", "   ", "\t\n"])
def test_searching_for_nothing_shows_the_folder(
    linked: Visitor, sandbox: SandboxProcess, here: str, query: str
) -> None:
    page = linked.get(search(here, query, folder=id_of(sandbox, SAFETY)))
    assert len(lines(page)) == 14
    assert [call["path"] for call in asked(sandbox) if "search" in call["path"]] == []


def test_more_than_anybody_types_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = linked.get(search(here, "x" * 201, scope="all"), expect=400)
    assert page.h1 == "Plumbline could not read that"
    assert asked(sandbox) == []


@pytest.mark.parametrize("query", ["plan\x00", "\x07plan", "pl\x9fan", "\u200bplan\ufeff"])
def test_what_nobody_types_is_left_out_of_what_is_looked_for(
    linked: Visitor, sandbox: SandboxProcess, here: str, query: str
) -> None:
    found = linked.get(search(here, query, scope="all"))
    plain = linked.get(search(here, "plan", scope="all"))
    assert [row.name for row in lines(found)] == [row.name for row in lines(plain)] != []


@pytest.mark.parametrize(
    "query",
    [
        "x" * 200,
        "می\u200cخواهم",
        "👨\u200d👩\u200d👧",
        '"exact words" AND pdf',
        "%ff",
        "a&b=c#d",
        "' OR 1=1 --",
        "*",
    ],
)
def test_whatever_people_do_type_goes_to_box_as_it_is(
    linked: Visitor, sandbox: SandboxProcess, here: str, query: str
) -> None:
    linked.get(search(here, query, scope="all"))
    assert parse_qs(asked(sandbox)[0]["query"])["query"] == [query]


@pytest.mark.parametrize(
    "query", ["scope=mine", "scope=", "folder=../1", "folder=x", "folder=", "folder=-1"]
)
def test_a_place_to_search_that_is_none_is_refused_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, query: str
) -> None:
    linked.get(f"{here}box/search?q=x&{query}", expect=400)
    assert asked(sandbox) == []


def test_a_search_that_fails_says_so_and_trying_again_asks_for_the_same(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = search(here, "crane", scope="folder", folder=id_of(sandbox, SAFETY))
    headers = {"Retry-After": "3"}
    sandbox.faults({"match": {"path": "/search$"}, "action": {"status": 429, "headers": headers}})
    page = linked.get(address, expect=424)
    assert "Box asks to wait 3 seconds." in page.text
    again = linked.get(page.links()["Try again"])
    assert "JHA - crane.pdf" in [row.name for row in lines(again)]


def test_more_hits_that_fail_take_the_place_of_their_own_row_only(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    first = linked.get(search(here, "img", scope="all"), htmx=True)
    sandbox.faults({"match": {"path": "/search$"}, "action": {"status": 503}})
    row = click(linked, first, more(first), expect=424)
    assert row.html.strip().startswith("<tbody")
    assert len(list(row.all("tr"))) == 1
    following = linked.get(row.links()["Try again"], htmx=True)
    assert len(lines(following)) == 50


def test_a_search_below_a_folder_that_is_gone_says_so(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    folder = id_of(sandbox, SAFETY)
    sandbox.change("trash", SAFETY)
    page = linked.get(search(here, "crane", scope="folder", folder=folder), expect=424)
    assert "This folder is no longer in your Box" in page.text


# ---- not without end


def spend(app: Flask, world: World, limit: str, times: int) -> None:
    """Use up what Alice may search, as if she had searched so often just now."""
    with app.app_context():
        key = f"picker-{world.people['alice']}"
        assert limiter.limiter.hit(parse(limit), key, "box-search", cost=times)


def test_a_person_searches_thirty_times_a_minute_and_then_waits_politely(
    app: Flask,
    linked: Visitor,
    bob: Visitor,
    sandbox: SandboxProcess,
    here: str,
    world: World,
    counted: None,
) -> None:
    spend(app, world, "30/minute", 29)
    assert lines(linked.get(search(here, "crane", scope="all")))
    sandbox.forget_calls()
    page = linked.get(search(here, "crane", scope="all"), expect=424)
    assert "That was many searches in a short time." in page.text
    wait = re.search(r"It can go on in (\d+) seconds", page.text)
    assert wait
    assert 30 < int(wait[1]) <= 61
    again = next(a for a in page.all("a") if "Try again" in "".join(a.itertext()))
    assert again.get("hx-trigger") == f"click, load delay:{wait[1]}s"
    assert "q=crane" in again.get("hx-get", "")
    other = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    linked.get(search(other, "crane", scope="all"), expect=424)
    assert asked(sandbox) == []
    assert lines(linked.get(address_of(sandbox, here, SAFETY)))
    link(bob, sandbox)
    assert lines(bob.get(search(other, "crane", scope="all")))


def test_more_than_six_searches_a_second_wait_a_second(
    app: Flask, linked: Visitor, sandbox: SandboxProcess, here: str, world: World, counted: None
) -> None:
    for _ in range(10):
        with app.app_context():
            limiter.reset()
        spend(app, world, "6/second", 6)
        page = linked.get(search(here, "crane"), htmx=True, expect=None)
        if page.status == 424:
            assert re.search(r"It can go on in [12] seconds?\.", page.text)
            return
    raise AssertionError("seven searches in a second are let through")


def test_folders_are_opened_three_hundred_times_a_minute(
    linked: Visitor, sandbox: SandboxProcess, here: str, counted: None
) -> None:
    for _ in range(300):
        linked.get(f"{here}box/folders/none", expect=400)
    page = linked.get(address_of(sandbox, here, PROJECT), expect=429)
    assert "300 per 1 minute" in page.text
    assert asked(sandbox) == []


def test_attach_is_pressed_sixty_times_a_minute(linked: Visitor, here: str, counted: None) -> None:
    for _ in range(60):
        linked.post(f"{here}send", {"key": "none"}, expect=422)
    page = linked.post(f"{here}send", {"key": "none"}, expect=429)
    assert "60 per 1 minute" in page.text
    assert int(page.response.headers["Retry-After"]) > 0


def test_who_is_not_signed_in_uses_up_nobodys_searches(
    visitor: Visitor, linked: Visitor, here: str, counted: None
) -> None:
    for _ in range(31):
        visitor.get(search(here, "x"), htmx=True, expect=401)
    linked.get(search(here, "crane"))
