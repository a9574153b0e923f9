"""What the stages of a price are called on our pages, in the order in which they are taken."""

from collections.abc import Mapping

STAGES: Mapping[str, str] = {
    "list_price": "Rounding of the list price",
    "option_price": "Options",
    "contracted_price": "Contracted price",
    "volume": "Volume price",
    "segment": "Customer segment",
    "promotion": "Promotion",
    "bundle": "Bundle",
    "manual_price": "Manual price",
    "sales_discount": "Discount on the item",
    "partner_discount": "Partner",
    "distributor_discount": "Distributor",
    "guardrail": "Lowest price",
    "rounding": "Rounding",
    "amount_discount": "Amount off parts and items",
    "header_discount": "Discount on the whole quote",
    "second_guardrail": "Lowest price, after all discounts",
}
