"""What pages say of Box is so: each sentence in the state that made it untrue."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from config import Config
from tests.imports.conftest import CARDS
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.linking import come_back, leave_for_box, link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.box.errors import BoxLinkBusy
from webapp.companies.models import Company, Grant
from webapp.core import settings
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState
from webapp.picker.refusals import by_box

pytestmark = pytest.mark.wide

Stand = Callable[..., None]


@pytest.fixture
def stand(app: Flask, world: World) -> Stand:
    """Set where Acme, or another company, stands."""

    def set_to(company_id: int | None = None, **values: Any) -> None:
        with app.app_context():
            which = update(Company).where(Company.id == (company_id or world.acme))
            db.session.execute(which.values(**values))
            db.session.commit()
            db.session.remove()

    return set_to


@pytest.fixture
def narrow(app: Flask, config: Config) -> Iterator[None]:
    """A site where Box is attached from only in companies that were granted it."""
    settings.install(app, replace(config, box_attach_in="granted"))
    yield
    settings.install(app, config)


def company_page(visitor: Visitor, world: World) -> str:
    return visitor.get(f"/companies/{world.acme}/settings/box").text


def test_a_company_page_says_who_can_attach_there_as_it_stands(
    alice: Visitor, world: World, stand: Stand
) -> None:
    from_elsewhere, fewer = "People who linked Box in another company", "can no longer attach"
    stand(box_grant=Grant.NONE)
    text = company_page(alice, world)
    assert from_elsewhere in text
    assert fewer in text
    stand(box_grant=Grant.WITHDRAWN, box_withdrawn=True)
    text = company_page(alice, world)
    assert from_elsewhere not in text
    assert fewer not in text


def test_where_a_site_narrows_attaching_settings_help_and_company_say_the_same(
    signed_in: Callable[[str], Visitor],
    sandbox: SandboxProcess,
    world: World,
    stand: Stand,
    narrow: None,
    alice: Visitor,
) -> None:
    stand(box_grant=Grant.NONE)
    stand(world.borealis, box_grant=Grant.GRANTED)
    dora = signed_in("dora")
    link(dora, sandbox)
    card = dora.get("/settings/box").text
    assert "Works in Borealis Civil" in card
    assert "Acme Builders" not in card.partition("Works in")[2]
    assert "In these companies you can attach files from Box" in card
    help_text = dora.get("/help/box").text
    assert "In the companies to which Plumbline has granted Box" in help_text
    assert "every company" not in help_text
    assert "unless Plumbline has granted Box to it" in company_page(alice, world)
    assert "People who linked Box in another company" not in company_page(alice, world)


def test_a_paused_link_promises_nothing(
    alice: Visitor, sandbox: SandboxProcess, stand: Stand
) -> None:
    link(alice, sandbox)
    stand(box_switched_off=True)
    text = alice.get("/settings/box").text
    assert "Box is on in none of your companies now" in text
    assert "wherever you see Attach File(s)" not in text


def test_whom_to_ask_depends_on_what_keeps_box_off(
    alice: Visitor, bob: Visitor, stand: Stand
) -> None:
    stand(box_switched_off=True)
    text = bob.get("/settings/box").text
    assert "Box is switched off for Acme Builders. Alice Test can switch it on." in text
    assert "does not have Box enabled" not in text
    assert "As its administrator you can switch it on." in alice.get("/settings/box").text
    stand(box_switched_off=False, box_grant=Grant.WITHDRAWN, box_withdrawn=True)
    assert "Plumbline has withdrawn Box from Acme Builders." in bob.get("/settings/box").text
    stand(box_grant=Grant.REQUESTED, box_withdrawn=False)
    assert "Acme Builders has asked Plumbline for Box." in bob.get("/settings/box").text


def test_only_who_said_no_is_told_that_they_said_no(alice: Visitor, app: Flask) -> None:
    for error, heading in (
        ("access_denied", "You did not grant access"),
        ("temporarily_unavailable", "Box could not be linked"),
    ):
        asked = leave_for_box(alice)
        page = come_back(alice, {"error": error, "state": asked["state"]})
        assert page.h1 == heading


def test_a_wait_for_our_own_lock_is_not_called_boxs(app: Flask) -> None:
    with app.test_request_context():
        shown = by_box(BoxLinkBusy(retry_after_s=2), tries=0)
    assert shown.advice == "Plumbline is renewing the link to Box. Try again in a moment."
    assert "Box did not" not in shown.title
    assert shown.wait == ""
    assert (shown.code, shown.wait_s) == ("link_busy", 2)


def test_what_is_the_choosers_own_is_not_told_to_others_as_theirs(
    app: Flask, alice: Visitor, bob: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    copying.attach(alice, sandbox, f"{record}/attach/", CARDS)
    for state, code, mine, theirs in (
        (
            ItemState.WAITING_RELINK,
            "relink_needed",
            "Your Box link has ended.",
            "the Box link of the person who chose it, which has ended",
        ),
        (
            ItemState.FAILED,
            "no_permission_in_box",
            "Your Box account may not download it",
            "The Box account of the person who chose it may not download it any more.",
        ),
    ):
        with app.app_context():
            values = {"state": state, "reason": code, "finished_at": utcnow()}
            db.session.execute(update(ImportItem).values(**values))
            db.session.commit()
            db.session.remove()
        assert mine in alice.get(record).text
        assert mine not in bob.get(record).text
        assert theirs in bob.get(record).text
