"""What may be looked at in the browser: PDF and common pictures, by name and by first bytes."""

from webapp.core.names import extension_of

HEAD_BYTES = 12
_BY_EXTENSION = {
    "pdf": "application/pdf",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "gif": "image/gif",
    "webp": "image/webp",
}
_KINDS = {
    "img": {"jpg", "jpeg", "png", "gif", "heic", "tif", "tiff", "svg", "webp", "bmp"},
    "xls": {"xls", "xlsx", "xlsm", "csv"},
    "cad": {"dwg", "dxf", "rvt", "nwd", "ifc", "stp", "las"},
    "mov": {"mp4", "mov", "m4a", "avi", "mkv", "mp3", "wav"},
    "pdf": {"pdf"},
}


def shown_as(name: str) -> str | None:
    """Return the content type under which a file of this name can be shown, None for no type.

    SVG and HTML are not among them: they can carry script.
    """
    return _BY_EXTENSION.get(extension_of(name))


def is_really(kind: str, head: bytes) -> bool:
    """True when a file's first bytes are those of the content type its name promises."""
    match kind:
        case "application/pdf":
            return head.startswith(b"%PDF-")
        case "image/png":
            return head.startswith(b"\x89PNG\r\n\x1a\n")
        case "image/jpeg":
            return head.startswith(b"\xff\xd8\xff")
        case "image/gif":
            return head.startswith((b"GIF87a", b"GIF89a"))
        case "image/webp":
            return head.startswith(b"RIFF") and head[8:12] == b"WEBP"
    return False


def kind_of(name: str) -> str:
    """Return the family of a file for the colour of its paper, "" when it is none of them."""
    extension = extension_of(name)
    return next((kind for kind, members in _KINDS.items() if extension in members), "")
