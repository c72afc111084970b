"""Moments are shown in the time zone of the company one is in, on pages and partials alike."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.pages import Visitor
from tests.support.world import World
from webapp.accounts.models import Notice, notify
from webapp.companies.models import BoxRequest, Company
from webapp.core.database import db
from webapp.core.formats import clock_time, moment

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


@pytest.fixture
def somewhere(app: Flask, world: World) -> None:
    with app.app_context():
        for company_id, zone in ((world.acme, "America/Denver"), (world.borealis, "Asia/Tokyo")):
            db.session.execute(
                update(Company).where(Company.id == company_id).values(timezone=zone)
            )
        for name in ("alice", "dora"):
            notify(db.session(), world.people[name], "link_ended", path="/settings/box", login="x")
        db.session.execute(update(Notice).values(at=NOON))
        db.session.commit()


@pytest.mark.usefixtures("somewhere")
def test_a_page_outside_of_projects_uses_ones_own_company(alice: Visitor) -> None:
    assert "5:00 AM" in alice.get("/notices").text


@pytest.mark.usefixtures("somewhere")
def test_somebody_in_two_companies_sees_the_time_of_where_they_were_last(
    app: Flask, world: World
) -> None:
    dora = Visitor(app).sign_in(world.email("dora"))
    dora.get(f"/projects/{world.bridge}")
    assert "9:00 PM" in dora.get("/notices").text
    dora.get(f"/projects/{world.tower}")
    assert "5:00 AM" in dora.get("/notices").text


@pytest.mark.usefixtures("somewhere")
def test_whoever_is_in_no_company_reads_utc_and_its_name(
    app: Flask, world: World, alice: Visitor
) -> None:
    with app.app_context():
        imani, asker = world.people["imani"], world.people["charlie"]
        notify(db.session(), imani, "link_ended", path="/settings/box", login="x")
        db.session.execute(update(Notice).values(at=NOON))
        db.session.add(BoxRequest(company_id=world.borealis, asked_by_id=asker, asked_at=NOON))
        db.session.commit()
    manager = Visitor(app).sign_in(world.email("imani"))
    assert "Mar 2, 12:00 PM UTC" in manager.get("/notices").text.replace(", 2026", "")
    assert "Mar 2, 12:00 PM UTC" in manager.get("/box-requests").text.replace(", 2026", "")
    assert "UTC" not in alice.get("/notices").text
    # Neither has a worker a place of its own, nor whoever is not signed in.
    with app.app_context():
        assert clock_time(NOON) == "12:00 PM UTC"
    with app.test_request_context(headers={"Accept-Language": "es"}):
        assert moment(NOON).endswith("12:00 p.m. UTC")
