"""`make run`: one command brings everything up, one Ctrl-C ends it, the data stays."""

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.deployment import free_pair, free_port
from tests.support.processes import Person, Plumbline

ROOT = Path(__file__).resolve().parents[2]
UP_SECONDS = 60
END_SECONDS = 30

pytestmark = [
    pytest.mark.processes,
    pytest.mark.slow,
    pytest.mark.skipif(
        os.environ.get("TEST_DEPLOYMENT", "sqlite") != "sqlite",
        reason="make run has one deployment, its own",
    ),
]


# How a shell that has no jobs to control starts what is to run in the background.
IN_BACKGROUND = ("sh", "-c", "trap '' INT; exec \"$@\"", "sh")


class Run:
    """One `make run`, and what it has printed so far."""

    def __init__(self, folder: Path, *, is_in_background: bool = False) -> None:
        self.port, self.sandbox_port = free_port(), free_pair()
        self.url = f"http://127.0.0.1:{self.port}"
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        self.process = subprocess.Popen(
            [*(IN_BACKGROUND if is_in_background else ()), sys.executable, "-m", "scripts.run"],
            cwd=ROOT,
            env={
                **kept,
                "PORT": str(self.port),
                "SANDBOX_PORT": str(self.sandbox_port),
                "DATA_DIR": str(folder),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.append(line)

    @property
    def printed(self) -> str:
        return "".join(self._lines)

    def end(self) -> int:
        """Press Ctrl-C once and return the exit status."""
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(END_SECONDS)
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status

    def has_answer(self, port: int, path: str) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=1):
                return True
        except OSError:
            return False


@contextmanager
def running(folder: Path, *, is_in_background: bool = False) -> Iterator[Run]:
    run = Run(folder, is_in_background=is_in_background)
    try:
        Plumbline.wait_until(
            lambda: "Ctrl-C" in run.printed or run.process.poll() is not None,
            "make run says that it is up",
            seconds=UP_SECONDS,
        )
        assert run.process.poll() is None, run.printed
        yield run
    finally:
        if run.process.poll() is None:
            run.end()


def test_it_says_what_it_is_and_ends_whole(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        assert run.url in run.printed
        assert "devon@quillmark.example" in run.printed
        assert f"the Box sandbox at http://127.0.0.1:{run.sandbox_port}" in run.printed
        devon = Person(run.url)
        devon.submit("/sign-in", "/sign-in", email="devon@quillmark.example", password="plumbline")
        assert "devon.achterberg@boxmail.example" in devon.get("/settings/box").text
        assert run.end() == 0
    assert not run.has_answer(run.port, "/healthz")
    assert not run.has_answer(run.sandbox_port, "/_control/state")
    assert "TKN_" not in run.printed
    assert "Traceback" not in run.printed


def test_a_second_start_keeps_data_links_and_files(tmp_path: Path) -> None:
    with running(tmp_path / "data") as run:
        first = run.printed
        Plumbline.wait_until(lambda: "import.attached" in run.printed, "a demo file is copied")
    with running(tmp_path / "data") as run:
        assert "loaded already" in run.printed
        devon = Person(run.url)
        devon.submit("/sign-in", "/sign-in", email="devon@quillmark.example", password="plumbline")
        rfis = devon.get("/projects/1/rfis").text
        address = re.search(r'href="(/projects/1/rfis/\d+)"', rfis)
        assert address is not None
        folder = devon.get(f"{address[1]}/attach/box/folders/0")
        assert "Quillmark Projects" in folder.text
    assert "Loaded 10 people" in first


def test_it_ends_in_the_background_of_a_script_too(tmp_path: Path) -> None:
    with running(tmp_path / "data", is_in_background=True) as run:
        assert run.end() == 0
    assert not run.has_answer(run.port, "/healthz")


def test_a_port_in_use_is_said_and_nothing_stays_behind(tmp_path: Path) -> None:
    with running(tmp_path / "one") as run:
        env = {**os.environ, "PORT": str(free_port()), "SANDBOX_PORT": str(run.sandbox_port)}
        second = subprocess.run(
            [sys.executable, "-m", "scripts.run"],
            cwd=ROOT,
            env={**env, "DATA_DIR": str(tmp_path / "two"), "APP_ENV": "development"},
            capture_output=True,
            text=True,
            timeout=UP_SECONDS,
            check=False,
        )
        assert second.returncode == 1
        assert f"is port {run.sandbox_port} in use?" in second.stderr
