"""Valid configurations found so far: a question that one of them answers needs no search.

A cache of proofs within one question of a user; it changes the time, never a verdict.
"""

from collections.abc import Sequence

from services.configurator.domain.space import Masks, Space

POINTS_MAX = 2000


class Witnesses:
    """Points of the space that meet all rules; `home` is the one to search around first."""

    def __init__(self, space: Space, home: Masks) -> None:
        self.home = home
        self._widths = [len(each.values) for each in space.variables]
        self._points: list[tuple[int, Masks]] = []

    def add(self, point: Masks) -> None:
        """Remember a valid configuration."""
        if len(self._points) < POINTS_MAX:
            self._points.append((self._packed(point), point))

    def inside(self, domains: Sequence[int]) -> Masks | None:
        """Return a remembered configuration that lies inside the domains, if there is one."""
        if not self._points:
            return None
        allowed = ~self._packed(domains)
        return next((point for packed, point in self._points if not packed & allowed), None)

    def _packed(self, masks: Sequence[int]) -> int:
        """Return all masks side by side in one number, so that one operation compares all."""
        packed = 0
        for mask, width in zip(masks, self._widths, strict=True):
            packed = packed << width | mask
        return packed
