"""The doors of the levers and of the proof: exact answers, no cost in sight, approvals asked in time."""

import json
from decimal import Decimal

import pytest

from contracts.envelope import Registry
from contracts.pricing import PricingFailed, QuotePriced
from contracts.quote import PricingRequested
from infra.ask import PeerUnavailable
from infra.auth import Audience
from infra.desk import CommandDesk
from infra.memory import MemoryStore
from infra.web import Readiness, application
from services.pricer import levers_api, replay_api, selling_units
from tests.unit.pricer.test_pricer_answers import (
    ASK_ID,
    NOW,
    SHELF,
    TELECOM,
    Door,
    Keys,
    an_asked,
    answer,
    preview_body,
)

SELLER = {"authorization": "seller"}


class Approvals:
    """Stands for approvals: agrees up to a sales discount, and remembers what it was asked."""

    def __init__(self):
        self.asked = []
        self.up_to = Decimal("10.00")

    def ask(self, service, method, path, json_=None, headers=None):
        del headers
        assert (service, method, path) == ("approvals", "POST", "/approvals/preview")
        if self.up_to is None:
            raise PeerUnavailable("approvals is not available now", peer="approvals")
        self.asked.append(json_)
        within = Decimal(json_["sales_discount_percent"]) <= self.up_to
        return json.dumps({"within_authority": within}).encode()


@pytest.fixture
def store():
    return MemoryStore("pricer", Registry([PricingRequested, QuotePriced, PricingFailed]))


@pytest.fixture
def approvals():
    return Approvals()


@pytest.fixture
def client(store, approvals):
    security = Keys(None, Audience("quotewright", "quotewright"), {}, lambda: NOW)
    routers = [
        levers_api.routes(SHELF, approvals, selling_units.load(TELECOM)),
        replay_api.routes(CommandDesk(store, lambda: None), SHELF),
    ]
    return Door(application("pricer", routers, security, lambda: Readiness(True)))


def asked(client, path, body, who=SELLER):
    found = client.post(path, json=body, headers=who)
    for secret in ("cost", "margin", "11900"):
        assert secret not in found.text
    return found


def test_a_target_price_is_answered_with_the_discount_that_hits_it(client):
    net = {"amount": "150000.01", "currency": "EUR"}
    body = {
        "ask": preview_body(discounts=[]),
        "target": {"net": net, "rationale": "the customer's budget"},
    }
    found = asked(client, "/pricer/target-price", body).json()
    assert found["after"]["net"] == net
    before, discount = found["before"]["net"]["amount"], found["discount"]["amount"]
    assert Decimal(before) - Decimal(discount) == Decimal("150000.01")
    assert [each["amount"] for each in found["discounts"]] == [found["discount"]]


def test_a_target_out_of_reach_is_refused_with_what_is_near(client):
    net = {"amount": "1.00", "currency": "EUR"}
    body = {"ask": preview_body(), "target": {"net": net, "rationale": "to see"}}
    found = asked(client, "/pricer/target-price", body)
    assert found.status_code == 422
    assert [each["code"] for each in found.json()["problems"]] == ["pricer.target_impossible"]


def test_next_breaks_and_other_quantities_are_told(client):
    ask = preview_body(discounts=[])
    (found,) = asked(client, "/pricer/next-breaks", {"ask": ask}).json()["breaks"]
    assert found["item_id"] == "site"
    assert Decimal(found["saves"]["amount"]) > 0
    rows = asked(
        client, "/pricer/quantities", {"ask": ask, "item_id": "site", "quantities": ["1", "30"]}
    ).json()
    assert [each["quantity"] for each in rows] == ["1", "30"]
    assert Decimal(rows[1]["each"]["amount"]) < Decimal(rows[0]["each"]["amount"])


def test_other_quantities_of_an_item_that_is_not_there_are_refused_and_never_nothing(client):
    body = {"ask": preview_body(discounts=[]), "item_id": "elsewhere", "quantities": ["1"]}
    found = asked(client, "/pricer/quantities", body)
    assert found.status_code == 422
    (problem,) = found.json()["problems"]
    assert problem["code"] == "pricer.item_unknown"
    assert "name one of site" in problem["message"]


def largest(client):
    body = {"ask": preview_body(), "selling_unit": "emea-direct", "owner_id": "seller-1"}
    return asked(client, "/pricer/largest-discount", body)


def test_nobodys_authority_is_asked_for_a_selling_unit_that_nobody_has(client, approvals):
    body = {"ask": preview_body(), "selling_unit": "emea-dirct"}
    found = asked(client, "/pricer/largest-discount", body)
    told = found.json()
    assert (found.status_code, told["code"]) == (422, "pricer.unknown_selling_unit")
    assert told["field"] == "selling_unit"
    assert "'emea-dirct' is not in selling_units.yaml; use one of " in told["detail"]
    assert "emea-direct" in told["detail"]
    assert approvals.asked == []


def test_a_catalogue_whose_selling_units_can_not_be_read_starts_no_pricer(tmp_path):
    assert selling_units.load(tmp_path) == frozenset()
    for text in ("units: [{name: no id}]", "units: 3", "units: [", "- just a list"):
        (tmp_path / "selling_units.yaml").write_text(text, "utf-8")
        with pytest.raises(selling_units.BadSellingUnits, match="selling_units"):
            selling_units.load(tmp_path)


def test_the_largest_discount_is_what_approvals_still_lets_pass(client, approvals):
    found = largest(client).json()
    assert found["totals"]["sales_discount_percent"] == "10.00"
    assert len(approvals.asked) < 20
    question = approvals.asked[0]
    assert question["selling_unit"] == "emea-direct"
    assert question["owner_id"] == "seller-1"
    assert "margin_percent" in question


def test_where_even_nothing_needs_somebody_there_is_none(client, approvals):
    approvals.up_to = Decimal(-1)
    assert largest(client).json() == {"percent": None, "totals": None}


def test_without_approvals_it_is_not_available_now(client, approvals):
    approvals.up_to = None
    assert largest(client).status_code == 503


def test_an_old_price_is_proved_for_admins_only(client, store):
    ask = an_asked()
    answer(store, ask)
    body = {"id": ASK_ID, "asked": ask.model_dump(mode="json")}
    assert client.post("/pricer/replays", json=body, headers=SELLER).status_code == 403
    found = client.post("/pricer/replays", json=body, headers={"authorization": "admin"})
    assert found.json()["is_same"] is True
    assert found.json()["differences"] == []
    other = client.post(
        "/pricer/replays", json=body | {"id": "x/1"}, headers={"authorization": "admin"}
    )
    assert (other.status_code, other.json()["code"]) == (404, "pricer.never_priced")
