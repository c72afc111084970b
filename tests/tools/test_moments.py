"""Dates act by the project's clock: on their morning, the morning after, or to the second."""

import re
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Visitor
from tests.support.world import World
from tests.tools.test_notices import begun, database, told
from webapp.companies.models import Level, Project, ToolLevel, Vendor
from webapp.core.database import db
from webapp.records.models import Record
from webapp.tools import moments
from webapp.tools.moments import Dated, dated_fields
from webapp.tools.registry import TOOLS, Kind, Promise

# In 2030 New York's clocks go forward on March 10 and back on November 3.
DAYS = {
    "America/New_York": date(2030, 3, 10),
    "Pacific/Honolulu": date(2030, 11, 2),
}
STATUSES = {
    "bidding": "open",
    "prime_contract": "approved",
    "commitments": "approved",
    "change_orders": "pending_in_review",
    "rfis": "open",
    "punch_list": "work_required",
    "submittals": "open",
    "meetings": "agenda",
    "directory": "active",
}
DATED = list(dated_fields())


def swept(app: Flask) -> int:
    with app.app_context():
        done = moments.sweep()
        db.session.remove()
    return done


def closed(app: Flask) -> int:
    with app.app_context():
        done = moments.close_due()
        db.session.remove()
    return done


def in_zone(app: Flask, world: World, zone: str) -> None:
    with database(app) as session:
        session.get_one(Project, world.tower).timezone = zone


def dated_record(app: Flask, world: World, dated: Dated, day: date) -> str:
    row: tuple[str, dict[str, Any]] | None = None
    values: dict[str, Any] = {"manager": "alice"}
    if dated.tool.key == "commitments":
        values["type"] = "subcontract"
    if dated.section is None:
        values[dated.field.key] = day
    else:
        named: dict[str, dict[str, Any]] = {
            "workflow": {"person": "dora"},
            "items": {"assignees": ["dora"]},
        }
        states: dict[str, dict[str, Any]] = {
            "workflow": {"status": "current"},
            "items": {"status": "open"},
        }
        own = {**named[dated.section.key], **states[dated.section.key]}
        row = (dated.section.key, {**own, dated.field.key: day})
    with database(app) as session:
        status = STATUSES[dated.tool.key]
        return begun(session, world, dated.tool.key, status, by="alice", row=row, **values)


@pytest.mark.parametrize("dated", DATED, ids=lambda one: f"{one.tool.key}-{one.mark}")
def test_every_date_acts_on_its_morning_once(app: Flask, world: World, dated: Dated) -> None:
    zone = list(DAYS)[DATED.index(dated) % len(DAYS)]
    in_zone(app, world, zone)
    day = DAYS[zone]
    dated_record(app, world, dated, day)
    morning = datetime.combine(
        day + timedelta(days=dated.days_after), moments.MORNING, ZoneInfo(zone)
    )
    with time_machine.travel(morning - timedelta(seconds=1), tick=False) as clock:
        # What ran out had been announced before.
        before = int(dated.kind == "expired")
        assert swept(app) == len(told(app, world, "alice")) == before
        clock.move_to(morning)
        assert [swept(app), swept(app)] == [1, 0]
        assert len(told(app, world, "alice")) == before + 1
        if dated.section:
            assert len(told(app, world, "dora")) == 1


def test_every_date_of_the_catalog_is_in_the_documented_table() -> None:
    text = (Path(__file__).parents[2] / "docs" / "tools.md").read_text()
    table = dict(re.findall(r"^\| ([a-z_.]+) \|[^|]+\| ([a-z_]+):", text, re.M))
    promised: dict[str, str] = {}
    for tool in TOOLS:
        sections = [(tool.key, tool.fields)]
        sections += [(f"{tool.key}.{s.key}", s.fields) for s in tool.sections]
        for where, fields in sections:
            promised |= {
                f"{where}.{f.key}": f.promise.value for f in fields if f.promise is not Promise.NOTE
            }
            late = {f.key for f in fields if f.kind is Kind.DATE and f.key == "due_on"}
            # A due date that does nothing would be a promise nobody keeps.
            exempt = {"directory.insurance"}
            assert where in exempt or not late - {
                f.key for f in fields if f.promise is not Promise.NOTE
            }
    assert table == promised


@pytest.mark.parametrize("zone", list(DAYS))
def test_a_record_is_overdue_from_the_end_of_its_day_where_the_project_is(
    app: Flask, world: World, zone: str
) -> None:
    in_zone(app, world, zone)
    day = DAYS[zone]
    with database(app) as session:
        session.get_one(Record, world.rfi).due_on = day
    midnight = datetime.combine(day + timedelta(days=1), time.min, ZoneInfo(zone))
    path = f"/projects/{world.tower}"
    for moment, is_late in ((midnight - timedelta(seconds=1), False), (midnight, True)):
        with time_machine.travel(moment, tick=False):
            alice = Visitor(app).sign_in(world.email("alice"))
            assert ("Stair 2" in alice.get(f"{path}/rfis?status=overdue").text) is is_late
            assert ("1 day" in alice.get(path).text) is is_late
            bob = Visitor(app).sign_in(world.email("bob"))
            # The navigation, on a page outside the project.
            bob.get(path)
            assert ("1 overdue" in bob.get("/settings").text) is is_late


@pytest.mark.parametrize("zone", list(DAYS))
@pytest.mark.parametrize("takes_late", [False, True])
def test_bids_close_at_their_second_without_anybody_clicking(
    app: Flask, world: World, zone: str, takes_late: bool
) -> None:
    in_zone(app, world, zone)
    with database(app) as session:
        here = {"project_id": world.tower, "tool_key": "bidding", "level": Level.STANDARD}
        session.add(ToolLevel(person_id=world.people["bob"], **here))
        values: dict[str, Any] = {"due_on": DAYS[zone], "due_at": time(14), "manager": "alice"}
        bidder = {"person": "bob", "vendor": session.scalar(select(Vendor.id))}
        package = begun(
            session,
            world,
            "bidding",
            "open",
            by="alice",
            row=("bidders", bidder),
            takes_late=takes_late,
            **values,
        )
    closes = datetime.combine(DAYS[zone], time(14), ZoneInfo(zone))
    with time_machine.travel(closes - timedelta(seconds=1), tick=False) as clock:
        bob = Visitor(app).sign_in(world.email("bob"))
        row = bob.get(package).html.split('id="row-')[1].split('"')[0]
        page = bob.get(f"{package}/rows/{row}/edit")
        assert closed(app) == 0
        clock.move_to(closes)
        status = 200 if takes_late else 422
        page = bob.submit(page, "/edit", amount="10", is_submitted="y", expect=status)
        assert ("late bids are not accepted" in page.text) is not takes_late
        assert [closed(app), closed(app)] == [int(not takes_late), 0]
    with app.app_context():
        record = db.session.get_one(Record, int(package.rpartition("/")[2]))
        assert record.status == ("open" if takes_late else "closed")
    if not takes_late:
        assert told(app, world, "alice")[-1] == "Plumbline set BP-01 to Closed: Beam pocket"


def test_a_sweep_after_a_standstill_catches_up_with_days_and_not_with_years(
    app: Flask, world: World
) -> None:
    with database(app) as session:
        for title, day in (("Recent", date(2030, 3, 1)), ("Ancient", date(2029, 3, 1))):
            begun(session, world, "rfis", "open", by="alice", title=title, due_on=day)
    with time_machine.travel(datetime(2030, 3, 6, 12, tzinfo=UTC), tick=False):
        assert [swept(app), swept(app)] == [1, 0]
    assert told(app, world, "alice") == ["RFI-003 was due Mar 1, 2030: Recent"]
