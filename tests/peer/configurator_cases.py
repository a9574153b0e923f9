"""Peer configurator models and their proven answers, through our engines.

A model is a DIMACS file (options by name in its comments, and clauses). Its `*.expected.json` says
which options can be selected and deselected at the root and after every click, how many
configurations are left, minimal conflicts and minimum repairs, and cheapest completions.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from services.configurator.compiling import compiled
from services.configurator.domain.circuit import Circuit
from services.configurator.domain.constraints import Forbidden
from services.configurator.domain.features import bound
from services.configurator.domain.model import FlagAttribute
from services.configurator.domain.repairing import minimum_repairs
from services.configurator.domain.solver import Solver
from services.configurator.domain.space import FALSE, TRUE, Domains, Space
from services.configurator.domain.uvl import parse

Case = dict[str, Any]


@dataclass(frozen=True)
class Clauses:
    """The options of a model by name, and clauses over their numbers, from 1."""

    names: tuple[str, ...]
    clauses: tuple[tuple[int, ...], ...]


def read_dimacs(path: Path) -> Clauses:
    """Read a DIMACS file whose comments name its variables."""
    opened = gzip.open if path.suffix == ".gz" else open
    names: dict[int, str] = {}
    clauses: list[tuple[int, ...]] = []
    count = 0
    with opened(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("c "):
                _, number, name = line.rstrip("\n").split(" ", 2)
                names[int(number)] = name
            elif line.startswith("p "):
                count = int(line.split()[2])
            elif line.strip():
                clauses.append(tuple(int(each) for each in line.split()[:-1]))
    return Clauses(
        tuple(names.get(each, str(each)) for each in range(1, count + 1)), tuple(clauses)
    )


class Peer:
    """One peer model in our engines: the solver always, the circuit where it can be compiled."""

    def __init__(self, model: Clauses) -> None:
        self._numbers = {name: number for number, name in enumerate(model.names, 1)}
        self._space = Space(
            [
                FlagAttribute(id=f"o{each}", group="g", label="o", help="o", kind="flag")
                for each in range(len(model.names))
            ]
        )
        rule = Forbidden("MODEL", (_forbidden(each) for each in model.clauses))
        self.solver = Solver(self._space, [rule], [FALSE] * len(model.names))
        self.circuit: Circuit | None = compiled(len(model.names), model.clauses)

    def literals(self, choices: Sequence[Case]) -> list[int]:
        """Return choices of a case as literals."""
        return [
            self._numbers[each.get("option", each.get("choose"))] * (1 if each["value"] else -1)
            for each in choices
        ]

    def by_circuit(self, choices: Sequence[Case]) -> str | None:
        """Return the digest of what can be selected and deselected, by two passes."""
        assert self.circuit is not None
        found = self.circuit.possible(self.literals(choices))
        return None if found is None else digest((found[0::2] + 2 * found[1::2]).tolist())

    def by_solver(self, choices: Sequence[Case]) -> str | None:
        """Return the same digest by asking the solver for every option."""
        domains = dict(domain for each in self.wishes(choices) for domain in each.items())
        witness = self.solver.solve(domains)
        if witness is None:
            return None
        possible = self.solver.possible(domains, witness)
        return digest(possible)

    def wishes(self, choices: Sequence[Case]) -> list[Domains]:
        """Return choices as what the solver is asked for."""
        return [{abs(each) - 1: TRUE if each > 0 else FALSE} for each in self.literals(choices)]

    def prices(self) -> list[int]:
        """Return the prices that the cases agree on: for each literal, by place."""
        found = []
        for name in self._numbers:
            found += [0, 1 + int(sha256(name.encode()).hexdigest(), 16) % 997]
        return found


def digest(possible: Iterable[int]) -> str:
    """Return the cases' digest of what each option can be: FALSE, TRUE or both."""
    packed = bytes((mask >> 1) | (mask & 1) << 1 for mask in possible)
    return sha256(packed).hexdigest()[:24]


def checks(case: Case, peer: Peer, *, solver_steps: int) -> Iterator[tuple[str, bool]]:
    """Yield what a case expects, in words, and whether ours is the same."""
    yield "the root by solver", peer.by_solver([]) == case["root"]["digest"]
    if peer.circuit is not None:
        yield "the root by circuit", peer.by_circuit([]) == case["root"]["digest"]
        if "configurations" in case:
            yield "the count", peer.circuit.count([]) == int(case["configurations"])
    for number, clicks in enumerate(case.get("click_sequences", ())):
        yield from _clicks(f"sequence {number}", clicks, peer, solver_steps)
    for number, each in enumerate(case.get("conflicts", ())):
        yield from _conflict(f"conflict {number}", each, peer)
    if peer.circuit is not None:
        prices = peer.prices()
        for number, each in enumerate(case.get("cheapest_completion", ())):
            found = peer.circuit.least(prices, peer.literals(each["choices"]))
            right = found is not None and found.least == each["min_total"]
            yield f"cheapest completion {number}", right


def uvl_checks(path: Path, case: Case | None, order: Sequence[str]) -> Iterator[tuple[str, bool]]:
    """Yield what holds of a UVL file: it is read, and says the same as the case of its name.

    The digest is compared where the case's model has the same features, else the published numbers
    of features that every, and that no configuration has.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8") as file:
        found = bound(parse(file.read()))
    solver = Solver(found.space, found.rules, [FALSE] * len(found.names))
    witness = solver.solve({})
    yield f"{path.name} has a configuration", witness is not None
    if witness is None or case is None:
        return
    possible = dict(zip(found.names, solver.possible({}, witness), strict=True))
    if set(order) == set(possible):
        right = digest(possible[name] for name in order) == case["root"]["digest"]
        yield f"{path.name}, the root", right
    elif case["published"]["features"] == len(possible):
        counts = (
            sum(mask == TRUE for mask in possible.values()),
            sum(mask == FALSE for mask in possible.values()),
        )
        published = (case["published"]["core"], case["published"]["dead"])
        yield f"{path.name}, as published", counts == published


def _clicks(
    name: str, clicks: Sequence[Case], peer: Peer, solver_steps: int
) -> Iterator[tuple[str, bool]]:
    for step, click in enumerate(clicks):
        made = clicks[: step + 1]
        if peer.circuit is not None:
            yield f"{name}, click {step}, by circuit", peer.by_circuit(made) == click["digest"]
            if "configurations" in click:
                count = peer.circuit.count(peer.literals(made))
                yield f"{name}, click {step}, the count", count == int(click["configurations"])
        if peer.circuit is None or step < solver_steps:
            yield f"{name}, click {step}, by solver", peer.by_solver(made) == click["digest"]


def _conflict(name: str, case: Case, peer: Peer) -> Iterator[tuple[str, bool]]:
    """Check a conflict by its laws: several minimal ones can exist."""
    (hard,) = peer.wishes([case["blocked"]])
    wishes = peer.wishes(case["choices"])
    found = peer.solver.clash(hard, wishes)
    yield f"{name} is found", found is not None
    if found is None:
        return
    kept = [wishes[each] for each in found.wishes]
    yield f"{name} is a contradiction", _holds(peer, hard, kept) is False
    least = all(_holds(peer, hard, [o for o in kept if o is not each]) for each in kept)
    yield f"{name} is minimal", least
    repairs = minimum_repairs(peer.solver, hard, wishes)
    right = bool(repairs) and len(repairs[0]) == case["min_choices_to_give_up"]
    yield f"{name}, the minimum repair", right
    mends = all(
        _holds(peer, hard, [each for n, each in enumerate(wishes) if n not in drop])
        for drop in repairs
    )
    yield f"{name}, every repair mends", mends


def _holds(peer: Peer, hard: Domains, wishes: Sequence[Domains]) -> bool:
    domains = dict(hard)
    for each in wishes:
        for place, mask in each.items():
            domains[place] = domains.get(place, mask) & mask
    return all(domains.values()) and peer.solver.solve(domains) is not None


def _forbidden(clause: Sequence[int]) -> tuple[tuple[int, int], ...]:
    return tuple((abs(each) - 1, FALSE if each > 0 else TRUE) for each in clause)


def cases(folder: Path) -> Iterator[tuple[Case, Path]]:
    """Yield every case below a folder with the file of its model."""
    for path in sorted(folder.glob("**/*.expected.json")):
        case = json.loads(path.read_text(encoding="utf-8"))
        found = [
            each
            for ending in (".dimacs", ".dimacs.gz")
            for each in path.parent.glob(f"**/{case.get('model')}{ending}")
        ]
        if found:
            yield case, found[0]
