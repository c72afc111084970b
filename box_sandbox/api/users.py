"""Who the caller is. Source: Box API reference "Get current user", resource User."""

from collections.abc import Callable
from typing import Any

from box_sandbox.api.request import ApiCall
from box_sandbox.messages import Reply
from box_sandbox.oauth import scopes
from box_sandbox.times import rfc3339
from box_sandbox.tree import Tree
from box_sandbox.world import Account, make_id

SPACE_BYTES = 10 * 1024**4
UPLOAD_MAX_BYTES = 50 * 1024**3

_Field = Callable[[Tree, Account], Any]


def _when(tree: Tree, account: Account) -> str:
    root = tree.item(account.root_id)
    assert root is not None
    return rfc3339(root.created_at)


def _space_used(tree: Tree, account: Account) -> int:
    root = tree.item(account.root_id)
    assert root is not None
    return tree.size(root)


_STANDARD: dict[str, _Field] = {
    "name": lambda _tree, account: account.name,
    "login": lambda _tree, account: account.login,
    "created_at": _when,
    "modified_at": _when,
    "language": lambda _tree, _account: "en",
    "timezone": lambda _tree, _account: "America/Denver",
    "space_amount": lambda _tree, _account: SPACE_BYTES,
    "space_used": _space_used,
    "max_upload_size": lambda _tree, _account: UPLOAD_MAX_BYTES,
    "status": lambda _tree, _account: "active",
    "job_title": lambda _tree, account: account.job_title,
    "phone": lambda _tree, _account: "",
    "address": lambda _tree, _account: "",
    "avatar_url": lambda _tree, account: f"https://app.box.com/api/avatar/large/{account.id}",
    "notification_email": lambda _tree, _account: [],
}
_MORE: dict[str, _Field] = {
    "role": lambda _tree, _account: "user",
    "enterprise": lambda _tree, account: {
        "type": "enterprise",
        "id": make_id("enterprise", account.enterprise),
        "name": account.enterprise,
    },
    "hostname": lambda _tree, _account: "https://app.box.com/",
    "is_sync_enabled": lambda _tree, _account: True,
    "is_external_collab_restricted": lambda _tree, _account: False,
    "can_see_managed_users": lambda _tree, _account: True,
    "is_exempt_from_device_limits": lambda _tree, _account: False,
    "is_exempt_from_login_verification": lambda _tree, _account: False,
    "my_tags": lambda _tree, _account: [],
    "is_platform_access_only": lambda _tree, _account: False,
}
_FIELDS = _STANDARD | _MORE


def get_me(call: ApiCall) -> Reply:
    """Answer GET /2.0/users/me."""
    call.require(scopes.ANY)
    tree = call.box.tree
    account = tree.account(call.account_id)
    shown: dict[str, Any] = {"type": "user", "id": account.id}
    for name in call.fields or _STANDARD:
        field = _FIELDS.get(name)
        if field:
            shown[name] = field(tree, account)
    return call.json(shown)
