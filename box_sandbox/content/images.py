"""Pictures in JPEG, PNG and TIFF, written by hand so that no library can change their bytes."""

import struct
import zlib
from functools import cache

from box_sandbox.content.body import MIB, Body, TooSmall, noise, padded
from box_sandbox.content.drawing import HEIGHT, SQUARE, WIDTH, Drawing

PIXELS_WIDE, PIXELS_HIGH = WIDTH * SQUARE, HEIGHT * SQUARE
_SEGMENT = 65536

# ---- JPEG: baseline, every 8 × 8 block one colour. Source: ITU-T T.81, annexes B and F.

JPEG_START = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x48\x00\x48\x00\x00"
JPEG_END = b"\xff\xd9"


def jpeg(drawing: Drawing, size: int) -> Body:
    """Return the picture as a JPEG of exactly `size` bytes; private segments fill the room."""
    picture = _jpeg_tables() + _jpeg_scan(drawing) + JPEG_END
    room = size - len(JPEG_START) - len(picture)
    if room < 0:
        raise TooSmall
    repeats, rest = divmod(room, MIB)
    return Body(JPEG_START, _jpeg_filler(), repeats, _jpeg_segments(rest) + picture)


@cache
def _jpeg_filler() -> bytes:
    """Return one MiB of application segments, which viewers skip."""
    starts = range(0, MIB, _SEGMENT)
    return b"".join(b"\xff\xef\xff\xfe" + noise()[at : at + _SEGMENT - 4] for at in starts)


def _jpeg_segments(room: int) -> bytes:
    """Return segments of `room` bytes; up to three are fill bytes, allowed before any marker."""
    whole, rest = divmod(room, _SEGMENT)
    filled = _jpeg_filler()[: whole * _SEGMENT]
    if rest < 4:
        return filled + b"\xff" * rest
    return filled + b"\xff\xef" + struct.pack(">H", rest - 2) + noise()[: rest - 4]


def _jpeg_tables() -> bytes:
    quantization = marker(0xDB, b"\x00" + bytes([8]) * 64)
    frame = struct.pack(">BHHB", 8, PIXELS_HIGH, PIXELS_WIDE, 3)
    frame += b"".join(bytes([component, 0x11, 0]) for component in (1, 2, 3))
    # DC: categories 0 to 11 as four-bit codes. AC: only "end of block", one bit.
    dc = b"\x00" + bytes([0, 0, 0, 12] + [0] * 12) + bytes(range(12))
    ac = b"\x10" + bytes([1] + [0] * 15) + b"\x00"
    scan = b"\x03\x01\x00\x02\x00\x03\x00\x00\x3f\x00"
    return quantization + marker(0xC0, frame) + marker(0xC4, dc + ac) + marker(0xDA, scan)


def marker(code: int, payload: bytes) -> bytes:
    return b"\xff" + bytes([code]) + struct.pack(">H", len(payload) + 2) + payload


def _jpeg_scan(drawing: Drawing) -> bytes:
    colours = [luma_chroma(colour) for colour in drawing.palette]
    steps: dict[tuple[int, int], str] = {}
    for before, old in enumerate([*colours, (0, 0, 0)]):
        for after, new in enumerate(colours):
            bits = "".join(_dc_bits(b - a) + "0" for a, b in zip(old, new, strict=True))
            steps[before, after] = bits
    squares = b"".join(drawing.rows)
    previous = bytes([len(colours)]) + squares[:-1]
    bits = "".join([steps[pair] for pair in zip(previous, squares, strict=True)])
    bits += "1" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big").replace(b"\xff", b"\xff\x00")


def luma_chroma(colour: tuple[int, int, int]) -> tuple[int, int, int]:
    """Return Y, Cb and Cr around zero, in whole numbers (JFIF 1.02, scaled by a thousand)."""
    red, green, blue = colour
    y = (299 * red + 587 * green + 114 * blue + 500) // 1000 - 128
    cb = (-169 * red - 331 * green + 500 * blue + 500) // 1000
    cr = (500 * red - 419 * green - 81 * blue + 500) // 1000
    return y, cb, cr


def _dc_bits(difference: int) -> str:
    category = abs(difference).bit_length()
    if not category:
        return "0000"
    value = difference if difference > 0 else difference + (1 << category) - 1
    return f"{category:04b}{value:0{category}b}"


# ---- PNG: stored deflate blocks, filler in private chunks.
# Source: PNG specification (third edition), sections 5.3 and 11.2; RFC 1950; RFC 1951.

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
PNG_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"
_FILLER_CHUNK = b"noIs"
_CHUNK_OVERHEAD = 12


def png(drawing: Drawing, size: int) -> Body:
    """Return the picture as a PNG of exactly `size` bytes; private chunks fill the room."""
    header = struct.pack(">IIBBBBB", PIXELS_WIDE, PIXELS_HIGH, 8, 3, 0, 0, 0)
    palette = b"".join(bytes(colour) for colour in drawing.palette)
    pixels = b"".join((b"\x00" + row) * SQUARE for row in _wide_rows(drawing))
    head = PNG_SIGNATURE + chunk(b"IHDR", header) + chunk(b"PLTE", palette)
    head += chunk(b"IDAT", zlib_stored(pixels))
    room = size - len(head) - len(PNG_END)
    repeats, rest = divmod(room, MIB)
    if 0 < rest < _CHUNK_OVERHEAD:
        repeats, rest = repeats - 1, rest + MIB
    if repeats < 0:
        raise TooSmall
    return Body(head, _png_filler(), repeats, _png_chunks(rest) + PNG_END)


@cache
def _png_filler() -> bytes:
    return _png_chunks(MIB)


def _png_chunks(room: int) -> bytes:
    """Return filler chunks of `room` bytes in all, which is none or at least an empty chunk."""
    chunks = []
    while room:
        length = min(room, _SEGMENT)
        if 0 < room - length < _CHUNK_OVERHEAD:
            length -= _CHUNK_OVERHEAD
        chunks.append(chunk(_FILLER_CHUNK, noise()[: length - _CHUNK_OVERHEAD]))
        room -= length
    return b"".join(chunks)


def chunk(kind: bytes, payload: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + payload))
    return struct.pack(">I", len(payload)) + kind + payload + checksum


def _wide_rows(drawing: Drawing) -> list[bytes]:
    return [b"".join(bytes([square]) * SQUARE for square in row) for row in drawing.rows]


def stored(content: bytes) -> bytes:
    """Return a deflate stream that holds the content uncompressed (RFC 1951, section 3.2.4)."""
    blocks = []
    for at in range(0, max(len(content), 1), 65535):
        part = content[at : at + 65535]
        is_last = at + 65535 >= len(content)
        blocks.append(struct.pack("<BHH", is_last, len(part), len(part) ^ 0xFFFF) + part)
    return b"".join(blocks)


def zlib_stored(content: bytes) -> bytes:
    return b"\x78\x01" + stored(content) + struct.pack(">I", zlib.adler32(content))


# ---- TIFF: one uncompressed strip, filler after it. Source: TIFF revision 6.0.


def tiff(drawing: Drawing, size: int) -> Body:
    """Return the picture as an RGB TIFF of exactly `size` bytes."""
    pixels = b"".join(
        b"".join(bytes(drawing.palette[square]) * SQUARE for square in row) * SQUARE
        for row in drawing.rows
    )
    short, long = 3, 4
    entries_end = 8 + 2 + 9 * 12 + 4
    depths = struct.pack("<HHH", 8, 8, 8)
    tags = [
        (256, long, 1, PIXELS_WIDE),
        (257, long, 1, PIXELS_HIGH),
        (258, short, 3, entries_end),
        (259, short, 1, 1),
        (262, short, 1, 2),
        (273, long, 1, entries_end + len(depths)),
        (277, short, 1, 3),
        (278, long, 1, PIXELS_HIGH),
        (279, long, 1, len(pixels)),
    ]
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\x00" * 4
    head = b"II*\x00" + struct.pack("<I", 8) + directory + depths + pixels
    return padded(head, b"", size)
