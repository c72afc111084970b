"""Thumbnails, and the forms Box makes of files to show them.

Source: Box API reference "Get file thumbnail", "Get file information"; guides "Representations";
refusals and placeholders as recorded in box-java-sdk issue 478 and box-node-sdk issue 201.
"""

import re
from typing import Any
from urllib.parse import parse_qsl

from box_sandbox import previewing
from box_sandbox.api import errors
from box_sandbox.api.request import ApiCall
from box_sandbox.box import Box
from box_sandbox.content.body import Body
from box_sandbox.content.previews import picture
from box_sandbox.content.recipes import Recipe
from box_sandbox.messages import Reply, Request, Stretch
from box_sandbox.oauth import scopes
from box_sandbox.previewing import Form
from box_sandbox.world import Item, Version

# Of each format the widths there are. Source: API reference "Get file thumbnail".
THUMBNAILS = {"png": (32, 64, 128, 256), "jpg": (32, 160, 320)}
SIDE_MIN, SIDE_MAX = 32, 320
TYPES = {
    "png": "image/png",
    "jpg": "image/jpeg",
    "pdf": "application/pdf",
    "extracted_text": "text/plain; charset=utf-8",
}

_HINT = re.compile(r"\[([^\]]*)\]")
_CONTENT = re.compile(
    r"/api/2\.0/internal_files/(\d+)/versions/(\d+)/representations/(\w+)/content/(.*)"
)
_PLACEHOLDER = re.compile(r"/_assets/thumbs/32x32/(\w+)\.png")


# ---- thumbnails


def get_thumbnail(call: ApiCall, file_id: str, ending: str) -> Reply:
    """Answer GET /2.0/files/:id/thumbnail.png and .jpg."""
    call.require(scopes.PREVIEW)
    file = call.box.arrived(call.find("file", file_id))
    if not call.view(file).may_preview:
        raise errors.no_permission()
    size = _thumbnail_size(call, ending)
    if not previewing.sort_of(file.name):
        return Reply(302, (*errors.LIVE_HEADERS, ("Location", _placeholder(call.box, file))))
    if not file.current.recipe.size:
        raise errors.no_preview()
    box = call.box
    ready_at = file.current.created_at + box.settings.representation_seconds
    missing_s = ready_at - box.clock.now()
    if missing_s > 0:
        location = ("Location", _placeholder(box, file))
        return Reply(202, (*errors.LIVE_HEADERS, location, _retry_after(missing_s)))
    content = previewing.picture_of(file.current.recipe, ending, size)
    return Reply(200, (*errors.LIVE_HEADERS, ("Content-Type", TYPES[ending])), content)


def _thumbnail_size(call: ApiCall, ending: str) -> int:
    """Return the smallest size that meets the minimum, or without one the largest allowed.

    Raises 400 for sides beyond Box's and for limits that no size meets. Box does not say which of
    several fitting sizes it picks.
    """
    least = max(_side(call, "min_height"), _side(call, "min_width"))
    most = min(_side(call, "max_height") or SIDE_MAX, _side(call, "max_width") or SIDE_MAX)
    sizes = [size for size in THUMBNAILS[ending] if least <= size <= most]
    if not sizes:
        raise errors.no_such_thumbnail()
    return sizes[0] if least else sizes[-1]


def _side(call: ApiCall, name: str) -> int:
    """Return one limit of the query, 0 if it is not given."""
    if not call.request.args.get(name):
        return 0
    side = call.number(name, 0)
    if not SIDE_MIN <= side <= SIDE_MAX:
        raise errors.no_such_thumbnail()
    return side


def _placeholder(box: Box, file: Item) -> str:
    """Return the address of a picture that stands for a type of file."""
    ending = re.sub(r"\W", "", file.name.rpartition(".")[2], flags=re.ASCII).lower()
    return f"{box.urls.download}/_assets/thumbs/32x32/{ending or 'file'}.png"


def _retry_after(seconds: float) -> tuple[str, str]:
    return "Retry-After", str(max(1, round(seconds)))


# ---- representations


def of_file(call: ApiCall, file: Item) -> dict[str, Any]:
    """Return the field `representations`: all there can be, or those of the X-Rep-Hints header."""
    may_preview = call.view(file, call.opened).may_preview
    if not (scopes.permits(call.caller.scopes, scopes.PREVIEW) and may_preview):
        return {"entries": []}
    forms = previewing.forms_of(file)
    hints = call.request.headers.get("x-rep-hints")
    if hints is None:
        # Without a hint the list tells neither state nor content (guide "List all").
        return {"entries": [_listed(call.box, file, form) for form in forms]}
    return {"entries": [_whole(call.box, file, form) for form in _hinted(forms, hints)]}


def get_info(call: ApiCall, file_id: str, version_id: str, name: str) -> Reply:
    """Answer GET on a representation's info.url, which also has it made."""
    call.require(scopes.PREVIEW)
    file, form = _wanted(call, file_id, version_id, name)
    _ask(call.box, file.current, form)
    return call.json(_whole(call.box, file, form))


def _wanted(call: ApiCall, file_id: str, version_id: str, name: str) -> tuple[Item, Form]:
    """Return what a representation's address names; raises 404 for what there is not."""
    file = call.find("file", file_id, by_link=True)
    forms = previewing.forms_of(file) if version_id == file.current.id else []
    form = next((form for form in forms if form.name == name), None)
    if form is None or not call.view(file, call.opened).may_preview:
        raise errors.no_such_path()
    return file, form


def _hinted(forms: list[Form], hints: str) -> list[Form]:
    """Return the wanted forms: of each pair of brackets the first alternative there is."""
    found: list[Form] = []
    for alternatives in _HINT.findall(hints):
        fitting = (form for hint in alternatives.split(",") for form in forms if _fits(form, hint))
        form = next(fitting, None)
        if form and form not in found:
            found.append(form)
    return found


def _fits(form: Form, hint: str) -> bool:
    kind, _, query = hint.strip().partition("?")
    wanted = dict(parse_qsl(query))
    told = _properties(form)
    return kind == form.kind and all(told.get(name) == value for name, value in wanted.items())


def _properties(form: Form) -> dict[str, str]:
    if not form.size:
        return {}
    return {
        "dimensions": form.dimensions,
        "paged": str(form.is_paged).lower(),
        "thumb": str(form.is_thumb).lower(),
    }


def _path(file: Item, form: Form) -> str:
    return f"internal_files/{file.id}/versions/{file.current.id}/representations/{form.name}"


def _listed(box: Box, file: Item, form: Form) -> dict[str, Any]:
    return {
        "representation": form.kind,
        "properties": _properties(form),
        "info": {"url": f"{box.urls.api}/2.0/{_path(file, form)}"},
    }


def _whole(box: Box, file: Item, form: Form) -> dict[str, Any]:
    content = f"{box.urls.download}/api/2.0/{_path(file, form)}/content/{{+asset_path}}"
    return _listed(box, file, form) | {
        "status": {"state": _state(box, file.current, form)},
        "content": {"url_template": content},
    }


def _state(box: Box, version: Version, form: Form) -> str:
    takes_s = box.settings.representation_seconds
    return box.workshop.state(version, form, now=box.clock.now(), takes_s=takes_s)


def _ask(box: Box, version: Version, form: Form) -> None:
    box.workshop.ask(version, form, now=box.clock.now())


# ---- the download origin


def download(box: Box, request: Request) -> Reply:
    """Answer GET on a representation's content, which wants the bearer that asked for it."""
    found = _CONTENT.fullmatch(request.path)
    if found is None:
        return _placeholder_picture(request)
    if request.method not in {"GET", "HEAD"}:
        return Reply(405, (errors.LIVE_HEADERS[0], ("Allow", "GET, HEAD")))
    token = request.bearer or request.args.get("access_token", "")
    caller = box.grants.caller(token, now=box.clock.now())
    if caller is None:
        return errors.unauthorized()
    file_id, version_id, name, asset = found.groups()
    call = ApiCall(box, request, caller)
    try:
        call.require(scopes.PREVIEW)
        file, form = _wanted(call, file_id, version_id, name)
        if form.asset != asset:
            raise errors.no_such_path()
    except errors.ApiError as refusal:
        return refusal.reply()
    return _content(box, file, form, request)


def _content(box: Box, file: Item, form: Form, request: Request) -> Reply:
    _ask(box, file.current, form)
    if _state(box, file.current, form) != "success":
        return Reply(202, (*errors.LIVE_HEADERS, _retry_after(box.settings.representation_seconds)))
    recipe = file.current.recipe
    body = previewing.content_of(recipe, form)
    headers = [("Content-Type", TYPES[form.kind]), ("X-Content-Type-Options", "nosniff")]
    disposition = request.args.get("set_content_disposition_type")
    if disposition in {"inline", "attachment"}:
        headers.append(("Content-Disposition", disposition))
    return Reply(200, (*headers, errors.LIVE_HEADERS[0]), Stretch(body, 0, body.size))


def _placeholder_picture(request: Request) -> Reply:
    found = _PLACEHOLDER.fullmatch(request.path)
    if found is None or request.method not in {"GET", "HEAD"}:
        return Reply(404, (errors.LIVE_HEADERS[0],))
    body = Body(picture(Recipe(found.group(1), 1), "png", SIDE_MIN))
    return Reply(200, (("Content-Type", TYPES["png"]),), Stretch(body, 0, body.size))
