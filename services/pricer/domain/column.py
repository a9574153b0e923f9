"""List prices of single parts, and whether what is paid for them grows evenly with the quantity."""

from dataclasses import dataclass
from decimal import Decimal, localcontext

from contracts.pricing import LineProblem, PriceColumn, UnitPrice
from contracts.values import Money
from services.pricer.domain.ask import BasketLine, PriceAsk, lines_of
from services.pricer.domain.book import FxTable, QuantityBreaks, Rule, Tiered
from services.pricer.domain.checks import check
from services.pricer.domain.compiled import CompiledBook
from services.pricer.domain.matching import elsewhere
from services.pricer.domain.scene import ROUNDS, Scene, scene_of
from services.pricer.domain.waterfall import BELOW_CONTRACT, NoCost, at_list


@dataclass(frozen=True, slots=True)
class NoColumn:
    """Why there are no prices at all: the customer's context does not fit the book."""

    problems: tuple[LineProblem, ...]


def column(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> PriceColumn | NoColumn:
    """Return the list prices of the parts in a basket; the quantities in it do not matter.

    Each is the `list_unit` that a quote would show; no cost is in it. A part that has no entry, or
    none that can be sold, is missing.
    """
    lines, _ = lines_of(ask, book)
    if problems := check(ask, book, fx, lines):
        return NoColumn(tuple(problems))
    rate = fx.rate(book.book.currency, ask.currency)
    with localcontext(ROUNDS):
        scene = scene_of(book, ask, rate.rate if rate else Decimal(1), lines)
        priced = {each.sku: found for each in lines if (found := _unit_price(each, scene))}
    asked = dict.fromkeys(part.sku for item in ask.items for part in item.bill_of_materials)
    return PriceColumn(
        book=book.pin,
        fx=fx.pin,
        currency=ask.currency,
        day=ask.day,
        prices=tuple(priced.values()),
        missing=tuple(sku for sku in asked if sku not in priced),
    )


def _unit_price(line: BasketLine, scene: Scene) -> UnitPrice | None:
    try:
        run = at_list(line, scene)
    except (NoCost, ArithmeticError):
        return None
    return UnitPrice(
        sku=line.sku,
        unit=line.entry.unit,
        charge=line.entry.charge,
        list_unit=Money.of(run.list_unit, scene.currency),
        additive=run.unit == run.list_unit and _is_additive(line, scene),
    )


def _is_additive(line: BasketLine, scene: Scene) -> bool:
    """Say whether no step of the waterfall looks at the quantity or at other parts."""
    contracts = _reaching("contracted_price", line, scene)
    if any(_is_even(each) for each in contracts):
        return len(contracts) == 1  # it stands in place of tiers, breaks and bundles
    price = line.entry.price
    if contracts or (isinstance(price, Tiered) and len(price.tiers) > 1):
        return False
    return all(_is_even(each) for stage in BELOW_CONTRACT for each in _reaching(stage, line, scene))


def _reaching(stage: str, line: BasketLine, scene: Scene) -> list[Rule]:
    """Return the rules of a stage that reach the part in this context, alone or beside others."""
    return [
        rule
        for group in scene.book.groups.get(stage, ())
        for rule in scene.book.candidates(group, line.entry)
        if elsewhere(rule.when, scene.ask) is None
    ]


def _is_even(rule: Rule) -> bool:
    if rule.when.alongside_skus or rule.when.alongside_categories:
        return False
    return not isinstance(rule.effect, QuantityBreaks) or len(rule.effect.breaks) == 1
