"""What the tests of approvals speak about: the example's authority, submitted offers, heard facts."""

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from uuid import UUID

from contracts.envelope import Fact, Meta, Opened
from contracts.opportunity import OpportunityDetails, OpportunityRef
from contracts.pricing import (
    ChargeTotal,
    DiscountAsk,
    GuardrailBreach,
    LineMargin,
    PricedLine,
    PriceInternal,
    Totals,
)
from contracts.quote import PricedOffer, RevisionRecalled, RevisionSubmitted, Terms
from contracts.values import Money, Percent, Pin, Quantity
from services.approvals.policy import Authority, load

CATALOGUE = Path("catalogs/telecom")
DEAL = UUID("11111111-1111-5111-8111-111111111111")
QUOTE = UUID("22222222-2222-5222-8222-222222222222")
KEY = "c" * 64
ASKED_AT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
BREACH = GuardrailBreach(
    guardrail="floor", line=1, action="approval", message="line 1 is below its floor"
)


@cache
def authority() -> Authority:
    """The example's policy and directory, linted."""
    return load(CATALOGUE)


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def pin(name: str) -> Pin:
    return Pin(id=name, version=1, sha256="a" * 64)


def line(number: int, list_total: str, net_total: str) -> PricedLine:
    return PricedLine(
        line=number,
        item_id="site",
        sku=f"RRU-{number}",
        name="Remote radio unit, 3GPP band n78, 4T4R, 40 W per path",
        quantity=Quantity(1),
        unit="piece",
        charge="one_time",
        list_unit=eur(list_total),
        net_unit=eur(net_total),
        list_total=eur(list_total),
        discount=eur(list_total) - eur(net_total),
        net_total=eur(net_total),
    )


def margin(number: int, percent: str) -> LineMargin:
    return LineMargin(line=number, cost=eur("1"), margin=eur("1"), margin_percent=Percent(percent))


def submitted(
    discount: str = "18",
    margin_percent: str = "30",
    *,
    unit: str = "emea-direct",
    requested_by: str = "user/seller-1",
    owner: str = "seller-1",
    content_key: str = KEY,
    lines: tuple[PricedLine, ...] = (line(1, "1000", "820"),),
    margins: tuple[LineMargin, ...] | None = None,
    breaches: tuple[GuardrailBreach, ...] = (),
    revision: int = 1,
) -> RevisionSubmitted:
    """A submitted revision of these terms; only what approvals reads is realistic."""
    return RevisionSubmitted(
        deal_id=DEAL,
        quote_id=QUOTE,
        revision=revision,
        number="Q-1042",
        opportunity=OpportunityRef(crm="https://crm.example.test", record_id="006-1"),
        details=OpportunityDetails(
            name="Macro sites, phase 2",
            account_id="acct-1",
            account_name="Example Telecom",
            customer_tier="gold",
            region="emea",
            currency="EUR",
            selling_unit=unit,
            owner_id=owner,
            stage="proposal",
        ),
        offer=offer(discount, lines),
        terms=Terms(
            payment="30 days net", delivery="8 weeks", warranty="24 months", incoterm="DAP"
        ),
        content_key=content_key,
        valid_until=date(2026, 12, 23),
        zone="Europe/Berlin",
        requested_by=requested_by,
        breaches=breaches,
        internal=PriceInternal(
            cost=eur("574"),
            margin=eur("246"),
            margin_percent=Percent(margin_percent),
            lines=(margin(1, margin_percent),) if margins is None else margins,
        ),
    )


def offer(discount: str, lines: tuple[PricedLine, ...]) -> PricedOffer:
    net = Money.total((each.net_total for each in lines), "EUR")
    gross = Money.total((each.list_total for each in lines), "EUR")
    return PricedOffer(
        items=(),
        lines=lines,
        totals=Totals(
            currency="EUR",
            by_charge=(ChargeTotal(charge="one_time", list=gross, discount=gross - net, net=net),),
            list=gross,
            discount=gross - net,
            net=net,
            discount_percent=Percent(discount),
            sales_discount_percent=Percent(discount),
        ),
        discounts=(DiscountAsk(percent=Percent(discount), rationale="competitor is 15 % lower"),),
        book=pin("telecom-list"),
        fx=pin("ecb"),
        fx_rate=None,
    )


def recalled(revision: int = 1) -> RevisionRecalled:
    return RevisionRecalled(
        deal_id=DEAL,
        quote_id=QUOTE,
        revision=revision,
        reason="the opportunity was lost",
        recalled_by="system/crm",
    )


def heard(fact: Fact, version: int = 7, at: datetime = ASKED_AT) -> Opened:
    """The fact as it comes from the log: said by quotes as this version of the quote's stream."""
    meta = Meta(
        id=f"quotes.quote/{QUOTE}/{version}",
        source="quotes",
        type=fact.wire_type(),
        version=fact.VERSION,
        deal_id=fact.deal_id,
        subject=fact.subject(),
        time=at,
        correlation=str(DEAL),
        actor="user/seller-1",
    )
    return Opened(meta, fact)
