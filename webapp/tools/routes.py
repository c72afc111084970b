"""The tools' blueprint with all its routes: each module below adds its own."""

from webapp.tools import asking_pages, editing, file_pages, printing, replying, row_pages, views
from webapp.tools.blueprint import bp
from webapp.tools.extensions import daily_log_pages, document_pages, drawings_pages
from webapp.tools.extensions.emails import pages as email_pages
from webapp.tools.people import groups, project

__all__ = [
    "asking_pages",
    "bp",
    "daily_log_pages",
    "document_pages",
    "drawings_pages",
    "editing",
    "email_pages",
    "file_pages",
    "groups",
    "printing",
    "project",
    "replying",
    "row_pages",
    "views",
]
