"""The lines of a basket: what stands in the bills, and whether so many of it can be sold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.pricing import LineProblem
from contracts.values import MAX_QUANTITY
from services.pricer.domain.asks.ask import BasketItem, BasketPart, PriceAsk, part_problem
from services.pricer.domain.asks.sizes import absurd_prices, of_part
from services.pricer.domain.asks.trace import say_number
from services.pricer.domain.books.allocation import decimals
from services.pricer.domain.books.book import Entry
from services.pricer.domain.books.compiled import CompiledBook
from services.pricer.domain.books.offers import Offer

# Without a word of the book: as many as a line of a bill may have. What a book says may be more:
# usage is estimated in millions.
DECIMALS, MOST = 3, MAX_QUANTITY
DECIMALS_MAX, MOST_MAX = 12, Decimal(10) ** 12
ONE = Decimal(1)


@dataclass(slots=True)
class BasketLine:
    """One line to price: one part of one item, at one charge. Never changed after it is made.

    `quantity` is in the unit that is sold, `base` in base units. A unit price is stated for `each`
    base units, and `count` of those make the line.
    """

    number: int
    item_id: str
    offer: Offer
    name: str
    quantity: Decimal
    unit: str
    base: Decimal
    count: Decimal
    each: Decimal = ONE
    free: bool = False

    @property
    def entry(self) -> Entry:
        """The entry of the price book."""
        return self.offer.entry

    @property
    def sku(self) -> str:
        """The part."""
        return self.offer.entry.sku

    @property
    def discountable(self) -> bool:
        """Whether sellers may discount it."""
        return self.offer.discountable

    @property
    def place(self) -> str:
        """How a person finds the line."""
        return f"line {self.number} ({self.sku} of item {self.item_id})"


def lines_of(ask: PriceAsk, book: CompiledBook) -> tuple[list[BasketLine], list[LineProblem]]:
    """Make one line per (item, part, charge), in the order of the items and their bills.

    A part that stands twice in a bill becomes one line. A part without a price, or an item
    without parts, is a problem, never a line of zero.
    """
    lines: list[BasketLine] = []
    problems: list[LineProblem] = []
    absurd = absurd_prices(ask)
    for item in ask.items:
        if not item.bill_of_materials:
            text = f"item {item.item_id} has no parts to price; configure it first"
            problems.append(part_problem("empty_item", item, None, text))
        for parts in _by_sku(item.bill_of_materials):
            found = _offers(item, parts[0].sku, book, ask.day)
            if isinstance(found, LineProblem):
                problems.append(found)
                continue
            for offer in found:
                line = (absurd and of_part(absurd, ask, item.item_id, parts[0].sku)) or _line(
                    len(lines) + 1, item, parts, offer, book
                )
                if isinstance(line, LineProblem):
                    problems.append(line)
                else:
                    lines.append(line)
    return lines, problems


def _by_sku(parts: Iterable[BasketPart]) -> Iterable[list[BasketPart]]:
    found: dict[tuple[str, str | None], list[BasketPart]] = {}
    for part in parts:
        found.setdefault((part.sku, part.unit), []).append(part)
    return found.values()


def _offers(
    item: BasketItem, sku: str, book: CompiledBook, day: date
) -> Sequence[Offer] | LineProblem:
    """Return what is offered of a part on the day: one offer for each charge."""
    pin = book.pin
    known = book.offers.get(sku, ())
    if not known:
        text = f"{sku} has no entry in price book {pin.id} version {pin.version}; add one"
        return part_problem("no_price", item, sku, text + ", or choose another part")
    if len(known) == 1 and known[0].entry.effective is None:
        return known
    found: dict[str, Offer] = {}
    for offer in known:
        entry = offer.entry
        if entry.effective is None or entry.effective.holds(day):
            other = found.get(entry.charge)
            if other is None or _begins(other.entry) < _begins(entry):
                found[entry.charge] = offer
    if not found:
        text = f"{sku} has no price in force on {day.isoformat()} in price book {pin.id} version"
        text += f" {pin.version}; add an entry for that day, or choose another part"
        return part_problem("no_price_that_day", item, sku, text)
    return list(found.values())


def _begins(entry: Entry) -> date:
    return entry.effective.first if entry.effective else date.min


def _line(
    number: int, item: BasketItem, parts: list[BasketPart], offer: Offer, book: CompiledBook
) -> BasketLine | LineProblem:
    entry, part = offer.entry, parts[0]
    each = _factor(entry, part.unit)
    if each is None:
        known = ", ".join([entry.unit, *(unit.unit for unit in entry.units)])
        text = f"{part.sku} is not sold per {part.unit}; use one of {known}"
        return part_problem("unit_unknown", item, part.sku, text)
    try:
        quantity = _sum(parts) * item.quantity.root
        base = quantity if each == ONE else quantity * each
        wrong = _wrong(entry, item, quantity, base)
    except ArithmeticError:
        wrong = _absurd(entry, item)
    if wrong:
        return part_problem("quantity", item, part.sku, wrong)
    stated = (quantity, each) if book.book.rounding.per == "sold_unit" else (base, ONE)
    return BasketLine(
        number, item.item_id, offer, part.name, quantity, part.unit or entry.unit, base, *stated
    )


def _factor(entry: Entry, unit: str | None) -> Decimal | None:
    if unit is None or unit == entry.unit:
        return ONE
    return next((each.factor for each in entry.units if each.unit == unit), None)


def _sum(parts: Sequence[BasketPart]) -> Decimal:
    return sum([part.quantity for part in parts[1:]], parts[0].quantity)


def _wrong(entry: Entry, item: BasketItem, quantity: Decimal, base: Decimal) -> str | None:
    """Say why so many can not be sold; None if they can."""
    rule, sku = entry.quantities, entry.sku
    if rule is None and 0 < quantity <= MOST and quantity.same_quantum(ONE):
        return None  # as nearly all are
    most, finest = (MOST, DECIMALS) if rule is None else (MOST_MAX, DECIMALS_MAX)
    if abs(quantity) > most or decimals(quantity) > finest:
        return _absurd(entry, item)
    if not quantity and not (rule and rule.zero):
        return f"the quantity of {sku} is zero; give one above zero, or drop the part"
    if quantity < 0 and not (rule and rule.negative):
        return f"the quantity of {sku} is {say_number(quantity)}; give one above zero"
    if rule is None or not quantity:
        return None
    size = abs(base)
    sold = f"the quantity of {sku} is {say_number(size)} {entry.unit}, and it is sold"
    if rule.at_least is not None and size < rule.at_least:
        return f"{sold} from {say_number(rule.at_least)}; raise it"
    if rule.at_most is not None and size > rule.at_most:
        return f"{sold} up to {say_number(rule.at_most)}; lower it"
    if rule.multiple_of is not None and size % rule.multiple_of:
        return f"{sold} in multiples of {say_number(rule.multiple_of)}; change it"
    return None


def _absurd(entry: Entry, item: BasketItem) -> str:
    return (
        f"the quantity of {entry.sku} in all {item.quantity} items is absurd or too fine; lower it"
    )
