"""Text formats of exactly the wanted size: rows repeat until the room is filled."""

import json
from collections.abc import Callable
from html import escape

from box_sandbox.content.body import MIB, Body, TooSmall

Row = Callable[[int], str]


def text_body(head: str, row: Row, tail: str, size: int) -> Body:
    """Return `head`, rows, and `tail` in UTF-8, brought to `size` by spaces.

    Raises TooSmall when head and tail do not fit.
    """
    start, end = head.encode(), tail.encode()
    room = size - len(start) - len(end)
    if room < 0:
        raise TooSmall
    if room <= MIB:
        return Body(start + _rows(row, room) + end)
    repeats, rest = divmod(room, MIB)
    block = _rows(row, MIB)
    return Body(start, block, repeats, _rows(row, rest) + end)


def _rows(row: Row, room: int) -> bytes:
    lines: list[bytes] = []
    number = 1
    while len(line := row(number).encode() + b"\n") <= room:
        lines.append(line)
        room -= len(line)
        number += 1
    if room:
        lines.append(b" " * (room - 1) + b"\n")
    return b"".join(lines)


def plain(name: str, seed: int, size: int) -> Body:
    words = "grid level anchor slab revision field verified pending detail sleeve duct conduit"
    choices = words.split()

    def row(number: int) -> str:
        picked = [choices[(seed // (place * 3 + 1) + number * place) % 12] for place in range(1, 8)]
        return f"{number:05d}  " + " ".join(picked)

    return text_body(f"{name}\n", row, "", size)


def csv(_name: str, seed: int, size: int) -> Body:
    def row(number: int) -> str:
        east, north = (seed + number * 7919) % 99991, (seed + number * 104729) % 99989
        return f"{number},{east / 100:.2f},{north / 100:.2f},{5000 + number % 40}.{number % 10},OK"

    return text_body("point,east,north,elevation,status\n", row, "", size)


def html(name: str, seed: int, size: int) -> Body:
    head = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(name)}</title>\n'
        f"<h1>{escape(name)}</h1>\n<table>\n"
    )

    def row(number: int) -> str:
        return f"<tr><td>{number}<td>Clash {(seed + number * 31) % 9973}<td>hard</tr>"

    return text_body(head, row, "</table>\n", size)


def xml(name: str, seed: int, size: int) -> Body:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<report name="{escape(name)}">\n'

    def row(number: int) -> str:
        return f'  <clash id="{number}" distance="-0.{(seed + number * 17) % 997:03d}"/>'

    return text_body(head, row, "</report>\n", size)


def svg(name: str, seed: int, size: int) -> Body:
    head = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 600">\n'
    tail = (
        '<rect width="800" height="90" fill="#fff"/>\n'
        f'<text x="40" y="60" font-size="32">{escape(name)}</text>\n</svg>\n'
    )

    def row(number: int) -> str:
        x, y = (seed + number * 37) % 800, (seed + number * 53) % 600
        return f'<path d="M{x} {y}h40l10 20" fill="none" stroke="#333"/>'

    return text_body(head, row, tail, size)


def vcard(_name: str, seed: int, size: int) -> Body:
    def row(number: int) -> str:
        phone = f"970-555-{(seed + number) % 10000:04d}"
        return f"BEGIN:VCARD\nVERSION:3.0\nFN:Contact {number}\nTEL:{phone}\nEND:VCARD"

    return text_body("", row, "", size)


def boxnote(name: str, seed: int, size: int) -> Body:
    """Return a Box Note: JSON with a ProseMirror document, as notes are stored since 2023."""
    opening = json.dumps(name.removesuffix(".boxnote"), ensure_ascii=False)
    head = (
        '{"version":1,"schema_version":1,"doc":{"type":"doc","content":[\n'
        '{"type":"heading","attrs":{"level":1},'
        f'"content":[{{"type":"text","text":{opening}}}]}}\n'
    )

    def row(number: int) -> str:
        text = f"{number}. Grid {(seed + number) % 14}: checked, photo taken."
        return f',{{"type":"paragraph","content":[{{"type":"text","text":"{text}"}}]}}'

    return text_body(head, row, "]}}\n", size)


def step(name: str, seed: int, size: int) -> Body:
    """Return an ISO 10303-21 exchange file, the dress of .stp and .ifc models."""
    shown = name.encode("ascii", "replace").decode()
    head = f"ISO-10303-21;\nHEADER;\nFILE_NAME('{shown}','',(''),(''),'','','');\nENDSEC;\nDATA;\n"

    def row(number: int) -> str:
        return f"#{number}=CARTESIANPOINT(({(seed + number * 13) % 8191}.,{number % 977}.,0.));"

    return text_body(head, row, "ENDSEC;\nEND-ISO-10303-21;\n", size)
