"""A small picture of coloured squares that shows a text: what every image of the sandbox shows.

One square stands for 8 × 8 pixels, the unit in which JPEG thinks.
"""

from dataclasses import dataclass

WIDTH, HEIGHT = 80, 60
SQUARE = 8
LINE_LETTERS = 13
LINES_MAX = 3

Colour = tuple[int, int, int]

# Five columns by seven rows; a row's bits are its lit columns.
_FONT = {
    "A": "0E 11 11 1F 11 11 11",
    "B": "1E 11 11 1E 11 11 1E",
    "C": "0E 11 10 10 10 11 0E",
    "D": "1E 11 11 11 11 11 1E",
    "E": "1F 10 10 1E 10 10 1F",
    "F": "1F 10 10 1E 10 10 10",
    "G": "0E 11 10 17 11 11 0F",
    "H": "11 11 11 1F 11 11 11",
    "I": "0E 04 04 04 04 04 0E",
    "J": "07 02 02 02 02 12 0C",
    "K": "11 12 14 18 14 12 11",
    "L": "10 10 10 10 10 10 1F",
    "M": "11 1B 15 15 11 11 11",
    "N": "11 11 19 15 13 11 11",
    "O": "0E 11 11 11 11 11 0E",
    "P": "1E 11 11 1E 10 10 10",
    "Q": "0E 11 11 11 15 12 0D",
    "R": "1E 11 11 1E 14 12 11",
    "S": "0F 10 10 0E 01 01 1E",
    "T": "1F 04 04 04 04 04 04",
    "U": "11 11 11 11 11 11 0E",
    "V": "11 11 11 11 11 0A 04",
    "W": "11 11 11 15 15 15 0A",
    "X": "11 11 0A 04 0A 11 11",
    "Y": "11 11 0A 04 04 04 04",
    "Z": "1F 01 02 04 08 10 1F",
    "0": "0E 11 13 15 19 11 0E",
    "1": "04 0C 04 04 04 04 0E",
    "2": "0E 11 01 02 04 08 1F",
    "3": "1F 02 04 02 01 11 0E",
    "4": "02 06 0A 12 1F 02 02",
    "5": "1F 10 1E 01 01 11 0E",
    "6": "06 08 10 1E 11 11 0E",
    "7": "1F 01 02 04 08 08 08",
    "8": "0E 11 11 0E 11 11 0E",
    "9": "0E 11 11 0F 01 02 0C",
    "-": "00 00 00 1F 00 00 00",
    "_": "00 00 00 00 00 00 1F",
    ".": "00 00 00 00 00 0C 0C",
    "(": "02 04 08 08 08 04 02",
    ")": "08 04 02 02 02 04 08",
    " ": "00 00 00 00 00 00 00",
}
_GLYPHS = {letter: bytes.fromhex(rows) for letter, rows in _FONT.items()}
_UNKNOWN = bytes.fromhex("1F 11 11 11 11 11 1F")

_SKY, _HAZE, _WALL, _WINDOW, _GROUND, _PLATE, _INK = range(7)
_HORIZON = 34
_PLATE_TOP = 35
_LINE_HEIGHT = 8


@dataclass(frozen=True)
class Drawing:
    """Rows of squares, each an index into `palette`."""

    palette: tuple[Colour, ...]
    rows: tuple[bytes, ...]


def draw(text: str, seed: int) -> Drawing:
    """Return a building under the sky, and below it a plate with the text."""
    rows = [bytearray([_SKY if y < 20 else _HAZE]) * WIDTH for y in range(_HORIZON)]
    rows += [bytearray([_GROUND]) * WIDTH for _ in range(HEIGHT - _HORIZON)]
    _building(rows, left=8 + seed % 16, width=28 + seed // 16 % 16, top=6 + seed // 256 % 12)
    lines = [text[at : at + LINE_LETTERS] for at in range(0, len(text), LINE_LETTERS)][:LINES_MAX]
    for y in range(_PLATE_TOP, _PLATE_TOP + len(lines) * _LINE_HEIGHT + 1):
        rows[y] = bytearray([_PLATE]) * WIDTH
    for number, line in enumerate(lines):
        _letters(rows, line, top=_PLATE_TOP + 1 + number * _LINE_HEIGHT)
    tint = seed // 4096 % 48
    palette = (
        (110 + tint, 160 + tint, 220),
        (190 + tint, 205 + tint, 230),
        (150 + tint, 120 + tint // 2, 90),
        (60, 70, 90 + tint),
        (120 + tint // 2, 110 + tint // 2, 80),
        (245, 245, 240),
        (25, 30, 40),
    )
    return Drawing(palette, tuple(bytes(row) for row in rows))


def _building(rows: list[bytearray], *, left: int, width: int, top: int) -> None:
    for y in range(top, _HORIZON):
        for x in range(left, left + width):
            is_window = (y - top) % 4 in {1, 2} and (x - left) % 4 in {1, 2}
            rows[y][x] = _WINDOW if is_window else _WALL


def _letters(rows: list[bytearray], line: str, *, top: int) -> None:
    for place, letter in enumerate(line.upper()):
        glyph = _GLYPHS.get(letter, _UNKNOWN)
        for y, bits in enumerate(glyph):
            for x in range(5):
                if bits & (16 >> x):
                    rows[top + y][1 + place * 6 + x] = _INK
