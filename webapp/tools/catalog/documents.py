"""Documents: the project's own folders and files, with versions, privacy and a recycle bin.

Files come from the computer only; there is no address at which Box could be chosen for it.
"""

from webapp.core.text import N_
from webapp.tools.extensions.documents import BIN_DAYS, Documents
from webapp.tools.registry import (
    Ball,
    Field,
    Kind,
    Numbering,
    Part,
    Rule,
    Section,
    Shape,
    Status,
    Tool,
    Transition,
)

WRITERS = (Part.STANDARD, Part.ADMIN)
OWNERS = (Part.CREATOR, Part.ADMIN)

VERSIONS = Section(
    "versions",
    N_("Versions"),
    N_("Version"),
    N_("New version"),
    who=(),
    statuses=(),
    fields=(
        Field("number", N_("Version"), Kind.WHOLE_NUMBER, is_derived=True),
        Field("note", N_("Note"), Kind.TEXT, max_length=300),
    ),
    keeps_files=True,
)

TOOL = Tool(
    key="documents",
    label=N_("Documents"),
    short_label=N_("Docs"),
    record_name=N_("Document"),
    slug="documents",
    icon="folder",
    title_label=N_("Name"),
    body_field="",
    mails_notices=False,
    numbering=Numbering(""),
    statuses=(
        Status("active", N_("In use"), Shape.OPEN),
        Status(
            "binned",
            N_("In the recycle bin"),
            Shape.CLOSED,
            is_open=False,
            is_listed=False,
            lives_days=BIN_DAYS,
        ),
    ),
    transitions=(
        Transition(
            "bin",
            N_("Move to the recycle bin"),
            before=("active",),
            after="binned",
            who=OWNERS,
            ball=Ball.NOBODY,
        ),
        Transition(
            "restore",
            N_("Restore"),
            before=("binned",),
            after="active",
            who=OWNERS,
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field("parent", N_("Folder"), Kind.RECORD, of=("documents",), is_derived=True),
        Field("kind", N_("Kind"), Kind.TEXT, is_derived=True),
        Field("description", N_("Description"), Kind.LONG_TEXT),
        Field(
            "is_private",
            N_("Private"),
            Kind.YES_NO,
            help=N_("Seen by its creator, the people below and admins; so is all that is in it."),
        ),
        Field("visible_to", N_("Visible to"), Kind.PEOPLE, part=Part.LISTED, groups=True),
    ),
    editable_by=(Rule(OWNERS, ("active",)),),
    attach=(Rule(WRITERS, ("active",)),),
    sections=(VERSIONS,),
    columns=("title", "files", "updated"),
    filters=("private",),
    sort="title",
    private_to=(Part.CREATOR, Part.LISTED),
    has_ball=False,
    attaches_from_box=False,
    begins_group=True,
    extension=Documents(),
)
