"""Hints for names that do not exist."""

from collections.abc import Iterable
from difflib import get_close_matches

FEW = 8
ALMOST_CERTAIN, POSSIBLE = 0.8, 0.5


def nearest(word: str, known: Iterable[str]) -> str:
    """Return a hint with the nearest known names, or all of them if they are few; else nothing."""
    names = sorted(known)
    close = (
        get_close_matches(word, names, n=3, cutoff=ALMOST_CERTAIN)
        or get_close_matches(word, names, n=3, cutoff=POSSIBLE)
        or (names if len(names) <= FEW else [])
    )
    return f"; did you mean {' or '.join(close)}?" if close else ""
