"""What holds for every route, read from the URL map: a new one is covered by existing."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from werkzeug.routing import Rule

from tests.support.pages import HOST, Visitor
from tests.support.storing import stored
from tests.support.world import World
from webapp.core.security import PUBLIC_ENDPOINTS
from webapp.tools.registry import TOOLS

SNAPSHOT = Path(__file__).with_name("routes.txt")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


def rules(app: Flask) -> list[Rule]:
    return sorted(app.url_map.iter_rules(), key=str)


def verbs(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def address(app: Flask, rule: Rule, world: World) -> str:
    """Fill a rule with the ids of what belongs to Alice's project."""
    values: dict[str, object] = {
        "project_id": world.tower,
        "company_id": world.acme,
        "record_id": world.rfi,
        "row_id": 1,
        "item_id": 1,
        "person_id": world.people["bob"],
        "group_id": 1,
        "template_id": 1,
        "invitation": "a-link-nobody-has-0",
        "invitation_id": 1,
        "reset": "a-link-nobody-has-0",
        "batch_id": 1,
        "attempt_id": 1,
        "public_id": "an-id-nobody-has-00",
        "folder_id": "0",
        "file_id": "1",
        "upload_id": "an-id-nobody-has-00",
        "section": "responses",
        "tool": TOOLS.get("rfis"),
        "version": "x",
        "filename": "css/base.css",
    }
    with app.test_request_context(headers={"Host": HOST}):
        given = {name: values[name] for name in rule.arguments}
        return str(app.url_map.bind(HOST).build(rule.endpoint, given))


def test_routes_change_only_on_purpose(app: Flask) -> None:
    """After a wanted change: run this test with UPDATE_ROUTES=1 in the environment."""
    import os

    found = "".join(f"{' '.join(verbs(rule)):9} {rule}\n" for rule in rules(app))
    if os.environ.get("UPDATE_ROUTES"):
        SNAPSHOT.write_text(found, encoding="utf-8")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def test_every_variable_in_a_path_is_typed(app: Flask) -> None:
    plain = {
        f"{rule}: {name}"
        for rule in rules(app)
        for name, converter in rule._converters.items()
        if type(converter).__name__ == "UnicodeConverter"
    }
    # The picker's folder is Box's id, which the view checks, and its uploads have the host's own;
    # the others are not ids at all.
    allowed = {"file_id", "folder_id", "upload_id", "section", "version"}
    assert {entry for entry in plain if entry.rpartition(": ")[2] not in allowed} == set()


def test_paths_are_lower_case_words_with_hyphens(app: Flask) -> None:
    for rule in rules(app):
        for part in str(rule).split("/"):
            if part and not part.startswith("<"):
                assert part == part.lower(), str(rule)
                assert "_" not in part, str(rule)


def test_strangers_are_turned_away_everywhere(app: Flask, world: World) -> None:
    stranger = Visitor(app)
    for rule in rules(app):
        if rule.endpoint in PUBLIC_ENDPOINTS:
            continue
        for verb in verbs(rule):
            answer = stranger.client.open(
                address(app, rule, world),
                method=verb,
                headers={"Host": HOST, "HX-Request": "true"},
                data={"csrf_token": stranger.token()} if verb in UNSAFE else None,
            )
            assert answer.status_code == 401, f"{verb} {rule} answered {answer.status_code}"
            assert answer.headers["HX-Redirect"] == "/sign-in"
            assert not answer.get_data()


def test_a_stranger_who_asks_for_a_page_is_sent_to_sign_in_and_then_there(
    app: Flask, world: World
) -> None:
    stranger = Visitor(app)
    page = stranger.get(f"/projects/{world.tower}/rfis?status=open")
    assert page.h1 == "Plumbline"
    answer = stranger.submit(
        page, "/sign-in", email=world.email("alice"), password="a long enough password"
    )
    assert answer.h1 == "RFIs"
    assert answer.response.request.query_string == b"status=open"


def alices(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in rules(app):
        if {"project_id", "company_id"} & rule.arguments:
            for verb in verbs(rule):
                yield rule, verb


def test_nobody_reaches_another_companys_addresses(
    app: Flask, world: World, signed_in: Callable[[str], Visitor]
) -> None:
    charlie = signed_in("charlie")
    token = charlie.token()
    for rule, verb in alices(app):
        answer = charlie.client.open(
            address(app, rule, world),
            method=verb,
            headers={"Host": HOST},
            data={"csrf_token": token} if verb in UNSAFE else None,
        )
        assert answer.status_code == 404, f"{verb} {rule} answered {answer.status_code}"


def test_absent_and_forbidden_look_the_same(
    app: Flask, world: World, signed_in: Callable[[str], Visitor]
) -> None:
    charlie = signed_in("charlie")
    foreign = charlie.get(f"/projects/{world.tower}/rfis/{world.rfi}", expect=404)
    absent = charlie.get("/projects/987654/rfis/987654", expect=404)
    assert _without_reference(foreign.text) == _without_reference(absent.text)


def _without_reference(text: str) -> str:
    before, _, after = text.partition("give them the reference ")
    return before + after.partition(" ")[2]


@pytest.mark.parametrize(
    "path",
    [
        "/projects/0/rfis",
        "/projects/01/rfis",
        "/projects/-1/rfis",
        "/projects/+1/rfis",
        "/projects/1e3/rfis",
        "/projects/٣/rfis",
        "/projects/99999999999999999999999999/rfis",
        "/projects/1/RFIS",
        "/projects/1/paperwork",
        "/projects/1/rfis/../../2",
        "/attachments/short",
    ],
)
def test_a_malformed_id_is_no_address(app: Flask, alice: Visitor, path: str) -> None:
    alice.get(path, expect=404)


def test_every_change_needs_the_token_of_the_session(
    app: Flask, world: World, alice: Visitor, bob: Visitor
) -> None:
    foreign = bob.token()
    for rule in rules(app):
        for verb in set(verbs(rule)) & UNSAFE:
            for data in ({}, {"csrf_token": "made up"}, {"csrf_token": foreign}):
                answer = alice.client.open(
                    address(app, rule, world), method=verb, headers={"Host": HOST}, data=data
                )
                assert answer.status_code == 400, f"{verb} {rule} answered {answer.status_code}"


def test_another_sites_page_cannot_change_anything(app: Flask, alice: Visitor) -> None:
    alice.post("/notices/read", headers={"Sec-Fetch-Site": "cross-site"}, expect=403)
    alice.post("/notices/read", headers={"Sec-Fetch-Site": "same-origin"})


def test_what_takes_a_form_answers_get_with_that_form_or_not_at_all(app: Flask) -> None:
    forms = {
        "accounts.sign_in",
        "accounts.profile",
        "accounts.security",
        "accounts.forgot_password",
        "accounts.reset_password",
    }
    both = {rule.endpoint for rule in rules(app) if {"GET", "POST"} <= set(verbs(rule))}
    assert both == forms
    # The protocol of uploads in parts has verbs of its own.
    others = [rule for rule in rules(app) if not set(verbs(rule)) <= {"GET", "POST"}]
    assert {rule.endpoint for rule in others} == {"attach.part", "row_attach.part"}


def test_looking_at_everything_changes_nothing(app: Flask, world: World, alice: Visitor) -> None:
    before = stored(app)
    for rule in rules(app):
        if "GET" in verbs(rule) and rule.endpoint != "box_link.callback":
            alice.client.get(address(app, rule, world), headers={"Host": HOST}).close()
    assert stored(app) == before


def test_every_answer_carries_the_headers(app: Flask, world: World, alice: Visitor) -> None:
    for path in ("/", "/nothing-here", f"/projects/{world.tower}/rfis/{world.rfi}", "/sign-in"):
        headers = alice.get(path, expect=None).response.headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"
        assert "Cookie" in headers["Vary"]


def test_only_our_own_host_names_are_answered(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/sign-in", headers={"Host": "evil.example"}).status_code == 400
    forged = {"Host": HOST, "X-Forwarded-Host": "evil.example"}
    assert client.get("/sign-in", headers=forged).status_code == 200


def test_one_loopback_name_is_kept_to(app: Flask) -> None:
    answer = app.test_client().get("/sign-in?x=1", headers={"Host": "localhost:8000"})
    assert answer.status_code == 302
    assert answer.location == f"http://{HOST}/sign-in?x=1"
