"""What goes wrong on purpose: each carries the sentence that the person will read.

Domain code raises these; `webapp.core.errors` turns them into pages.
"""

from webapp.core.text import _


class Problem(Exception):  # the word the templates and the pages use
    """Something a person can read about; subclasses choose the status and the heading."""

    status = 400

    def __init__(self, advice: str, *, title: str = "", code: str = "") -> None:
        super().__init__(advice)
        self.advice = advice
        self.title = title or self.default_title()
        self.code = code

    def default_title(self) -> str:
        return _("That did not work")


class NotFound(Problem):
    """There is nothing here that this person may see; absent and forbidden look the same."""

    status = 404

    def __init__(self, advice: str = "", *, title: str = "") -> None:
        super().__init__(
            advice or _("It may have been removed, or it is private and you are not on its list."),
            title=title,
        )

    def default_title(self) -> str:
        return _("There is nothing here that you can open")


class Forbidden(Problem):
    """The person sees the thing but may not do this to it."""

    status = 403

    def default_title(self) -> str:
        return _("You may not do that here")


class Conflict(Problem):
    """The world changed between the page and the click."""

    status = 409

    def default_title(self) -> str:
        return _("This changed meanwhile")


class Invalid(Problem):
    """The form says something that cannot be."""

    status = 422
