"""What quotes does when it hears of opportunities, of answers, and of a validity that is over."""

from typing import Any, cast
from uuid import UUID, uuid5

from contracts.envelope import Opened
from contracts.opportunity import (
    OpportunityDetailsChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityReopened,
    OpportunityWon,
)
from infra.work import Reminder, Work
from services.quotes.domain.deal import (
    Deal,
    fold_deal,
    hear_details,
    hear_lost,
    hear_reopened,
    hear_won,
    stream_of_deal,
)
from services.quotes.domain.drafting import NewQuote, draft_from_requirements
from services.quotes.domain.outcomes import expire, lose
from services.quotes.domain.recording import Answer, record
from services.quotes.handlers.numbering import number_quote
from services.quotes.handlers.streams import (
    Units,
    deal_of,
    siblings_of,
    situation_of,
    write,
)


def opportunity_opened(heard: Opened, work: Work, units: Units) -> None:
    """Take the deal up; draft its requirements once, unless it has quotes or is closed already."""
    fact = cast("OpportunityOpened", heard.fact)
    deal = _take_details(work, fact)
    if fact.requirements and not deal.quotes and deal.closed is None:
        quote_id = uuid5(deal.deal_id, work.cause.command_id)
        new = NewQuote(
            quote_id=quote_id,
            number=number_quote(work, quote_id),
            items=fact.requirements,
            discounts=fact.discounts,
            drafted_by=work.actor,
            clone_of=None,
        )
        drafted = draft_from_requirements(deal, new, units.get(deal.details.selling_unit))
        work.append(stream_of_deal(deal.deal_id), *drafted.deal)
        write(work, quote_id, drafted.quote)


def details_changed(heard: Opened, work: Work) -> None:
    """Take other details over; an opportunity we never saw opened is taken up now."""
    _take_details(work, cast("OpportunityDetailsChanged", heard.fact))


def _take_details(work: Work, fact: OpportunityOpened | OpportunityDetailsChanged) -> Deal:
    stream = stream_of_deal(fact.deal_id)
    work.append(stream, *hear_details(deal_of(work, fact.deal_id), fact))
    deal = fold_deal([each.fact for each in work.read(stream)])
    assert deal is not None, "hearing details takes a deal up"  # noqa: S101
    return deal


def opportunity_won(heard: Opened, work: Work) -> None:
    """Close the deal; no quote changes."""
    fact = cast("OpportunityWon", heard.fact)
    deal = deal_of(work, fact.deal_id)
    if deal:
        work.append(stream_of_deal(deal.deal_id), *hear_won(deal))


def opportunity_lost(heard: Opened, work: Work) -> None:
    """Close the deal and withdraw its open quotes, in one work."""
    fact = cast("OpportunityLost", heard.fact)
    deal = deal_of(work, fact.deal_id)
    closed = hear_lost(deal, fact.reason) if deal else []
    if deal is None or not closed:
        return
    work.append(stream_of_deal(deal.deal_id), *closed)
    for quote_id, facts in lose(siblings_of(work, deal, None), fact.reason, work.actor):
        write(work, quote_id, facts)


def opportunity_reopened(heard: Opened, work: Work) -> None:
    """Let the deal take quotes again; nothing is revived."""
    fact = cast("OpportunityReopened", heard.fact)
    deal = deal_of(work, fact.deal_id)
    if deal:
        work.append(stream_of_deal(deal.deal_id), *hear_reopened(deal, fact))


def answered(heard: Opened, work: Work, units: Units) -> None:
    """Record an answer to one of our asks, and ask what comes next.

    Raises: QuoteNotFound, for an answer that we never asked for: parked, since somebody must look.
    """
    answer = cast("Answer", heard.fact)
    situation = situation_of(work, answer.quote_id, units)
    write(work, answer.quote_id, record(situation, answer, heard.meta.id))


def validity_over(reminder: Reminder, work: Work, units: Units) -> None:
    """Note that the presented revision expired, if it is still the one on the table."""
    body: dict[str, Any] = dict(reminder.body)
    quote_id = UUID(body["quote_id"])
    situation = situation_of(work, quote_id, units)
    write(work, quote_id, expire(situation, int(body["revision"])))
