"""The people and companies of the tests. Alice leads, Bob works with her, Charlie must see nothing.

- Alice: admin of Acme, admin in every tool of its project Tower.
- Bob: Standard in RFIs, Admin in the punch list of Tower.
- Rita: Read Only on Tower.
- Nell: on Tower, but None in RFIs.
- Charlie: admin of Borealis, the other company, and alone on its project Bridge.
- Dora: in both companies.
- Imani: Plumbline's Implementation Manager, in no company.
"""

from dataclasses import dataclass, field

from sqlalchemy import update
from sqlalchemy.orm import Session

from tests.support.pages import PASSWORD
from webapp.accounts import passwords
from webapp.accounts.models import Person
from webapp.companies.models import (
    Company,
    CompanyMember,
    Grant,
    Level,
    Project,
    ProjectCode,
    ProjectMember,
    ToolLevel,
    Vendor,
)
from webapp.core.clock import utcnow
from webapp.records.models import Record, RecordPerson
from webapp.tools import lifecycle
from webapp.tools.lifecycle import restrict
from webapp.tools.parts import BALL_ROLE
from webapp.tools.registry import TOOLS
from webapp.tools.values import set_people, write_values

NAMES = ("alice", "bob", "rita", "nell", "charlie", "dora", "imani")


@dataclass
class World:
    """The ids of what is in every test's database."""

    people: dict[str, int] = field(default_factory=dict)
    acme: int = 0
    borealis: int = 0
    tower: int = 0
    bridge: int = 0
    rfi: int = 0
    private_rfi: int = 0
    draft_rfi: int = 0
    punch: int = 0
    bridge_rfi: int = 0

    def email(self, name: str) -> str:
        return f"{name}@example.test"


def build(session: Session) -> World:
    """Fill an empty database."""
    world = World()
    secret = passwords.hash_password(PASSWORD)
    for name in NAMES:
        person = Person(
            email=world.email(name),
            name=f"{name.title()} Test",
            title="Tester",
            password_hash=secret,
            proved_at=utcnow(),
            is_implementation_manager=name == "imani",
        )
        session.add(person)
        session.flush()
        world.people[name] = person.id
    _companies(session, world)
    _members(session, world)
    _records(session, world)
    # They have known of these for long.
    session.execute(update(RecordPerson).values(told=True))
    return world


def _companies(session: Session, world: World) -> None:
    acme = Company(name="Acme Builders", city="Acme Town", box_grant=Grant.GRANTED)
    borealis = Company(name="Borealis Civil", city="North", box_grant=Grant.NONE)
    session.add_all([acme, borealis])
    session.flush()
    tower = Project(
        company_id=acme.id, number="T-1", name="Tower", stage="", details={"rfi_due_days": 7}
    )
    bridge = Project(company_id=borealis.id, number="B-1", name="Bridge", stage="")
    session.add_all([tower, bridge])
    session.flush()
    world.acme, world.borealis, world.tower, world.bridge = (
        acme.id,
        borealis.id,
        tower.id,
        bridge.id,
    )
    session.add(Vendor(company_id=acme.id, name="Greyfold Glazing", trade="Glazing"))
    for position, code in enumerate(["Building", "Building>Level 1", "Building>Level 1>Lobby"]):
        session.add(ProjectCode(project_id=tower.id, kind="location", code=code, position=position))
    session.add(
        ProjectCode(
            project_id=tower.id,
            kind="spec_section",
            code="01 33 00",
            label="Submittals",
            position=0,
        )
    )


def _members(session: Session, world: World) -> None:
    people = world.people
    for name in ("alice", "bob", "rita", "nell", "dora"):
        session.add(
            CompanyMember(company_id=world.acme, person_id=people[name], is_admin=name == "alice")
        )
    for name in ("charlie", "dora"):
        session.add(
            CompanyMember(
                company_id=world.borealis, person_id=people[name], is_admin=name == "charlie"
            )
        )
    levels = {"alice": 3, "bob": 2, "rita": 1, "nell": 2, "dora": 2}
    for name, level in levels.items():
        session.add(ProjectMember(project_id=world.tower, person_id=people[name], level=level))
    for name, level in {"charlie": 3, "dora": 3}.items():
        session.add(ProjectMember(project_id=world.bridge, person_id=people[name], level=level))
    for name, tool, level in (("bob", "punch_list", Level.ADMIN), ("nell", "rfis", Level.NONE)):
        session.add(
            ToolLevel(
                project_id=world.tower, person_id=people[name], tool_key=tool, level=int(level)
            )
        )
    session.flush()


def _records(session: Session, world: World) -> None:
    world.rfi = add_record(session, world, "rfis", "Stair 2 slab edge", status="open")
    world.private_rfi = add_record(
        session, world, "rfis", "A private matter", status="open", is_private=True
    )
    world.draft_rfi = add_record(session, world, "rfis", "Not yet asked", status="draft")
    world.punch = add_record(
        session, world, "punch_list", "Door out of adjustment", status="work_required"
    )
    world.bridge_rfi = add_record(
        session, world, "rfis", "Anchor spacing", status="open", project="bridge", by="charlie"
    )


def add_record(
    session: Session,
    world: World,
    tool_key: str,
    title: str,
    *,
    status: str,
    project: str = "tower",
    by: str = "alice",
    is_private: bool = False,
    assignees: tuple[str, ...] = ("bob",),
) -> int:
    """Add a saved record that its creator manages; returns its id."""
    tool = TOOLS.get(tool_key)
    assert tool is not None
    project_id = world.tower if project == "tower" else world.bridge
    creator = world.people[by]
    record: Record = lifecycle.create(session, tool, project_id, creator)
    record.title, record.status = title, status
    record.is_open = tool.status(status).is_open
    record.saved_at = record.created_at
    values = {"manager": creator, "is_private": is_private, tool.body_field: f"About: {title}."}
    if project == "tower":
        values["assignees"] = [world.people[name] for name in assignees]
    write_values(session, tool, record, values)
    if status != "draft":
        lifecycle.number(session, tool, record)
    holders = [world.people[name] for name in assignees] if project == "tower" else [creator]
    set_people(session, record.id, BALL_ROLE, holders)
    restrict(session, tool, record)
    session.flush()
    return record.id
