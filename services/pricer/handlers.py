"""Answer an ask for prices: choose the versions, price, keep the trace, say the fact."""

from dataclasses import dataclass

from contracts.envelope import Opened
from contracts.errors import Refused
from contracts.pricing import (
    LineProblem,
    PriceColumn,
    PricingFailed,
    PricingPins,
    QuotePriced,
)
from contracts.quote import PricingRequested
from infra.work import Work
from services.pricer import asks
from services.pricer.books import Shelf, Shelves, VersionRefused
from services.pricer.domain.asks.ask import ColumnAsk, PriceAsk, Priced, Unpriced, problem
from services.pricer.domain.asks.checks import sellers_alone
from services.pricer.domain.books.book import FxTable
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.levers import column as columns
from services.pricer.domain.prices.pricing import price

TRACE_MEDIA_TYPE = "application/json"
SHELF = "pricer.shelf"


@dataclass(frozen=True, slots=True)
class Fixed:
    """The versions that a question is answered with."""

    book: CompiledBook
    fx: FxTable

    def price(self, ask: PriceAsk) -> Priced | Unpriced:
        """Price with these."""
        return price(ask, self.book, self.fx)


class NotPriceable(Refused):
    """There is no price; `problems` says for each line why, and what to do.

    `rest` is the price of the lines that have one, for the door to show as its caller may see it.
    """

    code = "pricer.not_priceable"
    title = "There is no price for this"

    def __init__(self, problems: tuple[LineProblem, ...], rest: Priced | None = None) -> None:
        first = problems[0].message
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(first + more, problems=list(problems))
        self.rest = rest


def price_quote(heard: Opened, work: Work, shelf: Shelves) -> None:
    """Answer PricingRequested with QuotePriced or PricingFailed; never with part of a price."""
    ask = heard.fact
    if not isinstance(ask, PricingRequested):
        raise TypeError(f"{heard.meta.type} is no ask for a price")
    found = answer(PriceAsk.of(ask), ask.pins, _now(work, shelf))
    stream = f"pricer.answer/{ask.quote_id}"
    asks.keep(work, heard.meta.id, ask, None if isinstance(found, Unpriced) else found)
    if isinstance(found, Unpriced):
        work.append(stream, _failed(ask, heard.meta.id, found))
        return
    work.append(stream, _priced(ask, heard.meta.id, found, work))


def answer(ask: PriceAsk, pins: PricingPins, shelf: Shelf) -> Priced | Unpriced:
    """Price with the pinned versions, or the newest in force on the day of the ask."""
    try:
        book, fx = shelf.book(pins.book, ask.day), shelf.fx(pins.fx, ask.day)
    except VersionRefused as fault:
        return Unpriced((problem(fault.kind, fault.message, fault.field),))
    return price(ask, book, fx)


def fixed(ask: PriceAsk, pins: PricingPins, shelf: Shelf) -> Fixed:
    """Return book and rates for an ask, to price others like it with the same.

    Raises: NotPriceable.
    """
    try:
        return Fixed(shelf.book(pins.book, ask.day), shelf.fx(pins.fx, ask.day))
    except VersionRefused as fault:
        raise NotPriceable((problem(fault.kind, fault.message, fault.field),)) from None


def _now(work: Work, shelf: Shelves) -> Shelf:
    """Return the shelf of this moment; one and the same for all asks of a batch."""
    found: Shelf | None = work.scratch.get(SHELF)
    if found is None:
        found = work.scratch[SHELF] = shelf.now()
    return found


def preview(ask: PriceAsk, pins: PricingPins, shelf: Shelves) -> Priced:
    """Price without a fact.   Raises: NotPriceable."""
    found = answer(ask, pins, shelf.now())
    if isinstance(found, Unpriced):
        raise NotPriceable(found.problems, found.rest)
    return found


def column(ask: ColumnAsk, shelves: Shelves) -> PriceColumn:
    """Return list prices of single parts, without a fact.   Raises: NotPriceable."""
    basket, shelf = ask.basket(), shelves.now()
    try:
        book, fx = shelf.book(ask.pins.book, ask.day), shelf.fx(ask.pins.fx, ask.day)
    except VersionRefused as fault:
        raise NotPriceable((problem(fault.kind, fault.message, fault.field),)) from None
    found = columns.column(basket, book, fx)
    if isinstance(found, columns.NoColumn):
        raise NotPriceable(found.problems)
    return found


def _priced(ask: PricingRequested, answers: str, found: Priced, work: Work) -> QuotePriced:
    return QuotePriced(
        deal_id=ask.deal_id,
        quote_id=ask.quote_id,
        revision=ask.revision,
        answers=answers,
        book=found.book,
        fx=found.fx,
        fx_rate=found.fx_rate,
        engine=found.engine,
        input_sha256=found.input_sha256,
        trace_sha256=work.keep(found.trace, TRACE_MEDIA_TYPE),
        lines=found.lines,
        totals=found.totals,
        breaches=found.breaches,
        internal=found.internal,
    )


def _failed(ask: PricingRequested, answers: str, found: Unpriced) -> PricingFailed:
    return PricingFailed(
        deal_id=ask.deal_id,
        quote_id=ask.quote_id,
        revision=ask.revision,
        answers=answers,
        problems=found.problems,
        who_can_move_it="seller" if sellers_alone(found.problems) else "admin",
    )
