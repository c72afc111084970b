"""What a scope permits. Source: Box guide "Scopes", and Box staff on `root_readonly`: it does not
permit downloads (support thread 360052262573)."""

APP_SCOPES = frozenset({"root_readwrite"})

APPLICATION_SCOPES = frozenset(
    """root_readonly root_readwrite manage_app_users manage_managed_users manage_groups
    manage_webhook manage_enterprise_properties manage_data_retention manage_legal_hold
    sign_requests.readwrite ai.readwrite manage_triggers""".split()
)
RESOURCE_SCOPES = frozenset(
    """annotation_edit annotation_view_all annotation_view_self base_explorer base_picker
    base_preview base_sidebar base_upload item_delete item_download item_preview item_read
    item_rename item_share item_upload""".split()
)
KNOWN = APPLICATION_SCOPES | RESOURCE_SCOPES

_READING = frozenset({"base_preview", "item_preview", "item_read", "annotation_view_all"})
_WRITING = RESOURCE_SCOPES

LIST = frozenset({"root_readonly", "root_readwrite", "base_explorer", "base_picker", "item_read"})
LOOK = LIST | {"base_preview", "base_sidebar", "base_upload", "item_preview", "item_download"}
SEARCH = frozenset({"root_readonly", "root_readwrite"})
PREVIEW = frozenset({"root_readonly", "root_readwrite", "base_preview", "item_preview"})
DOWNLOAD = frozenset({"root_readwrite", "item_download"})
ANY: frozenset[str] = frozenset()


def implied(scopes: frozenset[str]) -> frozenset[str]:
    """Return everything that may be asked for on the strength of these scopes."""
    found = scopes
    if "root_readwrite" in scopes:
        found |= _WRITING | {"root_readonly"}
    if "root_readonly" in scopes:
        found |= _READING | {"base_explorer", "base_picker", "base_sidebar"}
    return found


def permits(scopes: frozenset[str], needed: frozenset[str]) -> bool:
    return not needed or bool(scopes & needed)
