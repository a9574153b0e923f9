"""A peer model in our engines: the solver always, the circuit where it can be compiled."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256

from pysat.examples.rc2 import RC2
from pysat.formula import WCNF

from services.configurator.compiling import compiled
from services.configurator.domain.language.model import FlagAttribute
from services.configurator.domain.solving.circuit import Circuit
from services.configurator.domain.solving.constraints import Forbidden
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import FALSE, TRUE, Domains, Masks, Space
from services.configurator.domain.uvl.features import Features
from tests.peer.clauses import Clauses
from tests.peer.reading import Case, CaseFault

# A model is compiled once; on a busy machine the largest take minutes.
SECONDS = 600
# One description of an option serves all of a peer's: what the solver needs is how many there are.
_FLAG = FlagAttribute(id="o", group="g", label="o", help="o", kind="flag")


class Peer:
    """A model of options by name. Variables beyond the options follow from them."""

    def __init__(self, model: Clauses) -> None:
        self.names = model.names
        self.clauses = model.clauses
        self._numbers = {name: number for number, name in enumerate(model.names, 1)}
        space = Space([_FLAG.model_copy(update={"id": f"o{n}"}) for n in range(model.variables)])
        rule = Forbidden("MODEL", (_forbidden(each) for each in model.clauses))
        self.solver = Solver(space, [rule], [FALSE] * model.variables)
        holds = [each for each in model.clauses if each]
        never = [(1,), (-1,)] if len(holds) < len(model.clauses) else []
        self.circuit: Circuit | None = compiled(model.variables, [*holds, *never], SECONDS)

    @property
    def engines(self) -> str:
        """Say in words which engines answer."""
        if self.circuit is not None:
            return "solver and circuit"
        return "solver alone, slower: no circuit, so counts are not checked"

    def literals(self, choices: Sequence[Case]) -> list[int]:
        """Return choices of a case as literals.   Raises: CaseFault."""
        return [self.literal(each) for each in choices]

    def literal(self, choice: Case) -> int:
        """Return a choice as a literal: `option` or `choose`, or a `variable`, and its `value`."""
        name, sign = name_of(choice), choice.get("value", True)
        if name not in self._numbers:
            raise CaseFault(f"a choice names '{name}', which is no option of the model")
        return self._numbers[name] if sign is not False else -self._numbers[name]

    def knows(self, choice: Case) -> bool:
        """Say whether the model has the option of a choice."""
        return name_of(choice) in self._numbers

    def by_circuit(self, choices: Sequence[Case]) -> Masks | None:
        """Return what can be selected and deselected, by two passes; None: nothing together."""
        assert self.circuit is not None
        literals = self.literals(choices)
        found = None if _contradict(literals) else self.circuit.possible(literals)
        if found is None:
            return None
        both = found[0::2] * FALSE + found[1::2] * TRUE
        masks: Masks = both[: len(self.names)].tolist()
        return masks

    def by_solver(self, choices: Sequence[Case]) -> Masks | None:
        """Return the same by asking the solver for every option."""
        if _contradict(self.literals(choices)):
            return None
        domains = self.together(choices)
        witness = self.solver.solve(domains)
        if witness is None:
            return None
        places = range(len(self.names))
        return self.solver.possible(domains, witness, places)[: len(places)]

    def possible(self, choices: Sequence[Case]) -> Masks | None:
        """Return the same by the faster engine that there is."""
        return self.by_solver(choices) if self.circuit is None else self.by_circuit(choices)

    def can(self, choices: Sequence[Case], place: int, bit: int) -> bool:
        """Say whether an option can be this way, by one question to the solver."""
        domains = self.together(choices)
        return bool(domains.get(place, bit) & bit) and (
            self.solver.solve({**domains, place: bit}) is not None
        )

    def together(self, choices: Sequence[Case]) -> dict[int, int]:
        """Return choices that do not contradict each other as one ask."""
        return {place: mask for each in self.wishes(choices) for place, mask in each.items()}

    def wishes(self, choices: Sequence[Case]) -> list[Domains]:
        """Return choices as what the solver is asked for."""
        return [{abs(each) - 1: TRUE if each > 0 else FALSE} for each in self.literals(choices)]

    def cheapest(self, choices: Sequence[Case]) -> int | None:
        """Return the least total of the cases' prices; None, if there is no configuration."""
        literals = self.literals(choices)
        if self.circuit is None:
            return _by_search(self.clauses, literals, [price(name) for name in self.names])
        found = self.circuit.least(self.prices(), literals)
        return None if found is None else found.least

    def prices(self) -> list[int]:
        """Return the prices that the cases agree on: for each literal, by place."""
        found = [0, 0] * (self.circuit.variables if self.circuit else len(self.names))
        found[1 : 2 * len(self.names) : 2] = [price(name) for name in self.names]
        return found

    def given_up(self, hard: Sequence[Case], choices: Sequence[Case]) -> int | None:
        """Return by the circuit how many choices must be given up at least; None: that is not all.

        A choice given up costs 1, so the cheapest configuration gives up the fewest.
        """
        assert self.circuit is not None
        costs = [0] * (2 * self.circuit.variables)
        for each in self.literals(choices):
            costs[self.circuit.place(-each)] += 1
        found = self.circuit.least(costs, self.literals(hard))
        return None if found is None else found.least


class FeaturePeer(Peer):
    """A model of features, as UVL has them: the circuit only if it is logic and nothing else."""

    def __init__(self, found: Features) -> None:
        self.names = found.names
        self._numbers = {name: number for number, name in enumerate(found.names, 1)}
        self.solver = Solver(found.space, found.rules, found.first)
        self.circuit = None
        self.clauses = ()
        logic = [each for each in found.rules if isinstance(each, Forbidden)]
        if len(logic) == len(found.rules) and not found.values:
            boxes = [box for each in logic for box in each.boxes]
            self.clauses = tuple(tuple(map(_outside, box)) for box in boxes)
            if all(self.clauses):
                variables = len(found.space.variables)
                self.circuit = compiled(variables, self.clauses, SECONDS)

    def cheapest(self, choices: Sequence[Case]) -> int | None:
        if not self.clauses:
            raise CaseFault("the cheapest completion of a model with arithmetic is not searched")
        return super().cheapest(choices)


def name_of(choice: Case) -> str:
    """Return the option that a choice names.   Raises: CaseFault."""
    for each in ("option", "choose", "feature", "name"):
        if isinstance(choice.get(each), str):
            return str(choice[each])
    if "variable" in choice and "value" in choice:
        return f"{choice['variable']}={choice['value']}"
    raise CaseFault(f"a choice was expected as 'option' and 'value', not {choice!r:.80}")


def price(name: str) -> int:
    """Return the price that the cases agree on."""
    return 1 + int(sha256(name.encode()).hexdigest(), 16) % 997


def digest(possible: Iterable[int]) -> str:
    """Return the cases' digest of what each option can be: FALSE, TRUE or both."""
    packed = bytes((mask >> 1) | (mask & 1) << 1 for mask in possible)
    return sha256(packed).hexdigest()[:24]


def said_of(possible: Masks) -> Mapping[str, object]:
    """Return what a case says of one domain vector."""
    return {
        "selectable": sum(mask & TRUE > 0 for mask in possible),
        "forced_in": possible.count(TRUE),
        "forced_out": possible.count(FALSE),
        "open": possible.count(TRUE | FALSE),
        "digest": digest(possible),
    }


def _contradict(literals: Sequence[int]) -> bool:
    return any(-each in literals for each in literals)


def _by_search(
    clauses: Iterable[Sequence[int]], literals: Sequence[int], prices: Sequence[int]
) -> int | None:
    """Return the least total by searching for it: seconds, where the circuit takes milliseconds."""
    asked = WCNF()
    for each in clauses:
        asked.append(list(each) or [1, -1])
    if not all(clauses):
        return None
    for each in literals:
        asked.append([each])
    for number, cost in enumerate(prices, 1):
        asked.append([-number], weight=cost)
    with RC2(asked) as search:
        return None if search.compute() is None else int(search.cost)


def _forbidden(clause: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((abs(each) - 1, FALSE if each > 0 else TRUE) for each in clause)


def _outside(part: tuple[int, int]) -> int:
    place, mask = part
    return place + 1 if mask == FALSE else -place - 1
