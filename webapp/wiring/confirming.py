"""What a person is told before they confirm: what the chosen files meet, and who will see them.

A listing pays for none of it: the first needs a file in the tray, the second is asked by the tray.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.box.items import Origin
from webapp.companies.file_rules import FileRules, Rule
from webapp.companies.models import Company, CompanyMember, Project, Vendor
from webapp.core.database import db
from webapp.core.names import clean_name
from webapp.core.text import _, ngettext
from webapp.imports.models import TrayItem
from webapp.picker.host import Verdict
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target, may_see, may_see_row
from webapp.tools.registry import Tool

COMPANIES_NAMED = 2


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
    return int(number) if number and number.isascii() and number.isdigit() else 0


def who_sees(tool: Tool, record: Record, row: RecordRow | None, company: Company) -> str:
    """Return who will be able to see the copies: how many people, and of which other companies."""
    if record.saved_at is None:
        return _("Only you see this draft and its files for now.")
    employers = _employers(record, row, company)
    others = Counter(employer for employer in employers if employer)
    said = [_how_many(len(employers), others)]
    if row is not None and row.is_own:
        said.insert(0, _("A bid is shown to its bidder and the tool's admins only."))
    elif record.is_private:
        said.insert(0, _("This is private."))
    elif tool.status(record.status).is_draft:
        said.insert(0, _("This is a draft, others see it later."))
    return " ".join(said)


def _how_many(people: int, others: Counter[str]) -> str:
    if not others:
        return ngettext(
            "Visible to %(num)s person, to nobody from other companies.",
            "Visible to %(num)s people, none of them from other companies.",
            people,
        )
    return ngettext(
        "Visible to %(num)s person, from %(companies)s.",
        "Visible to %(num)s people, %(others)s of them from %(companies)s.",
        people,
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


def _employers(record: Record, row: RecordRow | None, company: Company) -> list[str]:
    """Return for each person who sees it the company they work for, "" for this one."""
    person = CompanyMember.person_id.expression
    query = (
        select(func.coalesce(Vendor.name, ""))
        .select_from(Record)
        .join(Project, Project.id == Record.project_id)
        .join(CompanyMember, CompanyMember.company_id == Project.company_id)
        .join(Person, and_(Person.id == CompanyMember.person_id, Person.is_active))
        # The directory of a project lists its own company as well.
        .outerjoin(Vendor, and_(Vendor.id == CompanyMember.vendor_id, Vendor.name != company.name))
        .where(Record.id == record.id, may_see(person))
        .order_by(Vendor.name)
    )
    if row is not None and row.is_own:
        query = query.join(RecordRow, RecordRow.id == row.id).where(may_see_row(person))
    return list(db.session.scalars(query))
