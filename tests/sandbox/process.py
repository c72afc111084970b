"""Starts the Box sandbox as the separate program it is, and turns its controls.

    with SandboxProcess() as sandbox:
        sandbox.faults({"match": {"path": "/items$"}, "action": {"status": 503}})

Every method raises AssertionError with the sandbox's own words when a control is refused.
"""

import json
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 15
STOP_SECONDS = 5
CALL_SECONDS = 40

CLIENT_ID = "plumbline-dev"
CLIENT_SECRET = "plumbline-dev-secret"
PASSWORD = "sandbox"
DEVON = "devon.achterberg@boxmail.example"

Facts = dict[str, Any]


class SandboxProcess:
    """One running sandbox on free ports."""

    def __init__(self, *options: str) -> None:
        self._options = options
        self._process: subprocess.Popen[str] | None = None
        self._http = requests.Session()
        self._http.trust_env = False
        self.api_url = ""
        self.account_url = ""
        self.download_url = ""
        # Where the controls are, whatever the other addresses say.
        self.control_url = ""

    def start(self) -> Self:
        """Start the program and wait until it says that it is ready."""
        command = [sys.executable, "-m", "box_sandbox", "--port", "0", "--download-port", "0"]
        self._process = subprocess.Popen(
            [*command, *self._options], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, "the sandbox ended before it was ready"
        ready = json.loads(line)
        self.api_url = ready["api_url"]
        self.account_url = ready["account_url"]
        self.download_url = ready["download_url"]
        self.control_url = ready["listens_at"]
        return self

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(STOP_SECONDS)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._http.close()
        self._process = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ---- controls

    def control(
        self, method: str, name: str, body: Facts | None = None, query: Facts | None = None
    ) -> Facts:
        """Turn one control and return its answer."""
        answer = self._http.request(
            method,
            f"{self.control_url}/_control/{name}",
            json=body,
            params=query or {},
            timeout=CALL_SECONDS,
        )
        assert answer.status_code == 200, f"{method} {name}: {answer.status_code} {answer.text}"
        facts: Facts = answer.json()
        return facts

    def reset(self) -> None:
        """Make everything as it was when the sandbox started."""
        self.control("POST", "reset")

    def state(self) -> Facts:
        return self.control("GET", "state")

    def world(self, path: str, *, login: str = DEVON) -> Facts:
        """Return an item's id, type, sha1, size, version_id, version_number, versions, etag."""
        return self.control("GET", "world", query={"login": login, "path": path})

    def tokens(self) -> list[Facts]:
        """Return every token ever issued: token, kind, user, live."""
        tokens: list[Facts] = self.control("GET", "tokens")["tokens"]
        return tokens

    def faults(self, *rules: Facts) -> None:
        """Add rules {match, skip, times, action}; a rule is good for one call unless it says."""
        self.control("POST", "faults", {"rules": list(rules)})

    def fault_hits(self) -> list[int]:
        return [rule["hits"] for rule in self.control("GET", "faults")["rules"]]

    def clear_faults(self) -> None:
        self.control("DELETE", "faults")

    def wait_for_gate(self, gate: str, *, limit_s: float = 10) -> None:
        """Return as soon as a call waits at the gate; fails if none comes in time."""
        waiting = self.control("GET", "gates", query={"wait": gate, "seconds": limit_s})["gates"]
        assert gate in waiting, f"nobody came to the gate {gate!r} within {limit_s} s"

    def release(self, gate: str) -> None:
        """Let those who wait at the gate go on; fails if nobody does."""
        released = self.control("POST", "release", {"gate": gate})["released"]
        assert released, f"nobody waits at the gate {gate!r}"

    def settings(self, **changed: Any) -> Facts:
        return self.control("POST", "settings", changed)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's clock."""
        self.control("POST", "clock", {"advance_s": seconds})

    def revoke(self, login: str = DEVON) -> None:
        """End all grants of an account, as if the person removed the app in Box."""
        self.control("POST", "revoke", {"login": login})

    def change(self, op: str, path: str, *, login: str = DEVON, **facts: Any) -> Facts:
        """Change a file or folder behind everybody's back; return what it is now."""
        return self.control("POST", "files", {"op": op, "path": path, "login": login, **facts})

    def calls(self) -> Facts:
        """Return {total, counts, writes, log}."""
        return self.control("GET", "calls")

    def forget_calls(self) -> None:
        self.control("DELETE", "calls")
