"""A company's people and permission templates, in the hands of its administrators."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from webapp.accounts.identity import me
from webapp.accounts.models import Person
from webapp.companies import access, invitations, people, templates
from webapp.companies.invitations import Newcomer
from webapp.companies.models import (
    Company,
    CompanyMember,
    FormerMember,
    Level,
    PermissionTemplate,
    Project,
    ProjectMember,
    Vendor,
)
from webapp.companies.permissions import Levels, levels_of_template, templates_of
from webapp.core.converters import ID_MAX
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.numbers import as_whole
from webapp.core.problems import Conflict, Invalid, NotFound, Problem
from webapp.core.text import _, ngettext
from webapp.tools.people import history
from webapp.tools.people.forms import (
    MemberForm,
    TemplateForm,
    VendorForm,
    labelled,
    level_choices,
    sent_levels,
)
from webapp.tools.people.inviting import LETTERS_PER_INVITATION, shown

bp = Blueprint("people", __name__, url_prefix="/companies/<id:company_id>")


@dataclass(frozen=True)
class MemberLine:
    """One of a company's people, or somebody it has deactivated."""

    person: Person
    vendor: str
    vendor_id: int | None
    projects: int
    is_admin: bool = False
    is_former: bool = False


def _company(company_id: int) -> Company:
    return access.administered_company(company_id, me().id)


@bp.get("/people")
def members(company_id: int) -> str:
    company = _company(company_id)
    session = db.session()
    lines = _lines(session, company_id)
    return render_template(
        "people/company.html",
        company=company,
        lines=[line for line in lines if not line.is_former],
        former=[line for line in lines if line.is_former],
        invited=invitations.of_company(session, company_id),
        steps=history.of_company(session, company_id),
    )


def _lines(session: Session, company_id: int) -> list[MemberLine]:
    """Return a company's people and those it has deactivated, each by name."""
    projects = dict(
        session.execute(
            select(ProjectMember.person_id, func.count())
            .join(Project, Project.id == ProjectMember.project_id)
            .where(Project.company_id == company_id)
            .group_by(ProjectMember.person_id)
        ).all()
    )
    present = session.execute(
        select(Person, Vendor.name, CompanyMember.vendor_id, CompanyMember.is_admin)
        .join(CompanyMember, CompanyMember.person_id == Person.id)
        .outerjoin(Vendor, Vendor.id == CompanyMember.vendor_id)
        .where(CompanyMember.company_id == company_id)
        .order_by(Person.name, Person.id)
    )
    gone = session.execute(
        select(Person, Vendor.name, FormerMember.vendor_id)
        .join(FormerMember, FormerMember.person_id == Person.id)
        .outerjoin(Vendor, Vendor.id == FormerMember.vendor_id)
        .where(FormerMember.company_id == company_id)
        .order_by(Person.name, Person.id)
    )
    return [
        *(
            MemberLine(person, vendor or "", key, projects.get(person.id, 0), is_admin=is_admin)
            for person, vendor, key, is_admin in present
        ),
        *(
            MemberLine(person, vendor or "", key, projects.get(person.id, 0), is_former=True)
            for person, vendor, key in gone
        ),
    ]


@bp.get("/people/new")
def new_member(company_id: int) -> Response:
    company = _company(company_id)
    return _invite_response(company, _member_form(db.session(), company_id))


def _member_form(session: Session, company_id: int) -> MemberForm:
    form: MemberForm = labelled(MemberForm())
    form.vendor.choices = _vendor_choices(session, company_id)
    return form


def _invite_response(
    company: Company, form: MemberForm, problem: Problem | None = None
) -> Response:
    text = render_template("people/join.html", company=company, form=form, problem=problem)
    return make_response(text, problem.status if problem else 422 if form.errors else 200)


@bp.post("/people/new")
def invite_member(company_id: int) -> Response:
    """Invite an address into the company; its projects add the person later."""
    company = _company(company_id)
    form = _member_form(db.session(), company_id)
    if not form.validate():
        return _invite_response(company, form)
    newcomer = Newcomer(form.full_name, form.email.data, form.title.data or "", form.vendor.data)
    try:
        with writing() as session:
            invited = people.invite_to_company(session, company_id, newcomer, by_id=me().id)
            invitation_id = invited.id
    except (Invalid, Conflict) as problem:
        return _invite_response(_company(company_id), form, problem)
    return redirect(_invitation_page(company_id, invitation_id), 303)


def _invitation_page(company_id: int, invitation_id: int) -> str:
    return url_for("people.invitation", company_id=company_id, invitation_id=invitation_id)


@bp.get("/people/invitations/<id:invitation_id>")
def invitation(company_id: int, invitation_id: int) -> str:
    """Show one of the company's open invitations, and what became of its letter."""
    company = _company(company_id)
    session = db.session()
    found = invitations.in_company(session, company_id, invitation_id)
    return render_template(
        "people/invitation.html",
        project=None,
        company=company,
        shown=shown(session, found, may_manage=True),
        here=_invitation_page(company_id, invitation_id),
        back=url_for("people.members", company_id=company_id),
    )


@bp.post("/people/invitations/<id:invitation_id>/send")
@limiter.limit(LETTERS_PER_INVITATION, key_func=lambda: request.path)
def send_again(company_id: int, invitation_id: int) -> Response:
    """Send an invitation again, with a new link."""
    _company(company_id)
    with writing() as session:
        people.send_again(session, company_id, invitation_id, by_id=me().id)
    return redirect(_invitation_page(company_id, invitation_id), 303)


@bp.post("/people/invitations/<id:invitation_id>/withdraw")
def withdraw(company_id: int, invitation_id: int) -> Response:
    """Take an invitation back."""
    _company(company_id)
    with writing() as session:
        people.withdraw(session, company_id, invitation_id, by_id=me().id)
    return redirect(url_for("people.members", company_id=company_id), 303)


@bp.get("/people/<id:person_id>")
def member(company_id: int, person_id: int) -> Response:
    return _member_response(company_id, person_id)


def _member_response(company_id: int, person_id: int, problem: Problem | None = None) -> Response:
    company = _company(company_id)
    session = db.session()
    line = _line(session, company_id, person_id)
    text = render_template(
        "people/member.html",
        company=company,
        line=line,
        is_me=person_id == me().id,
        form=_vendor_form(session, company_id, line.vendor_id),
        projects=_projects(session, company_id, person_id),
        steps=history.of_company(session, company_id, person_id),
        problem=problem,
    )
    return make_response(text, problem.status if problem else 200)


def _line(session: Session, company_id: int, person_id: int) -> MemberLine:
    found = next((x for x in _lines(session, company_id) if x.person.id == person_id), None)
    if found is None:
        raise NotFound
    return found


def _projects(session: Session, company_id: int, person_id: int) -> list[tuple[Project, str]]:
    rows = session.execute(
        select(Project, PermissionTemplate.name)
        .join(ProjectMember, ProjectMember.project_id == Project.id)
        .outerjoin(PermissionTemplate, PermissionTemplate.id == ProjectMember.template_id)
        .where(Project.company_id == company_id, ProjectMember.person_id == person_id)
        .order_by(Project.number)
    )
    return [(project, name or _("Levels of their own")) for project, name in rows]


def _vendor_form(session: Session, company_id: int, vendor_id: int | None) -> VendorForm:
    form: VendorForm = labelled(VendorForm(data={"vendor": vendor_id}))
    form.vendor.choices = _vendor_choices(session, company_id)
    return form


def _vendor_choices(session: Session, company_id: int) -> list[tuple[int | str, str]]:
    rows = session.execute(
        select(Vendor.id, Vendor.name)
        .where(Vendor.company_id == company_id)
        .order_by(Vendor.name, Vendor.id)
    )
    return [("", _("Nobody in the directory")), *((key, name) for key, name in rows)]


@bp.post("/people/<id:person_id>/vendor")
def set_vendor(company_id: int, person_id: int) -> Response:
    _company(company_id)
    line = _line(db.session(), company_id, person_id)
    form = _vendor_form(db.session(), company_id, line.vendor_id)
    if not form.validate():
        raise Invalid(_("Choose one of the directory's companies."))
    with writing() as session:
        people.set_vendor(session, company_id, person_id, form.vendor.data, by_id=me().id)
    return _to_member(company_id, person_id)


def _to_member(company_id: int, person_id: int) -> Response:
    return redirect(url_for("people.member", company_id=company_id, person_id=person_id), 303)


@bp.post("/people/<id:person_id>/make-admin")
def make_admin(company_id: int, person_id: int) -> Response:
    _company(company_id)
    try:
        with writing() as session:
            people.make_admin(session, company_id, person_id, by_id=me().id)
    except (Invalid, Conflict) as problem:
        return _member_response(company_id, person_id, problem)
    return _to_member(company_id, person_id)


@bp.post("/people/<id:person_id>/activate")
def activate(company_id: int, person_id: int) -> Response:
    _company(company_id)
    with writing() as session:
        people.activate(session, company_id, person_id, by_id=me().id)
    return _to_member(company_id, person_id)


@bp.get("/people/<id:person_id>/take-admin")
def ask_take_admin(company_id: int, person_id: int) -> Response:
    """Ask before an administrator becomes an ordinary member."""
    return _ask(company_id, person_id, "take_admin")


@bp.get("/people/<id:person_id>/deactivate")
def ask_deactivate(company_id: int, person_id: int) -> Response:
    """Ask before somebody is shut out of the company."""
    return _ask(company_id, person_id, "deactivate")


def _ask(company_id: int, person_id: int, what: str, problem: Problem | None = None) -> Response:
    company = _company(company_id)
    line = _line(db.session(), company_id, person_id)
    if line.is_former or (what == "take_admin" and not line.is_admin):
        raise NotFound
    text = render_template(
        "people/ask.html",
        company=company,
        person=line.person,
        what=what,
        is_me=person_id == me().id,
        problem=problem,
    )
    return make_response(text, problem.status if problem else 200)


@bp.post("/people/<id:person_id>/take-admin")
def take_admin(company_id: int, person_id: int) -> Response:
    return _do(company_id, person_id, "take_admin")


@bp.post("/people/<id:person_id>/deactivate")
def deactivate(company_id: int, person_id: int) -> Response:
    return _do(company_id, person_id, "deactivate")


def _do(company_id: int, person_id: int, what: str) -> Response:
    """Do what was asked; whoever does it to themselves says so on top of it."""
    _company(company_id)
    if person_id == me().id and request.form.get("sure") != "yes":
        problem = Invalid(_("This is you. Tick the box if you mean it."))
        return _ask(company_id, person_id, what, problem)
    steps = {"take_admin": people.take_admin, "deactivate": people.deactivate}
    try:
        with writing() as session:
            steps[what](session, company_id, person_id, by_id=me().id)
    except Conflict as problem:
        return _member_response(company_id, person_id, problem)
    if person_id == me().id:
        return redirect(url_for("companies.home"), 303)
    return _to_member(company_id, person_id)


# ---- permission templates


@bp.get("/templates")
def permission_templates(company_id: int) -> str:
    company = _company(company_id)
    session = db.session()
    return render_template(
        "people/templates.html",
        company=company,
        templates=templates_of(session, company_id),
        uses=templates.uses(session, company_id),
        steps=history.of_templates(session, company_id),
    )


@bp.post("/templates/usual")
def add_usual_templates(company_id: int) -> Response:
    _company(company_id)
    with writing() as session:
        templates.make_usual(session, company_id, by_id=me().id)
    return _to_templates(company_id)


def _to_templates(company_id: int) -> Response:
    return redirect(url_for("people.permission_templates", company_id=company_id), 303)


@bp.get("/templates/new")
def new_template(company_id: int) -> Response:
    company = _company(company_id)
    return _template_response(company, labelled(TemplateForm()), Levels(Level.READ))


@bp.post("/templates/new")
def make_template(company_id: int) -> Response:
    company = _company(company_id)
    form = labelled(TemplateForm())
    levels = sent_levels(Levels(Level.NONE))
    if not form.validate():
        return _template_response(company, form, levels, status=422)
    try:
        with writing() as session:
            templates.make(session, company_id, form.name.data, levels, by_id=me().id)
    except Invalid as problem:
        return _template_response(company, form, levels, status=422, problem=problem)
    return _to_templates(company_id)


@bp.get("/templates/<id:template_id>/edit")
def edit_template(company_id: int, template_id: int) -> Response:
    company = _company(company_id)
    template = templates.template_of(db.session(), company_id, template_id)
    form = labelled(TemplateForm(data={"name": template.name}))
    return _template_response(company, form, levels_of_template(template), template=template)


@bp.post("/templates/<id:template_id>/edit")
def change_template(company_id: int, template_id: int) -> Response:
    """Change a template, and with it what everybody who has it may do."""
    company = _company(company_id)
    template = templates.template_of(db.session(), company_id, template_id)
    form = labelled(TemplateForm())
    levels = sent_levels(levels_of_template(template))
    if not form.validate():
        return _template_response(company, form, levels, template=template, status=422)
    version = as_whole(request.form.get("version"), ID_MAX) or 0
    try:
        with writing() as session:
            templates.change(
                session,
                company_id,
                template_id,
                form.name.data,
                levels,
                version=version,
                by_id=me().id,
            )
    except (Invalid, Conflict) as problem:
        template = templates.template_of(db.session(), company_id, template_id)
        return _template_response(
            company, form, levels, template=template, status=problem.status, problem=problem
        )
    return _to_templates(company_id)


@bp.get("/templates/<id:template_id>/remove")
def ask_remove_template(company_id: int, template_id: int) -> str:
    """Ask before a permission template goes."""
    _company(company_id)
    found = templates.template_of(db.session(), company_id, template_id)
    used = templates.uses(db.session(), company_id).get(template_id, 0)
    where: dict[str, Any] = {"company_id": company_id, "template_id": template_id}
    return render_template(
        "people/removing.html",
        title=_("Remove the template %(name)s?", name=found.name),
        lines=[
            ngettext(
                "It is used in %(num)s place; whoever has it keeps the levels it gave.",
                "It is used in %(num)s places; whoever has it keeps the levels it gave.",
                used,
            )
        ],
        button=_("Remove template"),
        here=url_for("people.remove_template", **where),
        back=url_for("people.edit_template", **where),
    )


@bp.post("/templates/<id:template_id>/remove")
def remove_template(company_id: int, template_id: int) -> Response:
    _company(company_id)
    with writing() as session:
        templates.remove(session, company_id, template_id, by_id=me().id)
    return _to_templates(company_id)


def _template_response(
    company: Company,
    form: TemplateForm,
    levels: Levels,
    *,
    template: PermissionTemplate | None = None,
    status: int = 200,
    problem: Problem | None = None,
) -> Response:
    used = templates.uses(db.session(), company.id)
    text = render_template(
        "people/template.html",
        company=company,
        form=form,
        template=template,
        choices=level_choices(levels),
        used=used.get(template.id, 0) if template else 0,
        problem=problem,
    )
    return make_response(text, status)
