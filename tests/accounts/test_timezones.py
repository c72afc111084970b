"""Moments are shown in the time zone of the company one is in, on pages and partials alike."""

from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.pages import Visitor
from tests.support.world import World
from webapp.accounts.models import Notice, notify
from webapp.companies.models import Company
from webapp.core.database import db

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
