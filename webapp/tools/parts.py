"""What a person is to a record, and what the tool's rules allow to that."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies.models import Level
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.tools.registry import Part, Rule, Section, Tool, Transition

# The people fields that make somebody a part of the record.
ROLE_PARTS = {
    "assignees": Part.ASSIGNEE,
    "approver": Part.APPROVER,
    "distribution": Part.DISTRIBUTION,
}
BALL_ROLE = "ball"

PeopleByRole = dict[str, list[Person]]


def people_of(session: Session, record_id: int) -> PeopleByRole:
    """Return everybody on a record by role, in the order they were given."""
    rows = session.execute(
        select(RecordPerson.role, Person)
        .join(Person, Person.id == RecordPerson.person_id)
        .where(RecordPerson.record_id == record_id)
        .order_by(RecordPerson.position, Person.name)
    )
    found: PeopleByRole = {}
    for role, person in rows:
        found.setdefault(role, []).append(person)
    return found


@dataclass(frozen=True)
class Standing:
    """One person before one record of one tool: every permission is asked of this."""

    tool: Tool
    record: Record
    person_id: int
    parts: frozenset[Part]

    def allows(self, rules: Iterable[Rule]) -> bool:
        return any(
            self.parts & set(rule.who)
            and (not rule.statuses or self.record.status in rule.statuses)
            for rule in rules
        )

    @property
    def may_edit(self) -> bool:
        return self.allows(self.tool.editable_by)

    @property
    def may_attach(self) -> bool:
        """May this person hang files on the record itself?"""
        return self.allows(self.tool.attach)

    def may_edit_field(self, editable_by: tuple[Part, ...]) -> bool:
        return not editable_by or bool(self.parts & set(editable_by))

    def may_write_in(self, section: Section) -> bool:
        return bool(self.parts & set(section.who)) and self.record.status in section.statuses

    def may_attach_to_row(self, row: RecordRow) -> bool:
        """Files go on a response while its author is still writing it."""
        section = self.tool.section(row.section)
        is_being_written = row.sent_at is None and row.author_id == self.person_id
        return section is not None and is_being_written and self.may_write_in(section)

    def may_remove(self, *, attached_by_id: int) -> bool:
        """Admins always; whoever attached it while the record is open."""
        if Part.ADMIN in self.parts:
            return True
        return attached_by_id == self.person_id and self.record.is_open

    def transitions(self, *, with_response: bool) -> list[Transition]:
        return [
            transition
            for transition in self.tool.transitions
            if transition.with_response is with_response and self.may_take(transition)
        ]

    def may_take(self, transition: Transition) -> bool:
        fits = self.record.status in transition.before
        return fits and bool(self.parts & set(transition.who))


def standing(
    tool: Tool, record: Record, people: PeopleByRole, *, person_id: int, level: Level
) -> Standing:
    """Return what a person is to a record; they see it, or it would not have been loaded."""
    parts = {
        part
        for role, part in ROLE_PARTS.items()
        if any(person.id == person_id for person in people.get(role, ()))
    }
    if record.created_by_id == person_id and level >= Level.STANDARD:
        parts.add(Part.CREATOR)
        if not people.get("approver"):
            # The ball comes back to the creator when nobody else was named to accept the work.
            parts.add(Part.APPROVER)
    if record.manager_id == person_id:
        parts.add(Part.MANAGER)
    if level >= Level.STANDARD:
        parts.add(Part.STANDARD)
    if level >= Level.ADMIN:
        parts.add(Part.ADMIN)
    if level < Level.STANDARD:
        # Read Only means that, whatever names a record carries.
        parts.clear()
    return Standing(tool, record, person_id, frozenset(parts))
