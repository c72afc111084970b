"""Distribution groups in fields of people: chosen like a person, written down as their members.

The record keeps people alone, so that each can be seen and taken off. Beside them it keeps by which
group they came, and who of the group was left out because they are on the project no longer.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies.groups import ShownGroup, groups_of
from webapp.core.problems import Invalid
from webapp.core.text import _
from webapp.records.models import Record
from webapp.tools.parts import people_of
from webapp.tools.registry import Field, Tool

VIA_KEY = "via_groups"
PREFIX = "group:"

# By field and group: whom it brought, and who was left out.
Via = dict[str, dict[str, dict[str, list[int]]]]


def person_or_group(value: Any) -> int | str:
    """Return what one box of such a field stands for: a person's id, or a group as it is sent."""
    is_group = isinstance(value, str) and value.startswith(PREFIX)
    return f"{PREFIX}{int(value.removeprefix(PREFIX))}" if is_group else int(value)


def groups_offered(session: Session, tool: Tool, project_id: int) -> tuple[tuple[str, str], ...]:
    """Return the groups that a tool's fields can be given; those without a member are none."""
    if not any(field.groups for field in tool.fields):
        return ()
    return tuple(
        (f"{PREFIX}{shown.group.id}", _told(shown))
        for shown in groups_of(session, project_id)
        if shown.members
    )


def _told(shown: ShownGroup) -> str:
    return _("Group: %(name)s (%(num)s)", name=shown.group.name, num=len(shown.members))


def expanded(
    session: Session, tool: Tool, record: Record, values: dict[str, Any]
) -> dict[str, Any]:
    """Return values with the members of chosen groups in their places; keeps how they came.

    Nobody stands in two fields: whoever is chosen by name stays in the first that says so, and a
    group brings only who is in none. Raises Invalid when a group is not the project's.
    """
    fields = [field for field in tool.fields if field.groups]
    given = [field for field in fields if field.key in values]
    if not given:
        return values
    people = people_of(session, record.id)
    taken = {p.id for f in fields if f not in given for p in people.get(f.key, ())}
    named = {}
    for field in given:
        ids = [one for one in values[field.key] or [] if isinstance(one, int)]
        named[field.key] = [one for one in dict.fromkeys(ids) if one not in taken]
        taken |= set(named[field.key])
    via = _kept(record, named, given)
    for field in given:
        for shown in _groups_in(session, record.project_id, values[field.key] or []):
            brought = [person.id for person in shown.members if person.id not in taken]
            taken |= set(brought)
            named[field.key] += brought
            _write_down(via.setdefault(field.key, {}), shown, brought)
    record.details = {**record.details, VIA_KEY: via}
    return {**values, **named}


def _kept(record: Record, named: dict[str, list[int]], given: list[Field]) -> Via:
    """Return by which groups those came who are still where a group brought them."""
    old: Via = record.details.get(VIA_KEY, {})
    via = {key: groups for key, groups in old.items() if key not in {f.key for f in given}}
    for field in given:
        for name, found in old.get(field.key, {}).items():
            still = [one for one in found["people"] if one in named[field.key]]
            if still:
                via.setdefault(field.key, {})[name] = {**found, "people": still}
    return via


def _groups_in(session: Session, project_id: int, chosen: list[Any]) -> list[ShownGroup]:
    wanted = [one for one in chosen if isinstance(one, str)]
    if not wanted:
        return []
    known = {f"{PREFIX}{shown.group.id}": shown for shown in groups_of(session, project_id)}
    if not set(wanted) <= known.keys():
        raise Invalid(_("A group that was chosen is gone. Choose again."))
    return [known[one] for one in dict.fromkeys(wanted)]


def _write_down(
    groups: dict[str, dict[str, list[int]]], shown: ShownGroup, brought: list[int]
) -> None:
    before = groups.get(shown.group.name, {}).get("people", [])
    absent = [person.id for person in shown.absent]
    if before or brought or absent:
        groups[shown.group.name] = {"people": [*before, *brought], "absent": absent}


def in_words(
    session: Session, record: Record, field: Field, ids: list[int], names: dict[int, str]
) -> str:
    """Return the people of a field as its reader sees them: by name, then those of each group."""
    groups = record.details.get(VIA_KEY, {}).get(field.key, {})
    brought = {one for found in groups.values() for one in found["people"]}
    by_name = [names[one] for one in ids if one not in brought and one in names]
    parts = [", ".join(by_name)] if by_name else []
    for group, found in groups.items():
        there = [names[one] for one in found["people"] if one in ids and one in names]
        if there:
            parts.append(_("via group %(name)s: %(people)s", name=group, people=", ".join(there)))
        if absent := _names_of(session, [one for one in found["absent"] if one not in ids]):
            parts.append(
                _(
                    "not to %(people)s of group %(name)s, who are not on the project any more",
                    name=group,
                    people=", ".join(absent),
                )
            )
    return "; ".join(parts)


def _names_of(session: Session, ids: list[int]) -> list[str]:
    if not ids:
        return []
    query = select(Person.name).where(Person.id.in_(ids)).order_by(Person.name)
    return list(session.scalars(query))
