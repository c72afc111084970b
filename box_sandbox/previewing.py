"""Which other forms Box makes of a file, when, and whether they are ready.

Source: Box guides "Representations": supported files, thumbnail, PDF and text representation. Small
JPEGs are made when a version arrives; the rest when somebody asks for it. Where the guides are
silent: both take `representation_seconds`.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

from box_sandbox.content.body import Body
from box_sandbox.content.pdf import pdf
from box_sandbox.content.previews import picture
from box_sandbox.content.recipes import Recipe, body_of
from box_sandbox.world import Item, Version

State = Literal["none", "pending", "success"]

_IMAGES = frozenset("jpg jpeg png tif heic svg".split())
_DOCUMENTS = frozenset("pdf docx xlsx xlsm pptx txt csv html xml dwg msg".split())
_VIDEOS = frozenset("mp4 mov".split())

JPEGS = (32, 94, 160, 320, 1024, 2048)
PNGS = (1024, 2048)
ICON, THUMB_MAX = 32, 320
PDF_BYTES = 6000


@dataclass(frozen=True, slots=True)
class Form:
    """One representation: its kind, and for pictures the width and height of the largest."""

    kind: Literal["jpg", "png", "pdf", "extracted_text"]
    size: int = 0
    is_paged: bool = False

    @property
    def is_thumb(self) -> bool:
        return 0 < self.size <= THUMB_MAX

    @property
    def name(self) -> str:
        middle = "_thumb" if self.is_thumb else "_paged" if self.is_paged else ""
        return f"{self.kind}{middle}_{self.dimensions}" if self.size else self.kind

    @property
    def dimensions(self) -> str:
        return f"{self.size}x{self.size}"

    @property
    def asset(self) -> str:
        """The path of the only page, or nothing for what has no pages."""
        return f"1.{self.kind}" if self.is_paged else ""


def sort_of(name: str) -> str:
    """Return image, document, video, or nothing for a file that Box cannot show."""
    ending = PurePosixPath(name).suffix[1:].lower()
    sorts = {"image": _IMAGES, "document": _DOCUMENTS, "video": _VIDEOS}
    return next((sort for sort, endings in sorts.items() if ending in endings), "")


def forms_of(file: Item) -> list[Form]:
    """Return every form there is or can be of a file; of an empty one there is none."""
    sort = sort_of(file.name)
    if not sort or not file.current.recipe.size:
        return []
    return [*_forms(sort)]


def _forms(sort: str) -> Iterator[Form]:
    yield from (Form("jpg", size) for size in JPEGS)
    if sort != "video":
        yield from (Form("png", size, is_paged=sort == "document") for size in PNGS)
    if sort == "document":
        yield Form("pdf")
        yield Form("extracted_text")


class Workshop:
    """What was asked for, and when; everything else follows from the time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        self._asked: dict[tuple[str, str], float] = {}

    def state(self, version: Version, form: Form, *, now: float, takes_s: float) -> State:
        begun = self._begun(version, form)
        if begun is None:
            return "none"
        return "success" if now >= begun + takes_s else "pending"

    def ask(self, version: Version, form: Form, *, now: float) -> None:
        """Begin to make a form unless that has begun."""
        with self._lock:
            if self._begun(version, form) is None:
                self._asked[version.id, form.name] = now

    def _begun(self, version: Version, form: Form) -> float | None:
        if form.is_thumb:
            return version.created_at
        return self._asked.get((version.id, form.name))


def picture_of(recipe: Recipe, ending: str, size: int) -> bytes:
    """Return a picture; the smallest of a document is the icon of its type, as at Box."""
    if size == ICON and sort_of(recipe.name) == "document":
        recipe = Recipe(PurePosixPath(recipe.name).suffix[1:].lower(), 1)
    return picture(recipe, ending, size)


def content_of(recipe: Recipe, form: Form) -> Body:
    if form.kind == "pdf":
        return body_of(recipe) if _is_pdf(recipe) else pdf(recipe.name, "PDF", PDF_BYTES)
    if form.kind == "extracted_text":
        return Body(f"{recipe.name}\n".encode())
    return Body(picture_of(recipe, form.kind, form.size))


def _is_pdf(recipe: Recipe) -> bool:
    return recipe.name.lower().endswith(".pdf")
