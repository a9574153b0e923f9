"""What a book has to say of a part to one kind of customer, on one day: looked up once and kept.

Rules for other tiers, regions or days are passed over here, and told with the reason; what hangs
on the line itself, or on the rest of the basket, is left to the line.
"""

from typing import NamedTuple

from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.asks.trace import Skipped
from services.pricer.domain.books.book import Guardrail
from services.pricer.domain.books.compiled import Offer
from services.pricer.domain.books.rules import (
    Condition,
    PercentOff,
    Rule,
    StackingGroup,
)
from services.pricer.domain.waterfall.conditions import elsewhere
from services.pricer.domain.waterfall.effects import candidates, words


class Open(NamedTuple):
    """A rule that may apply. `is_asked`: its condition looks at the line.

    `said` is its effect in words, where they are the same for every line.
    """

    rule: Rule
    is_asked: bool
    said: str | None


class PlannedGroup(NamedTuple):
    """A stacking group with its rules in order, or what is to say of those that can not apply.

    `passed`: all of them are passed over.
    """

    group: StackingGroup
    rules: tuple[Open | Skipped, ...]
    passed: tuple[Skipped, ...] | None


class Plan(NamedTuple):
    """The groups by stage, where they have anything to say, and the floors under the part."""

    stages: dict[str, tuple[PlannedGroup, ...]]
    rails: tuple[Guardrail, ...]


def plan_of(offer: Offer, scene: Scene) -> Plan:
    """Return the plan of a part, worked out at first use."""
    plans = scene.plans
    found: Plan | None = plans.get(offer.keys)
    if found is None:
        found = _planned(offer, scene)
        scene.book.kept.keep(plans, offer.keys, found)
    return found


def _planned(offer: Offer, scene: Scene) -> Plan:
    stages: dict[str, tuple[PlannedGroup, ...]] = {}
    for stage, groups in scene.book.groups.items():
        found = tuple(planned for group in groups if (planned := _group(group, offer, scene)).rules)
        if found:
            stages[stage] = found
    rails = tuple(
        each
        for each in scene.book.guardrails(offer)
        if each.when is None or elsewhere(each.when, scene) is None
    )
    return Plan(stages, rails)


def _group(group: StackingGroup, offer: Offer, scene: Scene) -> PlannedGroup:
    rules: list[Open | Skipped] = []
    for rule in candidates(group, offer, scene):
        why = elsewhere(rule.when, scene)
        if why is None:
            rules.append(Open(rule, _is_asked(rule.when), _said(rule, scene)))
        elif not rule.when.accounts:
            # A price contracted with somebody else is not to be seen, even as a skipped rule.
            rules.append(Skipped(group.stage, rule.id, rule.version, why))
    passed = tuple(each for each in rules if isinstance(each, Skipped))
    return PlannedGroup(group, tuple(rules), passed if len(passed) == len(rules) else None)


def _is_asked(when: Condition) -> bool:
    return bool(
        when.alongside_skus
        or when.alongside_categories
        or when.charges
        or when.products
        or when.attributes
        or when.together
        or when.quantity
        or when.amount
    )


def _said(rule: Rule, scene: Scene) -> str | None:
    """Return the words of an effect in which no rate and no quantity stands."""
    effect = rule.effect
    return words(effect, scene) if isinstance(effect, PercentOff) else None
