"""File names from outside: whatever they are, they can be shown, stored and sent."""

import pytest

from webapp.attachments.sending import disposition
from webapp.core.names import (
    NAME_MAX_BYTES,
    clean_name,
    extension_of,
    name_with_way,
    numbered,
)


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("A-101 Floor plan.pdf", "A-101 Floor plan.pdf"),
        ("../../etc/passwd", ".._.._etc_passwd"),
        ("..\\..\\win.ini", ".._.._win.ini"),
        ("/etc/passwd", "_etc_passwd"),
        ("a\r\nX-Evil: 1.txt", "a X-Evil: 1.txt"),
        ("nul\x00byte\x1b.txt", "nulbyte.txt"),
        ("re\u0301sume\u0301.docx", "résumé.docx"),
        ("abc\u202efdp.exe", "abcfdp.exe"),
        ("CON", "_CON"),
        ("nul.pdf", "_nul.pdf"),
        ("COM1.txt", "_COM1.txt"),
        ("com².txt", "_com².txt"),
        ("aux .txt", "_aux .txt"),
        ("CONOUT$", "_CONOUT$"),
        ("com10.txt", "com10.txt"),
        ("console.log", "console.log"),
        ("file.", "file"),
        (" file ", "file"),
        ("", "unnamed"),
        (".", "unnamed"),
        ("..", "unnamed"),
        ("   ", "unnamed"),
        ("///", "unnamed"),
        ("名前.pdf", "名前.pdf"),
        ("😀.png", "😀.png"),
        ("=SUM(A1:A9).csv", "=SUM(A1:A9).csv"),
        ("<b>not bold<b>.html", "<b>not bold<b>.html"),
        ("lone \ud800 surrogate.txt", "lone  surrogate.txt"),
    ],
)
def test_a_name_becomes_one_that_every_system_can_hold(raw: str, clean: str) -> None:
    assert clean_name(raw, fallback="unnamed") == clean


@pytest.mark.parametrize("stem", ["a" * 300, "é" * 200, "名" * 100])
def test_a_long_name_is_cut_on_a_character_and_keeps_its_extension(stem: str) -> None:
    cut = clean_name(f"{stem}.pdf", fallback="unnamed")
    assert len(cut.encode()) <= NAME_MAX_BYTES
    assert cut.endswith(f"{stem[0]}.pdf")


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.pdf", "a (2).pdf"),
        ("no extension", "no extension (2)"),
        (".profile", ".profile (2)"),
        ("a.tar.gz", "a.tar (2).gz"),
        ("名" * 65 + ".pdf", "名" * 64 + " (2).pdf"),
    ],
)
def test_a_second_file_of_one_name_is_numbered_before_its_extension(name: str, second: str) -> None:
    assert numbered(name, 2) == second
    assert len(second.encode()) <= NAME_MAX_BYTES


def test_the_extension_is_what_follows_the_last_dot() -> None:
    assert extension_of("double.ext.tar.gz") == "gz"
    assert extension_of("UPPER.PDF") == "pdf"
    assert extension_of("no_extension") == ""
    assert extension_of("ends.with dots...") == ""


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("plain.pdf", "attachment; filename=plain.pdf"),
        ("with space.pdf", 'attachment; filename="with space.pdf"'),
        (
            "名前.pdf",
            "attachment; filename=__.pdf; filename*=UTF-8''%E5%90%8D%E5%89%8D.pdf",
        ),
        (
            'say "hi"; x=y.txt',
            (
                'attachment; filename="say _hi_; x=y.txt"; '
                "filename*=UTF-8''say%20%22hi%22%3B%20x%3Dy.txt"
            ),
        ),
        ("50%.txt", "attachment; filename=50_.txt; filename*=UTF-8''50%25.txt"),
    ],
)
def test_a_download_keeps_its_name_in_any_script(name: str, header: str) -> None:
    assert disposition(name) == header


@pytest.mark.parametrize(
    ("way", "name", "whole"),
    [
        (["12 Photos", "2025-06"], "IMG_0001.jpg", "12 Photos, 2025-06, IMG_0001.jpg"),
        (["a/b"], "c\\d.txt", "a_b, c_d.txt"),
        (["con"], "x.pdf", "con, x.pdf"),
        (["F" * 120, "B"], "x" * 80 + ".pdf", f"{'F' * 23}…, B, {'x' * 80}.pdf"),
        (["T" * 60, *["M" * 60] * 8, "L" * 60], "x.pdf", f"{'T' * 23}…, …, {'L' * 23}…, x.pdf"),
        (["T" * 60, "L" * 60], "x" * 160 + ".pdf", f"{'L' * 23}…, {'x' * 160}.pdf"),
        (["T"], "x" * 196 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
def test_a_files_name_behind_its_folders_keeps_itself_whole(
    way: list[str], name: str, whole: str
) -> None:
    assert name_with_way(way, name) == whole
    assert len(whole.encode()) <= NAME_MAX_BYTES


def test_even_a_name_that_is_too_long_by_itself_fits_and_keeps_its_extension() -> None:
    whole = name_with_way(["12 Photos"], "名" * 100 + ".pdf")
    assert len(whole.encode()) <= NAME_MAX_BYTES
    assert whole.endswith("名.pdf")
