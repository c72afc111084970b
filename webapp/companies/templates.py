"""A company's permission templates: made, changed and removed by its administrators.

A template is what it says for everybody who has it: a change reaches their levels at once.
"""

from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.companies import access
from webapp.companies.models import InvitedPlace, PermissionTemplate, Project, ProjectMember
from webapp.companies.permissions import (
    Levels,
    add_usual_templates,
    changes_of,
    levels_of_member,
    levels_of_template,
    make_template,
    set_template_levels,
    write_levels,
)
from webapp.core import audit
from webapp.core.database import rows_changed
from webapp.core.problems import Conflict, Invalid, NotFound
from webapp.core.text import _


def template_of(session: Session, company_id: int, template_id: int) -> PermissionTemplate:
    """Return a template of a company; NotFound when it has none of that id."""
    found = session.scalar(
        select(PermissionTemplate).where(
            PermissionTemplate.id == template_id, PermissionTemplate.company_id == company_id
        )
    )
    if found is None:
        raise NotFound
    return found


def uses(session: Session, company_id: int) -> dict[int, int]:
    """Return on how many places on projects each template of a company is used."""
    rows = session.execute(
        select(ProjectMember.template_id, func.count())
        .join(Project, Project.id == ProjectMember.project_id)
        .where(Project.company_id == company_id, ProjectMember.template_id.is_not(None))
        .group_by(ProjectMember.template_id)
    )
    return {template_id: count for template_id, count in rows if template_id is not None}


def make(session: Session, company_id: int, name: str, levels: Levels, *, by_id: int) -> None:
    access.administered_company(company_id, by_id)
    template = make_template(company_id, name, levels)
    _store(session, template)
    _note(session, "template.made", company_id, by_id, name)


def make_usual(session: Session, company_id: int, *, by_id: int) -> None:
    """Give the company those of the usual templates that it has not."""
    access.administered_company(company_id, by_id)
    add_usual_templates(session, company_id)
    _note(session, "template.usual", company_id, by_id, "")


def change(
    session: Session,
    company_id: int,
    template_id: int,
    name: str,
    levels: Levels,
    *,
    version: int,
    by_id: int,
) -> None:
    """Change a template and with it the levels of everybody who has it."""
    access.administered_company(company_id, by_id)
    template = template_of(session, company_id, template_id)
    done = session.execute(
        update(PermissionTemplate)
        .where(PermissionTemplate.id == template_id, PermissionTemplate.version == version)
        .values(version=version + 1)
    )
    if rows_changed(done) != 1:
        raise Conflict(_("This template was changed while you were editing."))
    changes = changes_of(levels_of_template(template), levels)
    template.name = name
    set_template_levels(template, levels)
    _store(session, template)
    _reach(session, company_id, template, levels, by_id)
    _note(session, "template.changed", company_id, by_id, name, changes=changes)


def _reach(
    session: Session, company_id: int, template: PermissionTemplate, levels: Levels, by_id: int
) -> None:
    places = session.scalars(select(InvitedPlace).where(InvitedPlace.template_id == template.id))
    for place in places:
        set_template_levels(place, levels)
    members = session.scalars(select(ProjectMember).where(ProjectMember.template_id == template.id))
    for member in members.all():
        changes = changes_of(levels_of_member(session, member), levels)
        if not changes:
            continue
        write_levels(session, member, levels)
        audit.note(
            session,
            "people.template",
            person_id=by_id,
            company_id=company_id,
            project_id=member.project_id,
            about=member.person_id,
            name=member.person.name,
            named=template.name,
            changes=changes,
        )


def remove(session: Session, company_id: int, template_id: int, *, by_id: int) -> None:
    """Take a template away; those who had it keep the levels it gave them."""
    access.administered_company(company_id, by_id)
    template = template_of(session, company_id, template_id)
    name = template.name
    session.execute(
        update(ProjectMember)
        .where(ProjectMember.template_id == template_id)
        .values(template_id=None)
    )
    session.execute(
        update(InvitedPlace).where(InvitedPlace.template_id == template_id).values(template_id=None)
    )
    session.delete(template)
    session.flush()
    _note(session, "template.removed", company_id, by_id, name)


def _store(session: Session, template: PermissionTemplate) -> None:
    try:
        with session.begin_nested():
            session.add(template)
            session.flush()
    except IntegrityError:
        raise Invalid(_("There is a template of that name already.")) from None


def _note(
    session: Session, event: str, company_id: int, by_id: int, name: str, **facts: Any
) -> None:
    audit.note(session, event, person_id=by_id, company_id=company_id, name=name, **facts)
