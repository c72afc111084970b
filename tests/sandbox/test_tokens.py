"""The token endpoint: lives, single use, the repeat window, downscoping, revocation, refusals."""

import pytest
import requests

from tests.sandbox.people import App, Browser
from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, DEVON, SandboxProcess

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
INVALID_TOKEN = (
    'Bearer realm="Service", error="invalid_token", '
    'error_description="The access token provided is invalid."'
)
SAFETY = "/Quillmark Projects/2317 Larkspur MOB/10 Safety"


def works(app: App, token: str) -> bool:
    status = app.get("/users/me", token=token).status_code
    assert status in {200, 401}
    return status == 200


def refusal(answer: requests.Response) -> tuple[int, str, str]:
    body = answer.json()
    assert body.keys() == {"error", "error_description"}
    return answer.status_code, body["error"], body["error_description"]


def refreshed(app: App, refresh_token: str) -> requests.Response:
    return app.token(grant_type="refresh_token", refresh_token=refresh_token)


def downscoped(app: App, scope: str, **more: str) -> requests.Response:
    return app.token(
        grant_type=EXCHANGE,
        subject_token=app.tokens.access,
        subject_token_type=ACCESS_TOKEN,
        scope=scope,
        **more,
    )


def folder_url(sandbox: SandboxProcess, path: str) -> str:
    return f"https://api.box.com/2.0/folders/{sandbox.world(path)['id']}"


# ---- shape and life


def test_tokens_have_boxs_lengths_and_a_mark_that_leaks_can_be_found_by(
    sandbox: SandboxProcess,
) -> None:
    app = App(sandbox)
    code = Browser(sandbox).grant()
    answer = app.token(grant_type="authorization_code", code=code)
    body = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert (len(body["access_token"]), len(body["refresh_token"])) == (32, 64)
    assert body["token_type"] == "bearer"
    assert body["restricted_to"] == []
    assert body["expires_in"] == 3600
    secrets = [code, body["access_token"], body["refresh_token"]]
    assert all(secret.startswith("TKN_") for secret in secrets)


def test_an_access_token_ends_after_an_hour_with_an_empty_401(
    sandbox: SandboxProcess, devon: App
) -> None:
    assert works(devon, devon.tokens.access)
    sandbox.advance(3601)
    answer = devon.get("/users/me")
    assert answer.status_code == 401
    assert answer.content == b""
    assert "Content-Type" not in answer.headers
    assert answer.headers["WWW-Authenticate"] == INVALID_TOKEN


@pytest.mark.parametrize("header", [None, "Bearer ", "Bearer nonsense", "Basic TKN_x"])
def test_no_token_is_the_same_as_a_wrong_one(devon: App, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    answer = devon.http.get(f"{devon.sandbox.api_url}/2.0/users/me", headers=headers, timeout=10)
    assert (answer.status_code, answer.content) == (401, b"")


# ---- codes


def test_a_code_is_good_once(sandbox: SandboxProcess) -> None:
    app = App(sandbox)
    code = Browser(sandbox).grant()
    app.exchange(code)
    again = app.token(grant_type="authorization_code", code=code)
    expected = "Auth code doesn't exist or is invalid for the client"
    assert refusal(again) == (400, "invalid_grant", expected)


def test_a_code_ends_after_thirty_seconds(sandbox: SandboxProcess) -> None:
    code = Browser(sandbox).grant()
    sandbox.advance(31)
    answer = App(sandbox).token(grant_type="authorization_code", code=code)
    assert refusal(answer) == (400, "invalid_grant", "The authorization code has expired")


def test_a_code_is_bound_to_its_app(sandbox: SandboxProcess) -> None:
    code = Browser(sandbox).grant()
    answer = App(sandbox).token(
        grant_type="authorization_code",
        code=code,
        client_id="other-dev",
        client_secret="other-dev-secret",
    )
    assert refusal(answer)[1] == "invalid_grant"


# ---- refreshing


def test_a_spent_refresh_token_repeats_the_same_pair_until_that_is_used(devon: App) -> None:
    first = devon.tokens
    once = refreshed(devon, first.refresh).json()
    again = refreshed(devon, first.refresh).json()
    assert again["access_token"] == once["access_token"] != first.access
    assert again["refresh_token"] == once["refresh_token"] != first.refresh
    assert works(devon, once["access_token"])
    answer = refreshed(devon, first.refresh)
    assert refusal(answer) == (400, "invalid_grant", "Refresh token has expired")


def test_the_old_access_token_works_until_the_new_one_is_used(devon: App) -> None:
    first = devon.tokens
    devon.refresh()
    assert works(devon, first.access)
    assert works(devon, devon.tokens.access)
    assert not works(devon, first.access)


def test_a_call_that_fails_does_not_end_the_old_pair(devon: App) -> None:
    first = devon.tokens
    devon.refresh()
    assert devon.get("/folders/1/items").status_code == 404
    assert works(devon, first.access)


def test_using_the_new_refresh_token_ends_the_old_pair(devon: App) -> None:
    first = devon.tokens
    devon.refresh()
    devon.refresh()
    assert not works(devon, first.access)
    assert refreshed(devon, first.refresh).status_code == 400


def test_a_repeated_refresh_says_how_long_the_pair_still_lives(
    sandbox: SandboxProcess, devon: App
) -> None:
    first = devon.tokens.refresh
    refreshed(devon, first)
    sandbox.advance(600)
    assert 2990 <= refreshed(devon, first).json()["expires_in"] <= 3000


def test_strict_boxes_refuse_a_spent_refresh_token_at_once(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.settings(strict_refresh=True)
    first = devon.tokens
    devon.refresh()
    answer = refreshed(devon, first.refresh)
    assert refusal(answer) == (400, "invalid_grant", "Refresh token has expired")
    assert works(devon, devon.tokens.access)


def test_a_refresh_token_ends_after_sixty_days(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.advance(60 * 24 * 3600 - 60)
    devon.refresh()
    sandbox.advance(60 * 24 * 3600 + 60)
    answer = refreshed(devon, devon.tokens.refresh)
    assert refusal(answer) == (400, "invalid_grant", "Refresh token has expired")


# ---- refusals


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ({}, ("invalid_request", "Invalid grant_type parameter or parameter missing")),
        (
            {"grant_type": "x"},
            ("invalid_request", "Invalid grant_type parameter or parameter missing"),
        ),
        ({"grant_type": "refresh_token"}, ("invalid_grant", "Invalid refresh token")),
        (
            {"grant_type": "client_credentials"},
            ("invalid_request", "The grant type is unauthorized for this client_id"),
        ),
        (
            {"grant_type": "refresh_token", "client_secret": "wrong"},
            ("invalid_client", "The client credentials are invalid"),
        ),
        (
            {"grant_type": "refresh_token", "client_id": ""},
            ("invalid_client", "The client credentials are invalid"),
        ),
    ],
)
def test_the_endpoint_refuses_in_boxs_words(
    devon: App, form: dict[str, str], expected: tuple[str, str]
) -> None:
    assert refusal(devon.token(**form)) == (400, *expected)


def test_credentials_in_a_basic_header_are_not_read(devon: App) -> None:
    answer = devon.http.post(
        f"{devon.sandbox.api_url}/oauth2/token",
        data={"grant_type": "refresh_token", "refresh_token": devon.tokens.refresh},
        auth=(CLIENT_ID, CLIENT_SECRET),
        timeout=10,
    )
    assert refusal(answer)[1] == "invalid_client"


def test_the_account_host_has_no_token_endpoint(devon: App) -> None:
    answer = devon.http.post(
        f"{devon.sandbox.account_url}/api/oauth2/token",
        data={"grant_type": "refresh_token"},
        timeout=10,
    )
    expected = "Invalid grant_type parameter or parameter missing"
    assert refusal(answer) == (400, "invalid_request", expected)


def test_a_changed_client_secret_is_an_invalid_client(sandbox: SandboxProcess, devon: App) -> None:
    sandbox.settings(client_secret="rotated")
    assert refusal(refreshed(devon, devon.tokens.refresh))[1] == "invalid_client"
    sandbox.settings(client_secret=None)
    assert refreshed(devon, devon.tokens.refresh).status_code == 200


# ---- downscoping


def test_a_downscoped_token_is_named_and_limited_like_boxs(
    sandbox: SandboxProcess, devon: App
) -> None:
    sandbox.advance(600)
    resource = folder_url(sandbox, SAFETY)
    body = downscoped(devon, "item_download base_explorer", resource=resource).json()
    assert body["access_token"].startswith("TKN_1!")
    assert "refresh_token" not in body
    assert body["issued_token_type"] == ACCESS_TOKEN
    assert 2990 <= body["expires_in"] <= 3000
    rows = {(row["scope"], row["object"]["name"]) for row in body["restricted_to"]}
    assert rows == {("item_download", "10 Safety"), ("base_explorer", "10 Safety")}


def test_a_token_without_item_download_cannot_download(sandbox: SandboxProcess, devon: App) -> None:
    file = sandbox.world(f"{SAFETY}/Hot work permit log.xlsx")["id"]
    looking = downscoped(devon, "base_explorer").json()["access_token"]
    assert devon.get(f"/files/{file}", token=looking).status_code == 200
    answer = devon.get(f"/files/{file}/content", token=looking)
    assert (answer.status_code, answer.json()["code"]) == (403, "insufficient_scope")
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]


def test_searching_needs_the_root_scope(devon: App) -> None:
    weak = downscoped(devon, "base_explorer item_download").json()["access_token"]
    strong = downscoped(devon, "base_explorer root_readonly").json()["access_token"]
    assert devon.get("/search", token=weak, query="plan").status_code == 403
    assert devon.get("/search", token=strong, query="plan").status_code == 200


def test_the_least_a_picker_needs_can_be_asked_for(sandbox: SandboxProcess, devon: App) -> None:
    token = downscoped(devon, "root_readonly item_download").json()["access_token"]
    file = sandbox.world(f"{SAFETY}/Hot work permit log.xlsx")["id"]
    assert devon.get("/folders/0/items", token=token).status_code == 200
    assert devon.get(f"/files/{file}/content", token=token).status_code == 302


def test_a_grant_to_read_only_lets_one_look_but_not_download(sandbox: SandboxProcess) -> None:
    app = App(sandbox).link(scope="root_readonly")
    file = sandbox.world(f"{SAFETY}/Hot work permit log.xlsx")["id"]
    assert app.get(f"/files/{file}").status_code == 200
    answer = app.get(f"/files/{file}/content")
    app.http.close()
    assert answer.json()["code"] == "access_denied_insufficient_permissions"


@pytest.mark.parametrize(
    ("scope", "resource", "status", "error"),
    [
        ("item_download", "https://api.box.com/2.0/files/1", 400, "invalid_resource"),
        ("item_download", "https://api.box.com/2.0/users/1", 400, "invalid_resource"),
        ("nonsense", "", 400, "invalid_scope"),
        ("", "", 400, "invalid_scope"),
        ("manage_webhook", "", 401, "unauthorized"),
    ],
)
def test_downscoping_refuses_what_is_not_there_or_not_allowed(
    devon: App, scope: str, resource: str, status: int, error: str
) -> None:
    assert refusal(downscoped(devon, scope, resource=resource))[:2] == (status, error)


@pytest.mark.parametrize("survives", [True, False])
def test_whether_downscoped_tokens_outlive_a_refresh_can_be_chosen(
    sandbox: SandboxProcess, devon: App, survives: bool
) -> None:
    sandbox.settings(downscoped_survive_refresh=survives)
    child = downscoped(devon, "base_explorer").json()["access_token"]
    devon.refresh()
    assert works(devon, child)
    assert works(devon, devon.tokens.access)
    assert works(devon, child) is survives


# ---- revoking


@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_revoking_either_token_ends_both(devon: App, kind: str) -> None:
    child = downscoped(devon, "base_explorer").json()["access_token"]
    answer = devon.revoke(getattr(devon.tokens, kind))
    assert (answer.status_code, answer.content) == (200, b"")
    assert not works(devon, devon.tokens.access)
    assert not works(devon, child)
    assert refusal(refreshed(devon, devon.tokens.refresh))[1] == "invalid_grant"


def test_revoking_an_unknown_token_is_no_error(devon: App) -> None:
    assert devon.revoke("TKN_unknown").status_code == 200
    assert works(devon, devon.tokens.access)


@pytest.mark.parametrize("kills", [False, True])
def test_what_revoking_does_to_another_grant_of_the_account_can_be_chosen(
    sandbox: SandboxProcess, devon: App, kills: bool
) -> None:
    sandbox.settings(revoke_kills_other_grants=kills)
    second = App(sandbox).link(DEVON)
    devon.revoke(devon.tokens.refresh)
    assert works(second, second.tokens.access) is not kills
    second.http.close()


def test_removing_the_app_in_box_ends_all_grants_of_the_account(
    sandbox: SandboxProcess, devon: App
) -> None:
    rosa = App(sandbox).link("rosa.imamura@boxmail.example")
    sandbox.revoke(DEVON)
    assert not works(devon, devon.tokens.access)
    assert works(rosa, rosa.tokens.access)
    rosa.http.close()
