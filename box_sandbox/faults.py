"""Faults on schedule: rules that tests set through /_control, and the gates that hold a request.

A rule names the calls it is for, how many of them it lets pass, and what happens to the next ones.
"""

import json
import re
import threading
from dataclasses import dataclass, field, fields
from typing import Any

HOLD_MAX_SECONDS = 600.0

_WHOLE_NUMBERS = frozenset(
    "status zeros drip flip_byte truncate_after reset_after answer_then_hang after_bytes".split()
)


class BadRule(Exception):
    """A rule that cannot be understood; the text says why."""


@dataclass(frozen=True, slots=True)
class Action:
    """What happens to a call. Several facts may be set at once; times count from the request."""

    # Instead of asking the sandbox; headers alone are added to its own reply
    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    zeros: int | None = None
    redirect: str | None = None
    retry_202: str | None = None
    # Before the answer
    delay_ms: float = 0
    hang_s: float | None = None
    process_then_drop: bool = False
    # While the answer is sent; bytes are counted in the body
    gzip_body: bool = False
    no_length: bool = False
    drip: int | None = None
    flip_byte: int | None = None
    truncate_after: int | None = None
    reset_after: int | None = None
    answer_then_hang: int | None = None
    # Until released: before anything happens, before the reply, or after some bytes of the body
    gate: str = ""
    gate_at: str = "request"
    after_bytes: int | None = None

    @property
    def stops_at(self) -> str:
        """Where a call waits for its gate: "request", "reply", "body", or nowhere."""
        if not self.gate:
            return ""
        return self.gate_at if self.after_bytes is None else "body"

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Action":
        """Return the action of a rule; raises BadRule or ValueError for what means nothing."""
        facts = dict(given)
        if "json" in facts:
            facts["body"] = json.dumps(facts.pop("json"))
            facts["headers"] = {"Content-Type": "application/json"} | facts.get("headers", {})
        if "code" in facts:
            facts["status"] = facts.pop("code")
        known = {entry.name for entry in fields(cls)}
        if unknown := facts.keys() - known:
            raise BadRule(f"unknown in an action: {', '.join(sorted(unknown))}")
        if facts.get("gate_at", "request") not in {"request", "reply"}:
            raise BadRule("gate_at is either request or reply")
        for name in _WHOLE_NUMBERS & facts.keys():
            facts[name] = int(facts[name])
        if "body" in facts:
            facts["body"] = str(facts["body"]).encode()
        if "headers" in facts:
            facts["headers"] = tuple((str(k), str(v)) for k, v in facts["headers"].items())
        if "retry_202" in facts:
            facts["retry_202"] = str(facts["retry_202"])
        return cls(**facts)


@dataclass(slots=True)
class Rule:
    """One rule and how often it was looked at and used."""

    path: re.Pattern[str]
    action: Action
    method: str | None = None
    host: str | None = None
    user: str | None = None
    skip: int = 0
    times: int | None = None
    seen: int = 0
    hits: int = 0
    source: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Rule":
        """Return a rule; raises BadRule for one that cannot be understood."""
        match = given.get("match", {})
        if unknown := given.keys() - {"match", "action", "skip", "times"}:
            raise BadRule(f"unknown in a rule: {', '.join(sorted(unknown))}")
        if unknown := match.keys() - {"method", "path", "host", "user"}:
            raise BadRule(f"unknown in a match: {', '.join(sorted(unknown))}")
        try:
            path = re.compile(match.get("path", ""))
        except re.error as problem:
            raise BadRule(f"path: {problem}") from None
        return cls(
            path=path,
            action=Action.from_json(given.get("action", {})),
            method=match.get("method"),
            host=match.get("host"),
            user=match.get("user"),
            skip=int(given.get("skip", 0)),
            times=None if given.get("times", 1) is None else int(given.get("times", 1)),
            source=given,
        )

    def is_for(self, method: str, path: str, host: str, user: str | None) -> bool:
        return (
            self.method in {None, method}
            and self.host in {None, host}
            and self.user in {None, user}
            and self.path.search(path) is not None
        )


class Faults:
    """The rules now in force, in their order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.rules: list[Rule] = []
        self.gates = Gates()

    def add(self, rules: list[Rule]) -> None:
        with self._lock:
            self.rules = [*self.rules, *rules]

    def clear(self) -> None:
        """Drop all rules and let go of every call that one of them holds."""
        with self._lock:
            self.rules = []
        self.gates.close()
        self.gates = Gates()

    def next_action(self, method: str, path: str, host: str, user: str | None) -> Action | None:
        """Return what shall happen to this call, counting it; the first rule for it decides."""
        if not self.rules:
            return None
        with self._lock:
            for rule in self.rules:
                if not rule.is_for(method, path, host, user):
                    continue
                rule.seen += 1
                is_due = rule.seen > rule.skip and (rule.times is None or rule.hits < rule.times)
                if is_due:
                    rule.hits += 1
                    return rule.action
        return None


class Gates:
    """Named places where a call waits until a test lets it go on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[str, int] = {}
        self._releases: dict[str, int] = {}
        self._is_closed = False

    def wait(self, name: str) -> bool:
        """Stop here until the gate is released; False when the rules were dropped meanwhile."""
        with self._changed:
            turn = self._releases.get(name, 0)
            self._waiting[name] = self._waiting.get(name, 0) + 1
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._is_closed or self._releases.get(name, 0) > turn, HOLD_MAX_SECONDS
            )
            self._waiting[name] -= 1
            return not self._is_closed

    def pause(self, seconds: float) -> bool:
        """Wait that long; False as soon as the rules are dropped."""
        with self._changed:
            return not self._changed.wait_for(lambda: self._is_closed, seconds)

    def release(self, name: str) -> int:
        """Let those go who wait at the gate now; return how many they were."""
        with self._changed:
            count = self._waiting.get(name, 0)
            self._releases[name] = self._releases.get(name, 0) + 1
            self._changed.notify_all()
            return count

    def waiting(self, name: str | None = None, *, seconds: float = 0) -> dict[str, int]:
        """Return how many calls wait at each gate; give `name` that long to have one."""
        with self._changed:
            if name is not None:
                self._changed.wait_for(lambda: self._waiting.get(name, 0) > 0, seconds)
            return {gate: count for gate, count in self._waiting.items() if count}

    def close(self) -> None:
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
