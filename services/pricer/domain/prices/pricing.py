"""Price a whole ask: check it, price its lines, discount the quote, add up, and write the trace.

Either every line has a price, or the answer is a list of problems that say what to do, beside the
price of the rest; never part of a price as if it were the whole.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal, Inexact, InvalidOperation

from contracts.pricing import GuardrailBreach, LineProblem
from contracts.values import MAX_QUANTITY, ZERO
from services.pricer.domain.asks.ask import PriceAsk, Priced, Unpriced, problem
from services.pricer.domain.asks.basket import ONE, BasketLine, lines_of
from services.pricer.domain.asks.checks import check
from services.pricer.domain.asks.engines import ENGINES, NEWEST
from services.pricer.domain.asks.rounding import exactly
from services.pricer.domain.asks.scene import NoRate, Scene, exact_sum, scene_of
from services.pricer.domain.asks.sizes import LINE_MAX, TooLarge
from services.pricer.domain.asks.trace import Step
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.prices.answer import priced
from services.pricer.domain.prices.figures import Settled, too_fine
from services.pricer.domain.prices.terms import over_term
from services.pricer.domain.waterfall import granted, guardrail
from services.pricer.domain.waterfall.charging import (
    NoCost,
    NoPriceForQuantity,
    OffScale,
    is_percent_of_total,
)
from services.pricer.domain.waterfall.gifts import free_line
from services.pricer.domain.waterfall.guardrail import BelowFloor
from services.pricer.domain.waterfall.header import discounts_of_book
from services.pricer.domain.waterfall.matching import RuleConflict
from services.pricer.domain.waterfall.off_invoice import pocket_line, pocket_of
from services.pricer.domain.waterfall.percent_of_total import NoBasis, comes_late, in_order, listed
from services.pricer.domain.waterfall.running import Running
from services.pricer.domain.waterfall.waterfall import at_list, begun, price_line

__all__ = ["Unpriced", "cost_of", "price", "settle"]


_OF_A_LINE = (
    NoCost,
    NoRate,
    NoBasis,
    NoPriceForQuantity,
    OffScale,
    RuleConflict,
    BelowFloor,
    TooLarge,
    Inexact,
    InvalidOperation,
)


def price(
    ask: PriceAsk, book: CompiledBook, fx: FxTable, engine: str = NEWEST.name
) -> Priced | Unpriced:
    """Price the ask with exactly this book, FX table and engine; the same input, the same bytes."""
    with exactly():
        found = _price(ask, book, fx, engine)
        if not ask.terms or isinstance(found, Unpriced):
            return found
        return over_term(ask, found, book, lambda each: _price(each, book, fx, engine))


def _price(ask: PriceAsk, book: CompiledBook, fx: FxTable, engine: str) -> Priced | Unpriced:
    settled = settle(ask, book, fx, engine)
    if isinstance(settled, Unpriced):
        return settled
    if fine := too_fine(settled.runs, ask.currency):
        return Unpriced((*settled.problems, *(_too_fine(run) for run in fine)))
    found = priced(settled) if settled.runs else None
    if settled.problems or found is None:
        return Unpriced(settled.problems, found)
    return found


def settle(
    ask: PriceAsk, book: CompiledBook, fx: FxTable, engine: str = NEWEST.name
) -> Settled | Unpriced:
    """Price all lines that can be priced, before anything is put into words of the contract."""
    pinned = ENGINES.get(engine)
    if pinned is None:
        text = f"there is no engine {engine!r}; use one of {', '.join(ENGINES)}"
        return Unpriced((problem("unknown_engine", text, "engine"),))
    lines, missing = lines_of(ask, book)
    if problems := check(ask, book, fx, lines):
        return Unpriced((*problems, *missing))
    scene = scene_of(book, ask, fx, lines, pinned)
    walk = Walk(scene, problems=missing)
    try:
        return walk.settled()
    except BelowFloor as fault:
        text = f"the whole quote is below its floor ({fault.rail.name}); lower the discounts"
        walk.problems.append(problem("below_floor", text, "discounts"))
        return Unpriced(tuple(walk.problems))
    except _OF_A_LINE as fault:
        walk.problems.append(_problem(fault, None))
        return Unpriced(tuple(walk.problems))


@dataclass(slots=True)
class Walk:
    """The lines of one ask on their way: what has a price, and what has a problem."""

    scene: Scene
    runs: dict[int, Running] = field(default_factory=dict)
    problems: list[LineProblem] = field(default_factory=list)
    pockets: dict[int, tuple[Decimal, tuple[Step, ...]]] = field(default_factory=dict)

    def settled(self) -> Settled:
        """Take all lines all the way.   Raises: BelowFloor, of the whole quote."""
        scene, lines = self.scene, self.scene.lines
        with_list, early, late = lines, list[BasketLine](), list[BasketLine]()
        if scene.book.has_percentages:
            with_list = [line for line in lines if not is_percent_of_total(line)]
            early, late = self._percentages()
        self._each(with_list, self._list)
        self._each(with_list, self._down)
        self._each(early, self._percentage)
        self._each([run.line for run in self._in_order() if run.gifts], self._gifts)
        self._header()
        self._each(late, self._percentage)
        self._each([run.line for run in self._in_order() if run.floors], self._second)
        if "off_invoice" in scene.book.groups:
            self._each([run.line for run in self._in_order()], self._pocket)
        found = self._in_order()
        costs = [cost_of(run, scene) for run in found]
        breaches: list[GuardrailBreach] = [each for run in found for each in run.breaches]
        net = exact_sum(run.amount for run in found)
        breaches.extend(guardrail.of_quote(scene, net, exact_sum(costs)))
        return Settled(
            scene=scene,
            runs=tuple(found),
            costs=tuple(costs),
            breaches=tuple(breaches),
            problems=tuple(self.problems),
            pocket=pocket_of({each.line.number: self.pockets[each.line.number] for each in found})
            if "off_invoice" in scene.book.groups
            else None,
        )

    def _each(self, lines: Iterable[BasketLine], step: Callable[[BasketLine], None]) -> None:
        """Take a step of each line; what goes wrong is the problem of that line only."""
        for line in lines:
            try:
                step(line)
            except _OF_A_LINE as fault:
                self.runs.pop(line.number, None)
                self.problems.append(_problem(fault, line))

    def _in_order(self) -> list[Running]:
        return [self.runs[number] for number in sorted(self.runs)]

    def _percentages(self) -> tuple[list[BasketLine], list[BasketLine]]:
        """Order the percentages of others: before and after the discounts on the quote."""
        ordered, circle = in_order(self.scene.lines)
        for line in circle:
            text = f"{line.sku} is a percentage of something that is a percentage of it"
            text = f"{text}; change its scope in the price book"
            self.problems.append(problem("percent_cycle", text, "price", line))
        late: set[int] = set()
        for line in ordered:
            if comes_late(line, self.scene.lines, late):
                late.add(line.number)
        return (
            [line for line in ordered if line.number not in late],
            [line for line in ordered if line.number in late],
        )

    def _list(self, line: BasketLine) -> None:
        self._begin(at_list(line, self.scene))

    def _percentage(self, line: BasketLine) -> None:
        if line.entry.cost is None:
            raise NoCost(line)
        self._begin(begun(line, self.scene, listed(line, self.scene, self.runs)))
        self._down(line)

    def _begin(self, run: Running) -> None:
        self._bound(run, self._cost(run.line))
        self.runs[run.line.number] = run
        self.scene.listed[run.line.number] = run.amount

    def _down(self, line: BasketLine) -> None:
        if run := self.runs.get(line.number):
            price_line(run, self.scene)
            self._bound(run)

    def _cost(self, line: BasketLine) -> Decimal:
        """Return what a line costs us where that can be absurd: in money or units of others."""
        scene, entry = self.scene, line.entry
        if line.base <= MAX_QUANTITY and entry.currency is None and scene.rate <= ONE:
            return ZERO
        return scene.money(entry.cost or ZERO, entry.currency) * abs(line.base)

    @staticmethod
    def _bound(run: Running, cost: Decimal = ZERO) -> None:
        if max(abs(run.amount), abs(run.list_unit), cost) >= LINE_MAX:
            raise TooLarge

    def _gifts(self, line: BasketLine) -> None:
        for gift in self.runs[line.number].gifts:
            number = max(len(self.scene.lines), *self.runs) + 1
            free = free_line(gift, line, self.scene, number)
            self.runs[free.line.number] = free

    def _header(self) -> None:
        runs = self._in_order()
        discounts_of_book(self.scene, runs)
        self.problems.extend(granted.after_rounding(self.scene, runs))

    def _second(self, line: BasketLine) -> None:
        guardrail.second_pass(self.runs[line.number], self.scene)

    def _pocket(self, line: BasketLine) -> None:
        self.pockets[line.number] = pocket_line(self.runs[line.number], self.scene)


def cost_of(run: Running, scene: Scene) -> Decimal:
    """Return our cost of a line in the quote's currency, in minor units."""
    entry = run.line.entry
    cost = scene.money(entry.cost or Decimal(0), entry.currency)
    return scene.rounding.line(cost * run.line.base)


def _too_fine(run: Running) -> LineProblem:
    text = f"the price of {run.line.sku} has more decimals than an amount can have"
    return problem("inexact", f"{text}; round lines in the price book", "rounding.line", run.line)


def _problem(fault: Exception, line: BasketLine | None) -> LineProblem:
    """Say what went wrong with a line (None: with the quote), and what to do."""
    sku = line.sku if line else "the quote"
    match fault:
        case NoCost():
            text = f"{sku} has no cost in the price book, so its margin is unknown; add the cost"
            return problem("no_cost", text, "cost", line)
        case NoRate(pair=(base, quote)):
            text = f"there is no rate from {base} to {quote}, which {sku} needs"
            return problem("no_rate", f"{text}; publish an FX table that has it", "currency", line)
        case NoBasis():
            return problem("no_basis", str(fault), "price", line)
        case NoPriceForQuantity():
            return problem("quantity", str(fault), "quantity", line)
        case OffScale():
            return problem("off_scale", f"{sku}: {fault}", "rounding.list", line)
        case RuleConflict(rules=(left, right)):
            text = f"the rules {left} and {right} tie for {sku}"
            return problem(
                "rule_conflict", f"{text}; give one of them a higher priority", "rules", line
            )
        case BelowFloor(rail=rail):
            text = f"{sku} is below its lowest price ({rail.name}); lower the discounts"
            return problem("below_floor", text, "discounts", line)
        case TooLarge():
            text = f"the price or the cost of {sku} is absurd, {LINE_MAX:f} or more; lower its"
            text += " quantity, or correct the price book or its FX table"
            return problem("absurd", text, "quantity", line)
    text = f"the price of {sku} can not be held exactly; use fewer decimals"
    return problem("inexact", text, "quantity", line)
