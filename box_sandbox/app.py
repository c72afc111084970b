"""One request from its arrival to its last byte: fault, latency, answer, record."""

import time
from dataclasses import replace

from box_sandbox.api import downloads, routes
from box_sandbox.box import Box
from box_sandbox.calls import Call, shown_path, shown_query
from box_sandbox.control import routes as control
from box_sandbox.faults import Action, Gates
from box_sandbox.messages import Headers, Reply, Request
from box_sandbox.oauth import authorize, endpoint, html
from box_sandbox.sending import send, send_badly
from box_sandbox.server import Connection

CONTROL_PREFIX = "/_control/"
_NOT_FOUND = Reply(404, (("Content-Type", "text/plain"),), b"Not Found\n")
_NOT_ALLOWED = Reply(405, (("Content-Type", "text/plain"),), b"Method Not Allowed\n")


class App:
    """Handles the requests of both ports."""

    def __init__(self, box: Box) -> None:
        self.box = box

    def main(self, connection: Connection, request: Request) -> bool:
        """Handle a request for the API, the account pages or the controls."""
        if request.path.startswith(CONTROL_PREFIX):
            return send(connection, request, control.answer(self.box, request))
        host = _host(request.path)
        return self._handle(connection, request, host)

    def download(self, connection: Connection, request: Request) -> bool:
        return self._handle(connection, request, "download")

    def _handle(self, connection: Connection, request: Request, host: str) -> bool:
        box = self.box
        call = self._record(request, host)
        action = box.faults.next_action(request.method, request.path, host, call.user)
        if box.settings.latency_ms:
            time.sleep(box.settings.latency_ms / 1000)
        try:
            if action:
                return self._handle_badly(connection, request, host, call, action)
            reply = self._answer(request, host)
            _note(call, reply)
            if reply.manner:
                return send_badly(connection, request, reply, reply.manner, Gates())
            return send(connection, request, reply)
        finally:
            call.bytes_sent = connection.body_bytes if call.status else 0

    def _handle_badly(
        self, connection: Connection, request: Request, host: str, call: Call, action: Action
    ) -> bool:
        """Answer as a fault demands; return whether the connection stays open."""
        call.fault = True
        # The gates of now: when the rules are dropped, calls that these hold are let go.
        gates = self.box.faults.gates
        if action.delay_ms and not gates.pause(action.delay_ms / 1000):
            return False
        if action.stops_at == "request" and not gates.wait(action.gate):
            return False
        if action.hang_s is not None:
            gates.pause(action.hang_s)
            return False
        reply = _instead(action) or _with(action.headers, self._answer(request, host))
        if action.process_then_drop:
            return False
        if action.stops_at == "reply" and not gates.wait(action.gate):
            return False
        _note(call, reply)
        return send_badly(connection, request, reply, action, gates)

    def _answer(self, request: Request, host: str) -> Reply:
        """Return what the sandbox itself says."""
        if host == "api":
            return routes.answer(self.box, request)
        if host == "download":
            return downloads.download(self.box, request)
        if host == "token":
            return self._token(request)
        return self._account(request)

    def _token(self, request: Request) -> Reply:
        if request.method != "POST":
            return _NOT_ALLOWED
        if request.path == "/oauth2/token":
            return endpoint.token(self.box, request)
        if request.path == "/oauth2/revoke":
            return endpoint.revoke(self.box, request)
        return _NOT_FOUND

    def _account(self, request: Request) -> Reply:
        if request.path == authorize.PATH:
            if request.method == "GET":
                return authorize.show(self.box, request)
            return authorize.submit(self.box, request) if request.method == "POST" else _NOT_ALLOWED
        if request.path == html.STYLESHEET_PATH:
            css = html.STYLESHEET.read_bytes()
            return Reply(200, (("Content-Type", "text/css"), ("Cache-Control", "no-cache")), css)
        if request.path.startswith("/file/"):
            return self._file_page(request)
        if request.path == "/api/oauth2/token" and request.method == "POST":
            return endpoint.wrong_host(self.box, request)
        return _NOT_FOUND

    def _file_page(self, request: Request) -> Reply:
        """Answer for Box's web application, to which apps send people to look at a file."""
        item = self.box.tree.item(request.path.removeprefix("/file/"))
        if request.method != "GET" or item is None or item.kind != "file":
            return _NOT_FOUND
        return Reply(200, html.HEADERS, html.file(item.name, item.current.number))

    def _record(self, request: Request, host: str) -> Call:
        box = self.box
        token = _token_of(request, host)
        account_id = box.grants.account_of(token)
        if host == "download":
            account_id = downloads.link_owner(box, request) or account_id
        call = Call(
            at=box.clock.now(),
            host=host,
            method=request.method,
            path=shown_path(request.path),
            query=shown_query(request.query),
            range=request.headers.get("range", ""),
            user=box.login(account_id),
            token_number=box.grants.ordinal(token),
        )
        box.calls.add(call)
        return call


def _host(path: str) -> str:
    if path.startswith("/2.0"):
        return "api"
    return "token" if path.startswith("/oauth2/") else "account"


def _token_of(request: Request, host: str) -> str:
    """Return the token or code a call brings along, so that its user is known."""
    if host != "token":
        return request.bearer
    form = request.form
    names = ("refresh_token", "code", "subject_token", "token")
    return next((form[name] for name in names if form.get(name)), "")


def _note(call: Call, reply: Reply) -> None:
    call.status = reply.status
    call.bytes_sent = reply.size


def _with(headers: Headers, reply: Reply) -> Reply:
    return replace(reply, headers=(*reply.headers, *headers)) if headers else reply


def _instead(action: Action) -> Reply | None:
    """Return the reply that a fault puts in the place of the sandbox's own, if it names one."""
    if action.retry_202 is not None:
        return Reply(202, (("Retry-After", action.retry_202), *action.headers))
    if action.redirect is not None:
        location = ("Location", action.redirect)
        return Reply(action.status or 302, (location, *action.headers))
    if action.status is None and action.body is None and action.zeros is None:
        return None
    body = bytes(action.zeros) if action.zeros is not None else action.body or b""
    return Reply(action.status or 200, action.headers, body)
