"""How much work the questions about one model take, in steps that are the same on every machine.

Every question has a bound of its own; a model is asked thousands as it is loaded or looked at. So
all of them together have one too, with writing its rules down for the solver: a model that passes
it is refused, with the rules that took the most.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from contracts.errors import Refused
from services.configurator.domain.language.components import key_id
from services.configurator.domain.solving.constraints import Constraint

# One step is one contradiction of the search, so many literals of a configuration read or written,
# or so many parts of an expression computed: about a tenth of a millisecond each.
LITERALS = 2_000
PARTS = 100
NAMED_MAX = 3
# To name rules that are hard together, so many questions without some of them are asked.
TRIES_MAX = 100
# One of them is hard if it has no answer after so many contradictions.
TRY = 200


class SearchBound(Refused):
    """The search passed its bound of steps; nothing is claimed about the question.

    Asked again, it may find an answer: what was learned stays.
    """

    code = "configuration.undecided"
    title = "Too hard to decide"


class WorkBound(SearchBound):
    """All questions together passed their bound: whatever is asked next is refused as well."""


class Allowance:
    """So many steps for all that is asked about a model, of however many solvers."""

    def __init__(self, most: int | None = None) -> None:
        """Allow so many, by default without end."""
        self.spent = 0
        self._most = most
        self._parts = 0
        self._by_rule: Counter[str] = Counter()

    def take(self, steps: int, rule: str | None = None) -> None:
        """Count steps, where it is known for a rule by its id."""
        self.spent += steps
        if rule is not None:
            self._by_rule[key_id(rule)] += steps

    def compute(self, parts: int, rule: str | None = None) -> None:
        """Count parts of expressions that are computed."""
        steps, self._parts = divmod(self._parts + parts, PARTS)
        self.take(steps, rule)

    def write(self, parts: int, rule: str) -> None:
        """Count parts looked at before a rule is written down.   Raises: WorkBound."""
        self.compute(parts, rule)
        self.check(lambda: ())

    def check(self, hardest: Callable[[], Sequence[str]]) -> None:
        """Refuse, once all steps are taken; `hardest` names rules that are hard together.

        Raises: WorkBound.
        """
        if self._most is None or self.spent <= self._most:
            return
        if self._by_rule.total() * 2 >= self.spent:
            named = _listed([rule for rule, _ in self._by_rule.most_common(NAMED_MAX)])
            raise WorkBound(
                f"it takes more than {self._most} steps to prove, most of them for {named}; narrow"
                " the ranges of what is multiplied there, or say in a table which values go"
                " together"
            )
        rules = list(dict.fromkeys(map(key_id, hardest())))
        named = f", these the most: {_listed(rules)}" if rules else ""
        raise WorkBound(
            f"its rules together take more than {self._most} steps to prove{named}; split the"
            " model, say in tables which answers go together, or ask with fewer options"
        )


class Effort:
    """What one solver does, counted where it is asked within an allowance."""

    def __init__(self) -> None:
        self._allowance: Allowance | None = None
        self._contradictions = 0
        self._looked: Counter[Constraint] = Counter()

    @contextmanager
    def within(self, allowance: Allowance) -> Iterator[None]:
        """Count what is asked inside."""
        before, self._allowance = self._allowance, allowance
        try:
            yield
        finally:
            self._allowance = before

    def searched(self, contradictions: int, literals: int) -> None:
        """Count one answer of a search that met so many contradictions since it began."""
        more = contradictions - self._contradictions
        self._contradictions = contradictions
        if self._allowance is not None:
            # A search that forgot what it had learned begins at none.
            self._allowance.take(1 + (more if more >= 0 else contradictions) + literals // LITERALS)

    def computed(self, parts: int) -> None:
        """Count parts of expressions that were looked at in a configuration."""
        if self._allowance is not None:
            self._allowance.compute(parts)

    def learned(self, rules: Iterable[Constraint]) -> None:
        """Count what it took to learn from rules that a configuration does not meet."""
        for rule in rules:
            looks = rule.looked - self._looked[rule]
            self._looked[rule] = rule.looked
            if self._allowance is not None:
                self._allowance.take(1 + looks * rule.size // PARTS, rule.id)

    def check(self, hardest: Callable[[], Sequence[str]]) -> None:
        """Refuse, once all steps that are allowed are taken.   Raises: WorkBound."""
        if self._allowance is not None:
            self._allowance.check(hardest)


def hardest(parts: Sequence[int], is_hard: Callable[[Sequence[int]], bool]) -> Sequence[int]:
    """Return few of the parts that are hard together: the others are let go while it stays so."""
    kept, tries, size = list(parts), TRIES_MAX, max(1, len(parts) // 2)
    while tries:
        at = 0
        while tries and at < len(kept) and len(kept) > size:
            fewer = kept[:at] + kept[at + size :]
            tries -= 1
            if is_hard(fewer):
                kept = fewer
            else:
                at += size
        if size == 1:
            break
        size //= 2
    return kept


def _listed(names: Sequence[str]) -> str:
    more = len(names) - NAMED_MAX
    shown = ", ".join(names[:NAMED_MAX])
    return f"{shown} and {more} more" if more > 0 else shown
