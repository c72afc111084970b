"""Redis refuses, hangs and comes back: limits and wake-ups do without, and nobody notices."""

import time
from dataclasses import replace

import pytest
from flask import Flask

from config import Config
from tests.browser.conftest import Actor
from tests.sandbox.process import SandboxProcess
from tests.support.copying import check_invariant, items
from tests.support.pages import XHTML
from tests.support.processes import Person, Plumbline
from tests.support.servers import RedisServer
from tests.support.world import World
from webapp.imports.models import ItemState

pytestmark = [pytest.mark.processes, pytest.mark.slow]

FOLDER = "/Templates"
FILES = ("/Templates/Folder structure readme.txt", "/Templates/RFI form.docx")
# A page may find out once that Redis hangs, which takes it two seconds.
SECONDS = 6.0
WRONG = "not the password"


def attach(person: Person, sandbox: SandboxProcess, record: str, path: str) -> None:
    """Choose a file of Box in the picker and press Attach."""
    folder, file = sandbox.world(path.rpartition("/")[0]), sandbox.world(path)
    place = f"{record}/attach/"
    tree = person.tree(f"{place}box/folders/{folder['id']}")
    (choice,) = (i for i in tree.iter(f"{XHTML}input") if i.get("data-id") == file["id"])
    listing = f"{place}box/folders/{folder['id']}"
    form = person.form(listing, "box/choose")
    chosen = person.post(form.action, {**form.values, "choice": choice.get("value", "")})
    assert chosen.status_code == 200, chosen.text
    sent = person.submit(place, "/send")
    assert sent.status_code == 200, sent.text


def in_time(
    plumbline: Plumbline, world: World, sandbox: SandboxProcess, actor: Actor, path: str
) -> None:
    """Sign in, open a folder, search and attach, each without a failure and without waiting."""
    began = time.monotonic()
    assert plumbline.person(world.email("bob")).get("/").status_code == 200
    assert time.monotonic() - began < 2 * SECONDS
    record = f"/projects/{world.tower}/rfis/{world.rfi}"
    for address in ("box/folders/0", "box/search?q=permit"):
        began = time.monotonic()
        assert actor.person.get(f"{record}/attach/{address}").status_code == 200
        assert time.monotonic() - began < SECONDS
    attach(actor.person, sandbox, record, path)


def attached(app: Flask) -> int:
    return sum(item.state == ItemState.ATTACHED for item in items(app))


def test_everything_goes_on_while_redis_is_away_and_after_it_is_back(
    app: Flask, config: Config, sandbox: SandboxProcess, world: World, redis_server: RedisServer
) -> None:
    with Plumbline(replace(config, queue_url=redis_server.url), WEB_CONCURRENCY="1") as plumbline:
        alice = plumbline.person(world.email("alice"))
        actor = Actor(plumbline, sandbox, alice, world.people["alice"], world.tower)
        actor.link()
        assert alice.get("/healthz").json()["redis"] == "ok"

        redis_server.kill()
        in_time(plumbline, world, sandbox, actor, FILES[0])
        said = alice.get("/healthz")
        assert (said.status_code, said.json()["status"], said.json()["redis"]) == (
            200,
            "degraded",
            "away",
        )
        plumbline.wait_until(lambda: attached(app) == 1, "the copy arrives without Redis")
        refused = [_sign_in_wrongly(plumbline, world.email("nell")) for _ in range(8)]
        assert 429 in refused, "guessing passwords stays limited"
        assert refused[0] == 422

        redis_server.start()
        plumbline.wait_until(
            lambda: alice.get("/healthz").json() == {"status": "ok", "box": "ok", "redis": "ok"},
            "Redis is found back",
        )

        redis_server.freeze()
        in_time(plumbline, world, sandbox, actor, FILES[1])
        plumbline.wait_until(lambda: attached(app) == 2, "the copy arrives while Redis hangs")
        log = plumbline.log
        assert "Traceback" not in log, log[-4000:]
        # Each process says once that it went away and once that it came back.
        assert 1 <= log.count("redis.away") <= 4, log
        assert 1 <= log.count("redis.back") <= 2, log
    check_invariant(app, sandbox)


def _sign_in_wrongly(plumbline: Plumbline, email: str) -> int:
    stranger = Person(plumbline.url)
    answer = stranger.submit("/sign-in", "/sign-in", email=email, password=WRONG)
    return answer.status_code
