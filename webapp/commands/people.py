"""`flask people`: the first person of a new Plumbline, and passwords that somebody has lost."""

import sys
from typing import NoReturn

import click
from flask.cli import with_appcontext
from sqlalchemy import select
from sqlalchemy.orm import Session

from webapp.accounts import credentials, passwords
from webapp.accounts.models import Person
from webapp.core import audit
from webapp.core.checks import is_email, lower
from webapp.core.database import writing
from webapp.core.text import tidy

EMAIL_MAX_LENGTH, NAME_MAX_LENGTH = 254, 200

group = click.Group("people", help="People of Plumbline itself.")


@group.command("add-manager")
@click.argument("email")
@click.argument("name")
@click.password_option(help="Asked for when it is not given.")
@with_appcontext
def add_manager(email: str, name: str, password: str) -> None:
    """Add an Implementation Manager: NAME signs in with EMAIL and begins companies."""
    email, name = lower(email), tidy(name)
    if not is_email(email) or len(email) > EMAIL_MAX_LENGTH:
        _refuse("Give an e-mail address, like name@company.example.")
    if not name or len(name) > NAME_MAX_LENGTH:
        _refuse(f"Give a name of at most {NAME_MAX_LENGTH} characters.")
    secret = _hashed(password)
    with writing() as session:
        if session.scalar(select(Person.id).where(Person.email == email)) is not None:
            _refuse("Somebody has this address already. A manager has an account of their own.")
        person = Person(email=email, name=name, password_hash=secret)
        person.is_implementation_manager = True
        session.add(person)
        session.flush()
        audit.note(session, "manager.made", person_id=None, about=person.id, name=person.name)
    click.echo(f"{name} can sign in as {email}")


@group.command("set-password")
@click.argument("email")
@click.password_option(help="Asked for when it is not given.")
@with_appcontext
def set_password(email: str, password: str) -> None:
    """Give whoever has EMAIL a new password; all their sessions end."""
    secret = _hashed(password)
    with writing() as session:
        person = session.scalar(select(Person).where(Person.email == lower(email)))
        if person is None or not person.is_active:
            _refuse("Nobody signs in with this address.")
        if not person.password_hash:
            _refuse("They were invited and have no password yet; their link sets it.")
        credentials.change_password(session, person, secret)
        audit.note(session, "people.password_set", person_id=None, about=person.id)
        name = person.name
    click.echo(f"{name} has a new password and is signed out everywhere")


@group.command("disable")
@click.argument("email")
@with_appcontext
def disable(email: str) -> None:
    """Shut the account of EMAIL: it is signed out everywhere, and nobody signs in to it."""
    with writing() as session:
        person = _account(session, email)
        credentials.disable(session, person)
        name = person.name
    click.echo(f"{name} is signed out everywhere and cannot sign in")


@group.command("enable")
@click.argument("email")
@with_appcontext
def enable(email: str) -> None:
    """Open the account of EMAIL again."""
    with writing() as session:
        person = _account(session, email)
        credentials.enable(session, person)
        name = person.name
    click.echo(f"{name} can sign in again")


def _account(session: Session, email: str) -> Person:
    person = session.scalar(select(Person).where(Person.email == lower(email)))
    if person is None or not person.password_hash:
        _refuse("Nobody has an account with this address.")
    return person


def _hashed(password: str) -> str:
    least, most = passwords.MIN_LENGTH, passwords.MAX_LENGTH
    if not passwords.is_long_enough(password) or len(password) > most:
        _refuse(f"A password has {least} to {most} characters.")
    if passwords.has_controls(password):
        _refuse("A password cannot hold control characters.")
    return passwords.hash_password(password)


def _refuse(why: str) -> NoReturn:
    click.echo(why, err=True)
    sys.exit(2)
