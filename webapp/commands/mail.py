"""`flask mail receive`: how a mail server hands over what arrives for a project."""

import logging
import os
import sys

import click
from flask.cli import with_appcontext
from obstore.exceptions import BaseError as StorageError
from sqlalchemy.exc import SQLAlchemyError

from webapp.tools.extensions.emails.receiving import (
    MESSAGE_MAX_BYTES,
    NoSuchAddress,
    receive,
)

log = logging.getLogger(__name__)

# What mail servers understand (sysexits.h): refuse for good, or keep it and try again.
NOT_A_MESSAGE, NO_SUCH_USER, TRY_LATER = 65, 67, 75
# Where Postfix tells a command whom a message is for (local(8)).
ENVELOPE_VARIABLES = ("ORIGINAL_RECIPIENT", "RECIPIENT")

group = click.Group("mail", help="E-mail of projects.")


@group.command("receive")
@click.option("--to", "recipients", multiple=True, help="A recipient of the envelope.")
@with_appcontext
def receive_message(recipients: tuple[str, ...]) -> None:
    """Take one message in from standard input; exits as mail servers expect."""
    raw = sys.stdin.buffer.read(MESSAGE_MAX_BYTES + 1)
    if len(raw) > MESSAGE_MAX_BYTES:
        _refuse(f"The message is over {MESSAGE_MAX_BYTES // 10**6} MB.", NOT_A_MESSAGE)
    if not raw.strip():
        _refuse("There is no message.", NOT_A_MESSAGE)
    told = [os.environ[name] for name in ENVELOPE_VARIABLES if os.environ.get(name)]
    try:
        found = receive(raw, [*recipients, *told])
    except NoSuchAddress:
        _refuse("No project has this address.", NO_SUCH_USER)
    except (SQLAlchemyError, StorageError, OSError) as error:
        log.warning("mail.not_received", extra={"kind": type(error).__name__})
        _refuse("Plumbline cannot take it in right now.", TRY_LATER)
    for one in found:
        what = f"record {one.record_id}" if one.record_id else "known already"
        click.echo(f"project {one.project_id}: {what}")


def _refuse(why: str, code: int) -> None:
    click.echo(why, err=True)
    sys.exit(code)
