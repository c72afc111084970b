"""Drawings beyond the mechanism: which revision is current, and what a batch's page shows."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from webapp.attachments.models import Attachment
from webapp.companies.models import Level
from webapp.core.formats import day
from webapp.core.problems import Invalid
from webapp.core.text import _, ngettext
from webapp.records.models import Record
from webapp.records.visibility import hangs_on_seen, may_see
from webapp.tools.extensions import sheet_batches
from webapp.tools.extensions.drawing_revisions import (
    SHEET,
    SHOWN,
    same_number,
    settle_current,
    settle_order,
)
from webapp.tools.extensions.revision_order import is_same_mark
from webapp.tools.extensions.sheet_names import sorting_key
from webapp.tools.lifecycle import restrict
from webapp.tools.parts import Standing
from webapp.tools.registry import Extension, Foretold, Listing, Panel, Transition

KEY = "drawings"


@dataclass(frozen=True)
class Revision:
    """One revision of a drawing with its file, in the panel that lists them."""

    record: Record
    files: tuple[Attachment, ...]
    is_here: bool


class Drawings(Extension):
    def created(self, session: Session, standing: Standing) -> None:
        """What is begun is a batch: it came in today until it says otherwise."""
        record = standing.record
        today = record.project.today()
        record.title = _("Sheets received %(day)s", day=day(today))
        record.details = {**record.details, "received_on": today.isoformat()}

    def saved(self, session: Session, standing: Standing) -> None:
        record = standing.record
        if record.number:
            record.scope, record.number_sort = sorting_key(record.number), None
            _refuse_doubled(session, record)
            settle_order(session, record)
            if record.status in SHOWN:
                settle_current(session, standing.tool, record, person_id=standing.person_id)

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        if transition.key in {"publish", "unpublish"}:
            settle_current(session, standing.tool, standing.record, person_id=standing.person_id)

    def files_arrived(self, session: Session, standing: Standing, files: list[Attachment]) -> None:
        """Open a batch again that was finished without these: nobody would ever publish them."""
        batch = standing.record
        if batch.status == "reviewed":
            batch.status, batch.is_open, batch.closed_at = "in_review", True, None
            restrict(session, standing.tool, batch)

    def refusal(self, session: Session, standing: Standing, transition: Transition) -> str:
        if transition.key == "finish":
            return sheet_batches.unfinished(session, standing.record)
        if transition.key == "publish" and not sheet_batches.files_of(session, standing.record):
            return _("It has no file. Attach its PDF first.")
        return ""

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        if transition.key == "finish":
            made = len(sheet_batches.made_of(session, standing.record))
            words = ngettext(
                "%(num)s drawing was made from it.", "%(num)s drawings were made from it.", made
            )
            return Foretold(lines=(words,))
        if transition.key == "unpublish":
            return Foretold(lines=(_("Nobody but the tool's admins sees it any more."),))
        number = standing.record.number or ""
        told = {
            "publish": _(
                "Everybody on the project sees it as a revision of %(number)s.", number=number
            ),
            "obsolete": _("%(number)s has no current revision from then on.", number=number),
        }
        return Foretold(lines=(told[transition.key],) if transition.key in told else ())

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        record = standing.record
        if record.status in SHEET:
            return [_revisions(session, standing)]
        panels = []
        if record.status == "in_review":
            review = sheet_batches.review(session, standing)
            panels.append(Panel("tools/drawings/_sheets.html", {"review": review, "problem": None}))
        made = sheet_batches.made_of(session, record)
        return [*panels, Panel("tools/drawings/_made.html", {"made": made})] if made else panels

    def listing(
        self,
        session: Session,
        *,
        project_id: int,
        person_id: int,
        level: Level,
        asked: dict[str, str],
    ) -> Listing:
        """Admins see above the list what still waits to be looked through."""
        batches = session.scalars(
            select(Record)
            .where(
                Record.project_id == project_id,
                Record.tool_key == KEY,
                Record.status == "in_review",
                Record.saved_at.is_not(None),
                may_see(person_id),
            )
            .order_by(Record.id.desc())
        ).all()
        files = dict(
            session.execute(
                select(Attachment.record_id, func.count(Attachment.id))
                .where(
                    Attachment.record_id.in_([batch.id for batch in batches]),
                    Attachment.removed_at.is_(None),
                    hangs_on_seen(person_id, Attachment.row_id),
                )
                .group_by(Attachment.record_id)
            ).all()
        )
        return Listing({"batches": [(batch, files.get(batch.id, 0)) for batch in batches]})


def _refuse_doubled(session: Session, record: Record) -> None:
    """Raise Invalid when another revision of the drawing is called the same."""
    others = session.scalars(select(Record).where(*same_number(record), Record.id != record.id))
    rev = str(record.details.get("rev") or "")
    if rev and any(is_same_mark(str(one.details.get("rev") or ""), rev) for one in others):
        raise Invalid(_("There is a revision %(rev)s already.", rev=rev))


def _revisions(session: Session, standing: Standing) -> Panel:
    """Return the revisions of a drawing that this person sees, the current one first."""
    here = standing.record
    records = session.scalars(
        select(Record)
        .where(*same_number(here), may_see(standing.person_id))
        .order_by(Record.revision.desc())
    ).all()
    files: dict[int, list[Attachment]] = {}
    for file in session.scalars(
        select(Attachment)
        .where(
            Attachment.record_id.in_([record.id for record in records]),
            Attachment.row_id.is_(None),
            Attachment.removed_at.is_(None),
        )
        .order_by(Attachment.id)
    ):
        files.setdefault(file.record_id, []).append(file)
    shown = [
        Revision(one, tuple(files.get(one.id, ())), is_here=one.id == here.id) for one in records
    ]
    current = next((one for one in records if one.status != "unpublished"), None)
    context: dict[str, Any] = {
        "revisions": sorted(shown, key=lambda one: one.record.status != "published"),
        "current": current if here.status == "superseded" else None,
    }
    return Panel("tools/drawings/_revisions.html", context)
