"""Who may enter a project, at which level, and the queries that say so.

Company admins are admins in every tool of every project of their company. Absent and forbidden look
the same: NotFound.
"""

from dataclasses import dataclass
from functools import cache

from flask import g
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.orm import aliased

from webapp.accounts.models import Person
from webapp.companies.models import (
    Company,
    CompanyMember,
    Level,
    Project,
    ProjectMember,
    ToolLevel,
)
from webapp.core.database import db, is_writing
from webapp.core.problems import NotFound


@dataclass(frozen=True)
class Entry:
    """A project somebody may enter, and what they are there."""

    project: Project
    company: Company
    is_company_admin: bool
    usual_level: Level


def entry(project_id: int, person_id: int) -> Entry:
    """Return the project when this person is on it or administers its company; else NotFound."""
    row = db.session.execute(
        _entry_query(), {"project_id": project_id, "person_id": person_id}
    ).first()
    if row is None:
        raise NotFound
    project, company, is_admin, level = row
    found = Entry(project, company, is_admin, Level.ADMIN if is_admin else Level(level))
    g.entry, g.entry_read_in = found, db.session().get_transaction()
    return found


@cache
def _entry_query() -> Select[Project, Company, bool, int]:
    """Return the query of `entry`, made once: it opens nearly every request."""
    person = bindparam("person_id", type_=Integer)
    return (
        select(Project, Company, CompanyMember.is_admin, ProjectMember.level)
        .join(Company, Company.id == Project.company_id)
        .join(
            CompanyMember,
            and_(CompanyMember.company_id == Company.id, CompanyMember.person_id == person),
        )
        .outerjoin(
            ProjectMember,
            and_(ProjectMember.project_id == Project.id, ProjectMember.person_id == person),
        )
        .where(
            Project.id == bindparam("project_id", type_=Integer),
            or_(CompanyMember.is_admin, ProjectMember.person_id.is_not(None)),
        )
    )


def level_expression(
    person_id: int | ColumnElement[int],
    project_id: ColumnElement[int],
    tool_key: ColumnElement[str],
) -> ColumnElement[int]:
    """Return SQL for this person's level in the tool of the row at hand, NULL for a stranger."""
    project, member, usual, special = _level_tables()
    return (
        select(
            case(
                (member.is_admin.is_(True), literal(int(Level.ADMIN))),
                else_=func.coalesce(special.level, usual.level),
            )
        )
        .select_from(project)
        .join(
            member,
            and_(member.company_id == project.company_id, member.person_id == person_id),
        )
        .outerjoin(usual, and_(usual.project_id == project.id, usual.person_id == person_id))
        .outerjoin(
            special,
            and_(
                special.project_id == usual.project_id,
                special.person_id == person_id,
                special.tool_key == tool_key,
            ),
        )
        .where(project.id == project_id)
        .correlate_except(project, member, usual, special)
        .scalar_subquery()
    )


@cache
def _level_tables() -> tuple[
    type[Project], type[CompanyMember], type[ProjectMember], type[ToolLevel]
]:
    """Return the tables of `level_expression` under names of its own.

    Made once: a new alias works out its columns anew, which cost more than the query it stands in.
    """
    return aliased(Project), aliased(CompanyMember), aliased(ProjectMember), aliased(ToolLevel)


def levels(project_id: int, person_id: int) -> dict[str, Level]:
    """Return this person's level for each tool that differs, and the usual one under "*"."""
    found = entry_of(project_id, person_id)
    if found.is_company_admin:
        return {"*": Level.ADMIN}
    rows = db.session.execute(
        select(ToolLevel.tool_key, ToolLevel.level).where(
            ToolLevel.project_id == project_id, ToolLevel.person_id == person_id
        )
    )
    return {"*": found.usual_level, **{key: Level(level) for key, level in rows}}


def entry_of(project_id: int, person_id: int) -> Entry:
    """Return the entry this request has already made, or make it.

    Whoever writes asks anew: somebody may have been demoted since the request began.
    """
    known: Entry | None = g.get("entry")
    if known is None or known.project.id != project_id:
        return entry(project_id, person_id)
    if is_writing() and g.entry_read_in is not db.session().get_transaction():
        return entry(project_id, person_id)
    return known


def level_in(project_id: int, person_id: int, tool_key: str) -> Level:
    """Return this person's level in one tool; NotFound when they may not enter the project."""
    known = levels(project_id, person_id)
    return known.get(tool_key, known["*"])


def require_level(project_id: int, person_id: int, tool_key: str, least: Level) -> Level:
    """Return the level when it is enough; otherwise the tool does not exist for this person."""
    level = level_in(project_id, person_id, tool_key)
    if level < least:
        raise NotFound
    return level


def companies_of(person_id: int) -> list[Company]:
    """Return the companies this person belongs to, by name."""
    return list(
        db.session.scalars(
            select(Company)
            .join(CompanyMember, CompanyMember.company_id == Company.id)
            .where(CompanyMember.person_id == person_id)
            .order_by(Company.name)
        )
    )


def projects_of(person_id: int) -> list[Project]:
    """Return every project this person may enter, by number, in whichever company."""
    return list(db.session.scalars(_enterable(select(Project), person_id).order_by(Project.number)))


def _enterable(query: Select[tuple[Project]], person_id: int) -> Select[tuple[Project]]:
    return (
        query.join(
            CompanyMember,
            and_(
                CompanyMember.company_id == Project.company_id,
                CompanyMember.person_id == person_id,
            ),
        )
        .outerjoin(
            ProjectMember,
            and_(ProjectMember.project_id == Project.id, ProjectMember.person_id == person_id),
        )
        .where(or_(CompanyMember.is_admin, ProjectMember.person_id.is_not(None)))
    )


def company_of(company_id: int, person_id: int) -> tuple[Company, bool]:
    """Return a company and whether this person administers it; NotFound for a stranger."""
    row = db.session.execute(
        select(Company, CompanyMember.is_admin)
        .join(CompanyMember, CompanyMember.company_id == Company.id)
        .where(Company.id == company_id, CompanyMember.person_id == person_id)
    ).first()
    if row is None:
        raise NotFound
    return row[0], row[1]


def administered_company(company_id: int, person_id: int) -> Company:
    """Return a company this person administers; for everyone else it does not exist."""
    company, is_admin = company_of(company_id, person_id)
    if not is_admin:
        raise NotFound
    return company


def admins_of(company_id: int) -> list[Person]:
    """Return who administers a company, by name: whom to ask."""
    return list(
        db.session.scalars(
            select(Person)
            .join(CompanyMember, CompanyMember.person_id == Person.id)
            .where(CompanyMember.company_id == company_id, CompanyMember.is_admin.is_(True))
            .order_by(Person.name)
        )
    )


def admins_in(project_id: int, tool_key: str) -> set[int]:
    """Return the ids of everybody who is Admin in one tool of a project."""
    return people_at(project_id, tool_key, Level.ADMIN)


def people_at(project_id: int, tool_key: str, least: Level) -> set[int]:
    """Return the ids of everybody who has at least this level in one tool of a project."""
    members = _members_of(project_id)
    usual = select(ProjectMember.person_id, ProjectMember.level).where(
        ProjectMember.project_id == project_id, ProjectMember.person_id.in_(members)
    )
    special = select(ToolLevel.person_id, ToolLevel.level).where(
        ToolLevel.project_id == project_id,
        ToolLevel.tool_key == tool_key,
        ToolLevel.person_id.in_(members),
    )
    levels_by_person = dict(db.session.execute(usual).all())
    levels_by_person |= dict(db.session.execute(special).all())
    company_admins = db.session.scalars(
        select(CompanyMember.person_id)
        .join(Project, Project.company_id == CompanyMember.company_id)
        .where(Project.id == project_id, CompanyMember.is_admin.is_(True))
    )
    found = {person for person, level in levels_by_person.items() if level >= least}
    return found | set(company_admins)


def employees_of(project_id: int, vendor_id: int) -> set[int]:
    """Return the ids of the people who work for a company of the project's directory."""
    return set(
        db.session.scalars(
            select(CompanyMember.person_id)
            .join(Project, Project.company_id == CompanyMember.company_id)
            .where(Project.id == project_id, CompanyMember.vendor_id == vendor_id)
        )
    )


def people_on(project_id: int) -> list[Person]:
    """Return everybody who may enter a project, by name: the choices of a person field."""
    company_admins = (
        select(CompanyMember.person_id)
        .join(Project, Project.company_id == CompanyMember.company_id)
        .where(Project.id == project_id, CompanyMember.is_admin.is_(True))
    )
    members = _members_of(project_id)
    return list(
        db.session.scalars(
            select(Person)
            .where(or_(Person.id.in_(members), Person.id.in_(company_admins)), Person.is_active)
            .order_by(Person.name)
        )
    )


def _members_of(project_id: int) -> Select[int]:
    """Return the query for who is on a project and, as it takes, in its company."""
    return (
        select(ProjectMember.person_id)
        .join(Project, Project.id == ProjectMember.project_id)
        .join(
            CompanyMember,
            and_(
                CompanyMember.company_id == Project.company_id,
                CompanyMember.person_id == ProjectMember.person_id,
            ),
        )
        .where(ProjectMember.project_id == project_id)
    )
