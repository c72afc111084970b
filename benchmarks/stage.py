"""What every benchmark stands on: the sandbox, Plumbline as processes, a person with a link."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from flask_migrate import upgrade

from config import Config, TokenKey
from tests.sandbox.people import Browser, callback
from tests.sandbox.process import CLIENT_ID, CLIENT_SECRET, DEVON, SandboxProcess
from tests.support import world as worlds
from tests.support.deployment import Deployment, deployment
from tests.support.processes import Person, Plumbline
from tests.support.world import World
from webapp.core.database import db
from webapp.factory import create_app

ROOT = Path(__file__).resolve().parent.parent
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Stage:
    """Everything running, and Alice signed in with her Box linked."""

    sandbox: SandboxProcess
    plumbline: Plumbline
    person: Person
    world: World
    web_pid: int

    @property
    def target(self) -> str:
        return f"/projects/{self.world.tower}/rfis/{self.world.rfi}/attach/"


@contextlib.contextmanager
def stage(*sandbox_options: str) -> Iterator[Stage]:
    """Start everything on SQLite with the embedded queue, and stop it at the end."""
    os.environ["APP_ENV"] = "test"
    os.environ["TEST_DEPLOYMENT"] = "sqlite"
    with deployment() as deployed, SandboxProcess(*sandbox_options) as sandbox:
        config = configured(deployed, sandbox)
        world = filled(replace(config, database_url=deployed.template_url))
        deployed.prepare_database()
        deployed.prepare_storage()
        sandbox.settings(rate_limits=False)
        with Plumbline(config) as plumbline:
            person = plumbline.person(world.email("alice"))
            link_person(person, sandbox, DEVON)
            yield Stage(sandbox, plumbline, person, world, _web_pid(plumbline))


def configured(deployed: Deployment, sandbox: SandboxProcess) -> Config:
    """Return the settings of an application on this deployment and this sandbox."""
    return Config(
        environment="test",
        data_dir=deployed.folder / "var",
        secret_key="a secret for the benchmarks only, long enough",
        token_keys=(TokenKey("b1", b"k" * 32),),
        database_url=deployed.database_url,
        storage_url=deployed.storage_url,
        queue_url=deployed.queue_url,
        public_url="http://127.0.0.1",
        box_client_id=CLIENT_ID,
        box_client_secret=CLIENT_SECRET,
        box_account_url=sandbox.account_url,
        box_api_url=sandbox.api_url,
        box_download_hosts=(sandbox.download_url,),
    )


def filled(config: Config) -> World:
    """Migrate an empty database and put the tests' world into it."""
    app = create_app(config)
    with app.app_context():
        upgrade(directory=str(ROOT / "migrations"))
        world = worlds.build(db.session())
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return world


def link_person(person: Person, sandbox: SandboxProcess, login: str) -> None:
    """Link somebody's Box over real sockets."""
    form = person.form("/settings/box", "/settings/box/link")
    left = person.post("/settings/box/link", form.values)
    asked = parse_qs(urlsplit(left.headers["Refresh"].partition("url=")[2]).query)
    browser = Browser(sandbox)
    page = browser.sign_in(browser.open(**{k: v[0] for k, v in asked.items()}), login)
    back = callback(browser.submit(page, decision="grant"))
    outcome = person.get("/box/callback", params=back)
    assert login in outcome.text, "the benchmark's person is not linked"


def _web_pid(plumbline: Plumbline) -> int:
    """Return gunicorn's one web worker, whose CPU and memory are measured."""
    children = Path(f"/proc/{plumbline.pids[0]}/task/{plumbline.pids[0]}/children")
    (pid,) = children.read_text(encoding="ascii").split()
    return int(pid)


def cpu_seconds(pid: int) -> float:
    """Return what a process has used so far, in seconds of one core (proc(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def memory_mib(pid: int, name: str = "VmRSS") -> float:
    """Return a process's memory in MiB: VmRSS now, VmHWM at its highest (proc(5))."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) / 1024
    raise LookupError(name)


def forget_highest_memory(pid: int) -> None:
    """Let VmHWM begin anew (proc(5), clear_refs 5)."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="ascii")
