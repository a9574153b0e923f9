"""What the routes are given, and the bodies they take."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID

from fastapi import Depends
from pydantic import Field

from contracts.commercial import NOTHING_ASKED, CommercialAsk
from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.pricing import DiscountAsk
from contracts.values import Sha256, Value
from infra.ask import Asker
from infra.web import cause_of, if_match
from infra.work import Cause, Commands
from services.quotes.brands import Brand
from services.quotes.domain.deal import Deal, fold_deal, stream_of_deal
from services.quotes.domain.errors import DealNotFound, QuoteNotFound
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.handlers.streams import Units
from services.quotes.links import Links

MAX_ITEMS = 200

Items = Annotated[tuple[RequestedItem, ...], Field(max_length=MAX_ITEMS)]
Discounts = Annotated[tuple[DiscountAsk, ...], Field(max_length=MAX_ITEMS)]


Why = Annotated[Cause, Depends(cause_of)]
Seen = Annotated[str | None, Depends(if_match)]


@dataclass(frozen=True, slots=True)
class Doorway:
    """Selling units and brands, capability links, the peers that may be asked, and nonces."""

    units: Units
    links: Links
    asker: Asker
    nonce: Callable[[], str]
    public_url: str
    brands: Mapping[str, Brand] = field(default_factory=dict)


class DraftBody(Value):
    """A new quote of a deal; items may be given later."""

    items: Items = ()
    discounts: Discounts = ()
    commercial: CommercialAsk = NOTHING_ASKED


class EditBody(Value):
    """All items and discounts as they shall be, and whether to go on to approval once priced.

    `fresh_prices`: take the newest price book and rates, not those of this draft's last price.
    `commercial`: currency, validity and terms; without it they stay as they are.
    """

    items: Annotated[tuple[RequestedItem, ...], Field(min_length=1, max_length=MAX_ITEMS)]
    discounts: Discounts
    submit: bool
    fresh_prices: bool = False
    commercial: CommercialAsk | None = None


class ReasonBody(Value):
    """Why, in words."""

    reason: str = Field(min_length=3, max_length=1000)


class AcceptBody(Value):
    """The typed name of who accepts, and the hash of the document that was read."""

    name: str = Field(min_length=2, max_length=200, pattern=r"\S")
    document_sha256: Sha256


class DeclineBody(Value):
    """Why not."""

    reason_code: Literal["price", "timing", "competitor", "scope", "other"]
    comment: str | None = Field(default=None, max_length=2000)


class ChangeBody(Value):
    """What the customer wants otherwise."""

    message: str = Field(min_length=3, max_length=4000)


def quote_id_of(commands: Commands, quote: str) -> UUID:
    """Return the id of a quote given by number (`Q-1042`) or id.   Raises: QuoteNotFound."""
    stream = commands.find(quote)
    try:
        return UUID(stream.rpartition("/")[2] if stream else quote)
    except ValueError:
        raise QuoteNotFound(f"there is no quote {quote[:60]}", quote=quote[:60]) from None


def quote_of(commands: Commands, quote: str) -> Quote:
    """Return a committed quote by number or id.   Raises: QuoteNotFound."""
    return folded(quote, facts_of(commands, quote))


def folded(quote: str, facts: Iterable[Fact]) -> Quote:
    """Return the quote of these facts.   Raises: QuoteNotFound, if there are none."""
    found = fold(facts)
    if found is None:
        raise QuoteNotFound(f"there is no quote {quote[:60]}", quote=quote[:60])
    return found


def facts_of(commands: Commands, quote: str) -> list[Fact]:
    """Return the committed facts of a quote by number or id.   Raises: QuoteNotFound."""
    stream = stream_of_quote(quote_id_of(commands, quote))
    return [each.fact for each in commands.read(stream)]


def deal_of(commands: Commands, deal_id: UUID) -> Deal:
    """Return a committed deal.   Raises: DealNotFound."""
    found = fold_deal([each.fact for each in commands.read(stream_of_deal(deal_id))])
    if found is None:
        raise DealNotFound(f"there is no deal {deal_id}", deal_id=deal_id)
    return found
