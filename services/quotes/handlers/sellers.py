"""Commands of sellers: load, decide, append. Each is one work, run once per command id."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID, uuid5

from contracts.commercial import NOTHING_ASKED, CommercialAsk
from contracts.configuration import RequestedItem
from contracts.envelope import Fact
from contracts.pricing import DiscountAsk
from infra.work import Work
from services.quotes.domain import asking, outcomes
from services.quotes.domain.asks import Reprice, Wish
from services.quotes.domain.deal import Deal, stream_of_deal
from services.quotes.domain.drafting import NewQuote, draft, kept_for
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.domain.situation import Situation
from services.quotes.domain.undoing import undone
from services.quotes.handlers.numbering import number_quote
from services.quotes.handlers.streams import Units, known_deal, known_quote, situation_of, write


@dataclass(frozen=True, slots=True)
class DraftQuote:
    """Draft a quote for a deal; items may come later."""

    deal_id: UUID
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    commercial: CommercialAsk = NOTHING_ASKED


@dataclass(frozen=True, slots=True)
class EditDraft:
    """Replace the draft's content and ask; `expected` is the ask that the seller saw, if told.

    `commercial`: None keeps what the draft has, for the items that are still there.
    """

    quote_id: UUID
    items: tuple[RequestedItem, ...]
    discounts: tuple[DiscountAsk, ...]
    submit: bool
    fresh_prices: bool
    expected: str | None
    commercial: CommercialAsk | None = None


@dataclass(frozen=True, slots=True)
class RepriceDraft:
    """Price a draft with the book and rates that somebody saw, and say why."""

    quote_id: UUID
    reprice: Reprice
    expected: str | None


def quote_id_for(deal_id: UUID, command_id: str) -> UUID:
    """Return the id of the quote that this command drafts."""
    return uuid5(deal_id, command_id)


def draft_quote(work: Work, wanted: DraftQuote) -> None:
    """Draft a quote, the first or an alternative.

    Raises: DealNotFound, DealIsClosed, DealIsOrdered, BadItems.
    """
    deal = known_deal(work, wanted.deal_id)
    _draft(work, deal, wanted, None)


def clone_quote(work: Work, quote_id: UUID) -> None:
    """Draft a new quote of the same deal from the newest revision of this one, with fresh prices.

    Raises: QuoteNotFound, DealIsClosed, DealIsOrdered.
    """
    origin = known_quote(work, quote_id)
    newest = origin.current
    wanted = DraftQuote(origin.deal_id, newest.items, newest.discounts, newest.commercial)
    _draft(work, known_deal(work, origin.deal_id), wanted, origin)


def _draft(work: Work, deal: Deal, wanted: DraftQuote, origin: Quote | None) -> None:
    quote_id = quote_id_for(deal.deal_id, work.cause.command_id)
    new = NewQuote(
        quote_id=quote_id,
        number=number_quote(work, quote_id),
        items=wanted.items,
        discounts=wanted.discounts,
        drafted_by=work.actor,
        commercial=wanted.commercial,
        clone_of=origin.quote_id if origin else None,
        taken_over_from=tuple(sorted(origin.hands)) if origin else (),
    )
    drafted = draft(deal, new)
    work.append(stream_of_deal(deal.deal_id), *drafted.deal)
    write(work, quote_id, drafted.quote)


def edit_draft(work: Work, wanted: EditDraft, units: Units) -> None:
    """Replace items and discounts and ask again.   Raises: see `asking.edit`, StaleAsk."""
    situation = situation_of(work, wanted.quote_id, units)
    situation.must_match(wanted.expected)
    kept = wanted.commercial or kept_for(wanted.items, situation.quote.current.commercial)
    wish = Wish(
        wanted.items, wanted.discounts, wanted.submit, wanted.fresh_prices, work.actor, kept
    )
    write(work, wanted.quote_id, asking.edit(situation, wish))


def reprice_draft(work: Work, wanted: RepriceDraft, units: Units) -> None:
    """Ask for the prices of another book.   Raises: see `asking.reprice`, StaleAsk."""
    situation = situation_of(work, wanted.quote_id, units)
    situation.must_match(wanted.expected)
    write(work, wanted.quote_id, asking.reprice(situation, wanted.reprice))


def undo_edit(work: Work, quote_id: UUID, number: int, units: Units) -> None:
    """Ask for what the draft was before its last change.   Raises: see `asking.edit`, `undone`."""
    situation = situation_of(work, quote_id, units)
    facts = [each.fact for each in work.read(stream_of_quote(quote_id))]
    wish = undone(situation.quote, facts, number, work.actor)
    write(work, quote_id, asking.edit(situation, wish))


def submit_quote(work: Work, quote_id: UUID, expected: str | None, units: Units) -> None:
    """Bring the draft to approval.   Raises: see `asking.submit`, StaleAsk."""
    _decide(work, quote_id, expected, units, asking.submit)


def present_quote(work: Work, quote_id: UUID, expected: str | None, units: Units) -> None:
    """Show the approved revision to the customer.   Raises: see `outcomes.present`, StaleAsk."""
    _decide(work, quote_id, expected, units, outcomes.present)


def revise_quote(work: Work, quote_id: UUID, expected: str | None, units: Units) -> None:
    """Begin the next revision.   Raises: see `asking.revise`, StaleAsk."""
    _decide(work, quote_id, expected, units, asking.revise)


def retry_ask(work: Work, quote_id: UUID, units: Units) -> None:
    """Say the pending or failed ask again.   Raises: see `asking.retry`."""
    _decide(work, quote_id, None, units, asking.retry)


def recall_revision(work: Work, quote_id: UUID, reason: str, units: Units) -> None:
    """Take back what is pending or approved.   Raises: see `asking.recall`."""
    _decide(work, quote_id, None, units, lambda situation: asking.recall(situation, reason))


def withdraw_quote(work: Work, quote_id: UUID, reason: str, units: Units) -> None:
    """Take the quote back for good.   Raises: see `outcomes.withdraw`."""
    _decide(work, quote_id, None, units, lambda situation: outcomes.withdraw(situation, reason))


def _decide(
    work: Work,
    quote_id: UUID,
    expected: str | None,
    units: Units,
    decide: Callable[[Situation], list[Fact]],
) -> None:
    situation = situation_of(work, quote_id, units)
    situation.must_match(expected)
    write(work, quote_id, decide(situation))
