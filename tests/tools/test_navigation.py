"""The navigation: every tool one may see in the list of tools, a few of them under the thumb."""

from collections.abc import Callable

from flask import Flask

from tests.support.pages import Page, Visitor
from tests.support.world import World
from webapp.companies.models import Level, ProjectMember, ToolLevel
from webapp.core.database import db
from webapp.tools.registry import TOOLS

SignIn = Callable[[str], Visitor]


def words_in(page: Page, label: str) -> list[str]:
    """Return the words of the links of one navigation."""
    (nav,) = page.all("nav", aria_label=label)
    return [" ".join("".join(a.itertext()).split()) for a in nav.iter() if a.tag.endswith("}a")]


def test_a_phone_has_room_for_five(alice: Visitor, world: World) -> None:
    page = alice.get(f"/projects/{world.tower}")
    assert words_in(page, "Shortcuts") == ["Home", "RFIs", "Drawings", "Punch", "All tools"]
    assert len(list(TOOLS)) > 4


def test_who_sees_none_of_the_pinned_tools_finds_others_there(
    app: Flask, signed_in: SignIn, world: World
) -> None:
    rita = world.people["rita"]
    with app.app_context():
        db.session.query(ProjectMember).filter_by(person_id=rita).update({"level": Level.NONE})
        db.session.query(ToolLevel).filter_by(person_id=rita).delete()
        for key in ("meetings", "documents"):
            db.session.add(
                ToolLevel(project_id=world.tower, person_id=rita, tool_key=key, level=Level.READ)
            )
        db.session.commit()
        db.session.remove()
    page = signed_in("rita").get(f"/projects/{world.tower}")
    assert words_in(page, "Shortcuts") == ["Home", "Meetings", "Docs", "All tools"]
