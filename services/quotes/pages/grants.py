"""What the forms of the price page say: grants, targets, conditions, as the domain has them."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from contracts.commercial import CommercialAsk, TermAsk
from contracts.configuration import RequestedItem
from contracts.pricing import DiscountAsk, PricingPins
from infra.pages import FormInvalid, filled
from infra.problems import field_errors
from services.quotes.api.doorway import ReasonBody
from services.quotes.api.levers import TargetBody
from services.quotes.domain.granting import Target
from services.quotes.domain.quote import Quote

_PINS = TypeAdapter(PricingPins)
_ITEM = TypeAdapter(RequestedItem)
Form = Mapping[str, str]
# One segment of a ramp in a line: `6 x 10 20%` is six months, quantity 10, 20 % off.
SEGMENT = re.compile(r"(\d{1,3})(?:\s*x\s*([\d.]{1,12}))?(?:\s+([\d.]{1,8})\s*%)?", re.ASCII)
HOW_TO = "Write one segment in a line, as 6 x 10 20%: months, quantity, discount"


def target_of(text: str) -> Target:
    """Read what a form chose: the quote, an item, or a part of an item (`site/QW-1`)."""
    item_id, _, sku = text.partition("/")
    return item_id or None, sku or None


def grant_of(form: Form, currency: str) -> DiscountAsk:
    """Return the discount or manual price that a form grants.   Raises: FormInvalid."""
    item_id, sku = target_of(form.get("target", ""))
    way = form.get("way", "percent")
    if way not in {"percent", "amount", "unit_price"}:
        raise FormInvalid({"way": "Choose one of the three"})
    value: Any = form.get("value", "")
    if way != "percent":
        value = {"amount": value, "currency": currency}
    if way == "unit_price" and sku is None:
        raise FormInvalid({"target": "Choose a part: a manual price is of one part"})
    asked = {way: value, "item_id": item_id, "sku": sku, "rationale": form.get("rationale", "")}
    try:
        return DiscountAsk.model_validate(asked)
    except ValidationError as fault:
        raise FormInvalid(_on_form(fault, {way: "value"})) from None


def aim_of(form: Form, currency: str) -> TargetBody:
    """Return the target price of a form.   Raises: FormInvalid."""
    item_id, sku = target_of(form.get("target", ""))
    net = {"amount": form.get("net", ""), "currency": currency}
    asked = {"net": net, "item_id": item_id, "sku": sku, "rationale": form.get("why", "")}
    try:
        return TargetBody.model_validate(asked)
    except ValidationError as fault:
        raise FormInvalid(_on_form(fault, {"rationale": "why"})) from None


def with_quantity(items: Sequence[RequestedItem], form: Form) -> tuple[RequestedItem, ...]:
    """Return the items, one of them with the quantity of the form.   Raises: FormInvalid."""
    if form.get("item") not in {each.item_id for each in items}:
        raise FormInvalid({"item": "Choose an item of the quote"}, "there is no such item")
    try:
        return tuple(
            _ITEM.validate_python({**each.model_dump(), "quantity": form.get("quantity", "")})
            if each.item_id == form.get("item")
            else each
            for each in items
        )
    except ValidationError as fault:
        raise FormInvalid(field_errors(fault.errors())) from None


def commercial_of(form: Form, items: Sequence[RequestedItem]) -> CommercialAsk:
    """Return currency, validity and terms of a form.   Raises: FormInvalid."""
    errors: dict[str, str] = {}
    terms = [_term(None, form, errors), *(_term(each.item_id, form, errors) for each in items)]
    if errors:
        raise FormInvalid(errors)
    asked = {
        "currency": form.get("currency", "").strip().upper() or None,
        "validity_days": form.get("validity_days", "").strip() or None,
        "terms": [each for each in terms if each is not None],
    }
    try:
        return CommercialAsk.model_validate(asked)
    except ValidationError as fault:
        raise FormInvalid(field_errors(fault.errors())) from None


def _term(item_id: str | None, form: Form, errors: dict[str, str]) -> TermAsk | None:
    place = f"-{item_id}" if item_id else ""
    months, ramp = (form.get(f"{name}{place}", "").strip() for name in ("months", "ramp"))
    if not months:
        if ramp:
            errors[f"months{place}"] = "Give the months of the whole term, too"
        return None
    try:
        segments = [_segment(each) for each in ramp.splitlines() if each.strip()]
    except ValueError:
        errors[f"ramp{place}"] = HOW_TO
        return None
    asked = {"months": months, "item_id": item_id, "ramp": segments}
    try:
        return TermAsk.model_validate(asked | {"rationale": form.get("reason") or None})
    except ValidationError as fault:
        field = "ramp" if segments else "months"
        errors[f"{field}{place}"] = next(iter(field_errors(fault.errors()).values()))
        return None


def _segment(line: str) -> dict[str, Any]:
    found = SEGMENT.fullmatch(line.strip())
    if found is None:
        raise ValueError(line)
    months, quantity, percent = found.groups()
    return {"months": months, "quantity": quantity, "percent": percent}


def reprice_of(form: Form) -> tuple[PricingPins, str]:
    """Return the book and rates that a form confirms, and why.   Raises: FormInvalid."""
    try:
        reason = filled(ReasonBody, form).reason
    except FormInvalid as fault:
        raise FormInvalid({"reprice": fault.errors["reason"]}) from None
    try:
        return _PINS.validate_json(form.get("pins", "")), reason
    except ValidationError:
        raise FormInvalid({"reprice": "Load the page again and look at the difference"}) from None


def _on_form(fault: ValidationError, names: Mapping[str, str]) -> dict[str, str]:
    """Say what is wrong beside the fields of a form, some of which are called otherwise."""
    told = field_errors(fault.errors())
    fields = {field: field.partition(".")[0] for field in told}
    return {names.get(fields[each], fields[each]): message for each, message in told.items()}


# ---- what stands in the forms


def targets(quote: Quote) -> list[tuple[str, str]]:
    """Return what can be granted on: the whole quote, its items, their priced parts."""
    found = [("", "The whole quote")]
    price, names = quote.current.price, _names(quote)
    for item_id, name in names.items():
        found.append((item_id, name))
        lines = price.offer.lines if price else ()
        parts = {each.sku: each.name for each in lines if each.item_id == item_id}
        found.extend((f"{item_id}/{sku}", f"{name}: {part}") for sku, part in parts.items())
    return found


def given_view(quote: Quote) -> list[dict[str, Any]]:
    """Return what is granted now, with the words of its place."""
    called = dict(targets(quote))
    rows = []
    for each in quote.current.discounts:
        target = "/".join(part for part in each.target if part)
        rows.append(
            {
                "target": target,
                "place": called.get(target, target),
                "is_gone": target not in called,
                **each.model_dump(mode="json", exclude_none=True),
            }
        )
    return rows


def commercial_view(quote: Quote) -> dict[str, Any]:
    """Return what the form of the conditions begins with."""
    asked = quote.current.commercial
    terms = {each.item_id: each for each in asked.terms}
    names = _names(quote)
    return {
        "currency": asked.currency or "",
        "validity_days": asked.validity_days or "",
        "months": terms[None].months if None in terms else "",
        "ramp": _ramp(terms.get(None)),
        "reason": next((each.rationale for each in asked.terms if each.rationale), ""),
        "items": [
            {
                "item_id": item_id,
                "name": name,
                "months": terms[item_id].months if item_id in terms else "",
                "ramp": _ramp(terms.get(item_id)),
            }
            for item_id, name in names.items()
        ],
    }


def _ramp(term: TermAsk | None) -> str:
    lines = []
    for each in term.ramp if term else ():
        quantity = f" x {each.quantity}" if each.quantity else ""
        percent = f" {each.percent.root:f}%" if each.percent else ""
        lines.append(f"{each.months}{quantity}{percent}")
    return "\n".join(lines)


def _names(quote: Quote) -> dict[str, str]:
    draft = quote.current
    known = {each.item_id: each.name for each in draft.configured} if draft.is_configured else {}
    return {
        each.item_id: each.label or known.get(each.item_id, each.product) for each in draft.items
    }
