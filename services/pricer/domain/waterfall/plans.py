"""What a book has to say of a part to one kind of customer: looked up once and kept.

Rules for other tiers or regions are passed over here, and told with the reason; what hangs on the
day, on the line itself, or on the rest of the basket, is left to the line.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import NamedTuple

from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene, Scope
from services.pricer.domain.asks.trace import Skipped
from services.pricer.domain.books.book import Guardrail
from services.pricer.domain.books.offers import Offer
from services.pricer.domain.books.rules import (
    AmountOff,
    Break,
    Condition,
    Counted,
    FreeGoods,
    PercentOff,
    QuantityBreaks,
    Rule,
    StackingGroup,
)
from services.pricer.domain.waterfall.conditions import (
    elsewhere,
    for_others,
    is_dated,
    why_not,
    why_not_here,
)
from services.pricer.domain.waterfall.effects import Change, Factor, candidates, words

COUNTED = {"line": "on the line", "item": "in the item", "quote": "over the quote"}
Ask = Callable[[Condition, BasketLine, Scene], str | None]
Match = tuple[Rule, Change | FreeGoods, str]
"""A rule that applies, its effect with the quantity resolved, and the effect in words."""
Outcome = tuple[Sequence[Match], Sequence[Skipped]]
"""The rules of a group that apply in turn, and the skipped ones."""


Said = tuple[PercentOff | Factor, str]
"""An effect in which no rate and no quantity stands, and its words."""


class Reached(NamedTuple):
    """One break of a discount schedule: up to which quantity (None: any), and what it takes off.

    None: nothing is off. An amount is put into words when its rate is known.
    """

    up_to: Decimal | None
    off: Said | AmountOff | None


class Schedule(NamedTuple):
    """Breaks of which the counted quantity reaches one; `where` is its place in words."""

    counted: Counted
    where: str
    scope: Scope
    breaks: tuple[Reached, ...]

    def reached(self, quantity: Decimal) -> Said | AmountOff | None:
        """Return what the quantity has off; None, if it reaches no break or that gives nothing."""
        for up_to, off in self.breaks:
            if up_to is None or quantity <= up_to:
                return off
        return None


class Open(NamedTuple):
    """A rule that may apply. `ask` says why it does not for a line, where that is still open.

    `said` is its effect, and that in words, where they are the same for every line; or its breaks.
    """

    rule: Rule
    ask: Ask | None
    said: Said | Schedule | None


class PlannedGroup(NamedTuple):
    """A stacking group with its rules in order, or what is to say of those that can not apply.

    `decided` is what comes of them, where it hangs on nothing that is open and at most one applies.
    `is_added`: percentages are added up on one base.
    """

    group: StackingGroup
    rules: tuple[Open | Skipped, ...]
    decided: Outcome | None
    is_added: bool


class Start(NamedTuple):
    """The list price of one base unit, whatever the quantity: as it is, as shown, and in words."""

    unit: Decimal
    shown: Decimal
    sentence: str
    note: str | None


Stages = dict[str, tuple[PlannedGroup, ...]]
"""The groups by stage, where they have anything to say."""


@dataclass(slots=True)
class Plan:
    """The groups that speak of a part, and the floors that may stand under it.

    `start` and `floors`, of one base unit, are known when the first line has found them.
    `asks`: whether some floor hangs on a condition.
    """

    stages: Stages
    rails: tuple[Guardrail, ...]
    asks: bool
    start: Start | None = None
    floors: tuple[tuple[Guardrail, Decimal], ...] | None = None


def plan_of(offer: Offer, scene: Scene) -> Plan:
    """Return the plan of a part, worked out at first use."""
    plans = scene.plans
    # An offer lives as long as its book, and what a book has kept is not copied with it.
    found: Plan | None = plans.get(id(offer))
    if found is None:
        stages, rails = _shared(offer, scene)
        found = Plan(stages, rails, any(each.when is not None for each in rails))
        scene.book.kept.keep(plans, id(offer), found)
    return found


def _shared(offer: Offer, scene: Scene) -> tuple[Stages, tuple[Guardrail, ...]]:
    """Return what the plans of all parts under the same rules and guardrails have in common."""
    scope = scene.book.scope_of(offer)
    found: tuple[Stages, tuple[Guardrail, ...]] | None = scene.plans.get(scope)
    if found is None:
        found = _stages(offer, scene), _rails(offer, scene)
        scene.book.kept.keep(scene.plans, scope, found)
    return found


def _stages(offer: Offer, scene: Scene) -> Stages:
    stages: Stages = {}
    for stage, groups in scene.book.groups.items():
        found = tuple(planned for group in groups if (planned := _group(group, offer, scene)).rules)
        if found:
            stages[stage] = found
    return stages


def _rails(offer: Offer, scene: Scene) -> tuple[Guardrail, ...]:
    return tuple(
        each
        for each in scene.book.guardrails(offer)
        if each.when is None or _away(each.when, scene) is None
    )


def _group(group: StackingGroup, offer: Offer, scene: Scene) -> PlannedGroup:
    rules: list[Open | Skipped] = []
    for rule in candidates(group, offer, scene):
        why = _away(rule.when, scene)
        if why is None:
            rules.append(Open(rule, _ask(rule.when), _said(rule, group, scene)))
        elif not rule.when.accounts:
            # A price contracted with somebody else is not to be seen, even as a skipped rule.
            rules.append((group.stage, rule.id, rule.version, why))
    is_added = group.stacking == "additive_on_base"
    return PlannedGroup(group, tuple(rules), _decided(rules), is_added)


def _decided(rules: Sequence[Open | Skipped]) -> Outcome | None:
    matches: list[Match] = []
    for each in rules:
        if isinstance(each, Open):
            if each.ask is not None or type(each.said) is not tuple or matches:
                return None
            matches.append((each.rule, *each.said))
    return matches, [each for each in rules if not isinstance(each, Open)]


def _away(when: Condition, scene: Scene) -> str | None:
    """Say why a condition never holds for such a customer, whatever the day."""
    return for_others(when, scene) if is_dated(when) else elsewhere(when, scene)


def _ask(when: Condition) -> Ask | None:
    """Return what is still to be asked of a line."""
    if is_dated(when):
        return why_not
    looks = (
        when.alongside_skus
        or when.alongside_categories
        or when.charges
        or when.products
        or when.attributes
        or when.together
        or when.quantity
        or when.amount
    )
    return why_not_here if looks else None


def _said(rule: Rule, group: StackingGroup, scene: Scene) -> Said | Schedule | None:
    """Return what is known of an effect before there is a line."""
    effect = rule.effect
    if isinstance(effect, PercentOff):
        return _percent(effect, group, scene)
    if isinstance(effect, QuantityBreaks) and effect.mode == "range":
        scope = (rule.when.skus, rule.when.categories)
        breaks = tuple(Reached(each.up_to, _off(each, group, scene)) for each in effect.breaks)
        return Schedule(effect.counted, COUNTED[effect.counted], scope, breaks)
    return None


def _percent(effect: PercentOff, group: StackingGroup, scene: Scene) -> Said:
    said = words(effect, scene)
    if effect.round is not None or group.stacking == "additive_on_base":
        return effect, said
    return Factor(1 - effect.percent.fraction), said


def _off(each: Break, group: StackingGroup, scene: Scene) -> Said | AmountOff | None:
    if each.percent is not None and each.percent.root:
        percent = {"kind": "percent_off", "percent": each.percent, "round": None}
        return _percent(PercentOff.made(percent), group, scene)
    if each.amount:
        return AmountOff.made({"kind": "amount_off", "amount": each.amount, "per": "unit"})
    return None
