"""The client against answers recorded once and kept, in which there is no secret.

To record them anew, from the sandbox, after a call or its fields have changed:

    RECORD_CASSETTES=1 .venv/bin/pytest tests/box/test_cassettes.py

The host is a placeholder, because the sandbox has another port each time; a recorded answer is
found by method, path and query.
"""

import base64
import gzip
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from betamax import Betamax
from betamax.cassette import Cassette
from betamax.cassette.interaction import Interaction
from betamax.exceptions import BetamaxError

from tests.sandbox.people import App
from tests.sandbox.process import CLIENT_SECRET, DEVON, SandboxProcess
from webapp.box.client import BoxClient
from webapp.box.errors import BoxItemGone
from webapp.box.items import ROOT_ID
from webapp.box.tokens import AccessToken

FOLDER = Path(__file__).parent / "cassettes"
HOST = "https://box.invalid"
IS_RECORDING = bool(os.environ.get("RECORD_CASSETTES"))
# The sandbox's ids follow from its world, so they are the same in every run.
SAFETY_ID = "348497232135"
README_ID = "1918567113870"
SECRET = re.compile(
    rf"TKN_|bearer|{re.escape(CLIENT_SECRET)}|refresh_token|access_token|authorization|cookie",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Fixed:
    """A bearer that cannot renew anything; answers that are recorded need no true token."""

    token: AccessToken = field(default_factory=lambda: AccessToken("nobody", 1))

    def bearer(self, refused: AccessToken | None = None) -> AccessToken:
        assert refused is None, "a recorded answer refuses the token"
        return self.token


def scrub(interaction: Interaction, _cassette: Cassette) -> None:
    """Keep of a recording what the client reads, in the clear, and nothing that opens anything."""
    request, response = interaction.data["request"], interaction.data["response"]
    parts = urlsplit(request["uri"])
    request["uri"] = response["url"] = f"{HOST}{parts.path}?{parts.query}".rstrip("?")
    request["headers"] = {}
    headers = response["headers"]
    response["headers"] = {name: headers[name] for name in headers if name == "Content-Type"}
    packed = response["body"].pop("base64_string", None)
    if packed is not None:
        text = gzip.decompress(base64.b64decode(packed)).decode()
        response["body"] = {"encoding": "utf-8", "string": text}


@contextmanager
def played(name: str, client: Callable[[requests.Session], BoxClient]) -> Iterator[BoxClient]:
    """Give a client that records or replays a cassette."""
    session = requests.Session()
    recorder = Betamax(session, cassette_library_dir=str(FOLDER))
    recorder.use_cassette(
        name,
        record="all" if IS_RECORDING else "none",
        match_requests_on=["method", "path", "query"],
    )
    with recorder:
        yield client(session)


Play = Callable[[str], AbstractContextManager[BoxClient]]


@pytest.fixture
def play(request: pytest.FixtureRequest) -> Iterator[Play]:
    """Open a cassette by name: replayed as a rule, recorded when asked for."""
    if not IS_RECORDING:
        yield lambda name: played(name, lambda http: _client(Fixed(), HOST, http))
        return
    sandbox: SandboxProcess = request.getfixturevalue("sandbox")
    app = App(sandbox).link()
    with Betamax.configure() as config:
        config.before_record(callback=scrub)
    devon = Fixed(AccessToken(app.tokens.access, 1))
    yield lambda name: played(name, lambda http: _client(devon, sandbox.api_url, http))
    Cassette.hooks.pop("before_record")
    app.http.close()


def _client(bearer: Fixed, api_url: str, session: requests.Session) -> BoxClient:
    return BoxClient(bearer, api_url=api_url, download_origins=(), session=session)


def test_me(play: Play) -> None:
    with play("me") as box:
        account = box.me()
    assert (account.login, account.name) == (DEVON, "Devon Achterberg")
    assert account.id.isdigit()


def test_a_folder_page_by_page(play: Play) -> None:
    names: list[str] = []
    marker = None
    with play("folder") as box:
        while True:
            page = box.list_folder(SAFETY_ID, marker=marker, limit=4)
            names += [item.name for item in page.items]
            marker = page.next_marker
            if marker is None:
                break
    assert len(names) > 4
    assert len(set(names)) == len(names)


def test_the_root(play: Play) -> None:
    with play("root") as box:
        page = box.list_folder(ROOT_ID, sort="name", direction="ASC")
    assert "Quillmark Projects" in {item.name for item in page.items}


def test_a_folders_path(play: Play) -> None:
    with play("path") as box:
        folder = box.folder(SAFETY_ID)
    assert folder.name == "10 Safety"
    assert folder.path_collection is not None
    assert folder.path_collection.entries[0].id == ROOT_ID


def test_a_file(play: Play) -> None:
    with play("file") as box:
        file = box.file(README_ID)
    assert file.name == "Folder structure readme.txt"
    assert len(file.digest or "") == 40
    assert (file.size_bytes or 0) > 0
    assert file.version_id
    assert file.may_download


def test_a_search(play: Play) -> None:
    with play("search") as box:
        page = box.search("toolbox", limit=2)
    assert len(page.items) == 2
    assert page.next_offset == 2
    assert page.total > 2
    assert all("toolbox" in item.name.lower() for item in page.items)


def test_what_is_not_there(play: Play) -> None:
    with play("absent") as box, pytest.raises(BoxItemGone):
        box.file("123456789")


@pytest.mark.skipif(IS_RECORDING, reason="everything is being recorded")
def test_what_was_not_recorded_is_not_made_up() -> None:
    with (
        played("me", lambda http: _client(Fixed(), HOST, http)) as box,
        pytest.raises(BetamaxError),
    ):
        box.file(README_ID)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.json")), ids=lambda path: path.stem)
def test_no_cassette_holds_a_secret(path: Path) -> None:
    text = path.read_text()
    assert not SECRET.search(text)
    for interaction in json.loads(text)["http_interactions"]:
        assert urlsplit(interaction["request"]["uri"]).hostname == urlsplit(HOST).hostname
        assert set(interaction["response"]["body"]) == {"encoding", "string"}, "not in the clear"


def test_there_are_cassettes_for_the_main_calls() -> None:
    stems = {path.stem for path in FOLDER.glob("*.json")}
    assert stems == {"me", "folder", "root", "path", "file", "search", "absent"}
