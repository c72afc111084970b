"""`flask people add-manager`: how the first person of a new Plumbline comes in."""

import pytest
from click.testing import Result
from flask import Flask

from tests.support.pages import PASSWORD, Visitor
from tests.support.world import World

SECRET = "words that nobody guesses"


def add(app: Flask, *arguments: str, typed: str = f"{SECRET}\n{SECRET}\n") -> Result:
    return app.test_cli_runner().invoke(args=["people", "add-manager", *arguments], input=typed)


def test_a_manager_is_added_and_signs_in(app: Flask) -> None:
    done = add(app, "Ines@Plumbline.example", "Ines Farrow")
    assert done.exit_code == 0, done.output
    assert SECRET not in done.output
    ines = Visitor(app).sign_in("ines@plumbline.example", SECRET)
    page = ines.get("/")
    assert page.h1 == "Box requests"
    assert "New company" in page.links()


@pytest.mark.parametrize(
    ("arguments", "typed", "why"),
    [
        (("nobody", "Ines"), f"{SECRET}\n{SECRET}\n", "e-mail address"),
        (("ines@plumbline.example", "  "), f"{SECRET}\n{SECRET}\n", "Give a name"),
        (("ines@plumbline.example", "I" * 201), f"{SECRET}\n{SECRET}\n", "Give a name"),
        (("ines@plumbline.example", "Ines"), "short\nshort\n", "12 to 200"),
    ],
)
def test_what_cannot_be_is_refused(
    app: Flask, arguments: tuple[str, ...], typed: str, why: str
) -> None:
    done = add(app, *arguments, typed=typed)
    assert done.exit_code == 2
    assert why in done.output


def test_an_address_that_somebody_has_is_left_alone(app: Flask, world: World) -> None:
    done = add(app, world.email("bob"), "Bob Again")
    assert done.exit_code == 2
    assert "has this address already" in done.output
    bob = Visitor(app).sign_in(world.email("bob"))
    bob.get("/companies/new", expect=404)


def test_a_lost_password_is_replaced_and_every_session_ends(
    app: Flask, world: World, bob: Visitor
) -> None:
    done = app.test_cli_runner().invoke(
        args=["people", "set-password", world.email("bob").upper()], input=f"{SECRET}\n{SECRET}\n"
    )
    assert done.exit_code == 0, done.output
    assert bob.get("/", expect=303).response.location.startswith("/sign-in")
    stale = Visitor(app)
    refused = stale.submit(
        stale.get("/sign-in"), "/sign-in", email=world.email("bob"), password=PASSWORD, expect=None
    )
    assert refused.status == 422
    assert Visitor(app).sign_in(world.email("bob"), SECRET).get("/").h1 == "Your projects"


@pytest.mark.parametrize("email", ["nobody@acme.example", "not an address"])
def test_nobody_gets_no_password(app: Flask, email: str) -> None:
    done = app.test_cli_runner().invoke(
        args=["people", "set-password", email], input=f"{SECRET}\n{SECRET}\n"
    )
    assert done.exit_code == 2
    assert "Nobody signs in" in done.output
