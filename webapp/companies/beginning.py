"""How a company and its projects begin, and what is said of them later.

Plumbline's Implementation Manager begins a company with its first administrator; everything after
that is the company's own business, which the manager never sees.
"""

from dataclasses import dataclass, fields
from datetime import date

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies import access, invitations
from webapp.companies.invitations import Newcomer
from webapp.companies.models import Company, CompanyMember, Invitation, Project
from webapp.companies.permissions import add_usual_templates
from webapp.core import audit
from webapp.core.problems import Conflict, Invalid, NotFound
from webapp.core.text import _


@dataclass(frozen=True)
class CompanyFacts:
    name: str
    city: str
    timezone: str


@dataclass(frozen=True)
class ProjectFacts:
    number: str
    name: str
    stage: str
    address: str
    starts_on: date | None
    ends_on: date | None
    timezone: str = ""


def begin_company(session: Session, facts: CompanyFacts, first: Newcomer, *, by: Person) -> Company:
    """Make a company with the usual permission templates and its first administrator."""
    if not by.is_implementation_manager:
        raise NotFound
    company = Company(name=facts.name, city=facts.city, timezone=facts.timezone)
    session.add(company)
    session.flush()
    add_usual_templates(session, company.id)
    audit.note(session, "company.made", person_id=by.id, company_id=company.id, name=company.name)
    invite_first_admin(session, company.id, first, by=by)
    return company


def invite_first_admin(
    session: Session, company_id: int, first: Newcomer, *, by: Person
) -> Invitation:
    """Invite an address to administer a company that nobody administers or is invited to."""
    session.execute(select(Company.id).where(Company.id == company_id).with_for_update())
    if not by.is_implementation_manager or session.get(Company, company_id) is None:
        raise NotFound
    if first.email == by.email:
        raise Invalid(_("This address cannot administer a company."))
    if admins(session, company_id) or invitations.of_company(session, company_id):
        raise Conflict(_("This company has an administrator, or has invited one."))
    made = invitations.invite(session, company_id, first, by_id=by.id, is_admin=True)
    audit.note(
        session, "people.admin_invited", person_id=by.id, company_id=company_id, name=made.name
    )
    return made


def send_admins_link(session: Session, company_id: int, invitation_id: int, *, by: Person) -> None:
    """Send an administrator's invitation again; the link before ends."""
    invitation = _admins_invitation(session, company_id, invitation_id, by=by)
    invitations.send_again(session, invitation)
    audit.note(session, "people.link", person_id=by.id, company_id=company_id, name=invitation.name)


def withdraw_admin(session: Session, company_id: int, invitation_id: int, *, by: Person) -> None:
    """Take an administrator's invitation back, so that another address can be invited."""
    invitation = _admins_invitation(session, company_id, invitation_id, by=by)
    invitations.withdraw(session, invitation)
    audit.note(
        session, "people.withdrawn", person_id=by.id, company_id=company_id, name=invitation.name
    )


def _admins_invitation(
    session: Session, company_id: int, invitation_id: int, *, by: Person
) -> Invitation:
    invitation = invitations.in_company(session, company_id, invitation_id)
    if not by.is_implementation_manager or not invitation.is_admin:
        raise NotFound
    return invitation


def admins(session: Session, company_id: int) -> list[Person]:
    """Return a company's administrators by name."""
    return list(
        session.scalars(
            select(Person)
            .join(CompanyMember, CompanyMember.person_id == Person.id)
            .where(CompanyMember.company_id == company_id, CompanyMember.is_admin.is_(True))
            .order_by(Person.name, Person.id)
        )
    )


def change_company(session: Session, company_id: int, facts: CompanyFacts, *, by_id: int) -> None:
    """Change a company's name, city or time zone."""
    company = access.administered_company(company_id, by_id)
    changes = _take(company, facts)
    if changes:
        audit.note(
            session, "company.changed", person_id=by_id, company_id=company_id, changes=changes
        )


def begin_project(session: Session, company_id: int, facts: ProjectFacts, *, by_id: int) -> Project:
    """Make a project of the company; its administrators are on it at once."""
    access.administered_company(company_id, by_id)
    project = Project(company_id=company_id, details={})
    _take(project, facts)
    session.add(project)
    _flush_number(session)
    audit.note(
        session,
        "project.made",
        person_id=by_id,
        company_id=company_id,
        project_id=project.id,
        name=project.name,
    )
    return project


def change_project(session: Session, project: Project, facts: ProjectFacts, *, by_id: int) -> None:
    """Change what is said of a project."""
    access.administered_company(project.company_id, by_id)
    changes = _take(project, facts)
    if not changes:
        return
    _flush_number(session)
    audit.note(
        session,
        "project.changed",
        person_id=by_id,
        company_id=project.company_id,
        project_id=project.id,
        name=project.name,
        changes=changes,
    )


def project_of(session: Session, company_id: int, project_id: int) -> Project:
    """Return a project of this company; NotFound when it is another's."""
    found = session.get(Project, project_id)
    if found is None or found.company_id != company_id:
        raise NotFound
    return found


def _take(kept: Company | Project, facts: CompanyFacts | ProjectFacts) -> list[dict[str, object]]:
    """Write what differs and return it for the history."""
    changes: list[dict[str, object]] = []
    for fact in fields(facts):
        before, after = getattr(kept, fact.name), getattr(facts, fact.name)
        if before != after:
            setattr(kept, fact.name, after)
            changes.append(
                {"field": fact.name, "before": str(before or ""), "after": str(after or "")}
            )
    return changes


def _flush_number(session: Session) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(_("Another project of the company has this number.")) from None
