"""The page model: what a customer reads, exactly, and nothing else."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.commercial import TermPeriod
from contracts.configuration import Parameter
from contracts.pricing import DiscountAsk
from contracts.quote import DocumentRequested, PricedOffer
from contracts.values import MINOR_UNITS, Money, Percent, minor_unit
from services.documents import brands
from services.documents.domain.formats import Formats, formats_of
from services.documents.domain.offer import MAX_ROWS, page_of
from services.documents.domain.page import Page
from services.documents.domain.refusals import (
    AmountTooFine,
    DocumentRefused,
    ForeignCurrency,
    TooLong,
    UnknownBrand,
    UnknownLanguage,
    UnknownZone,
)
from services.documents.domain.specimen import specimen_of
from services.documents.domain.words import ENGLISH, GERMAN
from tests.unit.documents.asked import a_term, an_ask, an_offer

STATIONERY = brands.load(Path("catalogs/telecom"))
LETTERHEAD = STATIONERY.letterhead("example-networks")
SPACE = "\N{NO-BREAK SPACE}"


def page(asked: DocumentRequested | None = None, *, draft: bool = False) -> Page:
    return page_of(asked or an_ask(), LETTERHEAD.brand, draft=draft)


def with_offer(**changes: object) -> DocumentRequested:
    return an_ask(an_offer().model_copy(update=changes))


def with_totals(**changes: object) -> DocumentRequested:
    return with_offer(totals=an_offer().totals.model_copy(update=changes))


def texts(tree: object) -> list[str]:
    if isinstance(tree, dict):
        return [text for each in tree.values() for text in texts(each)]
    if isinstance(tree, list):
        return [text for each in tree for text in texts(each)]
    return [str(tree)]


def test_the_page_tells_totals_by_charge_and_in_all() -> None:
    printed = page()
    assert [(row.label, row.list, row.discount, row.net) for row in printed.sums] == [
        ("One-time", "668,400.00", "-80,208.00", "588,192.00"),
        ("Monthly", "1,225.00", "-147.00", "1,078.00"),
        ("Yearly", "28,800.00", "-3,456.00", "25,344.00"),
        ("Total", "698,425.00", "-83,811.00", "614,614.00"),
    ]
    assert printed.total == f"EUR{SPACE}614,614.00"


def test_what_is_paid_in_cash_stands_below_the_totals() -> None:
    paid = {"payable": Money.of("614614.05", "EUR"), "cash_rounding": Money.of("0.05", "EUR")}
    note = page(with_totals(**paid)).total_note
    assert note == (
        "Recurring charges are counted for one period in the total. "
        f"To be paid in cash: EUR{SPACE}614,614.05 (rounding 0.05)."
    )
    assert "cash" not in page().total_note


def test_recurring_charges_stand_with_their_term_and_its_contract_values() -> None:
    term = page(with_totals(term=a_term())).term
    assert term is not None
    assert term.heading == "Over the term of 36 months"
    assert [(row.label, row.value) for row in term.rows] == [
        ("One-time", f"EUR{SPACE}588,192.00"),
        ("Recurring charges", f"EUR{SPACE}39,600.00"),
        ("Total contract value", f"EUR{SPACE}627,792.00"),
        ("Annual contract value", f"EUR{SPACE}13,200.00"),
    ]
    assert [(each.months, each.amount) for each in term.periods] == [
        ("Recurring charges, month 1", f"EUR{SPACE}600.00"),
        ("Recurring charges, months 2 to 6", f"EUR{SPACE}3,000.00"),
        ("Recurring charges, months 7 to 36", f"EUR{SPACE}36,000.00"),
    ]


def test_a_term_of_equal_months_has_no_periods_and_an_offer_without_one_no_term() -> None:
    whole = TermPeriod(first_month=1, months=36, recurring=a_term().recurring)
    term = page(with_totals(term=a_term().model_copy(update={"periods": (whole,)}))).term
    assert term is not None
    assert term.periods == ()
    assert page().term is None


def test_a_german_page_writes_figures_days_and_zone_as_germans_do() -> None:
    printed = page(an_ask(language="de"))
    assert printed.total == f"614.614,00{SPACE}EUR"
    assert printed.issued == "23. November 2026"
    assert printed.validity == (
        "Dieses Angebot gilt bis einschließlich 31. Dezember 2026, Ende des Tages, "
        "Mitteleuropäische Normalzeit (Europe/Berlin)."
    )


def test_validity_is_said_in_words_with_the_zone_of_its_last_day() -> None:
    summer = an_ask().model_copy(
        update={"valid_until": date(2026, 7, 1), "zone": "America/New_York"}
    )
    assert page(summer).validity == (
        "This offer is valid through 1 July 2026, end of day, "
        "Eastern Daylight Time (America/New_York)."
    )


def test_yen_have_no_decimal_places() -> None:
    assert page(an_ask(an_offer(1, "JPY"))).total == f"JPY{SPACE}614,614"


def test_an_empty_language_is_the_brands() -> None:
    assert page(an_ask(language="")).language == LETTERHEAD.brand.language


@pytest.mark.parametrize("currency", ["EUR", "JPY", "BHD"])
def test_a_total_finer_than_its_currency_is_refused_not_rounded(currency: str) -> None:
    fine = Decimal(100) + Decimal(5).scaleb(-minor_unit(currency) - 1)
    formats = formats_of("en", currency)
    with pytest.raises(AmountTooFine, match=r"totals\.net"):
        formats.total(Money.of(fine, currency), "totals.net")


def test_an_offer_with_a_total_finer_than_cents_is_not_printed() -> None:
    with pytest.raises(AmountTooFine):
        page(with_totals(net=Money.of("614614.005", "EUR")))


def test_a_unit_price_may_be_finer_than_the_currency() -> None:
    formats = formats_of("en", "EUR")
    assert formats.unit_figure(Money.of("1628.123456", "EUR"), "x") == "1,628.123456"
    assert formats.unit_figure(Money.of("1628", "EUR"), "x") == "1,628.00"


@settings(max_examples=150)
@given(
    st.integers(-(10**14), 10**14),
    st.sampled_from(["EUR", "USD", *MINOR_UNITS]),
    st.sampled_from(["en", "de"]),
)
def test_what_is_printed_reads_back_as_the_same_amount(
    minor: int, currency: str, language: str
) -> None:
    amount = Decimal(minor).scaleb(-minor_unit(currency))
    printed = formats_of(language, currency).figure(Money.of(amount, currency), "x")
    swapped = printed.translate(str.maketrans(",.", ".,")) if language == "de" else printed
    assert Decimal(swapped.replace(",", "")) == amount


def test_an_amount_of_another_currency_is_refused() -> None:
    with pytest.raises(ForeignCurrency):
        page(with_totals(net=Money.of("1", "USD")))


def test_percentages_keep_all_their_digits() -> None:
    english: Formats = formats_of("en", "EUR")
    assert english.percent(Percent("12.50")) == "12.5%"
    assert formats_of("de", "EUR").percent(Percent("7.125")) == f"7,125{SPACE}%"
    assert english.percent(Percent("20")) == "20%"


def test_a_technical_number_has_its_unit_and_a_release_stays_as_written() -> None:
    item = an_offer().items[0]
    parameters = (
        Parameter(name="power", label="Power", value="5840.5", unit="W"),
        Parameter(name="release", label="Release", value="17.10"),
        Parameter(name="ecpri", label="eCPRI", value=True),
    )
    asked = with_offer(items=(item.model_copy(update={"parameters": parameters}),))
    rows = page(asked).products[0].specification[0].rows
    assert [each.value for each in rows] == [f"5,840.5{SPACE}W", "17.10", "yes"]


def test_a_surcharge_stands_as_a_plus_in_the_discount_column() -> None:
    offer = an_offer()
    line = offer.lines[0].model_copy(
        update={"discount": Money.of("-50", "EUR"), "net_total": Money.of("9300", "EUR")}
    )
    asked = with_offer(lines=(line, *offer.lines[1:]))
    assert page(asked).charges[0].products[0].rows[0].discount == "50.00"


def test_a_draft_says_so_and_a_final_page_does_not() -> None:
    marked = page(draft=True).draft
    assert marked is not None
    assert marked.mark == "DRAFT"
    assert page(draft=False).draft is None


def test_nothing_of_our_own_business_is_on_the_page() -> None:
    asked = an_ask()
    words = " ".join(texts(page(asked).model_dump(mode="json"))).lower()
    secrets = (
        "margin", "cost", "floor", "internal", "gold", "user-7", "acc-0815",
        "proposal", "competitor offers", str(asked.deal_id),
    )  # fmt: skip
    assert [each for each in secrets if each in words] == []


def test_discounts_are_told_without_their_reason() -> None:
    discounts = (
        DiscountAsk(percent=Percent("12"), rationale="Competitor offers 15 %"),
        DiscountAsk(percent=Percent("2.5"), rationale="First order", item_id="item-1"),
    )
    assert page(with_offer(discounts=discounts)).discounts == (
        "On all discountable items: 12%",
        "Item 1: 2.5%",
        f"You save EUR{SPACE}83,811.00 against the list price.",
    )


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"language": "tlh"}, UnknownLanguage),
        ({"language": "<b>"}, UnknownLanguage),
        ({"language": "en-QQ-??"}, UnknownLanguage),
        ({"zone": "Mars/Olympus"}, UnknownZone),
        ({"zone": "../../etc/passwd"}, UnknownZone),
    ],
)
def test_what_can_not_be_said_is_refused_by_name(
    change: dict[str, str], refusal: type[DocumentRefused]
) -> None:
    with pytest.raises(refusal):
        page(an_ask().model_copy(update=change))


def test_an_endless_offer_is_refused_before_it_is_laid_out() -> None:
    offer = an_offer()
    lines = offer.lines * (MAX_ROWS // len(offer.lines) + 1)
    with pytest.raises(TooLong) as refused:
        page(with_offer(lines=lines))
    assert refused.value.who_can_move_it == "seller"


def test_every_language_has_the_same_words_with_the_same_places() -> None:
    places = {name: sorted(part for part in text.split("{")[1:]) for name, text in ENGLISH.items()}
    assert set(GERMAN) == set(ENGLISH)
    for name, found in places.items():
        named = [each.split("}")[0] for each in found]
        assert all("{" + each + "}" in GERMAN[name] for each in named), name


def test_the_specimen_is_a_page_of_its_brand() -> None:
    assert specimen_of(LETTERHEAD.brand).brand == "example-networks"


# ---- letterheads


def test_an_unknown_brand_is_refused_with_those_that_exist() -> None:
    with pytest.raises(UnknownBrand, match="example-networks"):
        STATIONERY.letterhead("nobody")


def copied_catalogue(folder: Path) -> Path:
    (folder / "brands").mkdir()
    for file in Path("catalogs/telecom/brands").iterdir():
        (folder / "brands" / file.name).write_text(file.read_text())
    return folder


def test_the_pin_changes_with_the_logo_and_with_nothing_else(tmp_path: Path) -> None:
    catalogue = copied_catalogue(tmp_path)
    same = brands.load(catalogue).letterhead("example-networks").pin
    assert same == LETTERHEAD.pin
    logo = catalogue / "brands" / "example-networks.svg"
    logo.write_text(logo.read_text().replace("#ffffff", "#fffffe"))
    assert brands.load(catalogue).letterhead("example-networks").pin.sha256 != same.sha256


@pytest.mark.parametrize(
    "colour", ["red", "#12355B", "#123", "#12355b}*{background:url(http://127.0.0.1/)"]
)
def test_a_colour_that_is_not_a_colour_stops_the_start(tmp_path: Path, colour: str) -> None:
    catalogue = copied_catalogue(tmp_path)
    file = catalogue / "brands" / "example-networks.yaml"
    file.write_text(file.read_text().replace("#12355b", colour))
    with pytest.raises(brands.BrandRefused, match="primary"):
        brands.load(catalogue)


def test_a_logo_outside_the_catalogue_stops_the_start(tmp_path: Path) -> None:
    catalogue = copied_catalogue(tmp_path)
    file = catalogue / "brands" / "example-networks.yaml"
    file.write_text(file.read_text().replace("example-networks.svg", "../../secret.svg"))
    with pytest.raises(brands.BrandRefused, match="logo"):
        brands.load(catalogue)


def test_all_variables_of_the_stylesheet_are_colours_of_the_brand() -> None:
    assert "var(" not in LETTERHEAD.style.split("*/", 1)[1]


def test_the_offer_a_customer_sees_is_in_the_ask_without_internal() -> None:
    assert "internal" not in DocumentRequested.model_fields
    assert "internal" not in PricedOffer.model_fields
