"""What a line came to, for another line of the same input; and what a book can tell apart.

A price of one unit is kept without its quantity where the price is linear: then only ranges of
quantity decide, and rounding the line is all that comes after.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from pydantic import BaseModel

from contracts.pricing import GuardrailBreach
from contracts.values import EXACT, Percent
from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.books.book import Guardrail
from services.pricer.domain.books.compiled import CompiledBook, Offer
from services.pricer.domain.books.price_models import CostPlus, PerUnit, Tiered
from services.pricer.domain.books.rules import (
    AmountOff,
    Condition,
    Markup,
    PercentOff,
    QuantityBreaks,
    Rule,
    UnitPrice,
)
from services.pricer.domain.waterfall.running import Gift, Running

Size = Callable[[Decimal], Hashable]
"""Between which quantities that a book names one lies, or which of them it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a line came to after a step of its walk; for a line of the same quantity."""

    run: Running

    @classmethod
    def of(cls, run: Running) -> "Found":
        """Take it from a line."""
        return cls(_copy(run, run.line))

    def give(self, line: BasketLine, scene: Scene) -> Running:
        """Return another line that came to the same, without the steps."""
        del scene
        return _copy(self.run, line)


@dataclass(frozen=True, slots=True)
class UnitFound:
    """What one counted unit of a line came to, exact; the line is that times its count, rounded."""

    list_unit: Decimal
    list_exact: Decimal
    unit: Decimal
    regular: Decimal
    given: Decimal
    net_unit: Decimal | None
    is_rounded: bool
    breaches: tuple[GuardrailBreach, ...]
    floors: tuple[tuple[Guardrail, Decimal], ...]

    @classmethod
    def of(cls, run: Running, scene: Scene) -> "UnitFound | None":
        """Take it from a line; None, if the line is not what its unit times its count gives."""
        count = run.line.count
        if run.unit is None or run.gifts:
            return None
        try:
            exact = EXACT.divide(scene.listed[run.line.number], count)
            parts = (EXACT.divide(run.regular, count), EXACT.divide(run.given, count))
        except ArithmeticError:
            return None
        is_rounded = bool(run.regular or run.net)
        found = cls(
            *(run.list_unit, exact, run.unit, *parts, run.net_unit, is_rounded),
            tuple(run.breaches),
            tuple(run.floors),
        )
        return found if _same(found.give(run.line, scene), run) else None

    def give(self, line: BasketLine, scene: Scene) -> Running:
        """Return another line of the same unit price."""
        count = line.count
        amount = EXACT.multiply(self.unit, count)
        if self.is_rounded:
            amount = scene.rounding.line(amount)
        return Running(
            line,
            self.list_unit,
            scene.rounding.line(EXACT.multiply(self.list_exact, count)),
            self.unit,
            amount,
            [],
            [],
            list(self.breaches),
            list(self.floors),
            EXACT.multiply(self.regular, count),
            EXACT.multiply(self.given, count),
            amount if self.is_rounded else Decimal(0),
            self.net_unit,
            [],
        )


def _copy(run: Running, line: BasketLine) -> Running:
    gifts: list[Gift] = list(run.gifts)
    return Running(
        line,
        run.list_unit,
        run.list_total,
        run.unit,
        run.amount,
        [],
        [],
        list(run.breaches),
        list(run.floors),
        run.regular,
        run.given,
        run.net,
        run.net_unit,
        gifts,
    )


def _same(left: Running, right: Running) -> bool:
    return (
        left.list_total == right.list_total
        and left.amount == right.amount
        and left.regular == right.regular
        and left.given == right.given
        and left.net == right.net
    )


def sizes_of(offer: Offer, book: CompiledBook, account: str | None) -> Size | None:
    """Return how an offer tells quantities apart: by its ranges; None, if it counts with them."""
    price, entry = offer.source.price, offer.entry
    if entry.minimum is not None or entry.maximum is not None:
        return None
    if not isinstance(price, PerUnit | CostPlus) and not (
        isinstance(price, Tiered) and price.mode == "volume" and not price.has_flat_fees
    ):
        return None
    rails: list[Guardrail] = list(book.guardrails(offer))
    rules = [
        rule
        for groups in book.groups.values()
        for group in groups
        for rule in book.candidates(group, offer, account)
    ]
    if not all(_chooses(rule) for rule in rules) or any(
        each.when is not None and each.when.amount is not None for each in rails
    ):
        return None
    words = Words()
    for each in (*rules, *rails, *(price.tiers if isinstance(price, Tiered) else ())):
        words.collect(each)
    ends = sorted(words.sizes)
    return lambda quantity: (bisect_left(ends, quantity), bisect_right(ends, quantity))


def _chooses(rule: Rule) -> bool:
    """Say whether a quantity decides no more of a rule than whether and which part of it holds."""
    when: Condition = rule.when
    if when.amount is not None:
        return False
    match rule.effect:
        case PercentOff(round=None) | UnitPrice() | AmountOff(per="unit") | Markup():
            return True
        case QuantityBreaks(mode="range", breaks=breaks):
            return all(each.amount is None for each in breaks)
    return False


class Words:
    """The names, moments and quantities that a book has words for."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.moments: set[datetime] = set()
        self.sizes: set[Decimal] = set()

    def collect(self, tree: Any) -> None:
        """Gather them from a part of a book; a moment and the one after it are two."""
        match tree:
            case Percent():
                pass
            case BaseModel():
                for each in tree.__dict__.values():
                    self.collect(each)
            case tuple() | list():
                for each in tree:
                    self.collect(each)
            case str():
                self.names.add(tree)
            case Decimal():
                self.sizes.add(tree)
            case datetime():
                self.moments |= {tree, tree + timedelta(microseconds=1)}
            case date():
                first = datetime.combine(tree, time())
                self.moments |= {first, first + timedelta(days=1)}
