"""Whether any valid configuration meets a condition: what the lint of a release asks."""

from collections.abc import Collection, Iterable

from services.configurator.domain.products.product import Product
from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.constraints import Condition, Constraint, Forbidden
from services.configurator.domain.solving.effort import Allowance
from services.configurator.domain.solving.solver import Solver


class Prover:
    """Says of conditions whether any valid configuration meets them, by one solver for all."""

    def __init__(self, product: Product, allowance: Allowance) -> None:
        # Only feature models of other tools forbid boxes.
        self.rules = [
            each for each in product.solver.constraints if not isinstance(each, Forbidden)
        ]
        self._product = product
        self._allowance = allowance
        self._asked: list[Condition] = [each.negated() for each in self.rules]
        self._solver: Solver | None = None

    def ask(self, where: str, scope: Iterable[int], bounds: b.Bounds) -> int:
        """Take up a condition; returns its number."""
        self._asked.append(Constraint(where, scope, bounds))
        self._solver = None
        return len(self._asked) - 1

    def can_be(self, number: int, without: Collection[int] = ()) -> bool:
        """Say whether a condition can hold with all rules but these.   Raises: SearchBound."""
        if self._solver is None:
            first = [wish[0] for wish in self._product.wishes]
            every = [*self.rules, *self._asked]
            self._solver = Solver(self._product.space, every, first, self._allowance)
        counted = [each for each in range(len(self.rules)) if each not in without]
        with self._solver.effort.within(self._allowance):
            return self._solver.solve({}, [*counted, len(self.rules) + number]) is not None
