"""Where an item stands: its deal, its quote if there is one, and what else the quote holds."""

from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from contracts import places
from contracts.configuration import Decision, RequestedItem
from contracts.errors import NotFound
from contracts.pricing import DiscountAsk
from services.configurator.domain.sessions.moving import Newer
from services.configurator.domain.sessions.session import Place, Session
from services.configurator.peers import Json, Quotes
from services.configurator.sessions import Listed

ITEMS = TypeAdapter(tuple[RequestedItem, ...])
DISCOUNTS = TypeAdapter(tuple[DiscountAsk, ...])
# What a quote can not be changed in, and what helps then.
PRESENTED = frozenset({"presented", "expired", "superseded"})
OVER = frozenset({"accepted", "declined", "withdrawn"})
IN_APPROVAL = frozenset({"in_approval", "approved", "ready"})


class NoSuchItem(NotFound):
    """The quote does not hold this item, or no longer."""

    code = "configuration.no_such_item"


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of the answers: the session, what stands in it, or in words why nothing is.

    `decisions` None: those of the form stand. `others` were begun here before. `newer`: the
    session stands on an earlier version of its model, and nothing goes on before it is moved.
    """

    session: Session | None = None
    decisions: tuple[Decision, ...] | None = None
    words: str = ""
    others: tuple[Listed, ...] = ()
    newer: Newer | None = None


@dataclass(frozen=True, slots=True)
class Setting:
    """One item in its quote; `item` is None for a new one, `quote` None for a new quote."""

    here: str
    deal: Json
    quote: Json | None = None
    item: RequestedItem | None = None
    kept: Kept = field(default_factory=Kept)

    @property
    def place(self) -> Place:
        """Where a session of this item belongs."""
        item_id = self.item.item_id if self.item else None
        return Place(deal_id=self.deal["deal_id"], quote=self.number, item_id=item_id)

    @property
    def items(self) -> tuple[RequestedItem, ...]:
        """All items of the quote."""
        return ITEMS.validate_python(self.quote["current"]["items"]) if self.quote else ()

    @property
    def discounts(self) -> tuple[DiscountAsk, ...]:
        """All discounts of the quote."""
        return DISCOUNTS.validate_python(self.quote["current"]["discounts"]) if self.quote else ()

    @property
    def discount(self) -> DiscountAsk | None:
        """The percentage on this item; what else was granted on it is settled on the quote."""
        wanted = self.item.item_id if self.item else None
        return next((each for each in self.discounts if is_percentage_on(each, wanted)), None)

    def with_discount(self, item_id: str, discount: DiscountAsk | None) -> list[DiscountAsk]:
        """Return all discounts, with this one in place of the percentage on an item.

        An item has one discount: a percentage takes the place of an amount off it, too.
        """
        others = [each for each in self.discounts if not is_percentage_on(each, item_id)]
        if discount is None:
            return others
        return [*(each for each in others if each.target != discount.target), discount]

    @property
    def etag(self) -> str:
        """What the quote is now, for If-Match."""
        return str(self.quote["current"]["etag"]) if self.quote else ""

    @property
    def pins(self) -> Json:
        """The book and rates that the draft was priced with: an edit keeps them."""
        offer = self.quote["current"]["offer"] if self.quote else None
        return {"book": offer["book"], "fx": offer["fx"]} if offer else {}

    @property
    def number(self) -> str | None:
        """The quote's number."""
        return str(self.quote["number"]) if self.quote else None

    def item_id(self, product: str) -> str:
        """Return the item's id, or the next free one for a new item."""
        if self.item:
            return self.item.item_id
        taken = {each.item_id for each in self.items}
        free = (f"{product[:30]}-{number}" for number in count(1))
        return next(each for each in free if each not in taken)

    def with_item(self, item: RequestedItem, discount: DiscountAsk | None) -> Json:
        """Return the edit of the quote that puts this item in its place, or at the end."""
        items = list(self.items)
        places_ = [at for at, each in enumerate(items) if each.item_id == item.item_id]
        if places_:
            items[places_[0]] = item
        else:
            items.append(item)
        return edit(items, self.with_discount(item.item_id, discount))

    def without_item(self) -> Json:
        """Return the edit of the quote that takes this item out."""
        gone = self.item.item_id if self.item else None
        return edit(
            [each for each in self.items if each.item_id != gone],
            [each for each in self.discounts if each.item_id is None or each.item_id != gone],
        )

    def closed(self) -> str | None:
        """Say why nothing can be put into the quote now, and what helps; None, if it can."""
        if self.quote is None:
            return _deal_closed(self.deal)
        number, status = self.quote["number"], self.quote["status"]
        if status in OVER:
            return f"{number} is {status}; nothing changes it any more. Clone it to offer anew."
        if status in PRESENTED:
            return (
                f"{number} is {status}, and what a customer was shown never changes."
                " Begin a new revision on its page, then configure that one."
            )
        return None

    def takes_back(self) -> bool:
        """Say whether a change takes the quote back from approval."""
        return self.quote is not None and self.quote["status"] in IN_APPROVAL


def is_percentage_on(ask: DiscountAsk, item_id: str | None) -> bool:
    """Say whether it is the percentage that the page of an item asks for."""
    return item_id is not None and ask.target == (item_id, None) and ask.amount is None


def edit(items: Any, discounts: Any) -> Json:
    """Return the edit of a draft."""
    return {
        "items": [each.model_dump(mode="json") for each in items],
        "discounts": [each.model_dump(mode="json") for each in discounts],
        "submit": False,
    }


def of_deal(quotes: Quotes, deal_id: UUID) -> Setting:
    """Return where the first item of a new quote stands.   Raises: NotFound, Unavailable."""
    return Setting(places.first_item(deal_id), quotes.deal(deal_id))


def of_quote(quotes: Quotes, number: str) -> Setting:
    """Return where one more item of a quote stands.   Raises: NotFound, Unavailable."""
    quote = quotes.quote(number)
    return Setting(places.new_item(quote["number"]), quotes.deal(quote["deal_id"]), quote)


def of_item(quotes: Quotes, number: str, item_id: str) -> Setting:
    """Return where an item of a quote stands.   Raises: NoSuchItem, NotFound, Unavailable."""
    whole = of_quote(quotes, number)
    item = next((each for each in whole.items if each.item_id == item_id), None)
    if item is None:
        raise NoSuchItem(
            f"{whole.number} has no item {item_id[:60]}; it may have been removed",
            quote=whole.number,
        )
    return replace(whole, here=places.item(str(whole.number), item_id), item=item)


def _deal_closed(deal: Json) -> str | None:
    if deal["ordered"]:
        return f"This deal has its order, {deal['ordered']}, and takes no further quotes."
    if deal["closed"]:
        return f"This deal is {deal['closed']} and takes no further quotes."
    return None
