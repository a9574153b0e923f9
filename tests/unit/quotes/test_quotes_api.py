"""The doors of quotes: sellers by token and role, customers by capability link."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import ASGITransport, AsyncClient, Response

from infra.auth import Audience, Pass, Security, mint
from infra.keys import KeySet, SigningKey, jwks
from infra.web import Readiness, Surroundings, application
from services.quotes import api
from services.quotes.api import Doorway
from services.quotes.links import Links
from tests.unit.quotes.bench import Bench

SIGNING = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WHO = Audience("quotewright", "quotewright")
LINK_KEY = b"a-key-of-tests-only-with-32-bytes"
PDF = b"%PDF-1.7 of tests"


class Printer:
    """Stands for the documents service: remembers what was asked, gives a PDF."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, str, Any]] = []

    def ask(
        self, service: str, method: str, path: str, json: Any = None, headers: Any = None
    ) -> bytes:
        del headers
        self.asked.append((service, method, path, json))
        return PDF


class Doors:
    """The routes of quotes over the memory desk, behind the real front door."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.printer = Printer()
        doorway = Doorway(
            units=bench.units,
            links=Links(LINK_KEY),
            asker=self.printer,
            nonce=lambda: "n-7",
            public_url="https://quotes.example",
        )
        keys = KeySet(lambda: json.dumps(jwks([SIGNING.public])).encode(), lambda: 0.0)
        security = Security(keys, WHO, {}, lambda: bench.now)
        app = application(
            "quotes",
            [api.routes(bench.desk, doorway)],
            security,
            lambda: Readiness(ready=True),
            Surroundings(clock=lambda: bench.now),
        )
        self.transport = ASGITransport(app)

    def asks(self, method: str, path: str, role: str | None = "seller", **request: Any) -> Response:
        """Send one request, as a person of this role or as a stranger."""
        headers = dict(request.pop("headers", {}))
        if role:
            headers["authorization"] = f"Bearer {self.token(role)}"

        async def sent() -> Response:
            async with AsyncClient(transport=self.transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, **request)

        return asyncio.run(sent())

    def token(self, role: str) -> str:
        """Return a token of a person with one role."""
        return mint(SIGNING, Pass(f"{role}-1", [role]), WHO, self.bench.now)

    def offer(self, quote_id: UUID, revision: int = 1) -> str:
        """Return the path of the customer's link."""
        return Links(LINK_KEY).path(quote_id, revision)


@pytest.fixture
def doors(bench: Bench) -> Doors:
    """The doors of an empty desk."""
    return Doors(bench)


EDIT: dict[str, Any] = {
    "items": [
        {
            "item_id": "macro",
            "product": "bts-macro",
            "quantity": "40",
            "decisions": [{"attribute": "band", "value": "n78", "source": "user"}],
        }
    ],
    "discounts": [],
    "submit": True,
}


def test_a_seller_drafts_edits_and_sees_the_quote_presented(doors: Doors) -> None:
    doors.bench.hear(doors.bench.opened())
    drafted = doors.asks("POST", f"/quotes/deals/{doors.bench.deal_id}/quotes", json={})
    assert (drafted.status_code, drafted.json()["number"]) == (201, "Q-1001")

    edited = doors.asks(
        "PUT", "/quotes/Q-1001/draft", json=EDIT, headers={"if-match": drafted.headers["etag"]}
    )
    assert (edited.status_code, edited.json()["status"]) == (200, "configuring")
    doors.bench.settle(UUID(drafted.json()["quote_id"]))

    seen = doors.asks("GET", "/quotes/Q-1001").json()
    assert seen["status"] == "presented"
    assert seen["waits_for"]["who"] == "customer"
    assert doors.asks("GET", f"/quotes/{seen['quote_id']}").json() == seen
    assert doors.asks("GET", f"/quotes/deals/{seen['deal_id']}").json()["quotes"] == [
        {"quote_id": seen["quote_id"], "number": "Q-1001", "status": "presented"}
    ]


def test_two_writers_with_the_same_tag_one_gets_a_conflict(doors: Doors) -> None:
    doors.bench.hear(doors.bench.opened())
    doors.bench.draft()
    tag = doors.asks("GET", "/quotes/Q-1001").headers["etag"]

    first = doors.asks("PUT", "/quotes/Q-1001/draft", json=EDIT, headers={"if-match": tag})
    second = doors.asks("PUT", "/quotes/Q-1001/draft", json=EDIT, headers={"if-match": tag})

    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "quote.stale")


def test_the_same_idempotency_key_twice_is_one_quote(doors: Doors) -> None:
    doors.bench.hear(doors.bench.opened())
    path, key = f"/quotes/deals/{doors.bench.deal_id}/quotes", {"idempotency-key": "k-1"}

    first = doors.asks("POST", path, json={}, headers=key)
    second = doors.asks("POST", path, json={}, headers=key)

    assert first.json() == second.json()
    assert len(doors.bench.deal().quotes) == 1


def test_unknown_quotes_and_bad_bodies_are_problems(doors: Doors) -> None:
    doors.bench.presented()

    assert doors.asks("GET", "/quotes/Q-9999").json()["code"] == "quote.not_found"
    assert doors.asks("GET", "/quotes/Q-1001/revisions/2").status_code == 404
    assert doors.asks("POST", "/quotes/Q-1001/submit").json()["code"] == "quote.presented"
    floats = {**EDIT, "items": [{**EDIT["items"][0], "quantity": 1.5}]}
    assert doors.asks("PUT", "/quotes/Q-1001/draft", json=floats).status_code == 422


@pytest.mark.parametrize(
    ("role", "status"),
    [("seller", 200), ("manager", 200), ("admin", 200), ("approver", 403), (None, 401)],
)
def test_who_may_withdraw(doors: Doors, role: str | None, status: int) -> None:
    doors.bench.presented()

    asked = doors.asks("POST", "/quotes/Q-1001/withdraw", role, json={"reason": "stopped"})

    assert asked.status_code == status


def test_a_manager_and_an_approver_can_not_edit(doors: Doors) -> None:
    doors.bench.hear(doors.bench.opened())
    doors.bench.draft()

    for role in ("manager", "approver", "analyst"):
        assert doors.asks("PUT", "/quotes/Q-1001/draft", role, json=EDIT).status_code == 403


@pytest.mark.parametrize(("role", "sees"), [("seller", False), ("approver", True), ("admin", True)])
def test_who_sees_costs_and_margins(doors: Doors, role: str, sees: bool) -> None:
    doors.bench.presented()

    for path in ("/quotes/Q-1001", "/quotes/Q-1001/revisions/1"):
        assert ("margin" in doors.asks("GET", path, role).text) is sees


def test_a_draft_pdf_asks_documents_and_makes_no_fact(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    before = doors.bench.facts(quote_id)

    drawn = doors.asks("GET", "/quotes/Q-1001/revisions/1/draft.pdf")

    assert (drawn.content, drawn.headers["content-type"]) == (PDF, "application/pdf")
    service, method, path, body = doors.printer.asked[0]
    assert (service, method, path) == ("documents", "POST", "/documents/preview")
    assert body["number"] == "Q-1001"
    assert "internal" not in body
    assert doors.bench.facts(quote_id) == before


# ---- the customer


def test_a_customer_reads_downloads_and_accepts_by_the_link(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    link = doors.asks("GET", "/quotes/Q-1001/revisions/1/link").json()
    assert link["url"] == "https://quotes.example" + doors.offer(quote_id)

    offer = doors.asks("GET", link["path"], None).json()
    document = doors.asks("GET", link["path"] + "/document", None)
    accepted = doors.asks(
        "POST",
        link["path"] + "/accept",
        None,
        json={"name": "A. Buyer", "document_sha256": offer["document_sha256"]},
    )

    assert offer["may_be_accepted"] is True
    assert document.content == PDF
    assert doors.printer.asked[-1][2] == f"/documents/{offer['document_sha256']}"
    assert (accepted.status_code, accepted.json()["status"]) == (200, "accepted")


def test_reading_an_offer_decides_nothing_and_shows_nothing_internal(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    for _ in range(3):
        seen = doors.asks("GET", doors.offer(quote_id), None)

    assert [type(each).__name__ for each in doors.bench.facts(quote_id)].count("QuoteViewed") == 1
    assert doors.bench.quote(quote_id).outcome is None
    for secret in ("internal", "margin", "cost", "rationale", "breaches", "list-emea"):
        assert secret not in seen.text


def test_a_wrong_link_and_a_draft_look_the_same_to_a_stranger(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    doors.bench.revise(quote_id)
    right = doors.offer(quote_id)
    wrong = [
        right[:-1] + ("A" if right[-1] != "A" else "B"),
        doors.offer(quote_id, 2),
        doors.offer(quote_id, 9),
        doors.offer(UUID(int=1)),
        right.replace("/1/", "/2/"),
    ]

    answers = [doors.asks("GET", each, None) for each in wrong]

    assert {each.status_code for each in answers} == {404}
    assert {each.json()["code"] for each in answers} == {"quote.offer_not_found"}


def test_an_altered_expired_or_superseded_offer_is_refused_with_the_reason(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    first = doors.offer(quote_id)
    good = doors.asks("GET", first, None).json()["document_sha256"]

    def accept(digest: str) -> tuple[int, str]:
        body = {"name": "A. Buyer", "document_sha256": digest}
        said = doors.asks("POST", first + "/accept", None, json=body)
        return said.status_code, said.json()["code"]

    assert accept("0" * 64) == (409, "quote.document_differs")
    doors.bench.revised(quote_id, doors.bench.item(quantity=30))
    assert accept(good) == (409, "quote.superseded")
    assert doors.asks("GET", first, None).json()["status"] == "superseded"
    doors.bench.later(days=60)
    late = {"reason_code": "price", "comment": None}
    said = doors.asks("POST", doors.offer(quote_id, 2) + "/decline", None, json=late)
    assert (said.status_code, said.json()["code"]) == (409, "quote.expired")


def test_a_customer_declines_or_asks_for_a_change(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    wish = {"message": "two more sites, please"}

    changed = doors.asks("POST", doors.offer(quote_id) + "/change-request", None, json=wish)
    declined = doors.asks(
        "POST", doors.offer(quote_id) + "/decline", None, json={"reason_code": "timing"}
    )

    assert (changed.status_code, changed.json()["status"]) == (200, "presented")
    assert (declined.status_code, declined.json()["status"]) == (200, "declined")


def test_a_customer_never_reads_our_reason_for_taking_an_offer_back(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    sha = doors.asks("GET", doors.offer(quote_id), None).json()["document_sha256"]
    doors.bench.withdraw(quote_id)
    yes = {"name": "A. Buyer", "document_sha256": sha}
    no = {"reason_code": "price", "comment": "too late"}
    wish = {"message": "four sites more"}
    for path, body in (("/accept", yes), ("/decline", no), ("/change-request", wish)):
        answer = doors.asks("POST", doors.offer(quote_id) + path, None, json=body)
        assert (answer.status_code, answer.json()["code"]) == (409, "quote.offer_closed")
        assert "project stopped" not in answer.text


def test_a_customer_who_says_yes_twice_hears_that_the_offer_is_accepted(doors: Doors) -> None:
    quote_id = doors.bench.presented()
    sha = doors.asks("GET", doors.offer(quote_id), None).json()["document_sha256"]
    yes = {"name": "A. Buyer", "document_sha256": sha}
    first, again = (
        doors.asks("POST", doors.offer(quote_id) + "/accept", None, json=yes) for _ in "ab"
    )
    assert first.status_code == 200
    assert (again.status_code, again.json()["outcome"]) == (409, "accepted")
    placed = [each for each in doors.bench.facts(quote_id) if type(each).__name__ == "OrderPlaced"]
    assert len(placed) == 1


def test_a_short_link_key_is_refused() -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Links(b"short")
