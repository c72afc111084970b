"""How Plumbline's Implementation Manager begins a company and brings in its first administrator."""

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers.response import Response

from webapp.accounts.identity import me
from webapp.accounts.models import Person
from webapp.companies import beginning, invitations
from webapp.companies.beginning import CompanyFacts
from webapp.companies.forms import NewCompanyForm, labelled
from webapp.companies.models import Company, Invitation
from webapp.companies.people import Newcomer, may_hand_out_link
from webapp.core.database import db, writing
from webapp.core.problems import Conflict, Invalid, NotFound, Problem

bp = Blueprint("manager", __name__, url_prefix="/companies")


@dataclass(frozen=True)
class AdminLine:
    """An administrator, and the link of one who has not come yet."""

    person: Person
    is_pending: bool
    invitation: Invitation | None
    link: str
    may_renew: bool


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
    """Begin a company; its first administrator gets a link from the manager."""
    _manager()
    form = labelled(NewCompanyForm())
    if not form.validate():
        return _new_response(form)
    facts = CompanyFacts(form.name.data, form.city.data or "", form.timezone.data)
    name = f"{form.first.data or ''} {form.last.data}".strip()
    first = Newcomer(name, form.email.data, form.title.data or "")
    try:
        with writing() as session:
            company_id = beginning.begin_company(session, facts, first, by=_manager()).id
    except (Invalid, Conflict) as problem:
        return _new_response(form, problem)
    return _to_administrators(company_id)


def _to_administrators(company_id: int) -> Response:
    return redirect(url_for("manager.administrators", company_id=company_id), 303)


@bp.get("/<id:company_id>/administrators")
def administrators(company_id: int) -> str:
    """Show who administers a company, and the links of those who have not come yet."""
    _manager()
    session = db.session()
    company = session.get(Company, company_id)
    if company is None:
        raise NotFound
    lines = [_line(session, company_id, person) for person in beginning.admins(session, company_id)]
    return render_template("companies/administrators.html", company=company, lines=lines)


def _line(session: Session, company_id: int, person: Person) -> AdminLine:
    may_renew = may_hand_out_link(session, company_id, person)
    found, link = None, ""
    if may_renew:
        found, link = invitations.good_link(session, person.id, company_id)
    return AdminLine(person, invitations.is_pending(person), found, link, may_renew)


@bp.post("/<id:company_id>/administrators/<id:person_id>/link")
def renew_link(company_id: int, person_id: int) -> Response:
    with writing() as session:
        beginning.renew_admins_link(session, company_id, person_id, by=_manager())
    return _to_administrators(company_id)
