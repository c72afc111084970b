"""Ids in paths: what is malformed is simply not an address (404), before any view runs."""

from werkzeug.routing import BaseConverter, ValidationError


class IdConverter(BaseConverter):
    """A row's id: a positive whole number that every database can hold."""

    regex = r"[1-9][0-9]{0,17}"
    part_isolating = True

    def to_python(self, value: str) -> int:
        if not value.isascii():
            raise ValidationError
        return int(value)


def as_id(text: str) -> int | None:
    """Return an id given in a query or a form, None when it is none."""
    is_number = text.isascii() and text.isdigit() and len(text) <= 18
    return int(text) if is_number and int(text) > 0 else None


class TokenConverter(BaseConverter):
    """An unguessable public id, as `secrets.token_urlsafe` makes them."""

    regex = r"[A-Za-z0-9_-]{16,64}"
    part_isolating = True
