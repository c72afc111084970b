"""`flask demo load`: the demo's companies, people, records, and their links to the Box sandbox.

The only place that ever creates the demo's sign-ins. Loading twice changes nothing.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts import passwords
from webapp.accounts.models import Person
from webapp.commands import demo_box, demo_records
from webapp.companies.models import (
    BoxRequest,
    Company,
    CompanyMember,
    Grant,
    Group,
    GroupMember,
    Level,
    Project,
    ProjectCode,
    ProjectMember,
    ToolLevel,
    Vendor,
)
from webapp.companies.permissions import (
    Levels,
    levels_of_member,
    levels_of_template,
    make_template,
)
from webapp.core import audit
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.tools.registry import TOOLS

DATA = Path(__file__).resolve().parents[2] / "demo"
LEVELS = {
    "none": Level.NONE,
    "read": Level.READ,
    "standard": Level.STANDARD,
    "admin": Level.ADMIN,
}

group = click.Group("demo", help="Demo data.")


@group.command("load")
@click.option("--without-box", is_flag=True, help="Leave the links to the Box sandbox out.")
@with_appcontext
def load(without_box: bool) -> None:
    """Load the demo, unless it is there already."""
    data = read_data()
    if db.session.scalar(select(Company.id).limit(1)) is not None:
        click.echo("The demo is loaded already.")
        return
    with writing() as session:
        loader = Loader(session, data)
        loader.load()
    if not without_box:
        demo_box.link_people(data)
        demo_box.attach_files(data)
    click.echo(f"Loaded {len(data['people'])} people, {loader.records} records.")


def read_data() -> dict[str, Any]:
    """Return everything in the demo's files: the people and projects, and each tool's records."""
    data: dict[str, Any] = {}
    for path in sorted(DATA.glob("*.toml")):
        data |= tomllib.loads(path.read_text(encoding="utf-8"))
    return data


def sign_ins() -> list[tuple[str, str, str]]:
    """Return name, e-mail and job title of the demo's people, for whoever starts the demo."""
    data = read_data()
    return [(person["name"], person["email"], person["title"]) for person in data["people"]]


@dataclass
class Loader:
    """Turns the demo file into rows; the names of the file lead to the ids of the rows."""

    session: Session
    data: dict[str, Any]
    companies: dict[str, Company] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    people: dict[str, Person] = field(default_factory=dict)
    vendors: dict[str, Vendor] = field(default_factory=dict)
    records: int = 0

    def load(self) -> None:
        self._load_people()
        self._load_companies()
        self._load_projects()
        self._load_members()
        self._load_templates()
        self._load_groups()
        self._load_lists()
        people = {key: person.id for key, person in self.people.items()}
        vendors = {key: vendor.id for key, vendor in self.vendors.items()}
        projects = {key: project.id for key, project in self.projects.items()}
        records = demo_records.RecordLoader(
            self.session, people, vendors, projects, day=self._day, moment=self._moment
        )
        for tool in TOOLS:
            for entry in self.data.get(tool.key, ()):
                records.load(tool, entry)
                self.records += 1

    def _load_people(self) -> None:
        secret = passwords.hash_password(self.data["password"])
        for entry in self.data["people"]:
            self.people[entry["id"]] = self._add(
                Person(
                    email=entry["email"],
                    name=entry["name"],
                    title=entry["title"],
                    password_hash=secret,
                    proved_at=utcnow(),
                    is_implementation_manager=entry.get("staff") == "implementation_manager",
                )
            )

    def _load_companies(self) -> None:
        for entry in self.data["companies"]:
            is_granted = entry["box"] == "enabled"
            company = self._add(
                Company(
                    name=entry["name"],
                    city=f"{entry['city']}, {entry['state']}",
                    timezone=self.data["timezone"],
                    box_grant=Grant.GRANTED if is_granted else Grant.NONE,
                )
            )
            self.companies[entry["id"]] = company
            if is_granted:
                self._load_grant(company, entry)
        for entry in self.data["vendors"]:
            self.vendors[entry["id"]] = self._add(
                Vendor(
                    company_id=self.companies[entry["company"]].id,
                    name=entry["name"],
                    trade=entry.get("trade", ""),
                )
            )

    def _load_grant(self, company: Company, entry: dict[str, Any]) -> None:
        asked_by = self.people[entry["box_requested_by"]]
        granted_by = self.people[entry["box_enabled_by"]]
        asked_at = self._moment(entry["box_requested_on"], "09:12")
        granted_at = self._moment(entry["box_enabled_on"], "10:30")
        self._add(
            BoxRequest(
                company_id=company.id,
                note="Field teams keep sketches and photos in Box.",
                asked_by_id=asked_by.id,
                asked_at=asked_at,
                outcome="granted",
                decided_by_id=granted_by.id,
                decided_at=granted_at,
            )
        )
        for event, person, at in (
            ("box.asked", asked_by, asked_at),
            ("box.granted", granted_by, granted_at),
        ):
            audit.note(self.session, event, person_id=person.id, company_id=company.id, at=at)

    def _load_projects(self) -> None:
        for entry in self.data["projects"]:
            self.projects[entry["id"]] = self._add(
                Project(
                    company_id=self.companies[entry["company"]].id,
                    number=entry["number"],
                    name=entry["name"],
                    stage=entry["stage"],
                    address=entry["address"],
                    starts_on=self._day(entry["start"]),
                    ends_on=self._day(entry["finish"]),
                    details={k: v for k, v in entry.items() if k.endswith("_days")},
                )
            )

    def _load_members(self) -> None:
        for entry in self.data["people"]:
            person = self.people[entry["id"]]
            for key in entry["member_of"]:
                vendor = self.vendors.get(entry["vendor"])
                here = self.companies[key].id
                self._add(
                    CompanyMember(
                        company_id=here,
                        person_id=person.id,
                        is_admin=key in entry.get("company_admin", ()),
                        vendor_id=vendor.id if vendor and vendor.company_id == here else None,
                    )
                )
            for key, levels in entry.get("projects", {}).items():
                self._load_levels(self.projects[key], person, levels)

    def _load_levels(self, project: Project, person: Person, levels: dict[str, str]) -> None:
        self._add(
            ProjectMember(
                project_id=project.id, person_id=person.id, level=LEVELS[levels.get("*", "none")]
            )
        )
        for tool_key, level in levels.items():
            if tool_key != "*":
                self._add(
                    ToolLevel(
                        project_id=project.id,
                        person_id=person.id,
                        tool_key=tool_key,
                        level=LEVELS[level],
                    )
                )

    def _load_templates(self) -> None:
        """Add each company's permission templates, and say who has which."""
        for entry in self.data.get("permission_templates", ()):
            levels = {key: LEVELS[level] for key, level in entry["levels"].items()}
            company_id = self.companies[entry["company"]].id
            template = self._add(
                make_template(company_id, entry["name"], Levels(levels.pop("*"), levels))
            )
            on_projects = select(Project.id).where(Project.company_id == company_id)
            members = self.session.scalars(
                select(ProjectMember).where(
                    ProjectMember.project_id.in_(on_projects), ProjectMember.template_id.is_(None)
                )
            )
            for member in members.all():
                if levels_of_member(self.session, member).plain() == levels_of_template(template):
                    member.template_id = template.id

    def _load_groups(self) -> None:
        for entry in self.data.get("groups", ()):
            group = self._add(
                Group(project_id=self.projects[entry["project"]].id, name=entry["name"])
            )
            for key in entry["members"]:
                self._add(GroupMember(group_id=group.id, person_id=self.people[key].id))

    def _load_lists(self) -> None:
        for key, lists in self.data["lists"].items():
            for kind, values in lists.items():
                pairs: Iterable[tuple[str, str]] = (
                    values.items() if isinstance(values, dict) else ((v, "") for v in values)
                )
                for position, (code, label) in enumerate(pairs):
                    self._add(
                        ProjectCode(
                            project_id=self.projects[key].id,
                            kind=kind,
                            code=code,
                            label=label,
                            position=position,
                        )
                    )

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def _shift(self) -> timedelta:
        zone = ZoneInfo(self.data["timezone"])
        return utcnow().astimezone(zone).date() - date.fromisoformat(self.data["today"])

    def _day(self, text: str) -> date:
        return date.fromisoformat(text) + self._shift()

    def _moment(self, day: str, clock: str) -> datetime:
        zone = ZoneInfo(self.data["timezone"])
        local = datetime.combine(self._day(day), time.fromisoformat(clock), tzinfo=zone)
        return local.astimezone(UTC)
