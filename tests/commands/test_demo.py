"""The demo loads, its records are as their tools would have made them, and its files exist."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from box_sandbox import world as box_world
from tests.sandbox.process import SandboxProcess
from tests.support import copying
from tests.support.world import World
from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.commands import demo, demo_box
from webapp.core.database import db, writing
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.tools.registry import TOOLS

pytestmark = pytest.mark.wide


def load(app: Flask, *tools: str) -> dict[str, Any]:
    """Load the demo with the records of these tools only; return its data."""
    data = demo.read_data()
    shown = {tool.key for tool in TOOLS} - set(tools)
    data = {key: value for key, value in data.items() if key not in shown}
    with app.app_context(), writing() as session:
        demo.Loader(session, data).load()
    return data


def attached_paths(data: dict[str, Any]) -> list[str]:
    """Return every file of Box that a record of the demo or one of its rows carries."""
    found: list[str] = []
    for tool in TOOLS:
        for entry in data.get(tool.key, ()):
            rows = [row for section in tool.sections for row in entry.get(section.key, ())]
            for carrier in (entry, *rows):
                found += carrier.get("attach", ())
    return found


def test_every_file_that_the_demo_attaches_is_in_its_box() -> None:
    world = box_world.load()
    by_id = world.items
    devon = world.account("devon.achterberg@boxmail.example")
    assert devon is not None
    paths = attached_paths(demo.read_data())
    assert paths
    for path in paths:
        here = devon.root_id
        for name in path.removeprefix("box:/").split("/"):
            names = {by_id[item_id].name: item_id for item_id in world.children[here]}
            assert name in names, path
            here = names[name]


def test_submittals_and_meetings_are_as_if_people_had_made_them(app: Flask, world: World) -> None:
    load(app, "submittals", "meetings")
    with app.app_context():
        rows = db.session.execute(
            select(Record.number, Record.revision, Record.status, Person.name)
            .outerjoin(
                RecordPerson,
                (RecordPerson.record_id == Record.id) & (RecordPerson.role == "ball"),
            )
            .outerjoin(Person, Person.id == RecordPerson.person_id)
            .where(Record.tool_key.in_(("submittals", "meetings")))
        ).all()
        db.session.remove()
    found: dict[tuple[str | None, int], tuple[str, str | None]] = {
        (number, revision): (status, name) for number, revision, status, name in rows
    }
    assert found["03 20 00-01", 0] == ("closed", None)
    assert found["03 20 00-01", 1] == ("closed", None)
    assert found["05 12 00-01", 0] == ("open", "Kwame Ellery")
    assert found["08 44 13-01", 0] == ("draft", "Devon Achterberg")
    assert found["Owner Architect Contractor 14", 0] == ("minutes", None)
    assert found["Subcontractor Coordination 27", 0] == ("minutes", "Teo Vasquez-Hale")
    assert found["Buyout Review 6", 0] == ("minutes", None)


def test_files_of_rows_hang_on_their_rows(
    app: Flask, world: World, sandbox: SandboxProcess
) -> None:
    data = load(app, "submittals", "meetings")
    with app.app_context():
        demo_box.link_people(data)
        demo_box.attach_files(data)
        db.session.remove()
    copying.run_worker(app)
    with app.app_context():
        hangs = dict(
            db.session.execute(
                select(Attachment.name, RecordRow.section).outerjoin(
                    RecordRow, RecordRow.id == Attachment.row_id
                )
            ).all()
        )
        db.session.remove()
    assert len(hangs) == len(attached_paths(data))
    assert hangs["05 12 00-01 R0 Connection calcs.pdf"] == "workflow"
    assert hangs["Vantry quote 25-881.pdf"] == "items"
    assert hangs["OAC 14 sign-in sheet.pdf"] is None
