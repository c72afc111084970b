"""Chosen in the picker, copied by the worker, attached to the record."""

from flask import Flask

from tests.sandbox.process import SandboxProcess
from tests.support.copying import attach, attachments, check_invariant, items, run_worker
from tests.support.linking import link
from tests.support.pages import Visitor
from tests.support.world import World
from webapp.imports.models import ItemState

PERMIT = "Quillmark Projects/2317 Larkspur MOB/00 Project Admin/Building permit BP-25-0417.pdf"


def test_a_chosen_file_arrives_whole_and_verified(
    app: Flask, alice: Visitor, sandbox: SandboxProcess, world: World
) -> None:
    link(alice, sandbox)
    target = f"/projects/{world.tower}/rfis/{world.rfi}/attach/"
    page = attach(alice, sandbox, target, PERMIT)
    assert "Building permit" in page.text
    run_worker(app)
    (item,) = items(app)
    (attachment,) = attachments(app)
    file = sandbox.world(PERMIT)
    assert item.state == ItemState.ATTACHED
    assert (attachment.sha1, attachment.size_bytes) == (file["sha1"], file["size"])
    assert attachment.is_verified
    check_invariant(app, sandbox)
