"""Documents beyond the mechanism: what is uploaded becomes files and versions, privacy passes
down, and a folder goes to the bin and comes back with everything in it.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts.models import Person
from webapp.attachments.models import Attachment
from webapp.core.audit import AuditEntry
from webapp.core.clock import utcnow
from webapp.core.problems import Invalid
from webapp.core.text import N_, _, ngettext
from webapp.picker.host import Source as PickerSource
from webapp.records.models import Record, RecordPerson
from webapp.records.visibility import Target
from webapp.tools import lifecycle
from webapp.tools.extensions import document_source
from webapp.tools.extensions.folders import (
    FILE,
    FOLDER,
    add_child,
    add_version,
    ancestors,
    child_named,
    descendants,
    folder_page,
    kind_of,
    require_free,
)
from webapp.tools.parts import Standing
from webapp.tools.registry import Extension, Foretold, Original, Panel, Transition

BIN_DAYS = 30
WITH = "binned_with"


class Documents(Extension):
    """Keeps folders, files and versions in order."""

    events = {
        "document.version": N_("added version %(number)s: %(name)s"),
        "document.moved": N_("moved it to %(folder)s"),
        "document.folder": N_("made this folder"),
    }

    def files_arrived(self, session: Session, standing: Standing, files: list[Attachment]) -> None:
        """Make of each uploaded file a file of the folder, or a version of the file it is for."""
        record = standing.record
        for attachment in files:
            if kind_of(record) == FOLDER:
                found = child_named(session, standing, attachment.name)
                if found is None:
                    found = add_child(session, record, FILE, attachment.name, standing.person_id)
                elif kind_of(found) == FOLDER:
                    raise Invalid(
                        _("There is a folder named %(name)s already.", name=attachment.name)
                    )
                add_version(session, found, attachment)
                _move_word(session, record, found, attachment.name)
            else:
                add_version(session, record, attachment)

    def source(self, person_id: int, target: Target) -> PickerSource | None:
        return document_source.tab(person_id, target)

    def lend(
        self, session: Session, person_id: int, project_id: int, files: list[Attachment]
    ) -> None:
        document_source.require_there(session, person_id, project_id, files)

    def originals(
        self, session: Session, person_id: int, project_id: int, files: list[Attachment]
    ) -> dict[int, Original]:
        return document_source.originals(session, person_id, project_id, files)

    def panels(self, session: Session, standing: Standing) -> list[Panel]:
        return [Panel("tools/documents/_folder.html", {"page": folder_page(session, standing)})]

    def foretold(self, session: Session, standing: Standing, transition: Transition) -> Foretold:
        """Say how much goes to the recycle bin with a folder."""
        below = list(descendants(session, standing.record))
        if not below:
            return Foretold()
        words = ngettext(
            "%(num)s folder or file in it goes along.",
            "%(num)s folders and files in it go along.",
            len(below),
        )
        return Foretold(lines=(words,))

    def audience(self, session: Session, record: Record) -> set[int] | None:
        """Return who sees a document that lies in something private, however deep."""
        private = [step for step in (record, *ancestors(session, record)) if step.is_private]
        if not private:
            return None
        return set.intersection(*(_allowed(session, step) for step in private))

    def saved(self, session: Session, standing: Standing) -> None:
        """Keep the name its folder's only one, and pass privacy on to everything within."""
        record, tool = standing.record, standing.tool
        require_free(session, record)
        session.flush()
        for below in descendants(session, record):
            lifecycle.restrict(session, tool, below)

    def moved(self, session: Session, standing: Standing, transition: Transition) -> None:
        """Take everything within a folder to the bin with it, and back again with it."""
        record = standing.record
        if transition.key == "restore":
            _require_home(session, record)
            require_free(session, record)
        for below in descendants(session, record):
            _carry(below, transition, record)


def _move_word(session: Session, folder: Record, document: Record, name: str) -> None:
    """Have the document's history, not the folder's, say that a file was attached.

    The document may become private, and then only those who still see it may know its name.
    """
    session.flush()
    entries = session.scalars(
        select(AuditEntry)
        .where(AuditEntry.record_id == folder.id, AuditEntry.event == "file.attached")
        .order_by(AuditEntry.id.desc())
    )
    entry = next((one for one in entries if one.facts.get("name") == name), None)
    if entry is not None:
        entry.record_id = document.id


def _carry(below: Record, transition: Transition, above: Record) -> None:
    """Move what lies within along; what was binned by itself before stays there by itself."""
    if transition.key == "bin" and below.status == "active":
        below.status, below.is_open, below.closed_at = "binned", False, utcnow()
        below.details = {**below.details, WITH: above.id}
    elif transition.key == "restore" and below.details.get(WITH) == above.id:
        below.status, below.is_open, below.closed_at = "active", True, None
        below.details = {k: v for k, v in below.details.items() if k != WITH}


def _require_home(session: Session, record: Record) -> None:
    """Raise Invalid for a file whose folder is gone too; a folder comes back to the top."""
    above = session.get(Record, record.parent_id) if record.parent_id else None
    if record.parent_id is not None and (above is None or above.status != "active"):
        if kind_of(record) == FILE:
            raise Invalid(_("Its folder is in the recycle bin too. Restore that first."))
        record.parent_id = None
        session.flush()
    record.details = {k: v for k, v in record.details.items() if k != WITH}


def _allowed(session: Session, record: Record) -> set[int]:
    listed = session.scalars(
        select(Person.id)
        .join(RecordPerson, RecordPerson.person_id == Person.id)
        .where(RecordPerson.record_id == record.id, RecordPerson.role == "visible_to")
    )
    return {*listed, record.created_by_id}
