"""What the help page tells: the tools that attach from Box, and the one that does not."""

from webapp.box_link.views import HelpFacts
from webapp.companies.box_access import only_granted
from webapp.core.text import N_, _

WITH_BOX = (
    N_("Emails"),
    N_("Bidding"),
    N_("Prime Contract"),
    N_("Commitments"),
    N_("Change Orders"),
    N_("RFIs"),
    N_("Submittals"),
    N_("Meetings"),
    N_("Daily Log (Notes)"),
    N_("Drawings"),
    N_("Directory"),
    N_("Punch List"),
)
WITHOUT_BOX = (N_("Documents"),)


def help_facts() -> HelpFacts:
    return HelpFacts(
        tools=tuple(_(label) for label in WITH_BOX),
        without=tuple(_(label) for label in WITHOUT_BOX),
        only_granted=only_granted(),
    )
