"""The proof of a whole model: on every day something is valid, and each option at some time."""

from collections.abc import Iterator, Mapping, Sequence

from services.configurator.domain.language.components import key_id
from services.configurator.domain.language.dating import Interval, binds, intervals, requirements
from services.configurator.domain.language.linting_components import suffix
from services.configurator.domain.language.model import ProductModel
from services.configurator.domain.solving.constraints import Condition, Permitted
from services.configurator.domain.solving.effort import Allowance, SearchBound
from services.configurator.domain.solving.solver import Solver
from services.configurator.domain.solving.space import Masks, Space, Variable

# Writing one model down and all questions about it as it is loaded, on all its days, take so many
# steps at most.
LOADING_MAX = 40_000


def loading() -> Allowance:
    """Return what writing a model down and all questions as it is loaded may take together."""
    return Allowance(LOADING_MAX)


def solvers(
    model: ProductModel,
    space: Space,
    constraints: Sequence[Condition],
    first: Masks,
    allowance: Allowance,
) -> dict[Interval, Solver]:
    """Return the solver of each interval, the earliest first; where the same binds, one for all.

    Raises: WorkBound.
    """
    known: dict[frozenset[str], Solver] = {}
    found = {}
    for days in intervals(model):
        idle = frozenset(each.id for each in requirements(model) if not binds(each, days.first))
        if idle not in known:
            binding = [each for each in constraints if key_id(each.id) not in idle]
            known[idle] = Solver(space, binding, first, allowance)
        found[days] = known[idle]
    return found


def dated_faults(
    space: Space, editions: Mapping[Interval, Solver], allowance: Allowance
) -> list[str]:
    """Return what is wrong with a model over all its days, those named on which nothing is valid.

    An option that can be chosen on some days only is no fault: dates are there for that.
    """
    found = {}
    for solver in dict.fromkeys(editions.values()):
        with solver.effort.within(allowance):
            found[solver] = _faults(space, solver)
    dead = [each for _, each in found.values()]
    return [
        *(
            f"{days}: {fault}" if len(editions) > 1 else fault
            for days, solver in editions.items()
            for fault in found[solver][0]
        ),
        *(each for each in dead[0] if all(each in other for other in dead)),
    ]


def dead_ends(space: Space, solver: Solver) -> Iterator[tuple[int, int]]:
    """Yield the values that can never be chosen, by variable and bit; holes in a range are none.

    Of a component it is one that no instance can have. Something must be valid.
    Raises: SearchBound.
    """
    witness = solver.solve({})
    if witness is None:
        raise AssertionError("asked of a model that has valid configurations")
    possible = solver.possible({}, witness)
    ends: dict[str, tuple[int, int]] = {}
    alive: set[str] = set()
    for place, (variable, mask) in enumerate(zip(space.variables, possible, strict=True)):
        for bit, value in enumerate(variable.values):
            if value is not None and _is_dead_end(variable, bit):
                name = named(space, place, bit)
                ends.setdefault(name, (place, bit))
                if mask >> bit & 1:
                    alive.add(name)
    yield from (end for name, end in ends.items() if name not in alive)


def value_words(space: Space, place: int, bit: int) -> str:
    """Return a value as a fault names it, `pump.low`; instances of a component share one name."""
    variable = space.variables[place]
    _, name = _origin(space, variable)
    return f"{name}.{variable.option or variable.values[bit]}"


def named(space: Space, place: int, bit: int) -> str:
    """Return a value with the component that has it: `radio.band.n78`."""
    path, _ = _origin(space, space.variables[place])
    return f"{path}.{value_words(space, place, bit)}"


def _origin(space: Space, variable: Variable) -> tuple[str, str]:
    return space.copies.origins.get(variable.attribute, ("", variable.attribute))


def _faults(space: Space, solver: Solver) -> tuple[list[str], list[str]]:
    """Return what is wrong with the whole, and the options that nobody can choose."""
    try:
        if solver.solve({}) is None:
            return [_void(solver)], []
        return [], [_dead(space, solver, *each) for each in dead_ends(space, solver)]
    except SearchBound as bound:
        return [bound.message], []


def _dead(space: Space, solver: Solver, place: int, bit: int) -> str:
    tables = [
        each.id
        for each in solver.constraints
        if isinstance(each, Permitted) and not each.has_row_with(place, 1 << bit)
    ]
    remedy = (
        f"no row of {', '.join(tables)} has it: add one, or remove it"
        if tables
        else "remove it or loosen the rules against it"
    )
    path, _ = _origin(space, space.variables[place])
    inside = suffix(path) if path else ""
    return f"'{value_words(space, place, bit)}' can never be chosen; {remedy}{inside}"


def _void(solver: Solver) -> str:
    clash = solver.clash({}, [])
    if clash is None:
        raise AssertionError("where nothing is valid, some rules contradict each other")
    names = ", ".join(dict.fromkeys(key_id(solver.constraints[each].id) for each in clash.rules))
    return f"the rules exclude every configuration; loosen one of these: {names}"


def _is_dead_end(variable: Variable, bit: int) -> bool:
    """Say whether an impossible value is a fault: a hole in a range or a "must" is none."""
    if variable.option is not None:
        return bit == 1
    last = len(variable.values) - (2 if variable.nothing else 1)
    inside = 0 < bit < last
    return not (inside and isinstance(variable.values[0], int))
