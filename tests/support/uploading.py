"""Files from the computer: put into the tray and attached, the way the dialog does it."""

from io import BytesIO

from sqlalchemy import select

from tests.support.pages import Page, Visitor
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.database import db


def upload(
    visitor: Visitor, target: str, *files: tuple[str, bytes], expect: int | None = 200
) -> Page:
    """Put files into the tray of a target, `/projects/1/rfis/1/attach/` for example."""
    form = [(BytesIO(content), name) for name, content in files]
    return visitor.post(f"{target}computer", {"file": form}, expect=expect)


def attach_upload(visitor: Visitor, target: str, *files: tuple[str, bytes]) -> list[Attachment]:
    """Upload files, press Attach, and return what hangs there now that did not before."""
    before = {found.id for found in _attached(visitor)}
    upload(visitor, target, *files)
    visitor.submit(visitor.get(f"{target}?source=computer"), "/send")
    return [found for found in _attached(visitor) if found.id not in before]


def _attached(visitor: Visitor) -> list[Attachment]:
    with visitor.app.app_context():
        found = list(db.session.scalars(select(Attachment).order_by(Attachment.id)))
        db.session.expunge_all()
        db.session.remove()
    return found


def stored_keys(visitor: Visitor) -> set[str]:
    """Return the keys of everything in the storage."""
    with visitor.app.app_context():
        return {found.key for found in blobs().stored("files/")}
