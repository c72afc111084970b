"""Who is on a project and in a company, and at which level: every change, and who may make it.

Each function takes a writing session. A project's people are managed at a `Desk`, which is made in
that same transaction: nobody changes their own levels, nobody gives more than they have themselves,
and a company's administrators are the business of its administrators alone.
"""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, notify
from webapp.companies import access, invitations
from webapp.companies.invitations import Newcomer
from webapp.companies.models import (
    Company,
    CompanyMember,
    FormerMember,
    Group,
    GroupMember,
    Invitation,
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


@dataclass(frozen=True, kw_only=True)
class Invited(Newcomer):
    """Somebody who is invited to a project."""

    template_id: int


def invite(session: Session, at: Desk, invited: Invited) -> Person | Invitation:
    """Put one of the company's people on the project, or invite an address; returns which.

    Only the company's own members are looked at: whoever else the address belongs to, with an
    account or without, the answer is an invitation.
    """
    template = _template(session, at, invited.template_id)
    levels = levels_of_template(template)
    if levels.exceeds(at.levels):
        raise Forbidden(_("You cannot give more than you have yourself. Choose another template."))
    _require_vendor(session, at.company.id, invited.vendor_id)
    _require_not_former(session, at.company, invited.email)
    person = member_at(session, at.company.id, invited.email)
    if person is None:
        return _invite_address(session, at, invited, template)
    _require_addable(session, at, person)
    member = ProjectMember(
        project_id=at.project.id, person_id=person.id, level=0, template_id=template.id
    )
    session.add(member)
    session.flush()
    write_levels(session, member, levels)
    _note(session, at, "people.added", person, named=template.name)
    _tell(session, at, person)
    return person


def _invite_address(
    session: Session, at: Desk, invited: Invited, template: PermissionTemplate
) -> Invitation:
    invitation = invitations.invite(session, at.company.id, invited, by_id=at.person_id)
    if at.project.id in {place.project_id for place in invitation.places}:
        raise Invalid(_("%(name)s is invited to this project already.", name=invitation.name))
    invitations.add_place(session, invitation, at.project.id, template)
    _note_invitation(session, at, "people.invited", invitation, named=template.name)
    return invitation


def invite_to_company(
    session: Session, company_id: int, newcomer: Newcomer, *, by_id: int
) -> Invitation:
    """Invite an address into the company, to no project yet."""
    _lock(session, company_id, by_id)
    company = session.get_one(Company, company_id)
    _require_vendor(session, company_id, newcomer.vendor_id)
    _require_not_former(session, company, newcomer.email)
    person = member_at(session, company_id, newcomer.email)
    if person is not None:
        raise Invalid(
            _("%(name)s is in %(company)s already.", name=person.name, company=company.name)
        )
    known = invitations.of_address(session, company_id, newcomer.email)
    if known is not None:
        raise Invalid(_("%(name)s is invited already.", name=known.name))
    made = invitations.invite(session, company_id, newcomer, by_id=by_id, is_to_company=True)
    _note_company_invitation(session, "people.company_invited", made, by_id)
    return made


def member_at(session: Session, company_id: int, email: str) -> Person | None:
    """Return the company's member with this address."""
    return session.scalar(
        select(Person)
        .join(CompanyMember, CompanyMember.person_id == Person.id)
        .where(CompanyMember.company_id == company_id, Person.email == email)
    )


def send_again(session: Session, company_id: int, invitation_id: int, *, by_id: int) -> None:
    """Send one of the company's invitations again; the link before ends."""
    _lock(session, company_id, by_id)
    invitation = invitations.in_company(session, company_id, invitation_id)
    invitations.send_again(session, invitation)
    _note_company_invitation(session, "people.link", invitation, by_id)


def withdraw(session: Session, company_id: int, invitation_id: int, *, by_id: int) -> None:
    """Take one of the company's invitations back, with every project it leads to."""
    _lock(session, company_id, by_id)
    invitation = invitations.in_company(session, company_id, invitation_id)
    invitations.withdraw(session, invitation)
    _note_company_invitation(session, "people.withdrawn", invitation, by_id)


def send_again_from(session: Session, at: Desk, invitation_id: int) -> None:
    """Send an invitation to the project again."""
    invitation = _own_invitation(session, at, invitation_id)
    invitations.send_again(session, invitation)
    _note_invitation(session, at, "people.link", invitation)


def withdraw_from(session: Session, at: Desk, invitation_id: int) -> None:
    """Take an invitation to the project back."""
    invitation = _own_invitation(session, at, invitation_id)
    invitations.withdraw(session, invitation, project_id=at.project.id)
    _note_invitation(session, at, "people.withdrawn", invitation)


def _own_invitation(session: Session, at: Desk, invitation_id: int) -> Invitation:
    invitation = invitations.on_project(session, at.project.id, invitation_id)
    if not may_answer_for(at, invitation):
        raise Forbidden(
            _("Only whoever invited them, or the company's administrators, can do this.")
        )
    return invitation


def may_answer_for(at: Desk, invitation: Invitation) -> bool:
    """May the one at the desk send an invitation again or withdraw it?"""
    return at.is_company_admin or invitation.invited_by_id == at.person_id


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


def _require_not_former(session: Session, company: Company, email: str) -> None:
    name = session.scalar(
        select(Person.name)
        .join(FormerMember, FormerMember.person_id == Person.id)
        .where(FormerMember.company_id == company.id, Person.email == email)
    )
    if name is not None:
        raise Invalid(
            _(
                "%(name)s has been deactivated in %(company)s. Its administrators can change that.",
                name=name,
                company=company.name,
            )
        )


def _require_addable(session: Session, at: Desk, person: Person) -> None:
    member = session.get(CompanyMember, (at.company.id, person.id))
    is_admin = member is not None and member.is_admin
    if is_admin or session.get(ProjectMember, (at.project.id, person.id)) is not None:
        raise Invalid(_("%(name)s is on this project already.", name=person.name))


def _require_vendor(session: Session, company_id: int, vendor_id: int | None) -> None:
    if vendor_id is None:
        return
    vendor = session.get(Vendor, vendor_id)
    if vendor is None or vendor.company_id != company_id:
        raise Invalid(_("Choose one of the directory's companies."))


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


def _note_invitation(
    session: Session, at: Desk, event: str, invitation: Invitation, **facts: Any
) -> None:
    audit.note(
        session,
        event,
        person_id=at.person_id,
        company_id=at.company.id,
        project_id=at.project.id,
        name=invitation.name,
        **facts,
    )


def _note_company_invitation(
    session: Session, event: str, invitation: Invitation, by_id: int
) -> None:
    audit.note(
        session, event, person_id=by_id, company_id=invitation.company_id, name=invitation.name
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
