"""HTML on paper: WeasyPrint lays it out with the server's own Pango and fonts.

Nothing is ever loaded from anywhere: the page and its style come as text, and whatever an address
in them leads to is refused. One PDF is made at a time in each process, because making one takes a
whole core and must not take them all.
"""

import logging
import threading
import time
from types import ModuleType
from typing import Any

from webapp.core.problems import Invalid, Problem
from webapp.core.text import _

log = logging.getLogger(__name__)

# A line takes as long as a hundred characters of running text. This much is some thirty seconds.
WEIGHT_MAX = 4_000_000
LINE_WEIGHT = 100
TURN_SECONDS = 30
PACKAGES = "libpango-1.0-0 libpangoft2-1.0-0"
_turn = threading.Lock()


class NoPaper(Problem):
    """No PDF can be made here now: a library is missing, or too many are being made."""

    status = 503

    def default_title(self) -> str:
        return _("There is no PDF now")


def pdf_of(html: str, style: str) -> bytes:
    """Return `html` laid out as `style` says; NoPaper when that cannot be, Invalid when too long.

    Give the database connection back before: this takes seconds.
    """
    if len(html) + LINE_WEIGHT * len(html.splitlines()) > WEIGHT_MAX:
        raise Invalid(
            _("It holds more text than goes into one PDF. Print its page from the browser."),
            title=_("That is too much for one PDF"),
        )
    library = _library()
    if not _turn.acquire(timeout=TURN_SECONDS):
        raise NoPaper(_("Others are having PDFs made. Try again in a moment."))
    try:
        return _laid_out(library, html, style)
    finally:
        _turn.release()


def _laid_out(library: ModuleType, html: str, style: str) -> bytes:
    started = time.monotonic()
    nothing = _fetcher()
    document = library.HTML(string=html, url_fetcher=nothing)
    content: bytes = document.write_pdf(
        stylesheets=[library.CSS(string=style, url_fetcher=nothing)], pdf_tags=True
    )
    took = time.monotonic() - started
    log.info("pdf.made", extra={"bytes": len(content), "seconds": round(took, 2)})
    return content


def _library() -> ModuleType:
    """Return WeasyPrint; importing it fails where the system's Pango is missing."""
    try:
        import weasyprint  # noqa: PLC0415
    except OSError as error:
        log.error("pdf.no_pango", extra={"said": str(error)[:200]})
        raise NoPaper(
            _(
                "PDFs need the system library Pango on the server, and it is missing. Ask your "
                "administrator for the Debian packages %(packages)s.",
                packages=PACKAGES,
            ),
            title=_("This server cannot make PDFs yet"),
        ) from None
    found: ModuleType = weasyprint
    return found


def _fetcher() -> Any:
    """Return what WeasyPrint asks for whatever an address leads to: it refuses everything."""
    from weasyprint.urls import URLFetcher  # noqa: PLC0415

    class Nothing(URLFetcher):  # type: ignore[misc]  # weasyprint has no types
        def fetch(self, url: str, headers: Any = None) -> Any:
            raise ValueError("a PDF loads nothing from anywhere")

    return Nothing()
