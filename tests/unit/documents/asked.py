"""Asks for documents as a telecom seller makes them; every name is fictitious."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from uuid import UUID

from contracts.charges import months_of
from contracts.commercial import TermPeriod, TermTotals
from contracts.configuration import ChosenOption, ConfiguredItem, Decision, Parameter
from contracts.opportunity import OpportunityDetails
from contracts.pricing import ChargeTotal, DiscountAsk, FxRate, PricedLine, Totals
from contracts.quote import DocumentRequested, PricedOffer, Terms
from contracts.values import Money, Percent, Pin, Quantity, rounded, share

DEAL = UUID("6f3c8a52-0000-5000-8000-000000000001")
QUOTE = UUID("6f3c8a52-0000-5000-8000-000000000002")
CONTENT_KEY = "c0ffee" + "0" * 58
PIN = Pin(id="base_station", version=1, sha256="a" * 64)

# Bands and duplex modes: 3GPP TS 38.104 table 5.2-1 (n28 FDD 703-803 MHz, n78 TDD 3300-3800 MHz).
OPTIONS = (
    ("station_type", "Station type", "Macro site", "Site"),
    ("mounting", "Mounting", "Rooftop", "Site"),
    ("sectors", "Sectors", "3", "Radio"),
    ("bands", "Frequency bands", "n28 (700 MHz), n3 (1800 MHz), n78 (3500 MHz)", "Radio"),
    ("mimo", "Antenna configuration", "64T64R active antenna", "Radio"),
    ("capacity", "Cell capacity", "10 Gbit/s baseband", "Radio"),
    ("cabinet", "Cabinet", "Outdoor, 30 U", "Power and housing"),
    ("power", "Power supply", "230 V AC, rectifier", "Power and housing"),
    ("battery", "Battery backup", "4 hours", "Power and housing"),
    ("backhaul", "Backhaul", "Fibre, 25 Gbit/s", "Transport"),
    ("sync", "Synchronisation", "GNSS and PTP", "Transport"),
    ("service", "Installation", "Turnkey, with acceptance test", "Services"),
)
PARAMETERS = (
    ("cells", "Cells", 9, None, "Radio"),
    ("power_out", "Transmit power per carrier", "320", "W", "Radio"),
    ("eirp", "EIRP per sector, n78", "78.5", "dBm", "Radio"),
    ("bandwidth", "Channel bandwidth, n78", "100", "MHz", "Radio"),
    ("throughput", "Peak downlink throughput", "7.25", "Gbit/s", "Radio"),
    ("consumption", "Power consumption, typical", "5840", "W", "Power"),
    ("budget", "Power budget", "9000", "W", "Power"),
    ("autonomy", "Battery autonomy", "4.2", "h", "Power"),
    ("weight", "Weight per sector", "58.6", "kg", "Mechanics"),
    ("wind", "Wind load at 150 km/h", "612", "N", "Mechanics"),
    ("temperature", "Operating temperature", "-40 to +55", "°C", "Mechanics"),
    ("ingress", "Ingress protection", "IP65", None, "Mechanics"),
    ("release", "3GPP release", "17", None, "Standards"),
    ("ecpri", "Fronthaul eCPRI", True, None, "Standards"),
)
PARTS: tuple[tuple[str, str, str, str, str], ...] = (
    ("QW-KIT-MACRO", "Macro site material kit", "1", "1850.00", "one_time"),
    ("QW-MNT-ROOF", "Rooftop mounting set per sector", "3", "540.00", "one_time"),
    ("QW-BBU-M18", "Baseband unit, 18 cells, 10 Gbit/s", "1", "9800.00", "one_time"),
    (
        "QW-RRU-LOW-4T240",
        "Remote radio 700/800/900 MHz, 4T4R, 4 x 60 W",
        "3",
        "4600.00",
        "one_time",
    ),
    ("QW-RRU-FDD-4T320", "Remote radio 1800/2100/2600 MHz, 4 x 80 W", "3", "6400.00", "one_time"),
    ("QW-AAU-N78-64T320", "Active antenna n78, 64T64R, 320 W", "3", "16900.00", "one_time"),
    ("QW-ANT-L4H4", "Panel antenna 690-960 and 1695-2690 MHz, 8 ports", "3", "1980.00", "one_time"),
    ("QW-RET-2", "Remote electrical tilt unit", "6", "390.00", "one_time"),
    ("QW-HYB-50", "Hybrid fibre and DC cable, 50 m", "3", "720.00", "one_time"),
    ("QW-CAB-OUT30", "Outdoor cabinet, 30 U", "1", "5400.00", "one_time"),
    ("QW-PWR-SHELF", "Rectifier shelf with controller", "1", "1150.00", "one_time"),
    ("QW-PWR-REC3", "Rectifier module 230 V AC to -48 V DC, 3 kW", "4", "460.00", "one_time"),
    ("QW-BAT-LI100", "Lithium iron phosphate battery, 48 V 100 Ah", "5", "1480.00", "one_time"),
    ("QW-SFP-25G", "SFP28 optical module, 25 Gbit/s, 10 km", "6", "210.00", "one_time"),
    ("QW-GNSS-1", "GNSS antenna with 30 m cable", "1", "320.00", "one_time"),
    ("QW-SVC-INST", "Installation and commissioning", "1", "8900.00", "one_time"),
    ("QW-SVC-CARE", "Remote monitoring and spare parts", "1", "245.00", "monthly"),
    ("QW-SW-NR", "5G NR software, per cell", "9", "640.00", "yearly"),
)
DISCOUNT = Decimal("0.12")


def an_item(
    at: int = 1, name: str = "5G macro base station", quantity: str = "4"
) -> ConfiguredItem:
    """Return a valid configuration of one base station."""
    return ConfiguredItem(
        item_id=f"item-{at}",
        product="base_station",
        name=name,
        quantity=Quantity(quantity),
        model=PIN,
        decisions=(Decision(attribute="sectors", value=3, source="user"),),
        options=tuple(
            ChosenOption(attribute=name, label=label, value=value, group=group)
            for name, label, value, group in OPTIONS
        ),
        parameters=tuple(
            Parameter(name=name, label=label, value=value, unit=unit, group=group)
            for name, label, value, unit, group in PARAMETERS
        ),
        bill_of_materials=(),
    )


def priced(item: ConfiguredItem, first: int, currency: str) -> list[PricedLine]:
    """Price each part of the item with 12 % off, in whole minor units."""
    lines = []
    for at, (sku, name, count, price, charge) in enumerate(PARTS, first):
        unit = rounded(Decimal(price), currency)
        quantity = Quantity(count) * item.quantity
        total = Money.of(unit.amount * quantity.root, currency)
        off = rounded(total.amount * DISCOUNT, currency)
        lines.append(
            PricedLine(
                line=at, item_id=item.item_id, sku=sku, name=name, quantity=quantity, unit="pcs",
                charge=charge, list_unit=unit, net_unit=rounded(unit.amount * (1 - DISCOUNT), currency, 4),
                list_total=total, discount=off, net_total=total - off,
            )
        )  # fmt: skip
    return lines


def totals_of(lines: list[PricedLine], currency: str) -> Totals:
    """Add the lines up, per charge and over all."""
    by_charge = []
    for charge in sorted({each.charge for each in lines}, key=months_of):
        mine = [each for each in lines if each.charge == charge]
        by_charge.append(
            ChargeTotal(
                charge=charge,
                list=Money.total((each.list_total for each in mine), currency),
                discount=Money.total((each.discount for each in mine), currency),
                net=Money.total((each.net_total for each in mine), currency),
            )
        )
    whole = Money.total((each.list_total for each in lines), currency)
    off = Money.total((each.discount for each in lines), currency)
    percent = share(off.amount, whole.amount)
    return Totals(
        currency=currency, by_charge=tuple(by_charge), list=whole, discount=off, net=whole - off,
        discount_percent=percent, sales_discount_percent=percent,
    )  # fmt: skip


def an_offer(
    items: int = 1, currency: str = "EUR", name: str = "5G macro base station"
) -> PricedOffer:
    """Return a priced offer of so many base stations."""
    wanted = tuple(an_item(at, name, str(4 + at)) for at in range(1, items + 1))
    lines: list[PricedLine] = []
    for each in wanted:
        lines.extend(priced(each, len(lines) + 1, currency))
    return PricedOffer(
        items=wanted,
        lines=tuple(lines),
        totals=totals_of(lines, currency),
        discounts=(
            DiscountAsk(percent=Percent("12"), rationale="Competitor offers 15 % in the region"),
        ),
        book=PIN,
        fx=PIN,
        fx_rate=None
        if currency == "EUR"
        else FxRate(base="EUR", quote=currency, rate=Decimal("171.35"), day=date(2026, 11, 20)),
    )


def charged(charges: Mapping[str, str]) -> PricedOffer:
    """Return the offer with other charges: by part, what it is charged."""
    offer = an_offer()
    lines = [each.but({"charge": charges.get(each.sku, each.charge)}) for each in offer.lines]
    return offer.but({"lines": tuple(lines), "totals": totals_of(lines, "EUR")})


def a_term(currency: str = "EUR") -> TermTotals:
    """Return a term of three years whose first six months cost less."""

    def money(amount: str) -> Money:
        return Money.of(Decimal(amount), currency)

    return TermTotals(
        months=36,
        one_time=money("588192"),
        recurring=money("39600"),
        tcv=money("627792"),
        acv=money("13200"),
        periods=(
            TermPeriod(first_month=1, months=1, recurring=money("600")),
            TermPeriod(first_month=2, months=5, recurring=money("3000")),
            TermPeriod(first_month=7, months=30, recurring=money("36000")),
        ),
    )


def an_ask(
    offer: PricedOffer | None = None, *, language: str = "en", brand: str = "example-networks"
) -> DocumentRequested:
    """Return an ask for the document of revision 1 of Q-1042."""
    priced_offer = offer or an_offer()
    return DocumentRequested(
        deal_id=DEAL,
        quote_id=QUOTE,
        revision=1,
        number="Q-1042",
        details=OpportunityDetails(
            name="Rooftop sites, northern region", account_id="acc-0815",
            account_name="Example Telecom", customer_tier="gold", region="EMEA",
            currency=priced_offer.totals.currency, selling_unit="emea", owner_id="user-7",
            stage="Proposal",
        ),
        offer=priced_offer,
        terms=Terms(
            payment="30 days net", delivery="12 weeks after order", warranty="24 months",
            incoterm="DAP Example City", notes=("Site acquisition is not included.",),
        ),
        content_key=CONTENT_KEY,
        issued_on=date(2026, 11, 23),
        valid_until=date(2026, 12, 31),
        zone="Europe/Berlin",
        brand=brand,
        language=language,
    )  # fmt: skip
