"""`flask worker`: the copying as a process of its own."""

import click
from flask.cli import with_appcontext

from webapp.box_link.canary import check_canary
from webapp.imports.tasks import CommandConsumer, queue
from webapp.operations.connections import check_connections


@click.command("worker")
@with_appcontext
def command() -> None:
    """Copy what people have chosen, until INT, TERM or HUP."""
    check_canary()
    check_connections()
    CommandConsumer(queue()).run()
