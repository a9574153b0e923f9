"""Sellers, approvers and customers of a run: mostly sensible, sometimes wrong or late."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts.configuration import RequestedItem
from contracts.pricing import DiscountAsk
from services.approvals import handlers as approvals
from services.approvals.domain.case import Decision
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import stream_of_quote
from services.quotes.domain.status import status_of_quote
from services.quotes.handlers import customers, sellers
from tests.simulation import catalogue
from tests.simulation.seen import QuoteSeen

if TYPE_CHECKING:
    from infra.work import Work
    from tests.simulation.people import Speaker
    from tests.simulation.world import World

SELLERS = ("user/seller-1", "user/seller-1", "user/appr-regional-1")
SENSIBLE = {
    "draft": ("edit", "edit", "submit"),
    "configuring": (*("wait",) * 6, "retry", "edit"),
    "pricing": (*("wait",) * 6, "retry", "edit"),
    "priced": ("submit", "submit", "edit"),
    "in_approval": (*("wait",) * 4, "recall", "edit", "submit"),
    "approved": (*("wait",) * 6, "recall", "retry"),
    "ready": ("present", "present", "present", "edit"),
    "returned": ("edit", "edit", "edit", "retry"),
    "presented": ("wait", "wait", "revise"),
    "expired": ("revise",),
}
ANYTHING = ("edit", "submit", "present", "revise", "retry", "recall", "withdraw", "clone")
REASON = "another plan"


@dataclass(slots=True)
class Desks:
    """Everybody who decides something by hand."""

    world: "World"
    speaker: "Speaker"

    # ---- sellers

    def sell(self) -> bool:
        """Let a seller draft a quote or move one on."""
        rng, watch = self.world.rng, self.world.watch
        actor = rng.choice(SELLERS)
        if watch.deals and (not watch.quotes or rng.random() < 0.06):
            return self._draft(actor, rng.choice(list(watch.deals)))
        if not watch.quotes:
            return False
        known = list(watch.quotes.values())
        alive = [each for each in known if each.outcome is None]
        quote = rng.choice(alive if alive and rng.random() < 0.85 else known)
        what = rng.choice(ANYTHING)
        if rng.random() < 0.9:
            what = rng.choice(SENSIBLE.get(self._status(quote), ("wait", "clone")))
        if what == "wait":
            return False
        command = getattr(self, f"_{what}")(quote.quote_id)
        return self.speaker.say("quotes", actor, f"does {what} {quote.number}", command)

    def _status(self, quote: QuoteSeen) -> str:
        store = self.world.rooms["quotes"].store
        found = fold(each.fact for each in store.read(stream_of_quote(quote.quote_id)))
        return status_of_quote(found) if found else "draft"

    def _draft(self, actor: str, deal_id: UUID) -> bool:
        wanted = sellers.DraftQuote(deal_id, *self._content())
        said = partial(_with, sellers.draft_quote, wanted)
        return self.speaker.say("quotes", actor, f"drafts for {deal_id}", said)

    def _content(self) -> tuple[tuple[RequestedItem, ...], tuple[DiscountAsk, ...]]:
        rng = self.world.rng
        items = tuple(RequestedItem.model_validate(each) for each in catalogue.wish(rng))
        asked = tuple(DiscountAsk.model_validate(each) for each in catalogue.discounts(rng))
        return items, asked

    def _edit(self, quote_id: UUID) -> Callable[["Work"], None]:
        rng = self.world.rng
        items, asked = self._content()
        submit, fresh = rng.random() < 0.7, rng.random() < 0.2
        wanted = sellers.EditDraft(quote_id, items, asked, submit, fresh, self._etag(quote_id))
        return partial(_with, sellers.edit_draft, wanted, self._units)

    def _etag(self, quote_id: UUID) -> str | None:
        """Return the tag that a page shows, an old one, or none."""
        old = f"{stream_of_quote(quote_id)}/1"
        return self.world.rng.choice((None, None, None, old))

    def _submit(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.submit_quote, quote_id, self._etag(quote_id), self._units)

    def _present(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.present_quote, quote_id, None, self._units)

    def _revise(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.revise_quote, quote_id, None, self._units)

    def _retry(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.retry_ask, quote_id, self._units)

    def _recall(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.recall_revision, quote_id, REASON, self._units)

    def _withdraw(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.withdraw_quote, quote_id, REASON, self._units)

    def _clone(self, quote_id: UUID) -> Callable[["Work"], None]:
        return partial(_with, sellers.clone_quote, quote_id)

    @property
    def _units(self) -> Any:
        return catalogue.load().units

    # ---- customers

    def buy(self) -> bool:
        """Let a customer answer an offer: a yes, a no, a look, a wish; sometimes a wrong one."""
        rng = self.world.rng
        shown = [
            (quote, each)
            for quote in self.world.watch.quotes.values()
            for each in quote.revisions
            if each.presented
        ]
        if not shown:
            return False
        quote, revision = rng.choice(shown)
        assert revision.presented
        number, digest = revision.number, revision.presented.document_sha256
        what = rng.choice(("accept", "accept", "accept_other", "view", "view", "decline", "change"))
        commands: dict[str, Callable[[Work], None]] = {
            "accept": partial(self._accept, quote.quote_id, number, digest),
            "accept_other": partial(self._accept, quote.quote_id, number, "0" * 64),
            "view": partial(_with, customers.view_offer, quote.quote_id, number, self._units),
            "decline": partial(
                _with,
                customers.decline_offer,
                customers.DeclineOffer(quote.quote_id, number, "price", None),
                self._units,
            ),
            "change": partial(
                _with, customers.request_change, quote.quote_id, number, "more", self._units
            ),
        }
        said = f"does {what} {quote.number} revision {number}"
        return self.speaker.say("quotes", "anonymous", said, commands[what])

    def _accept(self, quote_id: UUID, revision: int, digest: str, work: "Work") -> None:
        yes = customers.AcceptOffer(quote_id, revision, "A. Example", digest, "nonce")
        customers.accept_offer(work, yes, self._units)

    # ---- approvers

    def approve(self) -> bool:
        """Let somebody decide a case that the approvers' system was told of, open or not."""
        rng, asks = self.world.rng, self.world.partners.asks
        if not asks:
            return False
        ask = asks[rng.choice(list(asks))]
        named = ask["approvers"] or ["appr-finance-1"]
        everybody = [each.id for each in self.world.watch.directory.approvers]
        approver = rng.choice(named) if rng.random() < 0.8 else rng.choice(everybody)
        verdict = rng.choice(("approve", "approve", "approve", "reject"))
        key = ask["content_key"] if rng.random() < 0.95 else "0" * 64
        case_id, authority = UUID(ask["case_id"]), catalogue.load().authority

        def decide(work: "Work") -> None:
            decision = Decision(
                content_key=key, approver=approver, verdict=verdict, reason="So be it", at=work.now
            )
            approvals.decision_made(work, case_id, decision, authority)

        said = f"{approver} says {verdict} to {ask['quote']} step {ask['step']}"
        return self.speaker.say("approvals", "system/approvals", said, decide)


def _with(handler: Callable[..., None], *args: Any) -> None:
    """Call a handler with the work, which comes last, first."""
    *given, work = args
    handler(work, *given)
