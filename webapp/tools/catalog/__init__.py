"""The tools, in menu order. A further one is a module here and its line below."""

from webapp.tools.catalog import (
    bidding,
    change_orders,
    commitments,
    daily_log,
    directory,
    documents,
    drawings,
    emails,
    meetings,
    prime_contract,
    punch_list,
    rfis,
    submittals,
)
from webapp.tools.registry import TOOLS

TOOLS.add(emails.TOOL)
TOOLS.add(bidding.TOOL)
TOOLS.add(prime_contract.TOOL)
TOOLS.add(commitments.TOOL)
TOOLS.add(change_orders.TOOL)
TOOLS.add(rfis.TOOL)
TOOLS.add(submittals.TOOL)
TOOLS.add(meetings.TOOL)
TOOLS.add(daily_log.TOOL)
TOOLS.add(drawings.TOOL)
TOOLS.add(directory.TOOL)
TOOLS.add(punch_list.TOOL)
TOOLS.add(documents.TOOL)
