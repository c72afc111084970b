"""Fields that several tools have in common, so that each reads the same everywhere."""

from webapp.core.text import N_
from webapp.tools.registry import Field, Kind, Part

IMPACTS = (
    ("yes", N_("Yes")),
    ("yes_unknown", N_("Yes, unknown")),
    ("no", N_("No")),
    ("tbd", N_("To be determined")),
    ("n_a", N_("Not applicable")),
)

LOCATION = Field("location", N_("Location"), Kind.CODE, code_kind="location")
DISTRIBUTION = Field(
    "distribution", N_("Distribution"), Kind.PEOPLE, part=Part.DISTRIBUTION, groups=True
)

COST_AND_SCHEDULE = (
    Field("cost_impact", N_("Cost impact"), Kind.CHOICE, choices=IMPACTS),
    Field("cost_amount", N_("Cost amount"), Kind.MONEY, shown_with="cost_impact"),
    Field("schedule_impact", N_("Schedule impact"), Kind.CHOICE, choices=IMPACTS),
    Field(
        "schedule_days",
        N_("Schedule days"),
        Kind.WHOLE_NUMBER,
        shown_with="schedule_impact",
        unit=N_("days"),
    ),
)


def private(seen_by: str) -> Field:
    """Return the field that hides a record; `seen_by` says from whom not."""
    return Field("is_private", N_("Private"), Kind.YES_NO, help=seen_by)
