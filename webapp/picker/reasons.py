"""Why something in Box cannot be chosen: codes that can be kept, and their sentences.

The rows of a listing and the count of a whole folder say the same thing in the same words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from webapp.core.text import N_, _

TEXTS = {
    "bookmark": N_("A bookmark, there is no file to attach"),
    "by_link": N_("You opened this by a shared link. Paste that link here to attach it."),
    "too_big": N_("Over the %(limit)s limit for one file"),
    "preview_only": N_("Preview only. Your Box account may not download it."),
    "preview_only_of": N_("Preview only. Ask %(name)s for download rights."),
    "locked": N_("Locked by %(name)s, who prevents downloads"),
    "blocked_type": N_("%(company)s does not accept .%(extension)s files"),
    "no_version": N_("Box gives no version of this file to copy"),
    "attached": N_("Already attached"),
    "coming": N_("Being copied already"),
    "chosen": N_("Chosen already"),
    "in_folder": N_("In the chosen folder %(name)s"),
    "unopened": N_("A folder that Box does not open for your account"),
    "too_deep": N_("A folder that lies too deep, more than %(depth)s below the chosen one"),
    "too_many_folders": N_("A folder beyond the first %(folders)s, which were not opened"),
    "over_files_max": N_("Over the %(files)s files of one go"),
}


@dataclass(frozen=True)
class Limits:
    """What the place that files are chosen for takes, and which Box account is asking.

    `already` and `coming` are those of a `host.Target`.
    """

    file_max_bytes: int
    blocked_extensions: frozenset[str]
    already: Mapping[str, Mapping[str, str]]
    coming: frozenset[tuple[str, str]]
    my_box_id: str


@dataclass(frozen=True)
class Why:
    """Why not; the facts are what is only known while the item is at hand."""

    code: str
    facts: dict[str, str] = field(default_factory=dict)


def why_text(why: Why, **known: object) -> str:
    """Return the sentence; `known` are the facts about the place, such as `company`."""
    return _(TEXTS[why.code], **{**known, **why.facts})
