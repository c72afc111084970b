"""The ways into a Box beside its folders: recents, favorites, what others share, pasted links."""

from urllib.parse import quote

import pytest

from tests.picker.dialog import (
    PREVIEWED,
    PROJECT,
    asked,
    chosen,
    click,
    id_of,
    line,
    lines,
    more,
    tick,
    trail,
)
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.pages import Page, Visitor

pytestmark = pytest.mark.wide

SET = f"{PROJECT}/03 Drawings/01 IFC Set 2025-02-14/A Architectural"
PLAN = f"{SET}/A-101 First Floor Plan.pdf"
BRIEF = "/2317 Larkspur/Project brief.pdf"
ANNEKE = "anneke.brandvold@boxmail.example"
KWAME = "kwame.ellery@boxmail.example"


def current(page: Page) -> list[str]:
    nav = next(page.all("nav", aria_label="Views of Box"))
    return ["".join(a.itertext()).strip() for a in nav.iter() if a.get("aria-current")]


def test_every_view_is_one_click_away_and_says_which_one_it_is(linked: Visitor, here: str) -> None:
    page = linked.get(f"{here}box/")
    assert current(page) == ["All files"]
    for name in ("Recents", "Favorites", "Shared with me"):
        page = linked.get(page.links()[name])
        assert current(page) == [name]
    assert current(linked.get(page.links()["All files"])) == ["All files"]


def test_recents_are_one_call_newest_first_with_their_paths(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.change("use", PLAN)
    sandbox.forget_calls()
    page = linked.get(f"{here}box/recents", htmx=True)
    assert [call["path"] for call in asked(sandbox)] == ["/2.0/recent_items"]
    first = lines(page)[0]
    assert first.name == "A-101 First Floor Plan.pdf"
    assert "03 Drawings / 01 IFC Set 2025-02-14" in first.note
    assert "Last used first" in page.text
    assert not [a for a in page.all("th") if a.get("aria-sort")]
    assert chosen(tick(linked, here, first.token, within=trail(page))) == [first.name]


def test_favorites_are_files_and_folders_with_a_star(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.change("favorite", PLAN)
    sandbox.change("favorite", PROJECT)
    page = linked.get(f"{here}box/favorites", htmx=True)
    assert line(page, "A-101 First Floor Plan.pdf").token
    opened = click(linked, page, line(page, "2317 Larkspur MOB").href)
    assert "03 Drawings" in [row.name for row in lines(opened)]


def test_an_account_without_favorites_reads_how_to_have_some(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    for row in lines(linked.get(f"{here}box/favorites", htmx=True)):
        path = row.note.partition("Owned by")[0].rstrip(", ").replace(" / ", "/")
        sandbox.change("unfavorite", f"{path}/{row.name}")
    page = linked.get(f"{here}box/favorites", htmx=True)
    assert lines(page) == []
    assert "No favorites yet" in page.text


def test_what_was_opened_by_a_shared_link_is_not_offered_as_if_it_were_ours(
    linked: Visitor, here: str
) -> None:
    book = line(linked.get(f"{here}box/recents", htmx=True), "Calculation book volume 1.pdf")
    assert book.token == ""
    assert book.why == "You opened this by a shared link. Paste that link here to attach it."


def test_favorites_are_paged_to_the_end(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    names = [f"Star {number:03}.txt" for number in range(130)]
    for name in names:
        sandbox.change("add_file", f"/Field Notes (Devon)/{name}")
        sandbox.change("favorite", f"/Field Notes (Devon)/{name}")
    page = linked.get(f"{here}box/favorites", htmx=True)
    found = [row.name for row in lines(page)]
    while more(page):
        page = linked.get(more(page), htmx=True)
        found += [row.name for row in lines(page)]
    assert len(found) == len(set(found))
    assert set(names) <= set(found)


def test_shared_with_me_is_what_others_own(linked: Visitor, here: str) -> None:
    page = linked.get(f"{here}box/shared", htmx=True)
    names = [row.name for row in lines(page)]
    assert "Received from Studio Fennimore" in names
    assert "Quillmark Projects" not in names


def test_a_page_without_anything_shared_is_no_end(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    for number in range(100):
        sandbox.change("add_folder", f"/00 Mine {number:02}")
    page = linked.get(f"{here}box/shared", htmx=True)
    assert lines(page) == []
    assert "Showing 0, more available" in page.text
    following = linked.get(more(page), htmx=True)
    assert "Received from Studio Fennimore" in [row.name for row in lines(following)]
    assert more(following) == ""


def test_a_view_that_fails_says_so_and_tries_the_same_again(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.faults({"match": {"path": "/recent_items$"}, "action": {"status": 503}})
    page = linked.get(f"{here}box/recents", htmx=True, expect=424)
    assert "Box is not answering right now" in page.text
    assert lines(linked.get(page.links()["Try again"], htmx=True))


def test_without_a_last_folder_there_is_no_such_view(linked: Visitor, here: str) -> None:
    assert "Last used here" not in linked.get(f"{here}box/").links()
    assert current(linked.get(f"{here}box/last")) == ["All files"]


# ---- pasted links


def paste(visitor: Visitor, here: str, link: str, *, expect: int = 200) -> Page:
    return visitor.get(f"{here}box/search?q={quote(link, safe='')}", htmx=True, expect=expect)


@pytest.mark.parametrize(
    "form",
    [
        "https://app.box.com/file/{id}",
        "https://quillmark.app.box.com/file/{id}?s=abc",
        "https://quillmark.ent.box.com/file/{id}/",
        "app.box.com/file/{id}",
        "  https://app.box.com/file/{id}  ",
    ],
)
def test_a_pasted_link_to_a_file_leads_to_it(
    linked: Visitor, sandbox: SandboxProcess, here: str, form: str
) -> None:
    page = paste(linked, here, form.format(id=id_of(sandbox, PLAN)))
    only = lines(page)
    assert [row.name for row in only] == ["A-101 First Floor Plan.pdf"]
    assert chosen(tick(linked, here, only[0].token)) == [only[0].name]
    folder = linked.get(page.links()["Open its folder"], htmx=True)
    assert "A-102 Second Floor Plan.pdf" in [row.name for row in lines(folder)]


def test_a_pasted_link_to_a_folder_opens_it(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = paste(linked, here, f"https://app.box.com/folder/{id_of(sandbox, PROJECT)}")
    assert "03 Drawings" in [row.name for row in lines(page)]
    root = paste(linked, here, "https://app.box.com/folder/0")
    assert "Quillmark Projects" in [row.name for row in lines(root)]


@pytest.mark.parametrize(
    "link",
    [
        "https://www.dropbox.com/s/abc/plan.pdf",
        "https://app.box.com/",
        "https://app.box.com/file/none",
        "https://box.com.example/file/1",
        "https://notbox.com/file/1",
        "http://[::1",
        "https://app.box.com/file/1" + "0" * 490,
    ],
)
def test_a_link_that_is_none_of_box_is_told_without_a_call(
    linked: Visitor, sandbox: SandboxProcess, here: str, link: str
) -> None:
    sandbox.forget_calls()
    page = paste(linked, here, link, expect=424)
    assert "That is no link to a file or folder in Box." in page.text
    assert asked(sandbox) == []


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_a_link_for_another_account_names_the_account_that_is_linked(
    linked: Visitor, here: str, kind: str
) -> None:
    page = paste(linked, here, f"https://app.box.com/{kind}/99999999999", expect=424)
    assert f"Your Box account {DEVON} does not see what this link leads to." in page.text


def test_a_pasted_file_that_cannot_be_attached_says_why(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    listing = linked.get(f"{here}box/folders/{id_of(sandbox, PREVIEWED)}", htmx=True)
    wanted = next(row for row in lines(listing) if "Preview only" in row.why)
    file_id = id_of(sandbox, f"{PREVIEWED}/{wanted.name}")
    row = lines(paste(linked, here, f"https://app.box.com/file/{file_id}"))[0]
    assert row.why == wanted.why
    assert row.token == ""


def test_a_shared_link_leads_to_what_is_ours_anyway(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    address = sandbox.change("set_link", PLAN, access="open")["shared_link"]
    only = lines(paste(linked, here, address))
    assert [row.name for row in only] == ["A-101 First Floor Plan.pdf"]


def test_a_shared_link_that_has_ended_says_so(linked: Visitor, here: str) -> None:
    page = paste(linked, here, "https://app.box.com/s/nonesuchlink", expect=424)
    assert f"has ended, or it does not let your Box account {DEVON} in." in page.text


def shared(sandbox: SandboxProcess, path: str, *, login: str) -> str:
    return str(sandbox.world(path, login=login)["shared_link"])


def test_what_is_open_by_its_link_alone_names_whom_to_ask(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    book = "/2317 Larkspur structural/Calculation book volume 1.pdf"
    page = paste(linked, here, shared(sandbox, book, login=KWAME), expect=424)
    assert "“Calculation book volume 1.pdf” is open to you by its link only." in page.text
    assert f"Ask Kwame Ellery to invite {DEVON}" in page.text


def test_a_link_with_a_password_says_so(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    page = paste(linked, here, shared(sandbox, BRIEF, login=ANNEKE), expect=424)
    assert "This shared link asks for a password." in page.text


def test_a_link_is_no_search_and_is_not_counted_as_one(
    linked: Visitor, sandbox: SandboxProcess, here: str
) -> None:
    sandbox.forget_calls()
    paste(linked, here, f"https://app.box.com/file/{id_of(sandbox, PLAN)}")
    assert [call["path"].rpartition("/")[0] for call in asked(sandbox)] == ["/2.0/files"]
