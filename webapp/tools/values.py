"""The values of a record's or row's fields: where each kind is kept, and how it reads."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

from sqlalchemy import case, false, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies.models import Vendor
from webapp.core.clock import utcnow
from webapp.core.formats import clock, day, moment, money
from webapp.core.languages import SOURCE
from webapp.core.text import N_, _, in_language, local_date
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.records.visibility import may_see
from webapp.tools.parts import PeopleByRole
from webapp.tools.registry import Field, Kind, Section, Tool

# Fields that have a typed, indexed column of their own; all others live in people or details.
COLUMNS = {
    "due_on": "due_on",
    "dated_on": "dated_on",
    "location": "location",
    "cost_code": "cost_code",
    "vendor": "vendor_id",
    "manager": "manager_id",
    "parent": "parent_id",
    "amount": "amount",
    "is_private": "is_private",
}
ROW_COLUMNS = {
    "person": "person_id",
    "vendor": "vendor_id",
    "cost_code": "cost_code",
    "amount": "amount",
    "due_on": "due_on",
    "status": "status",
}
PEOPLE_KINDS = (Kind.PERSON, Kind.PEOPLE)
CUT = 200
TITLE_WORDS_MAX = 120

Values = dict[str, Any]


@dataclass(frozen=True)
class Names:
    """The names behind ids, for showing values."""

    people: dict[int, str] = field(default_factory=dict)
    vendors: dict[int, str] = field(default_factory=dict)
    records: dict[int, str] = field(default_factory=dict)
    numbers: dict[int, str] = field(default_factory=dict)


def read_values(tool: Tool, record: Record, people: PeopleByRole) -> Values:
    """Return what the fields hold, in the form that forms and comparisons use."""
    values: Values = {"title": record.title}
    for declared in tool.fields:
        values[declared.key] = read_value(declared, record, people)
    return values


def read_value(declared: Field, record: Record, people: PeopleByRole) -> Any:
    """Return what one field of a record holds."""
    if declared.key in COLUMNS:
        return getattr(record, COLUMNS[declared.key])
    if declared.kind is Kind.PEOPLE:
        return [person.id for person in people.get(declared.key, ())]
    if declared.kind is Kind.PERSON:
        return next((person.id for person in people.get(declared.key, ())), None)
    return _decoded(declared, record.details.get(declared.key))


def write_values(session: Session, tool: Tool, record: Record, values: Values) -> None:
    """Put values where they belong; keys that are not given stay as they are."""
    details = dict(record.details)
    if "title" in values:
        record.title = values["title"]
    for declared in tool.fields:
        if declared.key not in values:
            continue
        value = values[declared.key]
        if declared.key in COLUMNS:
            setattr(record, COLUMNS[declared.key], value)
        elif declared.kind in PEOPLE_KINDS:
            ids = value if declared.kind is Kind.PEOPLE else [value] if value else []
            set_people(session, record.id, declared.key, ids)
        else:
            details[declared.key] = _encoded(value)
    record.details = details
    if tool.title_from and tool.title_from in values:
        record.title = first_words(values[tool.title_from] or "")
    if tool.group_by and tool.group_by in values:
        heading = values[tool.group_by]
        record.grouping = str(heading)[:200] if is_filled(heading) else None


def read_row(section: Section, row: RecordRow) -> Values:
    """Return what a row's fields hold."""
    return {declared.key: _in_row(declared, row) for declared in section.fields}


def _in_row(declared: Field, row: RecordRow) -> Any:
    if declared.key in ROW_COLUMNS:
        return getattr(row, ROW_COLUMNS[declared.key])
    if declared.kind is Kind.PEOPLE:
        return people_in_row(declared.key, row)
    return _decoded(declared, row.details.get(declared.key))


def people_in_row(key: str, row: RecordRow) -> list[int]:
    """Return the people a row names in a field of several; the first is its `person` too."""
    held: list[int] | None = row.details.get(key)
    if held is None:
        # From when the row named one person only.
        return [row.person_id] if row.person_id else []
    return held


def write_row(section: Section, row: RecordRow, values: Values) -> None:
    """Put a row's values where they belong; keys that are not given stay as they are."""
    details = dict(row.details)
    for declared in section.fields:
        if declared.key not in values:
            continue
        if declared.key in ROW_COLUMNS:
            setattr(row, ROW_COLUMNS[declared.key], values[declared.key])
        else:
            details[declared.key] = _encoded(values[declared.key])
        if declared.kind is Kind.PEOPLE:
            row.person_id = next(iter(values[declared.key] or ()), None)
    row.details = details


def _encoded(value: Any) -> Any:
    """Return a value as JSON can hold it."""
    if isinstance(value, Decimal):
        return str(value)
    return value.isoformat() if isinstance(value, date | time) else value


def _decoded(declared: Field, value: Any) -> Any:
    if value is None or value == "":
        return value
    match declared.kind:
        case Kind.MONEY | Kind.PERCENT:
            return Decimal(value)
        case Kind.DATE:
            return date.fromisoformat(value)
        case Kind.TIME:
            return time.fromisoformat(value)
        case Kind.MOMENT:
            return datetime.fromisoformat(value)
        case _:
            return value


def set_people(session: Session, record_id: int, role: str, ids: Sequence[int]) -> None:
    """Make exactly these people hold a role on a record, in this order.

    Whoever had it keeps their row, which says whether they have been told.
    """
    held = {
        row.person_id: row
        for row in session.scalars(
            select(RecordPerson).where(
                RecordPerson.record_id == record_id, RecordPerson.role == role
            )
        )
    }
    for position, person_id in enumerate(dict.fromkeys(ids)):
        row = held.pop(person_id, None)
        if row is None:
            session.add(
                RecordPerson(record_id=record_id, role=role, person_id=person_id, position=position)
            )
        else:
            row.position = position
    for row in held.values():
        session.delete(row)
    session.flush()


def is_filled(value: object) -> bool:
    return value not in (None, "", [])


def names_in(
    session: Session, fields: Iterable[Field], *versions: Values, reader: int | None
) -> Names:
    """Return the names behind the ids that stand in field values, as `reader` may know them.

    Of records they do not see they learn the number; without a reader, that is all that is told.
    """
    people: set[Any] = set()
    vendors: set[Any] = set()
    records: set[Any] = set()
    wanted = {
        Kind.PERSON: people,
        Kind.PEOPLE: people,
        Kind.VENDOR: vendors,
        Kind.RECORD: records,
        Kind.RECORDS: records,
    }
    for declared in fields:
        ids = wanted.get(declared.kind)
        for values in versions if ids is not None else ():
            value = values.get(declared.key)
            if is_filled(value) and ids is not None:
                ids |= set(value if isinstance(value, list) else [value])
    return Names(
        dict(session.execute(select(Person.id, Person.name).where(Person.id.in_(people))).all()),
        dict(session.execute(select(Vendor.id, Vendor.name).where(Vendor.id.in_(vendors))).all()),
        *_record_names(session, records, reader),
    )


def _record_names(
    session: Session, ids: set[int], reader: int | None
) -> tuple[dict[int, str], dict[int, str]]:
    """Return what records are called, and what they are called by their numbers alone."""
    if not ids:
        return {}, {}
    is_seen = may_see(reader) if reader is not None else false()
    title = case((is_seen, Record.title), else_="")
    query = select(Record.id, Record.number, title).where(Record.id.in_(ids))
    names, numbers = {}, {}
    for record_id, number, words in session.execute(query):
        names[record_id] = f"{number or ''} {words}".strip() or _("a record not shown here")
        numbers[record_id] = number or names[record_id]
    return names, numbers


def shown(declared: Field, value: Any, names: Names) -> str:
    """Return a value as a reader sees it."""
    if not is_filled(value):
        return ""
    if isinstance(value, list):
        return ", ".join(_named(declared, one, names) for one in value)
    match declared.kind:
        case Kind.DATE:
            return day(value)
        case Kind.TIME:
            return clock(value)
        case Kind.MOMENT:
            return moment(value)
        case Kind.CHOICE:
            return _(dict(declared.choices).get(value, value))
        case Kind.CODE:
            return " / ".join(str(value).split(">"))
        case Kind.MONEY:
            return money(value)
        case Kind.PERCENT:
            return f"{value.normalize():f} %"
        case Kind.YES_NO:
            return _("Yes") if value else _("No")
        case _:
            return _named(declared, value, names)


def _named(declared: Field, value: Any, names: Names) -> str:
    match declared.kind:
        case Kind.PERSON | Kind.PEOPLE:
            return names.people.get(value, _("somebody no longer here"))
        case Kind.VENDOR:
            return names.vendors.get(value, _("a company no longer here"))
        case Kind.RECORD | Kind.RECORDS:
            return names.records.get(value, _("a record that is gone"))
        case _:
            return f"{value} {_(declared.unit)}" if declared.unit else str(value)


def mark_of(declared: Field, value: Any) -> str:
    """Return what a date that runs out is marked with: "late" when past, "soon" when near."""
    if not declared.warn_days or not isinstance(value, date):
        return ""
    left = (value - local_date(utcnow())).days
    if left < 0:
        return "late"
    return "soon" if left <= declared.warn_days else ""


def changes_between(
    session: Session, fields: Iterable[Field], before: Values, after: Values
) -> list[dict[str, str]]:
    """Return what an edit changed, for the change history.

    Everybody who sees the record reads them, so they name other records by their numbers alone, and
    in the language of nobody: `change_text` puts them into words for whoever reads.
    """
    fields = [f for f in fields if f.key in after]
    names = names_in(session, fields, before, after, reader=None)
    return [
        {
            "label": declared.label,
            "kind": declared.kind.value,
            "unit": declared.unit,
            "before": _kept(declared, before.get(declared.key), names),
            "after": _kept(declared, after[declared.key], names),
        }
        for declared in fields
        if (after[declared.key] or None) != (before.get(declared.key) or None)
    ]


def _kept(declared: Field, value: Any, names: Names) -> str:
    """Return a value as the history keeps it: without a word that depends on the language."""
    if not is_filled(value):
        return ""
    match declared.kind:
        case Kind.DATE | Kind.TIME | Kind.MOMENT:
            return str(value.isoformat())
        case Kind.MONEY:
            return str(value)
        case Kind.CHOICE:
            return str(dict(declared.choices).get(value, value))
        case Kind.YES_NO:
            return N_("Yes") if value else N_("No")
        case Kind.WHOLE_NUMBER:
            return str(value)
        case _:
            with in_language(SOURCE):
                return cut(shown(declared, value, names))


def change_text(change: dict[str, str], key: str) -> str:
    """Return what stood in a field `before` or `after` a change, as a reader sees it."""
    text = change[key]
    if not text:
        return ""
    # What was noted before there were languages has no kind: it stands there in words.
    match change.get("kind"):
        case Kind.DATE:
            return day(date.fromisoformat(text))
        case Kind.TIME:
            return clock(time.fromisoformat(text))
        case Kind.MOMENT:
            return moment(datetime.fromisoformat(text))
        case Kind.MONEY:
            return money(Decimal(text))
        case Kind.CHOICE | Kind.YES_NO:
            return _(text)
        case _:
            return f"{text} {_(change['unit'])}" if change.get("unit") else text


def first_words(text: str) -> str:
    """Return the beginning of a text as a title: its first line, cut between two words."""
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    if len(line) <= TITLE_WORDS_MAX:
        return line
    room = line[: TITLE_WORDS_MAX - 1]
    return (room.rpartition(" ")[0] or room).rstrip(" ,;:") + "…"


def cut(text: str) -> str:
    """Return a text short enough for one line of the history."""
    return text if len(text) <= CUT else text[: CUT - 1] + "…"
