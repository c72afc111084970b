"""`flask storage`: what hangs on records is whole, and what nobody speaks of goes."""

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import update

from tests.support.copying import attachments
from tests.support.pages import Visitor
from tests.support.uploading import attach_upload, stored_keys, upload
from tests.support.world import World
from webapp.attachments.changing import REMOVED_LIVES
from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.clock import utcnow
from webapp.core.database import db
from webapp.imports.models import Tray
from webapp.wiring import chores


@pytest.fixture
def target(world: World) -> str:
    return f"/projects/{world.tower}/rfis/{world.rfi}/attach/"


def run(app: Flask, command: str, *, expect: int = 0) -> str:
    done = app.test_cli_runner().invoke(args=["storage", command])
    assert done.exit_code == expect, done.output
    return done.output


def test_whole_files_are_counted(app: Flask, alice: Visitor, target: str) -> None:
    attach_upload(alice, target, ("one.txt", b"one"), ("two.txt", b"two"))
    assert "2 of 2 attachments are whole" in run(app, "verify")


def test_a_changed_and_a_missing_object_are_named(app: Flask, alice: Visitor, target: str) -> None:
    changed, missing, _whole = attach_upload(
        alice, target, ("one.txt", b"one"), ("two.txt", b"two"), ("three.txt", b"three")
    )
    with app.app_context():
        blobs().delete(changed.blob_key)
        blobs().put(changed.blob_key, iter([b"other"]))
        blobs().delete(missing.blob_key)
    said = run(app, "verify", expect=1)
    assert f"{changed.public_id}: its object is not what was attached" in said
    assert f"{missing.public_id}: its object is missing" in said
    assert "1 of 3 attachments are whole" in said


def test_sweeping_leaves_what_hangs_or_waits_and_deletes_the_rest(
    app: Flask, alice: Visitor, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach_upload(alice, target, ("attached.txt", b"attached"))
    (removed,) = attach_upload(alice, target, ("removed.txt", b"removed"))
    upload(alice, target, ("waiting.txt", b"waiting in the tray"))
    with app.app_context():
        blobs().put("files/00/nobody", iter([b"nobody speaks of this"]))
        db.session.execute(
            update(Attachment)
            .where(Attachment.id == removed.id)
            .values(removed_at=utcnow() - REMOVED_LIVES - timedelta(hours=1))
        )
        sent = update(Tray).where(Tray.is_open.is_(None))
        db.session.execute(sent.values(created_at=utcnow() - chores.TRAY_LIVES * 2))
        db.session.commit()
        chores.sweep_drafts()
        db.session.remove()
    assert "0 objects deleted" in run(app, "sweep")
    # A day later; what was stored just now may belong to a request that is still under way.
    monkeypatch.setattr(chores, "ORPHAN_LIVES", timedelta(seconds=-5))
    assert "2 objects deleted" in run(app, "sweep")
    assert len(stored_keys(alice)) == 2
    assert [a.name for a in attachments(app)] == ["attached.txt"]
