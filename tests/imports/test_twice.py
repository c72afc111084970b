"""The same version of a file hangs on a record once, whoever attaches it and whenever."""

import threading

import pytest
from flask import Flask
from sqlalchemy import update

from tests.imports.conftest import CARDS, SMALL, W9, Bench
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState

pytestmark = pytest.mark.wide


@pytest.fixture
def both(bench: Bench, bob: Visitor, world: World) -> tuple[Bench, Visitor]:
    """Alice and Bob before one punch item, with the same folder of Box before them."""
    bench.record = f"/projects/{world.tower}/punch-list/{world.punch}"
    link(bob, bench.sandbox)
    return bench, bob


def names(bench: Bench) -> list[str]:
    return sorted(file.name for file in bench.attachments())


def test_what_somebody_attached_since_it_was_chosen_is_left_out_and_the_rest_goes_through(
    both: tuple[Bench, Visitor],
) -> None:
    bench, bob = both
    bench.choose(CARDS, SMALL)
    copying.attach(bob, bench.sandbox, bench.target, CARDS)
    bench.work()
    page = bench.person.submit(bench.person.get(bench.target), "/send")
    assert "Contact cards.vcf was attached here already by Bob Test, today" in page.text
    assert "Everything else was accepted." in page.text
    bench.work()
    assert names(bench) == ["Contact cards.vcf", "Letter 0012 - Notice of delay.docx"]
    bench.check()


def test_what_is_on_its_way_by_somebody_else_is_left_out_too_and_the_dialog_says_so(
    both: tuple[Bench, Visitor],
) -> None:
    bench, bob = both
    bench.choose(CARDS)
    copying.attach(bob, bench.sandbox, bench.target, CARDS)
    form = bench.person.get(bench.target).form("/send")
    answer = bench.person.post(form.action, form.values, csrf=False, htmx=True)
    assert "Contact cards.vcf is on its way here already; Bob Test chose it today" in answer.text
    assert "Everything else" not in answer.text
    assert answer.response.headers["HX-Trigger"] == "files-changed, tray-changed"
    assert "0 files" in answer.text
    bench.work()
    assert names(bench) == ["Contact cards.vcf"]
    bench.check()


def test_a_removed_file_may_be_attached_again(both: tuple[Bench, Visitor]) -> None:
    bench, bob = both
    copying.attach(bob, bench.sandbox, bench.target, CARDS)
    bench.work()
    (file,) = bench.attachments()
    bob.post(f"/attachments/{file.public_id}/remove")
    bench.attach(CARDS)
    bench.work()
    assert [one.removed_at is None for one in bench.attachments()] == [False, True]
    bench.check()


def test_two_who_press_attach_at_the_same_moment_attach_it_once(
    both: tuple[Bench, Visitor],
) -> None:
    bench, bob = both
    sent = []
    for person in (bench.person, bob):
        copying.choose(person, bench.sandbox, bench.target, CARDS, W9)
        sent.append((person, person.get(bench.target).form("/send")))
    barrier = threading.Barrier(2)

    def press(person: Visitor, action: str, values: dict[str, list[str]]) -> None:
        barrier.wait(10)
        person.post(action, values, csrf=False, htmx=True, expect=None)

    presses = [threading.Thread(target=press, args=(p, f.action, f.values)) for p, f in sent]
    for one in presses:
        one.start()
    for one in presses:
        one.join(20)
    bench.work()
    assert len(names(bench)) == 2
    bench.check()


def test_a_copy_that_failed_is_not_made_twice_when_somebody_else_has_attached_it(
    both: tuple[Bench, Visitor], app: Flask
) -> None:
    bench, bob = both
    copying.attach(bob, bench.sandbox, bench.target, CARDS)
    with app.app_context():
        gone = update(ImportItem).values(
            state=ItemState.FAILED, reason="box_down", finished_at=utcnow()
        )
        db.session.execute(gone)
        db.session.commit()
        db.session.remove()
    bench.attach(CARDS)
    bench.work()
    bob.post(f"/imports/items/{bench.items()[0].id}/retry")
    bench.work()
    assert bench.items()[0].reason == "attached_before"
    assert (
        "Not copied again: Alice Test has attached this version there" in bob.get(bench.record).text
    )
    assert names(bench) == ["Contact cards.vcf"]
    bench.check()
