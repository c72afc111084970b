"""What a person is to a record, and what the tool's rules allow to that."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.companies.models import Level
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.tools.registry import Field, Part, Rule, Section, Tool, Transition

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
    def is_frozen(self) -> bool:
        """Has the record gone out, or is it closed, so that it stays as it is for everybody?"""
        by = self.tool.frozen_by
        has_gone_out = bool(by and self.record.details.get(by))
        return has_gone_out or self.tool.status(self.record.status).frozen

    @property
    def keeps_files(self) -> bool:
        """Do the record's files stay as they are, whatever else may change?"""
        return self.is_frozen or self.tool.status(self.record.status).keeps_files

    @property
    def may_edit(self) -> bool:
        return not self.is_frozen and self.allows(self.tool.editable_by)

    @property
    def may_attach(self) -> bool:
        """May this person hang files on the record itself?"""
        takes_files = self.tool.status(self.record.status).takes_files
        return (takes_files or not self.keeps_files) and self.allows(self.tool.attach)

    def may_edit_field(self, editable_by: tuple[Part, ...]) -> bool:
        return not editable_by or bool(self.parts & set(editable_by))

    def is_fixed(self, field: Field) -> bool:
        """Does a field stay as it is, because the record is where that was agreed, or signed?"""
        is_draft = self.tool.status(self.record.status).is_draft
        is_signed = bool(field.fixed_by and self.record.details.get(field.fixed_by))
        return self.record.status in field.fixed_in or (is_signed and not is_draft)

    def may_see_field(self, seen_by: tuple[Part, ...]) -> bool:
        return not seen_by or bool(self.parts & set(seen_by))

    def may_write_in(self, section: Section) -> bool:
        """May this person fill the table, or respond? A response adds, and changes nothing."""
        if (section.is_table and self.is_frozen) or self.is_closed(section):
            return False
        is_usual = bool(self.parts & set(section.who)) and self.record.status in section.statuses
        return is_usual or self.allows(section.also)

    def is_closed(self, section: Section) -> bool:
        """Is a table closed by what the record says, a contract signed by everybody?"""
        is_draft = self.tool.status(self.record.status).is_draft
        return not is_draft and bool(
            section.closed_by and self.record.details.get(section.closed_by)
        )

    def may_see_rows(self, section: Section) -> bool:
        """Has the page a place for this table? Which rows are in it, the rule in SQL says."""
        return (
            not section.shown_if
            or Part.ADMIN in self.parts
            or bool(self.record.details.get(section.shown_if))
        )

    def may_answer(self, section: Section, row: RecordRow) -> bool:
        """May this person fill in the row's answer? It is the named person's, or a leader's."""
        if not section.answers or self.record.status not in section.answered_in or self.is_frozen:
            return False
        is_theirs = self._is_named_by(section, row)
        if self._is_somebodys(section, row):
            return is_theirs
        if section.turns:
            is_theirs = is_theirs and row.status == section.turns[0]
            return is_theirs or (self.may_write_in(section) and row.status in section.turns)
        return is_theirs or self.may_write_in(section)

    def may_write_answer(self, section: Section, row: RecordRow) -> bool:
        """May this person write the answer of a row they fill in as one who fills the table?"""
        if self._is_somebodys(section, row):
            return self.may_answer(section, row)
        return not section.turns or self.may_answer(section, row)

    def _is_somebodys(self, section: Section, row: RecordRow) -> bool:
        """True for a bid: what it holds is written by whom it names, and by nobody for them."""
        return section.own_rows and row.person_id is not None

    def _is_named_by(self, section: Section, row: RecordRow) -> bool:
        return row.person_id == self.person_id and section.part in self.parts

    def may_attach_to_row(self, row: RecordRow) -> bool:
        """Files go on a response while its author writes it, and on a line of those who fill it."""
        section = self.tool.section(row.section)
        if section is None or not section.takes_files or not self.may_see_rows(section):
            return False
        if section.is_table and (self.keeps_files or section.keeps_files):
            return False
        if self._is_somebodys(section, row):
            is_late = self.tool.extension.is_too_late(self.record)
            return self.may_answer(section, row) and not is_late
        if section.is_table:
            return (
                self.may_write_in(section)
                or self.may_answer(section, row)
                or self._may_still_add_to(section, row)
            )
        is_being_written = row.sent_at is None and row.author_id == self.person_id
        return is_being_written and self.may_write_in(section)

    def _may_still_add_to(self, section: Section, row: RecordRow) -> bool:
        """Copies on their way when somebody answers must not be lost to their having answered."""
        is_over = self.record.status not in section.answered_in
        return not is_over and row.status in section.turns and self._is_named_by(section, row)

    def may_remove(self, *, attached_by_id: int, row: RecordRow | None) -> bool:
        """Admins always; whoever attached it, while they may write and the record is open.

        What hangs on somebody's own row is theirs alone, for as long as they may add to it. Nobody
        removes or changes what stays: on a record that is frozen, on a response that was sent.
        """
        section = self.tool.section(row.section) if row is not None else None
        if self._stays(section, row):
            return False
        if section is not None and row is not None and self._is_somebodys(section, row):
            return self.may_attach_to_row(row)
        if Part.ADMIN in self.parts:
            return True
        is_theirs = attached_by_id == self.person_id and Part.STANDARD in self.parts
        return is_theirs and self.record.is_open

    def _stays(self, section: Section | None, row: RecordRow | None) -> bool:
        """Do the files of the record, or of its row, stay on it as they are?"""
        if section is None or row is None:
            return self.keeps_files
        is_sent = not section.is_table and row.sent_at is not None
        is_kept = section.is_table and self.keeps_files
        return is_sent or is_kept or section.keeps_files

    def transitions(self, *, with_response: bool) -> list[Transition]:
        return [
            transition
            for transition in self.tool.transitions
            if transition.with_response is with_response and self.may_take(transition)
        ]

    def may_take(self, transition: Transition) -> bool:
        fits = self.record.status in transition.before and self.can_be(transition.after)
        return fits and self.is_there(transition) and bool(self.parts & set(transition.who))

    def is_there(self, transition: Transition) -> bool:
        """Does this record have the step at all, by what its fields say?"""
        return not transition.only_if or bool(self.record.details.get(transition.only_if))

    def can_be(self, status: str) -> bool:
        """Does a record of this one's kind have this status at all?"""
        only_for = self.tool.status(status).only_for
        return not only_for or self.record.details.get(self.tool.varies_by) in only_for


def standing(
    tool: Tool, record: Record, people: PeopleByRole, *, person_id: int, level: Level
) -> Standing:
    """Return what a person is to a record; they see it, or it would not have been loaded."""
    parts = {
        part
        for role, part in tool.parts_by_role.items()
        if any(person.id == person_id for person in people.get(role, ()))
    }
    if record.created_by_id == person_id and level >= Level.STANDARD:
        parts.add(Part.CREATOR)
        if tool.has_field("approver") and not people.get("approver"):
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
