"""A record as PDF: what its page says to this reader, set for paper, with every file listed.

It is made of the page's own objects, so it cannot show more than the page does. What is still being
written is left out even for its author: a PDF is passed on.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Response, current_app, g, render_template
from sqlalchemy.orm import Session

from webapp.accounts.identity import me
from webapp.attachments import archive, sending
from webapp.core.clock import utcnow
from webapp.core.database import db, release
from webapp.core.extensions import limiter
from webapp.core.formats import day, for_paper
from webapp.core.paper import pdf_of
from webapp.core.text import _, ngettext
from webapp.imports.showing import ShownCopy
from webapp.records.models import Record
from webapp.tools import lists
from webapp.tools.blueprint import bp
from webapp.tools.file_pages import row_names
from webapp.tools.files import FileList, ShownFile
from webapp.tools.naming import creator_of, name_of
from webapp.tools.page import Cell, RecordPage, ShownRow, ShownSection, open_record, record_page
from webapp.tools.parts import Standing
from webapp.tools.registry import Tool

PDF_TYPE = "application/pdf"
FILES_MAX = 2000
ROWS_MAX = 1000
# The title block has four columns; what is longer than this takes a line of its own.
COLUMNS = 4
LONG = 90


@dataclass(frozen=True)
class Placed:
    """A cell of the title block and how many of its columns it takes."""

    cell: Cell
    span: int


@dataclass(frozen=True)
class ListedFile:
    """A file in the list; `row` says what it hangs on, "" for the record itself."""

    number: int
    file: ShownFile
    row: str


@dataclass(frozen=True)
class ListedCopy:
    """A file that is on its way or did not arrive."""

    copy: ShownCopy
    row: str


@dataclass(frozen=True)
class Files:
    """The list of files; `numbers` are those of each row's files, in words."""

    listed: tuple[ListedFile, ...]
    copies: tuple[ListedCopy, ...]
    in_all: int
    numbers: dict[int, str]


@dataclass(frozen=True)
class TableRow:
    """A row as its table shows it: short cells in columns, long texts below them."""

    row: ShownRow
    cells: tuple[Cell, ...]
    notes: tuple[Cell, ...]


@dataclass(frozen=True)
class SheetSection:
    """A section as paper has it; `total_at` is the column of the total, -1 without one."""

    shown: ShownSection
    rows: tuple[ShownRow, ...]
    table: tuple[TableRow, ...]
    total_at: int
    left_out: int


@bp.get("/<tool:tool>/<id:record_id>.pdf")
@limiter.limit("20/minute", key_func=lambda: f"pdf-{me().id}")
def record_pdf(project_id: int, tool: Tool, record_id: int) -> Response:
    """The record as PDF, for whoever sees its page."""
    found = open_record(tool, project_id, record_id, me().id)
    with for_paper():
        html = sheet(db.session(), found)
        name = download_name(tool, found)
    release()
    return sending.made(pdf_of(html, _style()), PDF_TYPE, name)


def download_name(tool: Tool, found: Standing) -> str:
    """Return the PDF's name: what the record is called and its title, once."""
    called, title = name_of(tool, found.record), found.record.title
    words = called if not title or title in called else f"{called} {title}"
    return archive.safe_name(f"{words.rstrip('. ')}.pdf")


@cache
def _style() -> str:
    return (Path(current_app.root_path) / "static/css/pdf.css").read_text(encoding="utf-8")


def sheet(session: Session, found: Standing) -> str:
    """Return a record as the HTML of its PDF."""
    page = record_page(session, found)
    return render_template(
        "tools/pdf/record.html",
        page=page,
        project=g.entry.project,
        company=g.entry.company,
        lines=lines_of(_heads(page) + page.cells),
        sections=tuple(_section(shown) for shown in page.sections),
        files=_files(page, row_names(session, found)),
        made_at=utcnow(),
        made_by=me().name,
    )


def _heads(page: RecordPage) -> tuple[Cell, ...]:
    """Return what stands before a record's own fields, as on its page."""
    tool, record = page.tool, page.record
    cells = []
    if tool.has_ball:
        holders = ", ".join(person.name for person in page.holders) if record.is_open else ""
        cells.append(Cell(_("Ball in court"), holders or _("Nobody"), is_wide=True))
    if tool.has_field("due_on"):
        cells.append(Cell(_(tool.field("due_on").label), _due(record)))
    if "revision" in tool.columns:
        cells.append(Cell(_("Revision"), str(record.revision)))
    cells.append(Cell(_("Created by"), creator_of(record)))
    return tuple(cells)


def _due(record: Record) -> str:
    due, today = record.due_on, lists.today()
    if due is None:
        return _("not set")
    if not record.is_open or due >= today:
        return day(due)
    late = (today - due).days
    return f"{day(due)}, {ngettext('%(num)s day late', '%(num)s days late', late)}"


def lines_of(cells: Iterable[Cell]) -> tuple[tuple[Placed, ...], ...]:
    """Return cells in lines of four columns, in their order; the last of a line fills it."""
    lines: list[list[Placed]] = [[]]
    for cell in cells:
        span = _span(cell)
        if sum(placed.span for placed in lines[-1]) + span > COLUMNS:
            lines.append([])
        lines[-1].append(Placed(cell, span))
    return tuple(_filled(line) for line in lines if line)


def _span(cell: Cell) -> int:
    if len(cell.text) > LONG or "\n" in cell.text:
        return COLUMNS
    return 2 if cell.is_wide or len(cell.text) > LONG // 3 else 1


def _filled(line: list[Placed]) -> tuple[Placed, ...]:
    free = COLUMNS - sum(placed.span for placed in line)
    return (*line[:-1], Placed(line[-1].cell, line[-1].span + free))


def _section(shown: ShownSection) -> SheetSection:
    rows = shown.rows[:ROWS_MAX]
    fields = shown.section.fields
    filled = [i for i in range(len(fields)) if any(row.cells[i].text for row in rows)]
    short = [i for i in filled if not any(row.cells[i].is_wide for row in rows)]
    sums = [n for n, i in enumerate(short) if fields[i].key == shown.section.sums]
    return SheetSection(
        shown=shown,
        rows=rows,
        table=tuple(
            TableRow(
                row,
                tuple(row.cells[i] for i in short),
                tuple(row.cells[i] for i in filled if i not in short and row.cells[i].text),
            )
            for row in rows
            if shown.section.is_table
        ),
        total_at=sums[0] if sums else -1,
        left_out=len(shown.rows) - len(rows),
    )


def _files(page: RecordPage, names: dict[int, str]) -> Files:
    """Number the files as they were attached: the record's own first, then row by row."""
    lists_: list[tuple[int, FileList]] = [(0, page.files)]
    lists_ += [(row.row.id, row.files) for shown in page.sections for row in shown.rows]
    listed: list[ListedFile] = []
    numbers: dict[int, str] = {}
    for row_id, held in lists_:
        first = len(listed) + 1
        listed += [
            ListedFile(number, file, names.get(row_id, ""))
            for number, file in enumerate(reversed(held.files), first)
        ]
        if row_id and held.files:
            numbers[row_id] = _span_text(first, len(listed))
    copies = [
        ListedCopy(copy, names.get(row_id, "")) for row_id, held in lists_ for copy in held.copies
    ]
    return Files(tuple(listed[:FILES_MAX]), tuple(copies[:FILES_MAX]), len(listed), numbers)


def _span_text(first: int, last: int) -> str:
    """Return "3" or "3 to 5"."""
    return str(first) if first == last else _("%(first)s to %(last)s", first=first, last=last)
