"""Editing a record: the form of a declaration, two people at once, and nothing typed is lost."""

from dataclasses import dataclass, replace
from typing import Any

from flask import g, make_response, redirect, render_template, request
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers.response import Response as BaseResponse

from webapp.accounts.identity import me
from webapp.core.database import db, release, writing
from webapp.core.problems import Forbidden, Invalid, Problem
from webapp.core.text import _, tidy
from webapp.tools import discarding, lifecycle, rows
from webapp.tools.asking_pages import step_or_question, to_question
from webapp.tools.blueprint import address, bp, to_dialog
from webapp.tools.files import file_lists
from webapp.tools.forms import (
    Choices,
    keeping,
    make_form,
    make_row_form,
    sent_values,
    sent_version,
)
from webapp.tools.lifecycle import UNSAVED_KEY, ChangedMeanwhile
from webapp.tools.page import files_under, form_choices, is_still_seen, open_record, record_page
from webapp.tools.parts import Standing, people_of
from webapp.tools.registry import Field, Kind, Section, Tool
from webapp.tools.values import is_filled, names_in, read_values, shown

TYPED_MAX_LENGTH = 100_000
LINES_OFFERED = 3
# What is typed and not chosen: giving that up is worth a question.
TYPED_KINDS = {Kind.TEXT, Kind.LONG_TEXT, Kind.MONEY, Kind.ADDRESSES, Kind.WHOLE_NUMBER}


@dataclass(frozen=True)
class Lines:
    """The rows that a draft's form can add to one of its tables; `named` are those it has."""

    section: Section
    named: tuple[str, ...]
    forms: tuple[FlaskForm, ...]

    @property
    def filled(self) -> list[FlaskForm]:
        """Return the lines in which something is chosen."""
        keys = self.section.in_form
        return [form for form in self.forms if any(is_filled(form[key].data) for key in keys)]


@bp.get("/<tool:tool>/<id:record_id>/edit")
def edit(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    found = open_record(tool, project_id, record_id, me().id)
    if not found.may_edit:
        raise Forbidden(_("You may not edit this record, or not any more."))
    return _edit_response(found, _form(found))


@bp.post("/<tool:tool>/<id:record_id>/edit")
def save(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Save the form, and take a step when the button asks for one."""
    found = open_record(tool, project_id, record_id, me().id)
    form, tables = _form(found), _tables(found)
    is_sound = [line.validate() for table in tables for line in table.filled]
    if not form.validate() or not all(is_sound):
        return _edit_response(found, form, status=422)
    try:
        asks_first = _save(found, form, tables, request.form.get("move", ""))
    except ChangedMeanwhile as conflict:
        found = open_record(tool, project_id, record_id, me().id)
        return _edit_response(found, form, status=409, conflict=conflict)
    except (Invalid, Forbidden) as problem:
        found = open_record(tool, project_id, record_id, me().id)
        return _edit_response(found, form, status=problem.status, problem=problem)
    if not is_still_seen(tool, project_id, record_id, me().id):
        return redirect(address("records", tool, project_id), 303)
    if asks_first:
        return to_question(found, {"move": request.form["move"]})
    return redirect(address("record", tool, project_id, record_id), 303)


def _save(found: Standing, form: FlaskForm, tables: list[Lines], step: str) -> bool:
    """Save, and take the step; True when it has a question that is still to be answered."""
    fields = _editable(found)
    values = sent_values(form, fields)
    with writing() as session:
        now = open_record(found.tool, found.record.project_id, found.record.id, me().id)
        lifecycle.save(
            session,
            now,
            values,
            version=sent_version(form),
            fields=fields,
        )
        for table in tables:
            for line in table.filled:
                declared = _in_form(table.section)
                rows.add(session, now, table.section, sent_values(line, declared))
        if step:
            # What was just saved may have made this person the manager, or no longer.
            now = open_record(found.tool, now.record.project_id, now.record.id, me().id)
            return step_or_question(session, now, step)
    return False


@bp.post("/<tool:tool>/<id:record_id>/keep")
def keep(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Keep what the form holds, finished or not, then go and choose files."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        lifecycle.keep_typed(session, found, _typed(found))
    return to_dialog(tool, project_id, record_id)


@bp.post("/<tool:tool>/<id:record_id>/cancel")
def cancel(project_id: int, tool: Tool, record_id: int) -> BaseResponse:
    """Leave the form: what was never saved and holds nothing leaves nothing behind."""
    with writing() as session:
        found = open_record(tool, project_id, record_id, me().id)
        if found.record.saved_at is not None or not discarding.may_discard(found):
            return redirect(address("record", tool, project_id, record_id), 303)
        if _has_typed(found):
            lifecycle.keep_typed(session, found, _typed(found))
        if not discarding.is_empty(session, found.record):
            return to_question(found, {"discard": "yes"})
        discarding.discard(session, found)
    return redirect(address("records", tool, project_id), 303)


def _has_typed(found: Standing) -> bool:
    """Does the form say anything in words or numbers that a new record does not begin with?"""
    people = people_of(db.session(), found.record.id)
    values = read_values(found.tool, found.record, people)
    keys = ["title", *(field.key for field in _editable(found) if field.kind in TYPED_KINDS)]
    typed = ((key, tidy(request.form.get(key))) for key in keys)
    return any(text and text != str(values.get(key) or "").strip() for key, text in typed)


def _typed(found: Standing) -> dict[str, Any]:
    """Return what was typed, as it was typed; only the form's own fields, and not without end."""
    keys = ["title", *(field.key for field in _editable(found))]
    typed = {key: request.form.getlist(key) for key in keys if key in request.form}
    if sum(len(text) for texts in typed.values() for text in texts) > TYPED_MAX_LENGTH:
        raise Invalid(_("That is too much text for one form."))
    return {"version": [request.form.get("version", "")], **typed}


def _editable(found: Standing) -> tuple[Field, ...]:
    return tuple(
        f
        for f in found.tool.fields
        if found.may_edit_field(f.editable_by)
        and not f.is_derived
        and (not f.statuses or found.record.status in f.statuses)
        and not found.is_fixed(f)
    )


def _fixed(found: Standing) -> list[str]:
    """Return which fields this person could change but for the status, or a signature."""
    tool, status = found.tool, found.record.status
    fixed = [f for f in tool.fields if found.is_fixed(f) and found.may_edit_field(f.editable_by)]
    by_status = [_(f.label) for f in fixed if status in f.fixed_in]
    signed = {f.fixed_by: _(tool.field(f.fixed_by).label) for f in fixed if f.fixed_by}
    words = [
        _(
            "Fixed while %(field)s is ticked: %(fields)s.",
            field=label,
            fields=", ".join(_(f.label) for f in fixed if f.fixed_by == key),
        )
        for key, label in signed.items()
        if found.record.details.get(key)
    ]
    if by_status:
        label = _(tool.status(status).label)
        words.append(
            _(
                "Fixed while the status is %(status)s: %(fields)s.",
                status=label,
                fields=", ".join(by_status),
            )
        )
    return words


def _form(found: Standing) -> FlaskForm:
    """Return the form of this person for this record, with what they had typed before."""
    people = people_of(db.session(), found.record.id)
    values = read_values(found.tool, found.record, people)
    names = names_in(db.session(), found.tool.fields, values, reader=found.person_id)
    offered = keeping(_offered(found), found.tool.fields, values, names.records)
    values["version"] = str(found.record.version)
    typed = _typed_before(found) if request.method == "GET" else None
    return make_form(found.tool, _editable(found), offered, values, typed=typed)


def _tables(found: Standing) -> list[Lines]:
    """Return the tables that the form of this draft has lines for, as far as this person fills."""
    if not found.tool.status(found.record.status).is_draft:
        return []
    offered = _offered(found)
    return [
        Lines(
            section,
            tuple(
                rows.title_of(section, seen.row)
                for seen in rows.seen_rows(db.session(), found, section)
            ),
            tuple(
                make_row_form(
                    section, _in_form(section), offered, {}, prefix=f"{section.key}-{number}-"
                )
                for number in range(1, LINES_OFFERED + 1)
            ),
        )
        for section in found.tool.sections
        if section.in_form and found.may_write_in(section)
    ]


def _in_form(section: Section) -> tuple[Field, ...]:
    return tuple(section.field(key) for key in section.in_form)


def _typed_before(found: Standing) -> MultiDict[str, str] | None:
    """Return what this person had typed and not saved, exactly as they typed it."""
    kept = found.record.details.get(UNSAVED_KEY, {}).get(str(found.person_id))
    return MultiDict(kept) if kept else None


def _offered(found: Standing) -> Choices:
    session, tool = db.session(), found.tool
    all_ = form_choices(session, tool, g.entry.project.id, g.entry.company.id, me().id)
    records = dict(all_.records)
    for field in tool.fields:
        only = tool.extension.offers(session, found, field.key) if field.of else None
        if only is not None:
            records[field.key] = tuple(pair for pair in records[field.key] if pair[0] in only)
    return replace(all_, records=records)


def _edit_response(
    found: Standing,
    form: FlaskForm,
    *,
    status: int = 200,
    conflict: ChangedMeanwhile | None = None,
    problem: Problem | None = None,
) -> BaseResponse:
    shown = file_lists(db.session(), found)
    offered = _offered(found)
    text = render_template(
        "tools/edit.html",
        tool=found.tool,
        record=found.record,
        project=g.entry.project,
        form=form,
        fields=_editable(found),
        fixed=_fixed(found),
        said=offered.said,
        steps=_steps(found),
        tables=_tables(found),
        conflict=conflict,
        problem=problem,
        theirs=_their_values(found, form) if conflict else {},
        files=files_under(shown, found.record, None),
        may_attach=found.may_attach,
    )
    release()
    return make_response(text, status)


def _steps(found: Standing) -> list[Any]:
    """Return the steps that the form's buttons offer beside saving."""
    if not found.tool.status(found.record.status).is_draft:
        return []
    return [step for step in found.transitions(with_response=False) if step.is_main]


def _their_values(found: Standing, form: FlaskForm) -> dict[str, str]:
    """Return what the record says now wherever the form says something else."""
    page = record_page(db.session(), found)
    values = read_values(found.tool, found.record, people_of(db.session(), found.record.id))
    mine = sent_values(form, _editable(found))
    names = names_in(db.session(), found.tool.fields, values, reader=found.person_id)
    theirs = {
        field.key: shown(field, values[field.key], names)
        for field in _editable(found)
        if (mine.get(field.key) or None) != (values[field.key] or None)
    }
    if "title" in mine and mine["title"] != values["title"]:
        theirs["title"] = page.record.title
    form["version"].data = str(found.record.version)
    return theirs
