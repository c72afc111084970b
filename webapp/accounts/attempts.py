"""Attempts at passwords: counted before they are looked at, wherever a password is asked for.

A stranger is counted with the address they try, by where they come from, and for the address and
for everybody from wherever. That alone would let anybody shut a person out by guessing wrong on
purpose. So a browser in which somebody has signed in keeps a signed cookie and is counted by itself
(OWASP, "Slow down online guessing attacks with device cookies"): what strangers do to an address
does not reach its owner's own devices.
"""

import hashlib
import ipaddress
import secrets
import threading
import time
from dataclasses import dataclass

from flask import Response, after_this_request, request
from itsdangerous import BadData, URLSafeSerializer
from limits import RateLimitItem, parse_many

from webapp.core.extensions import limiter
from webapp.core.problems import Problem
from webapp.core.settings import settings
from webapp.core.text import _, ngettext

DEVICE = parse_many("10/15 minutes;50/day")
ADDRESS_FROM_SOURCE = parse_many("5/minute;20/hour")
SOURCE = parse_many("20/minute;200/hour")
ADDRESS = parse_many("60/hour")
EVERYBODY = parse_many("300/minute")
RESETS_FROM_SOURCE = parse_many("10/hour")
RESETS_OF_ADDRESS = parse_many("3/hour")

DEVICE_LIVES_S = 180 * 24 * 3600
# A tablet in the site office has several people.
PEOPLE_ON_DEVICE = 8

Counter = tuple[RateLimitItem, tuple[str, ...]]

# The storage in memory forgets counts when several threads count the first time at once.
_one_by_one = threading.Lock()


class TooManyAttempts(Problem):
    """So many that the password is not even looked at."""

    status = 429

    def default_title(self) -> str:
        return _("That was too often")


@dataclass(frozen=True)
class Attempt:
    """One that is counted; `succeeded` gives the count back."""

    counters: tuple[Counter, ...] = ()


def begin(email: str) -> Attempt:
    """Count an attempt at an address's password before it is looked at, or raise TooManyAttempts.

    Every answer that is not followed by `succeeded` stays counted.
    """
    device = _device_of(email)
    if device:
        return _count([(item, ("device", device)) for item in DEVICE])
    key, source = _key_of(email), _source()
    return _count(
        [
            *((item, ("address-from", key, source)) for item in ADDRESS_FROM_SOURCE),
            *((item, ("source", source)) for item in SOURCE),
            *((item, ("address", key)) for item in ADDRESS),
            *((item, ("everybody",)) for item in EVERYBODY),
        ]
    )


def succeeded(attempt: Attempt) -> None:
    """Give the count of a right password back."""
    with _one_by_one:
        for item, key in attempt.counters:
            if limiter.limiter.get_window_stats(item, *key).remaining < item.amount:
                limiter.limiter.hit(item, *key, cost=-1)


def begin_reset() -> None:
    """Count a request for a new password by where it comes from, or raise TooManyAttempts."""
    _count([(item, ("reset-from", _source())) for item in RESETS_FROM_SOURCE])


def may_write_to(email: str) -> bool:
    """Count a letter about a forgotten password; False when its address got enough of them."""
    try:
        _count([(item, ("reset-of", _key_of(email))) for item in RESETS_OF_ADDRESS], is_told=False)
    except TooManyAttempts:
        return False
    return True


def _count(counters: list[Counter], *, is_told: bool = True) -> Attempt:
    """Count in turn until one is full: what is refused by a narrow limit is not put on a wide."""
    if not limiter.enabled:
        return Attempt()
    with _one_by_one:
        for item, key in counters:
            if not limiter.limiter.hit(item, *key):
                reset_at = limiter.limiter.get_window_stats(item, *key).reset_time
                raise _refusal(max(1, int(reset_at - time.time()) + 1), is_told=is_told)
    return Attempt(tuple(counters))


def _refusal(wait_s: int, *, is_told: bool) -> TooManyAttempts:
    if is_told:

        @after_this_request
        def say_when(response: Response) -> Response:
            response.headers["Retry-After"] = str(wait_s)
            return response

    minutes = -(-wait_s // 60)
    return TooManyAttempts(
        ngettext(
            "Wait %(num)s minute and try again.", "Wait %(num)s minutes and try again.", minutes
        )
    )


def _source() -> str:
    """Return where a request comes from; of IPv6 the network, which one host can walk through."""
    try:
        found = ipaddress.ip_address(request.remote_addr or "")
    except ValueError:
        return request.remote_addr or ""
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found)


def _key_of(email: str) -> str:
    return hashlib.sha256(email.encode()).hexdigest()[:32]


# ---- devices


def remember_device(email: str) -> None:
    """Let the browser that is being answered count by itself for this address from now on."""
    known = _people_here()
    key = _key_of(email)
    kept = {key: known.pop(key, secrets.token_urlsafe(16))}
    kept.update(list(known.items())[: PEOPLE_ON_DEVICE - 1])
    value = str(_signer().dumps(kept))

    @after_this_request
    def keep(response: Response) -> Response:
        response.set_cookie(
            _cookie_name(),
            value,
            max_age=DEVICE_LIVES_S,
            secure=settings().is_https,
            httponly=True,
            samesite="Lax",
            path="/",
        )
        return response


def _device_of(email: str) -> str:
    return _people_here().get(_key_of(email), "")


def _people_here() -> dict[str, str]:
    """Return the devices that the cookie names, by the address's hash; none when it is forged."""
    try:
        found = _signer().loads(request.cookies.get(_cookie_name(), ""))
    except BadData:
        return {}
    return dict(found)


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(settings().secret_key, salt="device")


def _cookie_name() -> str:
    return "__Host-plumbline-device" if settings().is_https else "plumbline-device"
