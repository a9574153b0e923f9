"""A page without a customer: what a renderer prints to get warm before the first real document."""

from services.documents.domain.brand import Brand
from services.documents.domain.page import (
    ChargeTable,
    Group,
    Headline,
    Page,
    Period,
    PricedProduct,
    PriceRow,
    Product,
    Row,
    Sender,
    SumRow,
    Term,
)
from services.documents.domain.words import words_of

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ abcdefghijklmnopqrstuvwxyz 0123456789 .,-()/·°±µ²"


def specimen_of(brand: Brand) -> Page:
    """Return a page that touches every part of the template, in this brand's looks."""
    row = Row(label="Specimen", value=ALPHABET)
    sums = SumRow(label="Specimen", list="0.00", discount="0.00", net="0.00")
    price = PriceRow(
        sku="SPECIMEN",
        name=ALPHABET,
        quantity="1",
        list_unit="0.00",
        list="0.00",
        discount="0.00",
        net="0.00",
    )
    group = Group(heading="Specimen", rows=(row,) * 3)
    products = (PricedProduct(heading="1", rows=(price,) * 3),)
    return Page(
        brand=brand.id,
        language=brand.language,
        words=words_of(brand.language),
        sender=Sender(
            name=brand.legal_name,
            tagline=brand.tagline,
            address=brand.address,
            contact=brand.contact,
            footer=brand.footer,
        ),
        customer="Specimen",
        project="Specimen",
        number="Specimen",
        revision=1,
        content_key="0",
        issued="1 January 2026",
        valid_until="31 January 2026",
        validity="Specimen",
        amounts_in="Specimen",
        footing=("", " / ", ""),
        longest_figure=4,
        headlines=(Headline(label="Specimen", amount="0.00", period=""),),
        products=(
            Product(
                position=1, name=ALPHABET, quantity="1", choices=(group,), specification=(group,)
            ),
        ),
        charges=(ChargeTable(heading="Specimen", products=products, subtotal=sums),),
        sums=(sums,),
        total="0.00",
        total_note="Specimen",
        term=Term(
            heading="Specimen",
            rows=(row,),
            periods=(Period(months="Specimen", amount="0.00"),),
            note="Specimen",
        ),
        discounts=("Specimen",),
        rate="",
        terms=(row,),
        notes=("Specimen",),
        draft=None,
    )
