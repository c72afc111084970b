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
