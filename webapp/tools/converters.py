"""Tools in paths. A tool that does not attach from Box has no such address at all: the converter
refuses it, and no view needs to ask."""

from werkzeug.routing import BaseConverter, ValidationError

from webapp.tools.registry import TOOLS, Tool


class ToolConverter(BaseConverter):
    """Any tool, by its slug."""

    regex = r"[a-z][a-z-]{1,39}"
    part_isolating = True

    def to_python(self, value: str) -> Tool:
        tool = TOOLS.by_slug(value)
        if tool is None:
            raise ValidationError
        return tool

    def to_url(self, value: Tool | str) -> str:
        return value.slug if isinstance(value, Tool) else value


class BoxToolConverter(ToolConverter):
    """A tool that attaches from Box."""

    def to_python(self, value: str) -> Tool:
        tool = super().to_python(value)
        if not tool.attaches_from_box:
            raise ValidationError
        return tool
