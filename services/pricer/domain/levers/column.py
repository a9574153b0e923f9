"""List prices of single parts, and whether what is paid for them grows evenly with the quantity."""

from dataclasses import dataclass

from contracts.pricing import LineProblem, PriceColumn, UnitPrice
from contracts.values import Money
from services.pricer.domain.asks.ask import PriceAsk
from services.pricer.domain.asks.basket import BasketLine, lines_of
from services.pricer.domain.asks.checks import check
from services.pricer.domain.asks.engines import NEWEST
from services.pricer.domain.asks.rounding import exactly
from services.pricer.domain.asks.scene import NoRate, Scene, scene_of
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.price_models import Tiered
from services.pricer.domain.books.rules import (
    AmountOff,
    FreeGoods,
    LineLimits,
    PercentOff,
    QuantityBreaks,
    Rule,
    RuleStage,
    SetPrice,
)
from services.pricer.domain.waterfall.charging import NoCost, NoPriceForQuantity, OffScale
from services.pricer.domain.waterfall.conditions import elsewhere
from services.pricer.domain.waterfall.effects import candidates
from services.pricer.domain.waterfall.waterfall import BELOW_CONTRACT, BELOW_SALES, at_list

WITHOUT_SELLER: tuple[RuleStage, ...] = ("option_price", *BELOW_CONTRACT, *BELOW_SALES)


@dataclass(frozen=True, slots=True)
class NoColumn:
    """Why there are no prices at all: the customer's context does not fit the book."""

    problems: tuple[LineProblem, ...]


def column(ask: PriceAsk, book: CompiledBook, fx: FxTable) -> PriceColumn | NoColumn:
    """Return the list prices of the parts in a basket; the quantities in it do not matter.

    Each is the `list_unit` that a quote would show; no cost is in it. A part that has no entry, or
    none that can be sold, is missing.
    """
    with exactly():
        lines, _ = lines_of(ask, book)
        if problems := check(ask, book, fx, lines):
            return NoColumn(tuple(problems))
        scene = scene_of(book, ask, fx, lines, NEWEST)
        # Of a part with several charges the first: a column has one price for each part.
        priced = {
            each.sku: found for each in reversed(lines) if (found := _unit_price(each, scene))
        }
    asked = dict.fromkeys(part.sku for item in ask.items for part in item.bill_of_materials)
    return PriceColumn(
        book=book.pin,
        fx=fx.pin,
        currency=ask.currency,
        day=ask.day,
        prices=tuple(priced[sku] for sku in asked if sku in priced),
        missing=tuple(sku for sku in asked if sku not in priced),
    )


def _unit_price(line: BasketLine, scene: Scene) -> UnitPrice | None:
    try:
        run = at_list(line, scene)
    except (NoCost, NoRate, NoPriceForQuantity, OffScale, ArithmeticError):
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
    if not all(_is_even_share(each) for each in _reaching("header_discount", line, scene)):
        return False
    contracts = _reaching("contracted_price", line, scene)
    price, entry = line.offer.source.price, line.entry
    if any(_is_even(each) for each in contracts):
        # It stands in place of tiers, breaks and bundles.
        return len(contracts) == 1 and not contracts[0].stackable
    if contracts or (isinstance(price, Tiered) and len(price.tiers) > 1):
        return False
    if entry.minimum is not None or entry.maximum is not None:
        return False
    return all(_is_even(each) for stage in WITHOUT_SELLER for each in _reaching(stage, line, scene))


def _reaching(stage: RuleStage, line: BasketLine, scene: Scene) -> list[Rule]:
    """Return the rules of a stage that reach the part in this context, alone or beside others."""
    return [
        rule
        for group in scene.book.groups.get(stage, ())
        for rule in candidates(group, line.offer, scene)
        if elsewhere(rule.when, scene) is None
    ]


def _is_even_share(rule: Rule) -> bool:
    """Say whether a discount on the quote is a percentage that hangs on nothing else in it."""
    return isinstance(rule.effect, PercentOff) and _is_even(rule)


def _is_even(rule: Rule) -> bool:
    when, effect = rule.when, rule.effect
    if when.alongside_skus or when.alongside_categories or when.together:
        return False
    if when.quantity or when.amount:
        return False
    if isinstance(effect, QuantityBreaks):
        return len(effect.breaks) == 1
    if isinstance(effect, AmountOff):
        return effect.per == "unit"
    return not isinstance(effect, SetPrice | LineLimits | FreeGoods)
