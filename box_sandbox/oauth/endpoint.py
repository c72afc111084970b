"""The token endpoint: code exchange, refresh, downscoping, and revocation.

Source: Box API reference "Request access token", "Revoke access token"; guides "Downscope" and
"Refresh a token". Error texts are those clients have recorded from the live service.
"""

import re
from typing import Any

from box_sandbox.api.represent import View, mini
from box_sandbox.box import Box
from box_sandbox.messages import Reply, Request, json_reply
from box_sandbox.oauth import scopes
from box_sandbox.oauth.clients import Client
from box_sandbox.oauth.grants import Caller, Downscoped, OAuthError, Pair

NO_STORE = (("Cache-Control", "no-store"),)
ACCESS_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a type's name
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # likewise
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"

_RESOURCE = re.compile(r"/2\.0/(files|folders)/(\d{1,20})$")
_BAD_TYPE = OAuthError("invalid_request", "Invalid grant_type parameter or parameter missing")
_BAD_RESOURCE = OAuthError("invalid_resource", "The target resource is invalid")


def token(box: Box, request: Request) -> Reply:
    """Answer POST /oauth2/token."""
    try:
        payload = _granted(box, request.form)
    except OAuthError as refusal:
        return refused(refusal)
    return json_reply(200, payload, NO_STORE)


def revoke(box: Box, request: Request) -> Reply:
    """Answer POST /oauth2/revoke: an empty 200, also for a token nobody knows (RFC 7009)."""
    form = request.form
    try:
        client = _client(box, form)
        if not form.get("token"):
            raise OAuthError("invalid_request", "The token parameter is missing")
    except OAuthError as refusal:
        return refused(refusal)
    others_too = box.settings.revoke_kills_other_grants
    box.grants.revoke(form["token"], client.client_id, others_too=others_too)
    return Reply(200, NO_STORE)


def wrong_host(_box: Box, _request: Request) -> Reply:
    """Answer a token request that went to the account host: Box does not find its grant type."""
    return refused(_BAD_TYPE)


def refused(refusal: OAuthError) -> Reply:
    body = {"error": refusal.error, "error_description": refusal.description}
    return json_reply(refusal.status, body, NO_STORE)


def _granted(box: Box, form: dict[str, str]) -> dict[str, Any]:
    grant_type = form.get("grant_type")
    if grant_type == TOKEN_EXCHANGE:
        return _exchange(box, form)
    if grant_type not in {
        "authorization_code",
        "refresh_token",
        "client_credentials",
        JWT_BEARER,
    }:
        raise _BAD_TYPE
    client = _client(box, form)
    now = box.clock.now()
    if grant_type == "authorization_code":
        pair = box.grants.redeem_code(
            form.get("code", ""), client.client_id, now=now, lives=box.lives
        )
    elif grant_type == "refresh_token":
        pair = box.grants.redeem_refresh(
            form.get("refresh_token", ""),
            client.client_id,
            now=now,
            lives=box.lives,
            is_strict=box.settings.strict_refresh,
        )
    else:
        raise OAuthError("invalid_request", "The grant type is unauthorized for this client_id")
    return _pair_json(pair, now)


def _client(box: Box, form: dict[str, str]) -> Client:
    """Return the app that authenticates itself in the body; Box does not read Basic."""
    client = box.clients.get(form.get("client_id", ""))
    if client:
        secret = box.settings.client_secret or client.secret
        if form.get("client_secret", "") == secret:
            return client
    raise OAuthError("invalid_client", "The client credentials are invalid")


def _pair_json(pair: Pair, now: float) -> dict[str, Any]:
    return {
        "access_token": pair.access,
        "expires_in": max(0, int(pair.access_until - now)),
        "restricted_to": [],
        "refresh_token": pair.refresh,
        "token_type": "bearer",
    }


# ---- downscoping


def _exchange(box: Box, form: dict[str, str]) -> dict[str, Any]:
    """Exchange an access token for a weaker one; the app itself need not authenticate."""
    now = box.clock.now()
    caller = box.grants.caller(form.get("subject_token", ""), now=now)
    if form.get("subject_token_type") != ACCESS_TOKEN_TYPE:
        raise OAuthError("invalid_request", "Invalid subject_token_type parameter")
    if caller is None:
        raise OAuthError("invalid_grant", "The subject token is invalid")
    wanted = frozenset(form.get("scope", "").split())
    if not wanted or wanted - scopes.KNOWN:
        raise OAuthError("invalid_scope", "The requested scope is invalid")
    if wanted - scopes.implied(caller.scopes):
        raise OAuthError("unauthorized", "The token lacks the requested scope", status=401)
    resource = _resource(box, caller, form)
    child = box.grants.downscope(caller, wanted, resource, lives=box.lives, now=now)
    box.grants.used(caller.token, keep_downscoped=box.settings.downscoped_survive_refresh)
    return _downscoped_json(box, caller, child, now)


def _resource(box: Box, caller: Caller, form: dict[str, str]) -> tuple[str, str] | None:
    """Return the file or folder a token shall be good for; raises OAuthError for a bad one."""
    if form.get("box_shared_link"):
        raise _BAD_RESOURCE
    if not form.get("resource"):
        return caller.resource
    found = _RESOURCE.search(form["resource"])
    if not found:
        raise _BAD_RESOURCE
    kind = found.group(1).removesuffix("s")
    item = box.tree.find(caller.account_id, kind, found.group(2))
    if item is None:
        raise _BAD_RESOURCE
    parent = caller.resource
    if parent and not box.tree.is_within(caller.account_id, item, parent[1]):
        raise _BAD_RESOURCE
    return kind, item.id


def _downscoped_json(box: Box, caller: Caller, child: Downscoped, now: float) -> dict[str, Any]:
    restricted = []
    item = box.tree.item(child.resource[1]) if child.resource else None
    if item:
        shown = mini(View(box.tree, caller.account_id, item))
        restricted = [{"scope": scope, "object": shown} for scope in child.scopes]
    return {
        "access_token": child.token,
        "expires_in": max(0, int(child.until - now)),
        "restricted_to": restricted,
        "token_type": "bearer",
        "issued_token_type": ACCESS_TOKEN_TYPE,
    }
