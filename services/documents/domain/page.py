"""The page model: everything a quote document shows, as text that is ready to print."""

from contracts.values import Value


class Row(Value):
    """A label and what stands beside it."""

    label: str
    value: str


class Group(Value):
    """Rows under one heading."""

    heading: str
    rows: tuple[Row, ...]


class Product(Value):
    """One configured item: what was chosen and what it technically is."""

    position: int
    name: str
    quantity: str
    choices: tuple[Group, ...]
    specification: tuple[Group, ...]


class PriceRow(Value):
    """One line of the price table; figures in the offer's currency."""

    sku: str
    name: str
    quantity: str
    list_unit: str
    list: str
    discount: str
    net: str


class PricedProduct(Value):
    """The price lines of one product, under its position and name."""

    heading: str
    rows: tuple[PriceRow, ...]


class SumRow(Value):
    """List, discount and net of several lines."""

    label: str
    list: str
    discount: str
    net: str


class ChargeTable(Value):
    """All lines that are charged the same way, and their sum."""

    heading: str
    products: tuple[PricedProduct, ...]
    subtotal: SumRow


class Headline(Value):
    """A figure for the first page: its kind, the amount with currency, its period."""

    label: str
    amount: str
    period: str


class Period(Value):
    """Months of the term in which nothing changes, and what recurs in all of them together."""

    months: str
    amount: str


class Term(Value):
    """What the offer comes to over its whole term; `periods` only where they differ.

    `rows`, in this order: one-time, recurring, total and annual contract value; with currency.
    """

    heading: str
    rows: tuple[Row, ...]
    periods: tuple[Period, ...]
    note: str


class Sender(Value):
    """Who sends the quote."""

    name: str
    tagline: str
    address: tuple[str, ...]
    contact: tuple[str, ...]
    footer: str


class DraftMark(Value):
    """The word across the page and the sentence that explains it."""

    mark: str
    note: str


class Page(Value):
    """The model that the template prints; the template adds order and looks, never content.

    `footing` stands before the page's number, between it and the number of pages, and after;
    `longest_figure` counts the characters of the widest amount, for the width of the columns.
    """

    brand: str
    language: str
    words: dict[str, str]
    sender: Sender
    customer: str
    project: str
    number: str
    revision: int
    content_key: str
    issued: str
    valid_until: str
    validity: str
    amounts_in: str
    footing: tuple[str, str, str]
    longest_figure: int
    headlines: tuple[Headline, ...]
    products: tuple[Product, ...]
    charges: tuple[ChargeTable, ...]
    sums: tuple[SumRow, ...]
    total: str
    total_note: str
    term: Term | None
    discounts: tuple[str, ...]
    rate: str
    terms: tuple[Row, ...]
    notes: tuple[str, ...]
    draft: DraftMark | None
