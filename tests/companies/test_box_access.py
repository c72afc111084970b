"""The rules for linking and attaching, as one table."""

import itertools

import pytest

from webapp.companies.box_access import Refusal, Standing, may_link, refusal_to_attach
from webapp.companies.models import Grant

ON, OFF = False, True


def company(grant: Grant, is_off: bool = ON, company_id: int = 1) -> Standing:
    return Standing(company_id, grant, is_off, is_withdrawn=grant is Grant.WITHDRAWN)


ENABLED = company(Grant.GRANTED, company_id=2)
DISABLED = company(Grant.NONE, company_id=3)


@pytest.mark.parametrize(
    ("mine", "allowed"),
    [
        ([], False),
        ([company(Grant.NONE)], False),
        ([company(Grant.REQUESTED)], False),
        ([company(Grant.DECLINED)], False),
        ([company(Grant.WITHDRAWN)], False),
        ([company(Grant.GRANTED, OFF)], False),
        ([company(Grant.GRANTED)], True),
        ([company(Grant.NONE), ENABLED], True),
        ([company(Grant.GRANTED, OFF), ENABLED], True),
        ([company(Grant.GRANTED, OFF), DISABLED], False),
    ],
)
def test_who_may_link(mine: list[Standing], allowed: bool) -> None:
    assert may_link(mine) is allowed


# grant here, switch here, another of my companies, state of my link, outcome
TABLE = [
    # linked, and enabled here
    (Grant.GRANTED, ON, None, "active", None),
    # linked elsewhere: use follows the person into companies that never asked
    (Grant.NONE, ON, ENABLED, "active", None),
    (Grant.REQUESTED, ON, ENABLED, "active", None),
    (Grant.DECLINED, ON, ENABLED, "active", None),
    # ... but not where the grant was withdrawn, nor where the admin has switched it off
    (Grant.WITHDRAWN, ON, ENABLED, "active", Refusal.WITHDRAWN),
    (Grant.NONE, OFF, ENABLED, "active", Refusal.SWITCHED_OFF),
    (Grant.GRANTED, OFF, ENABLED, "active", Refusal.SWITCHED_OFF),
    (Grant.GRANTED, OFF, None, "active", Refusal.SWITCHED_OFF),
    # no company is left that lets its people link: the link is paused
    (Grant.NONE, ON, None, "active", Refusal.NOT_ENABLED),
    (Grant.REQUESTED, ON, None, "active", Refusal.NOT_ENABLED),
    (Grant.NONE, ON, DISABLED, "active", Refusal.NOT_ENABLED),
    # not linked, or not any more
    (Grant.GRANTED, ON, None, None, Refusal.NOT_LINKED),
    (Grant.NONE, ON, ENABLED, None, Refusal.NOT_LINKED),
    (Grant.GRANTED, ON, None, "relink_needed", Refusal.LINK_ENDED),
    # a key that was missing once has ended nothing
    (Grant.GRANTED, ON, None, "key_lost", None),
    # nobody is sent to link for a place where Box is off
    (Grant.WITHDRAWN, ON, ENABLED, None, Refusal.WITHDRAWN),
    (Grant.NONE, OFF, ENABLED, "relink_needed", Refusal.SWITCHED_OFF),
]


@pytest.mark.parametrize(("grant", "is_off", "other", "link", "outcome"), TABLE)
def test_who_may_attach_here(
    grant: Grant, is_off: bool, other: Standing | None, link: str | None, outcome: Refusal | None
) -> None:
    here = company(grant, is_off)
    mine = [here, *([other] if other else [])]
    found = refusal_to_attach(link_state=link, mine=mine, here=here, only_granted=False)
    assert found is outcome


def test_a_site_can_narrow_attaching_to_granted_companies() -> None:
    here = company(Grant.NONE)
    found = refusal_to_attach(
        link_state="active", mine=[here, ENABLED], here=here, only_granted=True
    )
    assert found is Refusal.NOT_GRANTED
    granted = refusal_to_attach(
        link_state="active", mine=[ENABLED], here=ENABLED, only_granted=True
    )
    assert granted is None


def test_every_combination_has_one_answer_and_may_attach_implies_may_link() -> None:
    states = ("active", "relink_needed", None)
    for grant, is_off, link, other in itertools.product(
        Grant, (ON, OFF), states, (None, ENABLED, DISABLED)
    ):
        here = company(grant, is_off)
        mine = [here, *([other] if other else [])]
        found = refusal_to_attach(link_state=link, mine=mine, here=here, only_granted=False)
        if found is None:
            assert link == "active"
            assert may_link(mine)
            assert not is_off
            assert grant is not Grant.WITHDRAWN
