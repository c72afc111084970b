"""Lists filter, sort and page in SQL, and show only what the person may see."""

import os
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import text, update

from tests.support.pages import Page, Visitor
from tests.support.world import World, add_record
from webapp.companies.models import Level
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools import lists
from webapp.tools.catalog.rfis import TOOL as RFIS

SignIn = Callable[[str], Visitor]


def rfis(world: World) -> str:
    return f"/projects/{world.tower}/rfis"


def titles(page: Page) -> list[str]:
    return ["".join(a.itertext()) for a in page.all("a", class_="subject")]


@pytest.fixture
def many(app: Flask, world: World) -> None:
    """A hundred and twenty RFIs more."""
    with app.app_context():
        for number in range(120):
            add_record(db.session(), world, "rfis", f"Question {number:03d}", status="open")
        db.session.commit()


def test_a_long_list_is_paged(many: None, alice: Visitor, world: World) -> None:
    page = alice.get(f"{rfis(world)}?sort=number")
    assert len(titles(page)) == 50
    assert "1 to 50 of 123" in page.text
    page = alice.get(f"{rfis(world)}?sort=number&page=3")
    assert "101 to 123 of 123" in page.text
    beyond = alice.get(f"{rfis(world)}?sort=number&page=99")
    assert titles(beyond) == titles(page)


def test_it_sorts_by_every_column_both_ways(many: None, alice: Visitor, world: World) -> None:
    up = titles(alice.get(f"{rfis(world)}?sort=title&q=Question"))
    assert up == sorted(up)
    down = titles(alice.get(f"{rfis(world)}?sort=title&dir=desc&q=Question"))
    assert down == sorted(down, reverse=True)
    for key in ("number", "status", "due_on", "location", "updated"):
        alice.get(f"{rfis(world)}?sort={key}&dir=desc")


def test_what_is_overdue_comes_first_and_closed_last(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        today = utcnow().date()
        for record_id, due in ((world.rfi, today), (world.private_rfi, today - timedelta(days=3))):
            db.session.execute(update(Record).where(Record.id == record_id).values(due_on=due))
        closed = add_record(db.session(), world, "rfis", "Done long ago", status="closed")
        db.session.execute(
            update(Record)
            .where(Record.id == closed)
            .values(due_on=today - timedelta(days=90), is_open=False)
        )
        db.session.commit()
    page = alice.get(rfis(world))
    assert titles(page) == [
        "A private matter",
        "Stair 2 slab edge",
        "Not yet asked",
        "Done long ago",
    ]
    assert "3 days late" in page.text
    overdue = alice.get(f"{rfis(world)}?status=overdue")
    assert titles(overdue) == ["A private matter"]


def test_it_filters_by_status_holder_place_and_words(alice: Visitor, world: World) -> None:
    here = rfis(world)
    alice.submit(alice.get(f"{here}/{world.rfi}/edit"), "/edit", location="Building>Level 1>Lobby")
    assert titles(alice.get(f"{here}?status=draft")) == ["Not yet asked"]
    assert "Stair 2 slab edge" in titles(alice.get(f"{here}?ball={world.people['bob']}"))
    assert titles(alice.get(f"{here}?ball={world.people['rita']}")) == []
    assert titles(alice.get(f"{here}?location=Building")) == ["Stair 2 slab edge"]
    assert titles(alice.get(f"{here}?location=Building%3ELevel+1%3ELob")) == []
    assert titles(alice.get(f"{here}?q=SLAB")) == ["Stair 2 slab edge"]
    assert titles(alice.get(f"{here}?q=RFI-002")) == ["A private matter"]
    empty = alice.get(f"{here}?q=100%25")
    assert "Nothing matches" in empty.text


@pytest.mark.parametrize(
    "query",
    [
        "sort=created_by_id",
        "sort=title;drop",
        "page=0",
        "page=-1",
        "page=9999999999",
        "page=x",
        "ball=x",
        "ball=99999999999999999999999999",
        "manager=%27%20OR%201=1",
        "status=%00",
        "q=" + "x" * 5000,
        "q=%ff%fe",
        "location=" + "%25" * 100,
        "dir=sideways",
    ],
)
def test_nonsense_in_the_address_is_not_asked_for(alice: Visitor, world: World, query: str) -> None:
    alice.get(f"{rfis(world)}?{query}")


def test_htmx_gets_the_lines_alone(alice: Visitor, world: World) -> None:
    page = alice.get(f"{rfis(world)}?q=stair", htmx=True)
    assert titles(page) == ["Stair 2 slab edge"]
    assert page.html.strip().startswith('<div id="tools-lines">')
    assert "HX-Request" in page.response.headers["Vary"]


def test_the_navigation_counts_what_is_in_ones_court(
    bob: Visitor, signed_in: SignIn, world: World
) -> None:
    page = bob.get(f"/projects/{world.tower}")
    assert page.links().keys() >= {"RFIs2 in your court", "Punch List1 in your court"}
    assert "In your court" in signed_in("rita").get(f"/projects/{world.tower}").text


def test_tools_one_has_no_level_for_do_not_exist(signed_in: SignIn, world: World) -> None:
    nell = signed_in("nell")
    page = nell.get(f"/projects/{world.tower}")
    assert "RFIs" not in page.links()
    assert "Punch List" in " ".join(page.links())
    nell.get(rfis(world), expect=404)


def test_a_reader_sees_no_button_to_create(signed_in: SignIn, world: World) -> None:
    rita = signed_in("rita")
    assert "New RFI" not in rita.get(rfis(world)).text
    rita.post(rfis(world), expect=404)


def test_one_person_in_two_companies_switches_without_signing_in_again(
    signed_in: SignIn, world: World
) -> None:
    dora = signed_in("dora")
    page = dora.get(f"/projects/{world.tower}")
    assert "B-1 Bridge" in page.links()
    page = dora.get(page.links()["B-1 Bridge"])
    assert page.h1 == "Bridge"
    page = dora.get(page.links()["Acme Builders"])
    assert page.h1 == "Acme Builders"


@pytest.mark.skipif(
    os.environ.get("TEST_DEPLOYMENT", "sqlite") != "sqlite", reason="reads SQLite's query plan"
)
def test_an_index_gives_the_lists_own_order(app: Flask, world: World) -> None:
    with app.test_request_context():
        filter_ = lists.Filter.from_args(RFIS, {})
        query = lists._matching(world.tower, 1, Level.STANDARD, filter_)
        ordered = query.order_by(*lists._order(filter_)).limit(51)
        sql = str(ordered.compile(db.engine, compile_kwargs={"literal_binds": True}))
        plan = [row[3] for row in db.session.execute(text(f"EXPLAIN QUERY PLAN {sql}"))]
        db.session.remove()
    assert any("USING INDEX ix_records_due" in step for step in plan)
    assert not any("TEMP B-TREE" in step for step in plan), plan


def test_words_are_found_in_any_script_whatever_their_case(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        # An E with its accent as one letter, and as a letter with an accent behind it.
        for title in ("\u00c9TAGE 2", "e\u0301tage 3", "Straße am Fluß", "ЩИТ 7"):
            add_record(db.session(), world, "rfis", title, status="open")
        db.session.commit()
    here = rfis(world)
    for said, found in (
        ("\u00e9tage", {"\u00c9TAGE 2", "e\u0301tage 3"}),
        ("STRASSE", {"Straße am Fluß"}),
        ("щит", {"ЩИТ 7"}),
    ):
        assert set(titles(alice.get(here, query_string={"q": said}))) == found


def test_a_new_title_is_found_and_the_old_one_no_longer(
    app: Flask, alice: Visitor, world: World
) -> None:
    with app.app_context():
        record = db.session.get_one(
            Record, add_record(db.session(), world, "rfis", "Before", status="open")
        )
        record.title = "Afterwards"
        db.session.commit()
    assert titles(alice.get(f"{rfis(world)}?q=afterw")) == ["Afterwards"]
    assert titles(alice.get(f"{rfis(world)}?q=before")) == []


def test_more_records_than_anybody_counts_are_paged_all_the_same(
    app: Flask, alice: Visitor, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "COUNTED", 60)
    with app.app_context():
        for n in range(120):
            add_record(db.session(), world, "punch_list", f"Scratch {n}", status="initiated")
        db.session.commit()
        db.session.remove()
    here = f"/projects/{world.tower}/punch-list"
    first = alice.get(here)
    assert "1 to 50 of more than" in first.text
    assert "Earlier" not in first.links()
    last = alice.get(f"{here}?page=3")
    assert "Later" not in last.links()
    seen = [name for page in (1, 2, 3) for name in alice.get(f"{here}?page={page}").links()]
    scratches = [name for name in seen if name.startswith("Scratch ")]
    assert len(scratches) == len(set(scratches)) == 120
