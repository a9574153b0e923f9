"""JSON in which every key of an object stands once: of two, each reader may believe another."""

import json
from typing import Any

NAME_MAX = 40


class Twice(ValueError):
    """A key stands twice in one object.   Attributes: key, cut to what a message can show."""

    def __init__(self, key: str) -> None:
        self.key = key[:NAME_MAX]
        super().__init__(f"{self.key!r} stands twice in one object; keep one")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, as `object_pairs_hook` of a JSON parser.   Raises: Twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                raise Twice(key)
            seen.add(key)
    return found


def check(body: bytes) -> None:
    """Look for a key that stands twice; what is no JSON at all is for its reader to say.

    Raises: Twice.
    """
    try:
        json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)
    except Twice:
        raise
    except (ValueError, RecursionError):
        return
