"""`flask storage`: checking and sweeping the stored files."""

import hashlib
import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from webapp.attachments.models import Attachment
from webapp.core.blobs import blobs
from webapp.core.database import db
from webapp.wiring import chores

group = click.Group("storage", help="The stored files.")


@group.command("verify")
@with_appcontext
def verify() -> None:
    """Read every attachment's object and compare it with its row; exits 1 if one differs."""
    wrong = 0
    rows = db.session.execute(
        select(Attachment.public_id, Attachment.blob_key, Attachment.sha256)
    ).all()
    for public_id, key, sha256 in rows:
        digest = hashlib.sha256()
        try:
            for block in blobs().read(key):
                digest.update(block)
        except FileNotFoundError:
            click.echo(f"{public_id}: its object is missing", err=True)
            wrong += 1
            continue
        if digest.hexdigest() != sha256:
            click.echo(f"{public_id}: its object is not what was attached", err=True)
            wrong += 1
    click.echo(f"{len(rows) - wrong} of {len(rows)} attachments are whole")
    sys.exit(1 if wrong else 0)


@group.command("sweep")
@with_appcontext
def sweep() -> None:
    """Delete what nothing points at any more, as the workers do every hour."""
    click.echo(f"{chores.sweep_storage()} objects deleted")
