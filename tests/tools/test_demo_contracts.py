"""The demo's contracts add up, and its people see of them what they should."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.pages import Visitor
from tests.tools.contracts import figures
from webapp.commands.demo import Loader, read_data
from webapp.companies.models import Project
from webapp.core.database import db, writing
from webapp.records.models import Record

pytestmark = pytest.mark.wide

SUMS = {
    "PC-001": ("64200.00", "30750.00", "0", "18514200.00", None),
    "PC-004": ("0", "0", "0", "742000.00", None),
    "SC-2317-001": ("51900.00", "0", "0", "2439900.00", "2439900.00"),
    "SC-2317-003": ("0", "0", "3900.00", "1512000.00", "1512000.00"),
    "SC-2317-004": ("0", "0", "0", "3244000.00", "0"),
    "SC-2317-005": ("0", "0", "0", "0", "0"),
    "PO-2317-001": ("0", "0", "0", "418600.00", "0"),
}
KEYS = ("approved_amount", "pending_amount", "draft_amount", "revised_amount", "committed_amount")


@pytest.fixture
def records(app: Flask) -> dict[str, Record]:
    """The demo's contracts and change orders by number."""
    with app.app_context():
        with writing() as session:
            Loader(session, read_data()).load()
        project = db.session.scalars(select(Project).where(Project.number == "2317")).one()
        found = db.session.scalars(
            select(Record).where(
                Record.project_id == project.id,
                Record.tool_key.in_(("prime_contract", "commitments", "change_orders")),
            )
        ).all()
        db.session.expunge_all()
        db.session.remove()
    return {str(record.number): record for record in found}


@pytest.fixture
def demo_person(app: Flask) -> Callable[[str], Visitor]:
    return lambda email: Visitor(app).sign_in(f"{email}.example", read_data()["password"])


def path(record: Record) -> str:
    slug = record.tool_key.replace("_", "-")
    return f"/projects/{record.project_id}/{slug}/{record.id}"


def test_the_demos_contracts_add_up(records: dict[str, Record]) -> None:
    for number, wanted in SUMS.items():
        details = records[number].details
        assert tuple(details.get(key) for key in KEYS) == wanted, number
    assert len(records) == 18


def test_the_next_numbers_go_on_from_the_demos(
    records: dict[str, Record], demo_person: Callable[[str], Visitor]
) -> None:
    rosa = demo_person("rosa@quillmark")
    for number, following in (("PC-001", "PCO-004"), ("SC-2317-001", "CCO-003")):
        page = rosa.post(f"{path(records[number])}/act", {"action": "change_order"})
        tier = "potential" if number == "PC-001" else "change_order"
        rosa.submit(page, "/edit", title="One more", tier=tier, move="submit")
        listed = rosa.get(f"/projects/{records[number].project_id}/change-orders").text
        assert f"{following} 0 One more" in listed


def test_the_demos_people_see_what_they_should(
    records: dict[str, Record], demo_person: Callable[[str], Visitor]
) -> None:
    owen, teo = demo_person("owen@larkspurhealth"), demo_person("teo@quillmark")
    told = figures(owen.get(path(records["PC-001"])))
    assert (told["Revised amount"], told["Pending changes"]) == ("$18,514,200.00", "$30,750.00")
    # On the list of the private one, without its schedule of values.
    page = owen.get(path(records["PC-004"]))
    assert figures(page)["Original amount"] == "$742,000.00"
    assert "Interior build-out" not in page.text
    owen.get(path(records["PC-005"]), expect=404)
    owen.get(path(records["SC-2317-001"]), expect=404)
    owen.get(path(records["CCO-001"]), expect=404)
    # Teo reads change orders, but no contract.
    teo.get(path(records["PC-001"]), expect=404)
    page = teo.get(path(records["CO-001"]))
    assert "Includes PCO-001" in page.text
    for words in ("Guaranteed Maximum", "18,450,000", "18,514,200"):
        assert words not in page.html
