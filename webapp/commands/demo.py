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
from webapp.commands import demo_box
from webapp.companies.models import (
    BoxRequest,
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
from webapp.core import audit
from webapp.core.database import db, writing
from webapp.records.models import Record, RecordRow
from webapp.tools.lifecycle import restrict
from webapp.tools.parts import BALL_ROLE
from webapp.tools.registry import TOOLS, Ball, Tool
from webapp.tools.values import set_people, write_values

DATA = Path(__file__).resolve().parents[2] / "demo" / "plumbline.toml"
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
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
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


def sign_ins() -> list[tuple[str, str, str]]:
    """Return name, e-mail and job title of the demo's people, for whoever starts the demo."""
    data = tomllib.loads(DATA.read_text(encoding="utf-8"))
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
        self._load_lists()
        for tool in TOOLS:
            for entry in self.data.get(tool.key, ()):
                self._load_record(tool, entry)

    def _load_people(self) -> None:
        secret = passwords.hash_password(self.data["password"])
        for entry in self.data["people"]:
            self.people[entry["id"]] = self._add(
                Person(
                    email=entry["email"],
                    name=entry["name"],
                    title=entry["title"],
                    password_hash=secret,
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

    def _load_record(self, tool: Tool, entry: dict[str, Any]) -> None:
        creator = self.people[entry.get("received_from", entry["manager"])]
        opened = self._moment(entry["opened"], "07:20") if "opened" in entry else None
        closed = self._moment(entry["closed"], "16:40") if "closed" in entry else None
        created = opened or self._moment(self.data["today"], "06:45")
        record = self._add(
            Record(
                project_id=self.projects[entry["project"]].id,
                tool_key=tool.key,
                title=entry.get("subject") or entry["title"],
                status=entry["status"],
                is_open=tool.status(entry["status"]).is_open,
                created_by_id=creator.id,
                created_at=created,
                updated_at=closed or created,
                saved_at=created,
                opened_at=opened,
                closed_at=closed,
            )
        )
        self._number(tool, record, entry)
        write_values(self.session, tool, record, self._values(tool, entry))
        self.session.flush()
        set_people(self.session, record.id, BALL_ROLE, self._holders(tool, record, entry))
        restrict(self.session, tool, record)
        self._history(record, creator, created)
        for response in entry.get("responses", ()):
            self._load_response(record, response)
        self.records += 1

    def _number(self, tool: Tool, record: Record, entry: dict[str, Any]) -> None:
        if "number" in entry:
            record.number_sort = int(str(entry["number"]).removeprefix(tool.numbering.prefix))
            record.number = tool.numbering.text(record.number_sort)

    def _values(self, tool: Tool, entry: dict[str, Any]) -> dict[str, Any]:
        """Return an entry's values under the names of the tool's fields."""
        other_names = {
            "spec_section": "spec",
            "vendor": "responsible",
            "is_private": "private",
            "due_on": "due",
            "distribution": "visible_to",
        }
        values: dict[str, Any] = {}
        for declared in tool.fields:
            value = entry.get(other_names.get(declared.key, declared.key))
            if value is not None:
                values[declared.key] = self._value(declared.kind, value)
        return values

    def _value(self, kind: str, value: Any) -> Any:
        match kind:
            case "person":
                return self.people[value].id
            case "people":
                return [self.people[key].id for key in value]
            case "vendor":
                return self.vendors[value].id
            case "date":
                return self._day(value)
            case _:
                return value

    def _holders(self, tool: Tool, record: Record, entry: dict[str, Any]) -> list[int]:
        """Return who holds the ball: as the step into the record's status would have left it."""
        step = next((t for t in tool.transitions if t.after == record.status), None)
        ball = step.ball if step else Ball.CREATOR
        assignees = [self.people[key].id for key in entry.get("assignees", ())]
        approver = entry.get("approver")
        return {
            Ball.MANAGER: [self.people[entry["manager"]].id],
            Ball.ASSIGNEES: assignees,
            Ball.APPROVER: [self.people[approver].id] if approver else [record.created_by_id],
            Ball.CREATOR: [record.created_by_id],
        }.get(ball, [])

    def _history(self, record: Record, creator: Person, at: datetime) -> None:
        where = {"project_id": record.project_id, "record_id": record.id}
        audit.note(self.session, "record.created", person_id=creator.id, at=at, changes=[], **where)

    def _load_response(self, record: Record, entry: dict[str, Any]) -> None:
        at = self._moment(entry["on"], "10:41")
        row = self._add(
            RecordRow(
                record_id=record.id,
                project_id=record.project_id,
                tool_key=record.tool_key,
                section="responses",
                text=entry["text"],
                author_id=self.people[entry["by"]].id,
                created_at=at,
                sent_at=at,
                details={"official": entry.get("official", False)},
            )
        )
        audit.note(
            self.session,
            "response.sent",
            person_id=row.author_id,
            project_id=record.project_id,
            record_id=record.id,
            at=at,
            row=row.id,
        )

    def _add(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def _shift(self) -> timedelta:
        zone = ZoneInfo(self.data["timezone"])
        return datetime.now(zone).date() - date.fromisoformat(self.data["today"])

    def _day(self, text: str) -> date:
        return date.fromisoformat(text) + self._shift()

    def _moment(self, day: str, clock: str) -> datetime:
        zone = ZoneInfo(self.data["timezone"])
        local = datetime.combine(self._day(day), time.fromisoformat(clock), tzinfo=zone)
        return local.astimezone(UTC)
