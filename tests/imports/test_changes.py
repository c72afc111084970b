"""Between choosing and copying Box changes: what was chosen comes, or one is told why."""

from typing import Any

import pytest

from tests.imports.conftest import CARDS, PERMIT, W9, Bench
from webapp.imports.models import ItemState

CONTENT = {"host": "api", "path": "/content$"}


@pytest.mark.parametrize("op", ["delete", "trash"])
def test_a_file_that_is_gone_is_told_and_the_others_arrive(bench: Bench, op: str) -> None:
    bench.attach(PERMIT, CARDS)
    bench.sandbox.change(op, PERMIT)
    bench.work()
    gone, other = bench.items()
    assert (gone.state, gone.reason) == (ItemState.FAILED, "not_found_in_box")
    assert other.state == ItemState.ATTACHED
    assert "It was deleted in Box since it was chosen" in bench.page().text
    bench.check()


@pytest.mark.parametrize(
    ("op", "reason", "sentence"),
    [
        ("forbid_download", "no_permission_in_box", "may not download it any more"),
        ("block", "blocked_in_box", "Box has blocked its download"),
        ("lock", "blocked_in_box", "Box has blocked its download"),
    ],
)
def test_a_file_one_may_not_have_any_more_is_told(
    bench: Bench, op: str, reason: str, sentence: str
) -> None:
    bench.attach(CARDS)
    facts: dict[str, Any] = {"prevent_download": True} if op == "lock" else {}
    bench.sandbox.change(op, CARDS, **facts)
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, reason)
    assert sentence in bench.page().text
    bench.check()


def test_a_renamed_and_moved_file_keeps_the_name_it_was_chosen_by(bench: Bench) -> None:
    file = bench.sandbox.world(CARDS)
    bench.attach(CARDS)
    bench.sandbox.change("rename", CARDS, name="Something else.vcf")
    bench.sandbox.control(
        "POST",
        "files",
        {
            "op": "move",
            "id": file["id"],
            "to": "Templates",
            "login": "devon.achterberg@boxmail.example",
        },
    )
    bench.work()
    (attachment,) = bench.attachments()
    assert attachment.name == "Contact cards.vcf"
    assert attachment.box_file_id == file["id"]
    bench.check()


def test_the_version_that_was_chosen_is_copied_and_a_newer_one_is_mentioned(bench: Bench) -> None:
    chosen = bench.sandbox.world(W9)
    bench.attach(W9, CARDS)
    bench.sandbox.change("new_version", W9, size=123_456)
    bench.work()
    w9, cards = bench.attachments()
    assert w9.sha1 == chosen["sha1"]
    assert w9.box_version_id == chosen["version_id"]
    assert w9.newer_in_box
    assert not cards.newer_in_box
    assert "Box has a newer version" in bench.page().text
    bench.check()


def test_a_version_that_appears_during_the_transfer_changes_nothing(bench: Bench) -> None:
    bench.attach(PERMIT)
    chosen = bench.sandbox.world(PERMIT)
    gate = {"gate": "mid", "after_bytes": 100_000}
    bench.sandbox.faults({"match": {"host": "download"}, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    bench.sandbox.change("new_version", PERMIT, size=50_000)
    bench.sandbox.release("mid")
    worker.join(20)
    (attachment,) = bench.attachments()
    assert attachment.sha1 == chosen["sha1"]
    assert attachment.newer_in_box
    bench.check()


def test_a_version_that_is_gone_is_told_from_a_file_that_is_gone(bench: Bench) -> None:
    bench.attach(W9)
    bench.sandbox.change("new_version", W9, size=123_456)
    reply = {"status": 404, "json": {"type": "error", "code": "not_found", "message": "x"}}
    bench.sandbox.faults({"match": CONTENT, "action": reply})
    bench.work()
    assert (bench.item().state, bench.item().reason) == (ItemState.FAILED, "changed_in_box")
    assert "The chosen version is no longer in Box; a newer one is." in bench.page().text
    bench.check()


def test_that_box_will_not_say_whether_there_is_a_newer_one_spoils_nothing(bench: Bench) -> None:
    bench.attach(CARDS)
    down: dict[str, Any] = {"status": 503}
    bench.sandbox.faults({"match": {"host": "api", "path": r"/files/\d+$"}, "action": down})
    bench.work()
    assert bench.item().state == ItemState.ATTACHED
    assert not bench.attachments()[0].newer_in_box
    bench.check()


def test_a_newer_version_is_mentioned_also_when_the_last_copy_fails(bench: Bench) -> None:
    bench.attach(W9, CARDS)
    bench.sandbox.change("new_version", W9, size=123_456)
    bench.sandbox.change("delete", CARDS)
    bench.work()
    assert [item.state for item in bench.items()] == [ItemState.ATTACHED, ItemState.FAILED]
    assert bench.attachments()[0].newer_in_box
    bench.check()


def test_a_file_deleted_since_hides_no_newer_version_of_another(bench: Bench) -> None:
    bench.attach(CARDS, W9, PERMIT)
    gate = {"gate": "mid", "after_bytes": 100_000}
    bench.sandbox.faults({"match": {"host": "download"}, "skip": 2, "action": gate})
    worker = bench.work_beside()
    bench.sandbox.wait_for_gate("mid")
    bench.sandbox.change("delete", CARDS)
    bench.sandbox.change("new_version", W9, size=123_456)
    bench.sandbox.release("mid")
    worker.join(20)
    assert [a.newer_in_box for a in bench.attachments()] == [False, True, False]
    bench.check()


def test_asking_for_newer_versions_costs_one_call_a_file_after_the_last_copy(
    bench: Bench,
) -> None:
    bench.attach(CARDS, W9)
    bench.sandbox.forget_calls()
    bench.work()
    log = [call for call in bench.sandbox.calls()["log"] if call["host"] in {"api", "download"}]
    kinds = ["bytes" if call["host"] == "download" else call["path"][-8:] for call in log]
    assert kinds.count("bytes") == 2
    assert [kind for kind in kinds[-2:] if kind in {"bytes", "/content"}] == []
    assert len(log) == 2 + 2 + 2


def test_a_changed_file_can_be_chosen_again_in_its_new_version(bench: Bench) -> None:
    bench.attach(W9)
    bench.sandbox.change("new_version", W9, size=123_456)
    reply = {"status": 404, "json": {"type": "error", "code": "not_found", "message": "x"}}
    bench.sandbox.faults({"match": CONTENT, "action": reply})
    bench.work()
    assert "Choose the file again to take it." in bench.page().text
    bench.attach(W9)
    bench.work()
    (attachment,) = bench.attachments()
    assert attachment.sha1 == bench.sandbox.world(W9)["sha1"]
    bench.check()
