"""A whole folder in the tray as the picker shows it: what was found, what is left out and why."""

from collections.abc import Iterator

from webapp.core.formats import filesize
from webapp.imports.walk_models import UNDER_WAY, WalkState
from webapp.imports.walker import DEPTH_MAX, FOLDERS_MAX
from webapp.imports.walks import NAMES_MAX, Part, trouble_text
from webapp.picker.host import ChosenFolder, LeftOut, Target
from webapp.picker.reasons import Why, why_text


def as_chosen(part: Part, target: Target) -> ChosenFolder:
    """Return a folder of a tray in the picker's words."""
    walk, counts = part.walk, part.counts
    return ChosenFolder(
        item_id=walk.id,
        folder_id=walk.folder_id,
        name=walk.name,
        path=part.path,
        files=counts.files,
        size_bytes=counts.size_bytes,
        taken=len(part.files),
        taken_bytes=sum(file.size_bytes or 0 for file in part.files),
        left_out=tuple(_left_out(part, target)),
        is_counting=walk.state in UNDER_WAY,
        is_stopped=walk.state == WalkState.STOPPED,
        trouble=trouble_text(walk),
        marks=part.marks,
        needs_reason=part.needs_reason,
    )


def _left_out(part: Part, target: Target) -> Iterator[LeftOut]:
    """Tell what of a folder is not attached, by its reason, as its row would say it."""
    known = {
        "limit": filesize(target.file_max_bytes),
        "company": target.company,
        "files": target.files_max,
        "folders": FOLDERS_MAX,
        "depth": DEPTH_MAX,
    }
    for left in part.counts.left:
        yield LeftOut(why_text(Why(left.code, left.facts), **known), left.count, tuple(left.names))
    for why, names in part.refused.items():
        yield LeftOut(why, len(names), tuple(names[:NAMES_MAX]))
    if part.doubles:
        yield LeftOut(why_text(Why("chosen")), part.doubles)
    if part.over > 0:
        yield LeftOut(why_text(Why("over_files_max"), **known), part.over)
