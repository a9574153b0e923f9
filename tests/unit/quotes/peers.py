"""Peers of quotes for tests: what the other services would answer, well or badly."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from uuid import UUID

from contracts.approval import ApprovalGranted, ApprovalNotRequired, ApprovalRejected, StepGrant
from contracts.configuration import (
    BomLine,
    ChosenOption,
    ConfigurationRejected,
    ConfigurationValidated,
    ConfiguredItem,
    Parameter,
    RejectedItem,
)
from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Fact
from contracts.pricing import (
    ChargeTotal,
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
from contracts.values import Money, Pin, Quantity, share

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
UNIT_PRICE = Decimal("14250.00")


def pin(name: str, version: int) -> Pin:
    """Return a pin whose hash follows from id and version."""
    return Pin(id=name, version=version, sha256=sha256(f"{name}/{version}".encode()).hexdigest())


class Peers:
    """Answers every ask as configurator, pricer, approvals and documents would, without them."""

    def __init__(self) -> None:
        self.now = NOON
        self.book = 3
        self.needs_approval = False
        self.charge = "one_time"

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
            priced_line(number, item, ask.currency, percent).but({"charge": self.charge})
            for number, item in enumerate(ask.items, start=1)
        )
        listed = Money.total((each.list_total for each in lines), ask.currency)
        net = Money.total((each.net_total for each in lines), ask.currency)
        off = share(listed.amount - net.amount, listed.amount)
        totals = Totals(
            currency=ask.currency,
            by_charge=(
                ChargeTotal(charge=self.charge, list=listed, discount=listed - net, net=net),
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
