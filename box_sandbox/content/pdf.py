"""A one-page PDF of any size that opens in every viewer and shows its own name.

The room up to the wanted size is a stream that nothing refers to, so viewers skip it.
Source: ISO 32000-1, sections 7.3.8 (streams), 7.5 (file structure), 7.9.2 (text strings).
"""

from box_sandbox.content.body import Body, padded

PAGE_WIDTH, PAGE_HEIGHT = 1224, 792
TITLE_LETTERS = 62
TITLE_LINES_MAX = 5


def pdf(title: str, note: str, size: int) -> Body:
    """Return a drawing sheet named `title`; raises TooSmall under about 1.5 kB."""
    page = _page_content(title, note)
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>" % (PAGE_WIDTH, PAGE_HEIGHT),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Title <feff%s> /Producer (Box sandbox) >>" % title.encode("utf-16-be").hex().encode(),
    ]
    head = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"
    offsets = []
    for number, content in enumerate(objects, start=1):
        offsets.append(len(head))
        head += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    offsets.append(len(head))
    # Ten digits, so that neither length nor offset changes the size of what surrounds it.
    filler_start = b"%d 0 obj\n<< /Length %010d >>\nstream\n"
    filler_number = len(objects) + 1
    room = size - len(head) - len(filler_start % (filler_number, 0)) - len(_end(offsets, 0))
    head += filler_start % (filler_number, max(room, 0))
    return padded(head, _end(offsets, len(head) + room), size)


def _end(offsets: list[int], filler_end: int) -> bytes:
    """Return everything after the filler's bytes; the cross-reference table follows at once."""
    closing = b"\nendstream\nendobj\n"
    table = b"xref\n0 %d\n0000000000 65535 f \n" % (len(offsets) + 1)
    table += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer\n<< /Size %d /Root 1 0 R /Info 6 0 R >>\n" % (len(offsets) + 1)
    return closing + table + trailer + b"startxref\n%010d\n%%%%EOF\n" % (filler_end + len(closing))


def _page_content(title: str, note: str) -> bytes:
    frame = [
        b"1 w 24 24 %d %d re S" % (PAGE_WIDTH - 48, PAGE_HEIGHT - 48),
        b"0.5 w 24 120 m %d 120 l S" % (PAGE_WIDTH - 24),
        b"0.2 0.4 0.7 RG 2 w 360 300 504 300 re S 360 450 m 864 450 l S 612 300 m 612 600 l S",
        b"0.8 0.86 0.94 rg 372 312 228 126 re f 624 462 228 126 re f",
    ]
    lines = [title[at : at + TITLE_LETTERS] for at in range(0, len(title), TITLE_LETTERS)]
    text = [b"0 g BT /F1 28 Tf 48 724 Td 34 TL"]
    text += [b"(%s) Tj T*" % _literal(line) for line in lines[:TITLE_LINES_MAX]]
    text += [b"ET BT /F1 16 Tf 48 64 Td (%s) Tj ET" % _literal(note)]
    return b"\n".join(frame + text)


def _literal(text: str) -> bytes:
    """Return the text for a string in the page; letters the font lacks become question marks."""
    encoded = text.encode("cp1252", "replace")
    return encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
