"""The command line: `flask demo`, `flask worker`, `flask storage`, `flask tokens`."""

from flask import Flask

from webapp.commands import demo, storage, tokens, worker


def init_commands(app: Flask) -> None:
    app.cli.add_command(demo.group)
    app.cli.add_command(storage.group)
    app.cli.add_command(tokens.group)
    app.cli.add_command(worker.command)
