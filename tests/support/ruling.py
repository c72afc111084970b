"""A company's rules for files of Box, as its administrator sets them."""

from tests.support.pages import Page, Visitor
from tests.support.world import World

# Nobody's address: every owner but the person themself is from outside.
NOBODY = "acme.example"


def set_rules(
    admin: Visitor,
    world: World,
    *,
    outside: str = "allow",
    ours: str = NOBODY,
    classified: str = "allow",
    named: dict[str, str] | None = None,
    expect: int = 200,
) -> Page:
    """Save the form on the company's Box page and return the page that follows."""
    here = f"/companies/{world.acme}/settings/box"
    form = admin.get(here).form("/settings/box/rules")
    typed = {
        "outside": outside,
        "ours": ours,
        "classified": classified,
        "name": list(named or {}),
        "rule": list((named or {}).values()),
    }
    return admin.post(f"{here}/rules", {**form.values, **typed}, csrf=False, expect=expect)
