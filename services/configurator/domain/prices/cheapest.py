"""The least cost of all valid configurations inside domains: branch and bound, proved.

A node is a box of domains; its bound is the sum of every variable's least cost there. The box of
the cheapest values is asked of the solver. If it holds a configuration, nothing costs less, as
nodes come with the lowest bound first. If not, a minimal contradiction says which variables can not
all be so cheap: one of them must be dearer, and the box is split accordingly. Contradictions hold
for every later question, so a search for each option shares them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from types import MappingProxyType

from services.configurator.domain.answers.completing import in_turn
from services.configurator.domain.prices.boxes import Grid, Node
from services.configurator.domain.prices.costing import NEVER, Objective
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.constraints import Box
from services.configurator.domain.solving.effort import SearchBound
from services.configurator.domain.solving.space import Domains, Masks, bits

# Boxes looked at for one question; whether they are enough depends on the questions alone.
BOXES_MAX = 3_000

ANY: Domains = MappingProxyType({})
# Says that there is no time left.
Stop = Callable[[], bool]


class CostBound(SearchBound):
    """The least cost was not proved within the bound of steps; nothing is claimed about it."""

    code = "configuration.unproved"


@dataclass(frozen=True, slots=True)
class Least:
    """The least cost, a configuration that has it, and a box in which every one has it."""

    cost: int
    point: Masks
    box: Masks


@dataclass(slots=True)
class Region:
    """Domains as boxes that do not overlap: what is known of them, in the order of their bounds."""

    leaves: list[Node]


class Search:
    """Questions about one objective; what one finds out shortens all later ones."""

    def __init__(
        self,
        product: Product,
        objective: Objective,
        boxes_max: int = BOXES_MAX,
        stop: Stop = lambda: False,
    ) -> None:
        self.product = product
        self.objective = objective
        self._solver = product.solver
        self._full = product.space.full()
        self._boxes_max = boxes_max
        self._stop = stop
        self._grid = Grid(objective, self._full)
        self._known: list[tuple[int, Box]] = []

    def inside(self, domains: Domains) -> Region:
        """Return the region of these domains."""
        start = self._grid.within(self._grid.node(self._full), domains)
        return Region([start] if start else [])

    def least(self, region: Region, domains: Domains = ANY, most: int = NEVER) -> Least | None:
        """Return the least cost in a region, inside the domains; None, if none is at most `most`.

        Asked of no further domains, what was found out shortens later questions about the region.
        Raises: CostBound, SearchBound.
        """
        within = [self._grid.within(each, domains) for each in region.leaves]
        waiting = [(each.bound, number, each) for number, each in enumerate(within) if each]
        heapify(waiting)
        serial = len(within)
        for _ in range(self._boxes_max):
            if not waiting or waiting[0][0] > most:
                return None
            if self._stop():
                break
            box = heappop(waiting)[-1]
            found = self._look(box)
            if isinstance(found, Least):
                if not domains:
                    region.leaves = [box, *(each for *_, each in sorted(waiting))]
                return found
            for child in found:
                serial += 1
                heappush(waiting, (child.bound, serial, child))
        raise CostBound("the least cost takes more steps than the configurator allows")

    def preferred(self, region: Region, least: Least) -> Masks:
        """Return of all configurations of a region with the least cost the preferred one.

        Raises: CostBound, SearchBound.
        """
        held: dict[int, int] = {}
        for place in in_turn(self.product):
            for bit in self.product.wishes[place]:
                if least.point[place] == bit:
                    break
                other = self._as_cheap(region, least, {**held, place: bit})
                if other is not None:
                    least = other
                    break
            held[place] = least.point[place]
        return least.point

    def _as_cheap(self, region: Region, least: Least, domains: Domains) -> Least | None:
        """Return a configuration of the same cost inside the domains, if there is one."""
        box = list(least.box)
        for place, mask in domains.items():
            box[place] &= mask
        point = self._solver.solve(self._narrowed(box)) if all(box) else None
        if point is not None:
            return Least(least.cost, point, least.box)
        return self.least(region, domains, least.cost)

    # ---- one box

    def _look(self, node: Node) -> Least | list[Node]:
        """Return the least of a box, or smaller boxes that hold all that it can hold."""
        known = self._contradiction(node)
        if known is not None:
            return self._split(node, known)
        cheap = self._grid.cheapest(node)
        loose = self._loose(node, cheap)
        if loose is not None:
            return self._parted(node, cheap, loose)
        point = self._solver.solve(self._narrowed(cheap))
        if point is not None:
            return Least(node.bound, point, cheap)
        return self._split(node, self._learn(node, cheap))

    def _contradiction(self, node: Node) -> Box | None:
        """Return the known contradiction of the cheapest values that makes the box dearest."""
        best, most = None, -1
        for outside, box in self._known:
            if not node.cheap & outside:
                rise = min((self._grid.without(*each, node) for each in box), default=NEVER)
                if rise > most:
                    best, most = box, rise
        return best

    def _learn(self, node: Node, cheap: Masks) -> Box:
        """Return a minimal contradiction of the cheapest values: variables that raise the bound."""
        wishes = [(place, mask) for place, mask in enumerate(cheap) if mask != self._full[place]]
        wishes.sort(key=lambda each: (self._grid.without(each[0], each[1], node), -each[0]))
        needed = self._solver.needed([{place: mask} for place, mask in wishes])
        box = tuple(wishes[each] for each in needed)
        self._known.append((self._grid.outside(box), box))
        return box

    def _split(self, node: Node, box: Box) -> list[Node]:
        """Return boxes that leave one variable each out of the contradiction; they do not overlap.

        What raises the bound most comes first: it needs no closer look.
        """
        found = []
        rises = {place: self._grid.without(place, mask, node) for place, mask in box}
        held: dict[int, int] = {}
        for place, mask in sorted(box, key=lambda each: (-rises[each[0]], each[0])):
            if rises[place] < NEVER:
                child = self._grid.within(node, {**held, place: self._full[place] & ~mask})
                if child:
                    found.append(child)
            held[place] = mask
        return found

    def _loose(self, node: Node, cheap: Masks) -> int | None:
        """Return a variable that still decides what the cheapest values cost, by quantity."""
        for place, scope in self.objective.scopes.items():
            open_ = [each for each in scope if node.masks[each].bit_count() > 1]
            if open_ and self.objective.dearest(place, cheap) > node.levels[place].least:
                return min(open_, key=lambda each: (cheap[each].bit_count() == 1, each))
        return None

    def _parted(self, node: Node, cheap: Masks, place: int) -> list[Node]:
        """Return the box in two parts: the variable's cheapest values and the others, or halves."""
        mask, first = node.masks[place], cheap[place]
        if first == mask:
            values = list(bits(mask))
            first = sum(values[: len(values) // 2])
        parts = [self._grid.within(node, {place: each}) for each in (first, mask & ~first)]
        return [each for each in parts if each]

    def _narrowed(self, masks: Masks) -> Domains:
        full = self._full
        return {place: mask for place, mask in enumerate(masks) if mask != full[place]}
