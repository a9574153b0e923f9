"""Peer configurator models and their proven answers, through our engines.

A model is a DIMACS file, a file of tables or a UVL file. Its `*.expected.json` says which options
can be selected and deselected at the root and after every click, how many configurations are left,
minimal conflicts and minimum repairs, and cheapest completions. tests/peer/README.md has the forms.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from services.configurator.domain.solving.repairing import minimum_repairs
from services.configurator.domain.solving.space import FALSE, TRUE, Domains, Masks
from services.configurator.domain.uvl.features import bound
from services.configurator.domain.uvl.text import parse
from tests.peer.clauses import Clauses, read_dimacs
from tests.peer.engines import FeaturePeer, Peer, said_of
from tests.peer.reading import Case, CaseFault, text_of
from tests.peer.table_files import read_tables

__all__ = ["Clauses", "Peer", "checks", "peer_of", "read_dimacs", "uvl_checks"]

# What is expected, in words, and whether ours is the same.
Checked = Iterator[tuple[str, bool]]

READERS: dict[str, Callable[[Path], Peer]] = {
    ".dimacs": lambda path: Peer(read_dimacs(path)),
    ".tables.json": lambda path: Peer(read_tables(path)),
    ".uvl": lambda path: FeaturePeer(bound(parse(text_of(path)))),
}
# Of more options, the solver is asked about some only, if the circuit answers for all.
ALL_MAX, SAMPLE = 5_000, 60
# After how many clicks of a sequence the solver is asked as well.
SOLVER_STEPS = 2


def model_of(path: Path) -> str | None:
    """Return the name of the model in a file; None, if it is none."""
    plain = path.name.removesuffix(".gz")
    return next((plain.removesuffix(each) for each in READERS if plain.endswith(each)), None)


def peer_of(path: Path) -> Peer:
    """Read a model file and make it ready.   Raises: CaseFault, UvlFault."""
    plain = path.name.removesuffix(".gz")
    return next(read for ending, read in READERS.items() if plain.endswith(ending))(path)


def models(folder: Path) -> dict[str, list[Path]]:
    """Return the model files below a folder by the name of their model, the readiest form first."""
    found: dict[str, list[Path]] = {}
    for ending in READERS:
        for path in sorted(folder.glob(f"**/*{ending}*")):
            if path.is_file() and path.name.removesuffix(".gz").endswith(ending):
                found.setdefault(str(model_of(path)), []).append(path)
    return found


def checks(case: Case, peer: Peer) -> Checked:
    """Yield what a case expects, in words, and whether ours is the same."""
    expected = dict(_part(case, "root", dict))
    if "configurations" in case:
        expected.setdefault("configurations", case["configurations"])
    if not case.get("satisfiable", True):
        yield "no configuration", peer.possible([]) is None
        return
    yield from vector("the root", expected, peer, [], both=True)
    possible = peer.possible([])
    for name, mask in (("core", TRUE), ("dead", FALSE)):
        if name in case and possible is not None:
            ours = {each for each, can in zip(peer.names, possible, strict=True) if can == mask}
            yield f"the {name} options", ours == set(_part(case, name, list))
    for number, clicks in enumerate(_part(case, "click_sequences", list, [])):
        for step, click in enumerate(clicks):
            made = clicks[: step + 1]
            name = f"sequence {number}, click {step}"
            yield from vector(name, click, peer, made, both=step < SOLVER_STEPS)
    for number, each in enumerate(_part(case, "conflicts", list, [])):
        yield from _conflict(f"conflict {number}", each, peer)
    for number, each in enumerate(_part(case, "cheapest_completion", list, [])):
        found = peer.cheapest(_part(each, "choices", list))
        yield f"cheapest completion {number}", found == each.get("min_total")


def vector(
    name: str, expected: Case, peer: Peer, choices: Sequence[Case], *, both: bool
) -> Checked:
    """Yield whether what each option can be is as expected; `both`: by both engines."""
    if peer.circuit is not None:
        yield from _same(f"{name}, by circuit", expected, peer.by_circuit(choices))
        if "configurations" in expected:
            literals = peer.literals(choices)
            yield (
                f"{name}, the count",
                peer.circuit.count(literals) == int(expected["configurations"]),
            )
    if peer.circuit is None or (both and len(peer.names) <= ALL_MAX):
        yield from _same(f"{name}, by solver", expected, peer.by_solver(choices))
    elif both:
        yield from _sampled(f"{name}, {SAMPLE} options by solver", peer, choices)


def _same(name: str, expected: Case, possible: Masks | None) -> Checked:
    if possible is None:
        yield f"{name}: a configuration", False
        return
    ours = said_of(possible)
    known = [each for each in ours if each in expected]
    if not known:
        raise CaseFault(f"{name}: one of {', '.join(ours)} was expected")
    wrong = [f"{each} is {ours[each]}" for each in known if ours[each] != expected[each]]
    yield f"{name}{': ' if wrong else ''}{', '.join(wrong)}", not wrong


def _sampled(name: str, peer: Peer, choices: Sequence[Case]) -> Checked:
    """Yield whether the solver says the same of some options, always the same ones."""
    possible = peer.by_circuit(choices)
    if possible is None:
        yield f"{name}: a configuration", False
        return
    places = random.Random(len(choices)).sample(range(len(possible)), SAMPLE)
    yield (
        name,
        all(
            peer.can(choices, place, bit) == bool(possible[place] & bit)
            for place in places
            for bit in (FALSE, TRUE)
        ),
    )


def uvl_checks(path: Path, case: Case | None, order: Sequence[str]) -> Checked:
    """Yield what holds of a UVL file: it is read, and says the same as the case of its name.

    The digest is compared where the case's model has the same features, else the published numbers
    of features that every, and that no configuration has.
    """
    peer = peer_of(path)
    possible = peer.possible([])
    yield "it has a configuration", possible is not None
    if possible is None or case is None:
        return
    by_name = dict(zip(peer.names, possible, strict=True))
    published = case.get("published", {})
    if set(order) == set(by_name):
        yield from _same("the root", case["root"], [by_name[name] for name in order])
    elif published.get("features") == len(by_name):
        counts = (possible.count(TRUE), possible.count(FALSE))
        yield "as published", counts == (published.get("core"), published.get("dead"))


def _conflict(name: str, case: Case, peer: Peer) -> Checked:
    """Check a conflict by its laws: several minimal ones can exist."""
    blocked = _part(case, "blocked", dict)
    choices = _part(case, "choices", list)
    (hard,) = peer.wishes([blocked])
    wishes = peer.wishes(choices)
    found = peer.solver.clash(hard, wishes)
    yield f"{name} is found", found is not None
    if found is None:
        return
    kept = [wishes[each] for each in found.wishes]
    yield f"{name} is a contradiction", holds(peer, hard, kept) is False
    least = all(holds(peer, hard, [o for o in kept if o is not each]) for each in kept)
    yield f"{name} is minimal", least
    repairs = minimum_repairs(peer.solver, hard, wishes)
    expected = case.get("min_choices_to_give_up")
    if expected is not None:
        right = bool(repairs) and len(repairs[0]) == expected
        yield f"{name}, the minimum repair", right
    if expected is not None and peer.circuit is not None:
        by_circuit = peer.given_up([blocked], choices) == expected
        yield f"{name}, the minimum repair by circuit", by_circuit
    mends = all(
        holds(peer, hard, [each for n, each in enumerate(wishes) if n not in drop])
        for drop in repairs
    )
    yield f"{name}, every repair mends", mends


def holds(peer: Peer, hard: Domains, wishes: Sequence[Domains]) -> bool:
    """Say whether the wishes can hold together."""
    domains = dict(hard)
    for each in wishes:
        for place, mask in each.items():
            domains[place] = domains.get(place, mask) & mask
    return all(domains.values()) and peer.solver.solve(domains) is not None


def _part(case: Any, name: str, kind: type, default: Any = None) -> Any:
    """Return an entry of a case.   Raises: CaseFault."""
    found = case.get(name, default) if isinstance(case, dict) else None
    if not isinstance(found, kind):
        raise CaseFault(f"'{name}' was expected, as {_KINDS[kind]}")
    return found


_KINDS: dict[type, str] = {dict: "an object", list: "a list"}
