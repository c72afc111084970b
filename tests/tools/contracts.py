"""What the tests of contracts, commitments and change orders have in common."""

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.companies.models import CompanyMember, Level, ProjectCode, ToolLevel, Vendor
from webapp.core.database import db
from webapp.records.models import Record

SLUGS = {
    "prime_contract": "prime-contract",
    "commitments": "commitments",
    "change_orders": "change-orders",
}


class Job:
    """Tower with cost codes, and somebody's hands on its contracts."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app, self.world = app, world

    def at(self, tool_key: str) -> str:
        return f"/projects/{self.world.tower}/{SLUGS[tool_key]}"

    def set_level(self, name: str, tool_key: str, level: Level) -> None:
        with self.app.app_context():
            session = db.session()
            session.add(
                ToolLevel(
                    project_id=self.world.tower,
                    person_id=self.world.people[name],
                    tool_key=tool_key,
                    level=int(level),
                )
            )
            session.commit()
            db.session.remove()

    def vendor(self) -> int:
        with self.app.app_context():
            found = db.session.scalar(select(Vendor.id).where(Vendor.name == "Greyfold Glazing"))
            db.session.remove()
        assert found is not None
        return found

    def employ(self, name: str, vendor_id: int) -> None:
        with self.app.app_context():
            member = db.session.get_one(
                CompanyMember,
                {"company_id": self.world.acme, "person_id": self.world.people[name]},
            )
            member.vendor_id = vendor_id
            db.session.commit()
            db.session.remove()

    def make(self, visitor: Visitor, tool_key: str, title: str, **values: Any) -> str:
        """Begin a record, fill in its form and save it; return its address."""
        begun = visitor.post(self.at(tool_key))
        page = visitor.submit(begun, "/edit", title=title, **values)
        return address(page)

    def line(self, visitor: Visitor, here: str, amount: str, **values: Any) -> Page:
        section = "lines" if "/change-orders/" in here else "sov"
        page = visitor.get(f"{here}/sections/{section}/add")
        given = {"cost_code": "03-300", "description": "Concrete", **values}
        return visitor.submit(page, "/add", amount=amount, **given)

    def record(self, here: str) -> Record:
        with self.app.app_context():
            record = db.session.get_one(Record, id_in(here))
            db.session.expunge_all()
            db.session.remove()
        return record

    def sums(self, here: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
        """Return what a contract keeps: approved, pending, draft, revised."""
        details = self.record(here).details
        keys = ("approved_amount", "pending_amount", "draft_amount", "revised_amount")
        approved, pending, draft, revised = (Decimal(details[key]) for key in keys)
        return approved, pending, draft, revised


@pytest.fixture
def job(app: Flask, world: World) -> Job:
    with app.app_context():
        for position, (code, label) in enumerate((("03-300", "Concrete"), ("05-120", "Steel"))):
            db.session.add(
                ProjectCode(
                    project_id=world.tower,
                    kind="cost_code",
                    code=code,
                    label=label,
                    position=position,
                )
            )
        db.session.commit()
        db.session.remove()
    return Job(app, world)


def address(page: Page) -> str:
    return str(page.response.request.path)


def id_in(here: str) -> int:
    return int(here.rpartition("/")[2])


def steps(page: Page) -> set[str]:
    """Return the steps that a record's page offers."""
    return {b.get("value") or "" for b in page.all("button", name="move")}


def figures(page: Page) -> dict[str, str]:
    """Return what the page's title block and panels say, by label."""
    found: dict[str, str] = {}
    for cell in page.all("div"):
        parts = list(cell)
        if len(parts) == 2 and str(parts[0].tag).endswith("dt"):
            label, value = (" ".join("".join(part.itertext()).split()) for part in parts)
            found[label] = value
    return found
