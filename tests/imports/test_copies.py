"""How far a copy is, the same for everybody, and one's own copies on every page."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.support.copying import attach
from tests.support.linking import link
from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports import claims, importer
from webapp.imports.claims import LEASE
from webapp.imports.models import ImportItem, ItemState

SignIn = Callable[[str], Visitor]
COPIES = "/imports/"


def put(bench: Bench, **values: Any) -> None:
    with bench.app.app_context():
        db.session.execute(update(ImportItem).values(**values))
        db.session.commit()


def copying(bench: Bench, silent_s: float = -600, **values: Any) -> None:
    """Let the item be in the hands of a worker that last spoke so long ago, or will for a while."""
    until = utcnow() + LEASE - timedelta(seconds=silent_s)
    put(bench, state=ItemState.COPYING, started_at=utcnow(), leased_until=until, **values)


@pytest.mark.parametrize(
    ("done", "size", "rate", "said"),
    [
        (12_400_000, 80_000_000, 3_100_000, "12.4 of 80.0 MB, 3.1 MB/s, about 22 s left"),
        (400_000, 640_000, 80_000, "400 of 640 kB, 80 kB/s, about 3 s left"),
        (1_000_000_000, 4_600_000_000, 1_000_000, "1.0 of 4.6 GB, 1.0 MB/s, about 60 min left"),
        (1_000_000_000, 4_600_000_000, 100_000, "1.0 of 4.6 GB, 100 kB/s, about 10 h left"),
        (639_999, 640_000, 80_000, "about 1 s left"),
        (0, 80_000_000, 0, "0.0 of 80.0 MB"),
        (12_400_000, None, 3_100_000, "12.4 MB of unknown size"),
        (640_000, 640_000, 0, "All of it has come. It is being checked."),
    ],
)
def test_a_copy_says_how_much_has_come_how_fast_and_how_long_it_takes(
    bench: Bench, signed_in: SignIn, done: int, size: int | None, rate: int, said: str
) -> None:
    bench.attach(CARDS)
    copying(bench, bytes_done=done, size_bytes=size, bytes_per_s=rate)
    assert said in bench.page().text
    assert said in signed_in("rita").get(bench.record).text
    assert said in bench.person.get(f"/imports/{bench.item().batch_id}").text
    assert said in bench.person.get(COPIES, htmx=True).text


def test_a_rate_that_is_none_any_more_is_not_shown(bench: Bench) -> None:
    bench.attach(CARDS)
    copying(bench, silent_s=12, bytes_done=1_000_000, size_bytes=4_000_000, bytes_per_s=500_000)
    text = bench.page().text
    assert re.search(r"1\.0 of 4\.0 MB, nothing for [1-9][0-9] s", text)
    assert "kB/s" not in text


def test_the_worker_writes_how_fast_a_file_comes(bench: Bench) -> None:
    bench.attach(PERMIT)
    bench.sandbox.faults({"match": {"host": "download"}, "action": {"drip": 400_000}})
    worker = bench.work_beside()
    until = time.monotonic() + 30
    while not bench.item().bytes_per_s and time.monotonic() < until:
        time.sleep(0.1)
    item = bench.item()
    assert item.bytes_per_s > 0
    bench.person.post(f"/imports/items/{item.id}/cancel")
    worker.join(30)
    assert not worker.is_alive()


@pytest.mark.parametrize(
    "action",
    [{"drip": 50_000}, {"gate": "mid", "after_bytes": 3_000_000}],
    ids=["slow", "silent"],
)
def test_cancelling_ends_a_download_within_two_seconds(
    bench: Bench, action: dict[str, Any]
) -> None:
    """The worker looks often enough for two seconds; a busy machine may take longer to say so."""
    assert claims.HEARTBEAT_SECONDS + importer.FLUSH_SECONDS < 2
    bench.attach(PERMIT)
    bench.sandbox.faults({"match": {"host": "download"}, "action": action})
    worker = bench.work_beside()
    until = time.monotonic() + 30
    while not bench.item().bytes_done and time.monotonic() < until:
        time.sleep(0.05)
    began = time.monotonic()
    bench.person.post(f"/imports/items/{bench.item().id}/cancel")
    assert bench.item().state == ItemState.CANCELLED
    worker.join(60)
    # By itself the one would go on for minutes, the other for half a minute.
    assert time.monotonic() - began < 15
    assert bench.attachments() == []
    bench.check()


def polls(page: Page) -> bool:
    (part,) = page.all("div", id="imports-copies")
    return "every" in part.get("hx-trigger", "")


def asks_at_once(page: Page) -> bool:
    (part,) = page.all("div", id="imports-copies")
    return "load" in part.get("hx-trigger", "")


def test_pages_ask_for_ones_copies_only_while_there_are_any(
    bench: Bench, bob: Visitor, world: World
) -> None:
    elsewhere = f"/projects/{world.tower}/punch-list"
    assert not asks_at_once(bench.person.get(elsewhere))
    bench.attach(PERMIT, CARDS)
    for page in (elsewhere, "/settings/box", "/notices"):
        assert asks_at_once(bench.person.get(page))
    assert not asks_at_once(bob.get(elsewhere))
    part = bench.person.get(COPIES, htmx=True)
    assert polls(part)
    assert "2 waiting" in part.text
    assert part.links()["RFI-001"] == bench.record
    bench.work()
    part = bench.person.get(COPIES, htmx=True)
    assert not polls(part)
    assert part.text == ""
    assert not asks_at_once(bench.person.get(elsewhere))


def test_ones_copies_are_on_a_page_of_their_own_without_script(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    page = bench.person.get("/notices")
    there = page.links()["Your copies from Box"]
    page = bench.person.get(there)
    assert page.h1 == "Your copies from Box"
    assert "Contact cards.vcf" in page.text
    first = bench.items()[0]
    bench.person.submit(page, f"/imports/items/{first.id}/cancel")
    bench.work()
    assert "Nothing is being copied, and nothing failed." in bench.person.get(there).text


def test_what_failed_stays_until_it_is_dismissed_or_tried_again(bench: Bench) -> None:
    bench.attach(PERMIT, CARDS)
    put(bench, state=ItemState.FAILED, reason="box_down", finished_at=utcnow())
    part = bench.person.get(COPIES, htmx=True)
    assert "2 failed" in part.text
    assert not polls(part)
    permit, _cards = bench.items()
    dismissed = bench.person.post(f"/imports/items/{permit.id}/cancel", htmx=True, expect=204)
    assert "files-changed" in dismissed.response.headers["HX-Trigger"]
    assert "1 failed" in bench.person.get(COPIES, htmx=True).text
    bench.person.post("/imports/retry", htmx=True, expect=204)
    bench.work()
    states = [item.state for item in bench.items()]
    assert states == [ItemState.CANCELLED, ItemState.ATTACHED]
    assert bench.person.get(COPIES, htmx=True).text == ""


def test_many_copies_are_counted_and_some_are_listed_those_that_failed_first(
    bench: Bench,
) -> None:
    folder = "Quillmark Projects/2317 Larkspur MOB/12 Photos/Progress 2025 (all)"
    page = bench.person.get(f"{bench.target}box/folders/{bench.sandbox.world(folder)['id']}")
    tokens = [box.get("value") for box in page.all("input", name="choice")][:25]
    form = page.form("box/choose")
    bench.person.post(f"{bench.target}box/choose", {**form.values, "choice": tokens}, csrf=False)
    bench.person.submit(bench.person.get(bench.target), "/send")
    last = bench.items()[-1]
    with bench.app.app_context():
        failed = update(ImportItem).where(ImportItem.id == last.id)
        db.session.execute(failed.values(state=ItemState.FAILED, reason="box_down"))
        db.session.commit()
    part = bench.person.get(COPIES, htmx=True)
    assert "24 waiting, 1 failed" in part.text
    names = list(part.all("p", class_="name"))
    assert len(names) == 20
    assert names[0].text == last.name
    assert part.links()["See all 25"] == COPIES
    assert len(list(bench.person.get(COPIES).all("p", class_="name"))) == 25


def mark(page: Page, part: str = "imports-copies") -> str:
    """Return the address under which a part of a page asks for what has happened since."""
    (found,) = [e for e in page.tree.iter() if e.get("id") == part]
    return found.get("hx-get", "")


def said(page: Page) -> str:
    return "".join("".join(p.itertext()) for p in page.all("p", id="imports-said"))


def test_starts_and_ends_are_said_once_and_percents_never(bench: Bench) -> None:
    page = bench.page()
    assert said(page) == ""
    assert next(page.all("p", id="imports-said")).get("role") == "status"
    bench.attach(PERMIT, CARDS, W9)
    part = bench.person.get(mark(page), htmx=True)
    assert said(part) == "3 files are being copied"
    part = bench.person.get(mark(part), htmx=True)
    assert said(part) == ""
    bench.sandbox.change("delete", CARDS)
    bench.sandbox.change("delete", W9)
    bench.work()
    part = bench.person.get(mark(part), htmx=True)
    assert said(part) == "Building permit BP-25-0417.pdf is attached. 2 files failed"
    assert said(bench.person.get(mark(part), htmx=True)) == ""


def test_an_end_noted_before_anybody_could_read_it_is_said_all_the_same(bench: Bench) -> None:
    bench.attach(CARDS)
    part = bench.person.get(mark(bench.page()), htmx=True)
    bench.work()
    # As if it had ended just before the part was made, and could be read only just after it.
    moment, _dot, known = mark(part).partition("since=")[2].partition(".")
    assert known == str(bench.item().id)
    late = f"{COPIES}?since={int(moment) + 60_000}"
    assert said(bench.person.get(f"{late}.{known}", htmx=True)) == "Contact cards.vcf is attached"
    assert said(bench.person.get(late, htmx=True)) == ""


def test_a_page_that_has_just_come_says_nothing_of_what_it_shows(bench: Bench) -> None:
    bench.attach(PERMIT)
    page = bench.page()
    assert "since" not in mark(page)
    assert said(bench.person.get(mark(page), htmx=True)) == ""


def test_a_record_says_of_others_copies_what_its_reader_may_know(
    bench: Bench, signed_in: SignIn, world: World
) -> None:
    rita, charlie = signed_in("rita"), signed_in("charlie")
    before = mark(rita.get(bench.record), "tools-files")
    own = mark(rita.get("/notices"))
    mine = mark(bench.page(), "tools-files")
    bench.attach(CARDS)
    bench.work()
    assert said(rita.get(before, htmx=True)) == "Contact cards.vcf is attached"
    assert said(rita.get(own, htmx=True)) == ""
    assert said(bench.person.get(mine, htmx=True)) == ""
    charlie.get(before, htmx=True, expect=404)


@pytest.mark.parametrize(
    "since", ["", "x", "-1", "9" * 15, "9" * 30, "1e9", "²", "1,2", "1..2", "1.x"]
)
def test_a_strange_since_says_nothing(bench: Bench, since: str) -> None:
    bench.attach(CARDS)
    assert said(bench.person.get(f"{COPIES}?since={since}", htmx=True)) == ""


def test_nobody_reads_anothers_copies(bench: Bench, bob: Visitor) -> None:
    bench.attach(CARDS)
    part = bob.get(f"{COPIES}?since=1", htmx=True)
    assert "Contact" not in part.html
    assert "Contact" not in bob.get(COPIES).html


def test_what_one_may_not_see_any_more_is_not_among_ones_copies(
    bench: Bench, bob: Visitor, world: World
) -> None:
    from webapp.companies.models import CompanyMember

    link(bob, bench.sandbox)
    target = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    attach(bob, bench.sandbox, target, SMALL)
    assert "Letter 0012" in bob.get(COPIES).text
    with bench.app.app_context():
        db.session.query(CompanyMember).filter_by(person_id=world.people["bob"]).delete()
        db.session.commit()
    assert "Letter 0012" not in bob.get(COPIES).text
