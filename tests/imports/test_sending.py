"""Pressing Attach: once is once, however often and from wherever it is pressed."""

import threading

import pytest
from sqlalchemy import select, update

from tests.imports.conftest import CARDS, PERMIT, SMALL, Bench
from tests.support.copying import send
from tests.support.pages import HOST, Visitor
from tests.support.world import World
from webapp.core.database import db, writing
from webapp.imports.models import ItemState, Tray, TrayItem

pytestmark = pytest.mark.wide

PRESSES = 20


def test_twenty_presses_at_once_make_one_batch(bench: Bench) -> None:
    bench.choose(PERMIT, CARDS)
    form = bench.person.get(bench.target).form("/send")
    cookie = bench.person.client.get_cookie("plumbline", domain=HOST.partition(":")[0])
    assert cookie is not None
    statuses: list[int] = []

    def press() -> None:
        client = bench.app.test_client(use_cookies=False)
        headers = {"Host": HOST, "Cookie": f"plumbline={cookie.value}"}
        statuses.append(client.post(form.action, data=form.values, headers=headers).status_code)

    presses = [threading.Thread(target=press) for _ in range(PRESSES)]
    for thread in presses:
        thread.start()
    for thread in presses:
        thread.join(60)
    assert statuses == [303] * PRESSES
    assert len(bench.items()) == 2
    assert len({item.batch_id for item in bench.items()}) == 1
    bench.work()
    assert len(bench.attachments()) == 2
    bench.check()


def test_pressing_again_later_finds_the_same_batch(bench: Bench) -> None:
    bench.choose(PERMIT)
    form = bench.person.get(bench.target).form("/send")
    bench.person.post(form.action, form.values, csrf=False)
    bench.work()
    bench.person.post(form.action, form.values, csrf=False)
    bench.work()
    assert len(bench.items()) == 1
    assert len(bench.attachments()) == 1
    bench.check()


def test_what_is_chosen_after_sending_is_a_batch_of_its_own(bench: Bench) -> None:
    bench.attach(PERMIT)
    bench.attach(CARDS)
    assert len({item.batch_id for item in bench.items()}) == 2
    bench.work()
    assert [item.state for item in bench.items()] == [ItemState.ATTACHED] * 2
    bench.check()


def test_two_tabs_fill_one_tray(bench: Bench) -> None:
    bench.choose(PERMIT)
    other_tab = Visitor(bench.app)
    other_tab.client = bench.person.client
    Bench(bench.app, bench.sandbox, other_tab, bench.record).choose(SMALL)
    send(bench.person, bench.target)
    assert [item.name for item in bench.items()] == [
        "Building permit BP-25-0417.pdf",
        "Letter 0012 - Notice of delay.docx",
    ]


def test_the_same_file_chosen_twice_is_one_copy(bench: Bench) -> None:
    bench.choose(CARDS, CARDS, PERMIT, CARDS)
    send(bench.person, bench.target)
    assert len(bench.items()) == 2


@pytest.mark.parametrize(
    ("key", "status"), [("", 422), ("nonsense", 422), ("x" * 5000, 400), ("\x00", 422)]
)
def test_a_made_up_key_sends_nothing(bench: Bench, key: str, status: int) -> None:
    bench.choose(CARDS)
    form = bench.person.get(bench.target).form("/send")
    bench.person.post(form.action, {**form.values, "key": key}, csrf=False, expect=status)
    assert bench.items() == []


def test_another_persons_key_sends_nothing(bench: Bench, world: World) -> None:
    bench.choose(CARDS)
    key = bench.person.get(bench.target).form("/send").values["key"]
    bob = Visitor(bench.app).sign_in(world.email("bob"))
    target = f"/projects/{world.tower}/punch-list/{world.punch}/attach/"
    form = bob.get(target).form("/send")
    bob.post(form.action, {**form.values, "key": key}, csrf=False, expect=422)
    assert bench.items() == []


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_key_is_good_for_the_record_it_was_made_for(
    bench: Bench, world: World, moment: str
) -> None:
    bench.choose(CARDS)
    form = bench.person.get(bench.target).form("/send")
    if moment == "after":
        bench.person.post(form.action, form.values, csrf=False)
    before = len(bench.items())
    other = f"/projects/{world.tower}/rfis/{world.private_rfi}/attach/send"
    bench.person.post(other, form.values, csrf=False, expect=422)
    assert len(bench.items()) == before


def test_a_file_chosen_while_the_tray_is_being_sent_waits_in_the_next_one(bench: Bench) -> None:
    bench.choose(PERMIT)
    with bench.app.app_context(), writing() as session:
        session.scalars(select(Tray).with_for_update()).one()
        other_tab = threading.Thread(target=bench.choose, args=(CARDS,))
        other_tab.start()
        # The other tab waits for this transaction, wherever it has come to by now.
        other_tab.join(1.5)
        assert other_tab.is_alive()
        session.execute(update(Tray).values(is_open=None))
    other_tab.join(20)
    left = bench.person.get(bench.target)
    assert "Contact cards.vcf" in left.text
    with bench.app.app_context():
        names = db.session.scalars(
            select(TrayItem.name)
            .join(Tray, Tray.id == TrayItem.tray_id)
            .where(Tray.is_open.is_(True))
        ).all()
        db.session.remove()
    assert names == ["Contact cards.vcf"]


def test_sending_without_the_csrf_token_changes_nothing(bench: Bench) -> None:
    bench.choose(CARDS)
    form = bench.person.get(bench.target).form("/send")
    values = {**form.values, "csrf_token": "forged"}
    bench.person.post(form.action, values, csrf=False, expect=400)
    assert bench.items() == []


def test_a_link_that_went_away_keeps_the_tray_and_says_why(bench: Bench) -> None:
    bench.choose(CARDS)
    form = bench.person.get(bench.target).form("/send")
    away = bench.person.get("/settings/box/disconnect")
    bench.person.submit(away, "/settings/box/disconnect")
    answer = bench.person.post(form.action, form.values, csrf=False, expect=409)
    assert "not linked" in answer.text
    assert bench.items() == []
    assert "Contact cards.vcf" in bench.person.get(bench.target).text
