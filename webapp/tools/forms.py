"""A form for any declaration: the fields a person may change, with the choices of the project."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from dataclasses import field as dataclass_field
from datetime import date
from decimal import Decimal
from typing import Any

from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
    ValidationError,
)
from wtforms import Field as FormField
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.core.converters import ID_MAX
from webapp.core.formats import money
from webapp.core.numbers import Unreadable, as_whole, read_number
from webapp.core.text import _, format_number, locale, tidy, tidy_line
from webapp.mail.addresses import is_address, split_addresses
from webapp.tools.distribution import person_or_group
from webapp.tools.registry import Field, Kind, Section, Tool
from webapp.tools.values import Values

TEXT_MAX_LENGTH = 200
ADDRESSES_MAX_LENGTH = 4000
LONG_TEXT_MAX_LENGTH = 50_000
MONEY_MAX = 10**12
WHOLE_MAX = 100_000
CENT = Decimal("0.01")
DECIMAL_KEYS = {"inputmode": "decimal"}
CHOSEN = {
    Kind.PERSON,
    Kind.PEOPLE,
    Kind.VENDOR,
    Kind.RECORD,
    Kind.RECORDS,
    Kind.CODE,
    Kind.CHOICE,
}
EARLIEST, LATEST = date(1900, 1, 1), date(2200, 1, 1)


@dataclass(frozen=True)
class Choices:
    """What a project offers to choose from; `retired` vendors only where they stand already."""

    people: tuple[tuple[int, str], ...]
    admins: tuple[tuple[int, str], ...]
    vendors: tuple[tuple[int, str], ...]
    codes: dict[str, tuple[tuple[str, str], ...]]
    records: dict[str, tuple[tuple[int, str], ...]] = dataclass_field(default_factory=dict)
    said: dict[str, tuple[str, ...]] = dataclass_field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = dataclass_field(default_factory=dict)
    groups: tuple[tuple[str, str], ...] = ()
    retired: frozenset[int] = frozenset()
    vendors_of: dict[str, tuple[tuple[int, str], ...]] = dataclass_field(default_factory=dict)


class _CheckboxList(SelectMultipleField):  # type: ignore[misc]  # wtforms has no types
    """Several people or records, each with a box: works with a thumb and with a keyboard."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class _NumberField(StringField):  # type: ignore[misc]  # wtforms has no types
    """A number as people write it; `places` after the decimal mark at most, `unit` goes unread."""

    def __init__(self, *args: Any, places: int, unit: str = "", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.places, self.unit = places, unit

    data: Any

    def process_formdata(self, valuelist: list[str]) -> None:
        text = valuelist[0] if valuelist else ""
        self.data = None
        if not text.strip():
            return
        try:
            found = read_number(text, locale(), unit=self.unit)
        except Unreadable:
            example = format_number(Decimal("1234.56"), 2) if self.places else "12"
            raise ValueError(
                _("Write a number like %(example)s.", example=example)
                if self.places
                else _("Write a whole number like %(example)s.", example=example)
            ) from None
        self.data = found

    def _value(self) -> str:
        """Return what stands in the field: what was sent, or the value as the page prints it."""
        if self.raw_data:
            # Nobody typed so much, and nobody is to be sent it back.
            return str(self.raw_data[0])[:TEXT_MAX_LENGTH]
        if self.data is None:
            return ""
        return format_number(Decimal(self.data), self.places)


class _WholeField(_NumberField):
    """A whole number as people write it; "12.00" is one, "12.5" is none."""

    def process_formdata(self, valuelist: list[str]) -> None:
        super().process_formdata(valuelist)
        if self.data is None:
            return
        if self.data != self.data.to_integral_value():
            self.data = None
            raise ValueError(_("Write a whole number like %(example)s.", example="12"))
        self.data = int(self.data)


def make_form(
    tool: Tool,
    fields: tuple[Field, ...],
    choices: Choices,
    values: Values,
    *,
    typed: MultiDict[str, str] | None = None,
) -> FlaskForm:
    """Return a form over `fields`, filled with `values`, or with what was sent or typed before."""
    members = {} if tool.title_from else {"title": _title(tool)}
    form_class = _form_class(f"{tool.key}_form", members, fields, choices)
    if typed is not None:
        return form_class(formdata=typed, data=values)
    return form_class(data=values)


def _title(tool: Tool) -> StringField:
    return StringField(
        _(tool.title_label),
        validators=[InputRequired(_("Write a few words.")), _length(tool.title_max_length)],
        filters=[tidy_line],
    )


def make_row_form(
    section: Section, fields: tuple[Field, ...], choices: Choices, values: Values, prefix: str = ""
) -> FlaskForm:
    """Return a form over the fields of a row, without a title of its own."""
    return _form_class(f"{section.key}_form", {}, fields, choices)(data=values, prefix=prefix)


def _form_class(
    name: str, members: dict[str, Any], fields: tuple[Field, ...], choices: Choices
) -> type[FlaskForm]:
    members = {"version": HiddenField(), **members}
    for field in fields:
        members[field.key] = _form_field(field, choices)
    return type(name, (FlaskForm,), members)


def sent_values(form: FlaskForm, fields: tuple[Field, ...]) -> Values:
    """Return what a valid form says, in the form `values` keeps it."""
    values: Values = {"title": form["title"].data} if "title" in form else {}
    for field in fields:
        value = form[field.key].data
        if field.kind is Kind.MONEY and value is not None:
            value = Decimal(value).quantize(CENT)
        values[field.key] = None if value == "" and field.kind is not Kind.LONG_TEXT else value
    return values


def sent_version(form: FlaskForm) -> int:
    """Return the version that a form was made over, 0 when it names none."""
    return as_whole(form["version"].data, ID_MAX) or 0


def _form_field(field: Field, choices: Choices) -> Any:
    label = _(field.label)
    checks: list[Any] = [InputRequired(_("This is needed."))] if field.required else [Optional()]
    if field.kind in CHOSEN:
        return _chosen(label, field, choices, checks)
    match field.kind:
        case Kind.LONG_TEXT:
            checks += [_length(LONG_TEXT_MAX_LENGTH)]
            return TextAreaField(label, validators=checks, filters=[tidy], render_kw={"rows": 6})
        case Kind.DATE:
            return DateField(label, validators=[*checks, _believable_date])
        case Kind.TIME:
            return TimeField(label, validators=checks)
        case Kind.MONEY:
            return _money(label, field, checks)
        case Kind.PERCENT:
            checks.append(NumberRange(min=0, max=100, message=_("Write a percentage up to 100.")))
            checks.append(_two_places)
            return _NumberField(
                label, places=2, unit="%", validators=checks, render_kw=DECIMAL_KEYS
            )
        case Kind.WHOLE_NUMBER:
            checks.append(_between(0, WHOLE_MAX, _("Write a number from 0."), format_number))
            keys = {"inputmode": "numeric"}
            unit = _(field.unit) if field.unit else ""
            return _WholeField(label, places=0, unit=unit, validators=checks, render_kw=keys)
        case Kind.YES_NO:
            return BooleanField(label)
        case Kind.ADDRESSES:
            checks += [_length(field.max_length or ADDRESSES_MAX_LENGTH), _deliverable]
            return StringField(label, validators=checks, filters=[tidy, joined_addresses])
        case Kind.TAGS:
            checks += [_length(field.max_length or TEXT_MAX_LENGTH)]
            return StringField(label, validators=checks, filters=[tidy, joined_tags])
        case _:
            checks += [_length(field.max_length or TEXT_MAX_LENGTH)]
            keys = {"list": f"{field.key}-said"} if choices.said.get(field.key) else {}
            return StringField(label, validators=checks, filters=[tidy_line], render_kw=keys)


def _chosen(label: str, field: Field, choices: Choices, checks: list[Any]) -> Any:
    """Return the control for what is chosen from a list."""
    found = offered(field, choices)
    if field.kind in {Kind.PEOPLE, Kind.RECORDS}:
        wrong = _("Choose from these only. Something chosen is not offered any more.")
        return _CheckboxList(
            label,
            choices=dict([*choices.groups, *found] if field.groups else found),
            coerce=person_or_group if field.groups else int,
            validators=checks,
            invalid_value_message=wrong,
            invalid_choice_message=wrong,
        )
    is_by_id = field.kind in {Kind.PERSON, Kind.VENDOR, Kind.RECORD}
    return _select(label, found, checks, coerce=_id_or_none if is_by_id else str)


def keeping(
    choices: Choices, fields: Iterable[Field], values: Values, names: Mapping[int, str]
) -> Choices:
    """Return the choices with the records and vendors that stand in the fields already.

    Whoever saves a form keeps what others have chosen, also where they do not see it themselves.
    """
    fields = list(fields)
    records = dict(choices.records)
    for field in fields:
        if field.kind not in {Kind.RECORD, Kind.RECORDS} or not values.get(field.key):
            continue
        held = values[field.key]
        known = {record_id for record_id, _name in records.get(field.key, ())}
        missing = [id_ for id_ in (held if isinstance(held, list) else [held]) if id_ not in known]
        kept = tuple((id_, names[id_]) for id_ in missing if id_ in names)
        records[field.key] = (*records.get(field.key, ()), *kept)
    return replace(choices, records=records, vendors_of=_vendors_left(choices, fields, values))


def _vendors_left(
    choices: Choices, fields: Iterable[Field], values: Values
) -> dict[str, tuple[tuple[int, str], ...]]:
    """Return for each vendor field the companies it can be set to: none that is retired anew."""
    return {
        field.key: tuple(
            (id_, _("%(name)s (inactive)", name=name) if id_ in choices.retired else name)
            for id_, name in choices.vendors
            if id_ not in choices.retired or id_ == values.get(field.key)
        )
        for field in fields
        if field.kind is Kind.VENDOR
    }


def offered(field: Field, choices: Choices) -> tuple[tuple[Any, str], ...]:
    """Return what a field can be set to, as values with their texts."""
    match field.kind:
        case Kind.PERSON:
            return choices.admins if field.among_admins else choices.people
        case Kind.PEOPLE:
            return choices.people
        case Kind.VENDOR:
            return choices.vendors_of.get(field.key, choices.vendors)
        case Kind.RECORD | Kind.RECORDS:
            return choices.records.get(field.key, ())
        case Kind.CODE:
            return choices.codes.get(field.code_kind, ())
        case Kind.TEXT:
            return tuple((text, text) for text in choices.said.get(field.key, ()))
        case Kind.YES_NO:
            return (("yes", _("Yes")), ("no", _("No")))
        case Kind.TAGS:
            return tuple((tag, tag) for tag in choices.tags.get(field.key, ()))
        case _:
            return tuple((key, _(text)) for key, text in field.choices)


def _money(label: str, field: Field, checks: list[Any]) -> _NumberField:
    least, advice = 0, _("Write an amount from 0.")
    if field.may_be_negative:
        least, advice = -MONEY_MAX, _("Write an amount, a credit with a minus sign.")
    checks += [_between(least, MONEY_MAX, advice, money), _two_places]
    return _NumberField(label, places=2, validators=checks, render_kw=DECIMAL_KEYS)


def _between(
    least: int, most: int, advice: str, written: Callable[[Decimal], str]
) -> Callable[[Any, FormField], None]:
    """Return a check of a number, which names the largest there is to whoever went beyond it."""

    def check(_form: Any, field: FormField) -> None:
        if field.data is not None and field.data > most:
            largest = _("At most %(num)s.", num=written(Decimal(most)))
            raise ValidationError(f"{advice} {largest}")
        if field.data is not None and field.data < least:
            raise ValidationError(advice)

    return check


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
    return Length(max=most, message=_("Write at most %(num)s characters.", num=format_number(most)))


def _believable_date(_form: Any, field: FormField) -> None:
    if field.data is not None and not EARLIEST <= field.data <= LATEST:
        raise ValidationError(_("Choose a date between 1900 and 2200."))


def joined_addresses(text: str) -> str:
    """Return what was typed as addresses with one comma between them, each once."""
    return ", ".join(split_addresses(text))


def joined_tags(text: str) -> str:
    """Return tags with one comma between them, each once, however their letters are written."""
    found = {" ".join(tag.split()).lower(): " ".join(tag.split()) for tag in text.split(",")}
    return ", ".join(tag for key, tag in found.items() if key)


def _deliverable(_form: Any, field: FormField) -> None:
    wrong = [address for address in split_addresses(field.data or "") if not is_address(address)]
    if wrong:
        raise ValidationError(_("%(address)s is no e-mail address.", address=wrong[0][:80]))


def _two_places(_form: Any, field: FormField) -> None:
    fraction = f"{field.data:f}".partition(".")[2] if field.data is not None else ""
    if len(fraction.rstrip("0")) > 2:
        raise ValidationError(_("Write at most two decimal places."))
