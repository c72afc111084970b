"""What a record's page shows: the title block, the body, the rows, the files, the history.

The form's choices are worked out here too, because they are what a page of the project offers.
"""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import g
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.attachments.changing import REMOVED_LIVES
from webapp.companies import access
from webapp.companies.models import Level, ProjectCode, Vendor
from webapp.core.audit import AuditEntry
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.core.formats import money
from webapp.core.problems import NotFound
from webapp.core.text import N_, _, local_date, step_text
from webapp.records.models import Record, RecordIssue, RecordRow
from webapp.records.visibility import Target, may_see, may_see_in_row, may_see_row, record_for
from webapp.tools.discarding import may_discard
from webapp.tools.distribution import groups_offered, in_words
from webapp.tools.files import FileList, file_lists
from webapp.tools.forms import Choices
from webapp.tools.issues import issues_of
from webapp.tools.parts import BALL_ROLE, Standing, people_of, standing
from webapp.tools.registry import (
    TOOLS,
    Action,
    Beside,
    Field,
    Kind,
    Panel,
    Part,
    Promise,
    Section,
    Tool,
    Transition,
)
from webapp.tools.rows import SeenRow, removed_rows, seen_rows, title_of
from webapp.tools.values import Names, is_filled, mark_of, names_in, read_row, read_values, shown
from webapp.tools.way_back import undoable

WIDE = {Kind.PEOPLE, Kind.VENDOR, Kind.CODE, Kind.LONG_TEXT, Kind.RECORD, Kind.RECORDS}
RECORDS_OFFERED = 500
SAID_OFFERED = 200


@dataclass(frozen=True)
class Cell:
    """A field in the title block or a cell of a table; `_marked.html` says what `mark` may be."""

    label: str
    text: str
    is_wide: bool = False
    is_number: bool = False
    mark: str = ""


@dataclass(frozen=True)
class ShownRow:
    row: RecordRow
    files: FileList
    is_official: bool = False
    may_mark: bool = False
    cells: tuple[Cell, ...] = ()
    may_change: bool = False
    may_attach: bool = False


@dataclass(frozen=True)
class RemovedRow:
    """A row that this person can put back into its table."""

    row: RecordRow
    name: str

    @property
    def kept_until(self) -> datetime:
        removed_at = self.row.removed_at
        assert removed_at is not None
        return removed_at + REMOVED_LIVES


@dataclass(frozen=True)
class ShownSection:
    """Rows of one kind, and the form for the next one when this person may write it."""

    section: Section
    rows: tuple[ShownRow, ...]
    draft: RecordRow | None = None
    draft_files: FileList | None = None
    may_write: bool = False
    is_closed: bool = False
    moves: tuple[Transition, ...] = ()
    total: Decimal | None = None
    removed: tuple[RemovedRow, ...] = ()


@dataclass(frozen=True)
class RecordPage:
    tool: Tool
    record: Record
    standing: Standing
    cells: tuple[Cell, ...]
    body: str
    holders: tuple[Person, ...]
    files: FileList
    sections: tuple[ShownSection, ...]
    moves: tuple[Transition, ...]
    undo: Transition | None
    actions: tuple[Action, ...]
    panels: tuple[Panel, ...]
    beside: Beside
    issues: tuple[RecordIssue, ...]
    history: tuple[tuple[AuditEntry, str], ...]
    may_discard: bool
    thaws: str = ""


def open_record(tool: Tool, project_id: int, record_id: int, person_id: int) -> Standing:
    """Return a record as this person stands to it; NotFound when they do not see it."""
    level = access.require_level(project_id, person_id, tool.key, Level.READ)
    record = record_for(person_id, project_id=project_id, tool_key=tool.key, record_id=record_id)
    g.tool_key = tool.key
    people = people_of(db.session(), record.id)
    return standing(tool, record, people, person_id=person_id, level=level)


def is_still_seen(tool: Tool, project_id: int, record_id: int, person_id: int) -> bool:
    """Tell whether somebody still sees a record that they have just moved on or changed."""
    try:
        open_record(tool, project_id, record_id, person_id)
    except NotFound:
        return False
    return True


def record_page(session: Session, found: Standing) -> RecordPage:
    tool, record = found.tool, found.record
    people = people_of(session, record.id)
    lists = file_lists(session, found)
    values = read_values(tool, record, people)
    actions = tuple(tool.extension.actions(session, found))
    return RecordPage(
        tool=tool,
        record=record,
        standing=found,
        cells=cells_of(session, found, values),
        body=str(values.get(tool.body_field) or ""),
        holders=tuple(people.get(BALL_ROLE, ())),
        files=files_under(lists, record, None),
        sections=tuple(
            shown_table(session, found, section, lists)
            if section.is_table
            else shown_thread(session, found, section, lists)
            for section in tool.sections
            if found.may_see_rows(section)
        ),
        moves=tuple(found.transitions(with_response=False)),
        undo=undoable(found),
        actions=actions,
        panels=tuple(tool.extension.panels(session, found)),
        beside=_beside(session, found),
        issues=issues_of(session, found),
        history=_history(session, found),
        may_discard=may_discard(found),
        thaws=_thawing(found, actions),
    )


def _thawing(found: Standing, actions: tuple[Action, ...]) -> str:
    """Return the step by which this person makes a frozen record changeable, "" for none."""
    if not found.is_frozen:
        return ""
    steps = found.transitions(with_response=False)
    labels = [action.label for action in actions if action.thaws]
    labels += [step.label for step in steps if not found.tool.status(step.after).frozen]
    return step_text(labels[0]) if labels else ""


def _beside(session: Session, found: Standing) -> Beside:
    """Return what the other tools add to a record's page, in their order."""
    others = [tool.extension.beside(session, found) for tool in TOOLS if tool is not found.tool]
    return Beside(
        tuple(panel for other in others for panel in other.panels),
        tuple(action for other in others for action in other.actions),
    )


def files_under(lists: dict[int | None, FileList], record: Record, row_id: int | None) -> FileList:
    """Return the files of one target, an empty list when it has none."""
    target = Target(record.project_id, record.tool_key, record.id, row_id)
    return lists.get(row_id, FileList(target, (), ()))


def cells_of(session: Session, found: Standing, values: dict[str, Any]) -> tuple[Cell, ...]:
    """Return the fields of a record that stand in its title block, in words."""
    tool = found.tool
    names = names_in(session, tool.fields, values, reader=found.person_id)
    companions = {field.shown_with: field for field in tool.fields if field.shown_with}
    cells = []
    for field in tool.fields:
        is_elsewhere = field.key in (tool.body_field, "due_on", "is_private") or not field.in_block
        if field.kind is Kind.YES_NO and not values[field.key]:
            continue
        if not found.may_see_field(field.seen_by):
            continue
        if is_elsewhere or field.shown_with or not is_filled(values[field.key]):
            continue
        text = shown(field, values[field.key], names)
        if field.groups:
            text = in_words(session, found.record, field, values[field.key], names.people)
        extra = companions.get(field.key)
        if extra is not None and is_filled(values[extra.key]):
            text = f"{text}, {shown(extra, values[extra.key], names)}"
        mark = mark_of(field, values[field.key])
        cells.append(Cell(_(field.label), text, is_wide=field.kind in WIDE, mark=mark))
    return tuple(cells)


def shown_table(
    session: Session,
    found: Standing,
    section: Section,
    lists: dict[int | None, FileList] | None = None,
) -> ShownSection:
    """Return a table with its cells in words, the files of its rows and its total."""
    lists = file_lists(session, found) if lists is None else lists
    rows = seen_rows(session, found, section)
    values = [read_row(section, seen.row) for seen in rows]
    names = names_in(session, section.fields, *values, reader=found.person_id)
    may_write = found.may_write_in(section)
    return ShownSection(
        section=section,
        rows=tuple(
            ShownRow(
                seen.row,
                files_under(lists, found.record, seen.row.id),
                cells=_row_cells(found, section, seen, held, names),
                may_change=(may_write or found.may_answer(section, seen.row))
                and not found.tool.extension.row_rests(found, seen.row),
                may_attach=found.may_attach_to_row(seen.row),
            )
            for seen, held in zip(rows, values, strict=True)
        ),
        may_write=may_write,
        removed=tuple(
            RemovedRow(row, title_of(section, row)) for row in removed_rows(session, found, section)
        ),
        is_closed=found.is_closed(section),
        total=sum((held.get(section.sums) or Decimal(0) for held in values), Decimal(0))
        if section.sums
        else None,
    )


def _row_cells(
    found: Standing, section: Section, seen: SeenRow, held: dict[str, Any], names: Names
) -> tuple[Cell, ...]:
    """Return a row's cells in words; a sealed one does not even say whether there is anything."""
    cells = []
    for field in section.fields:
        is_sealed = field.key in seen.sealed
        text = _("hidden for now") if is_sealed else shown(field, held[field.key], names)
        mark = "" if is_sealed else mark_of(field, held[field.key])
        if not is_sealed and _is_overdue(found, seen.row, field, held[field.key]):
            mark = "over"
        is_wide = field.kind is Kind.LONG_TEXT
        cells.append(Cell(_(field.label), text, is_wide, _is_number(field), mark))
    return tuple(cells)


def _is_overdue(found: Standing, row: RecordRow, field: Field, due: Any) -> bool:
    if field.promise is not Promise.DUE or not isinstance(due, date):
        return False
    is_over = due < local_date(utcnow())
    return is_over and found.tool.extension.still_counts(found.record, row, field)


def _is_number(field: Field) -> bool:
    return field.kind in {Kind.MONEY, Kind.PERCENT, Kind.WHOLE_NUMBER}


def shown_thread(
    session: Session,
    found: Standing,
    section: Section,
    lists: dict[int | None, FileList] | None = None,
) -> ShownSection:
    """Return responses with their files, and what this person has written of the next one."""
    lists = file_lists(session, found) if lists is None else lists
    rows = session.scalars(
        select(RecordRow)
        .where(
            RecordRow.record_id == found.record.id,
            RecordRow.section == section.key,
            may_see_row(found.person_id),
        )
        .options(joinedload(RecordRow.author))
        .order_by(RecordRow.sent_at, RecordRow.id)
    ).all()
    may_mark = bool(found.parts & set(section.official_by)) and not found.is_frozen
    draft = next((row for row in rows if row.sent_at is None), None)
    return ShownSection(
        section=section,
        rows=tuple(
            ShownRow(
                row,
                files_under(lists, found.record, row.id),
                bool(row.details.get("official")),
                may_mark,
            )
            for row in rows
            if row.sent_at is not None
        ),
        draft=draft,
        draft_files=files_under(lists, found.record, draft.id) if draft else None,
        may_write=found.may_write_in(section),
        moves=tuple(found.transitions(with_response=True)),
    )


def _history(session: Session, found: Standing) -> tuple[tuple[AuditEntry, str], ...]:
    """Return what has happened to a record, but for rows that this person does not see."""
    entries = session.execute(
        select(AuditEntry, Person.name)
        .outerjoin(Person, Person.id == AuditEntry.person_id)
        .where(AuditEntry.record_id == found.record.id)
        .order_by(AuditEntry.id.desc())
    )
    told = _Told.to(session, found)
    return tuple((entry, name or "") for entry, name in entries if told.tells(entry.facts))


@dataclass(frozen=True)
class _Told:
    """What of a record's history one person is told: `seen` rows, and those `open` to them."""

    seen: frozenset[int]
    open: frozenset[int]
    there: frozenset[int]
    hidden: frozenset[str]
    own: frozenset[str]
    is_admin: bool

    @classmethod
    def to(cls, session: Session, found: Standing) -> "_Told":
        rows = session.execute(
            select(
                RecordRow.id, may_see_row(found.person_id), may_see_in_row(found.person_id)
            ).where(RecordRow.record_id == found.record.id)
        ).all()
        sections = found.tool.sections
        return cls(
            frozenset(row_id for row_id, is_seen, _is_open in rows if is_seen),
            frozenset(row_id for row_id, _is_seen, is_open in rows if is_open),
            frozenset(row_id for row_id, _is_seen, _is_open in rows),
            frozenset(s.key for s in sections if not found.may_see_rows(s)),
            frozenset(s.key for s in sections if s.own_rows),
            is_admin=Part.ADMIN in found.parts,
        )

    def tells(self, facts: dict[str, Any]) -> bool:
        row_id, section = facts.get("row"), facts.get("section")
        if section in self.hidden:
            return False
        if row_id in self.there:
            # That a row came or changed follows the row; its files follow what it holds.
            return row_id in (self.seen if section is not None else self.open)
        is_of_own = section in self.own or (row_id is not None and bool(self.own))
        return self.is_admin or not is_of_own


def choices(
    session: Session, tool: Tool, project_id: int, company_id: int, person_id: int
) -> Choices:
    """Return what the forms and filters of a tool offer this person to choose from."""
    people = tuple((person.id, person.name) for person in access.people_on(project_id))
    admins = access.admins_in(project_id, tool.key)
    vendors = session.execute(
        select(Vendor.id, Vendor.name).where(Vendor.company_id == company_id).order_by(Vendor.name)
    )
    codes: dict[str, list[tuple[str, str]]] = {}
    rows = session.execute(
        select(ProjectCode.kind, ProjectCode.code, ProjectCode.label)
        .where(ProjectCode.project_id == project_id)
        .order_by(ProjectCode.kind, ProjectCode.position, ProjectCode.code)
    )
    for kind, code, label in rows:
        text = f"{code} {label}" if label else " / ".join(code.split(">"))
        codes.setdefault(kind, []).append((code, text))
    return Choices(
        people,
        tuple((person_id, name) for person_id, name in people if person_id in admins),
        tuple((vendor_id, name) for vendor_id, name in vendors),
        {kind: tuple(found) for kind, found in codes.items()},
        _records_offered(session, tool, project_id, person_id),
        _said(session, tool, project_id, person_id),
        _tags_in_use(session, tool, project_id, person_id),
    )


def form_choices(
    session: Session, tool: Tool, project_id: int, company_id: int, person_id: int
) -> Choices:
    """Return what a form offers: groups too, and no company that is retired where none stands."""
    return replace(
        choices(session, tool, project_id, company_id, person_id),
        groups=groups_offered(session, tool, project_id),
        retired=retired_vendors(session, project_id),
    )


def retired_vendors(session: Session, project_id: int) -> frozenset[int]:
    """Return the companies that nothing in a project is to be set to any more."""
    found = (other.extension.retired_vendors(session, project_id) for other in TOOLS)
    return frozenset().union(*found)


def _said(
    session: Session, tool: Tool, project_id: int, person_id: int
) -> dict[str, tuple[str, ...]]:
    """Return what the records this person sees say in the fields that suggest it."""
    return {
        field.key: tuple(
            sorted(_texts_in(session, tool, field, project_id, person_id))[:SAID_OFFERED]
        )
        for field in tool.fields
        if field.suggests
    }


def _tags_in_use(
    session: Session, tool: Tool, project_id: int, person_id: int
) -> dict[str, tuple[str, ...]]:
    """Return for each field of tags those that stand on records this person sees."""
    found = {}
    for field in tool.fields:
        if field.kind is Kind.TAGS:
            texts = _texts_in(session, tool, field, project_id, person_id)
            tags = {tag for text in texts for tag in text.split(", ")}
            found[field.key] = tuple(sorted(tags, key=str.lower))
    return found


def _texts_in(
    session: Session, tool: Tool, field: Field, project_id: int, person_id: int
) -> set[str]:
    """Return what a field of text says in the saved records that this person sees."""
    said = Record.details[field.key].as_string()
    rows = session.scalars(
        select(said)
        .where(
            Record.project_id == project_id,
            Record.tool_key == tool.key,
            Record.saved_at.is_not(None),
            may_see(person_id),
        )
        .distinct()
    )
    return {text for text in rows if text}


def _records_offered(
    session: Session, tool: Tool, project_id: int, person_id: int
) -> dict[str, tuple[tuple[int, str], ...]]:
    """Return for each field that refers to records those this person sees."""
    declared = (*tool.fields, *(field for s in tool.sections for field in s.fields))
    fields = [field for field in declared if field.of]
    if not fields:
        return {}
    rows = session.execute(
        select(Record.tool_key, Record.id, Record.number, Record.title, Record.amount)
        .where(
            Record.project_id == project_id,
            Record.tool_key.in_({key for field in fields for key in field.of}),
            Record.saved_at.is_not(None),
            may_see(person_id),
        )
        .order_by(Record.tool_key, Record.number, Record.id)
        .limit(RECORDS_OFFERED)
    ).all()
    return {
        field.key: tuple(
            (record_id, _choice(field, number, title, amount))
            for key, record_id, number, title, amount in rows
            if key in field.of
        )
        for field in fields
    }


def _choice(field: Field, number: str | None, title: str, amount: Decimal | None) -> str:
    """Return what a record to choose is called, with what it comes to where that matters."""
    called = f"{number or ''} {title}".strip()
    return f"{called}, {money(amount)}" if field.with_amounts and amount is not None else called


EVENTS = {
    "record.created": N_("created this"),
    "record.changed": N_("changed this"),
    "record.renumbered": N_("changed the number from %(before)s to %(after)s"),
    "record.acted": N_("%(step)s"),
    "record.moved": N_("%(step)s: %(before)s → %(after)s"),
    "record.undone": N_("%(step)s undone: %(before)s → %(after)s"),
    "record.discarded": N_("discarded this"),
    "record.brought_back": N_("brought this back"),
    "row.restored": N_("restored %(row_label)s: %(name)s"),
    "record.followed": N_("moved this along with %(leader)s: %(before)s → %(after)s"),
    "record.reminded": N_("reminded %(names)s"),
    "response.sent": N_("responded"),
    "response.official": N_("marked a response as official"),
    "response.not_official": N_("took the official mark from a response"),
    "row.added": N_("added %(row_label)s: %(name)s"),
    "row.changed": N_("changed %(row_label)s: %(name)s"),
    "row.removed": N_("removed %(row_label)s: %(name)s"),
    "file.attached": N_("attached %(name)s from %(source)s"),
    "file.removed": N_("removed %(name)s"),
    "file.moved_on": N_("moved %(name)s on to %(there)s"),
    "file.taken_over": N_("took over %(name)s from %(where)s"),
    "file.superseded": N_("put version %(after)s of %(name)s in the place of version %(before)s"),
    "file.filed_behind": N_("filed version %(before)s of %(name)s behind version %(after)s"),
    "file.restored": N_("restored %(name)s"),
    "file.renamed": N_("renamed %(old)s to %(new)s"),
    "file.described": N_("described %(name)s"),
    "email.received": N_("This came in by e-mail."),
    "email.went_out": N_("The message went out."),
    "email.not_sent": N_("The message did not go out."),
    "email.forwarded": N_("began forwarding this"),
    "email.without": N_("sent this without the files that did not arrive"),
    "email.filed": N_("moved this to: %(folder)s"),
}
SOURCES = {
    "box": N_("Box"),
    "computer": N_("the computer"),
    "email": N_("an e-mail"),
    "documents": N_("Documents"),
}


def event_text(entry: AuditEntry) -> str:
    """Return an entry of the change history as the rest of a sentence that begins with a name."""
    facts = {
        key: _(value) if key in {"before", "after", "row_label", "folder"} and value else value
        for key, value in entry.facts.items()
    }
    if "step" in facts:
        facts["step"] = step_text(facts["step"])
    if "row_label" in facts:
        facts["name"] = facts["name"] or facts["row_label"]
    if "source" in facts:
        facts["source"] = _(SOURCES.get(str(facts["source"]), str(facts["source"])))
    text = _(_sentence(entry.event), **facts)
    given = entry.facts.get("given")
    return f"{text}. {_('Reason given: %(reason)s', reason=given)}" if given else text


def _sentence(event: str) -> str:
    for tool in TOOLS:
        if event in tool.extension.events:
            return tool.extension.events[event]
    return EVENTS[event]
