"""The distribution groups of a project, under its Directory."""

from typing import Any

from flask import g, make_response, redirect, render_template, url_for
from werkzeug.wrappers.response import Response

from webapp.companies import access, groups
from webapp.companies.models import Group, Level
from webapp.companies.people import Desk
from webapp.core.database import db, writing
from webapp.core.problems import Invalid, NotFound, Problem
from webapp.core.text import _, ngettext
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


@bp.get("/directory/groups/<id:group_id>/remove")
def directory_ask_remove_group(project_id: int, group_id: int) -> str:
    """Ask before a distribution group goes."""
    own_desk(project_id)
    shown = groups.groups_of(db.session(), project_id)
    found = next((one for one in shown if one.group.id == group_id), None)
    if found is None:
        raise NotFound
    where: dict[str, Any] = {"project_id": project_id, "group_id": group_id}
    count = len(found.members)
    return render_template(
        "people/removing.html",
        title=_("Remove the group %(name)s?", name=found.group.name),
        lines=[
            ngettext("%(num)s person is in it.", "%(num)s people are in it.", count),
            _("They stay on the project and on the records it was used on."),
        ],
        button=_("Remove group"),
        here=url_for("tools.directory_remove_group", **where),
        back=url_for("tools.directory_edit_group", **where),
    )


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
