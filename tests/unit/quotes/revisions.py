"""Revisions as answers of peers leave them, built without a desk; any of them, for laws."""

from datetime import date
from uuid import UUID

from hypothesis import strategies as st

from contracts.configuration import ConfigurationValidated, ConfiguredItem, Decision, RequestedItem
from contracts.pricing import DiscountAsk, PricedLine, PricingPins, QuotePriced
from contracts.quote import ConfigurationRequested, PricedOffer, PricingRequested, RevisionPriced
from contracts.values import Percent, Quantity
from services.quotes.domain.quote import Revision
from tests.unit.quotes.peers import Peers

ASK = "quotes.quote/1/2"


def item(item_id: str = "macro", quantity: int = 40, band: str = "n78") -> RequestedItem:
    """Return a wanted item with one answer."""
    chosen = Decision(attribute="band", value=band, source="user")
    return RequestedItem(
        item_id=item_id, product="bts-macro", quantity=Quantity(quantity), decisions=(chosen,)
    )


def discount(
    percent: str, rationale: str = "volume over 3 years", item_id: str | None = None
) -> DiscountAsk:
    """Return a discount with its reason."""
    return DiscountAsk(percent=Percent(percent), rationale=rationale, item_id=item_id)


def revision(
    *items: RequestedItem,
    discounts: tuple[DiscountAsk, ...] = (),
    number: int = 1,
    is_priced: bool = True,
    currency: str = "EUR",
) -> Revision:
    """Return a revision that stands configured and priced, or as it was typed."""
    plain = Revision(number=number, items=items, discounts=discounts, etag=ASK)
    if not (is_priced and items):
        return plain
    ids = {"deal_id": UUID(int=1), "quote_id": UUID(int=2), "revision": number}
    asked = ConfigurationRequested(
        **ids, items=items, discounts=discounts, submit=False, requested_by="user/ann"
    )
    configured = Peers().validated(asked, ASK)
    assert isinstance(configured, ConfigurationValidated)
    ask = PricingRequested(
        **ids,
        items=configured.items,
        account_id="acc-17",
        customer_tier="gold",
        region="EMEA",
        currency=currency,
        discounts=discounts,
        day=date(2026, 3, 2),
        pins=PricingPins(),
        submit=False,
        requested_by="user/ann",
    )
    priced = Peers().priced(ask, ASK)
    assert isinstance(priced, QuotePriced)
    price = RevisionPriced(
        **ids,
        answers=ASK,
        offer=offer_of(configured.items, priced),
        engine=priced.engine,
        trace_sha256=priced.trace_sha256,
        breaches=(),
        internal=priced.internal,
    )
    return Revision(
        number=number,
        items=items,
        discounts=discounts,
        etag=ASK,
        configured=configured.items,
        configured_from=items,
        pricing=ask,
        price=price,
    )


def offer_of(items: tuple[ConfiguredItem, ...], priced: QuotePriced) -> PricedOffer:
    """Return the offer that a price answer makes."""
    return PricedOffer(
        items=items,
        lines=priced.lines,
        totals=priced.totals,
        discounts=(),
        book=priced.book,
        fx=priced.fx,
        fx_rate=None,
    )


def line_of(found: Revision, number: int = 1) -> PricedLine:
    """Return a line of a priced revision."""
    assert found.price is not None
    return found.price.offer.lines[number - 1]


# ---- any of them

NAMES = st.sampled_from(["macro", "micro", "link", "mast"])
ITEMS = st.lists(
    st.builds(item, NAMES, st.integers(1, 99), st.sampled_from(["n78", "n41", "n28"])),
    max_size=4,
    unique_by=lambda each: each.item_id,
).map(tuple)
PERCENTS = st.integers(0, 40).map(str)
DISCOUNTS = st.lists(
    st.builds(discount, PERCENTS, st.sampled_from(["volume", "first order"]), st.none() | NAMES),
    max_size=3,
).map(tuple)


@st.composite
def revisions(draw: st.DrawFn) -> Revision:
    """Any revision: with or without items, discounts and a price."""
    return revision(*draw(ITEMS), discounts=draw(DISCOUNTS), is_priced=draw(st.booleans()))
