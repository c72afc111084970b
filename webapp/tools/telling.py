"""Telling people about a record: a notice for those who see it, and for nobody else."""

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person, notify
from webapp.core.text import in_language
from webapp.records.models import Record
from webapp.records.visibility import may_see
from webapp.tools.blueprint import address
from webapp.tools.naming import name_of
from webapp.tools.parts import Standing


def tell(session: Session, standing: Standing, people: Iterable[int], kind: str) -> int:
    """Leave a notice for these people but whoever is telling; return how many were told."""
    tool, record = standing.tool, standing.record
    session.flush()
    told = session.execute(
        select(Person.id, Person.language)
        .join(Record, Record.id == record.id)
        .where(
            Person.id.in_(set(people) - {standing.person_id}),
            Person.is_active,
            may_see(Person.id.expression),
        )
    ).all()
    path = address("record", tool, record.project_id, record.id)
    for person_id, language in told:
        with in_language(language):
            name = name_of(tool, record)
        notify(session, person_id, kind, path=path, record=name, title=record.title)
    return len(told)
