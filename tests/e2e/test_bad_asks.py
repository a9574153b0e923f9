"""Asks that can not be met: named by field and rule at the API, returned with who must act otherwise."""

from typing import Any

import pytest

from quotewright.playing import requirements
from tests.e2e.place import Json, Place, items_of

ACCOUNT = {"id": "acct-001", "name": "Example Telecom", "tier": "gold", "region": "EMEA"}
SITE, HOP = requirements("rural_lte")


def basket(**changes: Any) -> Json:
    """Return an ask for prices as the pricer's door takes it."""
    part = {"sku": "QW-MWL-IDU", "name": "Indoor unit", "quantity": "1", "option": "hop"}
    item = {"item_id": "hop", "product": "microwave_link", "quantity": "2"}
    ask = {
        "items": [{**item, "bill_of_materials": [part]}],
        "account_id": "acct-001",
        "customer_tier": "gold",
        "region": "EMEA",
        "currency": "EUR",
        "day": "2026-06-01",
    }
    return {**ask, **changes}


def with_part(sku: str) -> Json:
    ask = basket()
    ask["items"][0]["bill_of_materials"][0]["sku"] = sku
    return ask


class TestAtTheApi:
    """A person learns at once which field is wrong, by which rule."""

    @pytest.mark.parametrize(
        ("ask", "code", "field"),
        [
            (basket(customer_tier="platinum"), "pricer.unknown_tier", "customer_tier"),
            (basket(region="MOON"), "pricer.unknown_region", "region"),
            (basket(currency="CHF"), "pricer.unknown_currency", "currency"),
            (with_part("QW-NOBODY-SELLS"), "pricer.no_price", None),
        ],
        ids=["tier", "region", "currency", "price"],
    )
    def test_what_has_no_price_is_named(
        self, embedded: Place, ask: Json, code: str, field: str | None
    ) -> None:
        problem = embedded.seller.refused("POST", "/pricer/preview", ask, status=422)
        assert problem["code"] == "pricer.not_priceable"
        (found,) = problem["problems"]
        assert found["code"] == code
        assert found["message"]
        if field:
            assert found["field"] == field
        else:
            assert found["sku"] == "QW-NOBODY-SELLS"

    def test_an_unknown_product_is_named(self, embedded: Place) -> None:
        ask = {"item_id": "a", "quantity": "1", "decisions": []}
        path = "/configurator/products/tea_kettle/complete"
        problem = embedded.seller.refused("POST", path, ask, status=404)
        assert "tea_kettle" in problem["detail"]

    def test_an_unknown_option_is_named_with_its_field(self, embedded: Place) -> None:
        wrong = [{"attribute": "station_type", "value": "pico", "source": "user"}]
        ask = {"item_id": "a", "quantity": "1", "decisions": wrong}
        path = "/configurator/products/base_station/complete"
        problem = embedded.seller.refused("POST", path, ask, status=422)
        assert problem["field"] == "station_type"
        assert "pico" in problem["detail"]

    @pytest.mark.parametrize("quantity", ["0", "-3", "1000001", "1e300", "many", 1.5])
    def test_an_absurd_quantity_is_named(self, embedded: Place, quantity: object) -> None:
        record = embedded.opens(None)
        number = embedded.drafts(record)["number"]
        body = {"items": [{**SITE, "quantity": quantity}], "discounts": [], "submit": True}
        problem = embedded.seller.refused("PUT", f"/quotes/{number}/draft", body, status=422)
        assert problem["code"] == "request.invalid"
        assert problem["fields"][0]["field"].startswith("items.0.quantity")
        assert problem["fields"][0]["rule"]
        assert embedded.quote(number)["current"]["items"] == []

    def test_a_discount_beyond_the_price_is_named(self, embedded: Place) -> None:
        number = embedded.drafts(embedded.opens(None))["number"]
        too_much = [{"percent": "101", "rationale": "A gift"}]
        body = {"items": items_of("street_micro"), "discounts": too_much, "submit": True}
        problem = embedded.seller.refused("PUT", f"/quotes/{number}/draft", body, status=422)
        assert (problem["code"], problem["field"]) == ("quote.bad_items", "discounts.0.percent")
        assert problem["rule"] == "a discount is from 0 to 100 %"


class TestFromTheCrm:
    """Nobody waits for an answer: the quote is returned, and the waiting list says who must act."""

    @pytest.mark.parametrize(
        ("changes", "code", "mover"),
        [
            ({"requirements": [{**SITE, "product": "tea_kettle"}]}, "product", "seller"),
            (
                {
                    "requirements": [
                        {**SITE, "decisions": [{"attribute": "mount", "value": "moon"}]}
                    ]
                },
                "moon",
                "seller",
            ),
            ({"account": {**ACCOUNT, "tier": "platinum"}}, "platinum", "seller"),
            ({"account": {**ACCOUNT, "region": "MOON"}}, "MOON", "seller"),
            ({"currency": "CHF"}, "CHF", "seller"),
            ({"selling_unit": "moon-direct"}, "moon-direct", "admin"),
        ],
        ids=["product", "option", "tier", "region", "currency", "selling-unit"],
    )
    def test_what_can_not_be_quoted_is_returned_to_who_can_move_it(
        self, embedded: Place, changes: Json, code: str, mover: str
    ) -> None:
        record = embedded.opens("rural_lte", **changes)
        told = embedded.told(record, "Returned")
        assert told["who_can_move_it"] == mover
        assert code in told["reason"]
        row = embedded.waiting(told["number"])
        assert row is not None
        assert (row["waits_for"], row["who_can_move_it"]) == ("repair", mover)
        assert row["reason"] == told["reason"]
        facts = embedded.facts(told["number"])
        assert facts.count("RevisionReturned") == 1
        assert "RevisionPriced" not in facts

    def test_a_returned_quote_is_mended_in_the_crm_and_asked_again(self, embedded: Place) -> None:
        record = embedded.opens("street_micro", currency="CHF")
        number = embedded.told(record, "Returned")["number"]
        mended = {"id": record, "currency": "EUR"}
        embedded.says("opportunity.updated", record, opportunity=mended)
        embedded.heard_of(number, "DealDetailsChanged")
        embedded.seller.post(f"/quotes/{number}/retry")
        assert embedded.told(record, "Presented")["net"]["currency"] == "EUR"
