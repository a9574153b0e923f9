"""What a form of the guided page says: the answers, the item itself, its discount."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pydantic import ValidationError

from contracts.configuration import Answer, Decision, RequestedItem
from contracts.pricing import DiscountAsk
from contracts.values import Percent, Quantity
from services.configurator.domain.language.components import beyond
from services.configurator.domain.language.model import (
    Attribute,
    ChoiceAttribute,
    FlagAttribute,
    IntegerAttribute,
    MultiAttribute,
)
from services.configurator.domain.products.decisions import DecisionsRefused, binding
from services.configurator.domain.products.product import Product

Form = Mapping[str, str]
ABOUT = ("quantity", "label", "percent", "rationale")
WHOLE = re.compile(r"-?[0-9]{1,9}", re.ASCII)
REASON_MIN, REASON_MAX = 3, 1000
NAME_MAX = 200
NO_DISCOUNT, FULL_PRICE = Percent(0), Percent(100)
FLAGS = {"true": True, "false": False}


def field(attribute: str, option: str | None = None) -> str:
    """Return the name of a question's field; each option of a multi-choice has one of its own.

    Ids hold no dash, so no two names meet; the option "" stands for "none of these".
    """
    return f"a-{attribute}" if option is None else f"a-{attribute}-{option}"


def place_of(name: str) -> str:
    """Return the id of what a field stands in, for links to it."""
    return f"f-{name}" if name in ABOUT else f"q-{name.removeprefix('a-')}"


def answers(
    product: Product, form: Form, before: Sequence[Decision], errors: dict[str, str]
) -> tuple[Decision, ...]:
    """Return the decisions that a form makes; what can not be read is said in `errors` by field.

    An answer that came with the opportunity stays its requirement for as long as it is the same.
    `drop` names questions whose answers are given up; so are, but for requirements, those of
    instances beyond the number that the form says.
    """
    given_up = set(form.get("drop", "").split())
    required = {each.attribute: each.value for each in before if each.source == "requirement"}
    found = []
    for attribute in product.model.attributes:
        if attribute.id in given_up:
            continue
        value = _answer(attribute, form, errors)
        if value is not None:
            is_required = attribute.id in required and required[attribute.id] == value
            source = "requirement" if is_required else "user"
            found.append(Decision(attribute=attribute.id, value=value, source=source))
    copies = product.space.copies
    numbers = {each.attribute: each.value for each in found if each.attribute in copies.counts}
    gone = beyond(copies, {name: int(str(value)) for name, value in numbers.items()})
    return tuple(each for each in found if each.attribute not in gone or each.source != "user")


def mended(product: Product, form: Form) -> Form:
    """Return the form as it stands once an offered change is taken, as one button says it.

    `take` names a question, the answer that is chosen there, and the questions given up for it. An
    answer that is none of the question's is refused later, like any other.
    """
    words = form.get("take", "").split()
    attribute = product.space.attributes.get(words[0]) if len(words) > 1 else None
    if attribute is None:
        return form
    name, option, *given_up = words
    found = {**form, "drop": " ".join(each for each in given_up if each != name)}
    if isinstance(attribute, MultiAttribute):
        found.pop(field(name, ""), None)
        return {**found, field(name, option): "on"}
    return {**found, field(name): option}


def fitting(
    product: Product, decisions: Iterable[Decision]
) -> tuple[tuple[Decision, ...], tuple[str, ...]]:
    """Return the stored decisions that bind on today's model, and of those that do not fit why."""
    kept: list[Decision] = []
    lost: list[str] = []
    for each in decisions:
        try:
            kept += binding(product, [each])
        except DecisionsRefused as fault:
            lost.append(fault.message)
    return tuple(kept), tuple(lost)


def _answer(
    attribute: Attribute, form: Form, errors: dict[str, str]
) -> Answer | tuple[str, ...] | None:
    if isinstance(attribute, MultiAttribute):
        return _ticked(attribute, form)
    name = field(attribute.id)
    text = form.get(name, "")
    if not text:
        return None
    if isinstance(attribute, IntegerAttribute):
        low, high = attribute.range
        if WHOLE.fullmatch(text) and low <= int(text) <= high:
            return int(text)
        errors[name] = f"Give a whole number from {low} to {high}"
        return None
    if isinstance(attribute, FlagAttribute):
        found: Answer | None = FLAGS.get(text)
    else:
        found = text if text in _ids(attribute) else None
    if found is None:
        errors[name] = "Choose one of the answers shown"
    return found


def _ticked(attribute: MultiAttribute, form: Form) -> tuple[str, ...] | None:
    """Return what is ticked; of "none" and an option, the one that was ticked last."""
    chosen = tuple(each for each in _ids(attribute) if field(attribute.id, each) in form)
    if field(attribute.id, "") not in form:
        return chosen or None
    was_none = form.get(f"w-{attribute.id}") == "none"
    return chosen if was_none and chosen else ()


def _ids(attribute: ChoiceAttribute | MultiAttribute) -> list[str]:
    return [each.id for each in attribute.options]


@dataclass(frozen=True, slots=True)
class About:
    """How many of the item, what it is called, its discount; as texts of the form."""

    quantity: str = "1"
    label: str = ""
    percent: str = ""
    rationale: str = ""

    @classmethod
    def of(cls, form: Form) -> "About":
        """Take what the form says."""
        return cls(**{name: form.get(name, "") for name in ABOUT})

    @classmethod
    def stored(cls, item: RequestedItem, discount: DiscountAsk | None) -> "About":
        """Take what the quote says."""
        return cls(
            str(item.quantity),
            item.label or "",
            f"{discount.percent.root.normalize():f}" if discount else "",
            discount.rationale if discount else "",
        )

    def amount(self, product: Product, errors: dict[str, str]) -> Quantity | None:
        """Return the quantity, or say what is wrong with it."""
        most = product.model.quantity_max
        try:
            found = Quantity(self.quantity)
        except (ValidationError, ArithmeticError):
            found = None
        if found is None or found.root != found.root.to_integral_value() or found.root > most:
            errors["quantity"] = f"Give a whole number from 1 to {most}"
            return None
        return found

    def named(self, errors: dict[str, str]) -> str | None:
        """Return the name of the item, or say what is wrong with it."""
        if len(self.label) > NAME_MAX:
            errors["label"] = "Keep the name to 200 characters"
            return None
        return self.label or None

    def discount(self, item_id: str, errors: dict[str, str]) -> DiscountAsk | None:
        """Return the discount on the item, or say what is wrong with it; none, if none is asked."""
        if not self.percent:
            if self.rationale:
                errors["percent"] = (
                    "Give the discount that this is the reason for, or leave both empty"
                )
            return None
        try:
            percent = Percent(self.percent.removesuffix("%").strip().replace(",", "."))
        except (ValidationError, ArithmeticError):
            percent = None
        if percent is None or not NO_DISCOUNT <= percent <= FULL_PRICE:
            errors["percent"] = "Give a number from 0 to 100"
        if not REASON_MIN <= len(self.rationale) <= REASON_MAX:
            errors["rationale"] = "Say why in 3 to 1000 characters: who approves reads it"
        if percent is None or {"percent", "rationale"} & errors.keys():
            return None
        return DiscountAsk(percent=percent, rationale=self.rationale, item_id=item_id)
