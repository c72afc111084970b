"""Every call Plumbline makes to Box's content API. All of them read; none writes.

A call is tried once, and once more after a 401 that led to a newer token. Waiting and trying again
belongs to the worker and to the person, never to a page that somebody is looking at.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Protocol
from urllib.parse import quote, urlsplit

import msgspec
import requests

from webapp.box import http, items, pictures
from webapp.box.errors import (
    BoxBadRequest,
    BoxBlocked,
    BoxBusy,
    BoxDenied,
    BoxItemGone,
    BoxNarrow,
    BoxNotReady,
    BoxOdd,
    BoxUnavailable,
)
from webapp.box.items import BoxItem, BoxUser, FolderPage, SearchPage
from webapp.box.pictures import Picture
from webapp.box.tokens import AccessToken

PAGE = 100
SEARCH_PAGE = 50
CONTENT_READ_SECONDS = 30.0
PICTURE_WAIT_SECONDS = 2.0
ERROR_BODY_MAX_BYTES = 64 * 1024

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")

BLOCKED_CODES = frozenset(
    {"forbidden_by_policy", "access_denied_item_locked", "access_denied_by_policy"}
)


class Bearer(Protocol):
    """Where the client gets its token from, and where it reports one that Box refused."""

    def bearer(self, refused: AccessToken | None = None) -> AccessToken: ...


@dataclass(frozen=True)
class Content:
    """An open download: read `response.raw`; `length` is what the host announced, if anything."""

    response: requests.Response
    length: int | None

    def cut(self) -> None:
        """End a read that waits for bytes in another thread; it finds the connection closed."""
        http.cut(self.response)


class BoxClient:
    """Box as one person sees it.

    `narrow` is called when Box says that the app's scopes do not cover a call, to tell those who
    can repair it.
    """

    def __init__(
        self,
        bearer: Bearer,
        *,
        api_url: str,
        download_origins: tuple[str, ...],
        session: requests.Session | None = None,
        narrow: Callable[[], None] = lambda: None,
    ) -> None:
        self._bearer = bearer
        self._api_url = api_url
        self._download_origins = frozenset(download_origins)
        self._http = session or _shared
        self._narrow = narrow

    def me(self) -> BoxUser:
        """Return the account the token speaks for. Source: "Get current user"."""
        return items.user(self._get("/2.0/users/me", {"fields": "id,name,login,enterprise"}))

    def list_folder(
        self,
        folder_id: str,
        *,
        marker: str | None = None,
        sort: str | None = None,
        direction: str | None = None,
        limit: int = PAGE,
    ) -> FolderPage:
        """Return one page of a folder, folders first, in Box's order.

        Only `next_marker` being None ends a folder; a short or empty page does not.
        Raises BoxItemGone (Box hides what you may not see), BoxBadRequest (a stale marker),
        BoxUnavailable, BoxLinkBroken.
        Source: "List items in folder": usemarker, limit at most 1000; no sort with markers on the
        root folder.
        """
        params = {"usemarker": "true", "limit": str(limit), "fields": items.LISTING_FIELDS}
        if marker:
            params["marker"] = marker
        if sort and folder_id != items.ROOT_ID:
            params |= {"sort": sort, "direction": direction or "ASC"}
        return items.folder_page(self._get(f"/2.0/folders/{_id(folder_id)}/items", params))

    def folder(self, folder_id: str) -> BoxItem:
        """Return a folder's name and path. Source: "Get folder information"."""
        return items.item(
            self._get(f"/2.0/folders/{_id(folder_id)}", {"fields": "name,path_collection"})
        )

    def file(self, file_id: str, *, seconds: float = http.CALL_SECONDS) -> BoxItem:
        """Return a file as it is now, within so many seconds. Source: "Get file information"."""
        fields = {"fields": items.FILE_FIELDS}
        return items.item(self._get(f"/2.0/files/{_id(file_id)}", fields, seconds=seconds))

    def shared_item(self, link: str) -> BoxItem:
        """Return the file or folder behind a shared link that lets this account in.

        Raises BoxItemGone for a link that has ended or is not for this account, BoxDenied (its
        text is Box's code) for one with a password.
        Source: "Find file for shared link", "Find folder for shared link".
        """
        headers = {"BoxApi": f"shared_link={quote(link, safe=':/')}"}
        params = {"fields": items.FILE_FIELDS}
        return items.item(self._get("/2.0/shared_items", params, headers))

    def recent_items(self, *, marker: str | None = None, limit: int = PAGE) -> FolderPage:
        """Return one page of what this account used in the last 90 days, newest first.

        Source: "List recently accessed items".
        """
        params = {"limit": str(limit), "fields": items.SEARCH_FIELDS}
        if marker:
            params["marker"] = marker
        return items.recents_page(self._get("/2.0/recent_items", params))

    def favorites_id(self) -> str:
        """Return which collection is this account's favorites. Source: "List all collections"."""
        return items.favorites_id(self._get("/2.0/collections", {"fields": "collection_type"}))

    def collection(self, collection_id: str, *, offset: int = 0, limit: int = PAGE) -> SearchPage:
        """Return one page of a collection. Source: "List collection items": offset paging only."""
        params = {"limit": str(limit), "offset": str(offset), "fields": items.SEARCH_FIELDS}
        path = f"/2.0/collections/{_id(collection_id)}/items"
        return items.search_page(self._get(path, params))

    def search(
        self,
        query: str,
        *,
        within: str | None = None,
        folders_only: bool = False,
        extensions: Sequence[str] = (),
        since: date | None = None,
        offset: int = 0,
        limit: int = SEARCH_PAGE,
    ) -> SearchPage:
        """Return one page of hits by name, in this folder and below, or everywhere.

        They can be folders only, files with one of these extensions, or what was changed on this
        day (UTC) or later. Box's index lags behind by minutes.
        Source: "Search for content": offset paging only.
        """
        params = {
            "query": query,
            "content_types": "name",
            "limit": str(limit),
            "offset": str(offset),
            "fields": items.SEARCH_FIELDS,
        }
        if within and within != items.ROOT_ID:
            params["ancestor_folder_ids"] = within
        if folders_only:
            params["type"] = "folder"
        if extensions:
            params["file_extensions"] = ",".join(extensions)
        if since:
            params["updated_at_range"] = f"{since.isoformat()}T00:00:00Z,"
        return items.search_page(self._get("/2.0/search", params))

    @contextmanager
    def content(self, file_id: str, *, version_id: str | None = None) -> Iterator[Content]:
        """Open a file's bytes in the chosen version; closed again at the end.

        Raises BoxNotReady (202), BoxItemGone, BoxDenied, BoxBlocked, BoxOdd for a redirect that
        leads anywhere but to the configured download hosts.
        Source: "Download file": 302 to a short-lived address that needs no authorization.
        """
        params = {"version": version_id} if version_id else {}
        response = self._authorized(f"/2.0/files/{_id(file_id)}/content", params)
        if response.status_code == 202:
            response.close()
            raise BoxNotReady(retry_after_s=http.retry_after_s(response))
        if response.status_code != 302:
            raise self._refused(response)
        target = self._download_target(response)
        download = http.call(
            self._http,
            requests.Request("GET", target, headers={"Accept-Encoding": "identity"}),
            read_seconds=CONTENT_READ_SECONDS,
        )
        try:
            if download.status_code != 200:
                raise _failure(download)
            length = download.headers.get("Content-Length", "")
            yield Content(download, int(length) if length.isdigit() else None)
        finally:
            download.close()

    def thumbnail(self, file_id: str) -> Picture:
        """Return a small picture of a file.

        Raises BoxNotReady while Box draws it, BoxItemGone when it draws none of such a file.
        Source: "Get file thumbnail": 202 and 302 lead to placeholders.
        """
        response = self._authorized(f"/2.0/files/{_id(file_id)}/thumbnail.jpg", pictures.SMALL)
        return _drawn(response)

    def picture(self, file_id: str) -> Picture:
        """Return a large picture of a file, of a document its first page.

        Raises BoxNotReady while Box draws it, which asking begins; BoxItemGone when it draws none.
        Source: guide "Get a thumbnail representation": x-rep-hints, info.url, url_template.
        """
        headers = {"x-rep-hints": pictures.LARGE_HINT}
        params = {"fields": "representations"}
        form = pictures.large(self._get(f"/2.0/files/{_id(file_id)}", params, headers))
        if not form.is_begun and form.info.url.startswith(f"{self._api_url}/"):
            self._get(form.info.url.removeprefix(self._api_url), {})
        if not form.is_ready:
            raise BoxNotReady(retry_after_s=PICTURE_WAIT_SECONDS)
        address = self._checked(form.address)
        headers = {"Authorization": f"Bearer {self._bearer.bearer().value}"}
        return _drawn(http.call(self._http, requests.Request("GET", address, headers=headers)))

    def _download_target(self, response: requests.Response) -> str:
        """Return the address to follow, by our own hand and only to a host we were told of."""
        location = response.headers.get("Location", "")
        http.body(response, limit=ERROR_BODY_MAX_BYTES)
        return self._checked(location)

    def _checked(self, location: str) -> str:
        """Return an address of a host we were told of; BoxOdd for any other."""
        if _UNSAFE.search(location):
            # Parsers disagree about these, so what is checked might not be what is called.
            raise BoxOdd("a redirect to no address")
        try:
            parts = urlsplit(location)
            host, port = (parts.hostname or "").rstrip("."), parts.port
        except ValueError:
            raise BoxOdd("a redirect to no address") from None
        default = {"http": 80, "https": 443}.get(parts.scheme)
        name = f"[{host}]" if ":" in host else host
        origin = f"{parts.scheme}://{name}" + (f":{port}" if port and port != default else "")
        if origin not in self._download_origins or parts.username or parts.password:
            raise BoxOdd("a redirect to a host that is none of Box's")
        return location

    def _get(
        self,
        path: str,
        params: dict[str, str],
        headers: dict[str, str] | None = None,
        *,
        seconds: float = http.CALL_SECONDS,
    ) -> bytes:
        response = self._authorized(path, params, headers, seconds=seconds)
        if response.status_code != 200:
            raise self._refused(response)
        return http.body(response, seconds=seconds)

    def _refused(self, response: requests.Response) -> Exception:
        """Return the exception for an answer that is no success."""
        error = _failure(response)
        if isinstance(error, BoxNarrow):
            self._narrow()
        return error

    def _authorized(
        self,
        path: str,
        params: dict[str, str],
        headers: dict[str, str] | None = None,
        *,
        seconds: float = http.CALL_SECONDS,
    ) -> requests.Response:
        request = requests.Request(
            "GET", self._api_url + path, params=params, headers=dict(headers or {})
        )
        token = self._bearer.bearer()
        response = self._send(request, token, seconds)
        if response.status_code != 401:
            return response
        response.close()
        token = self._bearer.bearer(refused=token)
        response = self._send(request, token, seconds)
        if response.status_code == 401:
            response.close()
            raise BoxUnavailable("Box refuses a token it has just issued")
        return response

    def _send(
        self, request: requests.Request, token: AccessToken, seconds: float
    ) -> requests.Response:
        request.headers["Authorization"] = f"Bearer {token.value}"
        patience = min(seconds, http.READ_SECONDS)
        return http.call(self._http, request, read_seconds=patience)


def _drawn(response: requests.Response) -> Picture:
    """Return the picture in an answer, or raise why there is none."""
    if response.status_code == 200:
        content = http.body(response, limit=pictures.PICTURE_MAX_BYTES)
        return pictures.picture(content, response.headers.get("Content-Type", ""))
    response.close()
    if response.status_code == 202:
        raise BoxNotReady(retry_after_s=http.retry_after_s(response))
    if response.status_code in (302, 404):
        raise BoxItemGone("no preview")
    raise _failure(response)


def _id(text: str) -> str:
    """Return an id that may stand in a path; Box would answer the same for what is none."""
    if not items.is_item_id(text):
        raise BoxItemGone("no id")
    return text


class _ErrorReply(msgspec.Struct):
    code: str = ""


def _failure(response: requests.Response) -> Exception:
    """Return the exception for an answer that is no success; its body is read and given back.

    Source: Box API reference, "Client errors" and the guide "Common errors".
    """
    status = response.status_code
    wait = http.retry_after_s(response)
    code = _error_code(response)
    if status == 429:
        return BoxBusy(code, retry_after_s=wait)
    if status == 503 and "Retry-After" in response.headers:
        return BoxBusy(code, retry_after_s=wait)
    if status >= 500:
        return BoxUnavailable(f"{status} {code}")
    if status in {404, 405, 410}:
        return BoxItemGone(code)
    if code == "insufficient_scope":
        return BoxNarrow(code)
    if status == 403:
        return BoxBlocked(code) if code in BLOCKED_CODES else BoxDenied(code)
    if status in {400, 412, 416}:
        return BoxBadRequest(code)
    return BoxOdd(f"{status} {code}")


def _error_code(response: requests.Response) -> str:
    try:
        text = http.body(response, limit=ERROR_BODY_MAX_BYTES)
        return msgspec.json.decode(text, type=_ErrorReply).code[:80]
    except (msgspec.MsgspecError, BoxUnavailable):
        return ""


_shared = http.session()
