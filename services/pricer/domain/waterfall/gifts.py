"""Free goods: what a rule gives away stands as lines of their own, at their list price less all."""

from decimal import Decimal

from services.pricer.domain.asks.basket import BasketLine
from services.pricer.domain.asks.scene import Scene
from services.pricer.domain.books.book import Entry
from services.pricer.domain.waterfall.charging import NoPriceForQuantity
from services.pricer.domain.waterfall.running import Gift, Running
from services.pricer.domain.waterfall.waterfall import at_list


def free_line(gift: Gift, beside: BasketLine, scene: Scene, number: int) -> Running:
    """Return a line for what a rule gives beside a line: its list price, and all of it off.

    Raises: NoPriceForQuantity, if the book has no price for what it gives; NoCost; NoRate.
    """
    run = at_list(_line(number, beside, gift, scene), scene)
    run.take("promotion", gift.rule, gift.words, (Decimal(0), Decimal(0)))
    return run


def _line(number: int, beside: BasketLine, gift: Gift, scene: Scene) -> BasketLine:
    sku, quantity = gift.sku, gift.quantity
    offer = next(
        (each for each in scene.book.offers.get(sku, ()) if _in_force(each.entry, scene)), None
    )
    if offer is None:
        text = f"the free part {sku} has no price in the book; add an entry for it"
        raise NoPriceForQuantity(text)
    return BasketLine(
        number=number,
        item_id=beside.item_id,
        offer=offer,
        name=_name(sku, scene),
        quantity=quantity,
        unit=offer.entry.unit,
        base=quantity,
        count=quantity,
        each=Decimal(1),
        free=True,
    )


def _in_force(entry: Entry, scene: Scene) -> bool:
    return entry.effective is None or entry.effective.holds(scene.ask.day)


def _name(sku: str, scene: Scene) -> str:
    """Return what the part is called elsewhere in the basket; a book knows no names."""
    return next((each.name for each in scene.lines if each.sku == sku), sku)
