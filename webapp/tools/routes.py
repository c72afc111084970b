"""The tools' blueprint with all its routes: each module below adds its own."""

from webapp.tools import editing, replying, row_pages, views
from webapp.tools.blueprint import bp

__all__ = ["bp", "editing", "replying", "row_pages", "views"]
