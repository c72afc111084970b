"""How Plumbline's Implementation Manager begins a company and brings in its first administrator."""

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers.response import Response

from webapp.accounts import mailing
from webapp.accounts.identity import me
from webapp.accounts.models import Person
from webapp.companies import beginning, invitations
from webapp.companies.beginning import CompanyFacts
from webapp.companies.forms import AdminForm, NewCompanyForm, labelled
from webapp.companies.invitations import Newcomer
from webapp.companies.models import Company
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.problems import Conflict, Invalid, NotFound, Problem

bp = Blueprint("manager", __name__, url_prefix="/companies")


def _manager() -> Person:
    person = db.session.get(Person, me().id)
    if person is None or not person.is_implementation_manager:
        raise NotFound
    return person


@bp.get("/new")
def new_company() -> Response:
    _manager()
    return _new_response(labelled(NewCompanyForm()))


def _new_response(form: NewCompanyForm, problem: Problem | None = None) -> Response:
    text = render_template("companies/new.html", form=form, problem=problem)
    return make_response(text, problem.status if problem else 422 if form.errors else 200)


@bp.post("/new")
def begin_company() -> Response:
    """Begin a company, and invite its first administrator."""
    _manager()
    form = labelled(NewCompanyForm())
    if not form.validate():
        return _new_response(form)
    facts = CompanyFacts(form.name.data, form.city.data or "", form.timezone.data)
    first = _newcomer(form)
    try:
        with writing() as session:
            company_id = beginning.begin_company(session, facts, first, by=_manager()).id
    except (Invalid, Conflict) as problem:
        return _new_response(form, problem)
    return _to_administrators(company_id)


def _newcomer(form: AdminForm) -> Newcomer:
    name = f"{form.first.data or ''} {form.last.data}".strip()
    return Newcomer(name, form.email.data, form.title.data or "")


def _to_administrators(company_id: int) -> Response:
    return redirect(url_for("manager.administrators", company_id=company_id), 303)


@bp.get("/<id:company_id>/administrators")
def administrators(company_id: int) -> str:
    """Show who administers a company, and who is invited to."""
    _manager()
    return _administrators(company_id, labelled(AdminForm()))


def _administrators(company_id: int, form: AdminForm, problem: Problem | None = None) -> str:
    session = db.session()
    company = session.get(Company, company_id)
    if company is None:
        raise NotFound
    pending = [found for found in invitations.of_company(session, company_id) if found.is_admin]
    return render_template(
        "companies/administrators.html",
        company=company,
        admins=beginning.admins(session, company_id),
        pending=[(found, invitations.shown_link(found)) for found in pending],
        are_delivered=mailing.are_delivered(),
        form=form,
        problem=problem,
    )


@bp.post("/<id:company_id>/administrators")
def invite_administrator(company_id: int) -> Response:
    """Invite another address to a company that nobody administers yet."""
    _manager()
    form = labelled(AdminForm())
    if not form.validate():
        return make_response(_administrators(company_id, form), 422)
    try:
        with writing() as session:
            beginning.invite_first_admin(session, company_id, _newcomer(form), by=_manager())
    except (Invalid, Conflict) as problem:
        return make_response(_administrators(company_id, form, problem), problem.status)
    return _to_administrators(company_id)


@bp.post("/<id:company_id>/administrators/<id:invitation_id>/send")
@limiter.limit("3/hour;10/day", key_func=lambda: request.path)
def send_again(company_id: int, invitation_id: int) -> Response:
    with writing() as session:
        beginning.send_admins_link(session, company_id, invitation_id, by=_manager())
    return _to_administrators(company_id)


@bp.post("/<id:company_id>/administrators/<id:invitation_id>/withdraw")
def withdraw(company_id: int, invitation_id: int) -> Response:
    with writing() as session:
        beginning.withdraw_admin(session, company_id, invitation_id, by=_manager())
    return _to_administrators(company_id)
