"""The trace of a price: light steps and skipped rules, and the views in which people read them.

Kept as canonical JSON under its hash. `sentence` is fit for everybody; `note` holds cost and
floor and stands in the internal view only.
"""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal, Inexact
from typing import Any, Literal, NamedTuple

from contracts.values import EXACT, rounded, unit_of

Basis = Literal["unit", "line", "quote"]
View = Literal["customer", "seller", "internal"]


class Step(NamedTuple):
    """One step of a waterfall; before, after and amount are exact amounts of the whole line."""

    stage: str
    rule: str
    version: int | None
    basis: Basis
    before: Decimal
    after: Decimal
    amount: Decimal
    sentence: str
    note: str | None


class Skipped(NamedTuple):
    """A rule that could have applied and did not, with the reason."""

    stage: str
    rule: str
    version: int
    why: str


def say(amount: Decimal, currency: str) -> str:
    """Write an amount for a sentence: minor units, finer only where the amount is finer.

    >>> say(Decimal("2992.5000"), "EUR"), say(Decimal("0.0375"), "EUR")
    ('2992.50 EUR', '0.0375 EUR')
    """
    unit = unit_of(currency)
    if amount.same_quantum(unit):
        return f"{amount} {currency}"
    try:
        return f"{EXACT.quantize(amount, unit)} {currency}"
    except Inexact:
        exponent = EXACT.normalize(amount).as_tuple().exponent
        scale = min(-exponent if isinstance(exponent, int) else 0, 6)
        return str(rounded(amount, currency, scale, ROUND_HALF_UP))


def say_number(number: Decimal) -> str:
    """Write a quantity or percentage without needless zeros."""
    return f"{EXACT.normalize(number):f}"


def trimmed(amount: Decimal, currency: str) -> Decimal:
    """Drop the zeros that multiplying leaves behind the minor unit; the value stays.

    >>> trimmed(Decimal("123115.4400"), "EUR"), trimmed(Decimal("0.03750"), "EUR")
    (Decimal('123115.44'), Decimal('0.0375'))
    """
    try:
        return EXACT.quantize(amount, unit_of(currency))
    except Inexact:
        return EXACT.normalize(amount)


def step_trees(steps: Iterable[Step], currency: str) -> list[list[Any]]:
    """Return steps as the plain lists that the trace stores, their amounts as text."""
    unit = unit_of(currency)

    def text(amount: Decimal) -> str:
        return str(amount) if amount.same_quantum(unit) else f"{trimmed(amount, currency):f}"

    trees, last, last_text = [], None, ""
    for stage, rule, version, basis, before, after, amount, sentence, note in steps:
        texts = [last_text if before is last else text(before), text(after), text(amount)]
        trees.append([stage, rule, version, basis, *texts, sentence, note])
        last, last_text = after, texts[1]
    return trees


def read_step(tree: list[Any]) -> Step:
    """Read a stored step."""
    return Step(*tree[:4], *(Decimal(each) for each in tree[4:7]), *tree[7:])


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
    steps = [read_step(each) for each in line["steps"]]
    if view == "customer":
        steps = [each for each in steps if each.amount or each.stage == "list_price"]
    else:
        tree["skipped"] = [
            dict(zip(Skipped._fields, each, strict=True)) for each in line["skipped"]
        ]
    tree["steps"] = [_shown_step(each, view) for each in steps]
    return tree


def _shown_step(step: Step, view: View) -> dict[str, Any]:
    tree: dict[str, Any] = step._asdict()
    for name in ("before", "after", "amount"):
        tree[name] = f"{tree[name]:f}"
    note = tree.pop("note")
    if view == "internal":
        tree["note"] = note
    return tree
