"""Plumbline as the processes that people run: gunicorn and, with a queue outside, `flask worker`.

    with Plumbline(config) as plumbline:
        person = plumbline.person("alice@example.test")
        page = person.get("/projects")
        plumbline.kill()          # as a power cut would
        plumbline.start()

What they print is kept in `log`, so that a test can look for what must not be there.
"""

import base64
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.etree.ElementTree import Element

import html5lib
import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from config import Config
from tests.support.deployment import free_port
from tests.support.pages import PASSWORD, XHTML, Form

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 30
CALL_SECONDS = 30
POLL_SECONDS = 0.05


def environment(config: Config, **changed: str) -> dict[str, str]:
    """Return the settings as the variables a process reads them from."""
    ring = (f"{k.key_id}:{base64.b64encode(k.secret).decode()}" for k in config.token_keys)
    return {
        **{name: os.environ[name] for name in os.environ if name in {"PATH", "HOME", "LANG"}},
        **{name: os.environ[name] for name in os.environ if name.startswith("AWS_")},
        "APP_ENV": config.environment,
        "FLASK_APP": "wsgi.py",
        "DATA_DIR": str(config.data_dir),
        "SECRET_KEY": config.secret_key,
        "TOKEN_KEYS": ",".join(ring),
        "DATABASE_URL": config.database_url,
        "STORAGE_URL": config.storage_url,
        "QUEUE_URL": config.queue_url,
        "PUBLIC_URL": config.public_url,
        "BOX_CLIENT_ID": config.box_client_id,
        "BOX_CLIENT_SECRET": config.box_client_secret,
        "BOX_ACCOUNT_URL": config.box_account_url,
        "BOX_API_URL": config.box_api_url,
        "BOX_DOWNLOAD_HOSTS": ",".join(config.box_download_hosts),
        "COPY_THREADS": str(config.copy_threads),
        "WEB_CONCURRENCY": "2",
        **changed,
    }


class Plumbline:
    """The web process and, where the queue is outside, one worker process."""

    def __init__(self, config: Config, **changed: str) -> None:
        self._config = config
        self._changed = changed
        self._processes: list[subprocess.Popen[bytes]] = []
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the processes
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    def start(self, **changed: str) -> Self:
        """Start the processes and wait until the web answers; `changed` adds variables."""
        env = self._environment(**changed)
        self._run(env, "gunicorn", "-c", "python:webapp.operations.server", "wsgi:app")
        if not self._config.queue_is_embedded:
            self._run(env, "flask", "worker")
        self.wait_until(self._answers, "the web process answers")
        return self

    def _environment(self, **changed: str) -> dict[str, str]:
        return environment(
            self._config,
            PUBLIC_URL=self.url,
            BIND=f"127.0.0.1:{self.port}",
            **{**self._changed, **changed},
        )

    def _run(self, env: dict[str, str], program: str, *arguments: str) -> None:
        command = [str(Path(sys.executable).parent / program), *arguments]
        self._processes.append(
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=env,
                stdout=self._printed,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        )

    def _answers(self) -> bool:
        try:
            return requests.get(f"{self.url}/healthz", timeout=2).status_code == 200
        except requests.RequestException:
            return False

    def kill(self) -> None:
        """End every process at once, with no chance to clean up."""
        for process in self._processes:
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._reap()

    def kill_worker(self) -> None:
        """End the worker process at once, and start another as a supervisor would."""
        worker = self._processes.pop()
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait(5)
        self._run(self._environment(), "flask", "worker")

    def stop(self) -> None:
        """End the processes the way an operator does."""
        for process in self._processes:
            process.terminate()
        self._reap()

    def _reap(self) -> None:
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(5)
        self._processes.clear()

    def has_died(self) -> bool:
        """True when a copying process has ended; gunicorn itself restarts a killed web worker."""
        return any(process.poll() is not None for process in self._processes)

    @property
    def pids(self) -> list[int]:
        return [process.pid for process in self._processes]

    @property
    def log(self) -> str:
        self._printed.seek(0)
        text = self._printed.read().decode(errors="replace")
        self._printed.seek(0, os.SEEK_END)
        return text

    def person(self, email: str) -> "Person":
        return Person(self.url).sign_in(email)

    @staticmethod
    def wait_until(is_so: Callable[[], bool], what: str, *, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
            time.sleep(POLL_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._printed.close()


class Person:
    """Somebody with a browser, over a real socket."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.http = requests.Session()
        self.http.trust_env = False
        # As browsers do: a connection that the server closed while it was idle is opened again.
        again = Retry(
            connect=0,
            read=1,
            status=0,
            other=0,
            allowed_methods=["GET"],
            respect_retry_after_header=False,
        )
        self.http.mount("http://", HTTPAdapter(max_retries=again))

    def sign_in(self, email: str) -> Self:
        answer = self.submit("/sign-in", "/sign-in", email=email, password=PASSWORD)
        assert answer.status_code == 200, answer.status_code
        return self

    def get(self, path: str, **kwargs: Any) -> requests.Response:
        return self.http.get(self._url + path, timeout=CALL_SECONDS, **kwargs)

    def post(self, path: str, values: dict[str, Any], **kwargs: Any) -> requests.Response:
        return self.http.post(self._url + path, data=values, timeout=CALL_SECONDS, **kwargs)

    def submit(self, path: str, action: str, **values: Any) -> requests.Response:
        """Open a page, fill in the form whose action ends like this, and send it."""
        form = self.form(path, action)
        return self.post(form.action or path, {**form.values, **values})

    def tree(self, path: str) -> Element:
        tree: Element = html5lib.parse(self.get(path).text)
        return tree

    def form(self, path: str, action: str) -> Form:
        for form in self.tree(path).iter(f"{XHTML}form"):
            if (form.get("action") or "").endswith(action):
                return Form.of(form)
        raise AssertionError(f"no form with action {action!r} on {path}")
