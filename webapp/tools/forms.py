"""A form for any declaration: the fields a person may change, with the choices of the project."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    DecimalField,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms import Field as FormField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.core.text import _, tidy
from webapp.tools.registry import Field, Kind, Tool
from webapp.tools.values import Values

TITLE_MAX_LENGTH = 300
TEXT_MAX_LENGTH = 200
LONG_TEXT_MAX_LENGTH = 50_000
MONEY_MAX = 10**12
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Choices:
    """What a project offers to choose from."""

    people: tuple[tuple[int, str], ...]
    admins: tuple[tuple[int, str], ...]
    vendors: tuple[tuple[int, str], ...]
    codes: dict[str, tuple[tuple[str, str], ...]]


class _CheckboxList(SelectMultipleField):  # type: ignore[misc]  # wtforms has no types
    """Several people, each with a box to tick: works with a thumb and with a keyboard."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def make_form(
    tool: Tool,
    fields: tuple[Field, ...],
    choices: Choices,
    values: Values,
    *,
    typed: MultiDict[str, str] | None = None,
) -> FlaskForm:
    """Return a form over `fields`, filled with `values`, or with what was sent or typed before."""
    members: dict[str, Any] = {
        "version": HiddenField(),
        "title": StringField(
            _(tool.title_label),
            validators=[InputRequired(_("Write a few words.")), _length(TITLE_MAX_LENGTH)],
            filters=[tidy],
        ),
    }
    for field in fields:
        members[field.key] = _form_field(field, choices)
    form_class = type(f"{tool.key}_form", (FlaskForm,), members)
    if typed is not None:
        return form_class(formdata=typed, data=values)
    return form_class(data=values)


def sent_values(form: FlaskForm, fields: tuple[Field, ...]) -> Values:
    """Return what a valid form says, in the form `values` keeps it."""
    values: Values = {"title": form["title"].data}
    for field in fields:
        value = form[field.key].data
        values[field.key] = None if value == "" and field.kind is not Kind.LONG_TEXT else value
    return values


def _form_field(field: Field, choices: Choices) -> Any:
    label = _(field.label)
    checks: list[Any] = [InputRequired(_("This is needed."))] if field.required else [Optional()]
    match field.kind:
        case Kind.TEXT:
            checks += [_length(field.max_length or TEXT_MAX_LENGTH)]
            return StringField(label, validators=checks, filters=[tidy])
        case Kind.LONG_TEXT:
            checks += [_length(LONG_TEXT_MAX_LENGTH)]
            return TextAreaField(label, validators=checks, filters=[tidy], render_kw={"rows": 6})
        case Kind.DATE:
            return DateField(label, validators=[*checks, _believable_date])
        case Kind.PERSON:
            offered = choices.admins if field.among_admins else choices.people
            return _select(label, offered, checks, coerce=_id_or_none)
        case Kind.PEOPLE:
            return _CheckboxList(
                label,
                choices=dict(choices.people),
                coerce=int,
                validators=checks,
                validate_choice=True,
            )
        case Kind.VENDOR:
            return _select(label, choices.vendors, checks, coerce=_id_or_none)
        case Kind.CODE:
            return _select(label, choices.codes.get(field.code_kind, ()), checks)
        case Kind.CHOICE:
            translated = tuple((key, _(text)) for key, text in field.choices)
            return _select(label, translated, checks)
        case Kind.MONEY:
            checks.append(NumberRange(min=0, max=MONEY_MAX, message=_("Write an amount from 0.")))
            return DecimalField(
                label, places=2, validators=checks, render_kw={"inputmode": "decimal"}
            )
        case Kind.WHOLE_NUMBER:
            checks.append(NumberRange(min=0, max=100_000, message=_("Write a number from 0.")))
            return IntegerField(label, validators=checks, render_kw={"inputmode": "numeric"})
        case Kind.YES_NO:
            return BooleanField(label)


def _select(label: str, choices: Any, checks: list[Any], *, coerce: Any = str) -> SelectField:
    offered = {"": _("None"), **dict(choices)}
    wrong = _("Choose one of these.")
    return SelectField(
        label,
        choices=offered,
        coerce=coerce,
        validators=checks,
        invalid_value_message=wrong,
        invalid_choice_message=wrong,
    )


def _id_or_none(value: Any) -> int | None:
    return int(value) if value not in (None, "", "None") else None


def _length(most: int) -> Length:
    return Length(max=most, message=_("Write at most %(num)s characters.", num=f"{most:,}"))


def _believable_date(_form: Any, field: FormField) -> None:
    if field.data is not None and not EARLIEST <= field.data <= LATEST:
        raise ValidationError(_("Choose a date between 1900 and 2200."))
