"""Boxes of domains with the bound of their cost kept beside: what a search splits and splits."""

from dataclasses import dataclass
from itertools import chain

from services.configurator.domain.prices.costing import Level, Objective
from services.configurator.domain.solving.constraints import Box
from services.configurator.domain.solving.space import Domains, Masks


@dataclass(frozen=True, slots=True)
class Node:
    """A box; every configuration in it costs at least the bound.

    `levels` are the least costs of the variables that cost anything. `cheap` holds the values of
    the cheapest box, those of all variables side by side in one number.
    """

    masks: Masks
    levels: dict[int, Level]
    bound: int
    cheap: int


class Grid:
    """Makes boxes of one space; narrowing one costs what depends on the narrowed variables only."""

    def __init__(self, objective: Objective, full: Masks) -> None:
        self._objective = objective
        self._full = full
        self._offsets: list[int] = []
        width = 0
        for mask in full:
            self._offsets.append(width)
            width += mask.bit_length()
        self._touched: list[list[int]] = [[] for _ in full]
        for place, scope in objective.scopes.items():
            for each in (place, *scope):
                self._touched[each].append(place)

    def node(self, masks: Masks) -> Node:
        """Return the box of these domains, none of them empty."""
        levels = {place: self._objective.level(place, masks) for place in self._objective.scopes}
        cheap = 0
        for place, mask in enumerate(masks):
            level = levels.get(place)
            cheap |= (level.cheap if level else mask) << self._offsets[place]
        return Node(masks, levels, sum(each.least for each in levels.values()), cheap)

    def within(self, node: Node, domains: Domains) -> Node | None:
        """Return the part of a box that lies in the domains too; None, if nothing does."""
        masks = list(node.masks)
        changed = []
        for place, mask in domains.items():
            left = masks[place] & mask
            if not left:
                return None
            if left != masks[place]:
                masks[place] = left
                changed.append(place)
        if not changed:
            return node
        levels, bound, cheap = dict(node.levels), node.bound, node.cheap
        for place in changed:
            if place not in levels:
                cheap = self._put(cheap, place, masks[place])
        for place in dict.fromkeys(chain.from_iterable(self._touched[each] for each in changed)):
            level = self._objective.level(place, masks)
            bound += level.least - levels[place].least
            levels[place] = level
            cheap = self._put(cheap, place, level.cheap)
        return Node(masks, levels, bound, cheap)

    def cheapest(self, node: Node) -> Masks:
        """Return the box of the cheapest values."""
        masks = list(node.masks)
        for place, level in node.levels.items():
            masks[place] = level.cheap
        return masks

    def without(self, place: int, mask: int, node: Node) -> int:
        """Return how much dearer a variable of the box gets without these values."""
        level = node.levels.get(place)
        return self._objective.without(place, mask, node.masks, level.least if level else None)

    def outside(self, box: Box) -> int:
        """Return all values that its variables have outside the box, side by side."""
        return sum((self._full[place] & ~mask) << self._offsets[place] for place, mask in box)

    def _put(self, cheap: int, place: int, mask: int) -> int:
        offset = self._offsets[place]
        return cheap & ~(self._full[place] << offset) | mask << offset
