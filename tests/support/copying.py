"""Chosen files and their copies: choose through the picker, run the worker, check the invariant."""

import re
from collections.abc import Iterable

from flask import Flask
from sqlalchemy import func, select

from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.pages import Page, Visitor
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import ImportItem, ItemState
from webapp.imports.tasks import queue
from webapp.wiring import chores

RESTING = {
    ItemState.ATTACHED,
    ItemState.FAILED,
    ItemState.CANCELLED,
    ItemState.QUEUED,
    ItemState.WAITING_RELINK,
}


def choose(
    visitor: Visitor, sandbox: SandboxProcess, target: str, *paths: str, login: str = DEVON
) -> None:
    """Tick files of Box in the picker of a target, `/projects/1/rfis/1/attach/` for example."""
    for path in paths:
        folder = sandbox.world(path.rpartition("/")[0] or "/", login=login)
        file = sandbox.world(path, login=login)
        page = visitor.get(f"{target}box/folders/{folder['id']}")
        token = _token_of(page, file["id"])
        form = page.form("box/choose")
        visitor.post(f"{target}box/choose", {**form.values, "choice": token}, csrf=False)


def _token_of(page: Page, file_id: str) -> str:
    for box in page.all("input", name="choice"):
        if box.get("data-id") == file_id:
            return box.get("value", "")
    raise AssertionError(f"file {file_id} cannot be chosen on this page")


def send(visitor: Visitor, target: str) -> Page:
    """Press Attach and return the record's page."""
    page = visitor.get(target)
    return visitor.submit(page, "/send")


def attach(
    visitor: Visitor, sandbox: SandboxProcess, target: str, *paths: str, login: str = DEVON
) -> Page:
    """Choose files and press Attach."""
    choose(visitor, sandbox, target, *paths, login=login)
    return send(visitor, target)


def run_worker(app: Flask) -> None:
    """Do what one worker does until nothing is due, in this thread."""
    with app.app_context():
        engine = queue()
    engine.work()


def items(app: Flask) -> list[ImportItem]:
    with app.app_context():
        found = list(db.session.scalars(select(ImportItem).order_by(ImportItem.id)))
        db.session.expunge_all()
        db.session.remove()
    return found


def attachments(app: Flask) -> list[Attachment]:
    with app.app_context():
        query = select(Attachment).order_by(Attachment.id)
        found = list(db.session.scalars(query))
        db.session.expunge_all()
        db.session.remove()
    return found


def check_invariant(app: Flask, sandbox: SandboxProcess) -> None:
    """Nothing lost, nothing doubled, nothing half there, no token anywhere it does not belong."""
    for item in items(app):
        assert item.state in RESTING, f"item {item.id} rests in no state: {item.state}"
        if item.state == ItemState.FAILED:
            assert item.reason, f"item {item.id} failed without a reason"
    with app.app_context():
        query = select(Attachment.import_item_id, func.count()).group_by(Attachment.import_item_id)
        counts = {item: n for item, n in db.session.execute(query).all() if item is not None}
        db.session.remove()
        assert all(n == 1 for n in counts.values()), f"attached more than once: {counts}"
    done = {item.id for item in items(app) if item.state == ItemState.ATTACHED}
    assert done == set(counts), "attached items and attachments differ"
    _check_contents(app)
    _check_against_box(app)
    _check_nothing_half_written(app)
    check_no_tokens(app, sandbox)


def _check_contents(app: Flask) -> None:
    import hashlib

    with app.app_context():
        for attachment in attachments(app):
            digest, size = hashlib.sha1(usedforsecurity=False), 0
            for block in blobs().read(attachment.blob_key):
                digest.update(block)
                size += len(block)
            assert (digest.hexdigest(), size) == (attachment.sha1, attachment.size_bytes)


def _check_against_box(app: Flask) -> None:
    """What is attached as verified is what Box announced for the version that was chosen."""
    announced = {item.id: item.sha1 for item in items(app) if item.sha1}
    for attachment in attachments(app):
        if attachment.import_item_id in announced and attachment.is_verified:
            assert attachment.sha1 == announced[attachment.import_item_id]


def _check_nothing_half_written(app: Flask) -> None:
    """Nothing half-written lies in the local store for longer than the chores leave it there."""
    with app.app_context():
        chores.sweep_half_written()
        root = blobs().path("files")
    oldest = (utcnow() - chores.HALF_WRITTEN_LIVES).timestamp()
    left = root.rglob("*#*") if root is not None and root.is_dir() else ()
    assert not [path for path in left if path.stat().st_mtime < oldest]


def check_no_tokens(app: Flask, sandbox: SandboxProcess, texts: Iterable[str] = ()) -> None:
    """No token the sandbox ever issued is in the database, or in any of these texts."""
    issued = [facts["token"] for facts in sandbox.tokens()]
    with app.app_context():
        dump = "\n".join(_dump())
    for text in (dump, *texts):
        assert not re.search(r"TKN_\w", text), "a token's beginning is where none belongs"
        assert not any(token in text for token in issued)


def _dump() -> Iterable[str]:
    for table in db.metadata.sorted_tables:
        for row in db.session.execute(select(table)):
            yield repr(tuple(row))
    db.session.remove()
