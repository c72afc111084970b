"""Changes to contracts and commitments, potential ones first, and what they come to."""

from webapp.core.text import N_, NC_
from webapp.tools.catalog.contracts import ADMINS, EXECUTED, LINE_FIELDS
from webapp.tools.extensions.change_orders import ChangeOrder
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
    StatusGroup,
    Tool,
    Transition,
)

PENDING = (
    "pending_in_review",
    "pending_revised",
    "pending_pricing",
    "pending_not_pricing",
    "pending_proceeding",
    "pending_not_proceeding",
)
# Then the contract and what it comes to change only by another step.
SETTLED = ("approved", "no_charge")
DECIDED = ("approved", "rejected", "no_charge", "void")
NEEDED = ("title", "parent", "tier")
DECIDERS = (Part.REVIEWER, Part.ADMIN)


def _still_pending(key: str, label: str, after: str) -> Transition:
    """Return an admin's step from any other pending status."""
    before = tuple(status for status in PENDING if status != after)
    return Transition(key, label, before, after, ADMINS, Ball.REVIEWER)


def _decided(key: str, label: str, who: tuple[Part, ...], *, is_main: bool = False) -> Transition:
    """Return the step by which a pending change order gets its answer."""
    return Transition(key, label, PENDING, key, who, Ball.NOBODY, needs=NEEDED, is_main=is_main)


TOOL = Tool(
    key="change_orders",
    label=N_("Change Orders"),
    short_label=N_("Changes"),
    record_name=N_("Change order"),
    slug="change-orders",
    icon="change",
    title_label=N_("Title"),
    body_field="description",
    numbering=Numbering(
        prefix="",
        digits=3,
        within="series",
        prefixes=(("potential", "PCO-"), ("contract", "CO-"), ("commitment", "CCO-")),
    ),
    statuses=(
        Status("draft", N_("Draft"), Shape.DRAFT, is_draft=True),
        Status("pending_in_review", N_("Pending - In Review"), Shape.WAITING),
        Status("pending_revised", N_("Pending - Revised"), Shape.WAITING),
        Status("pending_pricing", N_("Pending - Pricing"), Shape.WAITING),
        Status("pending_not_pricing", N_("Pending - Not Pricing"), Shape.WAITING),
        Status("pending_proceeding", N_("Pending - Proceeding"), Shape.WAITING),
        Status("pending_not_proceeding", N_("Pending - Not Proceeding"), Shape.WAITING),
        Status("approved", N_("Approved"), Shape.GOOD, is_open=False, frozen=True),
        # What it includes may have to be let go before it is opened again.
        Status("rejected", N_("Rejected"), Shape.REFUSED, is_open=False, keeps_files=True),
        Status("no_charge", N_("No Charge"), Shape.CLOSED, is_open=False, frozen=True),
        Status("void", N_("Void"), Shape.CLOSED, is_open=False, keeps_files=True),
    ),
    status_groups=(StatusGroup("pending", N_("All pending"), PENDING),),
    transitions=(
        Transition(
            "submit",
            N_("Send for review"),
            before=("draft",),
            after="pending_in_review",
            who=(Part.CREATOR, Part.ADMIN),
            ball=Ball.REVIEWER,
            needs=NEEDED,
            numbers=True,
            is_main=True,
        ),
        _decided("approved", N_("Approve"), DECIDERS, is_main=True),
        _decided("rejected", N_("Reject"), DECIDERS, is_main=True),
        _decided("no_charge", N_("No charge"), ADMINS),
        _still_pending("review", N_("In review again"), "pending_in_review"),
        _still_pending("revised", NC_("step", "Revised"), "pending_revised"),
        _still_pending("pricing", N_("Pricing"), "pending_pricing"),
        _still_pending("not_pricing", N_("Not pricing"), "pending_not_pricing"),
        _still_pending("proceeding", N_("Proceeding"), "pending_proceeding"),
        _still_pending("not_proceeding", N_("Not proceeding"), "pending_not_proceeding"),
        Transition(
            "void",
            NC_("step", "Void"),
            before=("draft", *PENDING, "approved", "rejected", "no_charge"),
            after="void",
            who=ADMINS,
            ball=Ball.NOBODY,
            needs=NEEDED,
            numbers=True,
            undo=N_("Undo void"),
        ),
        Transition(
            "reopen",
            N_("Open again"),
            before=DECIDED,
            after="pending_in_review",
            who=ADMINS,
            ball=Ball.REVIEWER,
        ),
    ),
    fields=(
        Field(
            "parent",
            N_("Contract"),
            Kind.RECORD,
            of=("prime_contract", "commitments"),
            help=N_("Needed before it can be sent for review."),
            fixed_in=SETTLED,
        ),
        Field(
            "tier",
            N_("Tier"),
            Kind.CHOICE,
            required=True,
            choices=(
                ("potential", N_("Potential change order")),
                ("change_order", N_("Change order")),
            ),
            editable_by=ADMINS,
            fixed_in=SETTLED,
        ),
        Field(
            "reason",
            N_("Change reason"),
            Kind.CHOICE,
            choices=(
                ("client_request", N_("Client request")),
                ("design_development", N_("Design development")),
                ("existing_condition", N_("Existing condition")),
                ("allowance", N_("Allowance")),
                ("back_charge", N_("Back charge")),
            ),
        ),
        Field("description", N_("Description"), Kind.LONG_TEXT),
        Field(
            "reviewer",
            N_("Reviewer"),
            Kind.PERSON,
            part=Part.REVIEWER,
            help=N_("In whose court it is while it is pending."),
        ),
        Field(
            "due_on",
            N_("Due date"),
            Kind.DATE,
            promise=Promise.DUE,
            help=N_("The reviewer's deadline."),
        ),
        Field("amount", N_("Amount"), Kind.MONEY, is_derived=True, may_be_negative=True),
        Field(
            "schedule_days",
            N_("Schedule"),
            Kind.WHOLE_NUMBER,
            unit=N_("days"),
            fixed_in=SETTLED,
        ),
        Field(
            "includes",
            N_("Includes potential change orders"),
            Kind.RECORDS,
            of=("change_orders",),
            editable_by=ADMINS,
            in_block=False,
            fixed_in=SETTLED,
            with_amounts=True,
            help=N_(
                "Their lines become lines of this change order, and they take over its status. "
                "In the contract they count as this change order once it is sent."
            ),
        ),
        EXECUTED,
        Field("signed_on", N_("Signed change order received"), Kind.DATE),
        Field("invoiced_on", N_("Invoiced"), Kind.DATE),
        Field("paid_on", N_("Paid"), Kind.DATE),
        Field(
            "is_private", N_("Private"), Kind.YES_NO, help=N_("Seen by this tool's admins only.")
        ),
        Field(
            "series",
            N_("Numbered as"),
            Kind.CHOICE,
            choices=(("potential", "PCO"), ("contract", "CO"), ("commitment", "CCO")),
            is_derived=True,
            in_block=False,
        ),
    ),
    editable_by=(Rule((Part.CREATOR,), ("draft",)), Rule(ADMINS)),
    attach=(Rule((Part.CREATOR,), ("draft",)), Rule(ADMINS)),
    sections=(
        Section(
            "lines",
            N_("Line items"),
            N_("Line"),
            N_("Add a line"),
            who=ADMINS,
            statuses=("draft", *PENDING),
            also=(Rule((Part.CREATOR,), ("draft",)),),
            fields=(
                *LINE_FIELDS,
                Field("amount", N_("Amount"), Kind.MONEY, required=True, may_be_negative=True),
            ),
            takes_files=False,
            sums="amount",
            closed_by="executed",
            empty=N_("No lines yet. Their sum is the amount of the change."),
        ),
    ),
    columns=(
        "number",
        "revision",
        "title",
        "parent",
        "status",
        "amount",
        "schedule_days",
        "due_on",
        "reviewer",
    ),
    filters=("status", "parent", "reason", "ball"),
    group_by="parent",
    sort="number",
    draft_to=(Part.CREATOR,),
    extension=ChangeOrder(),
)
