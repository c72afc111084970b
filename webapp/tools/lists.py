"""Lists of records: filtered, sorted and paged in SQL, seen through the one visibility rule."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.core.clock import utcnow
from webapp.core.converters import as_id
from webapp.core.text import local_date
from webapp.records.models import Record, RecordPerson
from webapp.records.visibility import hangs_visibly, may_see
from webapp.tools.parts import BALL_ROLE
from webapp.tools.registry import Tool

PAGE = 50
SORTS = ("number", "title", "status", "due_on", "location", "updated")
QUERY_MAX_LENGTH = 200


@dataclass(frozen=True)
class Filter:
    """What a list's address asks for; anything unknown in it counts as not asked."""

    status: str = ""
    ball: str = ""
    manager: str = ""
    location: str = ""
    text: str = ""
    sort: str = "due_on"
    descending: bool = False
    page: int = 1

    @classmethod
    def from_args(cls, args: dict[str, str]) -> "Filter":
        # PostgreSQL takes no NUL, and nobody looks for a control character.
        args = {key: value for key, value in args.items() if value.isprintable()}
        sort = args.get("sort", "")
        page = args.get("page", "1")
        return cls(
            status=args.get("status", "")[:40],
            ball=args.get("ball", "")[:20],
            manager=args.get("manager", "")[:20],
            location=args.get("location", "")[:200],
            text=args.get("q", "").strip()[:QUERY_MAX_LENGTH],
            sort=sort if sort in SORTS else "due_on",
            descending=args.get("dir") == "desc",
            page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 6 else 1,
        )

    def args(self, **changes: str) -> dict[str, str]:
        """Return the query of this list's address with some parts changed; empty ones go."""
        now = {
            "status": self.status,
            "ball": self.ball,
            "manager": self.manager,
            "location": self.location,
            "q": self.text,
            "sort": self.sort if self.sort != "due_on" or self.descending else "",
            "dir": "desc" if self.descending else "",
            "page": str(self.page) if self.page > 1 else "",
        }
        now |= {"page": "", **changes}
        return {key: value for key, value in now.items() if value}


@dataclass(frozen=True)
class Line:
    """One record of a list."""

    record: Record
    holders: tuple[Person, ...]
    files: int
    is_mine: bool


@dataclass(frozen=True)
class Page:
    lines: tuple[Line, ...]
    total: int
    number: int

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // PAGE))

    @property
    def first(self) -> int:
        return (self.number - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return min(self.total, self.number * PAGE)


def today() -> date:
    """Return today's date where the project is."""
    return local_date(utcnow())


def holds_ball(person_id: int) -> ColumnElement[bool]:
    """Return SQL that is true for records this person must act on."""
    return (
        select(RecordPerson.record_id)
        .where(
            RecordPerson.record_id == Record.id,
            RecordPerson.role == BALL_ROLE,
            RecordPerson.person_id == person_id,
        )
        .exists()
    )


def is_overdue(on: date) -> ColumnElement[bool]:
    return and_(Record.is_open.is_(True), Record.due_on < on, Record.saved_at.is_not(None))


def page_of(session: Session, tool: Tool, project_id: int, person_id: int, filter_: Filter) -> Page:
    """Return one page of a tool's list as this person sees it."""
    query = _matching(tool, project_id, person_id, filter_)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    number = min(filter_.page, max(1, -(-total // PAGE)))
    records = session.scalars(
        query.options(joinedload(Record.manager), joinedload(Record.created_by))
        .order_by(*_order(filter_))
        .limit(PAGE)
        .offset((number - 1) * PAGE)
    ).all()
    return Page(_lines(session, list(records), person_id), total, number)


def _matching(tool: Tool, project_id: int, person_id: int, filter_: Filter) -> Select[Record]:
    query = select(Record).where(
        Record.project_id == project_id, Record.tool_key == tool.key, may_see(person_id)
    )
    for condition in _conditions(filter_, person_id):
        query = query.where(condition)
    return query


def _conditions(filter_: Filter, person_id: int) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if filter_.status == "all_open":
        found.append(Record.is_open.is_(True))
    elif filter_.status == "overdue":
        found.append(is_overdue(today()))
    elif filter_.status:
        found.append(Record.status == filter_.status)
    if filter_.ball == "me":
        found.append(holds_ball(person_id))
    elif holder := as_id(filter_.ball):
        found.append(holds_ball(holder))
    if manager := as_id(filter_.manager):
        found.append(Record.manager_id == manager)
    if filter_.location:
        below = filter_.location.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        found.append(
            or_(
                Record.location == filter_.location,
                Record.location.like(f"{below}>%", escape="\\"),
            )
        )
    if filter_.text:
        needle = filter_.text.lower()
        found.append(
            or_(
                func.lower(Record.title).contains(needle, autoescape=True),
                func.lower(Record.number).contains(needle, autoescape=True),
            )
        )
    return found


def _order(filter_: Filter) -> list[ColumnElement[Any]]:
    columns: dict[str, ColumnElement[Any]] = {
        "number": Record.number_sort.expression,
        "title": func.lower(Record.title),
        "status": Record.status.expression,
        "due_on": Record.due_on.expression,
        "location": Record.location.expression,
        "updated": Record.updated_at.expression,
    }
    column = columns[filter_.sort]
    directed = column.desc() if filter_.descending else column.asc()
    # Open before closed, and what has no value last, on every database alike.
    order = [Record.is_open.desc()] if filter_.sort == "due_on" else []
    return [*order, column.is_(None), directed, Record.number_sort.desc(), Record.id.desc()]


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
            .where(Attachment.record_id.in_(ids), Attachment.removed_at.is_(None))
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


def counts(session: Session, project_id: int, person_id: int) -> dict[str, Count]:
    """Return for each tool how many records are in this person's court and overdue there."""
    mine = holds_ball(person_id)
    rows = session.execute(
        select(
            Record.tool_key,
            func.count(Record.id),
            func.count(Record.id).filter(is_overdue(today())),
        )
        .where(
            Record.project_id == project_id,
            Record.is_open.is_(True),
            Record.saved_at.is_not(None),
            mine,
            may_see(person_id),
        )
        .group_by(Record.tool_key)
    )
    return {key: Count(number, late) for key, number, late in rows}


def in_court_of(session: Session, project_id: int, person_id: int) -> tuple[Line, ...]:
    """Return what waits for this person in a project, the most overdue first."""
    records = session.scalars(
        select(Record)
        .where(
            Record.project_id == project_id,
            Record.is_open.is_(True),
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
            hangs_visibly(person_id, Attachment.row_id),
        )
        .options(joinedload(Attachment.attached_by))
        .order_by(Attachment.attached_at.desc(), Attachment.id.desc())
        .limit(8)
    )
    return [(attachment, record) for attachment, record in rows]
