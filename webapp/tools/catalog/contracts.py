"""What prime contracts and commitments have in common: their money, their privacy, their lines."""

from dataclasses import replace

from webapp.core.text import N_
from webapp.tools.registry import Ball, Field, Kind, Part, Rule, Section, Transition

ADMINS = (Part.ADMIN,)
BY_ADMINS = (Rule(ADMINS),)

EXECUTED = Field(
    "executed", N_("Executed"), Kind.YES_NO, help=N_("Signed by everybody who must sign.")
)
RETAINAGE = Field("retainage", N_("Default retainage"), Kind.PERCENT)


def agreed(field: Field, statuses: tuple[str, ...]) -> Field:
    """Return a field that is part of what was agreed: it rests as the schedule of values does."""
    return replace(field, fixed_in=statuses, fixed_by=EXECUTED.key)


PRIVACY = (
    Field(
        "is_private",
        N_("Private"),
        Kind.YES_NO,
        help=N_("Seen by the people below and this tool's admins only."),
    ),
    Field(
        "visible_to",
        N_("Visible to"),
        Kind.PEOPLE,
        part=Part.LISTED,
        groups=True,
        help=N_("Who sees it while it is private or a draft, besides admins."),
    ),
    Field(
        "shows_sov",
        N_("May see SOV"),
        Kind.YES_NO,
        help=N_("Without this, the schedule of values is for admins only."),
    ),
)

# A panel of their own shows them; lists read them as columns.
AMOUNTS = (
    Field("amount", N_("Original"), Kind.MONEY, is_derived=True, in_block=False),
    Field("approved_amount", N_("Approved"), Kind.MONEY, is_derived=True, in_block=False),
    Field("revised_amount", N_("Revised"), Kind.MONEY, is_derived=True, in_block=False),
    Field("pending_amount", N_("Pending"), Kind.MONEY, is_derived=True, in_block=False),
    Field("draft_amount", N_("Draft"), Kind.MONEY, is_derived=True, in_block=False),
)

LINE_FIELDS = (
    Field("cost_code", N_("Cost code"), Kind.CODE, required=True, code_kind="cost_code"),
    Field("description", N_("Description"), Kind.TEXT),
)


def schedule_of_values(statuses: tuple[str, ...]) -> Section:
    """Return the lines whose sum is the original amount, open in `statuses`."""
    return Section(
        "sov",
        N_("Schedule of values"),
        N_("Line"),
        N_("Add a line"),
        who=ADMINS,
        statuses=statuses,
        fields=(*LINE_FIELDS, Field("amount", N_("Amount"), Kind.MONEY, required=True)),
        takes_files=False,
        sums="amount",
        shown_if="shows_sov",
        closed_by="executed",
        empty=N_("No lines yet. Their sum is the original amount."),
    )


def step(
    key: str,
    label: str,
    before: tuple[str, ...],
    after: str,
    *,
    needs: tuple[str, ...] = (),
    is_main: bool = False,
    undo: str = "",
) -> Transition:
    """Return a step that admins take; a contract is in nobody's court."""
    return Transition(
        key, label, before, after, ADMINS, Ball.NOBODY, needs=needs, is_main=is_main, undo=undo
    )
