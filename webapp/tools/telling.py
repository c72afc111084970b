"""Telling people about a record: what has become theirs, what was answered, where it stands now.

One rule for every tool and every door. Nobody is told of what they did themselves, nobody who does
not see the record, and nobody twice in one transaction: of several reasons the one told first
counts, so that the strongest is told first. Whoever was given a part in a record is told once the
record is no draft any more; `RecordPerson.told` remembers it, whichever path gave them the part.
"""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Notice, NoticeChoice, Person, Way
from webapp.accounts.notices import add_texts
from webapp.core.text import N_, Said, _, in_language, kept_text
from webapp.records.models import Record, RecordPerson, RecordRow
from webapp.records.visibility import may_see, may_see_row
from webapp.tools.naming import name_of
from webapp.tools.parts import BALL_ROLE, Standing
from webapp.tools.registry import Part, Status, Tool

add_texts(
    {
        "in_court": N_("%(record)s is in your court: %(title)s"),
        "invited": N_("You are invited to %(record)s: %(title)s"),
        "approves": N_("You are to approve %(record)s: %(title)s"),
        "reviews": N_("You are to review %(record)s: %(title)s"),
        "assigned": N_("%(by)s assigned %(record)s to you: %(title)s"),
        "manages": N_("You are the manager of %(record)s: %(title)s"),
        "in_workflow": N_("You are in the workflow of %(record)s: %(title)s"),
        "distributed": N_("%(by)s added you to the distribution of %(record)s: %(title)s"),
        "shared": N_("%(by)s shared %(record)s with you: %(title)s"),
        "named_in_row": N_("%(by)s gave you an item in %(record)s: %(item)s"),
        "answered": N_("%(by)s answered %(record)s: %(title)s"),
        "official": N_("%(record)s has an official answer: %(title)s"),
        "moved": N_("%(by)s set %(record)s to %(status)s: %(title)s"),
    }
)

BALL_KIND = "in_court"
# What a notice says of a part, the strongest first.
KINDS = {
    Part.ATTENDEE: "invited",
    Part.APPROVER: "approves",
    Part.REVIEWER: "reviews",
    Part.ASSIGNEE: "assigned",
    Part.WORKFLOW: "in_workflow",
    Part.DISTRIBUTION: "distributed",
    Part.LISTED: "shared",
}
_STRENGTH = (BALL_KIND, *KINDS.values())
_TOLD = "told in this transaction"


def path_of(tool: Tool, record: Record) -> str:
    """Return the record's address; workers, who have no request, need it too."""
    return f"/projects/{record.project_id}/{tool.slug}/{record.id}"


def tell(session: Session, standing: Standing, people: Iterable[int], kind: str) -> int:
    """Leave a notice for these people but whoever is telling; return how many were told."""
    return len(
        leave(session, standing.tool, standing.record, people, kind, by_id=standing.person_id)
    )


def leave(
    session: Session,
    tool: Tool,
    record: Record,
    people: Iterable[int],
    kind: str,
    *,
    by_id: int | None,
    row: RecordRow | None = None,
    facts: Callable[[], dict[str, Any]] | None = None,
) -> set[int]:
    """Leave a notice of the record, or of a row of it, and return whom it was left for.

    `facts` are worked out in the language of each reader.
    """
    session.flush()
    told = _told_already(session, record.id)
    wanted = set(people) - told - {by_id}
    if not wanted:
        return set()
    by = session.get(Person, by_id) if by_id else None
    reached = set()
    for person_id, language, mails, chosen in session.execute(_readers(record, wanted, row)).all():
        with in_language(language):
            notice = tool.extension.told(record, kind)
            own = facts() if facts else {}
            name = name_of(tool, record)
            if name == record.title:
                # The title is said at the end anyway.
                name = _(tool.record_name)
        if notice is None:
            continue
        reached.add(person_id)
        way = chosen or (Way.MAIL if tool.mails_notices else Way.BELL)
        if way == Way.NONE:
            continue
        known = {"record": name, "title": record.title, "by": by.name if by else "Plumbline"}
        session.add(
            Notice(
                person_id=person_id,
                kind=notice[0],
                facts={**known, **own, **notice[1]},
                path=path_of(tool, record) + (f"#row-{row.id}" if row else ""),
                tool_key=tool.key,
                project_id=record.project_id,
                record_id=record.id,
                is_mailed=way == Way.MAIL and mails,
            )
        )
    told |= reached
    return reached


def _readers(
    record: Record, wanted: set[int], row: RecordRow | None
) -> Select[int, str, bool, str | None]:
    """Return the query for those of `wanted` who see the record, and the ways they chose."""
    query = (
        select(Person.id, Person.language, Person.mails_notices, NoticeChoice.way)
        .select_from(Person)
        .join(Record, Record.id == record.id)
        .outerjoin(
            NoticeChoice,
            (NoticeChoice.person_id == Person.id) & (NoticeChoice.tool_key == record.tool_key),
        )
        .where(Person.id.in_(wanted), Person.is_active, may_see(Person.id.expression))
        .order_by(Person.id)
    )
    if row is None:
        return query
    return query.join(RecordRow, RecordRow.id == row.id).where(may_see_row(Person.id.expression))


def _told_already(session: Session, record_id: int) -> set[int]:
    """Return, to be added to, who was told of a record in the transaction under way."""
    transaction = session.get_transaction()
    kept: tuple[object, dict[int, set[int]]] | None = session.info.get(_TOLD)
    if kept is None or kept[0] is not transaction:
        kept = session.info[_TOLD] = (transaction, {})
    return kept[1].setdefault(record_id, set())


def tell_of_parts(session: Session, standing: Standing) -> None:
    """Tell whoever has been given the ball, or a part, since anybody was told of theirs."""
    tool, record = standing.tool, standing.record
    if record.saved_at is None:
        return
    session.flush()
    untold = select(RecordPerson).where(
        RecordPerson.record_id == record.id, RecordPerson.told.is_(False)
    )
    if tool.status(record.status).is_draft:
        # Whose turn it is with a draft sees it; the others learn of it when it is one no more.
        untold = untold.where(RecordPerson.role == BALL_ROLE)
    kinds: dict[str, set[int]] = {}
    for row in session.scalars(untold):
        row.told = True
        if kind := _kind_of(tool, row.role):
            kinds.setdefault(kind, set()).add(row.person_id)
    for kind in sorted(kinds, key=_STRENGTH.index):
        tell(session, standing, kinds[kind], kind)


def _kind_of(tool: Tool, role: str) -> str:
    if role == BALL_ROLE:
        return BALL_KIND
    part = tool.parts_by_role.get(role)
    return KINDS.get(part, "") if part else ""


def tell_again(session: Session, record: Record, role: str) -> None:
    """Have those with a part told of it anew: they are invited once more."""
    session.execute(
        update(RecordPerson)
        .where(RecordPerson.record_id == record.id, RecordPerson.role == role)
        .values(told=False)
    )


def tell_of_step(session: Session, standing: Standing, before: Status) -> None:
    """Tell those who lead or began a record where it stands now; all with a part when it ends."""
    tool, record = standing.tool, standing.record
    after = tool.status(record.status)
    if after.key == before.key or after.is_draft:
        return
    roles = {BALL_ROLE}
    if before.is_open != after.is_open and not before.is_draft:
        roles |= set(tool.parts_by_role)
    people = _leads(record) | _with_roles(session, record, roles)
    status = {"status": kept_text(after.label)}
    leave(session, tool, record, people, "moved", by_id=standing.person_id, facts=lambda: status)


def tell_of_answer(
    session: Session, standing: Standing, row: RecordRow, kind: str = "answered"
) -> None:
    """Tell those who asked, who lead and whose turn it is of an answer, where they may see it."""
    people = _leads(standing.record) | _with_roles(session, standing.record, {BALL_ROLE})
    if kind == "official":
        people |= _with_roles(session, standing.record, set(standing.tool.parts_by_role))
    leave(
        session,
        standing.tool,
        standing.record,
        people,
        kind,
        by_id=standing.person_id,
        row=row,
    )


def tell_of_row(
    session: Session, standing: Standing, row: RecordRow, new: set[int], *, item: Said | str
) -> None:
    """Tell those whom a row has begun to name, unless the record's own word reaches them."""
    if standing.tool.status(standing.record.status).is_draft:
        return
    leave(
        session,
        standing.tool,
        standing.record,
        new,
        "named_in_row",
        by_id=standing.person_id,
        row=row,
        facts=lambda: {"item": item},
    )


def _leads(record: Record) -> set[int]:
    return {record.created_by_id} | ({record.manager_id} if record.manager_id else set())


def _with_roles(session: Session, record: Record, roles: set[str]) -> set[int]:
    return set(
        session.scalars(
            select(RecordPerson.person_id).where(
                RecordPerson.record_id == record.id, RecordPerson.role.in_(roles)
            )
        )
    )
