"""What was worked out of a book before: no part of what the book is, and bounded."""

from collections.abc import Hashable
from typing import Any

KEPT_MAX = 50_000


class Kept:
    """Answers by context and key. Dropped when there are too many, and when the book is copied.

    Safe between threads: an answer hangs on nothing but its context and key, so it does not matter
    who writes it last.
    """

    __slots__ = ("_count", "_found")

    def __init__(self) -> None:
        self._count = 0
        self._found: dict[Hashable, dict[Hashable, Any]] = {}

    def __reduce__(self) -> tuple[type["Kept"], tuple[()]]:
        return Kept, ()

    def of(self, context: Hashable) -> dict[Hashable, Any]:
        """Return the answers of a context, to be looked up by their keys."""
        found = self._found.get(context)
        return self._found.setdefault(context, {}) if found is None else found

    def keep(self, answers: dict[Hashable, Any], key: Hashable, answer: Any) -> None:
        """Add an answer to those of a context."""
        self._count += 1
        if self._count > KEPT_MAX:
            self._count = 0
            self._found.clear()
        answers[key] = answer
