"""The files of a whole project as one person sees them: searched, filtered, paged in SQL."""

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import Session, joinedload

from webapp.attachments.archive import source_text, superseded_text
from webapp.attachments.models import Attachment, Source, with_successors
from webapp.companies import access
from webapp.companies.models import Level
from webapp.core.converters import as_id
from webapp.core.database import db, release
from webapp.core.numbers import as_whole
from webapp.core.problems import Invalid
from webapp.core.spreadsheets import Row
from webapp.core.text import _, format_number
from webapp.records.models import Record
from webapp.records.visibility import hangs_visibly
from webapp.tools.files import ShownFile
from webapp.tools.lists import PAGE, PAGE_MAX, QUERY_MAX_LENGTH, Control
from webapp.tools.naming import name_of
from webapp.tools.registry import TOOLS, Tool

EXPORT_MAX = 100_000
EXPORT_PAGE = 1000


@dataclass(frozen=True)
class Filter:
    """What the register's address asks for; anything unknown in it counts as not asked."""

    text: str = ""
    tool: str = ""
    source: str = ""
    person: str = ""
    page: int = 1

    @classmethod
    def from_args(cls, args: dict[str, str]) -> "Filter":
        # PostgreSQL takes no NUL, and nobody looks for a control character.
        args = {key: value for key, value in args.items() if value.isprintable()}
        return cls(
            text=args.get("q", "").strip()[:QUERY_MAX_LENGTH],
            tool=args.get("tool", "") if TOOLS.get(args.get("tool", "")) else "",
            source=args.get("source", "") if args.get("source") in set(Source) else "",
            person=args.get("person", "") if as_id(args.get("person", "")) else "",
            page=as_whole(args.get("page"), PAGE_MAX) or 1,
        )

    def args(self, **changes: str) -> dict[str, str]:
        """Return the query of this register's address with some parts changed; empty ones go."""
        now = {"q": self.text, "tool": self.tool, "source": self.source, "person": self.person}
        return {key: value for key, value in {**now, **changes}.items() if value}


@dataclass(frozen=True)
class Line:
    """One file, the record it hangs on, and where on its page."""

    file: ShownFile
    record: Record
    tool: Tool

    @property
    def anchor(self) -> str:
        row_id = self.file.attachment.row_id
        return f"row-{row_id}" if row_id else ""

    @property
    def source(self) -> str:
        return source_text(self.file.attachment.source)


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


def page_of(session: Session, project_id: int, person_id: int, filter_: Filter) -> Page:
    """Return one page of the register, the newest file first."""
    query = _matching(project_id, person_id, filter_)
    total = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    number = min(filter_.page, max(1, -(-total // PAGE)))
    newest = query.order_by(*_NEWEST).limit(PAGE).offset((number - 1) * PAGE)
    return Page(tuple(_lines(session, newest)), total, number)


def controls_of(project_id: int, person_id: int, filter_: Filter) -> tuple[Control, ...]:
    """Return the filters of the register, with what each can be set to."""
    levels = access.levels(project_id, person_id)
    tools = tuple(
        (tool.key, _(tool.label))
        for tool in TOOLS
        if levels.get(tool.key, levels["*"]) >= Level.READ
    )
    sources = tuple((source.value, source_text(source.value)) for source in Source)
    people = tuple((str(person.id), person.name) for person in access.people_on(project_id))
    return (
        Control("tool", _("Tool"), _("Any"), tools, filter_.tool),
        Control("source", _("Source"), _("Any"), sources, filter_.source),
        Control("person", _("Attached by"), _("Anybody"), people, filter_.person),
    )


def require_exportable(session: Session, project_id: int, person_id: int, filter_: Filter) -> None:
    """Refuse an export that would end before the last file does."""
    query = _matching(project_id, person_id, filter_).limit(EXPORT_MAX + 1)
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    if count > EXPORT_MAX:
        raise Invalid(
            _(
                "More than %(most)s files match, and one export takes no more. Choose a tool or "
                "a person first.",
                most=format_number(EXPORT_MAX),
            ),
            title=_("That is too much for one export"),
        )


def export_pages(project_id: int, person_id: int, filter_: Filter) -> Iterator[list[Row]]:
    """Yield the heading and then all lines, page by page.

    The connection goes back after each page, because who reads them may be slow; what a person
    sees is asked anew for each.
    """
    yield [_heads()]
    sources = {source.value: source_text(source.value) for source in Source}
    query = _matching(project_id, person_id, filter_).order_by(*_NEWEST).limit(EXPORT_PAGE)
    last: Attachment | None = None
    left = EXPORT_MAX
    while left > 0:
        asked = query if last is None else query.where(_older_than(last))
        # The session of this moment: the one of the view has ended when a stream is read.
        lines = list(_lines(db.session(), asked))
        rows = [_row(line, sources) for line in lines[:left]]
        release()
        if rows:
            yield rows
        if len(lines) < EXPORT_PAGE:
            return
        last = lines[-1].file.attachment
        left -= len(rows)


_NEWEST = (Attachment.attached_at.desc(), Attachment.id.desc())


def _older_than(last: Attachment) -> ColumnElement[bool]:
    """Return SQL for what follows a file; the first condition is one an index can begin with."""
    return and_(
        Attachment.attached_at <= last.attached_at,
        or_(Attachment.attached_at < last.attached_at, Attachment.id < last.id),
    )


def _matching(project_id: int, person_id: int, filter_: Filter) -> Select[int]:
    query = (
        select(Attachment.id)
        .join(Record, Record.id == Attachment.record_id)
        .where(
            Attachment.project_id == project_id,
            Attachment.removed_at.is_(None),
            Record.saved_at.is_not(None),
            Record.tool_key.in_([tool.key for tool in TOOLS]),
            hangs_visibly(person_id, Attachment.row_id),
        )
    )
    if filter_.text:
        query = query.where(_is_called(filter_.text))
    if filter_.tool:
        query = query.where(Attachment.tool_key == filter_.tool)
    if filter_.source:
        query = query.where(Attachment.source == filter_.source)
    if person := as_id(filter_.person):
        query = query.where(Attachment.attached_by_id == person)
    return query


def _is_called(text: str) -> ColumnElement[bool]:
    """Return SQL for names that hold these letters; names are kept composed, as this makes them.

    SQLite lowers ASCII alone, so that other scripts are also looked for as they were typed.
    """
    needle = unicodedata.normalize("NFC", text)
    return or_(
        func.lower(Attachment.name).contains(needle.lower(), autoescape=True),
        Attachment.name.contains(needle, autoescape=True),
    )


def _lines(session: Session, ids: Select[int]) -> Iterator[Line]:
    """Yield whole lines for the ids a query gives: sorting ids alone carries no texts along."""
    rows = session.execute(
        select(Attachment, Record)
        .join(Record, Record.id == Attachment.record_id)
        .where(Attachment.id.in_(session.scalars(ids).all()))
        .options(joinedload(Attachment.attached_by), with_successors())
        .order_by(*_NEWEST)
    )
    for attachment, record in rows:
        tool = TOOLS.get(record.tool_key)
        assert tool is not None
        yield Line(ShownFile(attachment, may_remove=False), record, tool)


def _heads() -> Row:
    return (
        _("Name"),
        _("Description"),
        _("Size in bytes"),
        _("Tool"),
        _("Record"),
        _("Title"),
        _("Attached by"),
        _("Attached at (UTC)"),
        _("Source"),
        _("Path"),
        _("Version"),
        _("Superseded by"),
        _("Original name"),
        "SHA-1",
    )


def _row(line: Line, sources: dict[str, str]) -> Row:
    found = line.file.attachment
    return (
        found.name,
        found.description,
        found.size_bytes,
        _(line.tool.label),
        name_of(line.tool, line.record),
        line.record.title,
        found.attached_by.name,
        found.attached_at,
        sources.get(found.source, found.source),
        found.box_path,
        found.box_version_number or "",
        superseded_text(found),
        found.original_name,
        found.sha1,
    )
