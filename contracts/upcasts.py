"""From an older version of a fact to today's: plain functions over its body, one version each."""

from collections.abc import Callable, Mapping
from typing import Any

Upcaster = Callable[[dict[str, Any]], dict[str, Any]]
Upcasters = Mapping[tuple[str, int], Upcaster]


def unchanged(body: dict[str, Any]) -> dict[str, Any]:
    """Upcast to a version that only allows more: what was said before says the same in it.

    A registry knows it, and reads such a body as one of the version after.
    """
    return body


def oldest_alike(wire_type: str, version: int, upcasters: Upcasters) -> int:
    """Return the oldest version whose bodies read as those of this one."""
    while upcasters.get((wire_type, version - 1)) is unchanged:
        version -= 1
    return version
