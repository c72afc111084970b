"""Distribution groups of a project: a name for several of its people, to write to them together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies import access
from webapp.companies.models import Group, GroupMember
from webapp.companies.people import Desk
from webapp.core import audit
from webapp.core.problems import Invalid, NotFound
from webapp.core.text import _


@dataclass(frozen=True)
class ShownGroup:
    """A group with those of its members who may enter the project now, and those who may not."""

    group: Group
    members: tuple[Person, ...]
    absent: tuple[Person, ...] = ()


def groups_of(session: Session, project_id: int) -> list[ShownGroup]:
    """Return a project's groups by name; whoever may not enter the project is a member of none."""
    present = {person.id for person in access.people_on(project_id)}
    members: dict[int, list[Person]] = {}
    absent: dict[int, list[Person]] = {}
    rows = session.execute(
        select(GroupMember.group_id, Person)
        .join(Group, Group.id == GroupMember.group_id)
        .join(Person, Person.id == GroupMember.person_id)
        .where(Group.project_id == project_id)
        .order_by(Person.name, Person.id)
    )
    for group_id, person in rows:
        found = members if person.id in present else absent
        found.setdefault(group_id, []).append(person)
    groups = session.scalars(
        select(Group).where(Group.project_id == project_id).order_by(Group.name)
    )
    return [
        ShownGroup(group, tuple(members.get(group.id, ())), tuple(absent.get(group.id, ())))
        for group in groups
    ]


def group_of(session: Session, project_id: int, group_id: int) -> Group:
    """Return a group of a project; NotFound when it has none of that id."""
    found = session.scalar(
        select(Group).where(Group.id == group_id, Group.project_id == project_id)
    )
    if found is None:
        raise NotFound
    return found


def save(
    session: Session, at: Desk, group_id: int | None, name: str, people: Iterable[int]
) -> Group:
    """Make or change a group; Invalid when the name is taken or somebody is not on the project."""
    is_new = group_id is None
    group = (
        Group(project_id=at.project.id)
        if group_id is None
        else group_of(session, at.project.id, group_id)
    )
    wanted = set(people)
    names = {person.id: person.name for person in access.people_on(at.project.id)}
    if not wanted <= names.keys():
        raise Invalid(_("Choose people of this project."))
    group.name = name
    try:
        with session.begin_nested():
            session.add(group)
            session.flush()
    except IntegrityError:
        raise Invalid(_("There is a group of that name already.")) from None
    session.execute(delete(GroupMember).where(GroupMember.group_id == group.id))
    session.add_all(GroupMember(group_id=group.id, person_id=person) for person in wanted)
    session.flush()
    members = ", ".join(sorted(names[person] for person in wanted))
    _note(session, at, "group.made" if is_new else "group.changed", name, members=members)
    return group


def remove(session: Session, at: Desk, group_id: int) -> None:
    """Take a group away; its people stay."""
    group = group_of(session, at.project.id, group_id)
    name = group.name
    session.delete(group)
    session.flush()
    _note(session, at, "group.removed", name)


def _note(session: Session, at: Desk, event: str, name: str, **facts: Any) -> None:
    audit.note(
        session,
        event,
        person_id=at.person_id,
        company_id=at.company.id,
        project_id=at.project.id,
        name=name,
        **facts,
    )
