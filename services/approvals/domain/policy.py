"""The authority policy: which plan of approval a priced offer needs, by exact decision tables.

In the words of DMN: every table is UNIQUE (exactly one rule holds, `lint` proves it), the tables of
an authority are collected and the strictest plan wins. So an average never hides a bad line.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from contracts.values import Day, ExactDecimal, Percent, Value

Measure = Literal[
    "sales_discount_percent", "margin_percent", "worst_line_margin_percent", "guardrail_breaches"
]
Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
EVERY_UNIT = "*"
# Which way a measure gets worse for us: a higher discount, a lower margin.
WORSE: Mapping[Measure, Literal[1, -1]] = {
    "sales_discount_percent": 1,
    "margin_percent": -1,
    "worst_line_margin_percent": -1,
    "guardrail_breaches": 1,
}


class Bounds(Value):
    """An interval of one measure; the word says whether the end itself belongs to it.

    `above` and `below` exclude their value, `at_least` and `at_most` include it.
    """

    above: ExactDecimal | None = None
    at_least: ExactDecimal | None = None
    below: ExactDecimal | None = None
    at_most: ExactDecimal | None = None

    @model_validator(mode="after")
    def _one_end_each(self) -> Self:
        if self.above is not None and self.at_least is not None:
            raise ValueError("give `above` or `at_least`, not both")
        if self.below is not None and self.at_most is not None:
            raise ValueError("give `below` or `at_most`, not both")
        return self

    def holds(self, value: Decimal) -> bool:
        """Say whether the value lies inside, exactly."""
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.below is None or value < self.below)
            and (self.at_most is None or value <= self.at_most)
        )

    def thresholds(self) -> tuple[Decimal, ...]:
        """Return the ends that are given."""
        ends = (self.above, self.at_least, self.below, self.at_most)
        return tuple(each for each in ends if each is not None)

    def passed(self, worse: int) -> tuple[str, Decimal] | None:
        """Return the end that a worsening value crosses to come in, or None if it is open."""
        ends = {"above": self.above, "at least": self.at_least}
        if worse < 0:
            ends = {"below": self.below, "at most": self.at_most}
        return next(((word, end) for word, end in ends.items() if end is not None), None)


class Rule(Value):
    """A row of a table: where its bounds hold, `needs` is the plan; `says` is the reason."""

    id: Id
    when: Mapping[Measure, Bounds]
    needs: Id
    says: str = Field(min_length=3, max_length=300)

    def holds(self, values: Mapping[Measure, Decimal]) -> bool:
        """Say whether every bound holds; a measure that is not named may have any value."""
        return all(bounds.holds(values[measure]) for measure, bounds in self.when.items())


class Table(Value):
    """A decision table with exactly one rule for any values of its measures."""

    id: Id
    measures: tuple[Measure, ...] = Field(min_length=1)
    rules: tuple[Rule, ...] = Field(min_length=1, max_length=200)

    @model_validator(mode="after")
    def _only_its_measures(self) -> Self:
        for rule in self.rules:
            strangers = sorted(set(rule.when) - set(self.measures))
            if strangers:
                raise ValueError(
                    f"rule {rule.id} looks at {', '.join(strangers)}, the table does not"
                )
        return self


class Authority(Value):
    """The tables that hold for some selling units; `*` stands for all that nobody else names."""

    selling_units: tuple[str, ...] = Field(min_length=1)
    tables: tuple[Table, ...] = Field(min_length=1)


class Level(Value):
    """A level of authority, such as a regional sales director."""

    id: Id
    title: str


class Plan(Value):
    """Which levels must grant, in turn; no step means that nobody has to."""

    id: Id
    steps: tuple[Id, ...]


class Policy(Value):
    """One published version of the authority policy; levels and plans grow stricter downwards."""

    id: Id
    version: int = Field(ge=1)
    effective: Day
    decision_hours: int = Field(ge=1, le=24 * 90)
    levels: tuple[Level, ...] = Field(min_length=1)
    plans: tuple[Plan, ...] = Field(min_length=1)
    authorities: tuple[Authority, ...] = Field(min_length=1)

    def authority(self, selling_unit: str) -> Authority:
        """Return the authority that names the selling unit, else the one for every unit."""
        named = [each for each in self.authorities if selling_unit in each.selling_units]
        return (named or [each for each in self.authorities if EVERY_UNIT in each.selling_units])[0]

    def levels_from(self, level: str) -> tuple[str, ...]:
        """Return the level and all above it."""
        ids = [each.id for each in self.levels]
        return tuple(ids[ids.index(level) :])


class Measures(Value):
    """What a policy looks at: the whole offer, its worst line, the price floors it breaks."""

    sales_discount_percent: Percent
    margin_percent: Percent
    worst_line_margin_percent: Percent
    guardrail_breaches: int = Field(ge=0)

    def values(self) -> dict[Measure, Decimal]:
        """Return the measures as plain decimals."""
        return {
            "sales_discount_percent": self.sales_discount_percent.root,
            "margin_percent": self.margin_percent.root,
            "worst_line_margin_percent": self.worst_line_margin_percent.root,
            "guardrail_breaches": Decimal(self.guardrail_breaches),
        }


class Hit(Value):
    """The one rule of a table that holds, with the plan it needs."""

    table: str
    rule: Rule
    plan: Plan


class Assessment(Value):
    """What the tables say about an offer: one rule per table, and the strictest plan among them."""

    hits: tuple[Hit, ...]
    plan: Plan

    @property
    def within_authority(self) -> bool:
        """Whether nobody has to approve."""
        return not self.plan.steps


def assess(policy: Policy, selling_unit: str, measures: Measures) -> Assessment:
    """Look the offer up in every table of its selling unit; the policy must have passed `lint`."""
    values = measures.values()
    rank = {plan.id: index for index, plan in enumerate(policy.plans)}
    hits = []
    for table in policy.authority(selling_unit).tables:
        # Exactly one: lint has proved it for every possible value.
        (rule,) = [each for each in table.rules if each.holds(values)]
        hits.append(Hit(table=table.id, rule=rule, plan=policy.plans[rank[rule.needs]]))
    strictest = max(hits, key=lambda hit: rank[hit.plan.id])
    return Assessment(hits=tuple(hits), plan=strictest.plan)
