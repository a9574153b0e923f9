"""Searching one version: which of its members are found by some words.

By what a member is found is made once for a version: of 100,000 entries that takes a third of a
second, and every further search some hundredths.
"""

from collections.abc import Sequence

from contracts.values import Value
from services.pricer.domain.releases.rule_words import condition_words
from services.pricer.library import Held

NAMES = ("sku", "id", "name", "category", "group", "base", "quote", "charge")

Said = tuple[str, ...]


class Search:
    """Finds members of versions; holds what they are found by, by the hash of the version."""

    def __init__(self) -> None:
        self._said: Held[Said] = Held(len)

    def found(self, sha256: str, part: str, members: Sequence[Value], text: str) -> Sequence[Value]:
        """Return the members of a part of a version in whose names every word stands."""
        words = text.lower().split()
        if not words:
            return members
        said = self._said.get(f"{sha256} {part}", lambda: tuple(map(_said, members)))
        places: Sequence[int] = range(len(said))
        for word in words:
            places = [place for place in places if word in said[place]]
        return [members[place] for place in places]


def _said(member: Value) -> str:
    """Return the names of a member, and of a rule when it applies, in lower case."""
    tree = member.__dict__
    said = " ".join([str(tree[name]) for name in NAMES if name in tree])
    if tree.get("when") is not None:
        said += " " + condition_words(tree["when"])
    return said.lower()
