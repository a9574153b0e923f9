"""What a deal or a quote refuses, each with its code; state refusals are 409, bad input is 422."""

from contracts.errors import Conflict, NotFound, Refused


class QuoteNotFound(NotFound):
    """No quote bears this number or id."""

    code = "quote.not_found"


class DealNotFound(NotFound):
    """We have not taken up this opportunity."""

    code = "quote.deal_not_found"


class RevisionNotFound(NotFound):
    """The quote has no such revision."""

    code = "quote.revision_not_found"


class NotPriced(NotFound):
    """The revision has no price yet."""

    code = "quote.not_priced"


class OfferNotFound(NotFound):
    """The link is not valid, or the offer is not presented; a stranger learns no more."""

    code = "quote.offer_not_found"


class BadItems(Refused):
    """Items or discounts contradict one another; names the field."""

    code = "quote.bad_items"


class EmptyQuote(Refused):
    """There is no item to configure."""

    code = "quote.empty"


class UnknownSellingUnit(Refused):
    """The opportunity names a selling unit that the catalogue does not have."""

    code = "quote.unknown_selling_unit"


class StateRefused(Refused):
    """Base of refusals that depend on how far the quote is: 409."""

    status = 409


class DealIsClosed(StateRefused):
    """The deal is won or lost and takes no further quotes."""

    code = "quote.deal_closed"


class DealIsOrdered(StateRefused):
    """One quote of the deal was accepted already; a deal has at most one order."""

    code = "quote.deal_ordered"


class QuoteNotOpen(StateRefused):
    """The quote is accepted, declined or withdrawn; nothing changes it any more."""

    code = "quote.not_open"


class OfferClosed(StateRefused):
    """What a customer hears of a quote that is not open: the outcome, not the reason."""

    code = "quote.offer_closed"


class RevisionPresented(StateRefused):
    """The revision was presented and never changes again; revise the quote instead."""

    code = "quote.presented"


class NotPresented(StateRefused):
    """The customer has not been shown this yet."""

    code = "quote.not_presented"


class Superseded(StateRefused):
    """A later revision was presented; that one counts."""

    code = "quote.superseded"


class Expired(StateRefused):
    """The validity is over."""

    code = "quote.expired"


class DocumentDiffers(StateRefused):
    """The document named is not the one that was presented."""

    code = "quote.document_differs"


class NotReady(StateRefused):
    """Presenting needs configuration, price, approval and document for the same content."""

    code = "quote.not_ready"


class AlreadyAsked(StateRefused):
    """The same question is on its way; its answer will come."""

    code = "quote.already_asked"


class NothingToRecall(StateRefused):
    """Nothing is pending or approved that could be taken back."""

    code = "quote.nothing_to_recall"


class NothingToRetry(StateRefused):
    """No ask is pending and none failed in a way that asking again could mend."""

    code = "quote.nothing_to_retry"


class DraftExists(StateRefused):
    """A later revision is being prepared already; edit that one."""

    code = "quote.draft_exists"


class StaleAsk(Conflict):
    """Somebody edited or asked since the caller looked; reload and decide again."""

    code = "quote.stale"
