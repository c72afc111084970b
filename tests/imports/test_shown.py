"""Attach sends what its page showed, from the account of Box that it was chosen in."""

import pytest
from sqlalchemy import select

from tests.imports.conftest import CARDS, SMALL, Bench
from tests.sandbox.process import DEVON
from tests.support import copying
from tests.support.linking import answer_of_box, come_back, leave_for_box, link
from tests.support.pages import Page, Visitor
from webapp.core.database import db
from webapp.imports.models import ItemState, TrayItem

pytestmark = pytest.mark.wide

ROSA = "rosa.imamura@boxmail.example"
CHANGED = "The chosen files have changed since this page showed them."
ELSEWHERE = f"Chosen in the Box account {DEVON}, which is not linked now"


def press(person: Visitor, page: Page, *, expect: int) -> Page:
    """Press Attach as a page shows it, whatever has happened since."""
    form = page.form("/send")
    return person.post(form.action, form.values, csrf=False, htmx=True, expect=expect)


def test_what_another_tab_has_chosen_since_is_shown_before_it_is_attached(bench: Bench) -> None:
    bench.choose(CARDS)
    first = bench.person.get(bench.target)
    bench.choose(SMALL)
    answer = press(bench.person, first, expect=409)
    assert CHANGED in answer.text
    assert "Letter 0012 - Notice of delay.docx" in answer.text
    assert bench.items() == []
    press(bench.person, answer, expect=204)
    bench.work()
    assert len(bench.attachments()) == 2
    bench.check()


def test_what_another_tab_has_taken_out_is_not_missed_silently(bench: Bench) -> None:
    bench.choose(CARDS, SMALL)
    first = bench.person.get(bench.target)
    with bench.app.app_context():
        item_id = db.session.scalar(select(TrayItem.id).order_by(TrayItem.id))
        db.session.remove()
    bench.person.post(f"{bench.target}tray", {"item": str(item_id)})
    assert CHANGED in press(bench.person, first, expect=409).text
    assert bench.items() == []


def test_pressing_twice_still_sends_once(bench: Bench) -> None:
    bench.choose(CARDS)
    page = bench.person.get(bench.target)
    for _time in range(2):
        press(bench.person, page, expect=204)
    assert len(bench.items()) == 1


def relink(bench: Bench, login: str) -> None:
    page = come_back(
        bench.person, answer_of_box(bench.sandbox, leave_for_box(bench.person), login=login)
    )
    bench.person.post(page.response.request.path, {"choice": "replace"})


def test_what_was_chosen_in_another_account_says_so_and_is_not_sent(bench: Bench) -> None:
    bench.choose(CARDS)
    page = bench.person.get(bench.target)
    assert ELSEWHERE not in page.text
    relink(bench, ROSA)
    assert ELSEWHERE in bench.person.get(f"{bench.target}tray").text
    answer = press(bench.person, page, expect=409)
    assert f"was chosen in the Box account {DEVON}, which is not linked now" in answer.text
    assert bench.items() == []
    relink(bench, DEVON)
    press(bench.person, bench.person.get(bench.target), expect=204)
    bench.work()
    assert bench.item().state == ItemState.ATTACHED


def test_a_copy_that_another_account_does_not_show_is_not_called_deleted(bench: Bench) -> None:
    bench.attach(CARDS)
    item = bench.item()
    bench.person.submit(bench.page(), f"/imports/items/{item.id}/cancel")
    relink(bench, ROSA)
    bench.person.post(f"/imports/items/{item.id}/retry")
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "not_in_account")
    text = bench.page().text
    assert f"chosen in the Box account {DEVON}; the one linked when it was tried, {ROSA}" in text
    assert "deleted in Box" not in text


def test_a_copy_that_waited_for_the_link_names_the_account_that_was_linked_instead(
    bench: Bench,
) -> None:
    bench.attach(CARDS)
    bench.sandbox.revoke()
    bench.work()
    relink(bench, ROSA)
    text = bench.page().text
    assert f"it was chosen in the Box account {DEVON}, and another one was linked" in text
    assert "Box was disconnected" not in text


def test_reconnecting_opens_beside_the_record(bench: Bench) -> None:
    bench.attach(CARDS)
    bench.sandbox.revoke()
    bench.work()
    links = [a for a in bench.page().all("a") if "Reconnect Box" in "".join(a.itertext())]
    assert [(a.get("target"), a.get("href")) for a in links] == [("_blank", "/settings/box")]
    link(bench.person, bench.sandbox)
    copying.run_worker(bench.app)
    assert bench.item().state == ItemState.ATTACHED
