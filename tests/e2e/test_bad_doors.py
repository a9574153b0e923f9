"""Strangers, replays and unreadable facts at the doors: refused or parked, and nothing is lost."""

import json
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from uuid import uuid4

import httpx
import pytest
from pydantic import SecretStr

from contracts.envelope import Meta, headers_of
from contracts.opportunity import OpportunityDetails, OpportunityDetailsChanged, OpportunityRef
from infra.webhooks import sign
from quotewright.laptop import CRM
from tests.e2e.place import Json, Place, asked, deal_of, event, until
from tests.e2e.test_walk_begins import BINARY, DOOR, cloud_event

FACTS = "quotewright.facts"


def post(place: Place, body: Json, headers: dict[str, str]) -> httpx.Response:
    raw = json.dumps(body).encode()
    return place.stage.crm.http.post(
        f"{place.stage.url}/crm/webhooks/{CRM}", content=raw, headers=headers
    )


def signed(place: Place, body: Json, at: datetime) -> dict[str, str]:
    secret = SecretStr(place.stage.laptop.secrets.crm_inbound)
    return sign(secret, f"msg_{uuid4().hex}", at, json.dumps(body).encode())


class TestWebhooks:
    """Only a CRM we know, now, and each signing once."""

    def test_an_unsigned_webhook_is_401(self, embedded: Place) -> None:
        answer = post(embedded, event("opportunity.updated", "x"), {})
        assert (answer.status_code, answer.json()["code"]) == (401, "webhook.refused")

    def test_a_webhook_signed_by_another_key_is_401(self, embedded: Place) -> None:
        body = event("opportunity.updated", "x")
        other = SecretStr(embedded.stage.laptop.secrets.approvals_inbound)
        headers = sign(other, "msg_1", datetime.now(UTC), json.dumps(body).encode())
        assert post(embedded, body, headers).status_code == 401

    def test_a_stale_webhook_is_401(self, embedded: Place) -> None:
        body = event("opportunity.updated", "x")
        headers = signed(embedded, body, datetime.now(UTC) - timedelta(minutes=6))
        assert post(embedded, body, headers).status_code == 401

    def test_a_replayed_webhook_is_401_and_a_second_attempt_is_one_outcome(
        self, embedded: Place
    ) -> None:
        record = "006-replayed"
        body = event("opportunity.opened", record, opportunity=asked(record, None))
        headers = signed(embedded, body, datetime.now(UTC))
        first = post(embedded, body, headers)
        assert first.json()["events"][0]["facts"] == ["OpportunityOpened"]
        assert post(embedded, body, headers).status_code == 401
        again = post(embedded, body, signed(embedded, body, datetime.now(UTC)))
        assert again.json() == first.json()
        said = "SELECT count(*) FROM crm_projector.events WHERE deal_id = %s"
        assert embedded.sql(said, (deal_of(record),)) == [(1,)]

    def test_a_malformed_event_names_fields_and_rules(self, embedded: Place) -> None:
        wrong = {**asked("006-bad", "city_macro"), "currency": "euro"}
        wrong["requirements"][0]["quantity"] = "2000000"
        answer = embedded.says("opportunity.opened", "006-bad", opportunity=wrong)
        assert answer.status_code == 422
        problem = answer.json()
        assert problem["code"] == "crm.malformed_event"
        assert {each["field"] for each in problem["fields"]} == {
            "opportunity.currency",
            "opportunity.requirements.0.quantity",
        }
        assert all(each["rule"] for each in problem["fields"])


class TestParked:
    """What can not be read waits, raw, with its reason; other deals go on."""

    def test_a_refused_event_at_the_door_is_parked_and_taken_after_the_mend(
        self, embedded: Place
    ) -> None:
        record = "006-early"
        opening = event("opportunity.opened", record, opportunity=asked(record, None))
        change = event("opportunity.updated", record)
        change["opportunity"] |= {"stage": "Negotiation"}
        headers, value = cloud_event(change, BINARY)
        embedded.produce(DOOR, record, headers, value)
        (parked,) = until(lambda: embedded.parked("/crm", record), "the event is parked")
        assert "is not known here" in parked["reason"]
        shown = embedded.admin.get(f"/crm/admin/parked/{parked['id']}")
        assert shown["value"].encode() == value
        assert dict(shown["headers"]) == headers

        # The mend: the CRM tells the opening, which had got lost.
        until(lambda: post(embedded, opening, signed(embedded, opening, datetime.now(UTC))), "sent")
        embedded.admin.post(f"/crm/admin/parked/{parked['id']}/retry")
        until(lambda: not embedded.parked("/crm", record), "nothing is parked any more")
        stage = f"/crm/opportunities/{deal_of(record)}"
        until(lambda: embedded.admin.get(stage)["stage"] == "Negotiation", "the change is applied")

    def test_a_malformed_fact_is_parked_raw_while_other_deals_go_on(self, embedded: Place) -> None:
        deal = uuid4()
        fact = _a_change(str(deal))
        headers = {name: text.decode() for name, text in headers_of(_meta(fact, version=1))}
        broken = b'{"deal_id": "' + str(deal).encode() + b'", "opportunity": 7}'
        embedded.produce(FACTS, str(deal), headers, broken)
        for prefix in ("/quotes", "/crm"):
            (parked,) = until(
                lambda at=prefix: embedded.parked(at, str(deal)), f"{prefix} parks it"
            )
            assert "does not fit its contract" in parked["reason"]
            assert parked["deal"] == str(deal)
            raw = embedded.admin.get(f"{prefix}/admin/parked/{parked['id']}")["value"]
            assert raw.encode() == broken
        record = embedded.opens("street_micro")
        embedded.told(record, "Presented")

        embedded.admin.post("/quotes/admin/parked/retry")
        again = "SELECT attempts FROM quotes.parked WHERE key = %s"
        until(lambda: embedded.sql(again, (str(deal).encode(),)) == [(2,)], "it was tried again")
        (still,) = embedded.parked("/quotes", str(deal))
        assert still["reason"] == parked["reason"]

    def test_a_fact_of_a_newer_version_is_parked_and_taken_when_it_can_be_read(
        self, embedded: Place, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        record = embedded.opens(None)
        embedded.drafts(record)
        fact = _a_change(record)
        meta = _meta(fact, version=2)
        headers = {name: text.decode() for name, text in headers_of(meta)}
        embedded.produce(FACTS, str(fact.deal_id), headers, fact.model_dump_json().encode())
        deal = str(fact.deal_id)
        (parked,) = until(lambda: embedded.parked("/quotes", deal), "quotes parks it")
        assert "is newer than 1" in parked["reason"]
        until(lambda: embedded.parked("/crm", deal), "crm_projector parks it")

        # The mend: a release that reads version 2.
        assert embedded.house is not None
        for service in embedded.house.services:
            if service.parts.registry.knows(NextRelease.wire_type()):
                monkeypatch.setitem(
                    service.parts.registry._facts, NextRelease.wire_type(), NextRelease
                )
        for prefix in ("/quotes", "/crm"):
            embedded.admin.post(f"{prefix}/admin/parked/retry")
            until(lambda at=prefix: not embedded.parked(at, deal), f"{prefix} has taken it")
        taken = embedded.seller.get(f"/quotes/deals/{deal}")
        assert taken["details"]["customer_tier"] == "silver"


class NextRelease(OpportunityDetailsChanged):
    """The fact as a later release knows it."""

    VERSION: ClassVar[int] = 2

    @classmethod
    def wire_type(cls) -> str:
        return OpportunityDetailsChanged.wire_type()


def _a_change(record: str) -> OpportunityDetailsChanged:
    ref = OpportunityRef(crm=f"crm://{CRM}", record_id=record)
    details = OpportunityDetails(
        name="Radio access",
        account_id="acct-001",
        account_name="Example Telecom",
        customer_tier="silver",
        region="EMEA",
        currency="EUR",
        selling_unit="emea-direct",
        owner_id="seller-1",
        stage="Proposal",
    )
    return OpportunityDetailsChanged(
        deal_id=deal_of(record), opportunity=ref, details=details, changed=("customer_tier",)
    )


def _meta(fact: OpportunityDetailsChanged, version: int) -> Meta:
    """Return attributes as another program's: a stream of its own, so no number is missing."""
    return Meta(
        id=f"elsewhere.opportunity/{fact.deal_id}/1",
        source="elsewhere",
        type=fact.wire_type(),
        version=version,
        deal_id=fact.deal_id,
        subject=fact.subject(),
        time=datetime.now(UTC),
        correlation=str(fact.deal_id),
    )
