"""Write box_sandbox/hashes.txt: the SHA-1 of every content in the Box sandbox's world.

    python -m scripts.hash_sandbox_world

Reads some thirty gigabytes of made-up content in about twenty seconds. Run it after every change
of a name or a size in `box_sandbox/world.toml` and of a maker in `box_sandbox/content/`.
"""

from collections.abc import Iterator

from box_sandbox.content.recipes import body_of
from box_sandbox.hashes import HASHES, line_of
from box_sandbox.world import load


def main() -> None:
    lines = sorted(_hash_lines(), key=lambda line: line.split(" ", 3)[3])
    HASHES.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{len(lines)} contents hashed")


def _hash_lines() -> Iterator[str]:
    world = load()
    recipes = {version.recipe for item in world.items.values() for version in item.versions}
    for recipe in recipes | world.next_recipes():
        yield line_of(recipe, body_of(recipe).sha1())


if __name__ == "__main__":
    main()
