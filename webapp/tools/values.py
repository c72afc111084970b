"""A record's field values: where each kind is kept, and how it reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from webapp.core.formats import day
from webapp.core.text import _
from webapp.records.models import Record, RecordPerson
from webapp.tools.parts import PeopleByRole
from webapp.tools.registry import Field, Kind, Tool

# Fields that have a typed, indexed column of their own; all others live in people or details.
COLUMNS = {
    "due_on": "due_on",
    "location": "location",
    "cost_code": "cost_code",
    "vendor": "vendor_id",
    "manager": "manager_id",
    "is_private": "is_private",
}
PEOPLE_KINDS = (Kind.PERSON, Kind.PEOPLE)

Values = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """The names behind ids, for showing values."""

    people: dict[int, str]
    vendors: dict[int, str]


def read_values(tool: Tool, record: Record, people: PeopleByRole) -> Values:
    """Return what the fields hold, in the form that forms and comparisons use."""
    values: Values = {"title": record.title}
    for field in tool.fields:
        values[field.key] = _read(field, record, people)
    return values


def _read(field: Field, record: Record, people: PeopleByRole) -> Any:
    if field.key in COLUMNS:
        return getattr(record, COLUMNS[field.key])
    if field.kind is Kind.PEOPLE:
        return [person.id for person in people.get(field.key, ())]
    if field.kind is Kind.PERSON:
        return next((person.id for person in people.get(field.key, ())), None)
    value = record.details.get(field.key)
    return Decimal(value) if field.kind is Kind.MONEY and value is not None else value


def write_values(session: Session, tool: Tool, record: Record, values: Values) -> None:
    """Put values where they belong; keys that are not given stay as they are."""
    details = dict(record.details)
    if "title" in values:
        record.title = values["title"]
    for field in tool.fields:
        if field.key not in values:
            continue
        value = values[field.key]
        if field.key in COLUMNS:
            setattr(record, COLUMNS[field.key], value)
        elif field.kind in PEOPLE_KINDS:
            ids = value if field.kind is Kind.PEOPLE else [value] if value else []
            set_people(session, record.id, field.key, ids)
        else:
            details[field.key] = str(value) if isinstance(value, Decimal) else value
    record.details = details


def set_people(session: Session, record_id: int, role: str, ids: Sequence[int]) -> None:
    """Make exactly these people hold a role on a record, in this order."""
    session.execute(
        delete(RecordPerson).where(RecordPerson.record_id == record_id, RecordPerson.role == role)
    )
    for position, person_id in enumerate(dict.fromkeys(ids)):
        session.add(
            RecordPerson(record_id=record_id, role=role, person_id=person_id, position=position)
        )
    session.flush()


def is_filled(value: object) -> bool:
    return value not in (None, "", [])


def shown(field: Field, value: Any, names: Names) -> str:
    """Return a value as a reader sees it."""
    match field.kind:
        case _ if not is_filled(value):
            return ""
        case Kind.DATE:
            assert isinstance(value, date)
            return day(value)
        case Kind.PERSON:
            return names.people.get(value, _("somebody no longer here"))
        case Kind.VENDOR:
            return names.vendors.get(value, _("a company no longer here"))
        case Kind.PEOPLE:
            return ", ".join(names.people.get(i, _("somebody no longer here")) for i in value)
        case Kind.CHOICE:
            return _(dict(field.choices).get(value, value))
        case Kind.CODE:
            return " / ".join(str(value).split(">"))
        case Kind.MONEY:
            return money(value)
        case Kind.YES_NO:
            return _("Yes") if value else _("No")
        case _:
            return f"{value} {_(field.unit)}" if field.unit else str(value)


def money(value: Decimal) -> str:
    return f"${value:,.2f}"
