"""The people of a project, under its Directory: who is on it, who invites, and what each may do."""

from dataclasses import dataclass

from flask import g, make_response, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from webapp.accounts.identity import me
from webapp.accounts.models import Person
from webapp.companies import access, invitations, people
from webapp.companies.models import (
    CompanyMember,
    Invitation,
    Level,
    PermissionTemplate,
    ProjectMember,
    Vendor,
)
from webapp.companies.people import DIRECTORY, Desk, Invited
from webapp.companies.permissions import (
    EVERYTHING,
    LEVEL_NAMES,
    Levels,
    levels_of_member,
    levels_of_template,
    templates_of,
)
from webapp.core.converters import as_id
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound, Problem
from webapp.core.text import _
from webapp.records.models import Record, RecordPerson
from webapp.tools.blueprint import bp
from webapp.tools.page import retired_vendors
from webapp.tools.parts import BALL_ROLE
from webapp.tools.people import history
from webapp.tools.people.forms import (
    InviteForm,
    LevelChoice,
    labelled,
    level_choices,
    sent_levels,
)
from webapp.tools.people.inviting import LETTERS_PER_INVITATION, shown
from webapp.tools.registry import TOOLS

QUERY_MAX_LENGTH = 200


@dataclass(frozen=True)
class PersonLine:
    """One of the people of a project as its list shows them."""

    person: Person
    vendor: str
    vendor_id: int | None
    template: str
    is_company_admin: bool


def read_level(project_id: int) -> Level:
    """Return this person's level in the Directory; without one its pages do not exist."""
    level = access.require_level(project_id, me().id, DIRECTORY, Level.READ)
    g.tool_key = DIRECTORY
    return level


def own_desk(project_id: int) -> Desk:
    """Return the desk of whoever asks; only admins of the Directory have one."""
    found = people.desk(project_id, me().id)
    g.tool_key = DIRECTORY
    return found


def people_page(project_id: int) -> str:
    return url_for("tools.directory_people", project_id=project_id)


def person_page(project_id: int, person_id: int) -> str:
    return url_for("tools.directory_person", project_id=project_id, person_id=person_id)


def invitation_page(project_id: int, invitation_id: int) -> str:
    return url_for("tools.directory_invitation", project_id=project_id, invitation_id=invitation_id)


@bp.get("/directory/people")
def directory_people(project_id: int) -> str:
    level = read_level(project_id)
    session = db.session()
    text = request.args.get("q", "").strip()[:QUERY_MAX_LENGTH]
    vendor, template = as_id(request.args.get("vendor", "")), request.args.get("template", "")
    lines = _lines(session, project_id)
    is_admin = level >= Level.ADMIN
    found = [
        line
        for line in lines
        if _matches(line, text)
        and vendor in (None, line.vendor_id)
        and (not template or line.template == template)
    ]
    return render_template(
        "people/project.html",
        project=g.entry.project,
        lines=found,
        total=len(lines),
        text=text,
        vendor=vendor,
        vendors=[(key, name) for key, name in _vendors_by_id(session).items()],
        template=template,
        templates=sorted({line.template for line in lines if line.template}),
        is_admin=is_admin,
        invited=invitations.of_project(session, project_id) if is_admin else [],
        steps=history.of_project(session, project_id) if is_admin else [],
    )


def _matches(line: PersonLine, text: str) -> bool:
    words = (line.person.name, line.person.email, line.person.title, line.vendor)
    return text.lower() in " ".join(words).lower()


def _vendors_by_id(session: Session) -> dict[int, str]:
    rows = session.execute(
        select(Vendor.id, Vendor.name)
        .where(Vendor.company_id == g.entry.company.id)
        .order_by(Vendor.name, Vendor.id)
    )
    return dict(rows.all())


def _lines(session: Session, project_id: int) -> list[PersonLine]:
    """Return everybody who may enter the project, by name."""
    ids = [person.id for person in access.people_on(project_id)]
    rows = session.execute(
        select(
            Person,
            CompanyMember.is_admin,
            Vendor.name,
            CompanyMember.vendor_id,
            PermissionTemplate.name,
        )
        .join(
            CompanyMember,
            (CompanyMember.person_id == Person.id)
            & (CompanyMember.company_id == g.entry.company.id),
        )
        .outerjoin(Vendor, Vendor.id == CompanyMember.vendor_id)
        .outerjoin(
            ProjectMember,
            (ProjectMember.person_id == Person.id) & (ProjectMember.project_id == project_id),
        )
        .outerjoin(PermissionTemplate, PermissionTemplate.id == ProjectMember.template_id)
        .where(Person.id.in_(ids))
        .order_by(Person.name, Person.id)
    )
    return [
        PersonLine(
            person,
            vendor or "",
            vendor_id,
            _("Company administrator") if is_admin else template or _("Levels of their own"),
            is_admin,
        )
        for person, is_admin, vendor, vendor_id, template in rows
    ]


@bp.get("/directory/people/new")
def directory_new_person(project_id: int) -> Response:
    at = own_desk(project_id)
    return _invite_response(at, _invite_form(at))


@bp.post("/directory/people/new")
def directory_invite(project_id: int) -> Response:
    """Invite an address; whoever is in the company already is on the project at once."""
    at = own_desk(project_id)
    form = _invite_form(at)
    if not form.validate():
        return _invite_response(at, form, status=422)
    invited = Invited(
        name=form.full_name,
        email=form.email.data,
        title=form.title.data or "",
        vendor_id=form.vendor.data,
        template_id=form.template.data,
    )
    try:
        with writing() as session:
            made = people.invite(session, own_desk(project_id), invited)
            page = invitation_page if isinstance(made, Invitation) else person_page
            address = page(project_id, made.id)
    except (Invalid, Forbidden, Conflict) as problem:
        return _invite_response(own_desk(project_id), form, status=problem.status, problem=problem)
    return redirect(address, 303)


@bp.get("/directory/invitations/<id:invitation_id>")
def directory_invitation(project_id: int, invitation_id: int) -> str:
    """Show an invitation that leads to the project, to the admins of its Directory."""
    at = own_desk(project_id)
    session = db.session()
    found = invitations.on_project(session, project_id, invitation_id)
    return render_template(
        "people/invitation.html",
        project=at.project,
        company=at.company,
        shown=shown(session, found, may_manage=people.may_answer_for(at, found)),
        here=invitation_page(project_id, invitation_id),
        back=people_page(project_id),
    )


@bp.post("/directory/invitations/<id:invitation_id>/send")
@limiter.limit(LETTERS_PER_INVITATION, key_func=lambda: request.path)
def directory_send_again(project_id: int, invitation_id: int) -> Response:
    with writing() as session:
        people.send_again_from(session, own_desk(project_id), invitation_id)
    return redirect(invitation_page(project_id, invitation_id), 303)


@bp.post("/directory/invitations/<id:invitation_id>/withdraw")
def directory_withdraw(project_id: int, invitation_id: int) -> Response:
    with writing() as session:
        people.withdraw_from(session, own_desk(project_id), invitation_id)
    return redirect(people_page(project_id), 303)


def _invite_form(at: Desk) -> InviteForm:
    form: InviteForm = labelled(InviteForm())
    session = db.session()
    templates = _offered_templates(session, at, EVERYTHING if at.is_company_admin else at.levels)
    form.template.choices = [("", _("Choose one")), *((t.id, t.name) for t in templates)]
    retired = retired_vendors(session, at.project.id)
    vendors = [(key, name) for key, name in _vendors_by_id(session).items() if key not in retired]
    form.vendor.choices = [("", _("Nobody in the directory")), *vendors]
    return form


def _offered_templates(session: Session, at: Desk, most: Levels) -> list[PermissionTemplate]:
    """Return the templates that give nothing beyond `most`."""
    return [
        template
        for template in templates_of(session, at.company.id)
        if not levels_of_template(template).exceeds(most)
    ]


def _invite_response(
    at: Desk, form: InviteForm, *, status: int = 200, problem: Problem | None = None
) -> Response:
    text = render_template(
        "people/invite.html",
        project=at.project,
        company=at.company,
        form=form,
        problem=problem,
        is_company_admin=at.is_company_admin,
    )
    return make_response(text, status)


@bp.get("/directory/people/<id:person_id>")
def directory_person(project_id: int, person_id: int) -> Response:
    return _person_response(project_id, person_id)


def _person_response(project_id: int, person_id: int, problem: Problem | None = None) -> Response:
    """Show somebody: to readers whom they work for, to admins and themselves what they may do."""
    level = read_level(project_id)
    session = db.session()
    line = next((line for line in _lines(session, project_id) if line.person.id == person_id), None)
    if line is None:
        raise NotFound
    is_admin = level >= Level.ADMIN
    at = own_desk(project_id) if is_admin else None
    levels = _levels_shown(session, project_id, line)
    text = render_template(
        "people/person.html",
        project=g.entry.project,
        line=line,
        is_admin=is_admin,
        levels=_in_words(levels) if is_admin or person_id == me().id else [],
        desk=_desk_shown(session, at, line, levels) if at else None,
        steps=history.of_project(session, project_id, person_id) if is_admin else [],
        problem=problem,
    )
    return make_response(text, problem.status if problem else 200)


def _levels_shown(session: Session, project_id: int, line: PersonLine) -> Levels:
    if line.is_company_admin:
        return EVERYTHING
    return levels_of_member(session, people.member_of(session, project_id, line.person.id))


def _in_words(levels: Levels) -> list[tuple[str, str]]:
    return [(_(tool.label), _(LEVEL_NAMES[levels.of(tool.key)])) for tool in TOOLS]


@dataclass(frozen=True)
class DeskShown:
    """What an admin can do with somebody, or why nothing."""

    refusal: str
    templates: tuple[tuple[int, str], ...]
    template_id: int | None
    choices: tuple[LevelChoice, ...]


def _desk_shown(session: Session, at: Desk, line: PersonLine, levels: Levels) -> DeskShown:
    person = line.person
    refusal = people.refusal_to_manage(session, at, person.id)
    member = session.get(ProjectMember, (at.project.id, person.id))
    offered = [] if refusal else _offered_templates(session, at, at.levels)
    return DeskShown(
        refusal=refusal,
        templates=tuple((template.id, template.name) for template in offered),
        template_id=member.template_id if member else None,
        choices=() if refusal else tuple(level_choices(levels, at.levels)),
    )


@bp.post("/directory/people/<id:person_id>/template")
def directory_give_template(project_id: int, person_id: int) -> Response:
    chosen = as_id(request.form.get("template", "")) or 0
    try:
        with writing() as session:
            people.give_template(session, own_desk(project_id), person_id, chosen)
    except (Invalid, Forbidden) as problem:
        return _person_response(project_id, person_id, problem)
    return redirect(person_page(project_id, person_id), 303)


@bp.post("/directory/people/<id:person_id>/levels")
def directory_give_levels(project_id: int, person_id: int) -> Response:
    """Set the levels of one person alone, tool by tool."""
    try:
        with writing() as session:
            at = own_desk(project_id)
            before = levels_of_member(session, people.member_of(session, project_id, person_id))
            people.give_levels(session, at, person_id, sent_levels(before))
    except (Invalid, Forbidden) as problem:
        return _person_response(project_id, person_id, problem)
    return redirect(person_page(project_id, person_id), 303)


@bp.get("/directory/people/<id:person_id>/remove")
def directory_ask_remove(project_id: int, person_id: int) -> str:
    """Ask before somebody is taken off the project, and say what waits for them there."""
    at = own_desk(project_id)
    session = db.session()
    member = people.member_of(session, project_id, person_id)
    if why := people.refusal_to_manage(session, at, person_id):
        raise Forbidden(why)
    return render_template(
        "people/remove.html",
        project=at.project,
        person=member.person,
        waiting=_in_court(session, project_id, person_id),
    )


def _in_court(session: Session, project_id: int, person_id: int) -> int:
    count = session.scalar(
        select(func.count(Record.id))
        .join(RecordPerson, RecordPerson.record_id == Record.id)
        .where(
            Record.project_id == project_id,
            Record.is_open.is_(True),
            Record.saved_at.is_not(None),
            RecordPerson.role == BALL_ROLE,
            RecordPerson.person_id == person_id,
        )
    )
    return count or 0


@bp.post("/directory/people/<id:person_id>/remove")
def directory_remove_person(project_id: int, person_id: int) -> Response:
    with writing() as session:
        people.remove(session, own_desk(project_id), person_id)
    return redirect(people_page(project_id), 303)
