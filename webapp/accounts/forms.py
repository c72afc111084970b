"""The forms of signing in and of one's own account."""

from flask_wtf import FlaskForm
from wtforms import EmailField, Field, PasswordField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, EqualTo, InputRequired, Length, ValidationError

from webapp.accounts import passwords
from webapp.core.checks import at_most, called, lower
from webapp.core.checks import email as email_address
from webapp.core.languages import AUTOMATIC, NAMES
from webapp.core.text import _, later, tidy_line


class SignInForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    email = EmailField(
        filters=[tidy_line],
        validators=[InputRequired(), Length(max=254)],
        render_kw={"autocomplete": "username"},
    )
    password = PasswordField(
        validators=[InputRequired(), Length(max=passwords.MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


class ForgottenForm(FlaskForm):  # type: ignore[misc]
    email = EmailField(
        filters=[lower],
        validators=[DataRequired(), Length(max=254), email_address],
        render_kw={"autocomplete": "username"},
    )


class ProfileForm(FlaskForm):  # type: ignore[misc]
    name = StringField(filters=[tidy_line], validators=[DataRequired(), Length(max=200)])
    title = StringField(filters=[tidy_line], validators=[Length(max=200)])
    language = SelectField(
        choices=[
            SelectChoice(AUTOMATIC, later("Automatic: as the browser asks")),
            *(SelectChoice(language, name) for language, name in NAMES.items()),
        ],
        validators=[InputRequired()],
        invalid_choice_message=later("Choose one of these."),
    )


def _fit_for_a_password(_form: FlaskForm, field: Field) -> None:
    """Check that a new password is long enough and can be typed again anywhere."""
    if not passwords.is_long_enough(field.data or ""):
        raise ValidationError(_("Write at least 12 characters."))
    if passwords.has_controls(field.data):
        raise ValidationError(
            _("A password cannot hold a tab, a line break or another control character.")
        )


class PasswordForm(FlaskForm):  # type: ignore[misc]
    current = PasswordField(
        validators=[InputRequired(), Length(max=passwords.MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )
    new = PasswordField(
        validators=[
            InputRequired(),
            at_most(passwords.MAX_LENGTH),
            _fit_for_a_password,
        ],
        render_kw={"autocomplete": "new-password"},
    )
    again = PasswordField(
        validators=[InputRequired(), EqualTo("new", later("The two are not the same."))],
        render_kw={"autocomplete": "new-password"},
    )


class NewPasswordForm(FlaskForm):  # type: ignore[misc]
    """A password for somebody who has none, or has forgotten it."""

    new = PasswordForm.new
    again = PasswordForm.again


class NewAccountForm(NewPasswordForm):
    """The name and password of somebody who makes their account."""

    name = StringField(filters=[tidy_line], validators=[DataRequired(), Length(max=200)])


class ConfirmForm(FlaskForm):  # type: ignore[misc]
    password = PasswordField(
        validators=[InputRequired(), Length(max=passwords.MAX_LENGTH)],
        render_kw={"autocomplete": "current-password"},
    )


def labelled(form: FlaskForm) -> FlaskForm:
    """Give a form's fields their labels in the reader's language."""
    texts = {
        "email": _("E-mail"),
        "password": _("Password"),
        "name": _("Name"),
        "title": _("Job title"),
        "language": _("Language"),
        "current": _("Current password"),
        "new": _("New password"),
        "again": _("New password, once more"),
    }
    found: FlaskForm = called(form, texts)
    return found
