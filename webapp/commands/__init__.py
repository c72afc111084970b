"""The command line: `flask` with `demo`, `mail`, `people`, `storage`, `tokens` and `worker`."""

from flask import Flask

from webapp.commands import demo, mail, people, storage, tokens, worker


def init_commands(app: Flask) -> None:
    app.cli.add_command(demo.group)
    app.cli.add_command(mail.group)
    app.cli.add_command(people.group)
    app.cli.add_command(storage.group)
    app.cli.add_command(tokens.group)
    app.cli.add_command(worker.command)
