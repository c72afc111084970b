"""The command line: `flask demo`, `flask mail`, `flask storage`, `flask tokens`, `flask worker`."""

from flask import Flask

from webapp.commands import demo, mail, storage, tokens, worker


def init_commands(app: Flask) -> None:
    app.cli.add_command(demo.group)
    app.cli.add_command(mail.group)
    app.cli.add_command(storage.group)
    app.cli.add_command(tokens.group)
    app.cli.add_command(worker.command)
