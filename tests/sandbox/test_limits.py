"""Box's rate limits hold for each person, say how long to wait, and can be switched off."""

from tests.sandbox.people import App
from tests.sandbox.process import SandboxProcess


def at_a_full_minute(sandbox: SandboxProcess) -> None:
    """Put the clock just behind a minute's start, so that a window does not end meanwhile."""
    now = sandbox.control("POST", "clock", {"advance_s": 0})["now"]
    sandbox.advance(60 - now % 60 + 0.001)


def test_the_seventh_search_within_a_second_is_refused(sandbox: SandboxProcess, devon: App) -> None:
    at_a_full_minute(sandbox)
    answers = [devon.get("/search", query="plan") for _ in range(7)]
    assert [answer.status_code for answer in answers] == [200] * 6 + [429]
    refused = answers[-1]
    assert refused.json()["code"] == "rate_limit_exceeded"
    assert refused.json()["message"] == "Request rate limit exceeded, please try again later"
    assert refused.headers["Retry-After"] == "1"
    sandbox.advance(1)
    assert devon.get("/search", query="plan").status_code == 200


def test_sixty_searches_a_minute_are_the_most(sandbox: SandboxProcess, devon: App) -> None:
    at_a_full_minute(sandbox)
    for _ in range(10):
        for _ in range(6):
            assert devon.get("/search", query="orthomosaic").status_code == 200
        sandbox.advance(1)
    answer = devon.get("/search", query="orthomosaic")
    assert answer.status_code == 429
    assert 40 <= int(answer.headers["Retry-After"]) <= 50


def test_a_thousand_calls_a_minute_are_the_most_for_one_person(
    sandbox: SandboxProcess, devon: App
) -> None:
    rosa = App(sandbox).link("rosa.imamura@boxmail.example")
    at_a_full_minute(sandbox)
    statuses = [devon.get("/users/me", fields="id").status_code for _ in range(1001)]
    assert statuses == [200] * 1000 + [429]
    for path in (
        "/recent_items",
        "/collections",
        "/shared_items",
        "/files/1/thumbnail.png",
        "/zip_downloads/1/status",
    ):
        assert devon.get(path).status_code == 429
    assert rosa.get("/users/me").status_code == 200
    sandbox.advance(60)
    assert devon.get("/users/me").status_code == 200
    rosa.http.close()


def test_the_limits_can_be_switched_off(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(rate_limits=False)
    statuses = {devon.get("/search", query="orthomosaic").status_code for _ in range(20)}
    assert statuses == {200}
