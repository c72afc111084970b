"""Files by the many: all of a record as one archive, all of a project as a register."""

from collections.abc import Iterable, Iterator

from flask import Response, g, request, stream_with_context
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from webapp.accounts.identity import me
from webapp.attachments import archive
from webapp.attachments.archive import Entry
from webapp.attachments.sending import disposition
from webapp.core import htmx, spreadsheets
from webapp.core.database import db, release
from webapp.core.names import clean_name
from webapp.core.text import _
from webapp.records.models import RecordRow
from webapp.records.visibility import may_see_row
from webapp.tools import lists, register
from webapp.tools.blueprint import bp
from webapp.tools.files import attached_to
from webapp.tools.naming import name_of
from webapp.tools.page import open_record
from webapp.tools.parts import Standing
from webapp.tools.registry import Section, Tool
from webapp.tools.rows import seen_rows, title_of

BLOCK_BYTES = 1 << 16


@bp.get("/<tool:tool>/<id:record_id>/files/zip")
def download_all(project_id: int, tool: Tool, record_id: int) -> Response:
    """All files of a record and its rows in one zip."""
    found = open_record(tool, project_id, record_id, me().id)
    entries = _entries(db.session(), found)
    title = _("%(record)s files", record=name_of(tool, found.record))
    release()
    return archive.respond(title, entries)


def _entries(session: Session, found: Standing) -> list[Entry]:
    """Return the files as the record's page shows them, those of a row in a folder of its own."""
    names = row_names(session, found)
    return [
        Entry(a, names[a.row_id] if a.row_id else "") for a in reversed(attached_to(session, found))
    ]


def row_names(session: Session, found: Standing) -> dict[int, str]:
    """Return what each row of a record is called beside its files."""
    names: dict[int, str] = {}
    for section in found.tool.sections:
        names.update(_names_in(session, found, section))
    return names


def _names_in(session: Session, found: Standing, section: Section) -> dict[int, str]:
    label = _(section.row_label)
    if section.is_table:
        rows = seen_rows(session, found, section)
        return {
            seen.row.id: f"{label} {number} – {title_of(section, seen.row)}"
            for number, seen in enumerate(rows, 1)
        }
    sent = session.scalars(
        select(RecordRow)
        .where(
            RecordRow.record_id == found.record.id,
            RecordRow.section == section.key,
            may_see_row(found.person_id),
        )
        .options(joinedload(RecordRow.author))
        .order_by(RecordRow.sent_at.is_(None), RecordRow.sent_at, RecordRow.id)
    )
    return {
        row.id: f"{label} {number} – {row.author.name}"
        if row.sent_at
        else _("%(row)s being written – %(name)s", row=label, name=row.author.name)
        for number, row in enumerate(sent, 1)
    }


@bp.get("/files")
def project_files(project_id: int) -> Response:
    """Every file of the project that this person sees; htmx gets the lines alone."""
    filter_ = register.Filter.from_args(request.args.to_dict())
    return htmx.render(
        "attachments/_register.html",
        within="attachments/register.html",
        project=g.entry.project,
        filter=filter_,
        controls=register.controls_of(project_id, me().id, filter_),
        page=register.page_of(db.session(), project_id, me().id, filter_),
    )


@bp.get("/files.csv")
def project_files_csv(project_id: int) -> Response:
    """The register as CSV, sent while it is read."""
    pages = _export(project_id)
    blocks = stream_with_context(spreadsheets.csv_blocks(pages))
    return _saved(blocks, spreadsheets.CSV_TYPE, "csv")


@bp.get("/files.xlsx")
def project_files_xlsx(project_id: int) -> Response:
    """The register as an Excel workbook, written to disk first and then sent."""
    file = spreadsheets.xlsx_file(_("Files"), _export(project_id))
    size = file.tell()
    file.seek(0)
    response = _saved(iter(lambda: file.read(BLOCK_BYTES), b""), spreadsheets.XLSX_TYPE, "xlsx")
    response.headers["Content-Length"] = str(size)
    response.call_on_close(file.close)
    return response


def _export(project_id: int) -> Iterator[list[spreadsheets.Row]]:
    filter_ = register.Filter.from_args(request.args.to_dict())
    register.require_exportable(db.session(), project_id, me().id, filter_)
    return register.export_pages(project_id, me().id, filter_)


def _saved(blocks: Iterable[bytes], content_type: str, extension: str) -> Response:
    """Return a download named after the project and the day."""
    project = g.entry.project
    name = f"{project.number} {_('Files')} {lists.today().isoformat()}.{extension}"
    response = Response(blocks, content_type=content_type)
    response.headers["Content-Disposition"] = disposition(clean_name(name, fallback=extension))
    response.headers["Cache-Control"] = "private, no-store"
    return response
