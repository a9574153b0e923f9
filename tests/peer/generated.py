"""Models as large as the largest that peers publish, drawn from a seed: what a run has to bear."""

import random
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from tests.peer.clauses import Clauses

# Of rows a table may find less than its share, so that they are some 112,000.
VARIABLES, VALUES, TABLES, ROWS = 99, 396, 111, 115_000
OPTIONS, RULES = 14_000, 1_000


def tables(chance: random.Random) -> dict[str, Any]:
    """Return a car of 99 variables, 396 values and 111 tables of 112,000 rows together, as JSON.

    Each table is over variables that stand near each other, and allows a few boxes of values, as
    tables that people keep do. One configuration is allowed by all.
    """
    sizes = [2] * VARIABLES
    while sum(sizes) < VALUES:
        sizes[chance.randrange(VARIABLES) if chance.random() < 0.6 else chance.randrange(9)] += 1
    names = [f"v{number}" for number in range(VARIABLES)]
    chosen = [chance.randrange(size) for size in sizes]
    found, left = [], ROWS
    for number in range(TABLES):
        share = left // (TABLES - number)
        most = left if number == TABLES - 1 else chance.randint(share // 4, 2 * share)
        scope = _near(chance, number)
        rows = _rows(
            chance, [sizes[each] for each in scope], [chosen[each] for each in scope], most
        )
        left -= len(rows)
        found.append({"variables": [names[each] for each in scope], "tuples": rows})
    return {
        "model": "generated",
        "variables": {name: list(range(size)) for name, size in zip(names, sizes, strict=True)},
        "tables": found,
    }


def _near(chance: random.Random, number: int) -> list[int]:
    middle = number * VARIABLES // TABLES
    window = range(max(0, middle - 7), min(VARIABLES, middle + 8))
    return sorted(chance.sample(window, chance.randint(5, 8)))


def _rows(chance: random.Random, sizes: list[int], chosen: list[int], most: int) -> list[list[int]]:
    """Return rows that are a few boxes of values together, at most so many, the chosen one too."""
    rows = {tuple(chosen)}
    for _ in range(2_000):
        if len(rows) >= most:
            break
        box = [
            [each] if chance.random() < 0.1 else _some(chance, size, each)
            for size, each in zip(sizes, chosen, strict=True)
        ]
        for row in product(*box):
            if len(rows) >= most:
                break
            rows.add(row)
    return sorted(map(list, rows))


def _some(chance: random.Random, size: int, chosen: int) -> list[int]:
    found = set(chance.sample(range(size), chance.randint((size + 1) // 2, size)))
    return sorted(found | {chosen} if chance.random() < 0.5 else found)


def clauses(chance: random.Random) -> Clauses:
    """Return a car of 14,000 options and 240,000 clauses, as features trees with rules are.

    Most clauses say that one of a large group excludes the others. One configuration is allowed by
    all: where a rule would not allow it, the rule is turned round.
    """
    found: list[tuple[int, ...]] = [(1,)]
    below: dict[int, list[int]] = {}
    large = chance.sample(range(2, OPTIONS // 4), 12)
    for each in range(2, OPTIONS + 1):
        some = chance.random() < 0.155
        parent = (
            chance.choice(large) if some else chance.randint(max(1, each // 40), max(1, each // 4))
        )
        parent = parent if parent < each else 1
        below.setdefault(parent, []).append(each)
        found.append((-each, parent))
    for parent, children in below.items():
        found.extend(_group(chance, parent, children))
    held = _planted(found, below)
    for _ in range(RULES):
        one, other, third = chance.sample(range(2, OPTIONS), 3)
        near = [
            one,
            max(2, min(OPTIONS, one + chance.randint(-6, 6))),
            third if third % 7 == 0 else other,
        ]
        signs = [each if each in held else -each for each in near[: 2 + (third % 5 == 0)]]
        keep = chance.randrange(len(signs))
        found.append(
            tuple(
                each if n == keep else chance.choice((each, -each)) for n, each in enumerate(signs)
            )
        )
    return Clauses(tuple(f"option {each}" for each in range(1, OPTIONS + 1)), tuple(found))


def _group(chance: random.Random, parent: int, children: list[int]) -> Iterator[tuple[int, ...]]:
    kind = "alternative" if len(children) > 40 else chance.choice(("alternative", "or", "optional"))
    if kind != "optional":
        yield (-parent, *children)
    if kind == "alternative":
        yield from ((-one, -other) for one, other in combinations(children, 2))


def _planted(found: list[tuple[int, ...]], below: dict[int, list[int]]) -> set[int]:
    """Return one configuration of the tree: the first member of every group that needs one."""
    needing = {
        -each[0] for each in found if len(each) > 2 or (len(each) == 2 and each[1] > -each[0] > 0)
    }
    held, pending = {1}, [1]
    while pending:
        each = pending.pop()
        if each in needing and each in below:
            held.add(below[each][0])
            pending.append(below[each][0])
    return held
