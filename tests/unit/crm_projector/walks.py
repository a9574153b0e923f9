"""Walks of quotes as the log would hold them: facts with their envelopes, causes before effects."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from contracts.approval import (
    ApprovalGranted,
    ApprovalStep,
    ApprovalStepGranted,
    CaseInternal,
    DiscountApprovalRequested,
    StepGrant,
)
from contracts.configuration import ConfigurationValidated, ConfiguredItem, RequestedItem
from contracts.document import QuoteDocumentRendered
from contracts.envelope import Fact, Meta, Opened
from contracts.opportunity import (
    DEALS,
    OpportunityDetails,
    OpportunityOpened,
    OpportunityRef,
    deal_id_of,
)
from contracts.pricing import (
    ChargeTotal,
    PricedLine,
    PriceInternal,
    PricingPins,
    QuotePriced,
    Totals,
)
from contracts.quote import (
    ConfigurationRequested,
    DealClosed,
    DealOpened,
    DocumentAttached,
    DocumentRequested,
    OrderLine,
    OrderPlaced,
    PricedOffer,
    PricingRequested,
    QuoteAccepted,
    QuoteAdded,
    QuoteDrafted,
    QuotePresented,
    QuoteViewed,
    RevisionApproved,
    RevisionPriced,
    RevisionSubmitted,
    Terms,
)
from contracts.values import Money, Percent, Pin, Quantity, share

T0 = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
SHA = {name: name * 64 for name in "abcdef"}
PIN = Pin(id="bts", version=1, sha256=SHA["a"])
TERMS = Terms(payment="30 days net", delivery="8 weeks", warranty="24 months", incoterm="DAP")
ITEM = ConfiguredItem(
    item_id="i1",
    product="macro-site",
    name="Macro base station",
    quantity=Quantity("2"),
    model=PIN,
    decisions=(),
    options=(),
    parameters=(),
    bill_of_materials=(),
)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


@dataclass
class Log:
    """The facts of one deal in the order in which they were said, a minute apart."""

    record_id: str = "OPP-1"
    tier: str = "gold"
    starts: datetime = T0
    sold_by: dict[str, Any] = field(default_factory=dict)
    facts: list[Opened] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)

    @property
    def ref(self) -> OpportunityRef:
        return OpportunityRef(crm="crm://example", record_id=self.record_id)

    @property
    def deal_id(self) -> UUID:
        return deal_id_of(self.ref)

    @property
    def details(self) -> OpportunityDetails:
        return OpportunityDetails(
            name=f"Sites of {self.record_id}",
            account_id="acc-1",
            account_name="Example Telecom",
            customer_tier=self.tier,
            region="emea",
            currency="EUR",
            selling_unit="nordic",
            owner_id="seller-1",
            stage="Proposal",
            amount=eur("250000"),
            expected_close=date(2026, 6, 30),
            **self.sold_by,
        )

    def say(self, stream: str, fact: Fact) -> str:
        """Add a fact to a stream, caused by the one before; returns its id."""
        version = self.versions[stream] = self.versions.get(stream, 0) + 1
        meta = Meta(
            id=f"{stream}/{version}",
            source=stream.partition(".")[0],
            type=fact.wire_type(),
            version=fact.VERSION,
            deal_id=self.deal_id,
            subject=fact.subject(),
            time=self.starts + timedelta(minutes=len(self.facts)),
            correlation=str(self.deal_id),
            causation=self.facts[-1].meta.id if self.facts else None,
            actor="service/test",
        )
        self.facts.append(Opened(meta, fact))
        return meta.id

    def crm(self, kind: type[Fact], **more: Any) -> str:
        fact = kind(deal_id=self.deal_id, opportunity=self.ref, **more)
        return self.say(f"crm_projector.opportunity/{self.deal_id}", fact)

    def deal(self, kind: type[Fact], **more: Any) -> str:
        return self.say(f"quotes.deal/{self.deal_id}", kind(deal_id=self.deal_id, **more))

    def open(self) -> "Log":
        """The opportunity comes, the deal opens."""
        self.crm(OpportunityOpened, details=self.details)
        self.deal(DealOpened, opportunity=self.ref, details=self.details)
        return self


@dataclass
class Walk:
    """The facts of one quote of a log."""

    log: Log
    number: str = "Q-1001"
    revision: int = 1
    list: Money = field(default_factory=lambda: eur("120000"))
    net: Money = field(default_factory=lambda: eur("90000"))

    @property
    def quote_id(self) -> UUID:
        return uuid5(DEALS, self.number)

    @property
    def case_id(self) -> UUID:
        return uuid5(self.quote_id, f"case {self.revision}")

    def say(self, kind: type[Fact], **more: Any) -> str:
        ids = {"deal_id": self.log.deal_id, "quote_id": self.quote_id}
        if "revision" in kind.model_fields:
            ids["revision"] = self.revision
        return self.log.say(f"quotes.quote/{self.quote_id}", kind(**ids, **more))

    def answer(self, service: str, kind: type[Fact], **more: Any) -> str:
        ids = {"deal_id": self.log.deal_id, "quote_id": self.quote_id, "revision": self.revision}
        stream = f"{service}.answer/{self.quote_id}"
        if service == "approvals.case":
            stream = f"{service}/{self.case_id}"
        return self.log.say(stream, kind(**ids, **more))

    @property
    def offer(self) -> PricedOffer:
        discount = self.list - self.net
        line = PricedLine(
            line=1,
            item_id="i1",
            sku="MS-1",
            name="Macro base station",
            quantity=Quantity("2"),
            unit="piece",
            charge="one_time",
            list_unit=eur(str(self.list.amount / 2)),
            net_unit=eur(str(self.net.amount / 2)),
            list_total=self.list,
            discount=discount,
            net_total=self.net,
        )
        percent = share(discount.amount, self.list.amount)
        totals = Totals(
            currency="EUR",
            by_charge=(
                ChargeTotal(charge="one_time", list=self.list, discount=discount, net=self.net),
            ),
            list=self.list,
            discount=discount,
            net=self.net,
            discount_percent=percent,
            sales_discount_percent=percent,
        )
        return PricedOffer(
            items=(ITEM,),
            lines=(line,),
            totals=totals,
            discounts=(),
            book=PIN,
            fx=PIN,
            fx_rate=None,
        )

    @property
    def internal(self) -> PriceInternal:
        return PriceInternal(
            cost=eur("60000"),
            margin=self.net - eur("60000"),
            margin_percent=share(self.net.amount - Decimal(60000), self.net.amount),
            lines=(),
        )

    # ---- the hops

    def draft(self) -> "Walk":
        self.log.deal(QuoteAdded, quote_id=self.quote_id, number=self.number)
        self.say(
            QuoteDrafted,
            number=self.number,
            details=self.log.details,
            items=(),
            discounts=(),
            drafted_by="user/seller-1",
        )
        return self

    def configure(self) -> "Walk":
        item = RequestedItem(item_id="i1", product="macro-site", quantity=Quantity("2"))
        asked = self.say(
            ConfigurationRequested,
            items=(item,),
            discounts=(),
            submit=False,
            requested_by="user/seller-1",
        )
        self.answer("configurator", ConfigurationValidated, answers=asked, items=(ITEM,))
        return self

    def price(self) -> "Walk":
        asked = self.say(
            PricingRequested,
            items=(ITEM,),
            account_id="acc-1",
            customer_tier=self.log.tier,
            region="emea",
            currency="EUR",
            discounts=(),
            day=date(2026, 3, 2),
            pins=PricingPins(),
            submit=False,
            requested_by="user/seller-1",
            **self.log.sold_by,
        )
        same = {"engine": "1", "trace_sha256": SHA["c"], "breaches": (), "internal": self.internal}
        self.answer(
            "pricer",
            QuotePriced,
            answers=asked,
            book=PIN,
            fx=PIN,
            fx_rate=None,
            input_sha256=SHA["b"],
            lines=self.offer.lines,
            totals=self.offer.totals,
            **same,
        )
        self.say(RevisionPriced, answers=asked, offer=self.offer, **same)
        return self

    def submit(self) -> str:
        return self.say(
            RevisionSubmitted,
            number=self.number,
            opportunity=self.log.ref,
            details=self.log.details,
            offer=self.offer,
            terms=TERMS,
            content_key=SHA["d"],
            valid_until=date(2026, 4, 1),
            zone="Europe/Stockholm",
            requested_by="user/seller-1",
            breaches=(),
            internal=self.internal,
        )

    def ask_approvers(self, submission: str, *, anybody: bool = True) -> None:
        steps = tuple(
            ApprovalStep(step=step, level=level, approvers=(who,) if anybody else (), causes=())
            for step, level, who in [
                (1, "regional", "appr-regional-1"),
                (2, "global", "appr-global-1"),
            ]
        )
        self.answer(
            "approvals.case",
            DiscountApprovalRequested,
            answers=submission,
            case_id=self.case_id,
            number=self.number,
            content_key=SHA["d"],
            policy=PIN,
            steps=steps,
            requested_by="user/seller-1",
            rationale=("framework agreement",),
            net=self.net,
            discount_percent=Percent("25"),
            due_at=T0 + timedelta(days=2),
            internal=CaseInternal(margin_percent=Percent("33.33"), margin=eur("30000")),
        )

    def grant(self, submission: str) -> "Walk":
        grants = tuple(
            StepGrant(step=step, by=who, at=T0 + timedelta(hours=step), reason="volume")
            for step, who in [(1, "appr-regional-1"), (2, "appr-global-1")]
        )
        self.answer(
            "approvals.case",
            ApprovalStepGranted,
            case_id=self.case_id,
            grant=grants[0],
            next_step=2,
        )
        same = {"answers": submission, "content_key": SHA["d"], "grants": grants}
        self.answer("approvals.case", ApprovalGranted, case_id=self.case_id, **same)
        self.say(RevisionApproved, by_rule=None, **same)
        return self

    def approve_by_rule(self, submission: str) -> "Walk":
        self.say(
            RevisionApproved,
            answers=submission,
            content_key=SHA["d"],
            by_rule="within-authority",
            grants=(),
        )
        return self

    def render(self) -> "Walk":
        asked = self.say(
            DocumentRequested,
            number=self.number,
            details=self.log.details,
            offer=self.offer,
            terms=TERMS,
            content_key=SHA["d"],
            issued_on=date(2026, 3, 2),
            valid_until=date(2026, 4, 1),
            zone="Europe/Stockholm",
            brand="example",
            language="en",
        )
        same = {
            "answers": asked,
            "content_key": SHA["d"],
            "sha256": SHA["e"],
            "size_bytes": 90000,
            "pages": 4,
            "template": PIN,
        }
        self.answer(
            "documents",
            QuoteDocumentRendered,
            media_type="application/pdf",
            language="en",
            renderer="test",
            **same,
        )
        self.say(DocumentAttached, **same)
        return self

    def present(self) -> "Walk":
        self.say(
            QuotePresented,
            content_key=SHA["d"],
            document_sha256=SHA["e"],
            valid_until=date(2026, 4, 1),
            zone="Europe/Stockholm",
            expires_at=datetime(2026, 4, 1, 22, 0, tzinfo=UTC),
            net=self.net,
            presented_by="user/seller-1",
        )
        return self

    def to_presented(self, approved_by: str = "rule") -> "Walk":
        submission = self.draft().configure().price().submit()
        if approved_by == "rule":
            return self.approve_by_rule(submission).render().present()
        self.ask_approvers(submission)
        return self.grant(submission).render().present()

    def accept(self) -> "Walk":
        at = self.log.starts + timedelta(minutes=len(self.log.facts))
        self.say(QuoteViewed, at=at)
        self.say(
            QuoteAccepted,
            content_key=SHA["d"],
            document_sha256=SHA["e"],
            evidence_sha256=SHA["f"],
            accepted_at=at,
        )
        line = OrderLine(
            line=1,
            item_id="i1",
            sku="MS-1",
            name="Macro base station",
            quantity=Quantity("2"),
            net_total=self.net,
        )
        self.say(
            OrderPlaced,
            order_id=uuid5(self.log.deal_id, "order"),
            number=self.number,
            lines=(line,),
            net=self.net,
            accepted_at=at,
        )
        self.log.deal(DealClosed, outcome="accepted", reason=None, quote_id=self.quote_id)
        return self


def streams_of(facts: Iterable[Opened]) -> dict[str, list[Opened]]:
    """Return the facts by stream, each stream in its order."""
    found: dict[str, list[Opened]] = {}
    for each in facts:
        found.setdefault(each.meta.stream, []).append(each)
    return found
