"""Drawings: sheets by number and revision; an upload is a batch that is looked through first.

A record is one revision of one sheet, or a batch of files that are to become sheets. So a revision
has its own dates, its own file, its own history, and its own readers while it is unpublished.
"""

from webapp.core.text import N_
from webapp.tools.extensions.drawing_revisions import SHEET
from webapp.tools.extensions.drawings import Drawings
from webapp.tools.registry import (
    Ball,
    Field,
    Kind,
    Numbering,
    Part,
    Rule,
    Shape,
    Status,
    Tool,
    Transition,
)

ADMINS = (Part.ADMIN,)
LIVING = ("in_review", "unpublished", "published")

TOOL = Tool(
    key="drawings",
    label=N_("Drawings"),
    short_label=N_("Drawings"),
    record_name=N_("Drawing"),
    slug="drawings",
    icon="ruler",
    is_pinned=True,
    title_label=N_("Title"),
    body_field="",
    mails_notices=False,
    numbering=Numbering(prefix=""),
    statuses=(
        Status(
            "in_review",
            N_("In review"),
            Shape.DRAFT,
            is_draft=True,
            is_listed=False,
            for_admins=True,
            called=N_("Batch"),
        ),
        Status(
            "reviewed",
            N_("Reviewed"),
            Shape.CLOSED,
            is_open=False,
            is_listed=False,
            for_admins=True,
            called=N_("Batch"),
            frozen=True,
        ),
        Status("unpublished", N_("Unpublished"), Shape.WAITING, for_admins=True),
        Status("published", N_("Published"), Shape.GOOD, keeps_files=True),
        Status(
            "superseded",
            N_("Superseded"),
            Shape.CLOSED,
            is_open=False,
            is_listed=False,
            keeps_files=True,
        ),
        Status("obsolete", N_("Obsolete"), Shape.REFUSED, is_open=False, keeps_files=True),
    ),
    transitions=(
        Transition(
            "finish",
            N_("Finish this batch"),
            before=("in_review",),
            after="reviewed",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
        Transition(
            "publish",
            N_("Publish"),
            before=("unpublished",),
            after="published",
            who=ADMINS,
            ball=Ball.NOBODY,
            needs=("title", "discipline", "rev", "set"),
            is_main=True,
            asks=True,
        ),
        Transition(
            "unpublish",
            N_("Take back"),
            before=("published",),
            after="unpublished",
            who=ADMINS,
            ball=Ball.NOBODY,
            asks=True,
        ),
        Transition(
            "obsolete",
            N_("Mark as obsolete"),
            before=("published",),
            after="obsolete",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
        Transition(
            "in_use",
            N_("In use again"),
            before=("obsolete",),
            after="published",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field(
            "discipline",
            N_("Discipline"),
            Kind.CHOICE,
            statuses=SHEET,
            choices=(
                ("architectural", N_("Architectural")),
                ("civil", N_("Civil")),
                ("demolition", N_("Demolition")),
                ("electrical", N_("Electrical")),
                ("equipment", N_("Equipment")),
                ("fire_protection", N_("Fire protection")),
                ("general", N_("General")),
                ("interiors", N_("Interiors")),
                ("landscape", N_("Landscape")),
                ("mechanical", N_("Mechanical")),
                ("other", N_("Other")),
                ("plumbing", N_("Plumbing")),
                ("structural", N_("Structural")),
                ("survey", N_("Survey")),
                ("telecommunications", N_("Telecommunications")),
            ),
        ),
        Field("rev", N_("Revision"), Kind.TEXT, max_length=10, statuses=SHEET),
        Field("set", N_("Set"), Kind.TEXT, max_length=80, suggests=True),
        Field("area", N_("Area"), Kind.TEXT, max_length=80, suggests=True),
        Field("dated_on", N_("Drawing date"), Kind.DATE),
        Field("received_on", N_("Received"), Kind.DATE),
    ),
    creators=ADMINS,
    # A mark that was misread, and sent a sheet behind another, can be corrected there.
    editable_by=(Rule(ADMINS, (*LIVING, "superseded")),),
    # An old revision's lost file can be put back.
    attach=(Rule(ADMINS, (*LIVING, "superseded")),),
    draft_to=(),
    columns=("number", "title", "rev", "dated_on", "received_on", "set", "status", "files"),
    filters=("set", "discipline", "area", "status"),
    group_by="discipline",
    sort="number",
    phone_column="rev",
    revision_field="rev",
    has_ball=False,
    extension=Drawings(),
)
