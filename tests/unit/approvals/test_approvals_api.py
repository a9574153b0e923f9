"""The doors of approvals: callbacks signed by the approvers' system, decisions, cases, previews."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import ASGITransport, AsyncClient, Response
from pydantic import SecretStr

from contracts.approval import DiscountApprovalRequested, LateDecisionRecorded
from infra.auth import Audience, Pass, Security, mint
from infra.desk import CommandDesk
from infra.keys import KeySet, SigningKey, jwks
from infra.memory import MemoryStore
from infra.seen import MemorySeen
from infra.web import Readiness, Surroundings, application
from infra.webhooks import Verifier, sign
from infra.work import Cause, Work
from services.approvals import api, consumer, handlers
from services.approvals.domain.case import case_id_of
from services.approvals.main import READS
from tests.unit.approvals.offers import ASKED_AT, KEY, authority, heard, recalled, submitted

NOW = ASKED_AT + timedelta(minutes=5)
SECRET = SecretStr("whsec_" + base64.b64encode(bytes(range(32))).decode())
CRM_SECRET = SecretStr("whsec_" + base64.b64encode(bytes(range(1, 33))).decode())
SIGNING = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WHO = Audience("quotewright", "quotewright")
CASE = case_id_of(heard(submitted()).meta.id)


class Doors:
    """The routes of approvals over a memory store, behind the real front door."""

    def __init__(self) -> None:
        self.store = MemoryStore("approvals", READS)
        verifier = Verifier({"approvals": [SECRET], "crm": [CRM_SECRET]}, MemorySeen(), lambda: NOW)
        router = api.routes(CommandDesk(self.store, lambda _: None), authority(), verifier)
        keys = KeySet(lambda: json.dumps(jwks([SIGNING.public])).encode(), lambda: 0.0)
        security = Security(keys, WHO, {}, lambda: NOW)
        around = Surroundings(clock=lambda: NOW)
        app = application("approvals", [router], security, lambda: Readiness(ready=True), around)
        self.transport = ASGITransport(app)

    def asks(self, method: str, path: str, **request: Any) -> Response:
        """Send one request and wait for its answer."""

        async def sent() -> Response:
            async with AsyncClient(transport=self.transport, base_url="http://test") as client:
                return await client.request(method, path, **request)

        return asyncio.run(sent())

    def hears(self, fact: Any, version: int = 7) -> None:
        said = heard(fact, version)
        work = Work(self.store, Cause(said.meta.id, said.meta.time, "service/approvals"))
        consumer.hears(authority())[type(fact)](said, work)
        self.store.commit([work])

    def calls_back(
        self,
        body: dict[str, Any],
        message_id: str = "msg-1",
        system: str = "approvals",
        secret: SecretStr = SECRET,
    ) -> Response:
        raw = json.dumps(body).encode()
        headers = sign(secret, message_id, NOW, raw) | {"content-type": "application/json"}
        return self.asks("POST", f"/approvals/callbacks/{system}", content=raw, headers=headers)

    def as_(self, who: str, role: str) -> dict[str, str]:
        return {"authorization": f"Bearer {mint(SIGNING, Pass(who, [role]), WHO, NOW)}"}

    def facts(self, case_id: UUID = CASE) -> list[type]:
        return [type(each.fact) for each in self.store.read(handlers.stream_of(case_id))]


@pytest.fixture
def doors() -> Doors:
    house = Doors()
    house.hears(submitted())
    return house


def said(verdict: str = "approve", by: str = "appr-regional-1", **other: Any) -> dict[str, Any]:
    body = {"case_id": str(CASE), "content_key": KEY, "approver": by, "verdict": verdict}
    return body | {"reason": "as agreed"} | other


def test_a_signed_callback_grants_the_case(doors):
    answer = doors.calls_back(said())
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "outcome": "granted",
            "case_id": str(CASE),
            "case_outcome": "granted",
            "message": "the whole case is granted",
        },
    )


def test_the_facts_of_a_callback_name_the_system_and_the_person(doors):
    doors.calls_back(said())
    granted = doors.store.read(handlers.stream_of(CASE))[-1]
    assert granted.meta.actor == "system/approvals"
    assert granted.fact.grants[0].by == "appr-regional-1"


@pytest.mark.parametrize(
    ("system", "secret", "status", "code"),
    [
        ("approvals", CRM_SECRET, 401, "webhook.refused"),
        ("nobody", SECRET, 401, "webhook.refused"),
        ("crm", CRM_SECRET, 403, "approval.system_may_not_decide"),
    ],
)
def test_only_the_approvers_system_may_call_back(doors, system, secret, status, code):
    answer = doors.calls_back(said(), system=system, secret=secret)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert doors.facts() == [DiscountApprovalRequested]


def test_an_unsigned_callback_is_refused(doors):
    answer = doors.asks("POST", "/approvals/callbacks/approvals", json=said())
    assert (answer.status_code, answer.json()["code"]) == (401, "webhook.refused")


def test_a_replayed_callback_is_refused_and_decides_once(doors):
    assert doors.calls_back(said()).status_code == 200
    assert doors.calls_back(said()).status_code == 401
    assert len(doors.facts()) == 2


def test_a_refused_callback_may_be_sent_again(doors):
    stale = said(content_key="d" * 64)
    assert [doors.calls_back(stale).status_code for _ in range(2)] == [409, 409]
    assert doors.calls_back(stale).json()["code"] == "approval.stale_content"


def test_a_message_id_with_another_body_is_refused(doors):
    doors.calls_back(said())
    answer = doors.calls_back(said("reject"))
    assert (answer.status_code, answer.json()["code"]) == (409, "command.reused")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (said(verdict="perhaps"), "verdict"),
        ({"case_id": str(CASE)}, "content_key"),
        (said(approved_discount="99"), "approved_discount"),
    ],
)
def test_a_malformed_callback_names_the_field(doors, body, field):
    answer = doors.calls_back(body)
    assert (answer.status_code, answer.json()["code"]) == (422, "approval.callback_malformed")
    assert field in [each["field"] for each in answer.json()["fields"]]


def test_a_late_callback_is_recorded_and_told_so(doors):
    doors.hears(recalled(), 8)
    answer = doors.calls_back(said())
    assert (answer.status_code, answer.json()) == (
        200,
        {
            "outcome": "recorded_no_longer_applies",
            "case_id": str(CASE),
            "case_outcome": "recalled",
            "message": "the decision is recorded, but the case is recalled already: no effect",
        },
    )
    assert doors.facts()[-1] is LateDecisionRecorded


def decide(doors: Doors, who: str, role: str, **body: Any) -> Response:
    asked = {"content_key": KEY, "verdict": "approve", "reason": "as agreed"} | body
    return doors.asks(
        "POST",
        f"/approvals/cases/{CASE}/decision",
        json=asked,
        headers=doors.as_(who, role) | {"idempotency-key": "click-1"},
    )


def test_a_signed_in_approver_decides_once_however_often_he_clicks(doors):
    answers = [decide(doors, "appr-regional-2", "approver").json() for _ in range(2)]
    assert answers[0]["outcome"] == "granted"
    assert answers[1] == answers[0]
    assert len(doors.facts()) == 2


@pytest.mark.parametrize("role", ["seller", "manager", "analyst", "admin"])
def test_other_roles_do_not_decide(doors, role):
    assert decide(doors, "appr-regional-1", role).status_code == 403
    assert doors.facts() == [DiscountApprovalRequested]


def test_an_approver_role_without_a_place_in_the_step_does_not_decide(doors):
    answer = decide(doors, "appr-finance-1", "approver")
    assert (answer.status_code, answer.json()["code"]) == (403, "approval.not_an_approver")


def test_a_rejection_without_a_reason_names_what_is_missing(doors):
    answer = decide(doors, "appr-regional-1", "approver", verdict="reject", reason=" ")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        422,
        "approval.reason_missing",
        "reason",
    )


@pytest.mark.parametrize(
    ("role", "sees"), [("seller", False), ("approver", True), ("manager", True), ("admin", True)]
)
def test_a_seller_sees_the_case_without_its_margin(doors, role, sees):
    answer = doors.asks("GET", f"/approvals/cases/{CASE}", headers=doors.as_("somebody", role))
    shown = answer.json()
    assert (shown["state"], shown["step"]) == ("open", 1)
    assert shown["approvers"] == ["appr-regional-1", "appr-regional-2"]
    assert shown["who_can_move_it"] == "approver"
    assert ("internal" in shown["request"]) is sees
    assert ("246.00" in answer.text) is sees


def test_an_unknown_case_is_not_found(doors):
    answer = doors.asks("GET", f"/approvals/cases/{UUID(int=1)}", headers=doors.as_("m", "manager"))
    assert (answer.status_code, answer.json()["code"]) == (404, "approval.no_such_case")


@pytest.mark.parametrize(("limit", "status"), [(1, 200), (200, 200), (0, 422), (201, 422)])
def test_the_list_of_cases_is_bounded(doors, limit, status):
    path = f"/approvals/cases?state=open&limit={limit}"
    assert doors.asks("GET", path, headers=doors.as_("m", "manager")).status_code == status


def preview(doors: Doors, who: str = "seller-1", **terms: Any) -> Response:
    asked = {"selling_unit": "emea-direct", "sales_discount_percent": "18", "margin_percent": "30"}
    return doors.asks(
        "POST", "/approvals/preview", json=asked | terms, headers=doors.as_(who, "seller")
    )


def test_a_preview_answers_and_makes_no_fact(doors):
    answer = preview(doors, net={"amount": "820", "currency": "EUR"}).json()
    assert answer["within_authority"] is False
    assert [step["approvers"] for step in answer["steps"]] == [
        ["appr-regional-1", "appr-regional-2"]
    ]
    assert answer["largest_without_approval"] == {
        "sales_discount_percent": "10.00",
        "net": {"amount": "900.00", "currency": "EUR"},
    }
    assert doors.facts() == [DiscountApprovalRequested]


def test_a_preview_leaves_out_who_asks(doors):
    answer = preview(doors, who="appr-regional-1").json()
    assert [step["approvers"] for step in answer["steps"]] == [["appr-regional-2"]]


def test_a_preview_refuses_a_binary_float(doors):
    answer = preview(doors, sales_discount_percent=18.5)
    assert answer.status_code == 422
    assert answer.json()["fields"][0]["field"] == "sales_discount_percent"


def test_the_policy_in_force_can_be_read(doors):
    answer = doors.asks("GET", "/approvals/policy", headers=doors.as_("s", "seller")).json()
    assert answer["pin"]["id"] == "telecom-authority"
    first = answer["policy"]["authorities"][0]["tables"][0]["rules"][0]
    assert first["when"] == {
        "sales_discount_percent": {"at_most": "10"},
        "margin_percent": {"at_least": "25"},
    }
