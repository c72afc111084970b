"""Pictures of what is in a list, small and large: fetched when somebody looks, never with the list.

They come through here, so that no token and no address of Box's ever reaches a page.
"""

from collections.abc import Callable

from flask import Response
from werkzeug.exceptions import BadRequest

from webapp.box.client import BoxClient
from webapp.box.errors import BoxError
from webapp.box.items import is_item_id
from webapp.box.pictures import Picture
from webapp.picker.frame import opened_host, opened_target

KEPT_SECONDS = 300


def show_thumbnail(file_id: str) -> Response:
    """A picture for a row; nothing (204) while there is none, and when there will be none."""
    return _show(file_id, BoxClient.thumbnail)


def show_picture(file_id: str) -> Response:
    """A picture to look at, of a document its first page; 204 as for the small one."""
    return _show(file_id, BoxClient.picture)


def _show(file_id: str, draw: Callable[[BoxClient, str], Picture]) -> Response:
    if not is_item_id(file_id):
        raise BadRequest
    door = opened_host().box(opened_target())
    if door.client is None:
        return Response(status=204)
    try:
        picture = draw(door.client, file_id)
    except BoxError:
        # Whatever it was, the row stands without a picture, and the list has said what matters.
        return Response(status=204, headers={"Cache-Control": "no-store"})
    response = Response(picture.content, mimetype=picture.mimetype)
    response.cache_control.private = True
    response.cache_control.max_age = KEPT_SECONDS
    return response
