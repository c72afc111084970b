"""Shared links: their addresses, whom they let in, and what they let one do.

Source: Box API reference, resource Shared link; guide "Shared links".
"""

import re
from dataclasses import dataclass

from box_sandbox.tree import Tree
from box_sandbox.world import Item, Role, SharedLink

PAGE = "https://app.box.com/s/"
STATIC = "https://app.box.com/shared/static/"

_ADDRESS = re.compile(r"https?://(?:[a-z0-9-]+\.)*box\.com/s/([a-z0-9]+)/?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Opened:
    """What a link gives whoever holds it: an item and everything below it."""

    top: Item
    link: SharedLink

    @property
    def role(self) -> Role:
        return "previewer" if self.link.preview_only else "viewer"

    def covers(self, tree: Tree, item: Item) -> bool:
        return self.top.id in {item.id, *(folder.id for folder in tree.ancestors(item))}


def url(link: SharedLink) -> str:
    return f"{PAGE}{link.name}"


def name_in(address: str) -> str | None:
    """Return the name of the link at an address, or None for an address of something else."""
    found = _ADDRESS.fullmatch(address)
    return found.group(1).lower() if found else None


def admits(tree: Tree, account_id: str, item: Item, link: SharedLink, *, now: float) -> bool:
    """True if a link that has not ended lets this account in; a password is asked for elsewhere."""
    if not link.is_live(now):
        return False
    if link.access == "open" or tree.role(account_id, item) is not None:
        return True
    owner, visitor = tree.account(item.owner_id), tree.account(account_id)
    return link.access == "company" and owner.enterprise == visitor.enterprise
