"""Why one option can not be chosen: up to three distinct reasons, and the smallest changes."""

from collections.abc import Sequence

from contracts.configuration import Answer, Decision, RuleRef
from contracts.values import Pin, Value
from services.configurator.domain.answers.explaining import conflicts
from services.configurator.domain.answers.options import chosen
from services.configurator.domain.language.model import MultiAttribute
from services.configurator.domain.prices.pricing import Pricing
from services.configurator.domain.prices.repair_prices import PricedRepair, priced_repairs
from services.configurator.domain.products.decisions import binding
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import impossible_words, rule_refs


class Reason(Value):
    """One minimal conflict of an option: own decisions and named rules, and both in words."""

    message: str
    conflict: tuple[Decision, ...]
    rules: tuple[RuleRef, ...]


class Why(Value):
    """Whether an option can be chosen; if not, distinct reasons and the minimum repairs.

    `exact`: every verdict is by complete search. No repairs: the rules alone forbid the option.
    `prices`: why the repairs have no price difference, if prices were asked for and not had.
    """

    model: Pin
    exact: bool
    attribute: str
    option: Answer
    selectable: bool
    reasons: tuple[Reason, ...]
    repairs: tuple[PricedRepair, ...]
    prices: str | None = None


def why(
    product: Product,
    decisions: Sequence[Decision],
    name: str,
    option: Answer,
    pricing: Pricing | None = None,
) -> Why:
    """Explain one option after the (checked, binding) decisions on the other attributes.

    With prices, repairs of the same size and weight come cheapest first.
    Raises: DecisionsRefused, if there is no such option; SearchBound.
    """
    attribute = product.space.attributes.get(name)
    value = (str(option),) if isinstance(attribute, MultiAttribute) else option
    (asked,) = binding(product, [Decision(attribute=name, value=value, source="user")])
    attribute = product.space.attributes[asked.attribute]
    held = next((each.value for each in decisions if each.attribute == name), None)
    others = [each for each in decisions if each.attribute != name]
    hard = chosen(product.space, attribute, option, held)
    found = conflicts(product, others, hard)
    return Why(
        model=product.pin,
        exact=True,
        attribute=name,
        option=option,
        selectable=not found,
        reasons=tuple(
            Reason(
                message=impossible_words(product, each.decisions, each.rules),
                conflict=each.decisions,
                rules=rule_refs(product, each.rules),
            )
            for each in found
        ),
        repairs=priced_repairs(product, decisions, others, hard, pricing) if found else (),
    )
