"""File names from outside: whatever they are, they can be shown, stored and sent."""

import pytest

from webapp.attachments.sending import disposition
from webapp.core.names import (
    NAME_MAX,
    NAME_MAX_BYTES,
    clean_name,
    cut_to_bytes,
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
        ("line\u2028break\x85in\va name.pdf", "line break in a name.pdf"),
        ("zero\u200bwidth\u2060\ufeff\u200f\xad.pdf", "zerowidth.pdf"),
        ("evil.exe\u200b", "evil.exe"),
        ("evil.exe\xa0", "evil.exe"),
        ("evil.exe \u3000.\u2003", "evil.exe"),
        ("evil.e\ufe0fx\u200de\u3164", "evil.exe"),
        ("می\u200cخواهم.pdf", "می\u200cخواهم.pdf"),
        ("👩\u200d👩\u200d👦 crew.jpg", "👩\u200d👩\u200d👦 crew.jpg"),
        ("\u200dA\u200d-101\u200c.pdf\u200d", "A-101.pdf"),
        (
            "🏴\U000e0067\U000e0062\U000e007f x\U000e0061.pdf",
            "🏴\U000e0067\U000e0062\U000e007f x.pdf",
        ),
        ("no\ufdd0n\U0001ffff.pdf", "non.pdf"),
        ("\u3164\u200b", "unnamed"),
    ],
)
def test_a_name_becomes_one_that_every_system_can_hold(raw: str, clean: str) -> None:
    assert clean_name(raw, fallback="unnamed") == clean


@pytest.mark.parametrize("char", ["a", "é", "Ж", "名", "😀", "👩🏽", "🇨🇭", "क्षि"])
def test_a_long_name_is_cut_between_characters_and_keeps_its_extension(char: str) -> None:
    cut = clean_name(f"{char * 300}.pdf", fallback="unnamed")
    assert NAME_MAX - len(char) < len(cut) <= NAME_MAX
    whole = (len(cut) - len(".pdf")) // len(char)
    assert cut == f"{char * whole}.pdf"


@pytest.mark.parametrize("name", ["Ж" * 250 + ".pdf", "名" * 200 + ".docx", "a" * 251 + ".pdf"])
def test_only_what_counts_in_bytes_cuts_at_bytes(name: str) -> None:
    assert clean_name(name, fallback="unnamed") == name
    cut = cut_to_bytes(name)
    assert NAME_MAX_BYTES - 4 <= len(cut.encode()) <= NAME_MAX_BYTES
    assert extension_of(cut) == extension_of(name)


@pytest.mark.parametrize(
    ("name", "second"),
    [
        ("a.pdf", "a (2).pdf"),
        ("no extension", "no extension (2)"),
        (".profile", ".profile (2)"),
        ("a.tar.gz", "a.tar (2).gz"),
        ("名" * 251 + ".pdf", "名" * 247 + " (2).pdf"),
    ],
)
def test_a_second_file_of_one_name_is_numbered_before_its_extension(name: str, second: str) -> None:
    assert numbered(name, 2) == second
    assert len(second) <= NAME_MAX


def test_the_extension_is_what_follows_the_last_dot() -> None:
    assert extension_of("double.ext.tar.gz") == "gz"
    assert extension_of("UPPER.PDF") == "pdf"
    assert extension_of("no_extension") == ""
    assert extension_of("ends.with dots...") == ""
    assert extension_of("Notes: 3.PDF") == "pdf"
    assert extension_of("setup.exe::$DATA") == "exe"
    assert extension_of("setup.exe:notes") == "exe"


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
        (["F" * 170, "B"], "x" * 80 + ".pdf", f"{'F' * 23}…, B, {'x' * 80}.pdf"),
        (["T" * 60, *["M" * 60] * 8, "L" * 60], "x.pdf", f"{'T' * 23}…, …, {'L' * 23}…, x.pdf"),
        (["T" * 60, "L" * 60], "x" * 215 + ".pdf", f"{'L' * 23}…, {'x' * 215}.pdf"),
        (["T"], "x" * 250 + ".pdf", "x" * 250 + ".pdf"),
    ],
)
def test_a_files_name_behind_its_folders_keeps_itself_whole(
    way: list[str], name: str, whole: str
) -> None:
    assert name_with_way(way, name) == whole
    assert len(whole) <= NAME_MAX


def test_even_a_name_that_is_too_long_by_itself_fits_and_keeps_its_extension() -> None:
    whole = name_with_way(["12 Photos"], "名" * 300 + ".pdf")
    assert len(whole) <= NAME_MAX
    assert whole.endswith("名.pdf")
