"""The change history of people, groups and permission templates, in sentences."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies.models import Level
from webapp.companies.permissions import LEVEL_NAMES
from webapp.core.audit import AuditEntry
from webapp.core.text import N_, _
from webapp.tools.registry import TOOLS

SHOWN = 100
EVENTS = {
    "people.invited": N_("invited %(name)s as %(named)s"),
    "people.added": N_("added %(name)s as %(named)s"),
    "people.company_invited": N_("invited %(name)s to the company"),
    "people.company_added": N_("added %(name)s to the company"),
    "people.admin_invited": N_("invited %(name)s to administer the company"),
    "people.link": N_("sent the invitation of %(name)s again"),
    "people.withdrawn": N_("withdrew the invitation of %(name)s"),
    "people.declined": N_("%(name)s declined the invitation"),
    "people.accepted": N_("accepted the invitation"),
    "people.template": N_("gave %(name)s the template %(named)s"),
    "people.levels": N_("changed the levels of %(name)s"),
    "people.removed": N_("removed %(name)s from the project"),
    "people.admin_made": N_("made %(name)s an administrator of the company"),
    "people.admin_taken": N_("took the administration of the company from %(name)s"),
    "people.deactivated": N_("deactivated %(name)s"),
    "people.activated": N_("activated %(name)s"),
    "people.vendor": N_("changed whom %(name)s works for"),
    "group.made": N_("made the group %(name)s: %(members)s"),
    "group.changed": N_("changed the group %(name)s: %(members)s"),
    "group.removed": N_("removed the group %(name)s"),
    "template.usual": N_("added the usual templates"),
    "template.made": N_("made the template %(name)s"),
    "template.changed": N_("changed the template %(name)s"),
    "template.removed": N_("removed the template %(name)s"),
    "company.made": N_("began %(name)s"),
    "company.changed": N_("changed the company's details"),
    "project.made": N_("began the project %(name)s"),
    "project.changed": N_("changed the project %(name)s"),
}
FIELDS = {
    "name": N_("Name"),
    "city": N_("City"),
    "timezone": N_("Time zone"),
    "number": N_("Number"),
    "stage": N_("Stage"),
    "address": N_("Address"),
    "starts_on": N_("Start"),
    "ends_on": N_("End"),
}


@dataclass(frozen=True)
class Step:
    """One entry: when, who, what, and what changed from what to what."""

    at: datetime
    by: str
    text: str
    changes: tuple[str, ...]


def of_project(session: Session, project_id: int, about: int | None = None) -> list[Step]:
    """Return what happened to a project's people and groups, or to one of its people."""
    conditions = [AuditEntry.project_id == project_id]
    if about is not None:
        conditions.append(AuditEntry.facts["about"].as_integer() == about)
    return _steps(session, ("people.", "group."), conditions)


def of_company(session: Session, company_id: int, about: int | None = None) -> list[Step]:
    """Return what happened to a company's people, or to one of them, in all its projects."""
    conditions = [AuditEntry.company_id == company_id]
    if about is not None:
        conditions.append(AuditEntry.facts["about"].as_integer() == about)
    return _steps(session, ("people.",), conditions)


def of_templates(session: Session, company_id: int) -> list[Step]:
    return _steps(session, ("template.",), [AuditEntry.company_id == company_id])


def of_itself(session: Session, company_id: int, project_id: int | None = None) -> list[Step]:
    """Return what was said of a company and its projects, or of one of its projects."""
    conditions = [AuditEntry.company_id == company_id]
    if project_id is not None:
        conditions.append(AuditEntry.project_id == project_id)
    return _steps(session, ("company.", "project."), conditions)


def _steps(session: Session, kinds: tuple[str, ...], conditions: list[Any]) -> list[Step]:
    rows = session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(or_(*(AuditEntry.event.startswith(kind) for kind in kinds)), *conditions)
        .order_by(AuditEntry.id.desc())
        .limit(SHOWN)
    )
    return [Step(entry.at, name or "", _text(entry), _changes(entry)) for entry, name in rows]


def _text(entry: AuditEntry) -> str:
    facts = {key: value for key, value in entry.facts.items() if isinstance(value, str)}
    return _(EVENTS[entry.event], **{**facts, "members": facts.get("members") or _("nobody")})


def _changes(entry: AuditEntry) -> tuple[str, ...]:
    if entry.event == "people.vendor":
        before, after = entry.facts["before"] or _("empty"), entry.facts["after"] or _("empty")
        return (f"{_('Company')}: {before} → {after}",)
    return tuple(_change(change) for change in entry.facts.get("changes", ()))


def _change(change: dict[str, Any]) -> str:
    if "field" in change:
        before, after = change["before"] or _("empty"), change["after"] or _("empty")
        return f"{_(FIELDS[change['field']])}: {before} → {after}"
    return f"{_label(change['tool'])}: {_level(change['before'])} → {_level(change['after'])}"


def _label(tool_key: str) -> str:
    if tool_key == "*":
        return _("All other tools")
    tool = TOOLS.get(tool_key)
    return _(tool.label) if tool else tool_key


def _level(number: int) -> str:
    return _(LEVEL_NAMES[Level(number)])
