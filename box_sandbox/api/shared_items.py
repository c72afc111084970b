"""What a shared link leads to. Source: Box API reference "Find file for shared link", "Find folder
for shared link"."""

from box_sandbox.api import errors
from box_sandbox.api.represent import standard, with_fields
from box_sandbox.api.request import ApiCall
from box_sandbox.messages import Reply
from box_sandbox.oauth import scopes


def get_shared_item(call: ApiCall) -> Reply:
    """Answer GET /2.0/shared_items: the file or folder of the link in the BoxApi header."""
    call.require(scopes.LOOK)
    opened = call.opened
    if opened is None:
        raise errors.missing_parameter("shared_link")
    item = call.find(opened.top.kind, opened.top.id, by_link=True)
    unchanged = call.not_modified(item)
    if unchanged:
        return unchanged
    view = call.view(item, opened)
    names = call.fields
    return call.json(standard(view) if names is None else with_fields(view, names))
