"""What a newer version has replaced is told apart wherever files are taken out of Plumbline."""

import csv
from io import StringIO

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.attachments.test_archive import ask, manifest_of, record_of, respond_with, unzipped
from tests.support import copying
from tests.support.copying import run_worker
from tests.support.mailing import begin, ids, mails, write
from tests.support.pages import HOST, Visitor
from tests.support.uploading import attach_upload
from tests.support.world import World
from webapp.attachments import changing
from webapp.attachments.models import Attachment
from webapp.core.database import db, writing

pytestmark = pytest.mark.wide


def replace(app: Flask, older: Attachment, newer: Attachment, number: str | None = "2") -> None:
    """Let the one take the other's place, as a newer version from Box does, under its name."""
    with app.app_context():
        one = update(Attachment).where(Attachment.id == older.id)
        two = update(Attachment).where(Attachment.id == newer.id)
        db.session.execute(one.values(superseded_by_id=newer.id))
        db.session.execute(two.values(name=older.name, box_version_number=number))
        db.session.commit()
        db.session.remove()


@pytest.fixture
def replaced(app: Flask, alice: Visitor, world: World) -> list[Attachment]:
    """A plan, the newer version in its place, and a photo."""
    here = f"{record_of(world)}/attach/"
    older, newer, photo = (
        attach_upload(alice, here, file)[0]
        for file in (("Plan.pdf", b"outdated"), ("Newer.pdf", b"current"), ("Photo.jpg", b"photo"))
    )
    replace(app, older, newer)
    return [older, newer, photo]


def test_in_a_zip_the_current_file_has_the_name_and_the_other_lies_apart(
    alice: Visitor, world: World, replaced: list[Attachment]
) -> None:
    files = unzipped(ask(alice, record_of(world)))
    assert files.keys() == {"manifest.csv", "Plan.pdf", "Photo.jpg", "Superseded/Plan.pdf"}
    assert files["Plan.pdf"] == b"current"
    assert files["Superseded/Plan.pdf"] == b"outdated"
    lines = manifest_of(files)
    assert {name: line["Superseded by"] for name, line in lines.items()} == {
        "Plan.pdf": "",
        "Photo.jpg": "",
        "Superseded/Plan.pdf": "Plan.pdf",
    }


def test_what_a_response_carried_lies_apart_within_its_folder(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    respond_with(bob, world, ("Plan.pdf", b"outdated"), ("Newer.pdf", b"current"))
    older, newer = copying.attachments(app)
    replace(app, older, newer)
    files = unzipped(ask(alice, record_of(world)))
    assert files["Response 1 – Bob Test/Plan.pdf"] == b"current"
    assert files["Response 1 – Bob Test/Superseded/Plan.pdf"] == b"outdated"


def test_a_file_called_like_the_folder_takes_no_place_from_it(
    app: Flask, alice: Visitor, world: World, replaced: list[Attachment]
) -> None:
    attach_upload(alice, f"{record_of(world)}/attach/", ("Superseded", b"a file"))
    files = unzipped(ask(alice, record_of(world)))
    assert len(files) == 5
    (name,) = [name for name, content in files.items() if content == b"outdated"]
    assert name == "Superseded/Plan.pdf"
    assert files["Superseded (2)"] == b"a file"


def test_it_is_the_current_one_again_where_the_newer_one_is_removed(
    alice: Visitor, world: World, replaced: list[Attachment]
) -> None:
    alice.post(f"/attachments/{replaced[1].public_id}/remove")
    files = unzipped(ask(alice, record_of(world)))
    assert files.keys() == {"manifest.csv", "Plan.pdf", "Photo.jpg"}
    assert files["Plan.pdf"] == b"outdated"
    assert "superseded" not in alice.get(f"/projects/{world.tower}/files").text.lower()


@pytest.mark.parametrize(("number", "exported"), [("2", "version 2"), (None, "a newer version")])
def test_the_register_says_which_files_are_superseded(
    app: Flask,
    alice: Visitor,
    world: World,
    replaced: list[Attachment],
    number: str | None,
    exported: str,
) -> None:
    replace(app, replaced[0], replaced[1], number)
    here = f"/projects/{world.tower}/files"
    lines = [" ".join("".join(tr.itertext()).split()) for tr in alice.get(here).all("tr")]
    assert [f"Superseded by {exported}" in line for line in lines] == [False, False, False, True]
    answer = alice.client.get(f"{here}.csv", headers={"Host": HOST}, buffered=True)
    text = answer.get_data().decode("utf-8-sig")
    said = [line["Superseded by"] for line in csv.DictReader(StringIO(text, newline=""))]
    assert said == ["", "", exported]


def test_a_message_goes_out_with_the_newer_version_alone(
    app: Flask, alice: Visitor, bob: Visitor, world: World
) -> None:
    here = begin(alice, world)
    older, newer = attach_upload(
        alice, f"{here}/attach/", ("Plan.pdf", b"outdated"), ("Newer.pdf", b"current now")
    )
    replace(app, older, newer)
    write(alice, here, to=ids(world, "bob"))
    run_worker(app)
    kept = mails(app)[-1].kept
    assert kept is not None
    assert kept["files"] == [["Plan.pdf", len(b"current now")]]
    # Whoever passes it on passes on what it said.
    forwarded = bob.post(f"{here}/act", {"action": "forward"})
    draft = int(str(forwarded.response.request.path).removesuffix("/edit").rpartition("/")[2])
    carried = [file.sha1 for file in copying.attachments(app) if file.record_id == draft]
    assert carried == [newer.sha1]
    thread = " ".join(bob.get(here).text.split())
    assert thread.count("superseded by version 2") >= 1


def arrive(app: Flask, older: Attachment, newer: Attachment) -> None:
    """Let a version take a file's place as the worker does when its copy is finished."""
    with app.app_context():
        with writing() as session:
            changing.supersede(session, older.id, session.get_one(Attachment, newer.id))
        db.session.remove()


def superseded(app: Flask) -> dict[str, str]:
    """Return what each file that still hangs there is superseded by, "" for what is current."""
    with app.app_context():
        found = db.session.scalars(select(Attachment).where(Attachment.removed_at.is_(None)))
        told = {a.name: a.superseded_by.name if a.superseded_by else "" for a in found}
        db.session.remove()
    return told


@pytest.fixture
def versions(app: Flask, alice: Visitor, world: World) -> list[Attachment]:
    """Four versions of one file, each attached and none in another's place yet."""
    here = f"{record_of(world)}/attach/"
    found = [attach_upload(alice, here, (f"v{n}.pdf", b"%d" % n))[0] for n in (1, 2, 3, 4)]
    with app.app_context():
        for number, one in enumerate(found, 9):
            which = update(Attachment).where(Attachment.id == one.id)
            db.session.execute(which.values(box_file_id="77", box_version_number=str(number)))
        db.session.commit()
        db.session.remove()
    return found


def test_the_highest_version_is_current_in_whatever_order_they_arrive(
    app: Flask, alice: Visitor, world: World, versions: list[Attachment]
) -> None:
    one, two, three, four = versions
    # The third was asked for while the second was on its way, and came first.
    arrive(app, one, three)
    arrive(app, one, two)
    arrive(app, two, four)
    assert superseded(app) == {
        "v1.pdf": "v2.pdf",
        "v2.pdf": "v3.pdf",
        "v3.pdf": "v4.pdf",
        "v4.pdf": "",
    }
    assert "filed version 10 of v2.pdf behind version 11" in alice.get(record_of(world)).text


def test_removing_and_restoring_versions_leaves_one_of_them_current(
    app: Flask, alice: Visitor, versions: list[Attachment]
) -> None:
    one, two, three, four = versions
    arrive(app, one, two)
    alice.post(f"/attachments/{two.public_id}/remove")
    assert superseded(app)["v1.pdf"] == ""
    arrive(app, one, three)
    assert superseded(app)["v1.pdf"] == "v3.pdf"
    alice.post(f"/attachments/{two.public_id}/restore")
    alice.post(f"/attachments/{one.public_id}/remove")
    arrive(app, one, four)
    alice.post(f"/attachments/{one.public_id}/restore")
    alice.post(f"/attachments/{four.public_id}/remove")
    assert superseded(app) == {"v1.pdf": "v2.pdf", "v2.pdf": "v3.pdf", "v3.pdf": ""}
