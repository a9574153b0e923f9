"""What the text of JSON must be before anybody reads it: not too deep, every key of an object once.

Of a key that stands twice each reader may believe another one.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

NAME_MAX = 40
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"', re.DOTALL)
_BRACKET = re.compile(rb"[\[\]{}]")


class Twice(ValueError):
    """A key stands twice in one object.   Attributes: key, cut to what a message can show."""

    def __init__(self, key: str) -> None:
        self.key = key[:NAME_MAX]
        super().__init__(f"{self.key!r} stands twice in one object; keep one")


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its pairs, as `object_pairs_hook` of a JSON parser.   Raises: Twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise Twice(first_again(name for name, _ in pairs))
    return found


def first_again(names: Iterable[str]) -> str:
    """Return the first name that stood before; counting each would never end in a large file."""
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise ValueError("no name stands twice")


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


def depth_above(body: bytes, most: int) -> bool:
    """Say whether JSON nests deeper than `most`, without parsing it."""
    if body.count(b"[") + body.count(b"{") <= most:
        return False
    depth = 0
    for each in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if each in b"[{" else -1
        if depth > most:
            return True
    return False
