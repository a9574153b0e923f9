"""What a seller asks for: edit, submit, recall, revise, retry."""

from dataclasses import replace

from contracts.envelope import Fact
from contracts.quote import QuoteRevised, Stage
from services.quotes.domain.asks import (
    Reprice,
    Wish,
    ask_approval,
    ask_configuration,
    ask_document,
    ask_price,
    asked_for,
    price_is_current,
    recalled,
    recalled_if_submitted,
    wish_again,
)
from services.quotes.domain.drafting import check_items, check_terms
from services.quotes.domain.errors import (
    AlreadyAsked,
    DraftExists,
    NothingToRecall,
    NothingToRetry,
    NotPresented,
    NotPriced,
)
from services.quotes.domain.quote import Revision
from services.quotes.domain.situation import Situation


def edit(situation: Situation, wanted: Wish) -> list[Fact]:
    """Replace the draft's content and ask again: the configurator, or only the pricer.

    An approval, pending or granted, no longer applies: the revision is recalled first.
    Raises: QuoteNotOpen, RevisionPresented, EmptyQuote, BadItems, UnknownSellingUnit.
    """
    draft = situation.quote.must_have_draft()
    situation.known_unit()
    check_items(wanted.items, wanted.discounts)
    check_terms(wanted.items, wanted.commercial)
    taken_back = recalled_if_submitted(situation, "edited")
    if draft.is_configured and wanted.items == draft.configured_from:
        return [*taken_back, ask_price(situation, draft, draft.configured, wanted)]
    return [*taken_back, ask_configuration(situation, wanted)]


def reprice(situation: Situation, wanted: Reprice) -> list[Fact]:
    """Ask for the prices of the book and rates that somebody saw, with his reason.

    Only a draft is priced anew: what was presented stands for ever.
    Raises: QuoteNotOpen, RevisionPresented, UnknownSellingUnit, NotPriced.
    """
    draft = situation.quote.must_have_draft()
    situation.known_unit()
    if not draft.is_configured or draft.pricing is None:
        raise NotPriced(
            f"{situation.quote.number} has no price that could change; edit or submit it",
            quote=situation.quote.number,
        )
    wish = replace(
        wish_again(draft, situation.actor, submit=False), by=situation.actor, reprice=wanted
    )
    taken_back = recalled_if_submitted(situation, f"priced anew: {wanted.reason}")
    return [*taken_back, ask_price(situation, draft, draft.configured, wish)]


def submit(situation: Situation) -> list[Fact]:
    """Bring the draft to approval from wherever it stands; re-price first what is out of date.

    Raises: QuoteNotOpen, RevisionPresented, EmptyQuote, UnknownSellingUnit, AlreadyAsked.
    """
    draft = situation.quote.must_have_draft()
    situation.known_unit()
    if draft.awaiting and (draft.wants_submit or draft.submission):
        raise AlreadyAsked(
            f"{situation.quote.number} waits for {draft.awaiting.stage}; it was submitted already",
            quote=situation.quote.number,
            stage=draft.awaiting.stage,
        )
    taken_back = recalled_if_submitted(situation, "submitted again")
    return [*taken_back, _next_ask(situation, draft)]


def _next_ask(situation: Situation, draft: Revision) -> Fact:
    wanted = wish_again(draft, situation.actor, submit=True)
    if draft.price and price_is_current(situation, draft):
        return ask_approval(situation, draft)
    if draft.is_configured:
        return ask_price(situation, draft, draft.configured, wanted)
    return ask_configuration(situation, wanted)


def recall(situation: Situation, reason: str) -> list[Fact]:
    """Take back what is pending or approved; the draft can be edited and submitted again.

    Raises: QuoteNotOpen, RevisionPresented, NothingToRecall.
    """
    draft = situation.quote.must_have_draft()
    if not draft.is_pending:
        raise NothingToRecall(
            f"revision {draft.number} of {situation.quote.number} waits for nobody",
            quote=situation.quote.number,
            revision=draft.number,
        )
    return [recalled(situation.quote, reason, situation.actor)]


def revise(situation: Situation) -> list[Fact]:
    """Begin the next revision from the presented one, which stays readable and acceptable.

    Raises: QuoteNotOpen, DraftExists, NotPresented.
    """
    quote = situation.quote
    quote.must_be_open()
    if quote.last_presented is None:
        raise NotPresented(
            f"{quote.number} is not presented yet; edit its draft instead", quote=quote.number
        )
    if quote.draft:
        raise DraftExists(
            f"revision {quote.draft.number} of {quote.number} is being prepared; edit that one",
            quote=quote.number,
            revision=quote.draft.number,
        )
    origin = quote.current
    revised = QuoteRevised(
        **quote.ids(origin.number + 1),
        from_revision=origin.number,
        items=origin.items,
        discounts=origin.discounts,
        revised_by=situation.actor,
        commercial=asked_for(origin.commercial),
    )
    return [revised]


def retry(situation: Situation) -> list[Fact]:
    """Say the pending or failed ask again, with today's details; for after a mend or a lost answer.

    Raises: QuoteNotOpen, RevisionPresented, UnknownSellingUnit, NothingToRetry, where only a change
    of the offer helps.
    """
    draft = situation.quote.must_have_draft()
    unit = situation.known_unit()
    stage = _stage_to_retry(draft)
    if stage is None:
        raise NothingToRetry(
            f"{situation.quote.number} has no ask to say again; edit or submit it",
            quote=situation.quote.number,
            revision=draft.number,
        )
    # Requirements that could not be asked at all have no earlier ask: the unit's setting decides.
    submit_again = draft.wants_submit if draft.asked_by else unit.auto_submit
    wanted = wish_again(draft, situation.actor, submit=submit_again)
    if stage == "document" and draft.submission:
        return [ask_document(situation, draft.submission)]
    if stage == "approval" and draft.price:
        return [*recalled_if_submitted(situation, "asked again"), ask_approval(situation, draft)]
    if stage == "pricing" and draft.is_configured:
        return [ask_price(situation, draft, draft.configured, wanted)]
    return [ask_configuration(situation, wanted)]


def _stage_to_retry(draft: Revision) -> Stage | None:
    if draft.awaiting:
        return draft.awaiting.stage
    if draft.returned is None:
        return None
    no_from_approver = (
        draft.returned.stage == "approval" and draft.returned.who_can_move_it == "seller"
    )
    return None if no_from_approver else draft.returned.stage
