"""Words of names, and queries over them: quotes, AND, OR, NOT, and the beginnings of words."""

import bisect
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from box_sandbox.world import World

_WORD = re.compile(r"[^\W_]+")
_PART = re.compile(r'"([^"]*)"|(\S+)')

Words = tuple[str, ...]


@lru_cache(maxsize=200_000)
def words_of(text: str) -> Words:
    """Return the words of a text without case, accents and plural."""
    decomposed = unicodedata.normalize("NFKD", text).casefold()
    plain = "".join(c for c in decomposed if unicodedata.category(c) != "Mn")
    return tuple(_stem(word) for word in _WORD.findall(plain))


def _stem(word: str) -> str:
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


@dataclass(frozen=True)
class Phrase:
    """Words that must follow each other; the last may be the beginning of one unless quoted."""

    words: Words
    is_quoted: bool

    def score(self, name: Words) -> int:
        """Return 0 for no match, 2 for whole words, 1 if the last is only begun."""
        *before, last = self.words
        best = 0
        for at in range(len(name) - len(before)):
            if list(name[at : at + len(before)]) != before:
                continue
            candidate = name[at + len(before)]
            if candidate == last:
                return 2
            if not self.is_quoted and candidate.startswith(last):
                best = 1
        return best


@dataclass(frozen=True)
class Query:
    """Any of the groups, all phrases of it, and none of the unwanted ones."""

    groups: tuple[tuple[Phrase, ...], ...]
    unwanted: tuple[Phrase, ...]

    def score(self, name: str) -> int:
        """Return how well a name matches, 0 for not at all."""
        words = words_of(name)
        if any(phrase.score(words) for phrase in self.unwanted):
            return 0
        total = 0
        for group in self.groups:
            scores = [phrase.score(words) for phrase in group]
            if all(scores):
                total += sum(scores)
        return total


def parse(text: str) -> Query:
    """Return a query; words stand for any of them, operators count in capitals only."""
    groups: list[list[Phrase]] = []
    unwanted: list[Phrase] = []
    joins, negates = False, False
    for quoted, bare in _PART.findall(text):
        if bare in {"AND", "OR", "NOT"}:
            joins, negates = bare == "AND", bare == "NOT"
            continue
        words = words_of(quoted or bare)
        if not words:
            continue
        phrase = Phrase(words, is_quoted=bool(quoted))
        if negates:
            unwanted.append(phrase)
        elif joins and groups:
            groups[-1].append(phrase)
        else:
            groups.append([phrase])
        joins = negates = False
    return Query(tuple(tuple(group) for group in groups), tuple(unwanted))


class Index:
    """Every word of every name in the world as it started, sorted."""

    def __init__(self, world: World) -> None:
        self._world = world
        named = ((item.id, item.name) for item in world.items.values() if not item.is_root)
        self._entries = sorted(
            (word, item_id) for item_id, name in named for word in set(words_of(name))
        )

    def find(self, query: Query) -> Iterator[tuple[str, int]]:
        """Yield the ids of matching items with their scores, in no order."""
        entries = self._entries
        seen: set[str] = set()
        for group in query.groups:
            word = group[0].words[0]
            at = bisect.bisect_left(entries, (word, ""))
            while at < len(entries) and entries[at][0].startswith(word):
                seen.add(entries[at][1])
                at += 1
        for item_id in seen:
            score = query.score(self._world.items[item_id].name)
            if score:
                yield item_id, score
