"""The endpoints of /_control.

    POST   reset                        everything as freshly started
    GET    state                        a summary
    GET    world ?login= &path= | id=   one item: ids, digest, version
    GET    tokens                       every token string issued, with kind, user, live or not
    GET    faults                       the rules with their hits; POST adds, DELETE drops all
    GET    gates ?wait=NAME &seconds=   how many calls wait at each gate
    POST   release {gate}               let them go on
    GET    settings                     now; POST changes some
    POST   clock {advance_s}
    POST   revoke {login}               as if the person removed the app in Box
    POST   files {op, ...} | {ops: []}  changes to files and folders
    GET    calls                        counts and log; DELETE forgets them

Only a loopback peer that also names a loopback host gets in, so that neither a proxy in front of
the sandbox nor a web page in somebody's browser can turn anything.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from box_sandbox import sharing
from box_sandbox.box import Box
from box_sandbox.changes import BadChange
from box_sandbox.faults import BadRule, Rule
from box_sandbox.hashes import sha1_of
from box_sandbox.messages import Reply, Request, json_reply
from box_sandbox.oauth.clients import LOOPBACK_NAMES
from box_sandbox.settings import BadSetting
from box_sandbox.tree import Tree
from box_sandbox.world import Item

GATE_WAIT_MAX_SECONDS = 30.0


class BadCall(Exception):
    """A control that cannot be turned this way; the text says why."""


def answer(box: Box, request: Request) -> Reply:
    """Return the reply to a call of /_control."""
    if not _is_local(request):
        return json_reply(403, {"error": "the controls are for this machine only"})
    if request.method == "POST" and "json" not in request.headers.get("content-type", "json"):
        return json_reply(415, {"error": "send application/json"})
    turn = _CONTROLS.get((request.method, request.path.removeprefix("/_control/")))
    if turn is None:
        return json_reply(404, {"error": f"no control {request.method} {request.path}"})
    try:
        return json_reply(200, turn(box, request))
    except (BadCall, BadChange, BadRule, BadSetting) as problem:
        return json_reply(400, {"error": str(problem)})
    except (ValueError, TypeError, KeyError) as problem:
        return json_reply(400, {"error": f"not understood: {problem!r}"})


def _is_local(request: Request) -> bool:
    name = urlsplit(f"//{request.headers.get('host', '')}").hostname
    is_loopback = request.peer.startswith("127.") or request.peer in {"::1", "::ffff:127.0.0.1"}
    return is_loopback and name in LOOPBACK_NAMES


def _reset(box: Box, _request: Request) -> dict[str, Any]:
    box.reset()
    return {"reset": True}


def _state(box: Box, _request: Request) -> dict[str, Any]:
    now = box.clock.now()
    return {
        "urls": asdict(box.urls),
        "today": box.today.isoformat(),
        "clock_offset_s": box.clock.offset_s,
        "settings": asdict(box.settings),
        "accounts": [a.login for a in box.tree.base.accounts.values()],
        "items": len(box.tree.base.items),
        "changed_items": len(box.tree.changed_items()),
        "tokens_live": sum(entry["live"] for entry in box.grants.known(now=now)),
        "faults": len(box.faults.rules),
        "calls": box.calls.to_json()["total"],
    }


def _world(box: Box, request: Request) -> dict[str, Any]:
    args = request.args
    item = box.tree.item(args["id"]) if "id" in args else _at_path(box, args)
    if item is None:
        raise BadCall(f"there is nothing at {args.get('path') or args.get('id')!r}")
    return item_facts(box.tree, item)


def _at_path(box: Box, args: dict[str, str]) -> Item | None:
    account = box.account(args.get("login", "devon"))
    if account is None:
        raise BadCall(f"there is no account {args.get('login')!r}")
    return box.tree.at_path(account, args.get("path", "/"))


def item_facts(tree: Tree, item: Item) -> dict[str, Any]:
    """Return what a test wants to know about an item."""
    facts: dict[str, Any] = {
        "type": item.kind,
        "id": "0" if item.is_root else item.id,
        "name": item.name,
        "etag": str(item.etag),
        "size": tree.size(item),
        "status": item.status,
        "owner": tree.account(item.owner_id).login,
    }
    if item.shared_link:
        facts["shared_link"] = sharing.url(item.shared_link)
    if item.kind == "file":
        facts |= {
            "sha1": sha1_of(item.current.recipe),
            "version_id": item.current.id,
            "version_number": str(item.current.number),
            "versions": [
                {
                    "id": version.id,
                    "number": str(version.number),
                    "size": version.recipe.size,
                    "sha1": sha1_of(version.recipe),
                }
                for version in item.versions
            ],
        }
    if item.kind == "folder":
        facts["count"] = len(tree.listing(item))
    return facts


def _tokens(box: Box, _request: Request) -> dict[str, Any]:
    known = [
        {
            "token": entry["token"],
            "kind": entry["kind"],
            "user": box.login(entry["account_id"]),
            "live": entry["live"],
        }
        for entry in box.grants.known(now=box.clock.now())
    ]
    known += [
        {
            "token": secret,
            "kind": "download_link",
            "user": box.login(box.links.owner(secret)),
            "live": box.links.find(secret, now=box.clock.now()) is not None,
        }
        for secret in box.links.known()
    ]
    now = box.clock.now()
    for secret in box.zips.known():
        made = box.zips.find(secret)
        if made:
            is_live = made.begun_at is None and now < made.until
            user = box.login(made.account_id)
            known.append({"token": secret, "kind": "zip_link", "user": user, "live": is_live})
    return {"tokens": known}


def _add_faults(box: Box, request: Request) -> dict[str, Any]:
    rules = [Rule.from_json(given) for given in request.json()["rules"]]
    box.faults.add(rules)
    return {"rules": len(box.faults.rules)}


def _drop_faults(box: Box, _request: Request) -> dict[str, Any]:
    box.faults.clear()
    return {"rules": 0}


def _faults(box: Box, _request: Request) -> dict[str, Any]:
    return {
        "rules": [rule.source | {"seen": rule.seen, "hits": rule.hits} for rule in box.faults.rules]
    }


def _gates(box: Box, request: Request) -> dict[str, Any]:
    wanted = request.args.get("wait")
    seconds = min(float(request.args.get("seconds", 5)), GATE_WAIT_MAX_SECONDS)
    return {"gates": box.faults.gates.waiting(wanted, seconds=seconds)}


def _release(box: Box, request: Request) -> dict[str, Any]:
    return {"released": box.faults.gates.release(str(request.json()["gate"]))}


def _settings(box: Box, _request: Request) -> dict[str, Any]:
    return asdict(box.settings)


def _change_settings(box: Box, request: Request) -> dict[str, Any]:
    box.settings = box.settings.changed(request.json())
    return asdict(box.settings)


def _clock(box: Box, request: Request) -> dict[str, Any]:
    box.advance(float(request.json()["advance_s"]))
    return {"offset_s": box.clock.offset_s, "now": box.clock.now()}


def _revoke(box: Box, request: Request) -> dict[str, Any]:
    account = box.account(str(request.json()["login"]))
    if account is None:
        raise BadCall("there is no such account")
    return {"grants_ended": box.grants.revoke_account(account.id)}


def _change_files(box: Box, request: Request) -> dict[str, Any]:
    given = request.json()
    changes = given.get("ops", [given])
    now = box.clock.now()
    items = [box.changes.apply(change, at=now) for change in changes]
    facts = [item_facts(box.tree, item) for item in items]
    return {"items": facts} if "ops" in given else facts[0]


def _calls(box: Box, _request: Request) -> dict[str, Any]:
    return box.calls.to_json()


def _forget_calls(box: Box, _request: Request) -> dict[str, Any]:
    box.calls.reset()
    return {"total": 0}


_CONTROLS: dict[tuple[str, str], Callable[[Box, Request], dict[str, Any]]] = {
    ("POST", "reset"): _reset,
    ("GET", "state"): _state,
    ("GET", "world"): _world,
    ("GET", "tokens"): _tokens,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _add_faults,
    ("DELETE", "faults"): _drop_faults,
    ("GET", "gates"): _gates,
    ("POST", "release"): _release,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _change_settings,
    ("POST", "clock"): _clock,
    ("POST", "revoke"): _revoke,
    ("POST", "files"): _change_files,
    ("GET", "calls"): _calls,
    ("DELETE", "calls"): _forget_calls,
}
