"""Box's content API through our client, over real sockets, kind and unkind."""

import hashlib
import threading
import time
from collections.abc import Callable
from email.utils import formatdate
from typing import Any

import pytest

from tests.box.held import Held, Listener, listings
from tests.sandbox.process import DEVON, SandboxProcess
from tests.support.deployment import free_port
from webapp.box.client import BoxClient
from webapp.box.errors import (
    BoxBadRequest,
    BoxBlocked,
    BoxBusy,
    BoxDenied,
    BoxError,
    BoxItemGone,
    BoxNarrow,
    BoxNotReady,
    BoxOdd,
    BoxUnavailable,
)
from webapp.box.items import LISTING_FIELDS, ROOT_ID, BoxItem

MOB = "/Quillmark Projects/2317 Larkspur MOB"
ODDS = "/99 Odds and Ends"
README = "/Templates/Folder structure readme.txt"
ME = {"path": "^/2.0/users/me$"}
CONTENT = {"path": "/content$"}
BOUND_SECONDS = 11.5


def fault(action: dict[str, Any], match: dict[str, str] | None = None, **rule: Any) -> Any:
    return {"match": match or ME, "action": action, **rule}


def id_of(sandbox: SandboxProcess, path: str) -> str:
    return str(sandbox.world(path)["id"])


def all_of(box: BoxClient, folder_id: str, **how: Any) -> tuple[list[BoxItem], int]:
    """Return what all pages of a folder hold, and how many pages that were."""
    found: list[BoxItem] = []
    marker, pages = None, 0
    while True:
        page = box.list_folder(folder_id, marker=marker, **how)
        found += page.items
        pages += 1
        marker = page.next_marker
        if marker is None:
            return found, pages


def queries(sandbox: SandboxProcess) -> list[str]:
    return [call["query"] for call in sandbox.calls()["log"]]


def read(box: BoxClient, file_id: str, version_id: str | None = None) -> bytes:
    with box.content(file_id, version_id=version_id) as content:
        found: bytes = content.response.raw.read()
        assert content.length in {None, len(found)}
        return found


# ---- listing


def test_one_listing_is_one_call(sandbox: SandboxProcess, box: BoxClient) -> None:
    page = box.list_folder(id_of(sandbox, ODDS))
    assert len(page.items) == sandbox.world(ODDS)["count"]
    assert page.next_marker is None
    assert sandbox.calls()["total"] == 1


def test_markers_lead_to_the_end_and_every_item_comes_once(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    found, pages = all_of(box, id_of(sandbox, ODDS), limit=10)
    assert pages == 5
    assert len({item.id for item in found}) == len(found) == sandbox.world(ODDS)["count"]


def test_a_short_or_an_empty_page_does_not_end_a_folder(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    sandbox.change("short_pages", ODDS)
    first = box.list_folder(id_of(sandbox, ODDS), limit=10)
    second = box.list_folder(id_of(sandbox, ODDS), limit=10, marker=first.next_marker)
    assert second.items == ()
    assert second.next_marker is not None
    found, _pages = all_of(box, id_of(sandbox, ODDS), limit=10)
    assert len({item.id for item in found}) == len(found) == sandbox.world(ODDS)["count"]


@pytest.mark.parametrize("last", [{"next_marker": None}, {"next_marker": ""}, {}])
def test_the_last_page_may_say_so_in_three_ways(
    sandbox: SandboxProcess, box: BoxClient, last: dict[str, Any]
) -> None:
    sandbox.faults(fault({"json": {"entries": [], **last}}, {"path": "/items$"}))
    assert box.list_folder("1234").next_marker is None


def test_a_listing_asks_for_exactly_what_a_row_shows(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    page = box.list_folder(id_of(sandbox, "/Templates"))
    (query,) = queries(sandbox)
    assert "fields=" + LISTING_FIELDS.replace(",", "%2C") in query
    assert "path_collection" not in query
    readme = next(item for item in page.items if item.name.endswith("readme.txt"))
    facts = sandbox.world(README)
    assert readme.digest == facts["sha1"]
    assert readme.size_bytes == facts["size"]
    assert readme.version_id == facts["version_id"]
    assert readme.may_download
    assert readme.owned_by is not None
    assert readme.owned_by.login == DEVON


def test_the_order_asked_for_is_the_order_given(sandbox: SandboxProcess, box: BoxClient) -> None:
    folder = id_of(sandbox, f"{MOB}/08 Meetings/OAC")
    found, _pages = all_of(box, folder, sort="size", direction="DESC", limit=7)
    sizes = [item.size_bytes or 0 for item in found if item.type == "file"]
    assert sizes == sorted(sizes, reverse=True)
    assert len(set(sizes)) > 3


def test_the_root_is_listed_without_a_sort_which_box_would_refuse(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    page = box.list_folder(ROOT_ID, sort="date", direction="DESC")
    assert page.items
    assert "sort=" not in queries(sandbox)[0]


def test_a_marker_of_another_list_is_refused_as_run_out(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    first = box.list_folder(id_of(sandbox, ODDS), limit=10)
    with pytest.raises(BoxBadRequest):
        box.list_folder(id_of(sandbox, MOB), marker=first.next_marker)


@pytest.mark.parametrize("nonsense", ["../users/me?x=", "1/../../users", "", "٣", "1" * 21, "-1"])
def test_what_is_no_id_is_never_sent_to_box(
    sandbox: SandboxProcess, box: BoxClient, nonsense: str
) -> None:
    reads: list[Callable[[], object]] = [
        lambda: box.list_folder(nonsense),
        lambda: box.folder(nonsense),
        lambda: box.file(nonsense),
        lambda: read(box, nonsense),
    ]
    for call in reads:
        with pytest.raises(BoxItemGone):
            call()
    assert sandbox.calls()["total"] == 0


# ---- the other reads


def test_me_is_the_account_that_granted(box: BoxClient) -> None:
    assert box.me().login == DEVON


def test_a_folder_tells_its_name_and_the_way_to_it(sandbox: SandboxProcess, box: BoxClient) -> None:
    folder = box.folder(id_of(sandbox, f"{MOB}/10 Safety"))
    assert folder.name == "10 Safety"
    assert folder.path_collection is not None
    above = [ancestor.name for ancestor in folder.path_collection.entries]
    assert above[1:] == ["Quillmark Projects", "2317 Larkspur MOB"]


def test_a_file_is_told_as_it_is_now(sandbox: SandboxProcess, box: BoxClient) -> None:
    before = box.file(id_of(sandbox, README))
    facts = sandbox.change("new_version", README, size=1234)
    after = box.file(before.id)
    assert (after.version_id, after.digest, after.size_bytes) == (
        facts["version_id"],
        facts["sha1"],
        1234,
    )
    assert before.version_id != after.version_id


def test_search_finds_by_name_here_and_below_or_everywhere(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    everywhere = box.search("first floor plan")
    safety = box.search("first floor plan", within=id_of(sandbox, f"{MOB}/10 Safety"))
    assert any("First Floor Plan" in item.name for item in everywhere.items)
    assert not any(item.name == "A-101 First Floor Plan.pdf" for item in safety.items)
    assert safety.total < everywhere.total
    assert "content_types=name" in queries(sandbox)[0]


def test_search_pages_go_on_by_the_limit_until_the_total(box: BoxClient) -> None:
    offset: int | None = 0
    ids: list[str] = []
    total = -1
    while offset is not None:
        page = box.search("plan", offset=offset, limit=20)
        ids += [item.id for item in page.items]
        total, offset = page.total, page.next_offset
    assert len(set(ids)) == len(ids) == total
    assert total > 20


def test_only_gets_ever_go_to_box(sandbox: SandboxProcess, box: BoxClient) -> None:
    file_id = id_of(sandbox, README)
    box.me()
    box.list_folder(ROOT_ID)
    box.folder(id_of(sandbox, MOB))
    box.file(file_id)
    box.search("plan")
    read(box, file_id)
    assert sandbox.calls()["writes"] == []


# ---- content


def test_the_bytes_are_those_of_the_file(sandbox: SandboxProcess, box: BoxClient) -> None:
    facts = sandbox.world(README)
    found = read(box, facts["id"])
    assert hashlib.sha1(found).hexdigest() == facts["sha1"]
    assert len(found) == facts["size"]


def test_the_chosen_version_comes_even_when_there_is_a_newer_one(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    chosen = sandbox.world(README)
    sandbox.change("new_version", README, size=99)
    found = read(box, chosen["id"], chosen["version_id"])
    assert hashlib.sha1(found).hexdigest() == chosen["sha1"]
    assert len(read(box, chosen["id"])) == 99


def test_the_download_host_is_never_shown_the_token(sandbox: SandboxProcess, held: Held) -> None:
    read(held.client(), id_of(sandbox, README))
    downloads = [call for call in sandbox.calls()["log"] if call["host"] == "download"]
    assert [call["token_number"] for call in downloads] == [None]


@pytest.mark.parametrize(
    "form",
    [
        "{foreign}/d/1/x/download",
        "{foreign}",
        "http://user:pass@{download_host}/d/1/x/download",
        "{download}@{foreign_host}/d/1/x",
        "{download}\\@{foreign_host}/d/1/x",
        "http:\\\\{foreign_host}/x",
        "//{foreign_host}/d/1/x/download",
        "{foreign}#{download}/d/1/x/download",
        "{foreign}?{download}/d/1/x/download",
        "https://{download_host}/d/1/x/download",
        "{download}0/d/1/x/download",
        "http://127.0.0.1:99999/",
        "http://[::1/",
        "http://127.0.0.1:{tab}80/",
        "file:///etc/passwd",
        "/d/1/x/download",
        "",
    ],
)
def test_a_redirect_to_anywhere_else_is_not_followed(
    sandbox: SandboxProcess, box: BoxClient, foreign: Listener, form: str
) -> None:
    target = form.format(
        foreign=foreign.url,
        foreign_host=foreign.url.removeprefix("http://"),
        download=sandbox.download_url,
        download_host=sandbox.download_url.removeprefix("http://"),
        tab="\t",
    )
    sandbox.faults(fault({"redirect": target}, CONTENT))
    with pytest.raises(BoxOdd):
        read(box, id_of(sandbox, README))
    assert foreign.visits == 0
    assert not any(call["host"] == "download" for call in sandbox.calls()["log"])


def test_a_redirect_of_the_download_host_itself_is_not_followed_either(
    sandbox: SandboxProcess, box: BoxClient, foreign: Listener
) -> None:
    sandbox.faults(fault({"redirect": foreign.url}, {"host": "download"}))
    with pytest.raises(BoxOdd):
        read(box, id_of(sandbox, README))
    assert foreign.visits == 0


def test_a_listing_is_never_redirected(
    sandbox: SandboxProcess, box: BoxClient, foreign: Listener
) -> None:
    sandbox.faults(fault({"redirect": foreign.url, "status": 307}, {"path": "/items$"}))
    with pytest.raises(BoxOdd):
        box.list_folder(ROOT_ID)
    assert foreign.visits == 0


def test_a_fresh_upload_asks_to_wait(sandbox: SandboxProcess, box: BoxClient) -> None:
    sandbox.faults(fault({"retry_202": "7"}, CONTENT))
    with pytest.raises(BoxNotReady) as refused:
        read(box, id_of(sandbox, README))
    assert refused.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("access_denied_insufficient_permissions", BoxDenied),
        ("insufficient_scope", BoxNarrow),
        ("", BoxDenied),
        ("forbidden_by_policy", BoxBlocked),
        ("access_denied_item_locked", BoxBlocked),
    ],
)
def test_a_refused_download_says_whether_it_concerns_everyone(
    sandbox: SandboxProcess, box: BoxClient, code: str, kind: type[BoxError]
) -> None:
    sandbox.faults(fault({"status": 403, "json": {"code": code}}, CONTENT))
    with pytest.raises(kind) as refused:
        read(box, id_of(sandbox, README))
    assert type(refused.value) is kind


def test_what_is_deleted_trashed_or_hidden_is_gone(sandbox: SandboxProcess, box: BoxClient) -> None:
    file_id = id_of(sandbox, README)
    sandbox.change("trash", README)
    for item_id in (file_id, "123456789"):
        with pytest.raises(BoxItemGone):
            box.file(item_id)
        with pytest.raises(BoxItemGone):
            read(box, item_id)
    with pytest.raises(BoxItemGone):
        box.list_folder("123456789")


# ---- trouble


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("2", 2),
        ("0", 1),
        ("99999", 900),
        ("9" * 400, 900),
        ("-1", 5),
        ("1.5", 5),
        ("abc", 5),
        ("٣", 5),
        ("Wed, 21 Oct 1999 07:28:00 GMT", 1),
        ("Wed, 21 Oct 2199 07:28:00 GMT", 900),
        ("Wed, 21 Oct 99999 07:28:00 GMT", 5),
        (None, 5),
    ],
)
def test_how_long_box_asks_to_wait_is_understood_or_sensible(
    sandbox: SandboxProcess, box: BoxClient, header: str | None, seconds: float
) -> None:
    headers = {} if header is None else {"Retry-After": header}
    sandbox.faults(fault({"status": 429, "headers": headers, "json": {}}))
    with pytest.raises(BoxBusy) as refused:
        box.me()
    assert refused.value.retry_after_s == seconds


def test_a_date_to_wait_for_counts_from_now(sandbox: SandboxProcess, box: BoxClient) -> None:
    soon = formatdate(time.time() + 60, usegmt=True)
    sandbox.faults(fault({"status": 429, "headers": {"Retry-After": soon}}))
    with pytest.raises(BoxBusy) as refused:
        box.me()
    assert 50 < refused.value.retry_after_s <= 60


def test_the_sandboxs_own_limit_reads_as_busy(sandbox: SandboxProcess, box: BoxClient) -> None:
    def search_often() -> None:
        for _ in range(20):
            box.search("plan")

    with pytest.raises(BoxBusy) as refused:
        search_often()
    assert 1 <= refused.value.retry_after_s <= 60


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_broken_box_is_unavailable_and_asked_once(
    sandbox: SandboxProcess, box: BoxClient, status: int
) -> None:
    sandbox.faults(fault({"status": status, "body": "<html>Bad gateway</html>"}, times=None))
    with pytest.raises(BoxUnavailable) as refused:
        box.me()
    assert type(refused.value) is BoxUnavailable
    assert sandbox.fault_hits() == [1]


def test_a_503_that_names_a_time_is_busy(sandbox: SandboxProcess, box: BoxClient) -> None:
    sandbox.faults(fault({"status": 503, "headers": {"Retry-After": "9"}}))
    with pytest.raises(BoxBusy) as refused:
        box.me()
    assert refused.value.retry_after_s == 9


def test_nobody_listening_is_unavailable(held: Held) -> None:
    box = BoxClient(held, api_url=f"http://127.0.0.1:{free_port()}", download_origins=())
    with pytest.raises(BoxUnavailable):
        box.me()


@pytest.mark.parametrize(
    "action",
    [
        {"body": "<html>Welcome to the hotel's wireless network</html>"},
        {"body": '{"entries": [{"type": "file", "id":'},
        {"body": "[]"},
        {"body": "null"},
        {"body": ""},
        {"json": {"entries": [{"type": "file"}]}},
        {"json": {"entries": "none"}},
        {"zeros": 6 * 1024 * 1024},
        {"zeros": 20 * 1024 * 1024, "gzip_body": True, "headers": {"Content-Encoding": "gzip"}},
        {"status": 418},
        {"status": 204},
    ],
)
def test_an_answer_in_no_known_form_is_odd(
    sandbox: SandboxProcess, box: BoxClient, action: dict[str, Any]
) -> None:
    sandbox.faults(fault(action, {"path": "/items$"}))
    with pytest.raises(BoxOdd):
        box.list_folder(ROOT_ID)


@pytest.mark.parametrize(
    "action", [{"truncate_after": 40}, {"reset_after": 40}, {"process_then_drop": True}]
)
def test_an_answer_that_breaks_off_is_unavailable(
    sandbox: SandboxProcess, box: BoxClient, action: dict[str, Any]
) -> None:
    sandbox.faults(fault(action))
    with pytest.raises(BoxUnavailable):
        box.me()


def test_an_odd_leaf_does_not_hide_the_other_files(sandbox: SandboxProcess, box: BoxClient) -> None:
    strange = {"type": "file", "id": "5", "size": "big", "sha1": 7, "modified_at": None}
    plain = {"type": "file", "id": "6", "name": "a.pdf", "size": 12.0, "new_field": {"x": 1}}
    sandbox.faults(fault({"json": {"entries": [strange, plain]}}, {"path": "/items$"}))
    first, second = box.list_folder(ROOT_ID).items
    assert (first.size_bytes, first.digest) == (None, None)
    assert (second.size_bytes, second.name) == (12, "a.pdf")


def test_listings_come_packed_and_read_the_same(sandbox: SandboxProcess, held: Held) -> None:
    folder = id_of(sandbox, ODDS)
    page = held.client().list_folder(folder)
    packed = sandbox.calls()["log"][-1]["bytes_sent"]
    plain = held.app.get(
        f"/folders/{folder}/items", headers={"Accept-Encoding": "identity"}, fields=LISTING_FIELDS
    )
    assert len(page.items) == len(plain.json()["entries"])
    assert packed < len(plain.content) / 3


@pytest.mark.slow
def test_whoever_hangs_or_drips_is_given_up_in_time(
    sandbox: SandboxProcess, box: BoxClient
) -> None:
    actions: dict[str, dict[str, Any]] = {
        "11": {"hang_s": 60},
        "12": {"body": "{" + " " * 4000 + "}", "drip": 20},
        "13": {"body": "{" + " " * 4000 + "}", "answer_then_hang": 10},
        "14": {"body": "{" + " " * 4000 + "}", "no_length": True, "answer_then_hang": 10},
        "15": {"status": 500, "body": " " * 4000, "drip": 20},
        "16": {"body": "{" + " " * 4000 + "}", "delay_ms": 7000, "drip": 20},
    }
    for folder_id, action in actions.items():
        sandbox.faults(fault(action, {"path": f"/folders/{folder_id}/items$"}))
    took: dict[str, float] = {}
    wrong: list[str] = []

    def listing(folder_id: str) -> None:
        began = time.monotonic()
        try:
            box.list_folder(folder_id)
            wrong.append(folder_id)
        except BoxUnavailable:
            took[folder_id] = time.monotonic() - began

    threads = [threading.Thread(target=listing, args=(i,)) for i in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(40)
    sandbox.clear_faults()
    assert not wrong
    assert set(took) == set(actions), "somebody still waits"
    assert max(took.values()) < BOUND_SECONDS, took


# ---- tokens


def test_an_empty_401_leads_to_one_renewal_and_one_repetition(
    sandbox: SandboxProcess, held: Held
) -> None:
    sandbox.advance(4000)
    assert held.client().list_folder(ROOT_ID).items
    assert held.refusals == [1]
    assert listings(sandbox) == 2


def test_a_second_401_ends_it(sandbox: SandboxProcess, held: Held) -> None:
    sandbox.faults(fault({"status": 401}, {"path": "/items$"}, times=None))
    with pytest.raises(BoxUnavailable):
        held.client().list_folder(ROOT_ID)
    assert held.refusals == [1]
    assert listings(sandbox) == 2


def test_a_401_on_content_renews_as_well(sandbox: SandboxProcess, held: Held) -> None:
    facts = sandbox.world(README)
    sandbox.advance(4000)
    assert hashlib.sha1(read(held.client(), facts["id"])).hexdigest() == facts["sha1"]
    assert held.refusals == [1]


def test_what_is_raised_names_neither_token_nor_address(
    sandbox: SandboxProcess, held: Held
) -> None:
    sandbox.faults(fault({"process_then_drop": True}), fault({"status": 500}))
    for _ in range(2):
        with pytest.raises(BoxUnavailable) as refused:
            held.client().me()
        said = repr(refused.value) + repr(refused.value.__cause__)
        assert "TKN_" not in said
        assert "http" not in said
    assert "TKN_" not in repr(held.bearer())
