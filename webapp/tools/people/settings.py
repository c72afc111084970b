"""What a company's administrators say of the company and its projects, and how projects begin."""

from flask import Blueprint, make_response, redirect, render_template, url_for
from werkzeug.wrappers.response import Response

from webapp.accounts.identity import me
from webapp.companies import access, beginning
from webapp.companies.beginning import CompanyFacts, ProjectFacts
from webapp.companies.forms import CompanyForm, ProjectForm, labelled
from webapp.companies.models import Company, Project
from webapp.core.database import db, writing
from webapp.core.problems import Conflict, Problem
from webapp.tools.people import history

bp = Blueprint("company_settings", __name__, url_prefix="/companies/<id:company_id>")


def _company(company_id: int) -> Company:
    return access.administered_company(company_id, me().id)


@bp.get("/settings/details")
def details(company_id: int) -> Response:
    company = _company(company_id)
    form = labelled(CompanyForm(obj=company))
    return _details_response(company, form)


def _details_response(company: Company, form: CompanyForm) -> Response:
    text = render_template(
        "companies/details.html",
        company=company,
        form=form,
        steps=history.of_itself(db.session(), company.id),
    )
    return make_response(text, 422 if form.errors else 200)


@bp.post("/settings/details")
def change_details(company_id: int) -> Response:
    company = _company(company_id)
    form = labelled(CompanyForm())
    if not form.validate():
        return _details_response(company, form)
    facts = CompanyFacts(form.name.data, form.city.data or "", form.timezone.data)
    with writing() as session:
        beginning.change_company(session, company_id, facts, by_id=me().id)
    return redirect(url_for("companies.company", company_id=company_id), 303)


@bp.get("/projects/new")
def new_project(company_id: int) -> Response:
    return _project_response(_company(company_id), labelled(ProjectForm()))


def _project_response(
    company: Company,
    form: ProjectForm,
    *,
    project: Project | None = None,
    problem: Problem | None = None,
) -> Response:
    text = render_template(
        "companies/project.html",
        company=company,
        form=form,
        project=project,
        steps=history.of_itself(db.session(), company.id, project.id) if project else [],
        problem=problem,
    )
    return make_response(text, problem.status if problem else 422 if form.errors else 200)


def _facts(form: ProjectForm) -> ProjectFacts:
    return ProjectFacts(
        number=form.number.data,
        name=form.name.data,
        stage=form.stage.data or "",
        address=form.address.data or "",
        starts_on=form.starts_on.data,
        ends_on=form.ends_on.data,
        timezone=form.timezone.data or "",
    )


@bp.post("/projects/new")
def begin_project(company_id: int) -> Response:
    """Begin a project and open it."""
    company = _company(company_id)
    form = labelled(ProjectForm())
    if not form.validate():
        return _project_response(company, form)
    try:
        with writing() as session:
            project = beginning.begin_project(session, company_id, _facts(form), by_id=me().id)
            project_id = project.id
    except Conflict as problem:
        return _project_response(_company(company_id), form, problem=problem)
    return redirect(url_for("tools.project_home", project_id=project_id), 303)


@bp.get("/projects/<id:project_id>/edit")
def edit_project(company_id: int, project_id: int) -> Response:
    company = _company(company_id)
    project = beginning.project_of(db.session(), company_id, project_id)
    return _project_response(company, labelled(ProjectForm(obj=project)), project=project)


@bp.post("/projects/<id:project_id>/edit")
def change_project(company_id: int, project_id: int) -> Response:
    company = _company(company_id)
    form = labelled(ProjectForm())
    project = beginning.project_of(db.session(), company_id, project_id)
    if not form.validate():
        return _project_response(company, form, project=project)
    try:
        with writing() as session:
            project = beginning.project_of(session, company_id, project_id)
            beginning.change_project(session, project, _facts(form), by_id=me().id)
    except Conflict as problem:
        project = beginning.project_of(db.session(), company_id, project_id)
        return _project_response(_company(company_id), form, project=project, problem=problem)
    return redirect(url_for("companies.company", company_id=company_id), 303)
