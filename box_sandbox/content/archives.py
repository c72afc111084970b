"""ZIP containers with stored entries, plain and as Office documents, and a small tar.gz.

Source: PKWARE APPNOTE 6.3, sections 4.3.7, 4.3.12 and 4.3.16; ECMA-376 parts 1 and 2; RFC 1952.
"""

import struct
import zlib
from html import escape

from box_sandbox.content.body import Body, TooSmall, noise, padded
from box_sandbox.content.images import stored

# 1 January 2025, 00:00, in MS-DOS form: entries carry no real date.
_DOS_TIME, _DOS_DATE = 0, (2025 - 1980) << 9 | 1 << 5 | 1
_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org"
_RELATIONS = f"{_OFFICE}/package/2006/relationships"
_OFFICE_DOCUMENT = f"{_OFFICE}/officeDocument/2006/relationships"

Parts = list[tuple[str, bytes]]


def archive(parts: Parts, seed: int, size: int) -> Body:
    """Return a ZIP of exactly `size` bytes whose last entry takes up the room.

    That entry's name tells contents apart that are otherwise alike: editions of one document.
    """
    head = b""
    directory = b""
    for name, content in parts:
        checksum = zlib.crc32(content)
        directory += _directory_entry(name, checksum, len(content), len(head))
        head += _local_header(name, checksum, len(content)) + content
    filler = f"filler-{seed:013x}.bin"
    count = len(parts) + 1
    overhead = len(_local_header(filler, 0, 0)) + len(_directory_entry(filler, 0, 0, 0))
    room = size - len(head) - len(directory) - overhead - len(_end(0, 0, 0))
    if room < 0:
        raise TooSmall
    checksum = _noise_checksum(room)
    directory += _directory_entry(filler, checksum, room, len(head))
    head += _local_header(filler, checksum, room)
    return padded(head, directory + _end(count, len(directory), len(head) + room), size)


def _noise_checksum(length: int) -> int:
    checksum = 0
    for piece in padded(b"", b"", length).pieces():
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _local_header(name: str, checksum: int, length: int) -> bytes:
    encoded = name.encode()
    fields = (0x04034B50, 10, 0x800, 0, _DOS_TIME, _DOS_DATE, checksum, length, length)
    return struct.pack("<IHHHHHIIIHH", *fields, len(encoded), 0) + encoded


def _directory_entry(name: str, checksum: int, length: int, offset: int) -> bytes:
    encoded = name.encode()
    fields = (0x02014B50, 20, 10, 0x800, 0, _DOS_TIME, _DOS_DATE, checksum, length, length)
    return struct.pack("<IHHHHHHIIIHHHHHII", *fields, len(encoded), 0, 0, 0, 0, 0, offset) + encoded


def _end(count: int, directory_size: int, directory_start: int) -> bytes:
    return struct.pack(
        "<IHHHHIIH", 0x06054B50, 0, 0, count, count, directory_size, directory_start, 0
    )


def zipped(name: str, seed: int, size: int) -> Body:
    return archive([("CONTENTS.txt", f"{name}\n".encode())], seed, size)


def word(name: str, seed: int, size: int) -> Body:
    """Return a Word document of one heading: the file's name."""
    space = f"{_OFFICE}/wordprocessingml/2006/main"
    document = (
        f'{_XML}<w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>'
        f"{escape(name)}</w:t></w:r></w:p></w:body></w:document>"
    )
    kind = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
    return archive(_package("word/document.xml", kind, document), seed, size)


def workbook(name: str, seed: int, size: int) -> Body:
    """Return an Excel workbook of one sheet whose first cell holds the file's name."""
    space = f"{_OFFICE}/spreadsheetml/2006/main"
    book = (
        f'{_XML}<workbook xmlns="{space}" xmlns:r="{_OFFICE_DOCUMENT}">'
        '<sheets><sheet name="Sheet1" sheetId="1" r:id="rId1"/></sheets></workbook>'
    )
    sheet = (
        f'{_XML}<worksheet xmlns="{space}"><sheetData><row r="1"><c r="A1" t="inlineStr">'
        f"<is><t>{escape(name)}</t></is></c></row></sheetData></worksheet>"
    )
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    sheet_part = ("/xl/worksheets/sheet1.xml", f"{kind}.worksheet+xml")
    parts = _package("xl/workbook.xml", f"{kind}.sheet.main+xml", book, sheet_part)
    relation = _relation(f"{_OFFICE_DOCUMENT}/worksheet", "worksheets/sheet1.xml")
    parts.append(("xl/_rels/workbook.xml.rels", relation.encode()))
    parts.append(("xl/worksheets/sheet1.xml", sheet.encode()))
    return archive(parts, seed, size)


def slides(name: str, seed: int, size: int) -> Body:
    """Return a PowerPoint package without slides; its title is the file's name."""
    space = f"{_OFFICE}/presentationml/2006/main"
    deck = (
        f'{_XML}<p:presentation xmlns:p="{space}"><!-- {escape(name).replace("--", "- -")} -->'
        '<p:sldSz cx="9144000" cy="6858000"/><p:notesSz cx="6858000" cy="9144000"/>'
        "</p:presentation>"
    )
    kind = "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml"
    return archive(_package("ppt/presentation.xml", kind, deck), seed, size)


def _package(main: str, kind: str, content: str, *others: tuple[str, str]) -> Parts:
    overrides = "".join(
        f'<Override PartName="{part}" ContentType="{part_kind}"/>'
        for part, part_kind in ((f"/{main}", kind), *others)
    )
    types = (
        f'{_XML}<Types xmlns="{_OFFICE}/package/2006/content-types">'
        '<Default Extension="rels" '
        'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="bin" ContentType="application/octet-stream"/>'
        f"{overrides}</Types>"
    )
    relation = _relation(f"{_OFFICE_DOCUMENT}/officeDocument", main)
    return [
        ("[Content_Types].xml", types.encode()),
        ("_rels/.rels", relation.encode()),
        (main, content.encode()),
    ]


def _relation(kind: str, target: str) -> str:
    return (
        f'{_XML}<Relationships xmlns="{_RELATIONS}">'
        f'<Relationship Id="rId1" Type="{kind}" Target="{target}"/></Relationships>'
    )


def tar_gz(_name: str, seed: int, size: int) -> Body:
    """Return a gzip of an uncompressed tar with one file; the gzip comment takes up the room."""
    header_size, closing = 10 + 1, 8
    length = size // 512 * 512 - 8192
    if length < 512:
        raise TooSmall
    tar = _tar(f"filler-{seed:013x}.bin", noise()[:length])
    packed = stored(tar)
    comment = b"." * (size - header_size - len(packed) - closing)
    checksum = struct.pack("<II", zlib.crc32(tar), len(tar))
    return Body(b"\x1f\x8b\x08\x10\x00\x00\x00\x00\x00\xff" + comment + b"\x00" + packed + checksum)


def _tar(name: str, content: bytes) -> bytes:
    fields = [name.encode().ljust(100, b"\x00"), b"0000644\x00", b"0000000\x00", b"0000000\x00"]
    fields += [b"%011o\x00" % len(content), b"%011o\x00" % 0, b" " * 8, b"0", b"\x00" * 100]
    fields += [b"ustar\x0000"]
    header = b"".join(fields).ljust(512, b"\x00")
    total = b"%06o\x00 " % sum(header)
    padding = b"\x00" * (-len(content) % 512)
    return header[:148] + total + header[156:] + content + padding + b"\x00" * 1024
