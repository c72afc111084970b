"""One API call, with what every endpoint needs: who calls, what they may see, what they ask for."""

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import unquote

from box_sandbox import sharing
from box_sandbox.api import errors
from box_sandbox.api.represent import View
from box_sandbox.box import Box
from box_sandbox.messages import JSON_TYPE, Reply, Request, gzipped, to_json
from box_sandbox.oauth import scopes
from box_sandbox.oauth.grants import Caller
from box_sandbox.sharing import Opened
from box_sandbox.world import Item

LIMIT_MAX = 1000

_BOXAPI = re.compile(r"shared_link=(.*?)(?:&shared_link_password=(.*))?")


@dataclass(frozen=True)
class ApiCall:
    box: Box
    request: Request
    caller: Caller

    @property
    def account_id(self) -> str:
        return self.caller.account_id

    @property
    def fields(self) -> tuple[str, ...] | None:
        """The named fields, or None when none were named."""
        named = self.request.args.get("fields", "")
        return tuple(name.strip() for name in named.split(",") if name.strip()) or None

    def require(self, needed: frozenset[str]) -> None:
        """Raise the refusal for a token that has none of the needed scopes."""
        if not scopes.permits(self.caller.scopes, needed):
            raise errors.insufficient_scope()

    @cached_property
    def opened(self) -> Opened | None:
        """What the shared link in the BoxApi header gives, or None without such a header.

        Raises 400 for what is no address (Box support thread 360049182653), 404 for a link that is
        unknown, has ended, or does not admit the caller (box-java-sdk issue 403), 403 for a
        password that is missing or wrong.
        """
        given = _BOXAPI.fullmatch(self.request.headers.get("boxapi", ""))
        if given is None:
            return None
        address, password = unquote(given.group(1)), given.group(2) or ""
        if not address.startswith(("http://", "https://")):
            raise errors.invalid_parameter("shared_link", f"Invalid value '{address[:200]}'.")
        tree = self.box.tree
        item = tree.linked(sharing.name_in(address) or "")
        link = item.shared_link if item else None
        now = self.box.clock.now()
        if item is None or link is None or not link.is_live(now):
            raise errors.no_such_link(address[:200])
        if not sharing.admits(tree, self.account_id, item, link, now=now):
            raise errors.link_unavailable(item.kind, item.id)
        is_known_here = tree.role(self.account_id, item) is not None
        right = link.password in {"", password, unquote(password)}
        if not (right or is_known_here):
            raise errors.wrong_link_password()
        return Opened(item, link)

    def view(self, item: Item, opened: Opened | None = None) -> View:
        """Return an item as the caller sees it; `opened` in endpoints that read a shared link."""
        now = self.box.clock.now()
        return View(self.box.tree, self.account_id, item, opened=opened, now=now)

    def find(self, kind: str, item_id: str, *, by_link: bool = False) -> Item:
        """Return an item the caller may see; raises the same 404 for hidden and for absent ones.

        `by_link`: a shared link in the BoxApi header may lead there, too. Raises 405 for what is
        no id, 403 for an item outside of a downscoped token.
        Source: Box API reference, "Get folder information": 405 for an unrecognized id.
        """
        if not (item_id.isascii() and item_id.isdigit()) or len(item_id) > 20:
            raise errors.method_not_allowed()
        tree = self.box.tree
        item = tree.find(self.account_id, kind, item_id)
        opened = self.opened if by_link else None
        if item is None and opened:
            item = tree.item(item_id)
            if item and not (item.kind == kind and opened.covers(tree, item)):
                item = None
        if item is None or item.status == "deleted" or "gone" in item.traits:
            raise errors.not_found(kind, item_id)
        if item.status == "trashed" or any(f.status != "active" for f in tree.ancestors(item)):
            raise errors.trashed()
        resource = self.caller.resource
        if resource and not tree.is_within(self.account_id, item, resource[1]):
            raise errors.insufficient_scope()
        return item

    def number(self, name: str, default: int) -> int:
        """Return a whole number of the query; raises 400 for anything else, negative ones too."""
        text = self.request.args.get(name, "")
        if not text:
            return default
        if not (text.isascii() and text.isdigit()):
            code = f"invalid_{name}" if name in {"limit", "offset"} else "bad_request"
            raise errors.invalid_parameter(name, f"Invalid value '{text}'.", code)
        return int(text)

    def limit(self, default: int, most: int = LIMIT_MAX) -> int:
        """Return how many entries are wanted; more than the maximum counts as the maximum."""
        return min(self.number("limit", default), most)

    def offset(self, most: int) -> int:
        offset = self.number("offset", 0)
        if offset > most:
            message = (
                f"Invalid value '{offset}'. The offset must not exceed the maximum offset of {most}"
            )
            raise errors.invalid_parameter("offset", message)
        return offset

    def json(self, payload: Any, *, status: int = 200) -> Reply:
        return self.json_bytes(to_json(payload), status=status)

    def json_bytes(self, plain: bytes, packed: bytes | None = None, *, status: int = 200) -> Reply:
        """Return a JSON reply, in gzip form if the client takes it."""
        headers = (JSON_TYPE, *errors.LIVE_HEADERS)
        if self.request.takes_gzip:
            body = gzipped(plain) if packed is None else packed
            packed_headers = (*headers, ("Content-Encoding", "gzip"))
            return Reply(status, packed_headers, body, is_chunked=True)
        return Reply(status, headers, plain, is_chunked=True)

    def not_modified(self, item: Item) -> Reply | None:
        """Return an empty 304 if the client already has this state of the item, else None."""
        wanted = self.request.headers.get("if-none-match", "").strip().strip('"')
        if item.is_root or wanted != str(item.etag):
            return None
        return Reply(304, (errors.LIVE_HEADERS[0], ("ETag", f'"{item.etag}"')))
