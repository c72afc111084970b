"""The forms of companies and projects themselves."""

from functools import cache
from typing import Any
from zoneinfo import available_timezones

from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, Field, SelectField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, InputRequired, Optional

from webapp.core.checks import at_most, called, email, lower
from webapp.core.text import _, later, tidy_line

# Names that stand for a city's or a country's clock; the rest are offsets and old spellings.
REGIONS = (
    *("Africa/", "America/", "Antarctica/", "Asia/", "Atlantic/"),
    *("Australia/", "Europe/", "Indian/", "Pacific/"),
)


WRONG = dict.fromkeys(
    ("invalid_value_message", "invalid_choice_message"), later("Choose one of these.")
)


@cache
def time_zones() -> tuple[str, ...]:
    """Return the names of the IANA time zone database that people choose from."""
    return ("UTC", *sorted(name for name in available_timezones() if name.startswith(REGIONS)))


class CompanyForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    name = StringField(
        filters=[tidy_line],
        validators=[DataRequired(later("Write the company's name.")), at_most(200)],
    )
    city = StringField(filters=[tidy_line], validators=[Optional(), at_most(200)])
    timezone = SelectField(
        choices=[SelectChoice(name, name.replace("_", " ")) for name in time_zones()],
        default="UTC",
        validators=[InputRequired()],
        **WRONG,
    )


class AdminForm(FlaskForm):  # type: ignore[misc]
    """Whom the Implementation Manager invites to administer a company."""

    first = StringField(filters=[tidy_line], validators=[Optional(), at_most(90)])
    last = StringField(
        filters=[tidy_line], validators=[DataRequired(later("Write their last name.")), at_most(90)]
    )
    email = EmailField(
        filters=[lower],
        validators=[DataRequired(later("Write their e-mail address.")), at_most(254), email],
        render_kw={"autocomplete": "off"},
    )
    title = StringField(filters=[tidy_line], validators=[Optional(), at_most(200)])


class NewCompanyForm(CompanyForm, AdminForm):
    """A company and the first of its administrators."""


def _not_before_start(form: FlaskForm, field: Field) -> None:
    if field.data and form.starts_on.data and field.data < form.starts_on.data:
        raise ValidationError(_("This is before the start."))


def _a_year(_form: FlaskForm, field: Field) -> None:
    if field.data and not 1900 <= field.data.year <= 2200:
        raise ValidationError(_("Write a year between 1900 and 2200."))


class ProjectForm(FlaskForm):  # type: ignore[misc]
    number = StringField(
        filters=[tidy_line],
        validators=[DataRequired(later("Write the project's number.")), at_most(40)],
    )
    name = StringField(
        filters=[tidy_line],
        validators=[DataRequired(later("Write the project's name.")), at_most(200)],
    )
    stage = StringField(filters=[tidy_line], validators=[Optional(), at_most(80)])
    address = StringField(filters=[tidy_line], validators=[Optional(), at_most(300)])
    starts_on = DateField(validators=[Optional(), _a_year])
    ends_on = DateField(validators=[Optional(), _a_year, _not_before_start])
    timezone = SelectField(
        choices=[
            SelectChoice("", later("That of the company")),
            *(SelectChoice(name, name.replace("_", " ")) for name in time_zones()),
        ],
        default="",
        validators=[Optional()],
        **WRONG,
    )


def labelled(form: FlaskForm) -> Any:
    """Give a form's fields their labels in the reader's language."""
    texts = {
        "name": _("Name"),
        "city": _("City"),
        "timezone": _("Time zone"),
        "first": _("First name"),
        "last": _("Last name"),
        "email": _("E-mail"),
        "title": _("Job title"),
        "number": _("Number"),
        "stage": _("Stage"),
        "address": _("Address"),
        "starts_on": _("Start"),
        "ends_on": _("End"),
    }
    return called(form, texts)
