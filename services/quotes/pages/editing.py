"""The form for quantities and the discount, as the edit of a draft."""

from collections.abc import Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.configuration import RequestedItem
from contracts.pricing import DiscountAsk
from infra.pages import FormInvalid
from infra.problems import field_errors
from services.quotes.domain.quote import Quote
from services.quotes.handlers.sellers import EditDraft

_ITEM = TypeAdapter(RequestedItem)
_DISCOUNT = TypeAdapter(DiscountAsk)


def edited(quote: Quote, form: Mapping[str, str]) -> EditDraft:
    """Return the draft with the form's quantities and discount; the rest stays as it is.

    Raises: FormInvalid, with what is wrong beside each field.
    """
    errors: dict[str, str] = {}
    current = quote.current
    items = tuple(_item(each, form, errors) for each in current.items)
    discounts = [each for each in current.discounts if not is_percentage(each)]
    if form.get("percent"):
        discounts = [each for each in discounts if each.item_id is not None]
        asked = {"percent": form["percent"], "rationale": form.get("rationale", "")}
        found = _checked(_DISCOUNT, asked, errors, {})
        discounts += [found] if found else []
    elif form.get("rationale"):
        errors["percent"] = "give the discount that this is the reason for, or leave both empty"
    if errors:
        raise FormInvalid(errors)
    return EditDraft(
        quote.quote_id,
        items,
        tuple(discounts),
        submit=False,
        fresh_prices=False,
        expected=form.get("etag") or None,
    )


def is_percentage(ask: DiscountAsk) -> bool:
    """Say whether it is the percentage on the whole quote, which this form asks for."""
    return ask.item_id is None and ask.amount is None


def _item(item: RequestedItem, form: Mapping[str, str], errors: dict[str, str]) -> RequestedItem:
    name = f"quantity-{item.item_id}"
    if name not in form:
        return item
    asked = {**item.model_dump(), "quantity": form[name]}
    return _checked(_ITEM, asked, errors, {"quantity": name}) or item


def _checked(
    kind: TypeAdapter[Any],
    asked: Mapping[str, Any],
    errors: dict[str, str],
    names: Mapping[str, str],
) -> Any:
    try:
        return kind.validate_python(asked)
    except ValidationError as fault:
        for field, message in field_errors(fault.errors()).items():
            errors[names.get(field, field)] = message
        return None
