"""The pages of a table's rows: the table alone, adding a row, changing one, taking one away."""

from flask import g, make_response, redirect, render_template
from flask_wtf import FlaskForm
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core import htmx
from webapp.core.database import db, release, writing
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from webapp.core.text import _
from webapp.records.models import RecordRow
from webapp.records.visibility import row_for
from webapp.tools import asking, rows
from webapp.tools.asking_pages import ask_first, unanswered
from webapp.tools.blueprint import address, bp
from webapp.tools.files import file_lists
from webapp.tools.forms import keeping, make_row_form, sent_values, sent_version
from webapp.tools.page import files_under, form_choices, open_record, shown_table
from webapp.tools.parts import Standing
from webapp.tools.registry import Field, Section, Tool
from webapp.tools.values import Values, names_in, read_row


@bp.get("/<tool:tool>/<id:record_id>/sections/<section>/table")
def table(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    """One table; the record's page asks for it again when files of its rows have changed."""
    found = open_record(tool, project_id, record_id, me().id)
    declared = _table_of(found, section)
    return htmx.render(
        "tools/_table.html",
        within="tools/table.html",
        tool=tool,
        record=found.record,
        shown=shown_table(db.session(), found, declared),
    )


@bp.get("/<tool:tool>/<id:record_id>/sections/<section>/add")
def new_row(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    found = open_record(tool, project_id, record_id, me().id)
    declared = _fillable(found, section)
    values = found.tool.extension.new_row(db.session(), found, declared)
    return _row_response(found, declared, _form(found, declared, _all(declared), values))


@bp.post("/<tool:tool>/<id:record_id>/sections/<section>/add")
def add_row(project_id: int, tool: Tool, record_id: int, section: str) -> BaseResponse:
    found = open_record(tool, project_id, record_id, me().id)
    declared = _fillable(found, section)
    fields = _all(declared)
    form = _form(found, declared, fields, {})
    if not form.validate():
        return _row_response(found, declared, form, status=422)
    try:
        with writing() as session:
            now = open_record(tool, project_id, record_id, me().id)
            row = rows.add(session, now, declared, sent_values(form, fields))
            row_id = row.id
    except Invalid as problem:
        found = open_record(tool, project_id, record_id, me().id)
        return _row_response(found, declared, form, status=problem.status, problem=problem)
    return _back(found, f"row-{row_id}")


@bp.get("/<tool:tool>/<id:record_id>/rows/<id:row_id>/edit")
def edit_row(project_id: int, tool: Tool, record_id: int, row_id: int) -> BaseResponse:
    found, row, declared, fields = _changeable(project_id, tool, record_id, row_id)
    values = {**read_row(declared, row), "version": str(row.version)}
    return _row_response(found, declared, _form(found, declared, fields, values), row=row)


@bp.post("/<tool:tool>/<id:record_id>/rows/<id:row_id>/edit")
def change_row(project_id: int, tool: Tool, record_id: int, row_id: int) -> BaseResponse:
    """Change a row, or fill in one's answer on it."""
    found, row, declared, fields = _changeable(project_id, tool, record_id, row_id)
    form = _form(found, declared, fields, read_row(declared, row))
    if not form.validate():
        return _row_response(found, declared, form, row=row, status=422)
    try:
        with writing() as session:
            now = open_record(tool, project_id, record_id, me().id)
            row = row_for(me().id, now.record, row_id)
            values = sent_values(form, fields)
            rows.change(session, now, row, values, version=sent_version(form))
    except (Conflict, Invalid) as problem:
        return _row_again(found, declared, form, row_id, problem)
    return _back(found, f"row-{row_id}")


def _row_again(
    found: Standing, declared: Section, form: FlaskForm, row_id: int, problem: Problem
) -> BaseResponse:
    """Show the form once more over the row as it is now; what was typed is kept."""
    row = row_for(me().id, found.record, row_id)
    form["version"].data = str(row.version)
    return _row_response(found, declared, form, row=row, status=problem.status, problem=problem)


@bp.post("/<tool:tool>/<id:record_id>/rows/<id:row_id>/remove")
def remove_row(project_id: int, tool: Tool, record_id: int, row_id: int) -> BaseResponse:
    """Take a row out of its table; it can be put back for thirty days."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        row = row_for(me().id, found.record, row_id)
        section = row.section
        question = asking.before_row_removal(session, found, row)
        if unanswered(question):
            return ask_first(found, question)
        rows.remove(session, found, row)
    return _back(found, section)


@bp.post("/<tool:tool>/<id:record_id>/rows/<id:row_id>/restore")
def restore_row(project_id: int, tool: Tool, record_id: int, row_id: int) -> BaseResponse:
    """Put a removed row back into its table, within its thirty days."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        rows.restore(session, found, row_id)
    return _back(found, f"row-{row_id}")


def _table_of(found: Standing, key: str) -> Section:
    section = found.tool.section(key)
    if section is None or not section.is_table or not found.may_see_rows(section):
        raise NotFound
    return section


def _fillable(found: Standing, key: str) -> Section:
    """Return a table that this person fills; Forbidden before anything sent is looked at."""
    declared = _table_of(found, key)
    if not found.may_write_in(declared):
        raise Forbidden(_("You may not change this, or not any more."))
    return declared


def _all(section: Section) -> tuple[Field, ...]:
    return rows.fields_to_fill(section)


def _changeable(
    project_id: int, tool: Tool, record_id: int, row_id: int
) -> tuple[Standing, RecordRow, Section, tuple[Field, ...]]:
    """Return a row with the fields of it that this person may change; Forbidden when none."""
    found = open_record(tool, project_id, record_id, me().id)
    row = row_for(me().id, found.record, row_id)
    declared = _table_of(found, row.section)
    if words := tool.extension.row_rests(found, row):
        raise Forbidden(words)
    fields = rows.changeable(found, declared, row)
    if not fields:
        raise Forbidden(_("You may not change this, or not any more."))
    return found, row, declared, fields


def _form(
    found: Standing, declared: Section, fields: tuple[Field, ...], values: Values
) -> FlaskForm:
    entry = g.entry
    offered = form_choices(db.session(), found.tool, entry.project.id, entry.company.id, me().id)
    names = names_in(db.session(), declared.fields, values, reader=found.person_id)
    kept = keeping(offered, declared.fields, values, names.records)
    return make_row_form(declared, fields, kept, values)


def _row_response(
    found: Standing,
    declared: Section,
    form: FlaskForm,
    *,
    row: RecordRow | None = None,
    status: int = 200,
    problem: Problem | None = None,
) -> BaseResponse:
    lists = file_lists(db.session(), found)
    text = render_template(
        "tools/row.html",
        tool=found.tool,
        record=found.record,
        section=declared,
        form=form,
        fields=[field for field in declared.fields if field.key in form],
        row=row,
        problem=problem,
        files=files_under(lists, found.record, row.id) if row else None,
        may_remove=row is not None and found.may_write_in(declared),
    )
    release()
    return make_response(text, status)


def _back(found: Standing, anchor: str) -> BaseResponse:
    record = found.record
    there = address("record", found.tool, record.project_id, record.id)
    return redirect(f"{there}#{anchor}", 303)
