"""Content: the same bytes everywhere, of exactly the size, and what the list of digests says."""

import hashlib
import io
import json
import struct
import tarfile
import tomllib
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
import zlib
from datetime import date

import pytest

from box_sandbox.content.body import MIB, Body
from box_sandbox.content.recipes import Recipe, body_of
from box_sandbox.hashes import HASHES, known, sha1_of
from box_sandbox.times import rfc3339
from box_sandbox.world import WORLD, Item, World, load

pytestmark = pytest.mark.wide

ENDINGS = """pdf jpg jpeg png tif svg heic mp4 mov m4a docx xlsx xlsm pptx csv txt html xml vcf msg
    zip tar.gz boxnote dwg rvt nwd ifc stp las mpp xer PDF JPG""".split()


@pytest.fixture(scope="module")
def world() -> World:
    return load()


def named(world: World, name: str) -> Item:
    return next(item for item in world.items.values() if item.name == name)


def whole(recipe: Recipe) -> bytes:
    return b"".join(body_of(recipe).pieces())


# ---- the list of digests


def test_every_content_of_the_world_has_its_digest(world: World) -> None:
    recipes = {v.recipe for item in world.items.values() for v in item.versions}
    listed = known().keys()
    assert {(r.name, r.size, r.edition) for r in recipes | world.next_recipes()} == listed


@pytest.mark.parametrize(
    "name",
    [
        "IMG_00001.JPG",
        "IMG_05000.JPG",
        "2025-09-05 Site flyover 4K.mp4",
        "A-101 First Floor Plan.pdf",
        "🏗️ Topping out 🎉.png",
        "2317_Federated.ifc",
        "Haul tickets.zip",
        "Org chart.pptx",
        "zero\u200bwidth name.txt",
        "empty placeholder.txt",
        "Deck 2B panorama.tif",
        "double.ext.tar.gz",
    ],
)
def test_digests_are_those_of_the_bytes(world: World, name: str) -> None:
    recipe = named(world, name).current.recipe
    assert body_of(recipe).sha1() == sha1_of(recipe)


def test_a_digest_that_is_not_listed_is_computed() -> None:
    recipe = Recipe("never heard of.txt", 5000)
    assert (recipe.name, recipe.size, recipe.edition) not in known()
    assert sha1_of(recipe) == hashlib.sha1(whole(recipe)).hexdigest()


def test_the_bytes_are_the_same_today_as_they_were() -> None:
    """Guards every maker against the day somebody changes one and not the list."""
    digests = {ending: sha1_of(Recipe(f"Sample.{ending}", 400_000)) for ending in ENDINGS}
    together = hashlib.sha1(json.dumps(digests, sort_keys=True).encode()).hexdigest()
    assert together == "a983093f7acf7875d3139704406e021423b658d9"


def test_versions_of_a_file_differ() -> None:
    for ending in ("pdf", "jpg", "xlsx", "txt", "bin"):
        first, second = Recipe(f"a.{ending}", 300_000, 1), Recipe(f"a.{ending}", 300_000, 2)
        assert sha1_of(first) != sha1_of(second)


# ---- sizes and ranges


@pytest.mark.parametrize("ending", ENDINGS)
def test_sizes_are_exact_however_odd(ending: str) -> None:
    sizes = [0, 1, 2, 100, 999, 4096, 50_000, 999_999, MIB, MIB + 1, 3 * MIB + 17]
    for size in [*sizes, *range(1_000_000, 1_000_014)]:
        recipe = Recipe(f"Some name.{ending}", size)
        assert body_of(recipe).size == size == len(whole(recipe))


def test_any_part_of_a_body_can_be_had() -> None:
    body = Body(b"head", b"block", 3, b"tail")
    content = b"headblockblockblocktail"
    assert body.size == len(content)
    for start in range(len(content) + 1):
        for stop in range(start, len(content) + 1):
            assert b"".join(body.pieces(start, stop)) == content[start:stop]


# ---- formats


def test_a_pdf_has_a_true_table_of_its_objects() -> None:
    content = whole(Recipe("Plan (A) №1.pdf", 200_000))
    start = int(content.rpartition(b"startxref\n")[2].split()[0])
    table = content[start:].split(b"trailer")[0].split(b"\n")[2:-1]
    assert content[start:].startswith(b"xref\n")
    for number, line in enumerate(table[1:], start=1):
        offset = int(line[:10])
        assert content[offset:].startswith(b"%d 0 obj" % number)
    length = int(content.partition(b"<< /Length 0")[2].split()[0])
    filler = content.rpartition(b">>\nstream\n")[2]
    assert filler[length:].startswith(b"\nendstream")
    assert "Plan (A) №1.pdf".encode("utf-16-be").hex().encode() in content


def test_a_jpeg_is_made_of_whole_segments_and_one_picture() -> None:
    for size in (900_000, 1_900_001, 1_900_002, 1_900_003):
        content = whole(Recipe("IMG_00042.JPG", size))
        at, kinds = 2, []
        assert content[:2] == b"\xff\xd8"
        while content[at + 1] != 0xDA:
            if content[at + 1] == 0xFF:
                at += 1
                continue
            kinds.append(content[at + 1])
            at += 2 + struct.unpack(">H", content[at + 2 : at + 4])[0]
        assert kinds[0] == 0xE0
        assert kinds[-3:] == [0xDB, 0xC0, 0xC4]
        assert set(kinds[1:-3]) == {0xEF}
        scan = content[at + 14 : -2]
        assert scan.count(b"\xff") == scan.count(b"\xff\x00")
        assert content[-2:] == b"\xff\xd9"


def test_a_png_has_true_checksums_and_its_picture() -> None:
    for size in range(1_500_000, 1_500_016):
        content = whole(Recipe("Finish samples.png", size))
        at, kinds, pixels = 8, [], b""
        while at < len(content):
            length = struct.unpack(">I", content[at : at + 4])[0]
            kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
            checksum = struct.unpack(">I", content[at + 8 + length : at + 12 + length])[0]
            assert checksum == zlib.crc32(kind + data)
            kinds.append(kind)
            pixels += data if kind == b"IDAT" else b""
            at += 12 + length
        assert kinds[:3] == [b"IHDR", b"PLTE", b"IDAT"]
        assert kinds[-1] == b"IEND"
        assert len(zlib.decompress(pixels)) == 480 * 641


@pytest.mark.parametrize(
    ("ending", "part"),
    [
        ("zip", "CONTENTS.txt"),
        ("docx", "word/document.xml"),
        ("xlsx", "xl/worksheets/sheet1.xml"),
        ("pptx", "ppt/presentation.xml"),
    ],
)
def test_archives_open_and_name_the_file(ending: str, part: str) -> None:
    content = whole(Recipe(f"Größe & Co.{ending}", 250_000))
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        text = archive.read(part).decode()
        if part.endswith(".xml"):
            ET.fromstring(text)
    assert "Größe" in text


def test_a_compressed_tar_opens() -> None:
    content = whole(Recipe("double.ext.tar.gz", 122_003))
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        assert [member.size for member in archive.getmembers()] == [archive.getmembers()[0].size]


def test_texts_are_texts() -> None:
    note = json.loads(whole(Recipe("Notes.boxnote", 9000)))
    assert note["doc"]["type"] == "doc"
    for ending in ("xml", "svg"):
        ET.fromstring(whole(Recipe(f"<b>.{ending}", 30_000)))
    for ending in ("csv", "txt", "html", "vcf", "ifc", "stp"):
        assert whole(Recipe(f"a.{ending}", 30_000)).decode().isprintable() is False


# ---- the world


def test_ids_never_meet_and_hang_on_nothing_but_owner_and_path(world: World) -> None:
    items = [item for item in world.items.values() if not item.is_root]
    versions = [version.id for item in items for version in item.versions]
    ids = [item.id for item in items] + versions + list(world.accounts)
    assert len(ids) == len(set(ids))
    assert all(item.id.isdigit() for item in items)
    assert named(world, "A-101 First Floor Plan.pdf").id == "1956348690694"


def test_a_big_folder_changes_nothing_else(world: World) -> None:
    big = load(big_folder=2000)
    assert {item.id for item in world.items.values()} < set(big.items)
    assert len(big.items) == len(world.items) + 2001


def test_dates_move_by_whole_days(world: World) -> None:
    moved = load(today=date(2026, 3, 20))
    for name in ("IMG_00001.JPG", "A-101 First Floor Plan.pdf", "Daily 2025-09-12.pdf"):
        then, now = named(world, name), named(moved, name)
        told = (rfc3339(then.modified_at)[11:19], rfc3339(now.modified_at)[11:19])
        assert told[0] == told[1]
        assert 185.9 < (now.modified_at - then.modified_at) / 86400 < 186.1
    assert rfc3339(named(world, "Daily 2025-09-12.pdf").modified_at)[:10] == "2025-09-12"


def test_nothing_was_changed_before_it_was_made(world: World) -> None:
    today = "2025-09-15"
    for item in world.items.values():
        assert item.created_at <= item.modified_at
        assert rfc3339(item.modified_at)[:10] <= today
        made = [version.created_at for version in item.versions]
        assert made == sorted(made)


def test_the_world_can_be_read_by_a_person_and_keeps_names_as_they_are() -> None:
    text = WORLD.read_text(encoding="utf-8")
    assert "Re\\u0301sume\\u0301" in text
    assert not [c for c in text if unicodedata.category(c) == "Cf"]
    names = tomllib.loads(text)["tree"]["devon"]["/99 Odds and Ends"]["files"]
    assert max(len(name) for name in names) == 255
    assert "Re\u0301sume\u0301 du be\u0301ton.docx" in names
    assert HASHES.stat().st_size < 500_000
