"""The pricer hears an ask and answers with one fact; its doors give the same price without one."""

import asyncio
import json
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from contracts.envelope import Meta, Opened, Registry
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.auth import Audience, Principal, Security
from infra.desk import CommandDesk
from infra.memory import MemoryStore
from infra.web import Readiness, application
from infra.work import Cause, Work
from services.pricer import api, books, consumer
from tests.unit.pricer.basket import a_discount, an_item

TELECOM = Path(__file__).parents[3] / "catalogs" / "telecom"
SHELF = books.load(TELECOM)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("7f000000-0000-4000-8000-000000000001")
QUOTE = UUID("7f000000-0000-4000-8000-000000000002")
ASK_ID = f"quotes.quote/{QUOTE}/4"
SITE = (
    ("QW-BBU-M18", "1"),
    ("QW-RRU-FDD-4T320", "3"),
    ("QW-SW-BW20", "15"),
    ("QW-SVC-CIVIL", "1"),
    ("QW-SUP-PLUS", "1"),
    ("QW-SVC-MONITOR", "1"),
)


def an_asked(**changes):
    """Three macro sites of the telecom catalogue for a gold customer in EMEA."""
    item = an_item(*SITE, item_id="site", quantity="3") | {
        "name": "Macro site",
        "model": {"id": "macro-site", "version": 1, "sha256": "a" * 64},
        "decisions": [],
        "options": [],
        "parameters": [],
    }
    tree = {
        "deal_id": DEAL,
        "quote_id": QUOTE,
        "revision": 1,
        "items": [item],
        "account_id": "acct-1",
        "customer_tier": "gold",
        "region": "EMEA",
        "currency": "EUR",
        "discounts": [a_discount("5")],
        "day": "2026-03-02",
        "pins": {},
        "submit": True,
        "requested_by": "user/seller-1",
    }
    return PricingRequested.model_validate(tree | changes)


@pytest.fixture
def store():
    return MemoryStore("pricer", Registry([PricingRequested, QuotePriced, PricingFailed]))


def answer(store, ask, ask_id=ASK_ID, shelf=SHELF):
    meta = Meta(
        id=ask_id,
        source="quotes",
        type=ask.wire_type(),
        version=1,
        deal_id=ask.deal_id,
        subject=ask.subject(),
        time=NOW,
        correlation=str(ask.deal_id),
    )
    work = Work(store, Cause(command_id=f"{ask_id}+price", now=NOW, actor="service/pricer"))
    consumer.hears(shelf)[PricingRequested](Opened(meta, ask), work)
    store.commit([work])
    (recorded,) = work.facts
    assert recorded.meta.stream == f"pricer.answer/{QUOTE}"
    return store.read(f"pricer.answer/{QUOTE}")[-1].fact


def test_an_ask_is_answered_with_every_line_priced(store):
    """Hand computed, in EUR, 5 % off the quote on all but civil works.

    baseband 9800 x 3 less tier 5 %, bundle 4 %: 8937.60 x 3 = 26812.80
    radios   6400 x 9 less tier 5 % (9 reach no break): 6080 x 9 = 54720.00
    bandwidth 480 x 45 less tier 10 %: 432 x 45 = 19440.00 (first graduated tier)
    civil    11900 x 1.22 = 14518.00 x 3 = 43554.00
    support  2150 less tier 2 %, bundle 6 %: 1980.58 x 3 = 5941.74
    monitor  85 less tier 2 %: 83.30 x 3 = 249.90
    quote    5 % of 107164.44 = 5358.222 -> 5358.22
    """
    fact = answer(store, an_asked())
    assert isinstance(fact, QuotePriced)
    assert fact.answers == ASK_ID
    assert [str(line.net_total) for line in fact.lines] == [
        "25472.16 EUR",
        "51984.00 EUR",
        "18468.00 EUR",
        "43554.00 EUR",
        "5644.65 EUR",
        "237.41 EUR",
    ]
    assert [(each.charge, str(each.net)) for each in fact.totals.by_charge] == [
        ("one_time", "139478.16 EUR"),
        ("monthly", "237.41 EUR"),
        ("yearly", "5644.65 EUR"),
    ]
    assert str(fact.totals.net) == "145360.22 EUR"
    # 5358.22 of 150718.44, the price before it
    assert fact.totals.sales_discount_percent.root == Decimal("3.56")
    assert (fact.book.id, fact.fx.version, fact.fx_rate) == ("telecom-list", 1, None)
    assert fact.breaches == ()


def test_the_trace_lies_with_the_pricer_under_its_hash(store):
    fact = answer(store, an_asked())
    body = store.body(fact.trace_sha256)
    assert body is not None
    assert sha256(body.content).hexdigest() == fact.trace_sha256
    trace = json.loads(body.content)
    assert trace["input_sha256"] == fact.input_sha256
    assert [line["net_total"]["amount"] for line in trace["lines"]] == [
        str(line.net_total.amount) for line in fact.lines
    ]


def test_the_same_ask_again_gives_the_same_price_byte_for_byte(store):
    first = answer(store, an_asked())
    again = answer(store, an_asked(), ask_id=f"quotes.quote/{QUOTE}/5")
    assert again == first.model_copy(update={"answers": f"quotes.quote/{QUOTE}/5"})


def test_pins_of_an_earlier_price_are_used_after_newer_versions_came(store):
    spring = answer(store, an_asked(currency="USD"))
    pins = {"book": spring.book.model_dump(), "fx": spring.fx.model_dump()}
    autumn = {"currency": "USD", "day": "2026-10-01"}
    pinned = answer(store, an_asked(**autumn, pins=pins), ask_id=f"quotes.quote/{QUOTE}/5")
    fresh = answer(store, an_asked(**autumn), ask_id=f"quotes.quote/{QUOTE}/6")
    assert (pinned.fx, pinned.totals) == (spring.fx, spring.totals)
    assert fresh.fx.version == 2
    assert fresh.totals != spring.totals


@pytest.mark.parametrize(
    ("changes", "code", "mover"),
    [
        ({"customer_tier": "platinum"}, "pricer.unknown_tier", "seller"),
        ({"discounts": [a_discount("101")]}, "pricer.discount_range", "seller"),
        ({"day": "2019-01-01"}, "pricer.no_book", "admin"),
        (
            {"pins": {"book": {"id": "telecom-list", "version": 7, "sha256": "b" * 64}}},
            "pricer.unknown_pin",
            "seller",
        ),
    ],
)
def test_what_can_not_be_priced_is_a_fact_that_says_who_can_move_it(store, changes, code, mover):
    fact = answer(store, an_asked(**changes))
    assert isinstance(fact, PricingFailed)
    assert (fact.answers, [each.code for each in fact.problems], fact.who_can_move_it) == (
        ASK_ID,
        [code],
        mover,
    )


def test_a_part_without_a_price_is_for_the_keeper_of_the_book(store):
    ask = an_asked()
    item = ask.items[0]
    part = item.bill_of_materials[0].model_copy(update={"sku": "QW-GHOST"})
    item = item.model_copy(update={"bill_of_materials": (part, *item.bill_of_materials)})
    fact = answer(store, ask.model_copy(update={"items": (item,)}))
    assert isinstance(fact, PricingFailed)
    assert [(each.sku, each.item_id, each.code) for each in fact.problems] == [
        ("QW-GHOST", "site", "pricer.no_price")
    ]
    assert fact.who_can_move_it == "admin"


# ---- the doors


class Keys(Security):
    """Lets a caller in under the roles that his header names."""

    def principal(self, authorization):
        roles = (authorization or "").split(",")
        return Principal("u-1", frozenset(roles), "user")


class Door:
    """Calls an app in this process."""

    def __init__(self, app):
        self._transport = httpx.ASGITransport(app)

    def _call(self, method, path, **more):
        async def call():
            transport = self._transport
            async with httpx.AsyncClient(transport=transport, base_url="http://pricer") as client:
                return await client.request(method, path, **more)

        return asyncio.run(call())

    def get(self, path, **more):
        return self._call("GET", path, **more)

    def post(self, path, **more):
        return self._call("POST", path, **more)


@pytest.fixture
def client(store):
    security = Keys(None, Audience("quotewright", "quotewright"), {}, lambda: NOW)
    router = api.routes(CommandDesk(store, lambda: None), SHELF)
    return Door(application("pricer", [router], security, lambda: Readiness(True)))


def preview_body(**changes):
    ask = an_asked(**changes).model_dump(mode="json")
    members = api.PreviewAsk.model_fields
    return {name: value for name, value in ask.items() if name in members}


def test_a_preview_gives_the_price_that_the_fact_will_have(client, store):
    fact = answer(store, an_asked())
    found = client.post("/pricer/preview", json=preview_body(), headers={"authorization": "seller"})
    assert found.status_code == 200
    body = found.json()
    assert body["totals"] == fact.totals.model_dump(mode="json")
    assert body["input_sha256"] == fact.input_sha256
    assert body["lines"][0]["steps"][1]["sentence"] == "Customer tier gold: 5 % off."


@pytest.mark.parametrize(
    ("role", "sees"),
    [("seller", False), ("analyst", False), ("approver", True), ("manager", True), ("admin", True)],
)
def test_margins_and_costs_are_for_insiders(client, store, role, sees):
    trace_sha256 = answer(store, an_asked()).trace_sha256
    headers = {"authorization": role}
    previewed = client.post("/pricer/preview", json=preview_body(), headers=headers)
    explained = client.get(f"/pricer/traces/{trace_sha256}", headers=headers)
    for each in (previewed, explained):
        assert each.status_code == 200
        assert ("internal" in each.json()) is sees
        assert ("11900" in each.text) is sees
    narrowed = client.get(f"/pricer/traces/{trace_sha256}?view=customer", headers=headers)
    assert "internal" not in narrowed.json()
    asked_for = client.get(f"/pricer/traces/{trace_sha256}?view=internal", headers=headers)
    assert ("internal" in asked_for.json()) is sees


def test_a_preview_that_has_no_price_names_every_problem(client):
    body = preview_body(region="MARS", discounts=[a_discount("101")])
    found = client.post("/pricer/preview", json=body, headers={"authorization": "seller"})
    assert found.status_code == 422
    assert found.json()["code"] == "pricer.not_priceable"
    assert [each["code"] for each in found.json()["problems"]] == [
        "pricer.unknown_region",
        "pricer.discount_range",
    ]


@pytest.mark.parametrize(("role", "sees"), [("seller", False), ("manager", True)])
def test_a_preview_shows_the_lines_that_have_a_price_beside_those_that_have_none(
    client, role, sees
):
    whole = preview_body()
    ghost = {"sku": "GHOST", "name": "Ghost", "quantity": "1", "option": "-"}
    body = preview_body()
    body["items"][0]["bill_of_materials"].append(ghost)
    headers = {"authorization": role}
    found = client.post("/pricer/preview", json=body, headers=headers)
    assert found.status_code == 422
    assert [each["code"] for each in found.json()["problems"]] == ["pricer.no_price"]
    rest = found.json()["priced"]
    good = client.post("/pricer/preview", json=whole, headers=headers).json()
    assert (rest["lines"], rest["totals"]) == (good["lines"], good["totals"])
    assert ("internal" in rest) is sees
    assert ("11900" in found.text) is sees


def test_a_fact_never_holds_part_of_a_price(store):
    ask = an_asked()
    item = ask.items[0]
    ghost = item.bill_of_materials[0].but({"sku": "GHOST"})
    parts = (*item.bill_of_materials, ghost)
    fact = answer(store, ask.but({"items": (item.but({"bill_of_materials": parts}),)}))
    assert isinstance(fact, PricingFailed)
    assert [(each.code, each.sku) for each in fact.problems] == [("pricer.no_price", "GHOST")]
    assert fact.who_can_move_it == "admin"


def test_a_preview_refuses_a_float_and_an_unknown_member(client):
    for changes in ({"discounts": [{"percent": 5.5, "rationale": "a float"}]}, {"discount": "5"}):
        body = preview_body() | changes
        found = client.post("/pricer/preview", json=body, headers={"authorization": "seller"})
        assert found.status_code == 422


def test_an_unknown_trace_is_not_found(client):
    found = client.get(f"/pricer/traces/{'0' * 64}", headers={"authorization": "seller"})
    assert (found.status_code, found.json()["code"]) == (404, "pricer.trace_unknown")
    assert client.get("/pricer/traces/xyz", headers={"authorization": "seller"}).status_code == 422


def test_strangers_stay_outside(client):
    path = f"/pricer/traces/{'0' * 64}"
    assert client.get(path, headers={"authorization": ""}).status_code == 403
