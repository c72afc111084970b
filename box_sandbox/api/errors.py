"""Box's error replies: one exception for all of them, and their exact bodies.

Source: Box API reference, resource Client error; guide "Common errors"; bodies recorded by Box's
SDKs (a `help_url` on the old developer site, ids with `f_` or `d_` before them).
"""

import secrets
from typing import Any

from box_sandbox.messages import Headers, Reply, json_reply

HELP_URL = "http://developers.box.com/docs/#errors"
REALM = 'Bearer realm="Service"'
INVALID_TOKEN = (
    f'{REALM}, error="invalid_token", error_description="The access token provided is invalid."'
)
INSUFFICIENT_SCOPE = (
    f'{REALM}, error="insufficient_scope", error_description="The request requires higher '
    'privileges than provided by the access token."'
)


class ApiError(Exception):
    """A call that Box refuses, with everything its reply says."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        context: dict[str, Any] | None = None,
        headers: Headers = (),
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.context = context
        self.headers = headers

    def reply(self) -> Reply:
        body: dict[str, Any] = {"type": "error", "status": self.status, "code": self.code}
        if self.context is not None:
            body["context_info"] = self.context
        body |= {"help_url": HELP_URL, "message": self.message}
        body["request_id"] = secrets.token_hex(9)[:17]
        return json_reply(self.status, body, (*LIVE_HEADERS, *self.headers))


# Recorded from the live service (r-box issue 74).
LIVE_HEADERS: Headers = (
    ("Strict-Transport-Security", "max-age=31536000"),
    ("Cache-Control", "no-cache, no-store"),
    ("Vary", "Accept-Encoding"),
    ("Age", "0"),
)


def unauthorized() -> Reply:
    """Return Box's answer to a token it does not know or no longer accepts: 401 without a body."""
    strict = LIVE_HEADERS[0]
    return Reply(401, (strict, ("WWW-Authenticate", INVALID_TOKEN), ("Age", "0")))


def invalid_parameter(name: str, message: str, code: str = "bad_request") -> ApiError:
    errors = [{"reason": "invalid_parameter", "name": name, "message": message}]
    return ApiError(400, code, "Bad Request", context={"errors": errors})


def missing_parameter(name: str) -> ApiError:
    errors = [{"reason": "missing_parameter", "name": name, "message": f"'{name}' is required"}]
    return ApiError(400, "bad_request", "Bad Request", context={"errors": errors})


def not_found(kind: str, item_id: str) -> ApiError:
    """Return the refusal for an item that is absent, or that the caller may not see: the same."""
    letter = {"file": "f", "folder": "d"}.get(kind, kind[0])
    value = f"{letter}_{item_id}"
    message = f"Invalid value '{value}'. 'item' with value '{value}' not found"
    errors = [{"reason": "invalid_parameter", "name": "item", "message": message}]
    return ApiError(404, "not_found", "Not Found", context={"errors": errors})


def no_such_collection(collection_id: str) -> ApiError:
    message = f"Invalid value '{collection_id[:200]}'."
    errors = [{"reason": "invalid_parameter", "name": "collection_id", "message": message}]
    return ApiError(404, "not_found", "Not Found", context={"errors": errors})


def no_such_link(address: str) -> ApiError:
    """Return the refusal for a shared link that nobody made, or that has ended: the same."""
    message = f"Invalid value '{address}'."
    errors = [{"reason": "invalid_parameter", "name": "shared_link", "message": message}]
    return ApiError(404, "not_found", "Not Found", context={"errors": errors})


def link_unavailable(kind: str, item_id: str) -> ApiError:
    """Return the refusal for a link that is for others. Source: box-java-sdk issue 403."""
    message = f"Invalid value '{'d' if kind == 'folder' else 'f'}_{item_id}'."
    errors = [{"reason": "invalid_parameter", "name": "unavailable", "message": message}]
    return ApiError(404, "not_found", "Not Found", context={"errors": errors})


def wrong_link_password() -> ApiError:
    return ApiError(403, "incorrect_shared_item_password", "Incorrect shared item password")


def no_such_thumbnail() -> ApiError:
    """Return the refusal of a size. Source: box-java-sdk issue 478."""
    return ApiError(400, "requested_preview_unavailable", "Requested preview unavailable")


def no_preview() -> ApiError:
    return ApiError(404, "preview_cannot_be_generated", "Preview cannot be generated")


def bad_request() -> ApiError:
    return ApiError(400, "bad_request", "Bad Request")


def zip_too_long() -> ApiError:
    return ApiError(400, "zip_download_file_count_exceeded_limit", "Too many files")


def zip_too_large() -> ApiError:
    return ApiError(400, "zip_download_pre_compressed_bytes_exceeded_limit", "Too many bytes")


def too_many_zips(whose: str) -> ApiError:
    code = f"{whose}_too_many_concurrent_downloads"
    return ApiError(429, code, "Too many concurrent downloads")


def trashed() -> ApiError:
    return ApiError(404, "trashed", "Item is trashed")


def no_such_path() -> ApiError:
    return ApiError(404, "not_found", "Not Found")


def method_not_allowed() -> ApiError:
    return ApiError(405, "method_not_allowed", "Method Not Allowed")


def no_permission() -> ApiError:
    return ApiError(
        403, "access_denied_insufficient_permissions", "Access denied - insufficient permission"
    )


def insufficient_scope() -> ApiError:
    return ApiError(
        403,
        "insufficient_scope",
        "The request requires higher privileges than provided by the access token.",
        headers=(("WWW-Authenticate", INSUFFICIENT_SCOPE),),
    )


def blocked_by_policy() -> ApiError:
    return ApiError(403, "forbidden_by_policy", "Access denied by policy")


def locked() -> ApiError:
    return ApiError(403, "access_denied_item_locked", "Access denied - item locked")


def too_many_calls(wait_s: int) -> ApiError:
    return ApiError(
        429,
        "rate_limit_exceeded",
        "Request rate limit exceeded, please try again later",
        headers=(("Retry-After", str(wait_s)),),
    )
