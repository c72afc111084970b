"""An object appears whole or not at all, in a directory and in a bucket alike."""

from collections.abc import Iterator

import pytest
from flask import Flask

from tests.support.deployment import Deployment
from webapp.core.blobs import Blobs, make_blobs
from webapp.core.digests import Digesting

KEY = "files/ab/abc"


@pytest.fixture
def blobs(app: Flask, deployed: Deployment) -> Blobs:
    return make_blobs(deployed.storage_url)


def pieces(*sizes: int) -> Iterator[bytes]:
    for number, size in enumerate(sizes):
        yield bytes([number % 256]) * size


def test_what_is_put_can_be_read_whole_and_in_part(blobs: Blobs) -> None:
    blobs.put(KEY, pieces(3, 5, 2))
    assert blobs.size(KEY) == 10
    assert b"".join(blobs.read(KEY)) == b"\0\0\0\1\1\1\1\1\2\2"
    assert b"".join(blobs.read(KEY, 2, 5)) == b"\0\1\1"
    assert b"".join(blobs.read(KEY, 8)) == b"\2\2"


def test_a_stream_that_fails_leaves_nothing(blobs: Blobs) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * (12 << 20)
        raise ValueError("wrong bytes")

    with pytest.raises(ValueError, match="wrong bytes"):
        blobs.put(KEY, broken())
    assert blobs.size(KEY) is None
    assert list(blobs.stored("files/")) == []
    root = blobs.path("files")
    if root is not None:
        assert [path for path in root.rglob("*") if path.is_file()] == []


def test_an_empty_object_is_an_object(blobs: Blobs) -> None:
    blobs.put(KEY, iter(()))
    assert blobs.size(KEY) == 0
    assert b"".join(blobs.read(KEY)) == b""


def test_deleting_twice_is_deleting(blobs: Blobs) -> None:
    blobs.put(KEY, pieces(3))
    blobs.delete(KEY)
    blobs.delete(KEY)
    assert blobs.size(KEY) is None
    with pytest.raises(FileNotFoundError):
        list(blobs.read(KEY))


def test_what_is_stored_can_be_listed(blobs: Blobs) -> None:
    blobs.put(KEY, pieces(3))
    blobs.put("files/cd/cde", pieces(4))
    assert {(found.key, found.size_bytes) for found in blobs.stored("files/")} == {
        (KEY, 3),
        ("files/cd/cde", 4),
    }


@pytest.mark.parametrize("expected", [None, 100, 64 << 20])
def test_digests_are_those_of_the_whole_stream(expected: int | None) -> None:
    with Digesting(expected) as digesting:
        assert b"".join(digesting.through(iter([b"abc", b"", b"def"]))) == b"abcdef"
        found = digesting.digests()
    assert found.size_bytes == 6
    assert found.sha1 == "1f8ac10f23c5b5bc1167bda84b833e5c057a77d2"
    assert found.sha256 == "bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"
