"""How many configurations are left: a model's rules as clauses whose solutions are whole answers.

Budgets are sums that no clause says shortly, and so are a few rules: they are left out, and the
count names them. What is counted is exact: configurations that meet every rule that is not named.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from contracts.configuration import Decision
from contracts.values import Value
from services.configurator.domain.language.components import key_id
from services.configurator.domain.products.decisions import domains_of
from services.configurator.domain.products.product import Product
from services.configurator.domain.solving.constraints import Box, Forbidden, Permitted
from services.configurator.domain.solving.literals import Literals

# Raise it whenever the same model gives other clauses: circuits are kept under it.
ENCODING = 1
# A rule that takes more is left out of the count: about a second of splitting.
STEPS_MAX = 2_000
BOXES_MAX = 300


@dataclass(frozen=True, slots=True)
class Formula:
    """Clauses that hold exactly for the configurations counted, and what they leave out."""

    literals: Literals
    clauses: tuple[tuple[int, ...], ...]
    leaves_out: tuple[str, ...]

    @property
    def variables(self) -> int:
        """The number of its variables."""
        return self.literals.top


# Names of great numbers; below the first a number is said with its digits.
_NAMES = ((10**6, "million"), (10**9, "billion"), (10**12, "trillion"))


def about(count: int) -> str:
    """Return a count in words for people: exact below ten thousand, else two digits of it.

    >>> about(640), about(12_480), about(3_425_000), about(135527270263445913600000)
    ('640', 'about 12,000', 'about 3.4 million', 'about 1.4 x 10^23')
    """
    if count < 10_000:
        return f"{count:,}"
    power = len(str(count)) - 2
    two = (count + 10**power // 2) // 10**power
    if two == 100:
        two, power = 10, power + 1
    rounded = two * 10**power
    if rounded < 10**6:
        return f"about {rounded:,}"
    if rounded >= 10**15:
        return f"about {two // 10}.{two % 10} x 10^{power + 1}"
    unit, name = max(each for each in _NAMES if each[0] <= rounded)
    whole, tenths = divmod(rounded * 10 // unit, 10)
    return f"about {whole}.{tenths} {name}" if whole < 10 else f"about {whole} {name}"


class Remaining(Value):
    """How many valid configurations agree with the decisions.

    `count` has only digits, however many; without one `not_counted` says why. Budgets and rules in
    `leaves_out` are not looked at: with them it may be fewer.
    """

    count: str | None
    words: str
    leaves_out: tuple[str, ...]
    not_counted: str | None


def formula_of(product: Product) -> Formula:
    """Return the rules of a product as clauses; each solution is one whole configuration.

    A value has one way to be said by the ladder of its variable, so nothing counts twice.
    """
    full = product.space.full()
    literals = Literals(product.space)
    (yes,) = literals.fresh(1)  # it is true, so that no formula is without a variable
    clauses = {(yes,): None, **{tuple(each): None for each in literals.clauses}}
    left_out = []
    budgets = {each.id for each in product.model.budgets}
    for constraint in product.solver.constraints:
        if isinstance(constraint, Permitted):
            clauses |= dict.fromkeys(map(tuple, _rows(literals, constraint)))
            continue
        boxes: Sequence[Box] | None = None
        if isinstance(constraint, Forbidden):
            boxes = constraint.boxes
        elif constraint.id not in budgets:
            boxes = constraint.cover(full, BOXES_MAX, STEPS_MAX)
        if boxes is None:
            left_out.append(key_id(constraint.id))
            continue
        for box in boxes:
            clause = [each for place, mask in box for each in literals.outside(place, mask)]
            clauses[tuple(sorted(set(clause))) or (-yes,)] = None
    return Formula(literals, tuple(clauses), tuple(dict.fromkeys(left_out)))


def assumptions(product: Product, literals: Literals, decisions: Sequence[Decision]) -> list[int]:
    """Return the literals that say what was decided."""
    domains = domains_of(product, decisions)
    return [each for place, mask in domains.items() for each in literals.inside(place, mask)]


def _rows(literals: Literals, table: Permitted) -> Iterator[Sequence[int]]:
    """Yield clauses: the point lies in a row.

    Each row has a literal that is true exactly where the point lies in it, so nothing counts twice.
    """
    rows = literals.fresh(len(table.boxes))
    yield rows
    for row, box in zip(rows, table.boxes, strict=True):
        for place, mask in box:
            yield from ((-row, each) for each in literals.inside(place, mask))
        yield (row, *(each for place, mask in box for each in literals.outside(place, mask)))
