"""The trace of a price: light steps and skipped rules, and the views in which people read them.

Kept as canonical JSON under its hash. `sentence` is fit for everybody; `note` holds cost and
floor and stands in the internal view only.
"""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, Inexact
from typing import Any, Literal

from contracts.values import EXACT, rounded, unit_of

ONE = Decimal(1)
Basis = Literal["unit", "line", "quote"]
View = Literal["customer", "seller", "internal"]

FLOORS = ("guardrail", "second_guardrail")

# Plain tuples, because a price has thousands of them.
Step = tuple[str, str, int | None, Basis, Decimal, Decimal, Decimal, str, str | None]
"""One step of a waterfall: before, after and amount are exact amounts of the whole line."""
STEP = ("stage", "rule", "version", "basis", "before", "after", "amount", "sentence", "note")
Skipped = tuple[str, str, int, str]
"""A rule that could have applied and did not, with the reason."""
SKIPPED = ("stage", "rule", "version", "why")


def say(amount: Decimal, currency: str) -> str:
    """Write an amount for a sentence: minor units, finer only where the amount is finer.

    >>> say(Decimal("2992.5000"), "EUR"), say(Decimal("0.0375"), "EUR")
    ('2992.50 EUR', '0.0375 EUR')
    """
    unit = unit_of(currency)
    if amount.same_quantum(unit):
        return f"{amount!s} {currency}"
    try:
        return f"{EXACT.quantize(amount, unit)!s} {currency}"
    except Inexact:
        exponent = EXACT.normalize(amount).as_tuple().exponent
        scale = min(-exponent if isinstance(exponent, int) else 0, 6)
        return str(rounded(amount, currency, scale, ROUND_HALF_UP))


def say_number(number: Decimal) -> str:
    """Write a quantity or percentage without needless zeros.

    >>> say_number(Decimal("34")), say_number(Decimal("2.50")), say_number(Decimal("1E+2"))
    ('34', '2.5', '100')
    """
    return str(number) if number.same_quantum(ONE) else f"{EXACT.normalize(number):f}"


def plain(number: Decimal) -> str:
    """Write a number with all its zeros, and without an exponent."""
    return str(number) if number.same_quantum(ONE) else f"{number:f}"


def trimmed(amount: Decimal, unit: Decimal) -> str:
    """Write an amount without the zeros that multiplying leaves behind the minor unit.

    >>> cent = Decimal("0.01")
    >>> trimmed(Decimal("123115.4400"), cent), trimmed(Decimal("0.03750"), cent)
    ('123115.44', '0.0375')
    """
    if amount.same_quantum(unit):
        return str(amount)
    try:
        return str(amount.quantize(unit, None, EXACT))
    except Inexact:
        return f"{EXACT.normalize(amount):f}"


def shown(trace: Mapping[str, Any], view: View) -> dict[str, Any]:
    """Return the trace as one kind of reader may see it.

    The customer reads the steps that moved the price; the seller also reads rules that did not
    apply and guardrails that were touched; cost, margin and floors are for the internal view.
    """
    tree = {name: trace[name] for name in trace if name not in {"lines", "internal"}}
    if view == "customer":
        tree.pop("breaches", None)
    tree["view"] = view
    tree["lines"] = [_shown_line(line, view) for line in trace["lines"]]
    if view == "internal":
        tree["internal"] = trace["internal"]
    return tree


def _shown_line(line: Mapping[str, Any], view: View) -> dict[str, Any]:
    tree = {name: line[name] for name in line if name not in {"steps", "skipped"}}
    steps = [dict(zip(STEP, each, strict=True)) for each in line["steps"]]
    if view == "customer":
        steps = [each for each in steps if Decimal(each["amount"]) or each["stage"] == "list_price"]
        for step in steps:
            if step["stage"] in FLOORS:
                # That a price is the lowest that we go to is worth knowing to a buyer.
                step |= {"rule": "-", "version": None, "sentence": "Adjusted to the net price."}
    else:
        tree["skipped"] = [dict(zip(SKIPPED, each, strict=True)) for each in line["skipped"]]
    if view != "internal":
        for step in steps:
            del step["note"]
    tree["steps"] = steps
    return tree
