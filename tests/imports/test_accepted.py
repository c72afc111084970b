"""What a person was allowed to attach when they pressed Attach arrives, whatever the record does.

The first tests read the declarations, so a further tool is covered by existing: every target that
takes files, in every status that the record can reach while the copy is under way.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from flask import Flask
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from config import Config
from tests.imports.conftest import CARDS, PERMIT, SMALL, W9, Bench
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support import copying
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World, add_record
from webapp.companies.models import Company, CompanyMember, Grant, Level, ToolLevel
from webapp.core import settings
from webapp.core.database import db, writing
from webapp.core.problems import Forbidden
from webapp.imports import trays
from webapp.imports.models import ImportItem, ItemState
from webapp.picker.host import Choice
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.records.visibility import Target
from webapp.tools import lifecycle
from webapp.tools.registry import TOOLS, Section, Tool
from webapp.tools.rows import insert
from webapp.wiring.targets import send_tray

pytestmark = pytest.mark.wide

FROM_BOX = [tool.key for tool in TOOLS if tool.attaches_from_box]


def declared(key: str) -> Tool:
    tool = TOOLS.get(key)
    assert tool is not None
    return tool


@dataclass
class Desk:
    """Bob, whose Box is linked, and a file in it that he attaches everywhere."""

    app: Flask
    world: World
    file: Choice

    @property
    def bob(self) -> int:
        return self.world.people["bob"]

    def level(self, tool: Tool, level: Level) -> None:
        with self.app.app_context(), writing() as session:
            session.execute(delete(ToolLevel).where(ToolLevel.person_id == self.bob))
            session.add(
                ToolLevel(
                    project_id=self.world.tower,
                    person_id=self.bob,
                    tool_key=tool.key,
                    level=int(level),
                )
            )

    def target(self, tool: Tool, section: Section | None, status: str) -> Target:
        """Make a record of Bob's in this status, with a row of his where one is asked for."""
        with self.app.app_context(), writing() as session:
            record_id = add_record(
                session, self.world, tool.key, "Made by Bob", status=status, by="bob"
            )
            row_id = self._row(session, record_id, section) if section else None
        return Target(self.world.tower, tool.key, record_id, row_id)

    def _row(self, session: Session, record_id: int, section: Section) -> int:
        record = session.get_one(Record, record_id)
        if section.is_table:
            row = insert(session, record, section, {}, author_id=self.bob)
        else:
            row = RecordRow(
                record_id=record_id,
                project_id=record.project_id,
                tool_key=record.tool_key,
                section=section.key,
                author_id=self.bob,
            )
            session.add(row)
        session.flush()
        return row.id

    def attaches(self, target: Target) -> bool:
        """Tick the file and press Attach; False when that is refused."""
        with self.app.app_context():
            trays.change(self.bob, target, add=[self.file], box_login=DEVON, files_max=100)
            key = trays.contents(self.bob, target).key
            try:
                return send_tray(self.bob, target, key).copies == 1
            except Forbidden:
                return False
            finally:
                db.session.remove()

    def accepted(self, tool: Tool, section: Section | None, status: str) -> Target | None:
        """Return a target for which the file was accepted in this status, None where it is not."""
        target = self.target(tool, section, status)
        return target if self.attaches(target) else None


@pytest.fixture
def desk(app: Flask, bob: Visitor, sandbox: SandboxProcess, world: World) -> Desk:
    link(bob, sandbox)
    file = sandbox.world(CARDS)
    choice = Choice(
        file_id=file["id"],
        version_id=file["version_id"],
        name="Contact cards.vcf",
        size_bytes=file["size"],
        sha1=file["sha1"],
        version_number="1",
        owner="",
        path="",
    )
    return Desk(app, world, choice)


def targets_of(tool: Tool) -> list[Section | None]:
    return [None, *(section for section in tool.sections if section.takes_files)]


def go_on(app: Flask, target: Target, status: str) -> None:
    """Bring the record to a status, and let everybody who was named on it go."""
    tool = declared(target.tool_key)
    with app.app_context(), writing() as session:
        record = session.get_one(Record, target.record_id)
        record.status, record.is_open = status, tool.status(status).is_open
        record.is_private, record.manager_id = True, None
        session.execute(delete(RecordPerson).where(RecordPerson.record_id == record.id))
        if target.row_id is not None:
            row = session.get_one(RecordRow, target.row_id)
            row.sent_at, row.person_id = row.sent_at or record.created_at, None
        lifecycle.restrict(session, tool, record)


def everything_arrived(app: Flask, accepted: list[Target]) -> None:
    copying.run_worker(app)
    lost = [
        (item.record_id, item.row_id, item.reason)
        for item in copying.items(app)
        if item.state != ItemState.ATTACHED
    ]
    assert not lost
    there = {(file.record_id, file.row_id) for file in copying.attachments(app)}
    assert there == {(target.record_id, target.row_id) for target in accepted}


@pytest.mark.parametrize("key", FROM_BOX)
def test_what_was_accepted_arrives_whatever_status_the_record_has_reached(
    app: Flask, desk: Desk, key: str
) -> None:
    tool = declared(key)
    accepted = []
    for section in targets_of(tool):
        for level in (Level.STANDARD, Level.ADMIN):
            desk.level(tool, level)
            taking = [
                status.key for status in tool.statuses if desk.accepted(tool, section, status.key)
            ]
            if taking:
                break
        assert taking, f"{tool.key} takes files nowhere in {section and section.key}"
        for status in tool.statuses:
            target = desk.accepted(tool, section, taking[0])
            assert target is not None
            go_on(app, target, status.key)
    with app.app_context():
        items = db.session.scalars(select(ImportItem)).all()
        accepted = [Target(i.project_id, i.tool_key, i.record_id, i.row_id) for i in items]
        db.session.remove()
    everything_arrived(app, accepted)


@pytest.mark.parametrize("level", [Level.READ, Level.NONE])
def test_what_was_accepted_arrives_although_its_person_has_less_to_say_by_now(
    app: Flask, desk: Desk, level: Level
) -> None:
    accepted = []
    for key in FROM_BOX:
        tool = declared(key)
        desk.level(tool, Level.ADMIN)
        for section in targets_of(tool):
            found = next(
                target
                for status in tool.statuses
                if (target := desk.accepted(tool, section, status.key))
            )
            accepted.append(found)
        desk.level(tool, level)
    everything_arrived(app, accepted)


def test_a_draft_that_its_manager_opens_meanwhile_gets_its_file(
    bench: Bench, bob: Visitor, alice: Visitor, world: World, desk: Desk
) -> None:
    desk.level(declared("rfis"), Level.STANDARD)
    target = desk.target(declared("rfis"), None, "draft")
    with bench.app.app_context(), writing() as session:
        record = session.get_one(Record, target.record_id)
        record.manager_id = world.people["alice"]
    here = f"/projects/{world.tower}/rfis/{target.record_id}"
    copying.attach(bob, bench.sandbox, f"{here}/attach/", SMALL)
    alice.post(f"{here}/move", {"move": "open"})
    bench.work()
    assert "Letter 0012" in bob.get(here).text
    assert bench.item().state == ItemState.ATTACHED


def test_a_failed_copy_is_tried_again_by_its_chooser_although_the_record_went_on(
    bench: Bench, bob: Visitor, world: World, desk: Desk
) -> None:
    tool = declared("rfis")
    desk.level(tool, Level.STANDARD)
    target = desk.accepted(tool, None, "open")
    assert target is not None
    bench.sandbox.faults({"match": {"host": "download"}, "action": {"status": 404}})
    bench.work()
    item = bench.item()
    assert item.state == ItemState.FAILED
    here = f"/projects/{world.tower}/rfis/{target.record_id}"
    pages = (here, "/imports/", f"/imports/{item.batch_id}")
    for page in map(bob.get, pages):
        assert page.links()["Choose again instead of " + item.name] == f"{here}/attach/"
    with bench.app.app_context(), writing() as session:
        session.execute(
            update(Record)
            .where(Record.id == target.record_id)
            .values(status="closed", is_open=False)
        )
    bench.sandbox.clear_faults()
    bob.get(f"{here}/attach/", expect=403)
    for page in map(bob.get, pages):
        assert "Choose again" not in page.text
        assert "You can no longer choose files here, but this one stays accepted." in page.text
        page.form(f"/imports/items/{item.id}/retry")
    bob.submit(bob.get(here), f"/imports/items/{item.id}/retry")
    bench.work()
    assert bench.item().state == ItemState.ATTACHED


def test_a_file_that_comes_late_to_a_finished_batch_of_drawings_opens_it_again(
    bench: Bench, alice: Visitor, world: World, desk: Desk
) -> None:
    tool = declared("drawings")
    desk.level(tool, Level.ADMIN)
    target = desk.accepted(tool, None, "in_review")
    assert target is not None
    go_on(bench.app, target, "reviewed")
    bench.work()
    with bench.app.app_context():
        batch = db.session.get_one(Record, target.record_id)
        assert (batch.status, batch.is_open) == ("in_review", True)
        db.session.remove()
    page = alice.get(f"/projects/{world.tower}/{tool.slug}/{target.record_id}")
    assert "Contact cards.vcf" in page.text


def test_a_line_that_is_gone_ends_the_copy_for_it_and_says_so(
    bench: Bench, bob: Visitor, desk: Desk
) -> None:
    tool = declared("meetings")
    desk.level(tool, Level.ADMIN)
    (section,) = (s for s in targets_of(tool) if s and s.is_table)
    target = next(t for s in tool.statuses if (t := desk.accepted(tool, section, s.key)))
    with bench.app.app_context(), writing() as session:
        session.execute(delete(RecordRow).where(RecordRow.id == target.row_id))
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "row_gone")
    assert "The line it was chosen for no longer exists" in bob.get("/notices").text


def test_what_stops_a_copy_is_told_as_it_is(bench: Bench, world: World) -> None:
    """Each state of Box's permission has a sentence of its own, and ends what was accepted."""
    told = {}
    for number, (grant, is_off, dora_too) in enumerate(STATES):
        with bench.app.app_context(), writing() as session:
            _stand(session, world, Grant.GRANTED, False, alone=True)
        bench.attach(FILES[number])
        with bench.app.app_context(), writing() as session:
            _stand(session, world, grant, is_off, alone=not dora_too)
        bench.work()
        item = bench.items()[-1]
        told[STATES[number]] = item.reason if item.state == ItemState.FAILED else "arrived"
    assert told == {
        (Grant.GRANTED, True, False): "switched_off",
        (Grant.WITHDRAWN, False, True): "withdrawn",
        (Grant.NONE, False, False): "not_enabled",
        (Grant.NONE, False, True): "arrived",
    }
    page = bench.page().text
    assert "because Plumbline withdrew Box from Acme Builders" in page
    assert "because Box was on in none of the companies of the person who chose it" in page


STATES = (
    (Grant.GRANTED, True, False),
    (Grant.WITHDRAWN, False, True),
    (Grant.NONE, False, False),
    (Grant.NONE, False, True),
)
FILES = (CARDS, SMALL, W9, PERMIT)


def _stand(session: Session, world: World, grant: Grant, is_off: bool, *, alone: bool) -> None:
    """Set where Acme stands, and whether Alice has another company that lets her link."""
    session.execute(
        update(Company)
        .where(Company.id == world.acme)
        .values(box_grant=grant, box_switched_off=is_off, box_withdrawn=grant is Grant.WITHDRAWN)
    )
    session.execute(
        update(Company).where(Company.id == world.borealis).values(box_grant=Grant.GRANTED)
    )
    person_id = world.people["alice"]
    session.execute(
        delete(CompanyMember).where(
            CompanyMember.company_id == world.borealis, CompanyMember.person_id == person_id
        )
    )
    if not alone:
        session.add(CompanyMember(company_id=world.borealis, person_id=person_id, is_admin=False))


@pytest.fixture
def narrow(app: Flask, config: Config) -> Iterator[None]:
    """A site where Box is attached from only in companies that were granted it."""
    settings.install(app, replace(config, box_attach_in="granted"))
    yield
    settings.install(app, config)


@pytest.mark.parametrize("grant", [Grant.NONE, Grant.REQUESTED, Grant.DECLINED])
def test_where_a_site_narrows_attaching_the_grant_that_is_missing_is_named(
    bench: Bench, world: World, narrow: None, grant: Grant
) -> None:
    bench.attach(CARDS)
    with bench.app.app_context(), writing() as session:
        _stand(session, world, grant, False, alone=False)
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "not_granted")
    assert "because Plumbline had not granted Box to Acme Builders" in bench.page().text
    dialog = bench.person.get(f"{bench.target}box/")
    assert "Plumbline has not granted Box to Acme Builders" in dialog.text
