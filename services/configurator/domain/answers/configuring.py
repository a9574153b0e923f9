"""From a requested item to a valid, complete configuration, or to the reason why there is none."""

from collections.abc import Sequence
from decimal import Decimal

from contracts.configuration import (
    BomLine,
    ConfiguredItem,
    Decision,
    Parameter,
    RejectedItem,
    Repair,
    RequestedItem,
)
from contracts.values import Quantity
from services.configurator.domain.answers.completing import Completion, completion
from services.configurator.domain.answers.explaining import conflict, repairs
from services.configurator.domain.products.decisions import DecisionsRefused, binding
from services.configurator.domain.products.product import Product
from services.configurator.domain.products.wording import (
    chosen_options,
    contradiction_words,
    printed,
    repair_words,
    rule_refs,
)
from services.configurator.domain.solving.effort import SearchBound
from services.configurator.domain.solving.space import Domains, Masks


def configure(product: Product, item: RequestedItem) -> ConfiguredItem | RejectedItem:
    """Return the item configured, or rejected with conflict and repairs or open questions.

    The same item on the same model gives the same answer, byte for byte. Raises nothing.
    """
    amount = item.quantity.root
    if amount != amount.to_integral_value() or amount > product.model.quantity_max:
        return _rejected(
            item,
            "absurd_quantity",
            f"'{product.model.id}' is quoted in whole numbers up to {product.model.quantity_max};"
            f" {item.quantity} is not",
            "quantity",
        )
    try:
        decisions = binding(product, item.decisions)
        found = completion(product, decisions)
        if found is None:
            return _contradiction(product, item, decisions)
    except DecisionsRefused as fault:
        first = fault.problems[0]
        return RejectedItem(
            item_id=item.item_id,
            product=item.product,
            code=first.code,
            message=fault.message,
            field=first.field,
        )
    except SearchBound as bound:
        return _rejected(item, "undecided", bound.message, None)
    if found.open_questions:
        return _incomplete(product, item, found)
    return _configured(product, item, found)


def parameters_at(product: Product, point: Masks) -> tuple[Parameter, ...]:
    """Return the derived parameters of a complete configuration, rounded as the model says."""
    shown = [
        each
        for each in product.parameters
        if each.shown is None or each.shown.bounds(point)[0] == 1
    ]
    return tuple(
        Parameter(
            name=each.definition.id,
            label=each.definition.label,
            value=printed(each.value.bounds(point)[0], each.definition.digits),
            unit=each.definition.unit or None,
            group=each.definition.group,
        )
        for each in shown
    )


def bill_of_materials(product: Product, point: Masks) -> tuple[BomLine, ...]:
    """Return the parts of one configured item, one line per SKU, in the order of the model."""
    lines: dict[str, BomLine] = {}
    for each in product.parts:
        amount = each.quantity.bounds(point)[0]
        if each.wanted(point)[0] != 1 or amount == 0:
            continue
        known = lines.get(each.part.sku)
        quantity = Quantity(Decimal(str(printed(amount, 3))).normalize() + 0)
        option = each.mapping.option
        if known is not None:
            quantity = Quantity(known.quantity.root + quantity.root)
            option = f"{known.option}, {option}"
        lines[each.part.sku] = BomLine(
            sku=each.part.sku,
            name=each.part.name,
            quantity=quantity,
            option=option,
            kind=each.part.kind,
        )
    return tuple(lines.values())


def _configured(product: Product, item: RequestedItem, found: Completion) -> ConfiguredItem:
    name = product.model.name
    return ConfiguredItem(
        item_id=item.item_id,
        product=product.model.id,
        name=f"{name} ({item.label})" if item.label else name,
        quantity=item.quantity,
        model=product.pin,
        decisions=found.decisions,
        options=chosen_options(product, found.decisions),
        parameters=parameters_at(product, found.point),
        bill_of_materials=bill_of_materials(product, found.point),
    )


def _contradiction(
    product: Product, item: RequestedItem, decisions: Sequence[Decision]
) -> RejectedItem:
    clash = conflict(product, decisions)
    if clash is None:
        raise AssertionError("a contradiction has a conflict")
    return RejectedItem(
        item_id=item.item_id,
        product=item.product,
        code="configuration.contradiction",
        message=contradiction_words(product, clash.decisions, clash.rules),
        field=clash.decisions[0].attribute,
        conflict=clash.decisions,
        rules=rule_refs(product, clash.rules),
        repairs=repair_list(product, decisions),
    )


def repair_list(
    product: Product, decisions: Sequence[Decision], hard: Domains | None = None
) -> tuple[Repair, ...]:
    """Return the minimum repairs in words; none if the decisions can all hold.

    `hard` are domains that stand in any case.
    """
    return tuple(
        Repair(drop=tuple(each.attribute for each in drop), message=repair_words(product, drop))
        for drop in repairs(product, decisions, hard)
    )


def _incomplete(product: Product, item: RequestedItem, found: Completion) -> RejectedItem:
    labels = [product.space.attributes[each].label for each in found.open_questions]
    return RejectedItem(
        item_id=item.item_id,
        product=item.product,
        code="configuration.incomplete",
        message=f"Still to be answered: {'; '.join(labels)}",
        field=found.open_questions[0],
        open_questions=found.open_questions,
    )


def _rejected(item: RequestedItem, code: str, message: str, field: str | None) -> RejectedItem:
    return RejectedItem(
        item_id=item.item_id,
        product=item.product,
        code=f"configuration.{code}",
        message=message,
        field=field,
    )
