"""Documents on the memory store: every ask gets exactly one answer; the doors give what is kept.

The renderer is a port; here it prints text, so that these tests need no typesetting.
"""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import ASGITransport, AsyncClient, Response

from contracts.document import DocumentRenderFailed, QuoteDocumentRendered
from contracts.envelope import Fact, Meta, Opened
from contracts.quote import DocumentRequested
from infra.auth import Audience, Pass, Security, mint
from infra.desk import CommandDesk
from infra.keys import KeySet, SigningKey, jwks
from infra.memory import MemoryStore
from infra.web import Readiness, Surroundings, application, policies
from infra.work import Cause, Work
from services.documents import api, brands, consumer
from services.documents.domain.page import Page
from services.documents.domain.refusals import UnprintableText
from services.documents.main import READS
from services.documents.render import Printed, RendererDown
from tests.unit.documents.asked import CONTENT_KEY, QUOTE, an_ask

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
ASK_ID = f"quotes.quote/{QUOTE}/7"
STATIONERY = brands.load(Path("catalogs/telecom"))


class TextPress:
    """A renderer that prints the page model's JSON; raises what it is told to, in turn."""

    def __init__(self, *faults: Exception) -> None:
        self.faults: Iterator[Exception] = iter(faults)
        self.printed: list[Page] = []

    def render(self, page: Page) -> Printed:
        fault = next(self.faults, None)
        if fault is not None:
            raise fault
        self.printed.append(page)
        return Printed(page.model_dump_json().encode(), 3, "text 1.0", 0.1)


def heard(asked: DocumentRequested) -> Opened:
    return Opened(
        Meta(
            id=ASK_ID, source="quotes", type=asked.wire_type(), version=1, deal_id=asked.deal_id,
            subject=asked.subject(), time=NOW, correlation=str(asked.deal_id),
        ),
        asked,
    )  # fmt: skip


def answer_to(
    asked: DocumentRequested, press: TextPress, store: MemoryStore | None = None
) -> list[Fact]:
    place = store or MemoryStore("documents", READS)
    work = Work(place, Cause(f"{ASK_ID}:documents", NOW, "service/documents"))
    consumer.hears(STATIONERY, press)[DocumentRequested](heard(asked), work)
    place.commit([work])
    return [each.fact for each in place.read(f"documents.answer/{QUOTE}")]


def test_an_ask_is_answered_with_the_kept_document() -> None:
    store, press = MemoryStore("documents", READS), TextPress()
    asked = an_ask()
    [fact] = answer_to(asked, press, store)
    content = press.printed[0].model_dump_json().encode()
    digest = sha256(content).hexdigest()
    assert fact == QuoteDocumentRendered(
        deal_id=asked.deal_id, quote_id=QUOTE, revision=1, answers=ASK_ID,
        content_key=CONTENT_KEY, sha256=digest, size_bytes=len(content), pages=3,
        media_type="application/pdf", template=STATIONERY.letterhead("example-networks").pin,
        language="en", renderer="text 1.0",
    )  # fmt: skip
    kept = store.body(digest)
    assert kept is not None
    assert kept.content == content


def test_the_document_of_an_approved_revision_is_no_draft() -> None:
    press = TextPress()
    answer_to(an_ask(), press)
    assert press.printed[0].draft is None


def test_a_second_ask_gets_a_second_answer() -> None:
    store = MemoryStore("documents", READS)
    answer_to(an_ask(), TextPress(), store)
    work = Work(store, Cause("again:documents", NOW, "service/documents"))
    consumer.hears(STATIONERY, TextPress())[DocumentRequested](heard(an_ask()), work)
    store.commit([work])
    assert len(store.read(f"documents.answer/{QUOTE}")) == 2


def test_one_dead_worker_is_forgiven() -> None:
    [fact] = answer_to(an_ask(), TextPress(RendererDown("died")))
    assert isinstance(fact, QuoteDocumentRendered)


def test_two_dead_workers_are_a_failure_that_an_admin_mends() -> None:
    [fact] = answer_to(an_ask(), TextPress(RendererDown("died"), RendererDown("died again")))
    assert isinstance(fact, DocumentRenderFailed)
    assert (fact.code, fact.message, fact.who_can_move_it, fact.answers) == (
        "documents.renderer_down",
        "died again",
        "admin",
        ASK_ID,
    )


def test_a_text_that_can_not_be_printed_is_the_sellers_to_mend() -> None:
    [fact] = answer_to(an_ask(), TextPress(UnprintableText("has no such signs")))
    assert isinstance(fact, DocumentRenderFailed)
    assert (fact.code, fact.who_can_move_it) == ("documents.unprintable_text", "seller")


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (an_ask(brand="nobody"), "documents.unknown_brand"),
        (an_ask(language="tlh"), "documents.unknown_language"),
    ],
)
def test_a_wrong_setting_is_the_admins_to_mend(asked: DocumentRequested, code: str) -> None:
    [fact] = answer_to(asked, TextPress())
    assert isinstance(fact, DocumentRenderFailed)
    assert (fact.code, fact.who_can_move_it) == (code, "admin")


# ---- the doors


SIGNING = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WHO = Audience("quotewright", "quotewright")


class Doors:
    """The routes of documents over a memory store, behind the real front door."""

    def __init__(self, press: TextPress, store: MemoryStore | None = None) -> None:
        desk = CommandDesk(store or MemoryStore("documents", READS), lambda: None)
        keys = KeySet(lambda: json.dumps(jwks([SIGNING.public])).encode(), lambda: 0.0)
        security = Security(keys, WHO, {}, lambda: NOW)
        around = Surroundings(clock=lambda: NOW)
        router = api.routes(desk, STATIONERY, press)
        self.app = application(
            "documents", [router], security, lambda: Readiness(ready=True), around
        )

    def asks(self, method: str, path: str, role: str = "seller", **request: Any) -> Response:
        """Send one request and wait for its answer."""
        token = mint(SIGNING, Pass("somebody", [role]), WHO, NOW)

        async def sent() -> Response:
            transport = ASGITransport(self.app)
            async with AsyncClient(transport=transport, base_url="http://test") as client:
                headers = {"Authorization": f"Bearer {token}"}
                return await client.request(method, path, headers=headers, **request)

        return asyncio.run(sent())

    def previews(self, asked: DocumentRequested) -> Response:
        return self.asks("POST", "/documents/preview", json=asked.model_dump(mode="json"))


def test_a_kept_document_is_given_whole_and_for_ever() -> None:
    store, press = MemoryStore("documents", READS), TextPress()
    [fact] = answer_to(an_ask(), press, store)
    assert isinstance(fact, QuoteDocumentRendered)
    given = Doors(press, store).asks("GET", f"/documents/{fact.sha256}")
    assert (given.status_code, given.headers["content-type"]) == (200, "application/pdf")
    assert sha256(given.content).hexdigest() == fact.sha256
    assert given.headers["cache-control"] == "private, max-age=31536000, immutable"


def test_an_unknown_document_is_not_found() -> None:
    given = Doors(TextPress()).asks("GET", f"/documents/{'0' * 64}")
    assert (given.status_code, given.json()["code"]) == (404, "documents.unknown")


def test_a_preview_is_a_draft_and_kept_nowhere() -> None:
    press, store = TextPress(), MemoryStore("documents", READS)
    given = Doors(press, store).previews(an_ask())
    assert (given.status_code, given.headers["cache-control"]) == (200, "no-store")
    assert press.printed[0].draft is not None
    assert store.body(sha256(given.content).hexdigest()) is None


def test_a_preview_that_is_refused_names_field_and_rule() -> None:
    given = Doors(TextPress()).previews(an_ask(brand="nobody"))
    assert (given.status_code, given.json()["code"], given.json()["field"]) == (
        422,
        "documents.unknown_brand",
        "brand",
    )


def test_a_dead_renderer_is_not_available_now() -> None:
    given = Doors(TextPress(RendererDown("died"))).previews(an_ask())
    assert given.status_code == 503


def test_the_doors_are_open_to_these_roles_only() -> None:
    app = Doors(TextPress()).app
    assert {
        where: who for where, who in policies(app).items() if where[1].startswith("/documents")
    } == {
        ("GET", "/documents/{sha256}"): frozenset(
            {"seller", "approver", "manager", "admin", "service"}
        ),
        ("POST", "/documents/preview"): frozenset({"seller", "admin", "service"}),
    }


def test_an_analyst_sees_no_document() -> None:
    assert Doors(TextPress()).asks("GET", f"/documents/{'0' * 64}", "analyst").status_code == 403


def test_an_answer_is_repeatable() -> None:
    assert answer_to(an_ask(), TextPress()) == answer_to(an_ask(), TextPress())
