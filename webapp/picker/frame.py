"""What the request that is being answered has open: its host, its target, its tray, its frame."""

import re
from collections.abc import Sequence
from typing import Any

from flask import current_app, g, request, url_for

from webapp.picker.host import LastFolder, PartialUpload, PickerHost, Target, Tray
from webapp.picker.seals import Seals

DIALOG = "picker/_dialog.html"


def open_here(host: PickerHost) -> None:
    """Open the target of the address for this request; raises the host's own errors."""
    g.picker_host = host
    g.picker_target = host.open_target(**g.prefix)


def opened_host() -> PickerHost:
    host: PickerHost = g.picker_host
    return host


def opened_target() -> Target:
    """Return what the request that is being answered chooses files for."""
    target: Target = g.picker_target
    return target


def opened_address() -> dict[str, Any]:
    """Return the address's variables, as the host's `open_target` got them."""
    return dict(g.prefix)


def opened_tray() -> Tray:
    if "picker_tray" not in g:
        g.picker_tray = opened_host().tray(opened_target())
    tray: Tray = g.picker_tray
    return tray


def opened_last_folder() -> LastFolder | None:
    """Return the folder that was used last here; one question, however many parts ask it."""
    if "picker_last_folder" not in g:
        g.picker_last_folder = opened_host().last_folder(opened_target())
    last: LastFolder | None = g.picker_last_folder
    return last


def seals() -> Seals:
    return Seals(str(current_app.secret_key), opened_target().person_key)


def frame(**context: Any) -> dict[str, Any]:
    """Return what the frame of the dialog needs, whichever part is asked for alone."""
    return {
        "target": opened_target(),
        "tray": opened_tray(),
        "prefix": prefix(),
        "unfinished": _unfinished,
        "source": "box",
        "door": None,
        "listing": None,
        "problem": None,
        "refused": "",
        "panel": "",
        **context,
    }


def _unfinished() -> Sequence[PartialUpload]:
    """Return the uploads to name; asked only where the computer's side is shown."""
    return opened_host().unfinished_uploads(opened_target())


def asked_part(*, panel: str, folder: str, default: str) -> str:
    """Return the template for the place in the page that a list is asked for, which htmx names."""
    places = {"dialog-host": DIALOG, "picker-panel": panel, "picker-folder": folder}
    return places.get(request.headers.get("HX-Target", ""), default)


def prefix() -> str:
    """Return the address of the dialog; every other address here begins with it."""
    return url_for(f"{_dialog_name()}.dialog")


def box_url(endpoint: str, **values: Any) -> str:
    """Return the address of one of Box's pages in this dialog."""
    return url_for(f"{_dialog_name().replace('attach', 'box_picker')}.{endpoint}", **values)


def here() -> str:
    """Return the address of this very list, to come back to after choosing without a script."""
    return request.full_path.rstrip("?")


def _dialog_name() -> str:
    """Return the dialog's registered name beside whichever blueprint is answering."""
    return re.sub(r"[a-z]+_picker$", "attach", request.blueprint or "")
