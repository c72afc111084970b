"""Subcontracts and purchase orders: private until somebody opens them to others."""

from webapp.tools.extensions.contracts import Contract


class Commitment(Contract):
    """A commitment begins as a private subcontract."""

    begins_with = {"type": "subcontract", "is_private": True}
