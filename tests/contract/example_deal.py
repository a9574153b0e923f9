"""The values of one fictitious telecom deal: Example Telecom asks for ten n78 sites. Amounts add up."""

from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from uuid import uuid5

from contracts.configuration import (
    BomLine,
    ChosenOption,
    ConfiguredItem,
    Decision,
    Parameter,
    RejectedItem,
    Repair,
    RequestedItem,
    RuleRef,
)
from contracts.opportunity import DEALS, OpportunityDetails, OpportunityRef, deal_id_of
from contracts.pricing import (
    ChargeTotal,
    DiscountAsk,
    FxRate,
    GuardrailBreach,
    LineMargin,
    LineProblem,
    PricedLine,
    PriceInternal,
    PricingPins,
    Totals,
)
from contracts.quote import OrderLine, PricedOffer, Terms
from contracts.values import Money, Percent, Pin, Quantity, share


def digest(what: str) -> str:
    """Return the hex SHA-256 of a text: stands for the hash of some content."""
    return sha256(what.encode()).hexdigest()


NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OPPORTUNITY = OpportunityRef(crm="urn:example:crm", record_id="OPP-000042")
DEAL_ID = deal_id_of(OPPORTUNITY)
QUOTE_ID = uuid5(DEALS, "Q-1042")
OTHER_QUOTE_ID = uuid5(DEALS, "Q-1041")
CASE_ID = uuid5(DEALS, "AC-7")
QUESTION_ID = uuid5(DEALS, "AC-7/1")
ORDER_ID = uuid5(DEALS, "SO-1042")
NUMBER = "Q-1042"
CONTENT_KEY = digest("content of Q-1042 revision 1")
DOCUMENT = digest("PDF of Q-1042 revision 1")
BOOK = Pin(id="telecom-list", version=1, sha256=digest("telecom-list 1"))
FX = Pin(id="telecom-fx", version=1, sha256=digest("telecom-fx 1"))
POLICY = Pin(id="telecom-authority", version=1, sha256=digest("telecom-authority 1"))
MODEL = Pin(id="base_station", version=1, sha256=digest("base_station 1"))
TEMPLATE = Pin(id="quote", version=1, sha256=digest("quote template 1"))
FX_RATE = FxRate(base="EUR", quote="USD", rate=Decimal("1.1020"), day=date(2026, 3, 2))
VALID_UNTIL = date(2026, 4, 1)
EXPIRES_AT = datetime(2026, 4, 1, 22, 0, tzinfo=UTC)
ZONE = "Europe/Berlin"

DETAILS = OpportunityDetails(
    name="n78 roll-out, ten macro sites",
    account_id="acct-example-telecom",
    account_name="Example Telecom",
    customer_tier="gold",
    region="EMEA",
    currency="EUR",
    selling_unit="emea-direct",
    owner_id="seller-12",
    stage="Proposal",
    amount=Money.of("610000", "EUR"),
    expected_close=date(2026, 4, 30),
    next_follow_up=date(2026, 3, 9),
)
DECISIONS = (
    Decision(attribute="station_type", value="macro", source="requirement"),
    Decision(attribute="technology", value="nr", source="requirement"),
    Decision(attribute="nr_bands", value=("n78",), source="requirement"),
    Decision(attribute="sectors", value=3, source="default"),
    Decision(attribute="electrical_tilt", value=False, source="rule"),
)
REQUESTED = (
    RequestedItem(
        item_id="sites",
        product="base_station",
        quantity=Quantity(10),
        decisions=DECISIONS[:3],
        label="Ten macro sites",
    ),
)
CONFIGURED = (
    ConfiguredItem(
        item_id="sites",
        product="base_station",
        name="Radio base station 5G/LTE",
        quantity=Quantity(10),
        model=MODEL,
        decisions=DECISIONS,
        options=(
            ChosenOption(
                attribute="station_type",
                label="Station type",
                value="Macro (wide area)",
                group="Site",
            ),
            # Band and range: 3GPP TS 38.104 table 5.2-1.
            ChosenOption(
                attribute="nr_bands",
                label="5G NR bands",
                value="n78, 3300-3800 MHz, TDD",
                group="Bands and capacity",
            ),
        ),
        parameters=(
            Parameter(name="cells", label="Cells", value=3, group="Radio"),
            Parameter(
                name="rf_power",
                label="Radio output power, whole site",
                value=960,
                unit="W",
                group="Radio",
            ),
            Parameter(
                name="backup_time",
                label="Backup time at maximum power",
                value="4.5",
                unit="h",
                group="Power",
            ),
        ),
        bill_of_materials=(
            BomLine(
                sku="QW-AAU-N78-64T320",
                name="Active antenna n78, 64T64R, 320 W",
                quantity=Quantity(3),
                option="tdd_radio",
            ),
            BomLine(
                sku="QW-BBU-M18",
                name="Baseband unit, 18 cells, 10 Gbit/s",
                quantity=Quantity(1),
                option="baseband",
            ),
            BomLine(
                sku="QW-SVC-MONITOR",
                name="Remote monitoring, per site and month",
                quantity=Quantity(1),
                option="monitoring",
                kind="service",
            ),
        ),
    ),
)
REJECTED = (
    RejectedItem(
        item_id="sites",
        product="base_station",
        code="configuration.conflict",
        message="Band n78 is served by a 3.5 GHz radio, and only band n78.",
        field="items.sites.decisions.tdd_radio",
        conflict=(DECISIONS[2], Decision(attribute="tdd_radio", value="none", source="user")),
        rules=(
            RuleRef(
                id="BS-BAND-01", message="Band n78 is served by a 3.5 GHz radio, and only band n78."
            ),
        ),
        repairs=(Repair(drop=("tdd_radio",), message="choose another 3.5 GHz radio"),),
        open_questions=("backhaul", "support"),
    ),
)
DISCOUNTS = (
    DiscountAsk(
        percent=Percent("8"), rationale="volume of the first roll-out phase", item_id="sites"
    ),
)
PINS = PricingPins(book=BOOK, fx=None)
TERMS = Terms(
    payment="30 days net from the date of invoice",
    delivery="8 to 10 weeks after receipt of order, ex works Munich",
    warranty="24 months on hardware from delivery",
    incoterm="DAP (named place in the order), Incoterms 2020",
    notes=("Prices are without value added tax.",),
)


def eur(amount: str | Decimal) -> Money:
    return Money.of(amount, "EUR")


def _line(
    number: int, sku: str, name: str, quantity: int, unit: str, charge: str, list_unit: str
) -> PricedLine:
    """One line at 8 % off, exact to the cent."""
    net_unit = eur(list_unit).amount * Decimal("0.92")
    return PricedLine.model_validate(
        {
            "line": number, "item_id": "sites", "sku": sku, "name": name, "unit": unit, "charge": charge,
            "quantity": quantity, "list_unit": eur(list_unit), "net_unit": eur(net_unit).rounded(),
            "list_total": eur(Decimal(list_unit) * quantity), "net_total": eur(net_unit * quantity).rounded(),
            "discount": eur(Decimal(list_unit) * quantity) - eur(net_unit * quantity).rounded(),
        }
    )  # fmt: skip


LINES = (
    _line(
        1,
        "QW-AAU-N78-64T320",
        "Active antenna n78, 64T64R, 320 W",
        30,
        "pcs",
        "one_time",
        "16900.00",
    ),
    _line(2, "QW-BBU-M18", "Baseband unit, 18 cells, 10 Gbit/s", 10, "pcs", "one_time", "9800.00"),
    _line(
        3,
        "QW-SVC-MONITOR",
        "Remote monitoring, per site and quarter",
        10,
        "quarter",
        "quarterly",
        "85.00",
    ),
)
COSTS = (eur("309000.00"), eur("54000.00"), eur("380.00"))


def _sum(lines: tuple[PricedLine, ...], field: str) -> Money:
    return Money.total((getattr(each, field) for each in lines), "EUR")


def _of_charge(charge: str) -> ChargeTotal:
    lines = tuple(each for each in LINES if each.charge == charge)
    return ChargeTotal.model_validate(
        {
            "charge": charge,
            "list": _sum(lines, "list_total"),
            "discount": _sum(lines, "discount"),
            "net": _sum(lines, "net_total"),
        }
    )


TOTALS = Totals(
    currency="EUR",
    by_charge=(_of_charge("one_time"), _of_charge("quarterly")),
    list=_sum(LINES, "list_total"),
    discount=_sum(LINES, "discount"),
    net=_sum(LINES, "net_total"),
    discount_percent=Percent("8.00"),
    sales_discount_percent=Percent("8.00"),
)
NET = TOTALS.net
COST = Money.total(COSTS, "EUR")
MARGIN_PERCENT = share((NET - COST).amount, NET.amount)
INTERNAL = PriceInternal(
    cost=COST,
    margin=NET - COST,
    margin_percent=MARGIN_PERCENT,
    lines=tuple(
        LineMargin(
            line=line.line,
            cost=cost,
            margin=line.net_total - cost,
            margin_percent=share((line.net_total - cost).amount, line.net_total.amount),
        )
        for line, cost in zip(LINES, COSTS, strict=True)
    ),
)
BREACHES = (
    GuardrailBreach(
        guardrail="discount-ceiling",
        line=3,
        action="approval",
        message="services carry at most 5 % off without approval",
    ),
)
OFFER = PricedOffer(
    items=CONFIGURED,
    lines=LINES,
    totals=TOTALS,
    discounts=DISCOUNTS,
    book=BOOK,
    fx=FX,
    fx_rate=FX_RATE,
)
PROBLEMS = (
    LineProblem(
        item_id="sites",
        sku="QW-BBU-M18",
        code="pricing.price_missing",
        field="items.sites",
        message="QW-BBU-M18 has no price in telecom-list 1; publish one or choose another baseband",
    ),
)
ORDER_LINES = tuple(
    OrderLine(
        line=each.line,
        item_id=each.item_id,
        sku=each.sku,
        name=each.name,
        quantity=each.quantity,
        net_total=each.net_total,
    )
    for each in LINES
)
