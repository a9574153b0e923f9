"""The last change of a draft's content, and what it was before: so that it can be undone."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from contracts.envelope import Fact
from contracts.quote import ConfigurationRequested, PricingRequested
from services.quotes.domain.asks import Wish
from services.quotes.domain.errors import StaleAsk
from services.quotes.domain.evolving import evolve
from services.quotes.domain.quote import Quote, Revision


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of items or discounts; `number` is the place of its fact in the quote's stream.

    `after` is what became of it: the same content, configured and priced, if that is done.
    """

    number: int
    by: str
    before: Revision
    after: Revision


def last_edit(facts: Iterable[Fact]) -> Edit | None:
    """Return the last change of the draft, if somebody could go back behind it now.

    None: nothing was changed in this revision, it began empty, or it was sent to approval since.
    """
    quote: Quote | None = None
    found: Edit | None = None
    for number, fact in enumerate(facts, start=1):
        earlier, quote = quote, evolve(quote, fact)
        if earlier is None or quote is None or earlier.current.number != quote.current.number:
            found = None
        elif isinstance(fact, ConfigurationRequested | PricingRequested) and _content(
            earlier.current
        ) != _content(quote.current):
            found = Edit(number, fact.requested_by, earlier.current, quote.current)
    if quote is None or found is None or not _can_be_undone(quote, found):
        return None
    return replace(found, after=quote.current)


def _content(revision: Revision) -> object:
    return revision.items, revision.discounts, revision.commercial


def _can_be_undone(quote: Quote, edit: Edit) -> bool:
    draft = None if quote.outcome else quote.draft
    return draft is not None and draft.submission is None and bool(edit.before.items)


def undone(quote: Quote, facts: Iterable[Fact], number: int, actor: str) -> Wish:
    """Return what the draft was before its last change, to be asked for again.

    Raises: QuoteNotOpen, RevisionPresented; StaleAsk, if that change is not the last any more.
    """
    quote.must_have_draft()
    edit = last_edit(facts)
    if edit is None or edit.number != number:
        raise StaleAsk(
            f"{quote.number} was changed or sent on since; nothing was undone, so look at it first",
            quote=quote.number,
            revision=quote.current.number,
        )
    before = edit.before
    return Wish(before.items, before.discounts, False, False, actor, before.commercial)
