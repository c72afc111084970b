"""Distributing a record: what goes out is written down, so that no later change rewrites it."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.core.text import _, ngettext
from webapp.records.models import Record, RecordIssue
from webapp.records.visibility import may_see
from webapp.tools import asking
from webapp.tools.file_pages import row_names
from webapp.tools.files import attached_to
from webapp.tools.page import cells_of, shown_table, shown_thread
from webapp.tools.parts import Standing, people_of
from webapp.tools.registry import Section
from webapp.tools.telling import tell
from webapp.tools.values import read_values


def distribute(
    session: Session, standing: Standing, people: Iterable[int], kind: str
) -> RecordIssue:
    """Tell these people, and keep what went out to them as the next version of it."""
    told = recipients(session, standing.record, people)
    tell(session, standing, people, kind)
    record = standing.record
    last = session.scalar(
        select(func.max(RecordIssue.number)).where(RecordIssue.record_id == record.id)
    )
    issue = RecordIssue(
        record_id=record.id,
        project_id=record.project_id,
        number=(last or 0) + 1,
        issued_by_id=standing.person_id,
        told=[person.name for person in told],
        facts=_facts(session, standing),
    )
    session.add(issue)
    session.flush()
    return issue


def sent_out(session: Session, standing: Standing, people: Iterable[int]) -> tuple[str, ...]:
    """Return what distributing will do, in numbers: who is told, and which files are part of it."""
    told = len(recipients(session, standing.record, people))
    count, size = asking.sizes(session, standing)
    waiting = asking.coming(session, standing)
    late = ngettext(
        "%(num)s file is still on its way and is not part of it.",
        "%(num)s files are still on their way and are not part of it.",
        waiting,
    )
    return (
        ngettext("It goes to %(num)s person.", "It goes to %(num)s people.", told),
        _("With %(files)s.", files=asking.files_text(count, size)),
        *((late,) if waiting else ()),
        _("What goes out is kept as it is; a correction is a new version."),
    )


def recipients(session: Session, record: Record, people: Iterable[int]) -> list[Person]:
    """Return whom of these people a distribution reaches: who sees the record."""
    session.flush()
    return list(
        session.scalars(
            select(Person)
            .join(Record, Record.id == record.id)
            .where(Person.id.in_(set(people)), Person.is_active, may_see(Person.id.expression))
            .order_by(Person.name)
        )
    )


def _facts(session: Session, standing: Standing) -> dict[str, Any]:
    """Return a record in words, as everybody sees it who is nothing more to it."""
    tool, record = standing.tool, standing.record
    plain = Standing(tool, record, standing.person_id, frozenset())
    values = read_values(tool, record, people_of(session, record.id))
    body = str(values.get(tool.body_field) or "") if tool.body_field else ""
    cells = [[cell.label, cell.text] for cell in cells_of(session, plain, values)]
    if body:
        cells.append([_(tool.field(tool.body_field).label), body])
    sections = [s for s in tool.sections if plain.may_see_rows(s) and not s.own_rows]
    names = row_names(session, plain)
    return {
        "title": record.title,
        "cells": cells,
        "sections": [_rows(session, plain, section) for section in sections],
        "files": [
            {
                "id": file.id,
                "public_id": file.public_id,
                "name": file.name,
                "size_bytes": file.size_bytes,
                "sha1": file.sha1,
                "row": names.get(file.row_id, "") if file.row_id else "",
            }
            for file in reversed(attached_to(session, plain))
            if file.superseded_by is None
        ],
    }


def _rows(session: Session, plain: Standing, section: Section) -> dict[str, Any]:
    if section.is_table:
        table = shown_table(session, plain, section)
        return {
            "label": _(section.label),
            "rows": [
                [[cell.label, cell.text] for cell in row.cells if cell.text] for row in table.rows
            ],
        }
    thread = shown_thread(session, plain, section)
    return {
        "label": _(section.label),
        "rows": [[[row.row.author.name, row.row.text]] for row in thread.rows],
    }
