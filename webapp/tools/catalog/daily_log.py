"""The daily log's notes: what happened on a day, where, and whether it is an issue."""

from webapp.core.text import N_
from webapp.tools.catalog.shared import LOCATION
from webapp.tools.extensions.daily_log import DailyLog
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

TOOL = Tool(
    key="daily_log",
    label=N_("Daily Log"),
    short_label=N_("Log"),
    record_name=N_("Note"),
    slug="daily-log",
    icon="notebook-pen",
    title_label=N_("Comments"),
    title_from="comments",
    body_field="comments",
    mails_notices=False,
    numbering=Numbering(prefix=""),
    statuses=(
        Status("pending", N_("Pending"), Shape.WAITING),
        # A day's photos come after its words: they are added, and nothing of it is taken away.
        Status(
            "approved",
            N_("Approved"),
            Shape.GOOD,
            is_open=False,
            frozen=True,
            takes_files=True,
        ),
        Status(
            "withdrawn", N_("Withdrawn"), Shape.CLOSED, is_open=False, is_listed=False, frozen=True
        ),
    ),
    transitions=(
        Transition(
            "approve",
            N_("Approve"),
            before=("pending",),
            after="approved",
            who=(Part.ADMIN,),
            ball=Ball.NOBODY,
            is_main=True,
        ),
        Transition(
            "reopen",
            N_("Open again"),
            before=("approved",),
            after="pending",
            who=(Part.ADMIN,),
            ball=Ball.NOBODY,
        ),
        Transition(
            "withdraw",
            N_("Withdraw"),
            before=("pending",),
            after="withdrawn",
            who=(Part.CREATOR, Part.ADMIN),
            ball=Ball.NOBODY,
            undo=N_("Undo withdrawal"),
        ),
        Transition(
            "strike",
            N_("Withdraw"),
            before=("approved",),
            after="withdrawn",
            who=(Part.ADMIN,),
            ball=Ball.NOBODY,
            undo=N_("Undo withdrawal"),
        ),
        Transition(
            "restore",
            N_("Put back into the log"),
            before=("withdrawn",),
            after="approved",
            who=(Part.ADMIN,),
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field("dated_on", N_("Date"), Kind.DATE, required=True),
        Field("time", N_("Time"), Kind.TIME),
        Field("comments", N_("Comments"), Kind.LONG_TEXT, required=True),
        Field("is_issue", N_("Issue"), Kind.YES_NO, help=N_("Marks the day in the calendar.")),
        LOCATION,
        Field("vendor", N_("Company"), Kind.VENDOR),
    ),
    editable_by=(Rule((Part.CREATOR,), ("pending",)), Rule((Part.ADMIN,))),
    attach=(Rule((Part.CREATOR,), ("pending",)), Rule((Part.ADMIN,))),
    columns=("dated_on", "title", "status", "time", "is_issue", "location", "created_by", "files"),
    filters=("dated_on", "created_by", "location", "status", "is_issue"),
    sort="-dated_on",
    phone_column="time",
    has_ball=False,
    extension=DailyLog(),
)
