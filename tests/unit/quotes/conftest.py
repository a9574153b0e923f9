"""A desk of quotes in memory, with peers that answer its asks, and realistic facts to hear."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from contracts.approval import ApprovalGranted, ApprovalNotRequired, ApprovalRejected, StepGrant
from contracts.catalogue import every_fact
from contracts.configuration import (
    BomLine,
    ChosenOption,
    ConfigurationRejected,
    ConfigurationValidated,
    ConfiguredItem,
    Decision,
    Parameter,
    RejectedItem,
    RequestedItem,
)
from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Fact, Meta, Opened
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
    ChargeTotal,
    DiscountAsk,
    LineMargin,
    LineProblem,
    PricedLine,
    PriceInternal,
    PricingFailed,
    QuotePriced,
    Totals,
)
from contracts.quote import (
    ConfigurationRequested,
    DocumentRequested,
    PricingRequested,
    RevisionSubmitted,
)
from contracts.values import Money, Percent, Pin, Quantity, share
from infra.desk import CommandDesk
from infra.memory import MemoryStore
from infra.work import Cause, Work
from services.quotes import consumer, units_file
from services.quotes.domain.deal import Deal, fold_deal, stream_of_deal
from services.quotes.domain.evolving import fold
from services.quotes.domain.quote import Quote, stream_of_quote
from services.quotes.handlers import customers, sellers
from services.quotes.handlers.customers import AcceptOffer

CATALOG = Path(__file__).parents[3] / "catalogs" / "telecom"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REF = OpportunityRef(crm="crm://example", record_id="006-1")
UNIT_PRICE = Decimal("14250.00")


def pin(name: str, version: int) -> Pin:
    """Return a pin whose hash follows from id and version."""
    return Pin(id=name, version=version, sha256=sha256(f"{name}/{version}".encode()).hexdigest())


class Bench:
    """One memory desk; `now` is moved by hand, peers answer only when told to."""

    def __init__(self) -> None:
        self.now = NOON
        self.store = MemoryStore("quotes", every_fact())
        self.desk = CommandDesk(self.store, lambda: None)
        self.units = dict(units_file.load(CATALOG))
        self.book = 3
        self.needs_approval = False
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
        found = [each for each in self.store.read(stream_of_quote(quote_id))]
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

    def good_answer(self, ask: Fact, ask_id: str) -> Fact:
        """Return the answer of a peer that has no objection."""
        match ask:
            case ConfigurationRequested():
                return self.validated(ask, ask_id)
            case PricingRequested():
                return self.priced(ask, ask_id)
            case RevisionSubmitted():
                return self.granted(ask, ask_id) if self.needs_approval else self.free(ask, ask_id)
            case DocumentRequested():
                return self.rendered(ask, ask_id)
            case _:
                raise AssertionError(f"{ask.wire_type()} is no ask")

    def bad_answer(self, ask: Fact, ask_id: str) -> Fact:
        """Return the refusal of the peer that is asked."""
        ids = ids_of(ask)
        match ask:
            case ConfigurationRequested():
                first = ask.items[0]
                item = RejectedItem(
                    item_id=first.item_id,
                    product=first.product,
                    code="configuration.conflict",
                    message="n78 needs a 3.5 GHz radio",
                )
                return ConfigurationRejected(**ids, answers=ask_id, items=(item,))
            case PricingRequested():
                problem = LineProblem(
                    item_id="macro",
                    sku="RRU-35-8T",
                    code="pricer.no_price",
                    field=None,
                    message="the book has no price for RRU-35-8T",
                )
                return PricingFailed(
                    **ids, answers=ask_id, problems=(problem,), who_can_move_it="admin"
                )
            case RevisionSubmitted():
                return ApprovalRejected(
                    **ids,
                    answers=ask_id,
                    case_id=UUID(int=7),
                    step=1,
                    by="appr-regional-1",
                    at=self.now,
                    reason="margin too thin",
                )
            case _:
                return DocumentRenderFailed(
                    **ids,
                    answers=ask_id,
                    code="document.template_missing",
                    message="the brand has no template",
                    who_can_move_it="admin",
                )

    def validated(self, ask: ConfigurationRequested, ask_id: str) -> Fact:
        """Return a valid configuration of every item."""
        items = tuple(
            ConfiguredItem(
                item_id=each.item_id,
                product=each.product,
                name="Macro base station",
                quantity=each.quantity,
                model=pin("base-station", 2),
                decisions=each.decisions,
                options=(
                    ChosenOption(
                        attribute="band",
                        label="Band",
                        value=str(each.decisions[0].value),
                        group="Radio",
                    ),
                ),
                parameters=(Parameter(name="power_w", label="Power", value=1280, unit="W"),),
                bill_of_materials=(
                    BomLine(
                        sku="RRU-35-8T",
                        name="Radio 3.5 GHz 8T8R",
                        quantity=Quantity(3),
                        option="band",
                    ),
                ),
            )
            for each in ask.items
        )
        return ConfigurationValidated(**ids_of(ask), answers=ask_id, items=items)

    def priced(self, ask: PricingRequested, ask_id: str) -> Fact:
        """Return prices of the pinned book, else of the newest, less the discounts on the whole."""
        book = ask.pins.book or pin("list-emea", self.book)
        percent = sum((each.percent.root for each in ask.discounts), Decimal(0))
        lines = tuple(
            priced_line(number, item, ask.currency, percent)
            for number, item in enumerate(ask.items, start=1)
        )
        listed = Money.total((each.list_total for each in lines), ask.currency)
        net = Money.total((each.net_total for each in lines), ask.currency)
        off = share(listed.amount - net.amount, listed.amount)
        totals = Totals(
            currency=ask.currency,
            by_charge=(
                ChargeTotal(charge="one_time", list=listed, discount=listed - net, net=net),
            ),
            list=listed,
            discount=listed - net,
            net=net,
            discount_percent=off,
            sales_discount_percent=off,
        )
        cost = (Money.zero(ask.currency) + Money.of(1000, ask.currency)).rounded()
        margin = LineMargin(
            line=1,
            cost=cost,
            margin=net - cost,
            margin_percent=share((net - cost).amount, net.amount),
        )
        internal = PriceInternal(
            cost=cost, margin=margin.margin, margin_percent=margin.margin_percent, lines=(margin,)
        )
        body = json.dumps([book.version, str(net), str(ask.day)]).encode()
        return QuotePriced(
            **ids_of(ask),
            answers=ask_id,
            book=book,
            fx=ask.pins.fx or pin("fx-ecb", self.book),
            fx_rate=None,
            engine="1.0.0",
            input_sha256=sha256(body).hexdigest(),
            trace_sha256=sha256(b"trace" + body).hexdigest(),
            lines=lines,
            totals=totals,
            breaches=(),
            internal=internal,
        )

    def free(self, ask: RevisionSubmitted, ask_id: str) -> Fact:
        """Return that nobody has to approve."""
        return ApprovalNotRequired(
            **ids_of(ask),
            answers=ask_id,
            content_key=ask.content_key,
            policy=pin("authority", 1),
            rule="within-seller-authority",
            message="within the seller's authority",
        )

    def granted(self, ask: RevisionSubmitted, ask_id: str) -> Fact:
        """Return a granted case."""
        grant = StepGrant(step=1, by="appr-regional-1", at=self.now, reason="strategic account")
        return ApprovalGranted(
            **ids_of(ask),
            answers=ask_id,
            case_id=UUID(int=7),
            content_key=ask.content_key,
            grants=(grant,),
        )

    def rendered(self, ask: DocumentRequested, ask_id: str) -> Fact:
        """Return a document whose hash follows from what is printed."""
        body = f"{ask.number}/{ask.revision}/{ask.content_key}/{ask.valid_until}".encode()
        return QuoteDocumentRendered(
            **ids_of(ask),
            answers=ask_id,
            content_key=ask.content_key,
            sha256=sha256(body).hexdigest(),
            size_bytes=48_123,
            pages=4,
            media_type="application/pdf",
            template=pin("example-networks", 1),
            language="en",
            renderer="70.0",
        )

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

    def act(
        self, verb: Callable[..., None], quote_id: UUID, *more: Any, **choices: Any
    ) -> list[Fact]:
        """Run a seller's verb on a quote."""
        return self.run(lambda work: verb(work, quote_id, *more, self.units), **choices)

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
        self.act(sellers.revise_quote, quote_id)
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


def priced_line(number: int, item: ConfiguredItem, currency: str, percent: Decimal) -> PricedLine:
    """Return one line for one item: its list price less the discount, rounded per unit."""
    unit = Money.of(UNIT_PRICE, currency)
    net_unit = Money(amount=UNIT_PRICE * (100 - percent) / 100, currency=currency).rounded()
    listed = Money(amount=unit.amount * item.quantity.root, currency=currency)
    net = Money(amount=net_unit.amount * item.quantity.root, currency=currency)
    return PricedLine(
        line=number,
        item_id=item.item_id,
        sku="RRU-35-8T",
        name=item.name,
        quantity=item.quantity,
        unit="piece",
        charge="one_time",
        list_unit=unit,
        net_unit=net_unit,
        list_total=listed,
        discount=listed - net,
        net_total=net,
    )


def ids_of(ask: Any) -> dict[str, Any]:
    """Return which revision an ask is about."""
    return {"deal_id": ask.deal_id, "quote_id": ask.quote_id, "revision": ask.revision}


def quote_of(facts: list[Fact]) -> UUID:
    """Return the quote that these facts are about."""
    found: UUID = next(each.quote_id for each in facts if hasattr(each, "quote_id"))
    return found


@pytest.fixture
def bench() -> Bench:
    """An empty desk on a Monday noon, with the selling units of the telecom catalogue."""
    return Bench()


@pytest.fixture(scope="session")
def new_bench() -> Callable[[], Bench]:
    """Make a desk per example, for laws."""
    return Bench
