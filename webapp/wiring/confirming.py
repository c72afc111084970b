"""What a person is told before they confirm: what the chosen files meet, and who will see them.

A listing pays for none of it: the first needs a file in the tray, the second is asked by the tray.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import Select, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.box.items import Origin
from webapp.companies.access import level_expression
from webapp.companies.file_rules import FileRules, Rule
from webapp.companies.models import Company, CompanyMember, Level, Project, Vendor
from webapp.core.converters import ID_MAX
from webapp.core.database import db
from webapp.core.names import clean_name
from webapp.core.numbers import as_whole
from webapp.core.text import _, ngettext, step_text
from webapp.imports.models import TrayItem
from webapp.mail.addresses import split_addresses
from webapp.picker.host import Verdict
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target, may_see, may_see_in_row
from webapp.tools.lifecycle import audience_in
from webapp.tools.registry import Kind, Status, Tool, Transition

COMPANIES_NAMED = 2

# The people who see something, and the company each works for; "" is the project's own.
Seen = dict[int, str]


def judge(company: Company) -> Callable[[Origin], Verdict]:
    """Return what says of a file in Box whether and how this company takes it."""
    rules, name = FileRules.of(company), company.name
    return partial(_verdict, rules, name)


def _verdict(rules: FileRules, company: str, origin: Origin) -> Verdict:
    findings = rules.findings(origin)
    if not findings:
        return Verdict()
    if findings[0].rule is Rule.BLOCK:
        return Verdict(why_not=findings[0].refusal(company))
    mark = ". ".join(finding.mark(company) for finding in findings)
    return Verdict(mark=mark, needs_reason=findings[0].rule is Rule.REASON)


class Meetings:
    """What chosen files meet where they are going: the same file, the same name, each other."""

    def __init__(self, session: Session, target: Target, chosen: Sequence[TrayItem]) -> None:
        self._attached = _attached(session, target) if chosen else []
        self._names = Counter(_name(item) for item in chosen)

    def words(self, item: TrayItem) -> tuple[str, ...]:
        """Return what to know of one of them, most often nothing."""
        about_file = self._about_file(item)
        said = [about_file] if about_file else []
        name = _name(item)
        if not about_file and any(called == name for called, *_rest in self._attached):
            said.append(_("Same name as a file attached here, kept beside it"))
        if self._names[name] > 1:
            said.append(_("Same name as another chosen file, both are kept"))
        return tuple(said)

    def _about_file(self, item: TrayItem) -> str:
        """Return what there is of the same file of the same source already, "" when nothing."""
        there = [
            (version_id, number)
            for _name_, source, file_id, version_id, number in self._attached
            if item.box_file_id and (source, file_id) == (item.source, item.box_file_id)
        ]
        if not there:
            return ""
        if any(version_id == item.box_version_id for version_id, _number in there):
            return _("This version is attached here already")
        newest, chosen = (
            max(_count(number) for _id, number in there),
            _count(item.box_version_number),
        )
        if not newest or not chosen:
            return _("Another version of a file attached here")
        if chosen > newest:
            return _("Newer than the attached version %(number)s", number=newest)
        return _("Older than the attached version %(number)s", number=newest)


def _attached(
    session: Session, target: Target
) -> list[tuple[str, str, str | None, str | None, str | None]]:
    rows = session.execute(
        select(
            Attachment.name,
            Attachment.source,
            Attachment.box_file_id,
            Attachment.box_version_id,
            Attachment.box_version_number,
        ).where(
            Attachment.record_id == target.record_id,
            Attachment.row_id.is_(None)
            if target.row_id is None
            else Attachment.row_id == target.row_id,
            Attachment.removed_at.is_(None),
        )
    )
    return [
        (name.casefold(), source, file_id, version_id, number)
        for name, source, file_id, version_id, number in rows
    ]


def _name(item: TrayItem) -> str:
    """Return a chosen file's name as it will be here, in one case."""
    return clean_name(item.name, fallback=str(item.id)).casefold()


def _count(number: str | None) -> int:
    return as_whole(number, ID_MAX) or 0


def who_sees(tool: Tool, record: Record, row: RecordRow | None, company: Company) -> str:
    """Return who will be able to see the copies: how many people, and of which other companies.

    What few see for now says who will see it after its next step, before anybody is surprised.
    """
    if record.saved_at is None:
        return _("Only you see this draft and its files for now.")
    section = tool.section(row.section) if row is not None else None
    if row is not None and row.sent_at is None and section is not None:
        seen = _seen_now(record, None, company)
        return " ".join(
            (_("Only you see this until you send it."), _after(_(section.button), seen))
        )
    now, step = _seen_now(record, row, company), _step_into_sight(tool, record)
    later = _seen_after(tool, record, row, company, step) if step else {}
    is_followed = bool(later.keys() - now.keys())
    said = [*_why_few(tool, record, row, is_followed=is_followed), _how_many(now)]
    if step and is_followed:
        said.append(_after(step_text(step.label), later))
    outside = _addresses_outside(tool, record)
    if outside:
        said.append(
            ngettext(
                "They go to %(num)s address outside this project, too.",
                "They go to %(num)s addresses outside this project, too.",
                outside,
            )
        )
    return " ".join(said)


def _why_few(
    tool: Tool, record: Record, row: RecordRow | None, *, is_followed: bool
) -> tuple[str, ...]:
    """Return why not everybody sees it who sees the tool, nothing where everybody does."""
    status = tool.status(record.status)
    if row is not None and row.is_own:
        said = _("A bid is shown to its bidder and the tool's admins only.")
    elif record.is_private:
        said = _("This is private.")
    elif status.for_admins:
        said = _("Only the tool's admins see this for now.")
    elif status.is_draft and is_followed:
        said = _("This is a draft, others see it later.")
    elif status.is_draft:
        said = _("This is a draft.")
    elif tool.listed_only:
        said = _("Only those who are named here and the tool's admins see this.")
    else:
        return ()
    return (said,)


def _step_into_sight(tool: Tool, record: Record) -> Transition | None:
    """Return the step by which others come to see what is a draft or the admins' by now."""
    status = tool.status(record.status)
    if not (status.is_draft or status.for_admins):
        return None
    kind = record.details.get(tool.varies_by)
    ways = [
        step
        for step in tool.transitions
        if status.key in step.before and _is_in_sight(tool.status(step.after), kind)
    ]
    return next((step for step in ways if step.is_main), ways[0] if ways else None)


def _is_in_sight(status: Status, kind: object) -> bool:
    is_of_kind = not status.only_for or kind in status.only_for
    return is_of_kind and not (status.is_draft or status.for_admins)


def _addresses_outside(tool: Tool, record: Record) -> int:
    """Return how many addresses a draft is going to be sent to that are nobody's here."""
    if not tool.status(record.status).is_draft:
        return 0
    fields = (field.key for field in tool.fields if field.kind is Kind.ADDRESSES)
    return sum(len(split_addresses(str(record.details.get(key) or ""))) for key in fields)


def _others_of(seen: Seen) -> Counter[str]:
    return Counter(employer for employer in seen.values() if employer)


def _how_many(seen: Seen) -> str:
    others = _others_of(seen)
    if not others:
        return ngettext(
            "Visible to %(num)s person, to nobody from other companies.",
            "Visible to %(num)s people, none of them from other companies.",
            len(seen),
        )
    return ngettext(
        "Visible to %(num)s person, from %(companies)s.",
        "Visible to %(num)s people, %(others)s of them from %(companies)s.",
        len(seen),
        others=others.total(),
        companies=_named([name for name, _num in others.most_common()]),
    )


def _after(step: str, seen: Seen) -> str:
    """Return who sees it once a button has been pressed, by what stands on the button."""
    others = _others_of(seen)
    if not others:
        return ngettext(
            "After “%(step)s” visible to %(num)s person, to nobody from other companies.",
            "After “%(step)s” visible to %(num)s people, none of them from other companies.",
            len(seen),
            step=step,
        )
    return ngettext(
        "After “%(step)s” visible to %(num)s person, from %(companies)s.",
        "After “%(step)s” visible to %(num)s people, %(others)s of them from %(companies)s.",
        len(seen),
        step=step,
        others=others.total(),
        companies=_named([name for name, _num in others.most_common()]),
    )


def _named(companies: Sequence[str]) -> str:
    """Return up to two companies by name, and that there are more."""
    if len(companies) == 1:
        return companies[0]
    named = {"one": companies[0], "other": companies[1]}
    if len(companies) == COMPANIES_NAMED:
        return _("%(one)s and %(other)s", **named)
    return _("%(one)s, %(other)s and others", **named)


def _seen_now(record: Record, row: RecordRow | None, company: Company) -> Seen:
    person = CompanyMember.person_id.expression
    query = _people(record, company).where(may_see(person))
    if row is not None and row.is_own:
        query = query.join(RecordRow, RecordRow.id == row.id).where(may_see_in_row(person))
    return dict(db.session.execute(query).all())


def _seen_after(
    tool: Tool, record: Record, row: RecordRow | None, company: Company, step: Transition
) -> Seen:
    person = CompanyMember.person_id.expression
    level = level_expression(person, Record.project_id.expression, Record.tool_key.expression)
    audience = audience_in(db.session(), tool, record, tool.status(step.after))
    if row is not None and row.is_own:
        own = {row.person_id} if row.person_id is not None else set()
        audience = own if audience is None else audience & own
    query = _people(record, company).where(level >= int(Level.READ))
    if audience is not None:
        query = query.where(or_(level >= int(Level.ADMIN), person.in_(audience)))
    return dict(db.session.execute(query).all())


def _people(record: Record, company: Company) -> Select[int, str]:
    """Return the query for the people of a record's company and the company each works for.

    "" stands for the company itself. Whoever is invited to bid for another comes from that one.
    """
    person, bidder = CompanyMember.person_id.expression, aliased(Vendor)
    bids_for = (
        select(func.min(bidder.name))
        .join(RecordRow, RecordRow.vendor_id == bidder.id)
        .where(
            RecordRow.record_id == record.id,
            RecordRow.is_own,
            RecordRow.person_id == person,
            bidder.name != company.name,
        )
        .correlate(CompanyMember)
        .scalar_subquery()
    )
    return (
        select(CompanyMember.person_id, func.coalesce(Vendor.name, bids_for, ""))
        .select_from(Record)
        .join(Project, Project.id == Record.project_id)
        .join(CompanyMember, CompanyMember.company_id == Project.company_id)
        .join(Person, and_(Person.id == CompanyMember.person_id, Person.is_active))
        # The directory of a project lists its own company as well.
        .outerjoin(Vendor, and_(Vendor.id == CompanyMember.vendor_id, Vendor.name != company.name))
        .where(Record.id == record.id)
        .order_by(Vendor.name, CompanyMember.person_id)
    )
