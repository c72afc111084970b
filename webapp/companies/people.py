"""Who is on a project and in a company, and at which level: every change, and who may make it.

Each function takes a writing session. A project's people are managed at a `Desk`, which is made in
that same transaction: nobody changes their own levels, nobody gives more than they have themselves,
and a company's administrators are the business of its administrators alone.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, notify
from webapp.companies import access, invitations
from webapp.companies.models import (
    Company,
    CompanyMember,
    FormerMember,
    Group,
    GroupMember,
    Level,
    PermissionTemplate,
    Project,
    ProjectMember,
    Vendor,
)
from webapp.companies.permissions import (
    Levels,
    changes_of,
    drop_levels,
    levels_of_member,
    levels_of_template,
    write_levels,
)
from webapp.core import audit
from webapp.core.problems import Conflict, Forbidden, Invalid, NotFound
from webapp.core.text import _

DIRECTORY = "directory"


@dataclass(frozen=True)
class Desk:
    """Somebody who manages a project's people, and how much they can give."""

    project: Project
    company: Company
    person_id: int
    is_company_admin: bool
    levels: Levels


def desk(project_id: int, person_id: int) -> Desk:
    """Return a Directory admin's desk, looked up anew; NotFound or Forbidden for everybody else."""
    entry = access.entry(project_id, person_id)
    known = access.levels(project_id, person_id)
    levels = Levels(known["*"], {key: level for key, level in known.items() if key != "*"})
    if levels.of(DIRECTORY) < Level.READ:
        raise NotFound
    if levels.of(DIRECTORY) < Level.ADMIN:
        raise Forbidden(_("Only admins of the Directory manage its people."))
    return Desk(entry.project, entry.company, person_id, entry.is_company_admin, levels)


@dataclass(frozen=True)
class Newcomer:
    """What an invitation says about somebody; of people who have an account only the e-mail."""

    name: str
    email: str
    title: str
    vendor_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Invited(Newcomer):
    """Somebody who is invited to a project."""

    template_id: int


def invite(session: Session, at: Desk, invited: Invited) -> Person:
    """Put somebody on the project, known to Plumbline or not, and return them."""
    template = _template(session, at, invited.template_id)
    levels = levels_of_template(template)
    if levels.exceeds(at.levels):
        raise Forbidden(_("You cannot give more than you have yourself. Choose another template."))
    person, is_new = known_or_new(session, invited)
    _require_addable(session, at, person)
    _join_company(session, at.company.id, person.id, invited.vendor_id)
    member = ProjectMember(
        project_id=at.project.id, person_id=person.id, level=0, template_id=template.id
    )
    session.add(member)
    session.flush()
    write_levels(session, member, levels)
    _note(session, at, "people.invited" if is_new else "people.added", person, named=template.name)
    if is_new or needs_link(session, at.company.id, person):
        invitations.make(session, person, at.company.id, by_id=at.person_id)
    _tell(session, at, person)
    return person


def invite_to_company(
    session: Session, company_id: int, newcomer: Newcomer, *, by_id: int
) -> Person:
    """Make somebody a member of the company, on no project yet, and return them."""
    _lock(session, company_id, by_id)
    company = session.get_one(Company, company_id)
    person, is_new = known_or_new(session, newcomer)
    _require_welcome(session, company, person)
    if session.get(CompanyMember, (company_id, person.id)) is not None:
        raise Invalid(
            _("%(name)s is in %(company)s already.", name=person.name, company=company.name)
        )
    _join_company(session, company_id, person.id, newcomer.vendor_id)
    event = "people.company_invited" if is_new else "people.company_added"
    _note_company(session, event, company_id, person, by_id)
    if is_new or needs_link(session, company_id, person):
        invitations.make(session, person, company_id, by_id=by_id)
    path = f"/companies/{company_id}"
    by = session.get_one(Person, by_id).name
    notify(session, person.id, "added_to_company", path=path, by=by, company=company.name)
    return person


def renew_company_link(session: Session, company_id: int, person_id: int, *, by_id: int) -> None:
    """Make a new invitation link for one of the company's people; the one before ends."""
    _lock(session, company_id, by_id)
    person = company_member(session, company_id, person_id).person
    if not may_hand_out_link(session, company_id, person):
        raise Forbidden(_("Another company invited this person first and has their link."))
    invitations.make(session, person, company_id, by_id=by_id)
    _note_company(session, "people.link", company_id, person, by_id)


def may_hand_out_link(session: Session, company_id: int, person: Person) -> bool:
    """May the company's administrators see and renew this person's link? It opens the account."""
    return invitations.is_pending(person) and invitations.is_ours_alone(
        session, person.id, company_id
    )


def known_or_new(session: Session, newcomer: Newcomer) -> tuple[Person, bool]:
    """Return whoever has this address, and whether they are new to Plumbline."""
    person = session.scalar(select(Person).where(Person.email == newcomer.email))
    return (person, False) if person is not None else (_new_person(session, newcomer), True)


def _template(session: Session, at: Desk, template_id: int) -> PermissionTemplate:
    found = session.scalar(
        select(PermissionTemplate).where(
            PermissionTemplate.id == template_id,
            PermissionTemplate.company_id == at.company.id,
        )
    )
    if found is None:
        raise Invalid(_("Choose one of the company's permission templates."))
    return found


def _new_person(session: Session, newcomer: Newcomer) -> Person:
    person = Person(
        email=newcomer.email, name=newcomer.name, title=newcomer.title, password_hash=""
    )
    try:
        with session.begin_nested():
            session.add(person)
            session.flush()
    except IntegrityError:
        raise Conflict(_("Somebody else has just invited this address. Try again.")) from None
    return person


def _require_welcome(session: Session, company: Company, person: Person) -> None:
    if not person.is_active or person.is_implementation_manager:
        raise Invalid(_("This address cannot be added to a company."))
    former = session.get(FormerMember, (company.id, person.id))
    if former is not None:
        raise Invalid(
            _(
                "%(name)s has been deactivated in %(company)s. Its administrators can change that.",
                name=person.name,
                company=company.name,
            )
        )


def _require_addable(session: Session, at: Desk, person: Person) -> None:
    _require_welcome(session, at.company, person)
    member = session.get(CompanyMember, (at.company.id, person.id))
    is_admin = member is not None and member.is_admin
    if is_admin or session.get(ProjectMember, (at.project.id, person.id)) is not None:
        raise Invalid(_("%(name)s is on this project already.", name=person.name))


def _join_company(session: Session, company_id: int, person_id: int, vendor_id: int | None) -> None:
    """Make somebody a member; whoever is one already stays what they are there."""
    if session.get(CompanyMember, (company_id, person_id)) is not None:
        return
    _require_vendor(session, company_id, vendor_id)
    session.add(
        CompanyMember(
            company_id=company_id, person_id=person_id, is_admin=False, vendor_id=vendor_id
        )
    )
    session.flush()


def _require_vendor(session: Session, company_id: int, vendor_id: int | None) -> None:
    if vendor_id is None:
        return
    vendor = session.get(Vendor, vendor_id)
    if vendor is None or vendor.company_id != company_id:
        raise Invalid(_("Choose one of the directory's companies."))


def needs_link(session: Session, company_id: int, person: Person) -> bool:
    """True for somebody who still waits for a link that this company may hand out."""
    return (
        may_hand_out_link(session, company_id, person)
        and invitations.latest(session, person.id, company_id) is None
    )


def _tell(session: Session, at: Desk, person: Person) -> None:
    inviter = session.get_one(Person, at.person_id)
    notify(
        session,
        person.id,
        "added_to_project",
        path=f"/projects/{at.project.id}",
        by=inviter.name,
        project=at.project.name,
    )
    if invitations.is_pending(person):
        notify(
            session,
            at.person_id,
            "invitation_made",
            path=f"/projects/{at.project.id}/directory/people/{person.id}",
            name=person.name,
        )


def renew_link(session: Session, at: Desk, person_id: int) -> None:
    """Make a new invitation link; the one before ends."""
    person = member_of(session, at.project.id, person_id).person
    if not may_have_link(session, at, person):
        raise Forbidden(_("Only whoever invited them, or the company's admins, make a new link."))
    invitations.make(session, person, at.company.id, by_id=at.person_id)
    _note(session, at, "people.link", person)


def may_have_link(session: Session, at: Desk, person: Person) -> bool:
    """May the one at the desk see and renew this person's link? It opens the account."""
    if not invitations.is_pending(person):
        return False
    if not invitations.is_ours_alone(session, person.id, at.company.id):
        return False
    found = invitations.latest(session, person.id, at.company.id)
    return at.is_company_admin or (found is not None and found.invited_by_id == at.person_id)


def member_of(session: Session, project_id: int, person_id: int) -> ProjectMember:
    """Return somebody's place on a project; NotFound when they are not on it."""
    found = session.scalar(
        select(ProjectMember)
        .join(Project, Project.id == ProjectMember.project_id)
        .join(
            CompanyMember,
            (CompanyMember.company_id == Project.company_id)
            & (CompanyMember.person_id == ProjectMember.person_id),
        )
        .where(ProjectMember.project_id == project_id, ProjectMember.person_id == person_id)
    )
    if found is None:
        raise NotFound
    return found


def give_template(session: Session, at: Desk, person_id: int, template_id: int) -> None:
    """Give somebody the levels of a template."""
    member = _manageable(session, at, person_id)
    template = _template(session, at, template_id)
    before = levels_of_member(session, member)
    levels = levels_of_template(template)
    _require_within(at, levels, before)
    member.template_id = template.id
    write_levels(session, member, levels)
    changes = changes_of(before, levels)
    _note(session, at, "people.template", member.person, named=template.name, changes=changes)


def give_levels(session: Session, at: Desk, person_id: int, levels: Levels) -> None:
    """Give somebody levels of their own; they no longer follow a template."""
    member = _manageable(session, at, person_id)
    before = levels_of_member(session, member)
    _require_within(at, levels, before)
    changes = changes_of(before, levels)
    if not changes:
        return
    member.template_id = None
    write_levels(session, member, levels)
    _note(session, at, "people.levels", member.person, changes=changes)


def remove(session: Session, at: Desk, person_id: int) -> None:
    """Take somebody off the project; they stay in the company."""
    member = _manageable(session, at, person_id)
    person = member.person
    drop_levels(session, at.project.id, [person_id])
    groups = select(Group.id).where(Group.project_id == at.project.id)
    session.execute(
        delete(GroupMember).where(
            GroupMember.person_id == person_id, GroupMember.group_id.in_(groups)
        )
    )
    session.delete(member)
    session.flush()
    _note(session, at, "people.removed", person)


def _manageable(session: Session, at: Desk, person_id: int) -> ProjectMember:
    """Return the place of somebody whom the one at the desk may change."""
    member = member_of(session, at.project.id, person_id)
    if why := refusal_to_manage(session, at, person_id):
        raise Forbidden(why)
    return member


def refusal_to_manage(session: Session, at: Desk, person_id: int) -> str:
    """Return why somebody cannot be changed at this desk, in a sentence; "" when they can."""
    if person_id == at.person_id:
        return _("Nobody changes their own levels. Another admin of the Directory can.")
    company_member = session.get(CompanyMember, (at.company.id, person_id))
    if company_member is not None and company_member.is_admin:
        return _("The company's administrators are admins in every tool of every project.")
    return ""


def _require_within(at: Desk, levels: Levels, before: Levels) -> None:
    if levels.exceeds(at.levels, known=before):
        raise Forbidden(_("You cannot give more than you have yourself."))


def _note(session: Session, at: Desk, event: str, person: Person, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=at.person_id,
        company_id=at.company.id,
        project_id=at.project.id,
        about=person.id,
        name=person.name,
        **facts,
    )


# ---- the company's own people, in the hands of its administrators


def company_member(session: Session, company_id: int, person_id: int) -> CompanyMember:
    """Return somebody's membership; NotFound when there is none."""
    found = session.get(CompanyMember, (company_id, person_id))
    if found is None:
        raise NotFound
    return found


def make_admin(session: Session, company_id: int, person_id: int, *, by_id: int) -> None:
    """Make a member an administrator of the company."""
    _lock(session, company_id, by_id)
    member = company_member(session, company_id, person_id)
    if member.is_admin:
        raise Conflict(_("%(name)s is an administrator already.", name=member.person.name))
    if invitations.is_pending(member.person):
        raise Invalid(
            _(
                "%(name)s has not signed in yet. Only somebody with a password can administer.",
                name=member.person.name,
            )
        )
    member.is_admin = True
    _note_company(session, "people.admin_made", company_id, member.person, by_id)
    company = session.get_one(Company, company_id)
    path = f"/companies/{company_id}"
    notify(session, person_id, "made_admin", path=path, company=company.name)


def take_admin(session: Session, company_id: int, person_id: int, *, by_id: int) -> None:
    """Make an administrator an ordinary member; never the last one."""
    _lock(session, company_id, by_id)
    member = company_member(session, company_id, person_id)
    if not member.is_admin:
        raise Conflict(_("%(name)s is no administrator any more.", name=member.person.name))
    _require_another_admin(session, company_id, person_id)
    member.is_admin = False
    _note_company(session, "people.admin_taken", company_id, member.person, by_id)


def deactivate(session: Session, company_id: int, person_id: int, *, by_id: int) -> None:
    """Shut somebody out of the company; their projects and levels are kept for later."""
    _lock(session, company_id, by_id)
    member = company_member(session, company_id, person_id)
    person = member.person
    if member.is_admin:
        _require_another_admin(session, company_id, person_id)
    session.add(
        FormerMember(company_id=company_id, person_id=person_id, vendor_id=member.vendor_id)
    )
    session.delete(member)
    invitations.end_open(session, person_id, company_id=company_id)
    session.flush()
    _note_company(session, "people.deactivated", company_id, person, by_id)


def activate(session: Session, company_id: int, person_id: int, *, by_id: int) -> None:
    """Let somebody back in, with the projects and levels they had; not as administrator."""
    _lock(session, company_id, by_id)
    former = session.get(FormerMember, (company_id, person_id))
    if former is None:
        raise NotFound
    person = former.person
    session.add(
        CompanyMember(
            company_id=company_id,
            person_id=person_id,
            is_admin=False,
            vendor_id=former.vendor_id,
        )
    )
    session.delete(former)
    session.flush()
    _note_company(session, "people.activated", company_id, person, by_id)


def set_vendor(
    session: Session, company_id: int, person_id: int, vendor_id: int | None, *, by_id: int
) -> None:
    """Say which company of the directory somebody works for."""
    _lock(session, company_id, by_id)
    member = company_member(session, company_id, person_id)
    _require_vendor(session, company_id, vendor_id)
    if member.vendor_id == vendor_id:
        return
    before, after = _vendor_name(session, member.vendor_id), _vendor_name(session, vendor_id)
    member.vendor_id = vendor_id
    _note_company(
        session, "people.vendor", company_id, member.person, by_id, before=before, after=after
    )


def _vendor_name(session: Session, vendor_id: int | None) -> str:
    vendor = session.get(Vendor, vendor_id) if vendor_id else None
    return vendor.name if vendor else ""


def _lock(session: Session, company_id: int, by_id: int) -> None:
    """Let one change of a company's people happen after the other, by its administrators only."""
    session.execute(select(Company.id).where(Company.id == company_id).with_for_update())
    access.administered_company(company_id, by_id)


def _require_another_admin(session: Session, company_id: int, person_id: int) -> None:
    others = session.scalar(
        select(func.count(CompanyMember.person_id))
        .join(Person, Person.id == CompanyMember.person_id)
        .where(
            CompanyMember.company_id == company_id,
            CompanyMember.is_admin.is_(True),
            CompanyMember.person_id != person_id,
            Person.is_active.is_(True),
        )
    )
    if not others:
        raise Conflict(_("A company needs an administrator. Make somebody else one first."))


def _note_company(
    session: Session, event: str, company_id: int, person: Person, by_id: int, **facts: Any
) -> None:
    audit.note(
        session,
        event,
        person_id=by_id,
        company_id=company_id,
        about=person.id,
        name=person.name,
        **facts,
    )
