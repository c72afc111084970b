"""Check that every sentence can be found for translation, and that its places are named.

Extracts as a translator would. A sentence with more than one place must name them, because another
language may need them in another order.
"""

import re
import sys
from pathlib import Path

from babel.messages.extract import extract_from_dir

ROOT = Path(__file__).resolve().parent.parent
METHODS = [("webapp/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"_": None, "N_": None, "ngettext": (1, 2), "gettext": None, "later": None}
FEWEST = 200


def main() -> int:
    problems: list[str] = []
    count = 0
    found = extract_from_dir(
        str(ROOT), METHODS, {"templates/**.html": {"encoding": "utf-8"}}, KEYWORDS
    )
    for filename, line, message, _comments, _context in found:
        for text in message if isinstance(message, tuple) else (message,):
            count += 1
            if re.search(r"%[sd]", text):
                problems.append(f"{filename}:{line}: a place without a name in {text!r}")
    if count < FEWEST:
        problems.append(f"only {count} sentences were found; is the extraction broken?")
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
