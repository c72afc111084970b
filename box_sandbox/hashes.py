"""The SHA-1 of every content, kept in a text file so that starting costs no hashing.

One line each: digest, size, edition, name. A content that is not in the file (big folders, files
made by tests) is hashed when somebody first asks.
"""

from functools import lru_cache
from pathlib import Path

from box_sandbox.content.recipes import Recipe, body_of

HASHES = Path(__file__).with_name("hashes.txt")


def line_of(recipe: Recipe, sha1: str) -> str:
    return f"{sha1} {recipe.size} {recipe.edition} {recipe.name}"


@lru_cache(maxsize=1)
def known() -> dict[tuple[str, int, int], str]:
    """Return the kept digests by name, size and edition."""
    if not HASHES.exists():
        return {}
    # Not splitlines(): a name may hold any other line separator Unicode knows.
    lines = HASHES.read_text(encoding="utf-8").rstrip("\n").split("\n")
    table = {}
    for line in lines:
        sha1, size, edition, name = line.split(" ", 3)
        table[name, int(size), int(edition)] = sha1
    return table


@lru_cache(maxsize=200_000)
def sha1_of(recipe: Recipe) -> str:
    """Return the SHA-1 of a content in lower-case hex."""
    if recipe.literal is None:
        found = known().get((recipe.name, recipe.size, recipe.edition))
        if found:
            return found
    return body_of(recipe).sha1()
