"""Lists of records: filtered, sorted and paged in SQL, seen through the one visibility rule."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Select,
    and_,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.companies.models import Level
from webapp.core.clock import utcnow
from webapp.core.converters import as_id
from webapp.core.numbers import as_whole
from webapp.core.text import _, local_date
from webapp.records.models import Record, RecordPerson, folded
from webapp.records.visibility import hangs_on_seen, hangs_visibly, may_see, may_see_at
from webapp.tools.forms import Choices, offered
from webapp.tools.parts import BALL_ROLE, PeopleByRole
from webapp.tools.registry import Field, Kind, Tool
from webapp.tools.values import (
    COLUMNS,
    PEOPLE_KINDS,
    Names,
    Values,
    mark_of,
    names_in,
    read_value,
    shown,
)

PAGE = 50
PAGE_MAX = 99_999
# Beyond this many nobody needs the exact number, and counting would cost more than the page.
COUNTED = 500
QUERY_MAX_LENGTH = 200
VALUE_MAX_LENGTH = 200
FROM, UNTIL = "_from", "_until"


@dataclass(frozen=True)
class Filter:
    """What a list's address asks for; anything unknown in it counts as not asked.

    `chosen` holds what is asked of single fields. `sort` is empty for the tool's own order.
    """

    tool: Tool
    status: str = ""
    ball: str = ""
    text: str = ""
    chosen: dict[str, str] = field(default_factory=dict)
    sort: str = ""
    descending: bool = False
    page: int = 1

    @classmethod
    def from_args(cls, tool: Tool, args: dict[str, str]) -> "Filter":
        # PostgreSQL takes no NUL, and nobody looks for a control character.
        args = {key: value for key, value in args.items() if value.isprintable()}
        sort = args.get("sort", "")
        return cls(
            tool,
            status=args.get("status", "")[:40],
            ball=args.get("ball", "")[:20],
            text=args.get("q", "").strip()[:QUERY_MAX_LENGTH],
            chosen={
                key: args[key][:VALUE_MAX_LENGTH] for key in _asked_keys(tool) if args.get(key)
            },
            sort=sort if sort in tool.columns and sort in SORTS else "",
            descending=args.get("dir") == "desc",
            page=as_whole(args.get("page"), PAGE_MAX) or 1,
        )

    def args(self, **changes: str) -> dict[str, str]:
        """Return the query of this list's address with some parts changed; empty ones go."""
        now = {
            "status": self.status,
            "ball": self.ball,
            **self.chosen,
            "q": self.text,
            "sort": self.sort,
            "dir": "desc" if self.descending else "",
            "page": str(self.page) if self.page > 1 else "",
        }
        now |= {"page": "", **changes}
        return {key: value for key, value in now.items() if value}

    @property
    def order(self) -> tuple[str, bool]:
        """The key the list is sorted by, and whether the largest comes first."""
        if self.sort:
            return self.sort, self.descending
        return self.tool.sort.removeprefix("-"), self.tool.sort.startswith("-")

    @property
    def is_grouped(self) -> bool:
        return bool(self.tool.group_by) and not self.sort


def _asked_keys(tool: Tool) -> list[str]:
    """Return what an address can ask of single fields; a date has a first and a last day."""
    found = []
    for key in tool.filters:
        if _is_date(tool, key):
            found += [f"{key}{FROM}", f"{key}{UNTIL}"]
        elif key not in {"status", "ball"}:
            found.append(key)
    return found


def _is_date(tool: Tool, key: str) -> bool:
    return tool.has_field(key) and tool.field(key).kind is Kind.DATE


@dataclass(frozen=True)
class Control:
    """One filter beside the search: a choice among `options`, `value` being chosen now.

    With `is_date` it is a day instead.
    """

    key: str
    label: str
    any_label: str
    options: tuple[tuple[str, str], ...]
    value: str
    is_date: bool = False


@dataclass(frozen=True)
class Column:
    """One column of a list; `sort` is the key it can be sorted by, "" for none.

    `is_reference` columns hold the number of a record, which is never broken into lines.
    """

    key: str
    label: str
    sort: str
    is_number: bool
    is_reference: bool = False


@dataclass(frozen=True)
class Line:
    """One record of a list; `heading` is set where another group begins.

    `marks` says of the columns that run out which are "late" or "soon".
    """

    record: Record
    holders: tuple[Person, ...]
    files: int
    is_mine: bool
    texts: dict[str, str] = field(default_factory=dict)
    heading: str = ""
    marks: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """One page of a list. `total` is exact up to COUNTED, None where there are more than that."""

    lines: tuple[Line, ...]
    total: int | None
    number: int
    has_next: bool

    @property
    def pages(self) -> int | None:
        return None if self.total is None else max(1, -(-self.total // PAGE))

    @property
    def counted(self) -> int:
        return COUNTED

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


def today() -> date:
    """Return today's date where the project is."""
    return local_date(utcnow())


def holds_ball(person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for records this person must act on."""
    return has_role(BALL_ROLE, person_id)


def has_role(role: str, person_id: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Return SQL that is true for records on which this person has a role."""
    return (
        select(RecordPerson.record_id)
        .where(
            RecordPerson.record_id == Record.id,
            RecordPerson.role == role,
            RecordPerson.person_id == person_id,
        )
        .exists()
    )


def is_overdue(on: date | ColumnElement[date]) -> ColumnElement[bool]:
    return and_(Record.is_open.is_(True), Record.due_on < on, Record.saved_at.is_not(None))


def columns_of(tool: Tool) -> tuple[Column, ...]:
    """Return a tool's columns with their headings."""
    own = {
        "number": _("Number"),
        "title": _(tool.title_label),
        "status": _("Status"),
        "ball": _("Ball in court"),
        "files": _("Files"),
        "updated": _("Updated"),
        "revision": _("Rev."),
        "created_by": _("Created by"),
    }
    return tuple(
        Column(
            key,
            own[key] if key in own else _(tool.field(key).label),
            sort=key if key in SORTS else "",
            is_number=key == "files" or _is_number(tool, key),
            is_reference=tool.has_field(key) and tool.field(key).kind is Kind.RECORD,
        )
        for key in tool.columns
    )


def _is_number(tool: Tool, key: str) -> bool:
    kinds = {Kind.MONEY, Kind.PERCENT, Kind.WHOLE_NUMBER}
    return tool.has_field(key) and tool.field(key).kind in kinds


def controls_of(filter_: Filter, choices: Choices) -> tuple[Control, ...]:
    """Return the filters that a tool's list offers, with what each can be set to."""
    tool = filter_.tool
    people = tuple((str(person_id), name) for person_id, name in choices.people)
    statuses = (
        ("all_open", _("All open")),
        *((("overdue", _("Overdue")),) if tool.has_field("due_on") else ()),
        *((group.key, _(group.label)) for group in tool.status_groups),
        *((status.key, _(status.label)) for status in tool.statuses),
    )
    found = []
    for key in tool.filters:
        if key == "status":
            found.append(Control(key, _("Status"), _("Any"), statuses, filter_.status))
        elif key == "ball":
            holders = (("me", _("Me")), *people)
            found.append(Control(key, _("Ball in court"), _("Anybody"), holders, filter_.ball))
        elif key == "created_by":
            value = filter_.chosen.get(key, "")
            found.append(Control(key, _("Created by"), _("Anybody"), people, value))
        elif _is_date(tool, key):
            found += _days(filter_, key)
        elif options := _options(tool, key, choices):
            label, anything = _filter_label(tool, key)
            found.append(Control(key, label, anything, options, filter_.chosen.get(key, "")))
    return tuple(found)


def _days(filter_: Filter, key: str) -> list[Control]:
    label = _(filter_.tool.field(key).label)
    ends = ((FROM, _("%(date)s from", date=label)), (UNTIL, _("%(date)s until", date=label)))
    return [
        Control(key + end, text, "", (), filter_.chosen.get(key + end, ""), is_date=True)
        for end, text in ends
    ]


def _filter_label(tool: Tool, key: str) -> tuple[str, str]:
    if key == "files":
        return _("Files"), _("Any")
    if key == "private":
        return _("Private"), _("Any")
    kind = tool.field(key).kind
    if key == "location":
        return _("Location"), _("Anywhere")
    return _(tool.field(key).label), _("Anybody") if kind in PEOPLE_KINDS else _("Any")


def _options(tool: Tool, key: str, choices: Choices) -> tuple[tuple[str, str], ...]:
    if key == "files":
        return (("yes", _("With files")), ("no", _("Without files")))
    if key == "private":
        return (("yes", _("Private")),)
    found = offered(tool.field(key), choices)
    return tuple((str(value), text) for value, text in found)


def page_of(
    session: Session, project_id: int, person_id: int, level: Level, filter_: Filter
) -> Page:
    """Return one page of a tool's list as this person, at this level, sees it."""
    matching = _matching(project_id, person_id, level, filter_)
    counted = session.scalars(matching.limit(COUNTED + 1)).all()
    count = len(counted)
    if count <= PAGE:
        # An order's index would be read to its end for the few that a word finds.
        matching = select(Record.id).where(Record.id.in_(counted))
    number = filter_.page if count > COUNTED else min(filter_.page, max(1, -(-count // PAGE)))
    # The page's ids first: sorting whole rows would carry their texts through the sort.
    ordered = matching.order_by(*_order(filter_)).limit(PAGE + 1).offset((number - 1) * PAGE)
    ids = session.scalars(ordered).all()
    whole = select(Record).where(Record.id.in_(ids[:PAGE])).options(joinedload(Record.created_by))
    found = {record.id: record for record in session.scalars(whole)}
    lines = _lines(session, [found[record_id] for record_id in ids[:PAGE]], person_id)
    return Page(
        _told(session, filter_, lines, person_id),
        total=count if count <= COUNTED else None,
        number=number,
        has_next=len(ids) > PAGE,
    )


def _matching(project_id: int, person_id: int, level: Level, filter_: Filter) -> Select[int]:
    """Return the query for the ids of everything on the list."""
    query = select(Record.id).where(
        Record.project_id == project_id,
        Record.tool_key == filter_.tool.key,
        # What somebody began and never saved is on no list, not even on their own.
        Record.saved_at.is_not(None),
        may_see_at(person_id, level),
    )
    for condition in _conditions(filter_, person_id):
        query = query.where(condition)
    return query


def _conditions(filter_: Filter, person_id: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    aside = [status.key for status in filter_.tool.statuses if not status.is_listed]
    if aside and filter_.status not in aside:
        found.append(Record.status.not_in(aside))
    if filter_.status == "all_open":
        found.append(Record.is_open.is_(True))
    elif filter_.status == "overdue":
        found.append(is_overdue(today()))
    elif group := filter_.tool.statuses_in(filter_.status):
        found.append(Record.status.in_(group))
    elif filter_.status:
        found.append(Record.status == filter_.status)
    if filter_.ball == "me":
        found.append(holds_ball(person_id))
    elif holder := as_id(filter_.ball):
        found.append(holds_ball(holder))
    for key, value in filter_.chosen.items():
        found += _asked_of(filter_.tool, key, value, person_id)
    found += filter_.tool.extension.narrowed(filter_.chosen)
    if filter_.text:
        found.append(Record.words.contains(folded(filter_.text), autoescape=True))
    return found


def _asked_of(tool: Tool, key: str, value: str, person_id: int) -> list[ColumnElement[bool]]:
    """Return the condition that one filter makes; none for a value it cannot have."""
    if key == "files":
        has_files = _has_files(person_id)
        return [has_files if value == "yes" else ~has_files]
    if key == "private":
        return [Record.is_private.is_(True)]
    if key == "location":
        return [_is_at(value)]
    if key == "created_by":
        wanted = as_id(value)
        return [Record.created_by_id == wanted] if wanted else []
    for end in (FROM, UNTIL):
        if key.endswith(end) and _is_date(tool, key.removesuffix(end)):
            return _within(key.removesuffix(end), value, is_first=end == FROM)
    if key == tool.group_by:
        return [Record.grouping == value]
    return _holds(tool.field(key), value)


def _holds(declared: Field, value: str) -> list[ColumnElement[bool]]:
    """Return the condition that a field of the record holds a value."""
    key = declared.key
    if key in COLUMNS:
        column = getattr(Record, COLUMNS[key])
        if declared.kind in {Kind.PERSON, Kind.VENDOR, Kind.RECORD}:
            wanted = as_id(value)
            return [column == wanted] if wanted else []
        return [column == value]
    if declared.kind in PEOPLE_KINDS:
        wanted = as_id(value)
        return [has_role(key, wanted)] if wanted else []
    if declared.kind is Kind.YES_NO:
        said = Record.details[key].as_boolean()
        return [said.is_(True) if value == "yes" else or_(said.is_(None), said.is_(False))]
    if declared.kind is Kind.TAGS:
        held = literal(", ") + func.lower(Record.details[key].as_string()) + literal(", ")
        return [held.contains(f", {value.lower()}, ", autoescape=True)]
    return [Record.details[key].as_string() == value]


def _within(key: str, value: str, *, is_first: bool) -> list[ColumnElement[bool]]:
    """Return the condition that a first or last day makes; none for what is no day."""
    try:
        day = date.fromisoformat(value)
    except ValueError:
        return []
    if key in COLUMNS:
        column = getattr(Record, COLUMNS[key])
        return [column >= day if is_first else column <= day]
    # A day as JSON keeps it sorts like the day itself.
    text = Record.details[key].as_string()
    return [text >= day.isoformat() if is_first else text <= day.isoformat()]


def _has_files(person_id: int) -> ColumnElement[bool]:
    return (
        select(Attachment.id)
        .where(
            Attachment.record_id == Record.id,
            Attachment.removed_at.is_(None),
            hangs_on_seen(person_id, Attachment.row_id),
        )
        .exists()
    )


def _is_at(location: str) -> ColumnElement[bool]:
    """Return SQL for a place and everything within it."""
    below = location.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    within = Record.location.like(f"{below}>%", escape="\\")
    return or_(Record.location == location, within)


def _order(filter_: Filter) -> list[ColumnElement[Any]]:
    """Return the order of a list, so that an index gives it; what has no value comes last."""
    key, descending = filter_.order
    # Open before closed where the due date decides.
    order: list[ColumnElement[Any]] = [Record.is_over.asc()] if key == "due_on" else []
    if filter_.is_grouped:
        order = [Record.grouping.asc().nulls_last()]
    for column in (*SORTS[key](), Record.id.expression):
        directed = column.desc() if descending else column.asc()
        # SQLite reads an index twice for NULLS LAST, so it is said only where there can be any.
        order.append(directed.nulls_last() if getattr(column, "nullable", True) else directed)
    return order


SORTS: dict[str, Callable[[], list[ColumnElement[Any]]]] = {
    "number": lambda: [
        Record.scope.expression,
        Record.number_sort.expression,
        Record.revision.expression,
    ],
    "title": lambda: [Record.words.expression],
    "status": lambda: [Record.status.expression],
    "due_on": lambda: [Record.due_sort.expression],
    "dated_on": lambda: [Record.dated_on.expression],
    "amount": lambda: [Record.amount.expression],
    "location": lambda: [Record.location.expression],
    "cost_code": lambda: [Record.cost_code.expression],
    "updated": lambda: [Record.updated_at.expression],
}


def _told(
    session: Session, filter_: Filter, lines: tuple[Line, ...], person_id: int
) -> tuple[Line, ...]:
    """Return the lines with the texts of the tool's own columns, and the headings of groups."""
    tool = filter_.tool
    keys = {*tool.columns, *((tool.group_by,) if filter_.is_grouped else ())}
    fields = [f for f in tool.fields if f.key in keys]
    if not (fields or filter_.is_grouped):
        return lines
    people = _people_by_record(session, lines, fields)
    values = [
        {f.key: read_value(f, line.record, people.get(line.record.id, {})) for f in fields}
        for line in lines
    ]
    names = names_in(session, fields, *values, reader=person_id)
    told = []
    before: str | None = None
    for line, held in zip(lines, values, strict=True):
        texts = {f.key: _in_list(f, held[f.key], names) for f in fields}
        heading = ""
        if filter_.is_grouped:
            heading = _heading(tool, line.record, held, names)
        marks = {f.key: mark for f in fields if (mark := mark_of(f, held[f.key]))}
        shown_heading = heading if heading != before else ""
        told.append(replace(line, texts=texts, heading=shown_heading, marks=marks))
        before = heading
    return tuple(told)


def _heading(tool: Tool, record: Record, held: Values, names: Names) -> str:
    """Return what stands over the records of one group."""
    if tool.group_by == "title":
        return record.title or _("Without one")
    text = shown(tool.field(tool.group_by), held[tool.group_by], names)
    return text or _("Without one")


def _in_list(declared: Field, value: Any, names: Names) -> str:
    """Return a value as short as a column needs it: of a place its last part, a record's number."""
    if declared.key == "location" and value:
        return str(value).rpartition(">")[2]
    if declared.kind is Kind.RECORD and value:
        return names.numbers.get(value, "")
    if declared.kind is Kind.YES_NO and not value:
        return ""
    return shown(declared, value, names)


def _people_by_record(
    session: Session, lines: tuple[Line, ...], fields: list[Field]
) -> dict[int, PeopleByRole]:
    roles = [f.key for f in fields if f.kind in PEOPLE_KINDS and f.key not in COLUMNS]
    found: dict[int, PeopleByRole] = {}
    if not roles:
        return found
    rows = session.execute(
        select(RecordPerson.record_id, RecordPerson.role, Person)
        .join(Person, Person.id == RecordPerson.person_id)
        .where(
            RecordPerson.record_id.in_([line.record.id for line in lines]),
            RecordPerson.role.in_(roles),
        )
        .order_by(RecordPerson.position)
    )
    for record_id, role, person in rows:
        found.setdefault(record_id, {}).setdefault(role, []).append(person)
    return found


def _lines(session: Session, records: list[Record], person_id: int) -> tuple[Line, ...]:
    ids = [record.id for record in records]
    holders: dict[int, list[Person]] = {}
    rows = session.execute(
        select(RecordPerson.record_id, Person)
        .join(Person, Person.id == RecordPerson.person_id)
        .where(RecordPerson.record_id.in_(ids), RecordPerson.role == BALL_ROLE)
        .order_by(RecordPerson.position)
    )
    for record_id, person in rows:
        holders.setdefault(record_id, []).append(person)
    files = dict(
        session.execute(
            select(Attachment.record_id, func.count(Attachment.id))
            .where(
                Attachment.record_id.in_(ids),
                Attachment.removed_at.is_(None),
                hangs_on_seen(person_id, Attachment.row_id),
            )
            .group_by(Attachment.record_id)
        ).all()
    )
    return tuple(
        Line(
            record,
            tuple(holders.get(record.id, ())),
            files.get(record.id, 0),
            any(person.id == person_id for person in holders.get(record.id, ())),
        )
        for record in records
    )


@dataclass(frozen=True)
class Count:
    """What the navigation tells about a tool."""

    mine: int
    overdue: int


def counts(session: Session, project_id: int, person_id: int, *, on: date) -> dict[str, Count]:
    """Return for each tool how many records are in this person's court and overdue there.

    The navigation stands on pages outside the project too, so `on` is today where the project is.
    """
    rows = session.execute(_counts(), {"project_id": project_id, "person_id": person_id, "on": on})
    return {key: Count(number, late) for key, number, late in rows}


@cache
def _counts() -> Select[str, int, int]:
    """Return the query of `counts`, made once: it stands on every page."""
    person = bindparam("person_id", type_=Integer)
    return (
        select(
            Record.tool_key,
            func.count(Record.id),
            func.count(Record.id).filter(is_overdue(bindparam("on", type_=Date))),
        )
        .where(
            Record.project_id == bindparam("project_id", type_=Integer),
            Record.is_open.is_(True),
            Record.saved_at.is_not(None),
            holds_ball(person),
            may_see(person),
        )
        .group_by(Record.tool_key)
    )


def in_court_of(session: Session, project_id: int, person_id: int) -> tuple[Line, ...]:
    """Return what waits for this person in a project, the most overdue first."""
    records = session.scalars(
        select(Record)
        .where(
            Record.project_id == project_id,
            Record.is_open.is_(True),
            Record.saved_at.is_not(None),
            holds_ball(person_id),
            may_see(person_id),
        )
        .order_by(Record.due_on.is_(None), Record.due_on, Record.id)
        .limit(PAGE)
    ).all()
    return _lines(session, list(records), person_id)


def overdue_with_others(session: Session, project_id: int, person_id: int) -> tuple[Line, ...]:
    """Return what others have let slip, the oldest first."""
    records = session.scalars(
        select(Record)
        .where(
            Record.project_id == project_id,
            is_overdue(today()),
            ~holds_ball(person_id),
            may_see(person_id),
        )
        .order_by(Record.due_on, Record.id)
        .limit(10)
    ).all()
    return _lines(session, list(records), person_id)


def attached_lately(
    session: Session, project_id: int, person_id: int
) -> list[tuple[Attachment, Record]]:
    """Return the files attached last, on records this person sees."""
    rows = session.execute(
        select(Attachment, Record)
        .join(Record, Record.id == Attachment.record_id)
        .where(
            Attachment.project_id == project_id,
            Attachment.removed_at.is_(None),
            Record.saved_at.is_not(None),
            hangs_visibly(person_id, Attachment.row_id),
        )
        .options(joinedload(Attachment.attached_by))
        .order_by(Attachment.attached_at.desc(), Attachment.id.desc())
        .limit(8)
    )
    return [(attachment, record) for attachment, record in rows]
