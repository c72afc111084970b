"""The projects a person may enter, a company's settings, the Implementation Manager's desk, and the
page on which somebody invited sets their password."""

from dataclasses import dataclass

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask import session as browser_session
from flask_login import current_user
from sqlalchemy import select
from werkzeug.wrappers.response import Response

from webapp.accounts import passwords
from webapp.accounts.forms import NewAccountForm, labelled
from webapp.accounts.identity import OPENED, me
from webapp.companies import access, box_switch, file_rules, invitations
from webapp.companies.box_access import Standing, only_granted
from webapp.companies.file_rules import FileRules, Rule
from webapp.companies.models import BoxRequest, Company, Invitation
from webapp.core.database import db, writing
from webapp.core.extensions import limiter
from webapp.core.problems import Conflict, Invalid, NotFound, Problem
from webapp.core.settings import settings
from webapp.core.text import tidy

bp = Blueprint("companies", __name__)

# A link's secret cannot be guessed; what is held back here is the work of looking and hashing.
INVITATIONS_PER_HOST = "20/minute"
INVITATIONS_FOR_ALL = "200/minute"
# How many lines a form has for classifications that have no rule of their own yet.
EMPTY_LINES = 2


@dataclass(frozen=True)
class CompanyLine:
    """A company as the Implementation Manager sees it: never its projects or files."""

    company: Company
    people: int
    linked: int


@bp.get("/")
def home() -> Response:
    """Go where the person last was, or show what they may enter."""
    if me().is_implementation_manager and not access.companies_of(me().id):
        return redirect(url_for("companies.requests"), 303)
    companies = access.companies_of(me().id)
    projects = access.projects_of(me().id)
    return make_response(
        render_template("companies/home.html", companies=companies, projects=projects)
    )


@bp.get("/companies/<id:company_id>")
def company(company_id: int) -> str:
    found, is_admin = access.company_of(company_id, me().id)
    if browser_session.get("company_id") != company_id:
        browser_session["company_id"] = company_id
        browser_session.pop("project_id", None)
    projects = [p for p in access.projects_of(me().id) if p.company_id == company_id]
    return render_template(
        "companies/company.html", company=found, is_admin=is_admin, projects=projects
    )


@bp.get("/companies/<id:company_id>/settings/box")
def box(company_id: int) -> str:
    return _box_page(company_id)


def _box_page(
    company_id: int,
    *,
    problem: Problem | None = None,
    note: str = "",
    rules_problem: Problem | None = None,
) -> str:
    found, is_admin = access.company_of(company_id, me().id)
    session = db.session()
    request_ = session.scalar(
        select(BoxRequest)
        .where(BoxRequest.company_id == company_id)
        .order_by(BoxRequest.id.desc())
        .limit(1)
    )
    return render_template(
        "companies/box.html",
        company=found,
        is_admin=is_admin,
        admins=access.admins_of(company_id),
        request=request_,
        history=box_switch.history(company_id),
        linked=box_switch.linked_people(session, company_id),
        people=box_switch.people_in(session, company_id),
        problem=problem,
        note=note,
        rules=FileRules.of(found),
        typed=_typed_rules(found),
        rule_names=file_rules.RULE_NAMES,
        linked_domains=file_rules.linked_domains(session, company_id),
        rules_problem=rules_problem,
        client_id=settings().box_client_id,
        only_granted=only_granted(),
        is_shut=Standing.of(found).refusal(only_granted=only_granted()) is not None,
    )


@dataclass(frozen=True)
class TypedRules:
    """The rules' form as it is shown: what is kept, or what was typed and could not be kept."""

    outside: str
    ours: str
    classified: str
    named: tuple[tuple[str, str], ...]


def _typed_rules(company: Company) -> TypedRules:
    form = request.form
    if "ours" in form:
        typed = zip(form.getlist("name"), form.getlist("rule"), strict=False)
        return TypedRules(form["outside"], form["ours"], form["classified"], tuple(typed))
    kept = FileRules.of(company)
    named = (*kept.named, *[("", Rule.BLOCK)] * EMPTY_LINES)
    return TypedRules(kept.outside, " ".join(kept.ours), kept.classified, named)


@bp.post("/companies/<id:company_id>/settings/box/rules")
def change_file_rules(company_id: int) -> Response:
    """Keep what the company takes from Box: files of others, and classified ones."""
    access.administered_company(company_id, me().id)
    form = request.form
    try:
        rules = file_rules.read(
            form["outside"],
            tidy(form["ours"]),
            form["classified"],
            [tidy(name) for name in form.getlist("name")],
            form.getlist("rule"),
        )
    except Invalid as problem:
        return make_response(_box_page(company_id, rules_problem=problem), 422)
    with writing() as session:
        found = access.administered_company(company_id, me().id)
        file_rules.change(session, found, rules, by_id=me().id)
    return redirect(url_for("companies.box", company_id=company_id, _anchor="rules"), 303)


@bp.post("/companies/<id:company_id>/settings/box")
def change_box(company_id: int) -> Response:
    """Ask for Box, take the request back, or turn the company's switch."""
    found = access.administered_company(company_id, me().id)
    action = request.form.get("action", "")
    try:
        if action == "ask":
            box_switch.ask(found, me(), tidy(request.form.get("note")))
        elif action == "take_back":
            box_switch.take_back(found, me())
        elif action in {"on", "off"}:
            box_switch.turn(found, me(), on=action == "on")
        else:
            raise NotFound
    except Invalid as problem:
        note = request.form.get("note", "")
        return make_response(_box_page(company_id, problem=problem, note=note), 422)
    return redirect(url_for("companies.box", company_id=company_id), 303)


@bp.get("/box-requests")
def requests() -> str:
    return _requests_page()


def _requests_page(*, problem: Problem | None = None, about: int | None = None) -> str:
    _require_implementation_manager()
    session = db.session()
    waiting = session.scalars(
        select(BoxRequest).where(BoxRequest.outcome.is_(None)).order_by(BoxRequest.id)
    ).all()
    companies = session.scalars(select(Company).order_by(Company.name)).all()
    lines = [
        CompanyLine(
            found,
            box_switch.people_in(session, found.id),
            box_switch.linked_people(session, found.id),
        )
        for found in companies
    ]
    return render_template(
        "companies/requests.html", waiting=waiting, lines=lines, problem=problem, about=about
    )


@bp.post("/box-requests/<id:company_id>")
def decide(company_id: int) -> Response:
    """Grant, decline or withdraw Box for a company."""
    _require_implementation_manager()
    found = db.session.scalar(select(Company).where(Company.id == company_id))
    if found is None:
        raise NotFound
    action, reason = request.form.get("action", ""), tidy(request.form.get("reason"))
    try:
        if action == "grant":
            box_switch.grant(found, me())
        elif action == "decline":
            box_switch.decline(found, me(), reason)
        elif action == "withdraw":
            box_switch.withdraw(found, me(), reason)
        else:
            raise NotFound
    except Invalid as problem:
        return make_response(_requests_page(problem=problem, about=company_id), 422)
    return redirect(url_for("companies.requests"), 303)


def _require_implementation_manager() -> None:
    if not me().is_implementation_manager:
        raise NotFound


def _everybody() -> str:
    return "all"


@bp.get("/invitations/<token:invitation>")
@limiter.limit(INVITATIONS_PER_HOST)
@limiter.limit(INVITATIONS_FOR_ALL, key_func=_everybody)
def invitation(invitation: str) -> Response:
    """Show whoever holds a good link what they are invited to, and how to answer."""
    return _invitation_page(invitation, None)


def _invitation_page(token: str, form: NewAccountForm | None) -> Response:
    found = _opened(token)
    if found is None:
        return make_response(render_template("companies/invitation_over.html"), 404)
    browser_session[OPENED] = found.token_hash
    if current_user.is_authenticated:
        return _answer_signed_in(found)
    if invitations.has_account(db.session(), found.email):
        browser_session["next"] = url_for("companies.invitations_waiting")
        return make_response(render_template("companies/invitation_known.html", invitation=found))
    form = form or labelled(NewAccountForm(data={"name": found.name}))
    page = render_template(
        "companies/invitation.html", invitation=found, form=form, action=request.path
    )
    return make_response(page, 422 if form.errors else 200)


def _answer_signed_in(found: Invitation) -> Response:
    if me().email == found.email:
        return redirect(url_for("companies.invitations_waiting"), 303)
    return make_response(render_template("companies/invitation_other.html", invitation=found))


def _opened(token: str) -> Invitation | None:
    try:
        return invitations.opened(db.session(), token)
    except NotFound:
        return None


@bp.post("/invitations/<token:invitation>")
@limiter.limit(INVITATIONS_PER_HOST)
@limiter.limit(INVITATIONS_FOR_ALL, key_func=_everybody)
def accept_invitation(invitation: str) -> Response:
    """Make the account of whoever was invited and let it join; then they sign in as everybody."""
    form = labelled(NewAccountForm())
    found = _opened(invitation)
    is_new = found is not None and not invitations.has_account(db.session(), found.email)
    if not is_new or current_user.is_authenticated or not form.validate():
        return _invitation_page(invitation, form)
    secret = passwords.hash_password(form.new.data or "")
    try:
        with writing() as session:
            invitations.accept_as_new(session, invitation, form.name.data, secret)
    except (NotFound, Conflict):
        return _invitation_page(invitation, form)
    return redirect(url_for("accounts.sign_in"), 303)


@bp.get("/invitations")
def invitations_waiting() -> str:
    """Show the invitations that this account may answer."""
    found = invitations.waiting_for(db.session(), me().id, browser_session.get(OPENED))
    return render_template("companies/invitations.html", invitations=found)


@bp.post("/invitations/<id:invitation_id>/join")
def join(invitation_id: int) -> Response:
    """Join a company that invited this account's address."""
    with writing() as session:
        found = invitations.accept(
            session, invitation_id, me().id, link=browser_session.get(OPENED)
        )
        company_id = found.id
    browser_session.pop(OPENED, None)
    return redirect(url_for("companies.company", company_id=company_id), 303)


@bp.post("/invitations/<id:invitation_id>/decline")
def decline(invitation_id: int) -> Response:
    """Say no to a company's invitation."""
    with writing() as session:
        invitations.decline(session, invitation_id, me().id, link=browser_session.get(OPENED))
    browser_session.pop(OPENED, None)
    return redirect(url_for("companies.invitations_waiting"), 303)
