"""A quote comes to be: drafted by a seller, from requirements, as an alternative, as a clone."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.commercial import NOTHING_ASKED, CommercialAsk
from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.pricing import DiscountAsk
from contracts.quote import (
    ConfigurationRequested,
    QuoteAdded,
    QuoteDrafted,
    RevisionReturned,
)
from contracts.values import Percent
from services.quotes.domain.deal import Deal, must_take_quotes
from services.quotes.domain.errors import BadItems, UnknownSellingUnit
from services.quotes.domain.quote import RevisionIds, stream_of_quote
from services.quotes.domain.selling_units import SellingUnit
from services.quotes.domain.situation import unknown_unit_words

FULL_PRICE = Percent(100)
NO_DISCOUNT = Percent("0")


@dataclass(frozen=True, slots=True)
class NewQuote:
    """What a quote begins with; its id comes from the command, so saying it twice makes one."""

    quote_id: UUID
    number: str
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    drafted_by: str
    clone_of: UUID | None
    taken_over_from: tuple[str, ...] = ()
    commercial: CommercialAsk = NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class Drafted:
    """Facts for the deal's stream and for the new quote's."""

    deal: list[Fact]
    quote: list[Fact]


def draft(deal: Deal, new: NewQuote) -> Drafted:
    """Add a quote to an open deal; nothing is asked yet.

    Raises: DealIsOrdered, DealIsClosed, BadItems.
    """
    must_take_quotes(deal)
    check_items(new.items, new.discounts)
    check_terms(new.items, new.commercial)
    return _drafted(deal, new)


def draft_from_requirements(deal: Deal, new: NewQuote, unit: SellingUnit | None) -> Drafted:
    """Draft what came with the opportunity and ask at once; what can not be asked is returned.

    The owner of the opportunity stands behind its requirements, so the owner is who requests, and
    can not approve what was requested.
    """
    drafted = _drafted(deal, new)
    first = _asked_or_returned(deal, new, unit)
    return Drafted(drafted.deal, [*drafted.quote, first])


def _asked_or_returned(deal: Deal, new: NewQuote, unit: SellingUnit | None) -> Fact:
    ids: RevisionIds = {"deal_id": deal.deal_id, "quote_id": new.quote_id, "revision": 1}
    fault: BadItems | UnknownSellingUnit | None = None
    try:
        check_items(new.items, new.discounts)
    except BadItems as found:
        fault = found
    if unit and fault is None:
        return ConfigurationRequested(
            **ids,
            items=new.items,
            discounts=new.discounts,
            submit=unit.auto_submit,
            requested_by=f"user/{deal.details.owner_id}",
        )
    fault = fault or UnknownSellingUnit(unknown_unit_words(deal.details.selling_unit))
    return RevisionReturned(
        **ids,
        answers=f"{stream_of_quote(new.quote_id)}/1",
        stage="configuration",
        code=fault.code,
        reason=fault.message,
        who_can_move_it="seller" if isinstance(fault, BadItems) else "admin",
    )


def _drafted(deal: Deal, new: NewQuote) -> Drafted:
    added = QuoteAdded(deal_id=deal.deal_id, quote_id=new.quote_id, number=new.number)
    drafted = QuoteDrafted(
        deal_id=deal.deal_id,
        quote_id=new.quote_id,
        revision=1,
        number=new.number,
        details=deal.details,
        items=new.items,
        discounts=new.discounts,
        drafted_by=new.drafted_by,
        commercial=None if new.commercial == NOTHING_ASKED else new.commercial,
        clone_of=new.clone_of,
        taken_over_from=new.taken_over_from,
    )
    return Drafted([added], [drafted])


def check_items(items: Sequence[RequestedItem], discounts: Sequence[DiscountAsk]) -> None:
    """Refuse what contradicts itself before anybody is asked; products and prices are for others.

    Raises: BadItems, naming the field.
    """
    ids = [each.item_id for each in items]
    for index, item_id in enumerate(ids):
        if item_id in ids[:index]:
            raise BadItems(
                f"two items have the id {item_id!r}; give each its own",
                field=f"items.{index}.item_id",
                rule="item ids are unique in a quote",
            )
    for index, discount in enumerate(discounts):
        if discount.item_id is not None and discount.item_id not in ids:
            raise BadItems(
                f"there is no item {discount.item_id!r}; its discount has nothing to lower",
                field=f"discounts.{index}.item_id",
                rule="a discount names an item of the quote, or none for the whole quote",
            )
        if not NO_DISCOUNT <= discount.percent <= FULL_PRICE:
            raise BadItems(
                f"a discount of {discount.percent} is no part of the price",
                field=f"discounts.{index}.percent",
                rule="a discount is from 0 to 100 %",
            )


def check_terms(items: Sequence[RequestedItem], commercial: CommercialAsk) -> None:
    """Refuse the term of an item that is not there.   Raises: BadItems, naming the field."""
    ids = {each.item_id for each in items}
    for index, term in enumerate(commercial.terms):
        if term.item_id is not None and term.item_id not in ids:
            raise BadItems(
                f"there is no item {term.item_id!r}; its term has nothing to run",
                field=f"commercial.terms.{index}.item_id",
                rule="a term names an item of the quote, or none for all others",
            )


def kept_for(items: Sequence[RequestedItem], commercial: CommercialAsk) -> CommercialAsk:
    """Return what stays of it where some items may be gone: their terms go with them."""
    ids = {each.item_id for each in items}
    terms = tuple(each for each in commercial.terms if each.item_id in {None, *ids})
    return commercial.but({"terms": terms})
