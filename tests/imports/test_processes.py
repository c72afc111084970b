"""Copies through real processes: what a power cut leaves behind goes on by itself."""

from pathlib import Path

import pytest
from flask import Flask

from config import Config
from tests.imports.test_attached import PERMIT
from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, attachments, check_invariant, items
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.processes import Plumbline
from tests.support.world import World
from webapp.imports.models import ItemState

pytestmark = pytest.mark.processes


def test_a_killed_workers_file_goes_on(
    app: Flask,
    alice: Visitor,
    sandbox: SandboxProcess,
    world: World,
    config: Config,
    tmp_path: Path,
) -> None:
    link(alice, sandbox)
    attach(alice, sandbox, f"/projects/{world.tower}/rfis/{world.rfi}/attach/", PERMIT)
    mark = tmp_path / "killed"
    plumbline = Plumbline(config, APP_FAILPOINTS=f"import.mid_stream=kill9-once:{mark}")
    with plumbline:
        plumbline.wait_until(mark.exists, "the worker is killed in the middle")
        plumbline.kill()
        plumbline.start()
        plumbline.wait_until(
            lambda: [item.state for item in items(app)] == [ItemState.ATTACHED],
            "the copy is done",
            seconds=60,
        )
        log = plumbline.log
    assert len(attachments(app)) == 1
    check_invariant(app, sandbox)
    assert "TKN_" not in log
