"""What a record is called: by its number where it has one, else by what it is."""

from webapp.core.text import _
from webapp.records.models import Record
from webapp.tools.registry import Tool

# In a record's details: what it is from is a claim that came along with it, as a From line is.
CLAIMED = "is_sender_claimed"


def creator_of(record: Record) -> str:
    """Return who a record is from: whoever made it here, or whom what came in says it is from."""
    sender = str(record.details.get("sender") or record.created_by.name)
    return _("%(sender)s (not verified)", sender=sender) if record.details.get(CLAIMED) else sender


def number_of(tool: Tool, record: Record) -> str:
    """Return what stands where a number would: RFI-007, 12, "Draft", "Note"."""
    if record.number and tool.numbering.is_under_heading:
        return str(record.number_sort)
    if record.number:
        return record.number
    if called := tool.status(record.status).called:
        return _(called)
    is_draft = record.saved_at is None or tool.status(record.status).is_draft
    return _("Draft") if is_draft else _(tool.record_name)


def revision_of(tool: Tool, record: Record) -> str:
    """Return what people call a record's revision, "" for one they do not count."""
    if tool.revision_field:
        return str(record.details.get(tool.revision_field) or "")
    return str(record.revision) if record.revision else ""


def name_of(tool: Tool, record: Record) -> str:
    """Return what a record is called in a sentence: "RFI-007", "Punch item 12", "RFI draft"."""
    if record.number and (rev := revision_of(tool, record)):
        return _("%(number)s, revision %(rev)s", number=record.number, rev=rev)
    if record.number:
        is_bare = record.number[:1].isdigit() and not tool.numbering.within
        return f"{_(tool.record_name)} {record.number}" if is_bare else record.number
    if called := tool.status(record.status).called:
        return f"{_(called)}: {record.title}" if record.title else _(called)
    if record.saved_at is None or tool.status(record.status).is_draft:
        return _("%(kind)s draft", kind=_(tool.record_name))
    return record.title or _(tool.record_name)
