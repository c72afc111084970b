"""Pictures of a file in any size: thumbnails and pages, as JPEG and PNG.

No digest is kept of these, so PNGs are compressed. In a JPEG a block of 8 × 8 pixels shows 2 × 2
squares, for which four coefficients are enough. Source: ITU-T T.81, annexes A, B and F.
"""

import itertools
import struct
import zlib
from collections.abc import Iterator
from functools import lru_cache

from box_sandbox.content.drawing import HEIGHT, WIDTH, Colour, Drawing
from box_sandbox.content.images import (
    JPEG_END,
    JPEG_START,
    PNG_END,
    PNG_SIGNATURE,
    chunk,
    luma_chroma,
    marker,
)
from box_sandbox.content.recipes import Recipe, drawing_of

PICTURES_KEPT = 200

Grid = list[list[Colour]]

_QUANTUM = 8
# Of a block whose halves differ by one: the coefficients across and down, and the one of both.
_ACROSS, _BOTH = 3.6245 / _QUANTUM, 1.6421 / _QUANTUM
# Zigzag places 1, 2 and 4 are used; so at most three zeros come before a value.
_RUNS, _SIZES = 4, 10


@lru_cache(maxsize=PICTURES_KEPT)
def picture(recipe: Recipe, ending: str, size: int) -> bytes:
    """Return the picture of a content as "png" or "jpg", `size` pixels wide."""
    drawing = drawing_of(recipe)
    height = size * HEIGHT // WIDTH
    if ending == "png":
        return _png(_grid(drawing, size, height))
    columns, rows = (2 * -(-length // 8) for length in (size, height))
    return _jpeg(_grid(drawing, columns, rows), size, height)


def _grid(drawing: Drawing, columns: int, rows: int) -> Grid:
    """Return the drawing with so many squares: the mean of several, or one of them repeated."""
    spans_across, spans_down = _spans(WIDTH, columns), _spans(HEIGHT, rows)
    palette = drawing.palette
    if columns >= WIDTH and rows >= HEIGHT:
        return [[palette[drawing.rows[y][x]] for x, _ in spans_across] for y, _ in spans_down]
    return [
        [
            _mean([palette[s] for row in drawing.rows[top:bottom] for s in row[left:right]])
            for left, right in spans_across
        ]
        for top, bottom in spans_down
    ]


def _spans(length: int, parts: int) -> list[tuple[int, int]]:
    starts = [part * length // parts for part in range(parts + 1)]
    pairs = itertools.pairwise(starts)
    return [(start, max(stop, start + 1)) for start, stop in pairs]


def _mean(colours: list[Colour]) -> Colour:
    red, green, blue = (sum(parts) // len(colours) for parts in zip(*colours, strict=True))
    return red, green, blue


def _png(grid: Grid) -> bytes:
    header = struct.pack(">IIBBBBB", len(grid[0]), len(grid), 8, 2, 0, 0, 0)
    lines = (b"\x00" + bytes(part for colour in row for part in colour) for row in grid)
    pixels = zlib.compress(b"".join(lines))
    return PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + PNG_END


def _jpeg(grid: Grid, width: int, height: int) -> bytes:
    quantization = marker(0xDB, b"\x00" + bytes([_QUANTUM]) * 64)
    frame = struct.pack(">BHHB", 8, height, width, 3)
    frame += b"".join(bytes([component, 0x11, 0]) for component in (1, 2, 3))
    dc = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    symbols = [run << 4 | size for run in range(_RUNS) for size in range(1, _SIZES + 1)]
    # All codes are of six bits; the first, for the symbol 0, ends a block.
    ac = b"\x10" + bytes([0] * 5 + [1 + len(symbols)] + [0] * 10) + bytes([0, *symbols])
    scan = b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    tables = quantization + marker(0xC0, frame) + marker(0xC4, dc + ac) + marker(0xDA, scan)
    bits = "".join(_block_bits(grid))
    bits += "1" * (-len(bits) % 8)
    packed = int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")
    return JPEG_START + tables + packed + JPEG_END


def _block_bits(grid: Grid) -> Iterator[str]:
    """Yield the code of each block's each component, row by row."""
    before = [0, 0, 0]
    for upper, lower in zip(grid[::2], grid[1::2], strict=True):
        for at in range(0, len(upper), 2):
            squares = (upper[at], upper[at + 1], lower[at], lower[at + 1])
            parts = zip(*(luma_chroma(colour) for colour in squares), strict=True)
            for component, (a, b, c, d) in enumerate(parts):
                mean = round((a + b + c + d) / 4)
                yield _value_bits(mean - before[component], 4)
                before[component] = mean
                yield _ac_bits(
                    round(_ACROSS * (a + c - b - d) / 2),
                    round(_ACROSS * (a + b - c - d) / 2),
                    round(_BOTH * (a - b - c + d)),
                )


def _ac_bits(across: int, down: int, both: int) -> str:
    bits, run = "", 0
    for value in (across, down, 0, both):
        if value:
            size = abs(value).bit_length()
            bits += f"{1 + run * _SIZES + size - 1:06b}" + _extra_bits(value, size)
            run = 0
        else:
            run += 1
    return bits + "000000"


def _value_bits(value: int, code_bits: int) -> str:
    size = abs(value).bit_length()
    return f"{size:0{code_bits}b}" + _extra_bits(value, size)


def _extra_bits(value: int, size: int) -> str:
    if not size:
        return ""
    return f"{value if value > 0 else value + (1 << size) - 1:0{size}b}"
