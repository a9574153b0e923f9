"""A desk of quotes in memory, with peers that answer its asks, and realistic facts to hear."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from contracts.catalogue import FACTS, UPCASTERS
from contracts.configuration import (
    Decision,
    RequestedItem,
)
from contracts.envelope import Fact, Meta, Opened, Registry
from contracts.opportunity import (
    OpportunityDetails,
    OpportunityDetailsChanged,
    OpportunityLost,
    OpportunityOpened,
    OpportunityRef,
    OpportunityReopened,
    OpportunityWon,
    deal_id_of,
)
from contracts.pricing import (
    DiscountAsk,
)
from contracts.values import Percent, Quantity
from infra.desk import CommandDesk
from infra.memory import MemoryStore
from infra.work import Cause, Work
from services.quotes import consumer, units
from services.quotes.domain.deal import Deal, fold_deal, stream_of_deal
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.handlers import customers, sellers
from services.quotes.handlers.customers import AcceptOffer, DeclineOffer
from tests.unit.quotes.peers import Peers

CATALOG = Path(__file__).parents[3] / "catalogs" / "telecom"
REF = OpportunityRef(crm="crm://example", record_id="006-1")


class RememberingRegistry(Registry):
    """Reads every body once: facts are frozen, so the same bytes may give the same object."""

    def __init__(self) -> None:
        super().__init__(FACTS, UPCASTERS)
        self._read: dict[tuple[str, int, bytes], Fact] = {}

    def read(self, wire_type: str, version: int, value: bytes) -> Fact:
        """Read a body, or return what it gave before."""
        key = wire_type, version, value
        if key not in self._read:
            self._read[key] = super().read(wire_type, version, value)
        return self._read[key]


class Bench(Peers):
    """One memory desk; `now` is moved by hand, peers answer only when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore("quotes", RememberingRegistry())
        self.desk = CommandDesk(self.store, lambda _: None)
        self.units = dict(units.load(CATALOG))
        self.heard_count = 0
        self.commands = 0

    # ---- what the world is like

    ref = REF
    deal_id = deal_id_of(REF)

    def details(self, **changes: Any) -> OpportunityDetails:
        """Return the opportunity's details."""
        details = OpportunityDetails(
            name="Rollout North, 40 sites",
            account_id="acc-17",
            account_name="Example Telecom",
            customer_tier="gold",
            region="EMEA",
            currency="EUR",
            selling_unit="emea-direct",
            owner_id="seller-1",
            stage="Proposal",
        )
        return details.model_copy(update=changes)

    def item(self, item_id: str = "macro", quantity: int = 40, band: str = "n78") -> RequestedItem:
        """Return a macro station; bands by 3GPP TS 38.104, table 5.2-1."""
        chosen = Decision(attribute="band", value=band, source="user")
        return RequestedItem(
            item_id=item_id,
            product="bts-macro",
            quantity=Quantity(quantity),
            decisions=(chosen,),
        )

    def discount(self, percent: str = "5", item_id: str | None = None) -> DiscountAsk:
        """Return a discount with its reason."""
        return DiscountAsk(
            percent=Percent(percent), rationale="volume over 3 years", item_id=item_id
        )

    # ---- saying and hearing

    def hear(self, fact: Fact, command_id: str | None = None) -> list[Fact]:
        """Let the consumer hear a fact; returns what quotes says."""
        self.heard_count += 1
        stream = f"peers.answer/{fact.deal_id}"
        meta = Meta(
            id=f"{stream}/{self.heard_count}",
            source="peers",
            type=fact.wire_type(),
            version=fact.VERSION,
            deal_id=fact.deal_id,
            subject=fact.subject(),
            time=self.now,
            correlation=str(fact.deal_id),
        )
        handler = consumer.hears(self.units)[type(fact)]
        return self.run(
            partial(handler, Opened(meta, fact)), command_id or meta.id, actor="service/quotes"
        )

    def run(
        self,
        handler: Callable[[Work], None],
        command_id: str | None = None,
        actor: str = "user/ann",
    ) -> list[Fact]:
        """Run a command; returns the facts recorded under it."""
        self.commands += 1
        cause = Cause(command_id or f"{actor}:{self.commands}", self.now, actor)
        return [each.fact for each in self.desk.run(cause, handler)]

    def ring_due(self) -> list[Fact]:
        """Fire every reminder that is due."""
        due = [each for each in self.store.reminders.values() if each.due_at <= self.now]
        said: list[Fact] = []
        for each in due:
            handler = consumer.reminders(self.units)[each.kind]
            said += self.run(partial(handler, each), f"timer:{each.key}", actor="system/timer")
        return said

    # ---- the CRM

    def opened(self, *items: RequestedItem, **changes: Any) -> OpportunityOpened:
        """Return the opportunity with these requirements."""
        return OpportunityOpened(
            deal_id=self.deal_id,
            opportunity=self.ref,
            details=self.details(**changes),
            requirements=items,
            discounts=(),
        )

    def changed(self, **changes: Any) -> OpportunityDetailsChanged:
        """Return other details."""
        return OpportunityDetailsChanged(
            deal_id=self.deal_id,
            opportunity=self.ref,
            details=self.details(**changes),
            changed=tuple(changes),
        )

    def lost(self, reason: str | None = None) -> OpportunityLost:
        """Return the loss."""
        return OpportunityLost(deal_id=self.deal_id, opportunity=self.ref, reason=reason)

    def won(self) -> OpportunityWon:
        """Return the win."""
        return OpportunityWon(deal_id=self.deal_id, opportunity=self.ref)

    def reopened(self) -> OpportunityReopened:
        """Return the reopening."""
        return OpportunityReopened(deal_id=self.deal_id, opportunity=self.ref, stage="Proposal")

    # ---- state

    def deal(self) -> Deal:
        """Return the deal as committed."""
        deal = fold_deal([each.fact for each in self.store.read(stream_of_deal(self.deal_id))])
        assert deal is not None
        return deal

    def quote(self, quote_id: UUID) -> Quote:
        """Return a quote as committed."""
        quote = fold(self.facts(quote_id))
        assert quote is not None
        return quote

    def quotes(self) -> list[Quote]:
        """Return all quotes of the deal."""
        return [self.quote(each.quote_id) for each in self.deal().quotes]

    def facts(self, quote_id: UUID) -> list[Fact]:
        """Return the facts of a quote's stream."""
        return [each.fact for each in self.store.read(stream_of_quote(quote_id))]

    def ask_of(self, quote_id: UUID) -> Fact | None:
        """Return the ask that the quote waits for an answer to."""
        awaiting = self.quote(quote_id).current.awaiting
        found = self.store.read(stream_of_quote(quote_id))
        return next((each.fact for each in found if awaiting and each.id == awaiting.id), None)

    # ---- peers

    def answer(self, quote_id: UUID) -> list[Fact]:
        """Let the peer whose turn it is answer well; returns what quotes says."""
        ask, awaiting = self.ask_of(quote_id), self.quote(quote_id).current.awaiting
        if ask is None or awaiting is None:
            return []
        return self.hear(self.good_answer(ask, awaiting.id))

    def settle(self, quote_id: UUID) -> None:
        """Let peers answer until nothing is pending."""
        for _ in range(12):
            if not self.answer(quote_id):
                return
        raise AssertionError("the walk does not come to rest")

    # ---- sellers and customers

    def draft(self, *items: RequestedItem, command_id: str | None = None) -> UUID:
        """Draft a quote; returns its id."""
        new = sellers.DraftQuote(self.deal_id, items, ())
        facts = self.run(lambda work: sellers.draft_quote(work, new), command_id)
        return quote_of(facts)

    def edit(self, quote_id: UUID, *items: RequestedItem, **choices: Any) -> list[Fact]:
        """Edit and ask; by default without discounts and without submitting."""
        wanted = sellers.EditDraft(
            quote_id,
            items,
            tuple(choices.get("discounts", ())),
            submit=choices.get("submit", False),
            fresh_prices=choices.get("fresh_prices", False),
            expected=choices.get("expected"),
        )
        return self.run(lambda work: sellers.edit_draft(work, wanted, self.units))

    def submit(self, quote_id: UUID, expected: str | None = None) -> list[Fact]:
        """Submit the draft."""
        return self.run(
            lambda work: sellers.submit_quote(work, quote_id, expected, self.units),
            actor="user/bob",
        )

    def present(self, quote_id: UUID, expected: str | None = None) -> list[Fact]:
        """Present what is approved."""
        return self.run(lambda work: sellers.present_quote(work, quote_id, expected, self.units))

    def revise(self, quote_id: UUID) -> list[Fact]:
        """Begin the next revision."""
        return self.run(lambda work: sellers.revise_quote(work, quote_id, None, self.units))

    def retry(self, quote_id: UUID) -> list[Fact]:
        """Say the ask again."""
        return self.run(lambda work: sellers.retry_ask(work, quote_id, self.units))

    def recall(self, quote_id: UUID) -> list[Fact]:
        """Take the draft back."""
        return self.run(
            lambda work: sellers.recall_revision(work, quote_id, "wrong site list", self.units)
        )

    def withdraw(self, quote_id: UUID) -> list[Fact]:
        """Take the quote back."""
        return self.run(
            lambda work: sellers.withdraw_quote(work, quote_id, "project stopped", self.units)
        )

    def clone(self, quote_id: UUID) -> UUID:
        """Clone the quote; returns the id of the new one."""
        return quote_of(self.run(lambda work: sellers.clone_quote(work, quote_id)))

    def decline(self, quote_id: UUID, revision: int = 1) -> list[Fact]:
        """Decline as the customer."""
        no = DeclineOffer(quote_id, revision, "price", "above our budget")
        return self.run(
            lambda work: customers.decline_offer(work, no, self.units), actor="anonymous"
        )

    def view(self, quote_id: UUID, revision: int = 1) -> list[Fact]:
        """Look at the offer as the customer."""
        return self.run(
            lambda work: customers.view_offer(work, quote_id, revision, self.units),
            actor="anonymous",
        )

    def request_change(self, quote_id: UUID, revision: int = 1) -> list[Fact]:
        """Ask for a change as the customer."""
        return self.run(
            lambda work: customers.request_change(
                work, quote_id, revision, "two more sites", self.units
            ),
            actor="anonymous",
        )

    def refuse(self, quote_id: UUID) -> list[Fact]:
        """Let the peer whose turn it is refuse; returns what quotes says."""
        ask, awaiting = self.ask_of(quote_id), self.quote(quote_id).current.awaiting
        assert ask is not None
        assert awaiting is not None
        return self.hear(self.bad_answer(ask, awaiting.id))

    def settle_until(self, quote_id: UUID, stage: str) -> None:
        """Let peers answer until the quote waits for this stage."""
        for _ in range(12):
            awaiting = self.quote(quote_id).current.awaiting
            if awaiting is None or awaiting.stage == stage:
                return
            self.answer(quote_id)

    def presented(self, *items: RequestedItem) -> UUID:
        """Return a quote that was drafted by a seller, approved and presented."""
        if not self.store.read(stream_of_deal(self.deal_id)):
            self.hear(self.opened())
        quote_id = self.draft()
        self.edit(quote_id, *(items or (self.item(),)), submit=True)
        self.settle(quote_id)
        return quote_id

    def revised(self, quote_id: UUID, *items: RequestedItem) -> None:
        """Begin the next revision with these items, and let it come to rest."""
        self.revise(quote_id)
        self.edit(quote_id, *items, submit=True)
        self.settle(quote_id)

    def accept(
        self,
        quote_id: UUID,
        revision: int | None = None,
        command_id: str | None = None,
        **changes: Any,
    ) -> list[Fact]:
        """Accept what was last presented, as the customer."""
        last = self.quote(quote_id).last_presented
        offered = last.presented if last else None
        yes = AcceptOffer(
            quote_id=quote_id,
            revision=revision or (last.number if last else 1),
            name="A. Buyer",
            document_sha256=offered.document_sha256 if offered else "0" * 64,
            nonce="n-1",
        )
        yes = replace(yes, **changes)
        return self.run(
            lambda work: customers.accept_offer(work, yes, self.units),
            command_id,
            actor="anonymous",
        )

    def later(self, **span: int) -> None:
        """Move the clock."""
        self.now += timedelta(**span)

    def on(self, day: date, hour: int = 12) -> None:
        """Set the clock, in UTC."""
        self.now = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def quote_of(facts: list[Fact]) -> UUID:
    """Return the quote that these facts are about."""
    found: UUID = next(each.quote_id for each in facts if hasattr(each, "quote_id"))
    return found


def names(facts: Sequence[Fact]) -> list[str]:
    """Return the class names, in order."""
    return [type(each).__name__ for each in facts]
