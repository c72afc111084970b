"""The forms of people, groups and permission templates, and what they say once they are sent."""

from dataclasses import dataclass
from typing import Any

from flask import request
from flask_wtf import FlaskForm
from wtforms import EmailField, SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, InputRequired, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from webapp.companies.models import Level
from webapp.companies.permissions import EVERYTHING, LEVEL_NAMES, Levels
from webapp.core.checks import at_most, called, email, lower
from webapp.core.problems import Invalid
from webapp.core.text import _, later, tidy_line
from webapp.tools.registry import TOOLS

NAME_MAX_LENGTH = 80
NAMELESS = later("Write a name.")
WRONG = dict.fromkeys(
    ("invalid_value_message", "invalid_choice_message"), later("Choose one of these.")
)


def _id(value: object) -> int | None:
    return int(str(value)) if value not in (None, "", "None") else None


class MemberForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """Somebody a company invites: to itself, or with a template to one of its projects."""

    first = StringField(filters=[tidy_line], validators=[Optional(), at_most(90)])
    last = StringField(filters=[tidy_line], validators=[DataRequired(NAMELESS), at_most(90)])
    email = EmailField(
        filters=[lower],
        validators=[DataRequired(later("Write their e-mail address.")), at_most(254), email],
        render_kw={"autocomplete": "off"},
    )
    title = StringField(filters=[tidy_line], validators=[Optional(), at_most(200)])
    vendor = SelectField(coerce=_id, validators=[Optional()], **WRONG)

    @property
    def full_name(self) -> str:
        return f"{self.first.data or ''} {self.last.data}".strip()


class InviteForm(MemberForm):
    template = SelectField(
        coerce=_id, validators=[InputRequired(later("Choose what they may do."))], **WRONG
    )


class VendorForm(FlaskForm):  # type: ignore[misc]
    vendor = SelectField(coerce=_id, validators=[Optional()], **WRONG)


class _CheckboxList(SelectMultipleField):  # type: ignore[misc]  # wtforms has no types
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


class GroupForm(FlaskForm):  # type: ignore[misc]
    name = StringField(
        filters=[tidy_line], validators=[DataRequired(NAMELESS), at_most(NAME_MAX_LENGTH)]
    )
    members = _CheckboxList(coerce=int, validators=[Optional()])


class TemplateForm(FlaskForm):  # type: ignore[misc]
    name = StringField(
        filters=[tidy_line], validators=[DataRequired(NAMELESS), at_most(NAME_MAX_LENGTH)]
    )


def labelled(form: FlaskForm) -> Any:
    """Give a form's fields their labels in the reader's language."""
    texts = {
        "first": _("First name"),
        "last": _("Last name"),
        "email": _("E-mail"),
        "title": _("Job title"),
        "vendor": _("Works for"),
        "template": _("Permission template"),
        "name": _("Name"),
        "members": _("Members"),
    }
    return called(form, texts)


@dataclass(frozen=True)
class LevelChoice:
    """One tool's control: its name, its words, what it can be set to, and what it is."""

    name: str
    label: str
    options: tuple[tuple[str, str], ...]
    value: str


def level_choices(levels: Levels, most: Levels = EVERYTHING) -> list[LevelChoice]:
    """Return the controls for levels: only what is there, or may be given, can be chosen."""
    usual = LevelChoice(
        "usual",
        _("All other tools"),
        _offered(most.usual, levels.usual),
        str(int(levels.usual)),
    )
    tools = [
        LevelChoice(
            f"level-{tool.key}",
            _(tool.label),
            (("", _("As all other tools")), *_offered(most.of(tool.key), levels.of(tool.key))),
            str(int(levels.special[tool.key])) if tool.key in levels.special else "",
        )
        for tool in TOOLS
    ]
    return [usual, *tools]


def _offered(most: Level, now: Level) -> tuple[tuple[str, str], ...]:
    return tuple(
        (str(int(level)), _(name))
        for level, name in LEVEL_NAMES.items()
        if level <= most or level == now
    )


def sent_levels(before: Levels) -> Levels:
    """Return the levels that the request's form says; tools it does not know stay as they were."""
    known = {tool.key for tool in TOOLS}
    special = {key: level for key, level in before.special.items() if key not in known}
    for key in known:
        text = request.form.get(f"level-{key}", "")
        if text:
            special[key] = _level(text)
    return Levels(_level(request.form.get("usual", "")), special)


def _level(text: str) -> Level:
    if text not in {"0", "1", "2", "3"}:
        raise Invalid(_("Choose one of the levels."))
    return Level(int(text))
