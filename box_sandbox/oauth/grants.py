"""Grants and their tokens, with Box's repeat window for refresh tokens.

A refresh yields a new pair that stays *pending* until it is used. Until then the old access token
works on, and the old refresh token yields the same pending pair again; with the first use of the
new pair the old one dies. Source: Box staff in support threads 15765421154323 and 16920643368851
and in box-node-sdk issue 157. In strict mode a spent refresh token is refused at once.
"""

import secrets
import string
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

PREFIX = "TKN_"
ACCESS_LENGTH, REFRESH_LENGTH, CODE_LENGTH, DOWNSCOPED_LENGTH = 32, 64, 32, 80
_LETTERS = string.ascii_letters + string.digits


class OAuthError(Exception):
    """The token endpoint refuses (RFC 6749, section 5.2)."""

    def __init__(self, error: str, description: str, status: int = 400) -> None:
        super().__init__(description)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class Pair:
    access: str = field(repr=False)
    refresh: str = field(repr=False)
    access_until: float
    refresh_until: float


@dataclass
class Grant:
    """What one person allowed one app, until it is revoked."""

    id: int
    account_id: str
    client_id: str
    scopes: list[str]
    live: Pair
    pending: Pair | None = None
    is_revoked: bool = False


@dataclass
class Downscoped:
    token: str = field(repr=False)
    grant_id: int
    until: float
    scopes: list[str]
    resource: tuple[str, str] | None


@dataclass
class Code:
    value: str = field(repr=False)
    account_id: str
    client_id: str
    scopes: list[str]
    until: float
    is_spent: bool = False


@dataclass(frozen=True)
class Caller:
    """Who a valid access token speaks for, and what it may do."""

    token: str = field(repr=False)
    account_id: str
    scopes: frozenset[str]
    resource: tuple[str, str] | None = None


def new_token(length: int, prefix: str = PREFIX) -> str:
    return prefix + "".join(secrets.choice(_LETTERS) for _ in range(length - len(prefix)))


class Grants:
    """All codes, grants and tokens ever issued, and which of them still work."""

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        self._changed = changed
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        with self.lock:
            self._grants: dict[int, Grant] = {}
            self._codes: dict[str, Code] = {}
            self._downscoped: dict[str, Downscoped] = {}
            # Every token of a grant, dead ones too, so that they can be found in a leak test.
            self._issued: dict[str, tuple[str, int]] = {}
            self._ordinals: dict[str, int] = {}

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Hold the lock, and afterwards have the change kept before anybody hears of it."""
        with self.lock:
            yield
        self._changed()

    # ---- issuing

    def issue_code(
        self, account_id: str, client_id: str, scopes: frozenset[str], *, until: float
    ) -> str:
        with self._changing():
            value = new_token(CODE_LENGTH)
            self._codes[value] = Code(value, account_id, client_id, sorted(scopes), until)
            self._number(value)
            return value

    def redeem_code(self, value: str, client_id: str, *, now: float, lives: "Lives") -> Pair:
        """Return the first pair of a new grant; raises OAuthError for a bad, old or spent code."""
        with self._changing():
            code = self._codes.get(value)
            if code is None or code.is_spent or code.client_id != client_id:
                raise OAuthError(
                    "invalid_grant", "Auth code doesn't exist or is invalid for the client"
                )
            if now >= code.until:
                raise OAuthError("invalid_grant", "The authorization code has expired")
            code.is_spent = True
            grant_id = len(self._grants) + 1
            pair = self._new_pair(grant_id, now, lives)
            self._grants[grant_id] = Grant(
                grant_id, code.account_id, code.client_id, code.scopes, pair
            )
            return pair

    def redeem_refresh(
        self, token: str, client_id: str, *, now: float, lives: "Lives", is_strict: bool
    ) -> Pair:
        """Return the pair that follows a refresh token; raises OAuthError if it is spent."""
        with self._changing():
            kind, grant_id = self._issued.get(token, ("", 0))
            grant = self._grants.get(grant_id)
            is_its_own = kind == "refresh" and grant and grant.client_id == client_id
            if grant is None or not is_its_own or grant.is_revoked:
                raise OAuthError("invalid_grant", "Invalid refresh token")
            if grant.pending and token == grant.pending.refresh:
                self._promote(grant)
            if token != grant.live.refresh or now >= grant.live.refresh_until:
                raise OAuthError("invalid_grant", "Refresh token has expired")
            if grant.pending and is_strict:
                raise OAuthError("invalid_grant", "Refresh token has expired")
            if grant.pending is None or now >= grant.pending.access_until:
                grant.pending = self._new_pair(grant.id, now, lives)
            return grant.pending

    def downscope(
        self,
        caller: Caller,
        scopes: frozenset[str],
        resource: tuple[str, str] | None,
        *,
        lives: "Lives",
        now: float,
    ) -> Downscoped:
        """Return a weaker token that lives no longer than its parent."""
        with self._changing():
            kind, grant_id = self._issued[caller.token]
            grant = self._grants[grant_id]
            until = now + lives.access_s
            if kind == "downscoped":
                until = min(until, self._downscoped[caller.token].until)
            else:
                pair = self._pair_of(grant, caller.token)
                until = min(until, pair.access_until if pair else now)
            token = new_token(DOWNSCOPED_LENGTH, f"{PREFIX}1!")
            child = Downscoped(token, grant_id, until, sorted(scopes), resource)
            self._downscoped[token] = child
            self._remember(token, "downscoped", grant_id)
            return child

    def _new_pair(self, grant_id: int, now: float, lives: "Lives") -> Pair:
        pair = Pair(
            new_token(ACCESS_LENGTH),
            new_token(REFRESH_LENGTH),
            now + lives.access_s,
            now + lives.refresh_s,
        )
        self._remember(pair.access, "access", grant_id)
        self._remember(pair.refresh, "refresh", grant_id)
        return pair

    def _remember(self, token: str, kind: str, grant_id: int) -> None:
        self._issued[token] = (kind, grant_id)
        self._number(token)

    def _number(self, token: str) -> None:
        self._ordinals[token] = len(self._ordinals) + 1

    def ordinal(self, token: str) -> int | None:
        """Return a token's number in the order of issue, which may be logged; None if unknown."""
        return self._ordinals.get(token)

    # ---- using

    def caller(self, token: str, *, now: float) -> Caller | None:
        """Return whom an access token speaks for, or None if it is unknown, spent or expired."""
        kind, grant_id = self._issued.get(token, ("", 0))
        grant = self._grants.get(grant_id)
        if grant is None or grant.is_revoked:
            return None
        if kind == "downscoped":
            child = self._downscoped[token]
            if now >= child.until:
                return None
            return Caller(token, grant.account_id, frozenset(child.scopes), child.resource)
        pair = self._pair_of(grant, token) if kind == "access" else None
        if pair is None or now >= pair.access_until:
            return None
        return Caller(token, grant.account_id, frozenset(grant.scopes))

    def account_of(self, token: str) -> str | None:
        """Return whose token or code this is or was, dead ones too; None for unknown ones."""
        if token in self._codes:
            return self._codes[token].account_id
        grant = self._grants.get(self._issued.get(token, ("", 0))[1])
        return grant.account_id if grant else None

    def used(self, token: str, *, keep_downscoped: bool) -> None:
        """Note a call that succeeded: a pending pair becomes the live one."""
        _, grant_id = self._issued.get(token, ("", 0))
        grant = self._grants.get(grant_id)
        if grant is None or grant.pending is None or token != grant.pending.access:
            return
        with self._changing():
            if grant.pending and token == grant.pending.access:
                self._promote(grant)
                if not keep_downscoped:
                    self._end_downscoped(grant)

    def _promote(self, grant: Grant) -> None:
        assert grant.pending is not None
        grant.live, grant.pending = grant.pending, None

    @staticmethod
    def _pair_of(grant: Grant, access: str) -> Pair | None:
        pairs = (grant.live, grant.pending)
        return next((pair for pair in pairs if pair and pair.access == access), None)

    # ---- ending

    def revoke(self, token: str, client_id: str, *, others_too: bool) -> None:
        """End the grant of a token; unknown tokens are no error (RFC 7009, section 2.2)."""
        with self._changing():
            grant = self._grants.get(self._issued.get(token, ("", 0))[1])
            if grant is None or grant.client_id != client_id:
                return
            for each in self._grants.values():
                is_twin = (each.account_id, each.client_id) == (grant.account_id, grant.client_id)
                if each is grant or (others_too and is_twin):
                    each.is_revoked = True

    def revoke_account(self, account_id: str) -> int:
        """End all grants of an account; return how many lived."""
        with self._changing():
            ended = [g for g in self._grants.values() if g.account_id == account_id]
            count = sum(not grant.is_revoked for grant in ended)
            for grant in ended:
                grant.is_revoked = True
            return count

    def _end_downscoped(self, grant: Grant) -> None:
        for child in self._downscoped.values():
            if child.grant_id == grant.id:
                child.until = 0

    # ---- telling and keeping

    def known(self, *, now: float) -> list[dict[str, Any]]:
        """Return every code and token ever issued since the last reset."""
        codes = [
            {
                "token": code.value,
                "kind": "code",
                "account_id": code.account_id,
                "live": not code.is_spent and now < code.until,
            }
            for code in self._codes.values()
        ]
        tokens = [
            {
                "token": token,
                "kind": kind,
                "account_id": self._grants[grant_id].account_id,
                "live": self._is_live(token, kind, self._grants[grant_id], now),
            }
            for token, (kind, grant_id) in self._issued.items()
        ]
        return codes + tokens

    def _is_live(self, token: str, kind: str, grant: Grant, now: float) -> bool:
        if kind != "refresh":
            return self.caller(token, now=now) is not None
        pairs = [pair for pair in (grant.live, grant.pending) if pair]
        alive = any(pair.refresh == token and now < pair.refresh_until for pair in pairs)
        return alive and not grant.is_revoked

    def to_json(self) -> dict[str, Any]:
        with self.lock:
            return {
                "grants": [asdict(grant) for grant in self._grants.values()],
                "codes": [asdict(code) for code in self._codes.values()],
                "downscoped": [asdict(child) for child in self._downscoped.values()],
                "issued": [[token, *facts] for token, facts in self._issued.items()],
                "ordinals": self._ordinals,
            }

    def restore(self, kept: dict[str, Any]) -> None:
        """Take up what `to_json` gave."""
        with self.lock:
            for entry in kept["grants"]:
                pending = entry["pending"]
                entry["live"] = Pair(**entry["live"])
                entry["pending"] = Pair(**pending) if pending else None
                self._grants[entry["id"]] = Grant(**entry)
            self._codes = {entry["value"]: Code(**entry) for entry in kept["codes"]}
            for entry in kept["downscoped"]:
                resource = entry["resource"]
                entry["resource"] = tuple(resource) if resource else None
                self._downscoped[entry["token"]] = Downscoped(**entry)
            self._issued = {token: (kind, grant_id) for token, kind, grant_id in kept["issued"]}
            self._ordinals = kept["ordinals"]


@dataclass(frozen=True)
class Lives:
    """How long new tokens live, in seconds."""

    access_s: float
    refresh_s: float
