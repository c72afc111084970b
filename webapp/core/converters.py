"""Ids in paths: what is malformed is simply not an address (404), before any view runs."""

from werkzeug.routing import BaseConverter, ValidationError

from webapp.core.numbers import as_whole

# What PostgreSQL's INTEGER holds; a larger number would be an error there, and is no id anywhere.
ID_MAX = 2**31 - 1


class IdConverter(BaseConverter):
    """A row's id: a positive whole number that every database can hold."""

    regex = r"[1-9][0-9]{0,9}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        found = as_id(value)
        if found is None:
            raise ValidationError
        return found


def as_id(text: str) -> int | None:
    """Return an id given in a query or a form, None when it is none."""
    return as_whole(text, ID_MAX) or None


class TokenConverter(BaseConverter):
    """An unguessable public id, as `secrets.token_urlsafe` makes them."""

    regex = r"[A-Za-z0-9_-]{16,64}"
    part_isolating = True
