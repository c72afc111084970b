"""The form in which a file gets another name and a description."""

from flask_wtf import FlaskForm
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from webapp.attachments.changing import DESCRIPTION_MAX_LENGTH
from webapp.core.text import _, later, tidy


class FileForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    name = StringField(
        filters=[tidy], validators=[DataRequired(later("Write a name.")), Length(max=1000)]
    )
    description = TextAreaField(
        filters=[tidy],
        validators=[
            Length(max=DESCRIPTION_MAX_LENGTH, message=later("Write at most 500 characters."))
        ],
        render_kw={"rows": 4},
    )


def labelled(form: FileForm) -> FileForm:
    """Give the fields their labels in the reader's language."""
    form.name.label.text = _("Name")
    form.description.label.text = _("Description")
    return form
