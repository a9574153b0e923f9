"""Routes of a seller's levers: what a draft would cost otherwise, and the price of another book."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import Field

from contracts.pricing import PricingPins
from contracts.values import Money, Pin, Value
from infra.web import Principal, allow
from infra.work import Cause, Commands
from services.quotes.api.doorway import Doorway, Seen, Why, deal_of, quote_of
from services.quotes.api.sellers import shown
from services.quotes.domain.asks import Reprice
from services.quotes.domain.quote import Quote
from services.quotes.domain.repricing import Repricing
from services.quotes.domain.situation import Situation
from services.quotes.handlers import sellers
from services.quotes.handlers.sellers import EditDraft, RepriceDraft
from services.quotes.levers import Levers, discounts_of

Seller = Annotated[Principal, Depends(allow("seller", "admin"))]
Quantities = Annotated[list[str], Query(min_length=1, max_length=24)]


class TargetBody(Value):
    """What a part, an item or (neither named) the quote shall come to, net, and why."""

    net: Money
    rationale: str = Field(min_length=3, max_length=1000)
    item_id: str | None = None
    sku: str | None = None


class RepriceBody(Value):
    """The book and rates whose difference was seen, and why the draft shall have them."""

    book: Pin
    fx: Pin
    reason: str = Field(min_length=3, max_length=1000)


def routes(commands: Commands, doorway: Doorway) -> APIRouter:
    """Return the routes of the levers."""
    router = APIRouter(prefix="/quotes", tags=["quotes"])
    _asking(router, commands, doorway)
    _deciding(router, commands, doorway)
    return router


def situation(commands: Commands, doorway: Doorway, quote: Quote, cause: Cause) -> Situation:
    """Return what a question about a draft looks at."""
    deal = deal_of(commands, quote.deal_id)
    unit = doorway.units.get(deal.details.selling_unit)
    return Situation(quote, deal, unit, cause.actor, cause.now)


def _asking(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    levers = Levers(doorway.asker)

    def at(quote: str, cause: Cause) -> Situation:
        return situation(commands, doorway, quote_of(commands, quote), cause)

    @router.get("/{quote}/next-breaks")
    def next_breaks(quote: str, _seller: Seller, cause: Why) -> Any:
        """Return how many more of each item make it cheaper, and what that saves."""
        return levers.next_breaks(at(quote, cause))

    @router.get("/{quote}/quantities")
    def quantities(quote: str, item: str, quantity: Quantities, _seller: Seller, cause: Why) -> Any:
        """Return what an item would cost at other quantities."""
        return levers.quantities(at(quote, cause), item, quantity)

    @router.get("/{quote}/largest-discount")
    def largest(quote: str, _seller: Seller, cause: Why) -> Any:
        """Return the largest discount on the quote that nobody has to approve."""
        return levers.largest_discount(at(quote, cause))

    @router.get("/{quote}/repricing")
    def repriced(quote: str, _seller: Seller, cause: Why) -> Any:
        """Return what the newest price book and rates would change; nothing is changed."""
        return repricing_view(levers.repricing(at(quote, cause)))


def _deciding(router: APIRouter, commands: Commands, doorway: Doorway) -> None:
    @router.post("/{quote}/target-price")
    def target(  # noqa: PLR0913, PLR0917 - a route's parameters are its form
        quote: str,
        body: TargetBody,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Grant the discount that brings a total to the target exactly, and ask for prices."""
        found = quote_of(commands, quote)
        aim(commands, doorway, (found, body), cause, expected)
        return shown(commands, found.quote_id, principal, response)

    @router.post("/{quote}/repricing")
    def reprice(  # noqa: PLR0913, PLR0917 - a route's parameters are its form
        quote: str,
        body: RepriceBody,
        response: Response,
        principal: Seller,
        cause: Why,
        expected: Seen,
    ) -> Any:
        """Price the draft with the book and rates whose difference was seen."""
        quote_id = quote_of(commands, quote).quote_id
        wanted = RepriceDraft(
            quote_id, Reprice(PricingPins(book=body.book, fx=body.fx), body.reason), expected
        )
        commands.run(cause, lambda work: sellers.reprice_draft(work, wanted, doorway.units))
        return shown(commands, quote_id, principal, response)


def aim(
    commands: Commands,
    doorway: Doorway,
    wanted: tuple[Quote, TargetBody],
    cause: Cause,
    expected: str | None,
) -> None:
    """Look for the discount that hits a target, and grant it on the draft that was looked at.

    Raises: NotPriced, Refused, Unavailable; StaleAsk, if the draft was changed meanwhile; see
    `asking.edit` for the rest.
    """
    quote, body = wanted
    draft = quote.must_have_draft()
    at = situation(commands, doorway, quote, cause)
    answer = Levers(doorway.asker).target_price(at, body.model_dump(mode="json"))
    edit = EditDraft(
        quote.quote_id,
        draft.items,
        discounts_of(answer),
        submit=False,
        fresh_prices=False,
        expected=expected or draft.etag,
    )
    commands.run(cause, lambda work: sellers.edit_draft(work, edit, doorway.units))


def repricing_view(found: Repricing) -> dict[str, Any]:
    """Return a difference as JSON: books, rates, totals and every line, before and after."""
    return {
        "is_same_book": found.is_same_book,
        "before": found.before.model_dump(mode="json"),
        "after": found.after.model_dump(mode="json"),
        "net": _moved(found.net_before, found.net_after),
        "lines": [
            {
                **{name: asdict(each)[name] for name in ("item_id", "sku", "charge", "name")},
                **_moved(each.before, each.after),
            }
            for each in found.lines
        ],
    }


def _moved(before: Money | None, after: Money | None) -> dict[str, Any]:
    change = after - before if before is not None and after is not None else None
    return {
        name: each.model_dump(mode="json") if each is not None else None
        for name, each in (("before", before), ("after", after), ("change", change))
    }
