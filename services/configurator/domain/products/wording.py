"""Answers, conflicts and repairs in plain words, as a seller or customer reads them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from contracts.configuration import Answer, ChosenOption, Decision, RuleRef
from services.configurator.domain.language.components import is_count, key_id
from services.configurator.domain.language.expression import Number
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    IntegerAttribute,
    MultiAttribute,
)
from services.configurator.domain.products.product import Product

RULES_SPOKEN = 4


def answer_words(attribute: Attribute, value: Answer | tuple[str, ...]) -> str:
    """Return an answer by the labels of the model: `3 years`, `Macro (wide area)`, `yes`."""
    if isinstance(attribute, ChoiceAttribute | MultiAttribute):
        labels = {each.id: each.label for each in attribute.options}
        chosen = value if isinstance(value, tuple) else (str(value),)
        return ", ".join(labels[each] for each in chosen) or "none"
    if isinstance(attribute, IntegerAttribute):
        return f"{value} {attribute.unit}".rstrip()
    return "yes" if value else "no"


def decision_words(product: Product, decision: Decision) -> str:
    """Return a decision as `Mounting: Tower or mast`."""
    attribute = product.space.attributes[decision.attribute]
    return f"{attribute.label}: {answer_words(attribute, decision.value)}"


def rule_refs(product: Product, rules: Iterable[str]) -> tuple[RuleRef, ...]:
    """Return the rules, by key, with the words of their authors."""
    return tuple(RuleRef(id=key_id(each), message=product.messages[each]) for each in rules)


def because(product: Product, rules: Sequence[str]) -> str:
    """Return the messages of the first rules as sentences; the answer lists all of them beside.

    That an instance needs a high enough number goes without saying beside an author's rule.
    """
    spoken = [each for each in rules if not is_count(each)] or rules
    shown = " ".join(product.messages[each] for each in spoken[:RULES_SPOKEN])
    rest = len(spoken) - RULES_SPOKEN
    return f"{shown} And {rest} more rule{'s' if rest > 1 else ''}." if rest > 0 else shown


def impossible_words(product: Product, others: Sequence[Decision], rules: Sequence[str]) -> str:
    """Say in one breath why something is impossible, and with which decisions."""
    if not others:
        return because(product, rules)
    held = "; ".join(decision_words(product, each) for each in others)
    return f"Not with {held}. {because(product, rules)}"


def kept_words(product: Product, others: Sequence[Decision], rules: Sequence[str]) -> str:
    """Say in one breath why something can not be left out, and with which decisions."""
    if not others:
        return f"It is always there. {because(product, rules)}"
    held = "; ".join(decision_words(product, each) for each in others)
    return f"Needed with {held}. {because(product, rules)}"


def contradiction_words(
    product: Product, decisions: Sequence[Decision], rules: Sequence[str]
) -> str:
    """Say which decisions contradict each other and why."""
    held = "; ".join(decision_words(product, each) for each in decisions)
    return f"These do not go together: {held}. {because(product, rules)}"


def repair_words(product: Product, drop: Sequence[Decision]) -> str:
    """Say what to give up."""
    return f"Give up {'; '.join(decision_words(product, each) for each in drop)}"


def chosen_options(product: Product, decisions: Iterable[Decision]) -> tuple[ChosenOption, ...]:
    """Return what is chosen, as printed in an offer: answers that mean "none" are left out."""
    groups = {each.id: each.label for each in product.model.groups}
    chosen = []
    for decision in decisions:
        attribute = product.space.attributes[decision.attribute]
        if _is_absent(attribute, decision.value):
            continue
        chosen.append(
            ChosenOption(
                attribute=attribute.id,
                label=attribute.label,
                value=answer_words(attribute, decision.value),
                group=groups[attribute.group],
            )
        )
    return tuple(chosen)


def _is_absent(attribute: Attribute, value: Answer | tuple[str, ...]) -> bool:
    if isinstance(attribute, ChoiceAttribute):
        return any(each.absent for each in attribute.options if each.id == value)
    return not value


def printed(value: Number, digits: int) -> int | str:
    """Round half away from zero to `digits` places: a whole number, or an exact decimal as text."""
    scaled = abs(value) * 10**digits
    whole = (2 * scaled + 1) // 2
    signed = int(whole) if value >= 0 else -int(whole)
    return signed if digits == 0 else f"{Decimal(signed).scaleb(-digits):f}"
