"""The contract with the owner: its schedule of values, and what change orders have made of it."""

from webapp.core.text import N_, NC_
from webapp.tools.catalog.contracts import (
    ADMINS,
    AMOUNTS,
    BY_ADMINS,
    EXECUTED,
    PRIVACY,
    RETAINAGE,
    agreed,
    schedule_of_values,
    step,
)
from webapp.tools.extensions.contracts import Contract
from webapp.tools.registry import Field, Kind, Numbering, Part, Promise, Shape, Status, Tool

BEFORE_APPROVAL = ("draft", "out_for_bid", "out_for_signature")
# Then owner, retainage and lines change only by a step back.
AGREED = ("approved", "complete")

TOOL = Tool(
    key="prime_contract",
    label=N_("Prime Contract"),
    short_label=N_("Prime"),
    record_name=N_("Prime contract"),
    slug="prime-contract",
    icon="contract",
    title_label=N_("Title"),
    body_field="description",
    numbering=Numbering(prefix="PC-", digits=3, at_first_save=True),
    statuses=(
        Status("draft", N_("Draft"), Shape.DRAFT, is_draft=True),
        Status("out_for_bid", N_("Out for Bid"), Shape.OPEN),
        Status("out_for_signature", N_("Out for Signature"), Shape.WAITING),
        Status("approved", N_("Approved"), Shape.GOOD),
        Status("complete", N_("Complete"), Shape.CLOSED, is_open=False, frozen=True),
        Status("terminated", N_("Terminated"), Shape.REFUSED, is_open=False, frozen=True),
    ),
    transitions=(
        step("bid", N_("Put out for bid"), ("draft",), "out_for_bid", needs=("title",)),
        step(
            "sign",
            N_("Send out for signature"),
            ("draft", "out_for_bid"),
            "out_for_signature",
            needs=("title",),
            is_main=True,
        ),
        step("approve", N_("Approve"), BEFORE_APPROVAL, "approved", needs=("title",), is_main=True),
        step("complete", NC_("step", "Complete"), ("approved",), "complete", is_main=True),
        step(
            "terminate",
            N_("Terminate"),
            ("out_for_bid", "out_for_signature", "approved"),
            "terminated",
            undo=N_("Undo termination"),
        ),
        step(
            "redraft",
            N_("Back to draft"),
            ("out_for_bid", "out_for_signature", "approved"),
            "draft",
        ),
        step("reopen", N_("Open again"), ("complete", "terminated"), "approved"),
    ),
    fields=(
        agreed(Field("vendor", N_("Owner / client"), Kind.VENDOR), AGREED),
        Field("architect", N_("Architect"), Kind.VENDOR),
        Field("contractor", N_("Contractor"), Kind.VENDOR),
        EXECUTED,
        agreed(RETAINAGE, AGREED),
        Field("dated_on", N_("Contract date"), Kind.DATE),
        Field("starts_on", N_("Start date"), Kind.DATE, promise=Promise.ON_DAY),
        Field("completion_on", N_("Estimated completion"), Kind.DATE, promise=Promise.PASSES),
        Field("substantial_on", N_("Substantial completion"), Kind.DATE, promise=Promise.PASSES),
        Field("signed_on", N_("Signed contract received"), Kind.DATE),
        Field("description", N_("Description"), Kind.LONG_TEXT),
        Field("inclusions", N_("Inclusions"), Kind.LONG_TEXT),
        Field("exclusions", N_("Exclusions"), Kind.LONG_TEXT),
        *PRIVACY,
        *AMOUNTS,
    ),
    editable_by=BY_ADMINS,
    attach=BY_ADMINS,
    sections=(schedule_of_values(BEFORE_APPROVAL),),
    creators=ADMINS,
    columns=(
        "number",
        "vendor",
        "title",
        "status",
        "executed",
        "amount",
        "approved_amount",
        "revised_amount",
        "pending_amount",
    ),
    filters=("status", "vendor", "files"),
    sort="number",
    private_to=(Part.LISTED,),
    draft_to=(Part.LISTED,),
    has_ball=False,
    extension=Contract(),
)
