"""The tools, in menu order. A further one is a module here and its line below."""

from webapp.tools.catalog import (
    bidding,
    documents,
    meetings,
    punch_list,
    rfis,
    submittals,
)
from webapp.tools.registry import TOOLS

TOOLS.add(bidding.TOOL)
TOOLS.add(rfis.TOOL)
TOOLS.add(submittals.TOOL)
TOOLS.add(meetings.TOOL)
TOOLS.add(punch_list.TOOL)
TOOLS.add(documents.TOOL)
