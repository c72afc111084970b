"""What forms ask of the texts that people type, and how their fields are called."""

from collections.abc import Callable, Mapping
from typing import Any

from flask_wtf import FlaskForm
from wtforms import Field, ValidationError

from webapp.core.text import _, tidy_line

# Bytes of an address that nobody could have typed, or that could break a line somewhere later.
FORBIDDEN_IN_EMAIL = set(" \t\r\n,;<>\"'()[]\\")


def is_email(text: str) -> bool:
    """True for a plain address, like name@company.example."""
    name, at, domain = text.partition("@")
    is_plain = not FORBIDDEN_IN_EMAIL & set(text) and text.isprintable()
    labels = domain.split(".")
    return bool(name and at and len(labels) > 1 and all(labels) and "@" not in domain and is_plain)


def email(_form: FlaskForm, field: Field) -> None:
    """Check that a field holds an e-mail address."""
    if not is_email(field.data or ""):
        raise ValidationError(_("Write an e-mail address, like name@company.example."))


def at_most(most: int) -> Callable[[FlaskForm, Field], None]:
    """Return a check that a text is no longer than that."""

    def check(_form: FlaskForm, field: Field) -> None:
        if len(field.data or "") > most:
            raise ValidationError(_("Write at most %(num)s characters.", num=most))

    return check


def called(form: FlaskForm, texts: Mapping[str, str]) -> Any:
    """Return a form with its fields labelled, each by its name."""
    for field in form:
        if field.name in texts:
            field.label.text = texts[field.name]
    return form


def lower(text: str | None) -> str:
    """Return an address as accounts keep it."""
    return tidy_line(text).lower()
