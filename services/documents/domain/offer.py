"""Make the page model of a quote: which figures and words, in which order and language.

Pure: the same ask, brand and draft flag give the same page. Owner, tier, stage and the reasons for
a discount are our own business and do not enter it; costs and margins never reach this service.
"""

import re
from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby

from contracts.charges import months_of
from contracts.configuration import Answer, ConfiguredItem, Parameter
from contracts.pricing import ChargeTotal, FxRate, PricedLine, Totals
from contracts.quote import DocumentRequested
from services.documents.domain.brand import Brand
from services.documents.domain.formats import Formats, formats_of
from services.documents.domain.page import (
    ChargeTable,
    DraftMark,
    Group,
    Headline,
    Page,
    PricedProduct,
    PriceRow,
    Product,
    Row,
    Sender,
    SumRow,
)
from services.documents.domain.refusals import TooLong
from services.documents.domain.term import term_of
from services.documents.domain.words import charged, inside, per_period, words_of

# About 65 pages: 8 s and 0.4 GB of one worker, by research (9 pages/s, 4 MB a page).
MAX_ROWS = 1500
EXACT_NUMBER = re.compile(r"-?\d{1,30}(\.\d{1,30})?")


def page_of(asked: DocumentRequested, brand: Brand, *, draft: bool) -> Page:
    """Build the page model of one revision in the asked language, else the brand's.

    Raises: DocumentRefused in one of its kinds, naming field and rule.
    """
    language = asked.language or brand.language
    words, formats = words_of(language), formats_of(language, asked.offer.totals.currency)
    _check_length(asked)
    totals = asked.offer.totals
    zone = formats.zone(asked.zone, asked.valid_until)
    valid_until = formats.day(asked.valid_until)
    sums = _sums(asked, formats, words)
    return Page(
        brand=brand.id,
        language=language,
        words=words,
        sender=Sender(
            name=brand.legal_name,
            tagline=brand.tagline,
            address=brand.address,
            contact=brand.contact,
            footer=brand.footer,
        ),
        customer=asked.details.account_name,
        project=asked.details.name,
        number=asked.number,
        revision=asked.revision,
        content_key=asked.content_key[:12],
        issued=formats.day(asked.issued_on),
        valid_until=valid_until,
        validity=words["valid_sentence"].format(day=valid_until, zone=zone),
        amounts_in=words["amounts_in"].format(currency=totals.currency),
        footing=_footing(words["page_x_of_y"]),
        longest_figure=max(len(x) for row in sums for x in (row.list, row.discount, row.net)),
        headlines=_headlines(asked, formats, words),
        products=_products(asked.offer.items, formats, words),
        charges=_charges(asked, formats, words),
        sums=sums,
        total=formats.total(totals.net, "totals.net"),
        total_note=_total_note(totals, formats, words),
        term=term_of(totals.term, formats, words) if totals.term else None,
        discounts=_discounts(asked, formats, words),
        rate=_rate(asked.offer.fx_rate, formats, words),
        terms=tuple(
            Row(label=words[name], value=getattr(asked.terms, name))
            for name in ("payment", "delivery", "warranty", "incoterm")
        ),
        notes=asked.terms.notes,
        draft=DraftMark(mark=words["draft"], note=words["draft_note"]) if draft else None,
    )


def _check_length(asked: DocumentRequested) -> None:
    offer = asked.offer
    rows = len(offer.lines) + sum(len(each.options) + len(each.parameters) for each in offer.items)
    if rows > MAX_ROWS:
        raise TooLong(
            f"the offer has {rows} rows, one document has at most {MAX_ROWS}; "
            "split it into several quotes",
            field="offer",
            rows=rows,
            limit=MAX_ROWS,
        )


def _footing(page_x_of_y: str) -> tuple[str, str, str]:
    before, _, rest = page_x_of_y.partition("{x}")
    between, _, after = rest.partition("{y}")
    return before, between, after


def _headlines(
    asked: DocumentRequested, formats: Formats, words: dict[str, str]
) -> tuple[Headline, ...]:
    return tuple(
        Headline(
            label=charged(each.charge, words),
            amount=formats.total(each.net, f"totals.{each.charge}.net"),
            period=per_period(each.charge, words),
        )
        for each in sorted(asked.offer.totals.by_charge, key=lambda x: months_of(x.charge))
    )


def _products(
    items: Iterable[ConfiguredItem], formats: Formats, words: dict[str, str]
) -> tuple[Product, ...]:
    return tuple(
        Product(
            position=position,
            name=item.name,
            quantity=formats.number(item.quantity.root.normalize()),
            choices=_grouped((each.group, each.label, each.value) for each in item.options),
            specification=_grouped(
                (each.group, each.label, _measured(each, formats, words))
                for each in item.parameters
            ),
        )
        for position, item in enumerate(items, 1)
    )


def _grouped(cells: Iterable[tuple[str, str, str]]) -> tuple[Group, ...]:
    """Collect (group, label, value) under their headings, in order of first appearance."""
    groups: dict[str, list[Row]] = {}
    for heading, label, value in cells:
        groups.setdefault(heading, []).append(Row(label=label, value=value))
    return tuple(Group(heading=name, rows=tuple(rows)) for name, rows in groups.items())


def _measured(parameter: Parameter, formats: Formats, words: dict[str, str]) -> str:
    """Write a technical value with its unit.

    An exact decimal travels as text; only with a unit is it certain to be a number (`4.1` may be a
    release).
    """
    value = _spoken(parameter.value, formats, words, numeric=parameter.unit is not None)
    return f"{value}\N{NO-BREAK SPACE}{parameter.unit}" if parameter.unit else value


def _spoken(
    value: Answer | Decimal, formats: Formats, words: dict[str, str], *, numeric: bool
) -> str:
    if isinstance(value, bool):
        return words["yes"] if value else words["no"]
    if isinstance(value, int | Decimal):
        return formats.number(value)
    return formats.number(Decimal(value)) if numeric and EXACT_NUMBER.fullmatch(value) else value


def _charges(
    asked: DocumentRequested, formats: Formats, words: dict[str, str]
) -> tuple[ChargeTable, ...]:
    order = [each.item_id for each in asked.offer.items]
    sums = {each.charge: each for each in asked.offer.totals.by_charge}
    lines = sorted(asked.offer.lines, key=lambda each: months_of(each.charge))
    return tuple(
        ChargeTable(
            heading=charged(charge, words),
            products=_priced_products(
                sorted(found, key=lambda x: order.index(x.item_id)), asked, formats
            ),
            subtotal=_sum_row(
                words["subtotal"].format(charge=inside(charged(charge, words))),
                charge,
                sums[charge],
                formats,
            ),
        )
        for charge, found in groupby(lines, key=lambda each: each.charge)
    )


def _priced_products(
    lines: Iterable[PricedLine], asked: DocumentRequested, formats: Formats
) -> tuple[PricedProduct, ...]:
    names = {each.item_id: f"{at}  {each.name}" for at, each in enumerate(asked.offer.items, 1)}
    return tuple(
        PricedProduct(
            heading=names[item_id], rows=tuple(_price_row(each, formats) for each in found)
        )
        for item_id, found in groupby(lines, key=lambda each: each.item_id)
    )


def _price_row(line: PricedLine, formats: Formats) -> PriceRow:
    where = f"lines.{line.line}"
    quantity = formats.number(line.quantity.root.normalize())
    return PriceRow(
        sku=line.sku,
        name=line.name,
        quantity=f"{quantity}\N{NO-BREAK SPACE}{line.unit}",
        list_unit=formats.unit_figure(line.list_unit, f"{where}.list_unit"),
        list=formats.figure(line.list_total, f"{where}.list_total"),
        discount=formats.figure(-line.discount, f"{where}.discount"),
        net=formats.figure(line.net_total, f"{where}.net_total"),
    )


def _sums(asked: DocumentRequested, formats: Formats, words: dict[str, str]) -> tuple[SumRow, ...]:
    totals = asked.offer.totals
    ordered = sorted(totals.by_charge, key=lambda each: months_of(each.charge))
    rows = [_sum_row(charged(each.charge, words), each.charge, each, formats) for each in ordered]
    return (*rows, _sum_row(words["total"], "all", totals, formats))


def _sum_row(label: str, where: str, sums: ChargeTotal | Totals, formats: Formats) -> SumRow:
    return SumRow(
        label=label,
        list=formats.figure(sums.list, f"totals.{where}.list"),
        discount=formats.figure(-sums.discount, f"totals.{where}.discount"),
        net=formats.figure(sums.net, f"totals.{where}.net"),
    )


def _total_note(totals: Totals, formats: Formats, words: dict[str, str]) -> str:
    """Say what the total holds, and what is paid where the currency is paid in multiples."""
    said = [words["total_note"]] if len(totals.by_charge) > 1 else []
    if totals.payable is not None and totals.cash_rounding:
        amount = formats.total(totals.payable, "totals.payable")
        difference = formats.figure(totals.cash_rounding, "totals.cash_rounding")
        said.append(words["payable"].format(amount=amount, difference=difference))
    return " ".join(said)


def _discounts(
    asked: DocumentRequested, formats: Formats, words: dict[str, str]
) -> tuple[str, ...]:
    """Say which discounts were given; why they were given is between seller and approver."""
    positions = {each.item_id: at for at, each in enumerate(asked.offer.items, 1)}
    names = {(each.item_id, each.sku): each.name for each in asked.offer.lines}
    given = []
    for each in asked.offer.discounts:
        if each.unit_price is not None:
            continue  # it stands in the line, where no discount is seen
        off = formats.percent(each.percent)
        if each.amount is not None:
            off = formats.total(each.amount, "discounts.amount")
        item = str(positions.get(each.item_id or "", each.item_id))
        if each.sku is not None:
            item = f"{item}, {names.get((each.item_id or '', each.sku), each.sku)}"
        whole = each.item_id is None
        said = words["discount_all" if whole else "discount_item"]
        given.append(said.format(percent=off, item=item))
    saved = asked.offer.totals.discount
    if saved.amount > 0:
        amount = formats.total(saved, "totals.discount")
        given.append(words["discount_given"].format(amount=amount))
    return tuple(given)


def _rate(rate: FxRate | None, formats: Formats, words: dict[str, str]) -> str:
    if rate is None:
        return ""
    space = "\N{NO-BREAK SPACE}"
    pair = f"1{space}{rate.base} = {formats.number(rate.rate)}{space}{rate.quote}"
    return words["rate"].format(rate=pair, day=formats.day(rate.day))
