"""E-mail of a project: written here or sent to its address, in threads, with its files."""

from webapp.core.text import N_
from webapp.tools.catalog.shared import private
from webapp.tools.extensions.emails.extension import Emails
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
    key="emails",
    label=N_("Emails"),
    short_label=N_("Emails"),
    record_name=N_("Email"),
    slug="emails",
    icon="mail",
    title_label=N_("Subject"),
    body_field="message",
    begins_group=True,
    numbering=Numbering(prefix=""),
    statuses=(
        Status("draft", N_("Draft"), Shape.DRAFT, is_draft=True),
        # Not out yet, so for nobody's eyes yet.
        Status("waiting", N_("Waiting for files"), Shape.WAITING, is_draft=True),
        Status("sending", N_("Sending"), Shape.WAITING),
        Status("sent", N_("Sent"), Shape.GOOD, is_open=False),
        Status("failed", N_("Not sent"), Shape.REFUSED, is_draft=True),
        Status("received", N_("Received"), Shape.CLOSED, is_open=False),
    ),
    transitions=(
        Transition(
            "send",
            N_("Send"),
            before=("draft",),
            after="sending",
            who=(Part.CREATOR,),
            ball=Ball.NOBODY,
            needs=("title",),
            is_main=True,
        ),
        Transition(
            "send_again",
            N_("Send again"),
            before=("failed",),
            after="sending",
            who=(Part.CREATOR,),
            ball=Ball.NOBODY,
        ),
        Transition(
            "take_back",
            N_("Back to draft"),
            before=("waiting", "failed"),
            after="draft",
            who=(Part.CREATOR,),
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field("sender", N_("From"), Kind.TEXT, is_derived=True),
        Field("to", N_("To"), Kind.PEOPLE, part=Part.LISTED),
        Field("cc", N_("Cc"), Kind.PEOPLE, part=Part.LISTED),
        Field(
            "bcc",
            N_("Bcc"),
            Kind.PEOPLE,
            part=Part.LISTED,
            seen_by=(Part.CREATOR,),
            help=N_("They get it too; nobody else sees that."),
        ),
        Field(
            "outside",
            N_("Other addresses"),
            Kind.ADDRESSES,
            help=N_("People who are not on this project, separated by commas."),
        ),
        Field("message", N_("Message"), Kind.LONG_TEXT),
        private(N_("Seen by its sender, its recipients and admins only.")),
        Field(
            "tags",
            N_("Tags"),
            Kind.TAGS,
            help=N_("Words to find it by, separated by commas."),
        ),
        Field("dated_on", N_("Date"), Kind.DATE, is_derived=True),
        Field(
            "direction",
            N_("Direction"),
            Kind.CHOICE,
            choices=(("out", N_("Written here")), ("in", N_("Received by e-mail"))),
            is_derived=True,
        ),
        Field(
            "folder",
            N_("Folder"),
            Kind.CHOICE,
            choices=(
                ("inbox", N_("Inbox")),
                ("archive", N_("Archive")),
                ("spam", N_("Spam")),
                ("bin", N_("Recycle bin")),
            ),
            is_derived=True,
        ),
    ),
    editable_by=(Rule((Part.CREATOR,), ("draft",)),),
    # A copy that was chosen before Send was pressed still arrives while the message waits for it.
    attach=(Rule((Part.CREATOR,), ("draft", "waiting")), Rule((Part.ADMIN,))),
    columns=("sender", "title", "dated_on", "status", "files", "tags"),
    filters=("folder", "status", "direction", "tags", "files", "private"),
    sort="-dated_on",
    private_to=(Part.CREATOR, Part.LISTED),
    draft_to=(Part.CREATOR,),
    has_ball=False,
    extension=Emails(),
)
