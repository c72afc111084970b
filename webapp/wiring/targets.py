"""What the rooms below ask about a target: may this person attach there, and may it still arrive?

Whether somebody may attach is asked when the dialog opens and when the tray is sent. What was
accepted then arrives whatever becomes of the record's status or of their part in it: when a worker
takes the item, and once more in the transaction that attaches it, only that is asked without which
there is nothing to attach to or nobody to attach for.
"""

from dataclasses import dataclass, replace
from functools import partial

from flask import url_for
from sqlalchemy import func, literal, select, update
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment, Source
from webapp.box.items import BoxItem, Origin, origin_of
from webapp.box_link.card import LinkUse
from webapp.box_link.models import BoxLink
from webapp.companies.access import level_expression
from webapp.companies.box_access import (
    Refusal,
    Standing,
    only_granted,
    refusal_to_attach,
    standings_of,
)
from webapp.companies.file_rules import FileRules, Rule
from webapp.companies.models import Company, Level, Project
from webapp.core.clock import utcnow
from webapp.core.database import db, writing
from webapp.core.failpoints import failpoint
from webapp.core.problems import Conflict, Forbidden, Invalid
from webapp.core.settings import settings
from webapp.core.text import _
from webapp.imports import trays
from webapp.imports.importer import Why
from webapp.imports.models import UNFINISHED, ImportItem, TrayItem
from webapp.imports.trays import Sent
from webapp.imports.walk_models import WalkFile
from webapp.picker.host import Choice
from webapp.records.models import Record, RecordRow
from webapp.records.visibility import Target, may_see, may_see_row
from webapp.tools.issues import issued_files
from webapp.tools.naming import name_of
from webapp.tools.parts import Standing as RecordStanding
from webapp.tools.parts import people_of, standing
from webapp.tools.registry import TOOLS, Tool
from webapp.wiring.confirming import judge


@dataclass(frozen=True)
class _Found:
    """A target as it is at this moment, in the eyes of one person."""

    standing: RecordStanding
    row: RecordRow | None
    company: Company


def _find(session: Session, person_id: int, target: Target) -> _Found | str:
    """Return the target, or the reason code why there is none for this person."""
    level = level_expression(person_id, literal(target.project_id), literal(target.tool_key))
    row = session.execute(
        select(Record, Company, level, may_see(person_id))
        .join(Project, Project.id == Record.project_id)
        .join(Company, Company.id == Project.company_id)
        .where(Record.id == target.record_id, Record.project_id == target.project_id)
        .execution_options(populate_existing=True)
    ).first()
    tool = TOOLS.get(target.tool_key)
    if row is None or tool is None:
        return "record_gone"
    record, company, _number, is_visible = row
    number: int | None = _number
    if number is None:
        return "person_left"
    is_active = session.scalar(select(Person.is_active).where(Person.id == person_id))
    if not is_visible or not is_active:
        return "no_access"
    people = people_of(session, record.id)
    found = standing(tool, record, people, person_id=person_id, level=Level(number))
    response = None
    if target.row_id is not None:
        response = session.scalar(
            select(RecordRow).where(
                RecordRow.id == target.row_id,
                RecordRow.record_id == record.id,
                may_see_row(person_id),
            )
        )
        if response is None:
            return "row_gone"
    return _Found(found, response, company)


# What became of Box's permission, by what is to be said of a copy that it stopped.
_SHUT = {
    Refusal.SWITCHED_OFF: "switched_off",
    Refusal.WITHDRAWN: "withdrawn",
    Refusal.NOT_ENABLED: "not_enabled",
    Refusal.NOT_GRANTED: "not_granted",
}


@dataclass(frozen=True)
class _Place:
    """Where something accepted arrives: what is left of the target, and of its person there."""

    record: Record
    company: Company
    level: Level | None
    has_row: bool


def _place(session: Session, person_id: int, target: Target) -> _Place | None:
    level = level_expression(person_id, literal(target.project_id), literal(target.tool_key))
    is_active = select(Person.is_active).where(Person.id == person_id).scalar_subquery()
    its_row = select(RecordRow.id).where(
        RecordRow.id == target.row_id, RecordRow.record_id == Record.id
    )
    row = session.execute(
        select(Record, Company, level, is_active, its_row.exists())
        .join(Project, Project.id == Record.project_id)
        .join(Company, Company.id == Project.company_id)
        .where(Record.id == target.record_id, Record.project_id == target.project_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None or TOOLS.get(target.tool_key) is None:
        return None
    record, company, number, is_on, is_there = row
    is_on_project = is_on and number is not None
    return _Place(
        record,
        company,
        Level(number) if is_on_project else None,
        target.row_id is None or is_there,
    )


def _may_attach(found: _Found) -> bool:
    """True when files may be chosen for it now: what is frozen or sent takes no further ones."""
    if found.row is None:
        return found.standing.may_attach
    return found.standing.may_attach_to_row(found.row)


class PlumblineTargets:
    """The importer's port to the tools above it (implements `imports.importer.Targets`)."""

    def refusal(self, session: Session, *, person_id: int, target: Target) -> str | None:
        found = _find(session, person_id, target)
        if isinstance(found, str):
            return found
        if not _may_attach(found):
            return "no_access"
        refused = box_refusal(person_id, found.company, link_state="active")
        return _SHUT[refused] if refused is not None else None

    def hindrance(self, session: Session, *, person_id: int, target: Target) -> Why | None:
        place = _place(session, person_id, target)
        if place is None:
            return "record_gone", {}
        if not place.has_row:
            return "row_gone", {}
        if place.level is None:
            return "person_left", {}
        refused = box_refusal(person_id, place.company, link_state="active")
        return (_SHUT[refused], {"company": place.company.name}) if refused is not None else None

    def arrived(self, session: Session, *, person_id: int, attachment: Attachment) -> None:
        if attachment.row_id is not None:
            return
        target = Target(attachment.project_id, attachment.tool_key, attachment.record_id)
        place, tool = _place(session, person_id, target), TOOLS.get(target.tool_key)
        if place is None or place.level is None or tool is None:
            return
        people = people_of(session, place.record.id)
        found = standing(tool, place.record, people, person_id=person_id, level=place.level)
        tool.extension.files_arrived(session, found, [attachment])

    def looks_at_files(self, session: Session, target: Target) -> bool:
        company = _company_of(session, target)
        return company is not None and not FileRules.of(company).say_nothing

    def file_refusal(
        self, session: Session, *, person_id: int, target: Target, file: BoxItem, reason: str
    ) -> Why | None:
        company = _company_of(session, target)
        if company is None:
            return "record_gone", {}
        mine = session.scalar(select(BoxLink.box_user_id).where(BoxLink.person_id == person_id))
        for finding in FileRules.of(company).findings(origin_of(file, mine or "")):
            is_refused = finding.rule is Rule.BLOCK
            if is_refused or (finding.rule is Rule.REASON and not reason):
                code = "classified" if finding.classification else "owned_outside"
                facts = {"company": company.name, "name": finding.about}
                return code if is_refused else f"{code}_reason", facts
        return None

    def describe(self, session: Session, target: Target) -> tuple[str, str]:
        record = session.get(Record, target.record_id)
        tool = TOOLS.get(target.tool_key)
        if record is None or tool is None:
            return _("a record that is gone"), ""
        path = f"/projects/{target.project_id}/{tool.slug}/{record.id}"
        return name_of(tool, record), path

    def box_login(self, session: Session, person_id: int) -> str:
        query = select(BoxLink.box_login).where(BoxLink.person_id == person_id)
        return session.scalar(query) or ""


def record_url(tool: Tool, record: Record) -> str:
    return url_for("tools.record", project_id=record.project_id, tool=tool, record_id=record.id)


def box_refusal(person_id: int, company: Company, *, link_state: str | None) -> Refusal | None:
    """Return why this person may not attach from Box in this company, None when they may."""
    here = Standing.of(company)
    return refusal_to_attach(
        link_state=link_state,
        mine=standings_of(person_id),
        here=here,
        only_granted=only_granted(),
    )


def _company_of(session: Session, target: Target) -> Company | None:
    """Return the company whose project it is, as it is now."""
    return session.scalar(
        select(Company)
        .join(Project, Project.company_id == Company.id)
        .where(Project.id == target.project_id)
        .execution_options(populate_existing=True)
    )


def _reason_for(company: Company, item: TrayItem | WalkFile, given: str) -> str:
    """Return the reason to keep with a file, "" for most; refuse what the company does not take."""
    origin = Origin(item.box_owner, item.box_owner_login, item.box_classification)
    findings = FileRules.of(company).findings(origin)
    if not findings:
        return ""
    strictest = findings[0]
    if strictest.rule is Rule.BLOCK:
        raise Conflict(
            _(
                "%(name)s cannot be attached: %(why)s. Take it out of the chosen files.",
                name=item.name,
                why=strictest.refusal(company.name),
            ),
            title=_("The company does not take this file"),
        )
    if strictest.rule is not Rule.REASON:
        return ""
    if not given:
        raise Invalid(
            _(
                "Say why these files are attached: %(company)s asks for a reason for %(name)s.",
                company=company.name,
                name=item.name,
            ),
            title=_("A reason is missing"),
        )
    return given


def send_tray(person_id: int, target: Target, key: str, *, reason: str = "") -> Sent:
    """Turn a tray into attachments and copies in one transaction; sending it again does nothing."""
    with writing() as session:
        found = _find(session, person_id, target)
        if isinstance(found, str) or not _may_attach(found):
            raise Forbidden(_("You may not attach files here, or not any more."))
        link = session.scalar(select(BoxLink).where(BoxLink.person_id == person_id))
        sent = trays.send(
            session,
            person_id,
            target,
            key,
            box_login=link.box_login if link else "",
            reason=reason,
            check=partial(_reason_for, found.company),
            files_max=settings().files_per_action,
            judge=judge(found.company),
        )
        if sent is None:
            raise Invalid(_("Nothing is chosen yet."))
        for tool in TOOLS:
            lent = [file for file in sent.attached if file.source == tool.key]
            if lent:
                # Raised inside the transaction: the tray stays as it is.
                tool.extension.lend(session, person_id, target.project_id, lent)
        if sent.attached and target.row_id is None:
            extension = found.standing.tool.extension
            extension.files_arrived(session, found.standing, list(sent.attached))
        if sent.copies:
            _require_box(person_id, found.company, link)
            where = name_of(found.standing.tool, found.standing.record)
            session.execute(
                update(BoxLink)
                .where(BoxLink.person_id == person_id)
                .values(last_used_at=utcnow(), last_used_for=where[:300])
            )
    failpoint("submit.after_commit")
    return sent


def send_newer(person_id: int, target: Target, choice: Choice, *, supersedes_id: int) -> int:
    """Have a newer version copied that is to take an attachment's place; pressed twice, once."""
    with writing() as session:
        found = _find(session, person_id, target)
        if isinstance(found, str) or not _may_attach(found):
            raise Forbidden(_("You may not attach files here, or not any more."))
        link = session.scalar(select(BoxLink).where(BoxLink.person_id == person_id))
        _require_box(person_id, found.company, link)
        login = link.box_login if link else ""
        return trays.send_newer(
            session, person_id, target, choice, box_login=login, supersedes_id=supersedes_id
        )


def _require_box(person_id: int, company: Company, link: BoxLink | None) -> None:
    refused = box_refusal(person_id, company, link_state=link.state if link else None)
    if refused is not None:
        # Raised inside the transaction: the tray stays as it is.
        raise Conflict(refusal_text(refused, company), title=_("Box cannot be used here now"))


def refusal_text(refusal: Refusal, company: Company) -> str:
    """Return the sentence for a person who may not attach from Box here."""
    texts = {
        Refusal.NOT_LINKED: _("You have not linked a Box account yet."),
        Refusal.LINK_ENDED: _("Your Box link has ended. Reconnect Box, then attach again."),
        Refusal.SWITCHED_OFF: _(
            "%(company)s has switched Box off. Its administrators can switch it on again.",
            company=company.name,
        ),
        Refusal.WITHDRAWN: _(
            "Plumbline has withdrawn Box from %(company)s. Its administrators can ask again.",
            company=company.name,
        ),
        Refusal.NOT_ENABLED: _(
            "Box is on in none of your companies. Their administrators can switch it on or ask "
            "for it."
        ),
        Refusal.NOT_GRANTED: _(
            "Plumbline has not granted Box to %(company)s. Its administrators can ask for it.",
            company=company.name,
        ),
    }
    return texts[refusal]


def link_use(person_id: int) -> LinkUse:
    """Return what a person's link has done: what stays and what stops when it goes."""
    attached = db.session.scalar(
        select(func.count(Attachment.id)).where(
            Attachment.attached_by_id == person_id,
            Attachment.source == Source.BOX,
            Attachment.removed_at.is_(None),
        )
    )
    under_way = db.session.scalar(
        select(func.count(ImportItem.id)).where(
            ImportItem.person_id == person_id, ImportItem.state.in_(UNFINISHED)
        )
    )
    return LinkUse(attached or 0, under_way or 0)


def may_remove(person_id: int, attachment: Attachment) -> bool:
    """True when this person may remove that file from where it hangs."""
    target = Target(
        attachment.project_id, attachment.tool_key, attachment.record_id, attachment.row_id
    )
    found = _find(db.session(), person_id, target)
    if isinstance(found, str):
        return False
    if attachment.id in issued_files(db.session(), found.standing):
        return False
    return found.standing.may_remove(attached_by_id=attachment.attached_by_id, row=found.row)


def may_cancel(person_id: int, item: ImportItem) -> bool:
    """True for whoever chose the file, and for the tool's admins."""
    if item.person_id == person_id:
        return True
    found = _find(db.session(), person_id, Target(item.project_id, item.tool_key, item.record_id))
    return not isinstance(found, str) and "admin" in found.standing.parts


def place_of(person_id: int, item: ImportItem) -> str:
    """Return the address for which somebody may choose files instead of a copy's, "" if none.

    It is what the copy is for; where that takes no more files, as a sent response, its record.
    """
    targets = [Target(item.project_id, item.tool_key, item.record_id)]
    if item.row_id is not None:
        targets.insert(0, replace(targets[0], row_id=item.row_id))
    for target in targets:
        found = _find(db.session(), person_id, target)
        if not isinstance(found, str) and _may_attach(found):
            here = record_url(found.standing.tool, found.standing.record)
            return f"{here}/rows/{target.row_id}" if target.row_id else here
    return ""
