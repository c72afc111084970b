"""Bidding: a package of work, the companies invited to bid on it, their bids, and the award."""

from webapp.core.text import N_
from webapp.tools.extensions.bidding import Bidding
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

BIDDERS = Section(
    "bidders",
    N_("Bidders"),
    N_("Bidder"),
    N_("Invite a company"),
    who=ADMINS,
    statuses=("draft", "open", "closed"),
    fields=(
        Field("vendor", N_("Company"), Kind.VENDOR, required=True),
        Field(
            "person",
            N_("Contact"),
            Kind.PERSON,
            help=N_("Whoever bids for the company; needs Standard in Bidding to send the bid."),
        ),
        Field(
            "intent",
            N_("Intent"),
            Kind.CHOICE,
            choices=(
                ("undecided", N_("Undecided")),
                ("will_bid", N_("Will bid")),
                ("will_not_bid", N_("Will not bid")),
            ),
        ),
        Field("is_submitted", N_("Bid submitted"), Kind.YES_NO),
        Field("amount", N_("Lump sum"), Kind.MONEY),
        Field("comments", N_("Comments"), Kind.LONG_TEXT),
    ),
    answers=("intent", "is_submitted", "amount", "comments"),
    answered_in=("open",),
    answer_label=N_("Your bid"),
    part=Part.WORKFLOW,
    own_rows=True,
    sealed=("amount", "comments"),
    sealed_if="is_blind",
    sealed_in=("draft", "open"),
    in_form=("vendor", "person"),
    empty=N_("Nobody is invited yet."),
)

TOOL = Tool(
    key="bidding",
    label=N_("Bidding"),
    short_label=N_("Bids"),
    record_name=N_("Bid package"),
    slug="bidding",
    icon="gavel",
    title_label=N_("Title"),
    body_field="invitation",
    numbering=Numbering("BP-", digits=2, at_first_save=True),
    statuses=(
        Status("draft", N_("Draft"), Shape.DRAFT, is_draft=True),
        Status("open", N_("Open"), Shape.OPEN),
        Status("closed", N_("Closed"), Shape.CLOSED, is_open=False, frozen=True),
    ),
    transitions=(
        Transition(
            "open",
            N_("Invite the bidders"),
            before=("draft",),
            after="open",
            who=ADMINS,
            ball=Ball.NOBODY,
            needs=("title", "invitation", "instructions"),
            is_main=True,
            asks=True,
        ),
        Transition(
            "close",
            N_("Close bidding"),
            before=("open",),
            after="closed",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
        Transition(
            "open_early",
            N_("Open bids early"),
            before=("open",),
            after="closed",
            who=ADMINS,
            ball=Ball.NOBODY,
            only_if="is_blind",
            needs_reason=True,
        ),
        Transition(
            "reopen",
            N_("Open again"),
            before=("closed",),
            after="open",
            who=ADMINS,
            ball=Ball.NOBODY,
        ),
    ),
    fields=(
        Field("invitation", N_("Invitation message"), Kind.LONG_TEXT),
        Field("instructions", N_("Bidding instructions"), Kind.LONG_TEXT),
        Field(
            "due_on", N_("Bid due"), Kind.DATE, promise=Promise.CLOSES, at="due_at", step="close"
        ),
        Field("due_at", N_("Bid due at"), Kind.TIME),
        Field("is_due_tbd", N_("Due date to be determined"), Kind.YES_NO),
        Field(
            "accounting",
            N_("Accounting method"),
            Kind.CHOICE,
            choices=(("amount", N_("Amount")), ("unit", N_("Unit prices"))),
        ),
        Field("manager", N_("Manager"), Kind.PERSON, among_admins=True),
        Field(
            "walk_on", N_("Pre-bid walk-through"), Kind.DATE, promise=Promise.ON_DAY, at="walk_at"
        ),
        Field("walk_at", N_("Walk-through at"), Kind.TIME),
        Field("walk_notes", N_("Walk-through notes"), Kind.TEXT),
        Field("rfi_deadline", N_("RFI deadline"), Kind.DATE, promise=Promise.ON_DAY),
        Field("award_on", N_("Anticipated award"), Kind.DATE, promise=Promise.PASSES),
        Field("takes_late", N_("Accept late bids"), Kind.YES_NO),
        Field(
            "is_blind",
            N_("Blind bidding"),
            Kind.YES_NO,
            help=N_(
                "Amounts, comments and files of bids stay sealed, from admins too, until bidding "
                "is closed. Decide before the bidders are invited."
            ),
            fixed_in=("open", "closed"),
        ),
        Field(
            "distribution",
            N_("CC group"),
            Kind.PEOPLE,
            part=Part.DISTRIBUTION,
            groups=True,
            help=N_("They see the package and its documents, never a bid."),
        ),
    ),
    creators=ADMINS,
    editable_by=(Rule(ADMINS),),
    attach=(Rule(ADMINS),),
    sections=(BIDDERS,),
    columns=("number", "title", "status", "due_on", "accounting", "manager", "files"),
    filters=("status", "manager", "files"),
    private_to=(Part.CREATOR, Part.MANAGER, Part.DISTRIBUTION, Part.WORKFLOW),
    listed_only=True,
    has_ball=False,
    extension=Bidding(),
)
