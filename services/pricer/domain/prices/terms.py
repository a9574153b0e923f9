"""An offer over its term: months in which nothing changes are priced as one, then added up.

Every period is a price of its own, by the same engine, of the items and quantities that stand in
it; one-time charges are those of the offer itself. Total contract value is one-time charges and all
recurring ones; annual contract value leaves one-time charges out.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.charges import ONE_TIME, months_of
from contracts.commercial import RampSegment, TermAsk, TermPeriod, TermTotals
from contracts.pricing import DiscountAsk, GuardrailBreach, LineProblem, PricedLine
from contracts.values import EXACT, Money, minor_unit
from services.pricer.domain.asks.ask import BasketItem, PriceAsk, Priced, Unpriced, problem
from services.pricer.domain.asks.rounding import ROUNDS, line_digits, line_mode, quantized
from services.pricer.domain.books.book import RoundingPolicy
from services.pricer.domain.books.canonical import canonical
from services.pricer.domain.books.compiled import CompiledBook

YEAR = 12
# Each period is a whole price: more are no ramp, but an absurd size.
PERIODS_MAX = 36


@dataclass(frozen=True, slots=True)
class _Period:
    """Months from `first` (0 is the first of the term) in which each item has one segment."""

    first: int
    months: int
    segments: Mapping[str, RampSegment | None]


def over_term(
    ask: PriceAsk,
    base: Priced,
    book: CompiledBook,
    price_one: Callable[[PriceAsk], Priced | Unpriced],
) -> Priced | Unpriced:
    """Add what a priced offer comes to over its term, or say why that can not be told.

    The sales discount becomes the highest of any period, and floors broken in one are breaches of
    the offer: a ramp is no way round an authority or a floor.
    """
    terms = _terms_of(ask, base)
    if isinstance(terms, LineProblem):
        return Unpriced((terms,))
    periods = list(_periods(ask, terms))
    if len(periods) > PERIODS_MAX:
        text = f"the terms divide the quote into {len(periods)} periods; {PERIODS_MAX} are the most"
        fault = problem("term_periods", f"{text}: let segments end together", "terms")
        return Unpriced((fault,))
    found: list[tuple[_Period, Priced]] = []
    for each in periods:
        priced = price_one(_in_period(ask, each)) if _differs(ask, each) else base
        if isinstance(priced, Unpriced):
            return Unpriced(tuple(_told(one, each) for one in priced.problems))
        found.append((each, priced))
    return _whole(base, terms, found, book.book.rounding)


def _terms_of(ask: PriceAsk, base: Priced) -> dict[str, TermAsk] | LineProblem:
    """Return the term of each item that has one: its own, else the quote's."""
    named = {each.item_id: each for each in ask.terms}
    terms = {
        item.item_id: term
        for item in ask.items
        if (term := named.get(item.item_id) or named.get(None))
    }
    for line in base.lines:
        if months_of(line.charge) and line.item_id not in terms:
            text = f"item {line.item_id} has recurring charges and no term; give it one, or"
            return problem("term_missing", f"{text} the quote", "terms")
    return terms


def _periods(ask: PriceAsk, terms: Mapping[str, TermAsk]) -> Iterator[_Period]:
    ends = sorted({end for term in terms.values() for end, _ in _segments(term)})
    first = 0
    for end in ends:
        segments = {
            item.item_id: _segment_at(terms.get(item.item_id), first)
            for item in ask.items
            if item.item_id not in terms or terms[item.item_id].months > first
        }
        yield _Period(first, end - first, segments)
        first = end


def _segments(term: TermAsk) -> Iterator[tuple[int, RampSegment]]:
    """Give each segment with the month in which it ends; a term without a ramp is one."""
    end = 0
    for each in term.ramp or (RampSegment(months=term.months),):
        end += each.months
        yield end, each


def _segment_at(term: TermAsk | None, month: int) -> RampSegment | None:
    if term is None:
        return None
    return next(segment for end, segment in _segments(term) if month < end)


def _differs(ask: PriceAsk, period: _Period) -> bool:
    """Say whether a period has other items, quantities or discounts than the offer itself."""
    if len(period.segments) < len(ask.items):
        return True
    return any(
        each and (each.quantity is not None or each.percent is not None)
        for each in period.segments.values()
    )


def _in_period(ask: PriceAsk, period: _Period) -> PriceAsk:
    items = tuple(
        _with_quantity(item, period.segments[item.item_id])
        for item in ask.items
        if item.item_id in period.segments
    )
    percents = {
        item_id: segment.percent
        for item_id, segment in period.segments.items()
        if segment and segment.percent is not None
    }
    kept = [
        each
        for each in ask.discounts
        if each.item_id is None
        or (each.item_id in period.segments and (each.sku or each.item_id not in percents))
    ]
    own = [
        DiscountAsk(item_id=item_id, percent=percent, rationale="as asked for the term")
        for item_id, percent in percents.items()
    ]
    return ask.but({"items": items, "discounts": (*kept, *own), "terms": ()})


def _with_quantity(item: BasketItem, segment: RampSegment | None) -> BasketItem:
    if segment is None or segment.quantity is None:
        return item
    return item.but({"quantity": segment.quantity})


def _told(found: LineProblem, period: _Period) -> LineProblem:
    return found.but({"message": f"{_words(period)}: {found.message}"})


def _words(period: _Period) -> str:
    first, last = period.first + 1, period.first + period.months
    return f"month {first}" if first == last else f"months {first} to {last}"


# ---- adding up


def _whole(
    base: Priced,
    terms: Mapping[str, TermAsk],
    found: Sequence[tuple[_Period, Priced]],
    policy: RoundingPolicy,
) -> Priced:
    currency = base.totals.currency
    by_item: dict[str, Decimal] = {}
    periods, rows = [], []
    for period, priced in found:
        amount, lines = Decimal(0), []
        for line in priced.lines:
            if not months_of(line.charge) or line.item_id not in terms:
                continue
            part = _recurring(line, period.months, policy)
            amount = EXACT.add(amount, part)
            by_item[line.item_id] = EXACT.add(by_item.get(line.item_id, Decimal(0)), part)
            lines.append([line.item_id, line.sku, str(line.quantity), f"{part:f}"])
        money = Money.of(amount, currency)
        periods.append(
            TermPeriod(first_month=period.first + 1, months=period.months, recurring=money)
        )
        rows.append(lines)
    totals = _totals(base, terms, by_item, tuple(periods))
    return _with_totals(base, totals, found, rows)


def _recurring(line: PricedLine, months: int, policy: RoundingPolicy) -> Decimal:
    """Return what a line comes to in so many months, rounded once, at the point `line`."""
    whole = EXACT.multiply(line.net_total.amount, Decimal(months))
    exact = ROUNDS.divide(whole, Decimal(months_of(line.charge)))
    return quantized(exact, line_digits(policy, line.net_total.currency), line_mode(policy))


def _totals(
    base: Priced,
    terms: Mapping[str, TermAsk],
    by_item: Mapping[str, Decimal],
    periods: tuple[TermPeriod, ...],
) -> TermTotals:
    currency = base.totals.currency
    one_time = Money.total(
        (each.net for each in base.totals.by_charge if each.charge == ONE_TIME), currency
    )
    recurring = Money.total((each.recurring for each in periods), currency)
    yearly = sum(
        (
            Fraction(amount) * Fraction(YEAR, terms[item_id].months)
            for item_id, amount in by_item.items()
        ),
        Fraction(0),
    )
    exact = ROUNDS.divide(Decimal(yearly.numerator), Decimal(yearly.denominator))
    return TermTotals(
        months=max(each.months for each in terms.values()),
        one_time=one_time,
        recurring=recurring,
        tcv=one_time + recurring,
        acv=Money.of(quantized(exact, minor_unit(currency), "ROUND_HALF_UP"), currency),
        periods=periods,
    )


def _with_totals(
    base: Priced, term: TermTotals, found: Sequence[tuple[_Period, Priced]], rows: list[list[Any]]
) -> Priced:
    highest = max(priced.totals.sales_discount_percent for _, priced in found)
    given = max(base.totals.sales_discount_percent, highest)
    totals = base.totals.but({"term": term, "sales_discount_percent": given})
    breaches = (*base.breaches, *_more_breaches(base, found))
    tree: dict[str, Any] = json.loads(base.trace)
    tree["term"] = term.model_dump(mode="json")
    for period, lines in zip(tree["term"]["periods"], rows, strict=True):
        period["lines"] = lines
    tree["breaches"] = [each.model_dump(mode="json") for each in breaches]
    return replace(base, totals=totals, breaches=breaches, trace=canonical(tree))


def _more_breaches(
    base: Priced, found: Sequence[tuple[_Period, Priced]]
) -> Iterator[GuardrailBreach]:
    """Give the floors that a period breaks and the offer itself does not, each once."""
    numbers = {(each.item_id, each.sku, each.charge): each.line for each in base.lines}
    known = {(each.guardrail, each.line) for each in base.breaches}
    for period, priced in found:
        places = {
            each.line: numbers.get((each.item_id, each.sku, each.charge)) for each in priced.lines
        }
        for each in priced.breaches:
            line = None if each.line is None else places.get(each.line)
            if (each.guardrail, line) not in known:
                known.add((each.guardrail, line))
                message = f"{_words(period)}: {each.message}"
                yield each.but({"line": line, "message": message})
