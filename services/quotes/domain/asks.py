"""The asks themselves: each carries all that its answer depends on."""

from dataclasses import dataclass

from contracts.commercial import NOTHING_ASKED, CommercialAsk
from contracts.configuration import ConfiguredItem, RequestedItem
from contracts.opportunity import OpportunityDetails
from contracts.pricing import DiscountAsk, PricingPins
from contracts.quote import (
    ConfigurationRequested,
    DocumentRequested,
    PricingRequested,
    RevisionRecalled,
    RevisionSubmitted,
)
from services.quotes.domain.content import content_key
from services.quotes.domain.errors import EmptyQuote, NotReady
from services.quotes.domain.quote import NO_PINS, Quote, Revision
from services.quotes.domain.situation import Situation
from services.quotes.domain.validity import last_day


@dataclass(frozen=True, slots=True)
class Reprice:
    """The book and rates that somebody saw and wants a draft priced with, and why."""

    pins: PricingPins
    reason: str


@dataclass(frozen=True, slots=True)
class Wish:
    """All items and discounts as somebody wants them, and who stands behind them.

    `submit`: go on to approval once priced. `fresh_prices`: take the newest book and rates, not
    those that this revision was priced with; `reprice`: take exactly these.
    """

    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    submit: bool
    fresh_prices: bool
    by: str
    commercial: CommercialAsk = NOTHING_ASKED
    reprice: Reprice | None = None


def wish_again(draft: Revision, by: str, *, submit: bool) -> Wish:
    """Return what the draft wants already; who asked for it first stays behind it."""
    return Wish(
        draft.items,
        draft.discounts,
        submit,
        fresh_prices=False,
        by=draft.asked_by or by,
        commercial=draft.commercial,
    )


def ask_configuration(situation: Situation, wanted: Wish) -> ConfigurationRequested:
    """Ask the configurator about all items.   Raises: EmptyQuote."""
    quote = situation.quote
    if not wanted.items:
        raise EmptyQuote(f"{quote.number} has no item; add one", quote=quote.number, field="items")
    return ConfigurationRequested(
        **quote.ids(quote.current.number),
        items=wanted.items,
        discounts=wanted.discounts,
        submit=wanted.submit,
        requested_by=wanted.by,
        commercial=asked_for(wanted.commercial),
    )


def asked_for(commercial: CommercialAsk) -> CommercialAsk | None:
    """Return what a fact says of it: nothing, where nothing was asked for."""
    return None if commercial == NOTHING_ASKED else commercial


def ask_price(
    situation: Situation, draft: Revision, items: tuple[ConfiguredItem, ...], wanted: Wish
) -> PricingRequested:
    """Ask the pricer about configured items, with the deal's details of this moment.

    A draft priced before keeps its book and rates, so that one edit does not move other prices; not
    where region or currency changed, for which another book may hold.
    """
    quote, details = situation.quote, situation.deal.details
    currency = wanted.commercial.currency or details.currency
    reprice = wanted.reprice
    return PricingRequested(
        **quote.ids(draft.number),
        items=items,
        account_id=details.account_id,
        customer_tier=details.customer_tier,
        region=details.region,
        segment=details.segment,
        channel=details.channel,
        partner=details.partner,
        currency=currency,
        discounts=wanted.discounts,
        day=situation.today(),
        pins=reprice.pins if reprice else _pins(draft, wanted, details.region, currency),
        submit=wanted.submit,
        requested_by=wanted.by,
        number=quote.number,
        selling_unit=details.selling_unit,
        commercial=asked_for(wanted.commercial),
        reprice_reason=reprice.reason if reprice else None,
    )


def _pins(draft: Revision, wanted: Wish, region: str, currency: str) -> PricingPins:
    before = draft.pricing
    same_book = before is not None and (before.region, before.currency) == (region, currency)
    return draft.pins if same_book and not wanted.fresh_prices else NO_PINS


def price_is_current(situation: Situation, draft: Revision) -> bool:
    """Say whether asking the pricer now would ask the same: details, discounts and day."""
    asked, details = draft.pricing, situation.deal.details
    if asked is None or draft.price is None:
        return False
    currency = draft.commercial.currency or details.currency
    before = (*_customer(asked), asked.currency)
    now = (*_customer(details), currency)
    same_wish = draft.is_configured and (asked.discounts, asked.commercial) == (
        draft.discounts,
        asked_for(draft.commercial),
    )
    return same_wish and before == now and asked.day == situation.today()


def _customer(told: PricingRequested | OpportunityDetails) -> tuple[str | None, ...]:
    """Return for whom a price holds, and through whom it is sold."""
    customer = (told.account_id, told.customer_tier, told.region)
    return (*customer, told.segment, told.channel, told.partner)


def ask_approval(situation: Situation, draft: Revision) -> RevisionSubmitted:
    """Ask approvals about the priced offer; fixes terms and validity under one content key."""
    quote, unit, price, asked = situation.quote, situation.known_unit(), draft.price, draft.pricing
    assert price is not None, "only a priced draft is submitted"  # noqa: S101
    assert asked is not None, "a price answers an ask"  # noqa: S101
    valid_until = last_day(situation.today(), draft.commercial.validity_days or unit.validity_days)
    return RevisionSubmitted(
        **quote.ids(draft.number),
        number=quote.number,
        opportunity=situation.deal.opportunity,
        details=situation.deal.details,
        offer=price.offer,
        terms=unit.terms,
        content_key=content_key(asked, price, unit.terms, valid_until, unit.zone),
        valid_until=valid_until,
        zone=unit.zone,
        requested_by=asked.requested_by,
        hands=_people({*quote.hands, asked.requested_by, situation.actor}),
        breaches=price.breaches,
        internal=price.internal,
    )


def _people(actors: set[str]) -> tuple[str, ...]:
    return tuple(sorted(each for each in actors if each.startswith("user/")))


def ask_document(situation: Situation, submitted: RevisionSubmitted) -> DocumentRequested:
    """Ask documents for the PDF of exactly what was submitted; without costs and margins."""
    unit = situation.known_unit()
    return DocumentRequested(
        **situation.quote.ids(submitted.revision),
        number=submitted.number,
        details=submitted.details,
        offer=submitted.offer,
        terms=submitted.terms,
        content_key=submitted.content_key,
        issued_on=situation.today(),
        valid_until=submitted.valid_until,
        zone=submitted.zone,
        brand=unit.brand,
        language=unit.language,
    )


def draft_document(situation: Situation, revision: Revision) -> DocumentRequested:
    """Return the ask as it would be said now, for a preview; nothing is asked.

    Raises: NotReady, without a price; UnknownSellingUnit.
    """
    if revision.price is None:
        raise NotReady(
            f"revision {revision.number} of {situation.quote.number} has no price yet",
            quote=situation.quote.number,
            revision=revision.number,
            missing="price",
        )
    return ask_document(situation, revision.submission or ask_approval(situation, revision))


def recalled(quote: Quote, reason: str, actor: str) -> RevisionRecalled:
    """Take the current revision back, so that a pending approval is closed."""
    return RevisionRecalled(**quote.ids(quote.current.number), reason=reason, recalled_by=actor)


def recalled_if_submitted(situation: Situation, reason: str) -> list[RevisionRecalled]:
    """Take the draft back, if it was submitted."""
    quote = situation.quote
    return [recalled(quote, reason, situation.actor)] if quote.current.submission else []
