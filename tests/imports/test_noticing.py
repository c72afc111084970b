"""A page that was open before learns of copies, and all of them can be stopped at once."""

import pytest

from tests.imports.conftest import CARDS, SMALL, W9, Bench
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.imports.models import ItemState

pytestmark = pytest.mark.wide


def looks(visitor: Visitor, page: Page) -> str:
    """Ask what a page asks every five seconds; return the event that it hears."""
    (asking,) = [e for e in page.all("span") if e.get("hx-trigger") == "every 5s"]
    answer = visitor.get(asking.get("hx-get", ""), htmx=True, expect=204)
    return answer.response.headers.get("HX-Trigger", "")


def test_a_page_open_before_copies_began_hears_of_their_beginning_and_their_end(
    bench: Bench, bob: Visitor
) -> None:
    page = bob.get(bench.record)
    assert looks(bob, page) == ""
    bench.attach(CARDS)
    assert looks(bob, page) == "files-changed"
    moving = bob.get(f"{bench.record}/files", htmx=True)
    assert "every 2s" in moving.html
    assert "every 5s" not in moving.html
    bench.work()
    rested = bob.get(f"{bench.record}/files", htmx=True)
    assert looks(bob, rested) == ""


def test_whoever_does_not_see_the_record_hears_nothing(
    bench: Bench, charlie: Visitor, bob: Visitor
) -> None:
    page = bob.get(bench.record)
    (asking,) = [e for e in page.all("span") if e.get("hx-trigger") == "every 5s"]
    charlie.get(asking.get("hx-get", ""), htmx=True, expect=404)


def test_all_copies_to_a_record_are_cancelled_with_one_press(
    bench: Bench, bob: Visitor, world: World
) -> None:
    link(bob, bench.sandbox)
    elsewhere = f"/projects/{world.tower}/rfis/{world.private_rfi}/attach/"
    copying.attach(bench.person, bench.sandbox, elsewhere, CARDS)
    bench.attach(CARDS, SMALL, W9)
    assert "Cancel all copies" not in bob.get(bench.record).text
    bob.post("/imports/cancel", {"record": bench.record.rpartition("/")[2]})
    assert {item.state for item in bench.items()} == {ItemState.QUEUED}
    bench.person.submit(bench.page(), "/imports/cancel")
    assert [item.state for item in bench.items()] == [
        ItemState.QUEUED,
        *[ItemState.CANCELLED] * 3,
    ]
    assert "Cancel all copies" not in bench.page().text
    for wrong in ("", "x", "9" * 30):
        bench.person.post("/imports/cancel", {"record": wrong})


def answer(bench: Bench, *paths: str) -> None:
    """Send a response with files of Box."""
    page = bench.person.submit(bench.page(), "/sections/responses", text="See these", attach="yes")
    place = str(page.response.request.path).partition("/attach/")[0]
    copying.attach(bench.person, bench.sandbox, f"{place}/attach/", *paths)
    bench.person.submit(bench.page(), "/sections/responses", text="See these")


def asks_again(visitor: Visitor, page: Page) -> tuple[Page, str]:
    """Ask for the files as the page does while they move; return them and the event it hears."""
    (files,) = page.all("section", id="tools-files")
    assert "every 2s" in files.get("hx-trigger", "")
    answered = visitor.get(files.get("hx-get", ""), htmx=True)
    return answered, answered.response.headers.get("HX-Trigger", "")


def test_a_page_hears_of_copies_that_others_began_in_rows(bench: Bench, bob: Visitor) -> None:
    page = bob.get(bench.record)
    answer(bench, W9)
    assert looks(bob, page) == "files-changed"
    bench.attach(CARDS)
    page, event = asks_again(bob, bob.get(bench.record))
    assert event == ""
    answer(bench, SMALL)
    # The record's own copies move meanwhile: what it asks then tells of its rows as well, once.
    page, event = asks_again(bob, page)
    assert event == "files-changed"
    assert asks_again(bob, page)[1] == ""


def test_copies_to_rows_are_cancelled_with_those_to_the_record(
    bench: Bench, bob: Visitor, world: World
) -> None:
    bench.attach(CARDS)
    answer(bench, SMALL, W9)
    page = bench.page()
    assert "Cancel 3 copies" in page.text
    assert "2 of them are for rows and responses of this record." in page.text
    bob.post("/imports/cancel", {"record": bench.record.rpartition("/")[2]})
    assert {item.state for item in bench.items()} == {ItemState.QUEUED}
    bench.person.submit(page, "/imports/cancel")
    assert {item.state for item in bench.items()} == {ItemState.CANCELLED}
    assert "Cancel all copies" not in bench.page().text
