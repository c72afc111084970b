"""The distribution groups of a project, under its Directory."""

from flask import g, make_response, redirect, render_template, url_for
from werkzeug.wrappers.response import Response

from webapp.companies import access, groups
from webapp.companies.models import Group, Level
from webapp.companies.people import Desk
from webapp.core.database import db, writing
from webapp.core.problems import Invalid, Problem
from webapp.tools.blueprint import bp
from webapp.tools.people.forms import GroupForm, labelled
from webapp.tools.people.project import own_desk, read_level


@bp.get("/directory/groups")
def directory_groups(project_id: int) -> str:
    level = read_level(project_id)
    return render_template(
        "people/groups.html",
        project=g.entry.project,
        groups=groups.groups_of(db.session(), project_id),
        is_admin=level >= Level.ADMIN,
    )


@bp.get("/directory/groups/new")
def directory_new_group(project_id: int) -> Response:
    at = own_desk(project_id)
    return _group_response(at, _form(project_id))


@bp.post("/directory/groups/new")
def directory_make_group(project_id: int) -> Response:
    return _save(project_id, None)


@bp.get("/directory/groups/<id:group_id>/edit")
def directory_edit_group(project_id: int, group_id: int) -> Response:
    at = own_desk(project_id)
    group = groups.group_of(db.session(), project_id, group_id)
    shown = groups.groups_of(db.session(), project_id)
    members = next(found.members for found in shown if found.group.id == group_id)
    form = _form(project_id, name=group.name, members=[person.id for person in members])
    return _group_response(at, form, group=group)


@bp.post("/directory/groups/<id:group_id>/edit")
def directory_change_group(project_id: int, group_id: int) -> Response:
    return _save(project_id, group_id)


def _save(project_id: int, group_id: int | None) -> Response:
    at = own_desk(project_id)
    group = groups.group_of(db.session(), project_id, group_id) if group_id else None
    form = _form(project_id)
    if not form.validate():
        return _group_response(at, form, group=group, status=422)
    try:
        with writing() as session:
            groups.save(session, own_desk(project_id), group_id, form.name.data, form.members.data)
    except Invalid as problem:
        return _group_response(own_desk(project_id), form, group=group, status=422, problem=problem)
    return redirect(url_for("tools.directory_groups", project_id=project_id), 303)


@bp.post("/directory/groups/<id:group_id>/remove")
def directory_remove_group(project_id: int, group_id: int) -> Response:
    with writing() as session:
        groups.remove(session, own_desk(project_id), group_id)
    return redirect(url_for("tools.directory_groups", project_id=project_id), 303)


def _form(project_id: int, **values: object) -> GroupForm:
    form: GroupForm = labelled(GroupForm(data=values) if values else GroupForm())
    form.members.choices = [(p.id, p.name) for p in access.people_on(project_id)]
    return form


def _group_response(
    at: Desk,
    form: GroupForm,
    *,
    group: Group | None = None,
    status: int = 200,
    problem: Problem | None = None,
) -> Response:
    text = render_template(
        "people/group.html", project=at.project, form=form, group=group, problem=problem
    )
    return make_response(text, status)
