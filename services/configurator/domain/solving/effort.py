"""How much work the questions of one solver took, in steps that are the same on every machine.

Every question has a bound of its own; a model is asked thousands as it is loaded. So all of them
together have one too: a model that passes it is refused, with the rules that took the most.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from services.configurator.domain.solving import bounds as b
from services.configurator.domain.solving.constraints import Constraint

# One step is one contradiction of the search, so many literals of a configuration read, or so many
# parts of an expression computed: about a tenth of a millisecond each.
LITERALS = 2_000
PARTS = 100
NAMED_MAX = 3


class Effort:
    """The steps taken so far, those for learning a rule under its id."""

    def __init__(self) -> None:
        self.spent = 0
        self._most: int | None = None
        self._by_rule: Counter[str] = Counter()
        self._contradictions = 0
        self._looked: Counter[Constraint] = Counter()
        self._sizes: dict[Constraint, int] = {}

    @contextmanager
    def within(self, most: int) -> Iterator[None]:
        """Allow so many more steps to what is asked inside."""
        self._most = self.spent + most
        try:
            yield
        finally:
            self._most = None

    def searched(self, contradictions: int, literals: int) -> None:
        """Count one answer of a search that met so many contradictions since it began."""
        more = contradictions - self._contradictions
        self._contradictions = contradictions
        # A search that forgot what it had learned begins at none.
        self.spent += 1 + (more if more >= 0 else contradictions) + literals // LITERALS

    def learned(self, rules: Iterable[Constraint]) -> None:
        """Count what it took to learn from rules that a configuration does not meet."""
        for rule in rules:
            if rule not in self._sizes:
                self._sizes[rule] = _size(rule.bounds)
            looks = rule.looked - self._looked[rule]
            self._looked[rule] = rule.looked
            took = 1 + looks * self._sizes[rule] // PARTS
            self.spent += took
            self._by_rule[rule.id] += took

    def refusal(self) -> str | None:
        """Say what took too many steps and what to do; None, while some are left."""
        if self._most is None or self.spent <= self._most:
            return None
        taken = self._by_rule.total()
        if taken * 2 < self.spent:
            return (
                f"its rules together take more than {self._most} steps to prove; split the model,"
                " say in tables which answers go together, or ask with fewer options"
            )
        named = ", ".join(rule for rule, _ in self._by_rule.most_common(NAMED_MAX))
        return (
            f"it takes more than {self._most} steps to prove, most of them for {named}; narrow the"
            " ranges of what is multiplied there, or say in a table which values go together"
        )


def _size(bounds: b.Bounds) -> int:
    """Return how many parts are computed each time; what is used twice is computed twice."""
    found, pending = 0, [bounds]
    while pending:
        found += 1
        pending.extend(pending.pop().parts)
    return found
