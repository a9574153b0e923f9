"""A model's conditions written down for a SAT solver: clauses, each under the literal of its rule.

It takes longer to write them than to give them to a solver, so they can be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.configurator.domain.solving.constraints import (
    Condition,
    Constraint,
    Forbidden,
    Permitted,
)
from services.configurator.domain.solving.effort import LITERALS, Allowance
from services.configurator.domain.solving.literals import Literals
from services.configurator.domain.solving.space import Space
from services.configurator.domain.solving.writing import Writer

# Most clauses are not looked at: so many literals in them take as long as one that is read.
CLAUSES = 25


@dataclass(frozen=True, eq=False, slots=True)
class Encoding:
    """Clauses over literals; where the literal of a rule is true, its condition holds.

    `rules` are those literals in the order of the conditions, `every` is the one that demands them
    all. `demanded` are the conditions left to be learned, by the literal that demands each.
    `weight` grows with literals and clauses, as the work of one question does.
    """

    literals: Literals
    rules: Sequence[int]
    every: int
    clauses: Sequence[Sequence[int]]
    demanded: dict[int, Constraint]
    weight: int


def encoded(space: Space, constraints: Sequence[Condition], allowance: Allowance) -> Encoding:
    """Write the conditions down.   Raises: WorkBound."""
    literals = Literals(space)
    rules = literals.fresh(len(constraints))
    (every,) = literals.fresh(1)
    clauses = list(literals.clauses)
    clauses.extend([-every, rule] for rule in rules)
    writer = Writer(literals, space.full(), allowance)
    for rule, constraint in zip(rules, constraints, strict=True):
        if isinstance(constraint, Permitted):
            rows = list(literals.rows(rule, constraint))
            allowance.take(sum(map(len, rows)) // LITERALS, constraint.id)
            clauses.extend(rows)
        elif isinstance(constraint, Forbidden):
            clauses.extend(literals.clause(rule, box) for box in constraint.boxes)
        else:
            writer.write(rule, constraint)
    clauses.extend(writer.clauses)
    weight = literals.top + sum(map(len, clauses)) // CLAUSES
    return Encoding(literals, rules, every, clauses, writer.demanded, weight)
