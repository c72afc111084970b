"""The directory: the companies of a project, what they hold, and until when they are insured."""

from webapp.core.text import N_
from webapp.tools.extensions.directory import Directory
from webapp.tools.registry import (
    Ball,
    Field,
    Kind,
    Numbering,
    Part,
    Promise,
    Rule,
    Section,
    Shape,
    Status,
    Tool,
    Transition,
)

ADMINS = (Part.ADMIN,)
WARN_DAYS = 30

TOOL = Tool(
    key="directory",
    label=N_("Directory"),
    short_label=N_("Directory"),
    record_name=N_("Company"),
    slug="directory",
    icon="contact",
    title_label=N_("Name"),
    body_field="",
    numbering=Numbering(prefix=""),
    statuses=(
        Status("active", N_("Active"), Shape.GOOD),
        Status("inactive", N_("Inactive"), Shape.CLOSED, is_open=False),
    ),
    transitions=(
        Transition(
            "deactivate",
            N_("Mark as inactive"),
            before=("active",),
            after="inactive",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
        Transition(
            "activate",
            N_("Mark as active"),
            before=("inactive",),
            after="active",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field("abbreviation", N_("Abbreviated name"), Kind.TEXT, max_length=10),
        Field(
            "trades",
            N_("Trades"),
            Kind.TAGS,
            max_length=200,
            help=N_("Separated by commas."),
        ),
        Field("phone", N_("Phone"), Kind.TEXT, max_length=60),
        Field("email", N_("E-mail"), Kind.TEXT, max_length=254),
        Field("address", N_("Address"), Kind.TEXT, max_length=300),
        Field("website", N_("Website"), Kind.TEXT, max_length=200),
        Field("license", N_("Licence number"), Kind.TEXT, max_length=60),
        Field("contact", N_("Primary contact"), Kind.PERSON),
        Field("is_bidder", N_("Authorized bidder"), Kind.YES_NO),
        Field("is_prequalified", N_("Prequalified"), Kind.YES_NO),
        Field(
            "dated_on",
            N_("Insured until"),
            Kind.DATE,
            promise=Promise.EXPIRES,
            is_derived=True,
            warn_days=WARN_DAYS,
        ),
    ),
    editable_by=(Rule(ADMINS),),
    attach=(Rule(ADMINS),),
    creators=ADMINS,
    sections=(
        Section(
            "insurance",
            N_("Insurance"),
            N_("Insurance"),
            N_("Add insurance"),
            who=ADMINS,
            statuses=("active", "inactive"),
            fields=(
                Field(
                    "type",
                    N_("Type"),
                    Kind.CHOICE,
                    required=True,
                    choices=(
                        ("general", N_("General liability")),
                        ("automobile", N_("Automobile liability")),
                        ("workers", N_("Workers' compensation")),
                        ("umbrella", N_("Umbrella")),
                        ("professional", N_("Professional liability")),
                        ("other", N_("Other")),
                    ),
                ),
                Field("provider", N_("Provider"), Kind.TEXT, max_length=120),
                Field("policy", N_("Policy number"), Kind.TEXT, max_length=80),
                Field("amount", N_("Limit"), Kind.MONEY),
                Field("effective_on", N_("Effective"), Kind.DATE),
                Field("due_on", N_("Expires"), Kind.DATE, warn_days=WARN_DAYS),
                Field(
                    "status",
                    N_("Status"),
                    Kind.CHOICE,
                    choices=(
                        ("asked", N_("Asked for")),
                        ("compliant", N_("Compliant")),
                        ("not_compliant", N_("Not compliant")),
                    ),
                ),
            ),
            empty=N_("No insurance is on file."),
        ),
    ),
    columns=("title", "abbreviation", "trades", "phone", "status", "dated_on", "files"),
    filters=("status", "trades", "files"),
    sort="title",
    draft_to=(Part.CREATOR,),
    has_ball=False,
    extension=Directory(),
)
