"""Prices at the doors of the configurator, asked of the real pricer in this process."""

import asyncio
from decimal import Decimal

import httpx
import pytest

from infra.auth import Audience
from infra.web import Readiness, application
from services.configurator import api, priced
from services.pricer import handlers as pricer
from services.pricer.domain.asks.ask import BasketItem, ColumnAsk, PriceAsk
from tests.unit.configurator.guide import DEAL, NR, Guide, text_of
from tests.unit.configurator.priced import BOOKS, Pricer
from tests.unit.configurator.test_configurator_answers import (
    CATALOGUE,
    EXAMPLES,
    NOW,
    Keys,
    an_item,
)

CONTEXT = {
    "account_id": "a-1",
    "customer_tier": "gold",
    "region": "EMEA",
    "currency": "EUR",
}
FEW = {"station_type": "macro", "technology": "lte", "lte_bands": ["b3"]}
STATION = "/configurator/products/base_station"


def given(**answers):
    return {"decisions": an_item(**answers)["decisions"]}


@pytest.fixture
def pricer_peer():
    return Pricer()


@pytest.fixture
def posts(pricer_peer):
    security = Keys(None, Audience("quotewright", "quotewright"), {}, lambda: NOW)
    router = api.routes(None, CATALOGUE, pricer_peer)
    app = application("configurator", [router], security, lambda: Readiness(True))

    def posted(what, **body):
        async def once():
            transport = httpx.ASGITransport(app)
            async with httpx.AsyncClient(transport=transport, base_url="http://c") as client:
                headers = {"authorization": "seller"}
                return await client.post(f"{STATION}/{what}", json=body, headers=headers)

        return asyncio.run(once())

    return posted


def completes(posts, objective, **more):
    item = {"item_id": "site", "quantity": "1", "objective": objective, **given(**FEW), **more}
    return posts("complete", **item)


def quoted(configured):
    """The list total that the pricer's preview has for a configured item."""
    item = BasketItem.model_validate(configured)
    ask = PriceAsk.model_validate({**CONTEXT, "items": [item.model_dump()], "day": NOW.date()})
    return pricer.preview(ask, pricer.PricingPins(), BOOKS).totals.list.model_dump(mode="json")


def test_the_cheapest_is_cheaper_than_the_preferred_and_costs_what_a_preview_says(posts):
    preferred = completes(posts, "preference").json()
    found = completes(posts, "price", context=CONTEXT).json()
    assert (found["objective"], found["proved"]) == ("price", True)
    assert found["amount"] == quoted(found)
    assert Decimal(found["amount"]["amount"]) < Decimal(quoted(preferred)["amount"])


def test_put_into_a_quote_the_cheapest_item_is_configured_to_the_same_bytes(posts):
    found = completes(posts, "price", context=CONTEXT).json()
    again = completes(posts, "preference", decisions=found["decisions"]).json()
    extra = {"objective", "proved", "amount", "mark", "lead_days"}
    assert again == {name: value for name, value in found.items() if name not in extra}
    assert {each["source"] for each in again["decisions"]} <= {"user", "default", "rule"}


def test_without_an_objective_the_answer_is_what_it_was(posts):
    item = {n: v for n, v in EXAMPLES["city_macro"][0].items() if n != "product"}
    assert posts("complete", **item).json() == posts("complete", **item, context=CONTEXT).json()
    assert "objective" not in posts("complete", **item).json()


def test_the_cheapest_is_refused_without_prices_and_not_found_without_the_pricer(
    posts, pricer_peer
):
    refused = completes(posts, "price")
    assert (refused.status_code, refused.json()["code"]) == (422, "configuration.prices_unknown")
    pricer_peer.away = True
    away = completes(posts, "price", context=CONTEXT)
    assert (away.status_code, away.json()["code"]) == (503, "peer.unavailable")


def test_the_quickest_needs_no_prices(posts, pricer_peer):
    pricer_peer.away = True
    found = completes(posts, "lead_time", context=CONTEXT).json()
    assert (found["objective"], found["proved"], found["amount"]) == ("lead_time", True, None)


def test_a_contradiction_is_told_whatever_the_objective(posts):
    wrong = given(station_type="micro", mount="tower")
    told = [
        completes(posts, objective, context=CONTEXT, **wrong).json()
        for objective in ("preference", "price", "lead_time")
    ]
    assert {each["reason"] for each in told} == {"configuration.contradiction"}


def test_a_column_kept_from_the_pricer_serves_as_well_as_asking_it(posts, pricer_peer):
    ask = {"attributes": ["sectors", "climate"], **given(**FEW)}
    asked = posts("prices", **ask, context=CONTEXT)
    (_, _, path, body) = pricer_peer.asked[-1]
    assert path == "/pricer/prices"
    column = pricer.column(ColumnAsk.model_validate(body), BOOKS)
    pricer_peer.away = True
    kept = posts("prices", **ask, column=column.model_dump(mode="json"))
    assert asked.status_code == kept.status_code == 200
    assert asked.json() == kept.json()
    assert [each["attribute"] for each in kept.json()["attributes"]] == ["sectors", "climate"]


def test_every_selectable_option_of_a_question_has_its_price_and_no_other(posts):
    judged = posts("options", **given(**FEW)).json()["attributes"]
    found = posts("prices", **given(**FEW), context=CONTEXT, attributes=["mount", "battery"]).json()
    for each in found["attributes"]:
        state = next(one for one in judged if one["attribute"] == each["attribute"])
        assert [one["option"] for one in each["options"]] == [
            one["option"] for one in state["options"] if one["selectable"]
        ]


def test_without_time_the_answer_says_what_it_lacks(posts, monkeypatch):
    monkeypatch.setattr(priced, "DEADLINE_S", -1)
    found = posts("prices", **given(**FEW), context=CONTEXT, attributes=["mount"])
    assert found.status_code == 200
    assert not found.json()["complete"]
    assert found.json()["attributes"] == [{"attribute": "mount", "complete": False, "options": []}]


def test_prices_of_an_unknown_question_are_refused_by_name(posts):
    found = posts("prices", **given(**FEW), context=CONTEXT, attributes=["secters"])
    assert (found.status_code, found.json()["field"]) == (422, "secters")
    assert "did you mean sectors" in found.text


@pytest.mark.parametrize(
    ("unit", "says"),
    [("-1.00", "below zero"), ("1E+30", "exponent"), ("9" * 30, "digits"), (1.5, "not exact")],
)
def test_a_column_with_absurd_prices_is_refused(posts, unit, says):
    pin = {"id": "b", "version": 1, "sha256": "0" * 64}
    price = {"sku": "QW-CSR-1", "unit": "pcs", "charge": "one_time", "additive": True}
    price["list_unit"] = {"amount": unit, "currency": "EUR"}
    column = {"book": pin, "fx": pin, "currency": "EUR", "day": "2026-11-28", "prices": [price]}
    found = posts("prices", **given(**FEW), column=column)
    assert found.status_code == 422
    assert says in found.text


def test_repairs_carry_prices_if_the_pricer_answers_and_words_if_not(posts, pricer_peer):
    ask = {"attribute": "mount", "option": "tower", **given(station_type="micro", sectors=2)}
    priced_ = posts("explain", **ask, context=CONTEXT).json()
    assert priced_["prices"] is None
    assert all(each["amount"] and each["difference"] for each in priced_["repairs"])
    pricer_peer.away = True
    bare = posts("explain", **ask, context=CONTEXT).json()
    assert bare["prices"].startswith("Prices can not be had now")
    assert [each["drop"] for each in bare["repairs"]] == [
        each["drop"] for each in posts("explain", **ask).json()["repairs"]
    ]
    assert all(each["amount"] is None for each in bare["repairs"])


# ---- the page


def a_guide(away=False):
    guide = Guide()
    played = guide.peers._pricer

    def asked(method, path, body):
        if path != "/pricer/prices":
            return played(method, path, body)
        return pricer.column(ColumnAsk.model_validate(body), BOOKS).model_dump(mode="json")

    guide.peers._pricer = asked
    if away:
        guide.peers.away.add("pricer")
    return guide


def test_a_page_loads_the_prices_of_one_question():
    form = {"product": "base_station", "quantity": "1", "prices": "climate", **NR}
    found = a_guide().posts(f"/configurator/deals/{DEAL}/new/prices", form)
    assert found.status_code == 200
    assert "Temperate, up to 40 °C from" in text_of(found)
    assert "<html" not in found.text


def test_a_page_says_so_where_prices_can_not_be_had():
    form = {"product": "base_station", "quantity": "1", "prices": "climate", **NR}
    found = a_guide(away=True).posts(f"/configurator/deals/{DEAL}/new/prices", form)
    assert "Prices can not be had now: pricer is not available now." in text_of(found)


@pytest.mark.parametrize(("values", "by_itself"), [(400, True), (100, False)])
def test_prices_come_by_themselves_only_where_they_are_found_at_once(
    monkeypatch, values, by_itself
):
    monkeypatch.setattr("services.configurator.pages.drawing.VALUES_AT_HAND", values)
    form = {"product": "base_station", "quantity": "1", "u-climate": "on", **NR}
    found = Guide().posts(f"/configurator/deals/{DEAL}/new", form)
    assert "What would each answer cost?" in found.text
    assert ('hx-trigger="click, revealed"' in found.text) == by_itself
