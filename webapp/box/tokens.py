"""Access tokens: who may refresh, when, and in which order the steps must happen.

Box's refresh tokens are for single use, yet a spent one returns the *same* new pair until that pair
is first used (Box staff, support threads 15765421154323 and 16920643368851). From that follows the
whole design: commit a new pair before its first use, and after an unknown outcome repeat the same
refresh token. The first use of a new access token ends the one before, so no session refreshes for
itself: one refresh serves every live session of the person.
"""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

import msgspec

from webapp.box.errors import BoxLinkBroken, BoxMisconfigured, BoxShutOut, BoxUnavailable

TOKEN_MAX_LENGTH = 4096
LIFE_MIN_S, LIFE_MAX_S = 60, 86_400
TRIES = 3
# After an answer that came this late nothing is repeated while somebody waits for their page.
REPEAT_WITHIN_S = 2.0


@dataclass(frozen=True)
class TokenPair:
    """What the token endpoint hands out; keeps its secrets out of logs and tracebacks."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True)
class AccessToken:
    """A bearer token and the generation of the link it belongs to."""

    value: str = field(repr=False)
    generation: int


@dataclass(frozen=True)
class Grant:
    """The stored right to refresh; `generation` grows by one with every new pair."""

    refresh_token: str = field(repr=False)
    generation: int


class _TokenReply(msgspec.Struct):
    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str
    error: object = None


class _ErrorReply(msgspec.Struct):
    error: str = ""


class InvalidGrant(Exception):
    """The authorization server refused this code or refresh token (RFC 6749, section 5.2)."""


def token_pair(status: int, body: bytes) -> TokenPair:
    """Return the pair in a token endpoint's answer, or raise for everything that is not one.

    An answer counts only with status 200, two tokens that fit into a header, type bearer and a
    believable life: Box's 429 and 403 bodies have no `error` key and would pass a laxer test.
    Raises InvalidGrant, BoxMisconfigured (`invalid_client`), BoxUnavailable for anything else.
    """
    if status == 200:
        return _checked_pair(body)
    error = error_of(body)
    if status in {400, 401} and error == "invalid_grant":
        raise InvalidGrant
    if is_refused_client(status, error):
        raise BoxMisconfigured(error)
    raise BoxUnavailable(f"token endpoint answered {status}")


def error_of(body: bytes) -> str:
    """Return the OAuth error code in a reply, "" when there is none."""
    try:
        return msgspec.json.decode(body, type=_ErrorReply).error
    except msgspec.MsgspecError:
        return ""


def is_refused_client(status: int, error: str) -> bool:
    """True when Box does not know our client id, or not with this secret."""
    return status in {400, 401} and error in {"invalid_client", "unauthorized_client"}


def _checked_pair(body: bytes) -> TokenPair:
    try:
        reply = msgspec.json.decode(body, type=_TokenReply)
    except msgspec.MsgspecError:
        raise BoxUnavailable("token endpoint answered no token pair") from None
    are_tokens = _is_token(reply.access_token) and _is_token(reply.refresh_token)
    life_fits = LIFE_MIN_S <= reply.expires_in <= LIFE_MAX_S
    is_bearer = reply.token_type.lower() == "bearer"
    if not (are_tokens and life_fits and is_bearer and reply.error is None):
        raise BoxUnavailable("token endpoint answered an unusable token pair")
    return TokenPair(reply.access_token, reply.refresh_token, reply.expires_in)


def _is_token(text: str) -> bool:
    """True for what can be sent in a header (RFC 6749, appendix A.12: visible ASCII)."""
    is_visible = text.isascii() and text.isprintable() and " " not in text
    return is_visible and 0 < len(text) <= TOKEN_MAX_LENGTH


class LinkStore(Protocol):
    """Where one person's link is kept, seen from one session of theirs."""

    def mine(self) -> AccessToken | None:
        """Return this session's token when it is of the current generation and not near its end."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Hold the link alone, across processes; raises BoxLinkBusy when that takes too long."""

    def grant(self) -> Grant:
        """Return the refresh token as stored now.

        Raises BoxLinkBroken when the link has ended, BoxLinkUnreadable when it does not open here.
        """

    def adopt(self) -> AccessToken | None:
        """Return a current token of another live session of this person, sealed for this one."""

    def save(self, pair: TokenPair, *, after: int) -> AccessToken | None:
        """Commit the pair that follows generation `after`, for every live session at once.

        Returns None when somebody else has advanced the link meanwhile.
        """

    def end(self, *, generation: int) -> bool:
        """Mark the link as ended if it is still at `generation`; False when it has moved on."""

    def previous(self, *, generation: int) -> Grant | None:
        """Return the refresh token before this one while it may still be of use."""


class AccessTokens:
    """Gives a good access token, refreshing through the store when there is none."""

    def __init__(
        self,
        store: LinkStore,
        refresh: Callable[[str], TokenPair],
        *,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._store = store
        self._refresh = refresh
        self._pause = pause

    def bearer(self, refused: AccessToken | None = None) -> AccessToken:
        """Return a token to use now; `refused` is one that Box has just answered with 401.

        Raises BoxLinkBroken, BoxMisconfigured, BoxUnavailable (BoxLinkBusy while somebody of ours
        holds the link).
        """
        token = self._store.mine()
        if token is not None and not _is_spent(token, refused):
            return token
        with self._store.exclusive():
            return self._renewed(refused)

    def _renewed(self, refused: AccessToken | None) -> AccessToken:
        began = time.monotonic()
        for attempt in range(TRIES):
            # Everything is decided inside the lock: another process may have been here before us.
            grant = self._store.grant()
            token = self._store.mine() or self._store.adopt()
            if token is not None and not _is_spent(token, refused):
                return token
            try:
                pair = self._refresh(grant.refresh_token)
            except InvalidGrant:
                self._refused_grant(grant)
                continue
            except (BoxMisconfigured, BoxShutOut):
                raise
            except BoxUnavailable:
                # The outcome is unknown: Box may have retired the token. Repeat the same one.
                is_late = time.monotonic() - began > REPEAT_WITHIN_S
                if attempt == TRIES - 1 or is_late:
                    raise
                self._pause(0.3 * 2**attempt)
                continue
            saved = self._store.save(pair, after=grant.generation)
            if saved is not None:
                return saved
        raise BoxUnavailable("the link kept changing")

    def _refused_grant(self, grant: Grant) -> None:
        """Try the pair before, if Box may never have seen ours used; else the link has ended."""
        before = self._store.previous(generation=grant.generation)
        if before is not None:
            try:
                pair = self._refresh(before.refresh_token)
            except InvalidGrant:
                pair = None
            if pair is not None and self._store.save(pair, after=grant.generation):
                return
        if self._store.end(generation=grant.generation):
            raise BoxLinkBroken


def _is_spent(token: AccessToken, refused: AccessToken | None) -> bool:
    return refused is not None and token.generation <= refused.generation
