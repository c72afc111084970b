"""A request whose every text has passed the gate, so that no view can forget it.

Form fields, the address, file names, headers and JSON come out clean. A form that cannot be read is
a 400, not an empty one; a value that decides something and may be there once is refused when it is
there twice, because two readers could each take another one of them.
"""

from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any

from flask import Flask, Request, abort, request
from werkzeug.datastructures import FileStorage, ImmutableMultiDict, MultiDict, iter_multi_items
from werkzeug.exceptions import BadRequest
from werkzeug.formparser import FormDataParser

from webapp import gate
from webapp.core.problems import Problem
from webapp.core.text import _

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

# Never changed: a password is what somebody typed. `webapp.accounts.passwords` says what it may be.
SECRETS = frozenset({"password", "current", "new", "again"})
# Neither what Box sends along: a code that holds what the gate takes away is no code.
AS_SENT = SECRETS | {"code", "state"}
# What decides who somebody is, whether they meant it, or what is done.
ONLY_ONCE = SECRETS | {
    *("code", "state", "error", "csrf_token", "email", "key", "version", "move", "action"),
    *("session", "sure", "in", "m", "n", "s", "back"),
}
# The parts of a large file are bytes, and come by POST where a proxy lets no PATCH through.
BODIES = frozenset(
    {
        "",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "application/offset+octet-stream",
    }
)


class CleanMultiDict(ImmutableMultiDict[str, Any]):
    """What a form or an address holds, each name and text as the gate lets it through."""

    def __init__(self, mapping: Any = None) -> None:
        super().__init__([(gate.line(k), _clean(k, v)) for k, v in iter_multi_items(mapping or ())])


def _clean(name: str, value: Any) -> Any:
    if isinstance(value, FileStorage):
        value.filename = gate.line(value.filename or "")
        return value
    return value if name in AS_SENT or not isinstance(value, str) else gate.lines(value)


class _StrictParser(FormDataParser):
    """Raises for a form that cannot be read, where Werkzeug's own answers with an empty one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.silent = False


class GatedRequest(Request):
    """The request as every view sees it."""

    parameter_storage_class = CleanMultiDict
    form_data_parser_class = _StrictParser

    def __init__(self, environ: "WSGIEnvironment", *args: Any, **kwargs: Any) -> None:
        for key, value in environ.items():
            if key.startswith("HTTP_"):
                environ[key] = gate.header(value)
        super().__init__(environ, *args, **kwargs)
        self._begun: list[IO[bytes]] = []

    def _get_file_stream(self, *args: Any, **kwargs: Any) -> IO[bytes]:
        stream = super()._get_file_stream(*args, **kwargs)
        self._begun.append(stream)
        return stream

    def _load_form_data(self) -> None:
        try:
            super()._load_form_data()
        except ValueError:
            for stream in self._begun:
                stream.close()
            raise Unreadable(
                _("Part of what you sent is missing, and nothing was changed. Send it again.")
            ) from None
        _require_single(self.__dict__["form"])

    def get_json(self, *args: Any, **kwargs: Any) -> Any:
        return gate.cleaned(super().get_json(*args, **kwargs))


class Unreadable(Problem):
    """A form whose parts cannot be told apart: most likely its end is missing."""


def init_incoming(app: Flask) -> None:
    """Have every request read through the gate, and refuse those that can be read in two ways."""
    app.request_class = GatedRequest
    app.before_request(_require_readable)


def _require_readable() -> None:
    if gate.line(request.path) != request.path:
        abort(HTTPStatus.NOT_FOUND)
    _require_single(request.args)
    if request.method == "POST" and request.content_length and request.mimetype not in BODIES:
        abort(HTTPStatus.UNSUPPORTED_MEDIA_TYPE)


def _require_single(given: MultiDict[str, Any]) -> None:
    if any(len(set(values)) > 1 for name, values in given.lists() if name in ONLY_ONCE):
        raise BadRequest
