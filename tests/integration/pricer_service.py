"""The pricer over PostgreSQL, in one or more houses on one database, and who asks it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import httpx
from pydantic import SecretStr

from contracts.envelope import Meta, Opened
from contracts.quote import PricingRequested
from infra.auth import Audience, Pass, mint
from infra.cookies import form_token
from infra.keys import SigningKey, jwks
from infra.parts import Parts, Plumbing
from infra.service import House
from infra.settings import Settings
from infra.work import Cause
from services.approvals import policy
from services.approvals.domain.bulk import BulkQuestion, preview_all
from services.pricer import main
from services.pricer.domain.asks.ask import PriceAsk
from tests.unit.pricer.basket import an_entry, an_item, the_document

NOW = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
TELECOM = Path(__file__).parents[2] / "catalogs" / "telecom"
DEALS = UUID(int=77)
WHAT_IFS = "/what-ifs"


class Approvers:
    """Approvals as a peer: its own answer to the bulk question, or none."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.fault: Exception | None = None

    def ask(self, service: str, method: str, path: str, json: Any = None, **more: Any) -> bytes:
        assert (service, method, path) == ("approvals", "POST", "/approvals/preview/bulk")
        if self.fault is not None:
            raise self.fault
        question = BulkQuestion.model_validate(json)
        self.asked.append(len(question.terms))
        published = policy.load(TELECOM).on(NOW.date())
        return preview_all(published.policy, published.pin, question).model_dump_json().encode()


class Pricer:
    """The service in one house, its chore stepped by hand."""

    def __init__(self, settings: Settings, clock: Any, key: SigningKey) -> None:
        self.clock, self.key, self.settings = clock, key, settings
        self.approvers = Approvers()

        def build(given: Settings, plumbing: Plumbing) -> Parts:
            plumbing.asker = self.approvers
            return main.build(given, plumbing)

        self.house = House(settings, {"pricer": build}, clock)
        (self.service,) = self.house.services
        self.app = self.house.app()

    def token(self, who: str, role: str) -> str:
        return token_of(self.settings, self.key, who, role, self.clock())

    def asks(
        self, method: str, path: str, body: Any = None, role: str = "manager", **more: str
    ) -> httpx.Response:
        """Ask as a program does, below /pricer; `more` are further headers."""
        headers = {"authorization": f"Bearer {self.token(f'{role}-1', role)}", "accept": "*/*"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return self.sends(method, f"/pricer{path}", headers=headers, json=body)

    def browses(
        self, path: str, fields: dict[str, str] | None = None, role: str = "manager"
    ) -> httpx.Response:
        """Ask as a browser does, below /pricer: look, or send a form with `fields`."""
        token = self.token(f"{role}-1", role)
        headers = {
            "accept": "text/html",
            "accept-language": "en-GB",
            "cookie": f"qw_session={token}",
        }
        if fields is None:
            return self.sends("GET", f"/pricer{path}", headers=headers)
        data = {"form_token": form_token(token), **fields}
        return self.sends("POST", f"/pricer{path}", headers=headers, data=data)

    def drafts(self, document: dict[str, Any], kind: str = "books", **more: str) -> dict[str, Any]:
        path = f"/{kind}/{document['id']}/{document['version']}"
        answer = self.asks("PUT", path, document, **more)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def publishes(self, draft: dict[str, Any], kind: str = "books", **more: str) -> httpx.Response:
        path = f"/{kind}/{draft['id']}/{draft['version']}/publish"
        said = {"sha256": draft["sha256"], "reason": "prices of the season"}
        return self.asks("POST", path, said, **more)

    def prices(self, **changes: Any) -> httpx.Response:
        return self.asks("POST", "/preview", an_ask(**changes), role="seller")

    # ---- what-ifs

    def hears(self, number: str, ask: PriceAsk, revision: int = 1, unit: str | None = None) -> None:
        """Let it hear an ask of quotes for this quote."""
        quote_id = uuid5(DEALS, number)
        about = {"name": "Site", "model": {"id": "m", "version": 1, "sha256": "a" * 64}}
        more = {"decisions": [], "options": [], "parameters": []}
        tree = ask.model_dump(mode="json", exclude_none=True)
        tree["commercial"] = {"terms": tree.pop("terms")}
        items = [{**each, **about, **more} for each in tree.pop("items")]
        for each in items:
            each["bill_of_materials"] = [
                {**part, "option": "x"} for part in each["bill_of_materials"]
            ]
        who = {"deal_id": quote_id, "quote_id": quote_id, "revision": revision, "number": number}
        rest = {"pins": {}, "submit": False, "requested_by": "user/ann", "selling_unit": unit}
        fact = PricingRequested.model_validate({**tree, **who, **rest, "items": items})
        meta = Meta(
            id=f"quotes.quote/{quote_id}/{revision}",
            source="quotes",
            type=PricingRequested.wire_type(),
            version=1,
            deal_id=quote_id,
            subject=None,
            time=NOW,
            correlation=str(quote_id),
            causation=None,
            actor="user/ann",
            traceparent=None,
        )
        said = Opened(meta, fact)
        cause = Cause(meta.id, NOW, "service/pricer", str(quote_id))
        handler = self.service.parts.hears[PricingRequested]
        self.service.plumbing.run(cause, lambda work: handler(said, work))

    def works(self, steps: int | None = None) -> int:
        """Let the chore do so many steps, or all; returns how many it did."""
        done = 0
        while steps is None or done < steps:
            if not self.service.parts.chores["what-ifs"].step():
                break
            done += 1
        return done

    def tries(self, **ask: Any) -> dict[str, Any]:
        """Ask for a what-if, let it be carried out, and return how it ended."""
        answer = self.asks("POST", WHAT_IFS, {"name": "a try", **ask})
        assert answer.status_code == 202, answer.text
        self.works()
        return self.found(answer.json()["what_if"]["what_if_id"])

    def found(self, what_if_id: str) -> dict[str, Any]:
        """Return a what-if as it stands."""
        return dict(self.asks("GET", f"{WHAT_IFS}/{what_if_id}").json())

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self.service.plumbing.query(statement)

    def sends(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


def settings_of(make_database: Any, folder: Path, catalogue: Path) -> tuple[Settings, SigningKey]:
    """Return the settings of a process on a database of its own, and the key of sign-in."""
    key = SigningKey.create(folder / "key.pem")
    (folder / "keys.json").write_text(json.dumps(jwks([key.public])), encoding="utf-8")
    settings = Settings(
        dsn=SecretStr(make_database(pricer=["pricer"]).dsn("pricer")),
        jwt_public_keys=str(folder / "keys.json"),
        catalog_dir=catalogue,
    )
    return settings, key


def token_of(settings: Settings, key: SigningKey, who: str, role: str, now: datetime) -> str:
    """Return the token of somebody."""
    audience = Audience(settings.jwt_issuer, settings.jwt_audience)
    return mint(key, Pass(who, [role]), audience, now)


def an_ask(**changes: Any) -> dict[str, Any]:
    """Return what a seller asks of the small book."""
    ask = {
        "items": [an_item(("X", "1"))],
        "account_id": "acct-1",
        "customer_tier": "standard",
        "region": "EMEA",
        "currency": "USD",
        "day": "2026-11-28",
    }
    return ask | changes


@contextmanager
def running(
    make_database: Any, clock: Any, folder: Path, catalogue: Path = TELECOM, houses: int = 1
) -> Iterator[tuple[Pricer, ...]]:
    """Run the service over a catalogue, in so many houses on one database."""
    clock.now = NOW
    settings, key = settings_of(make_database, folder, catalogue)
    found = tuple(Pricer(settings, clock, key) for _ in range(houses))
    try:
        yield found
    finally:
        for each in found:
            each.house.stop()


def a_version(version: int, price: str = "10", **changes: Any) -> dict[str, Any]:
    """The document of a small book with one part."""
    changes.setdefault("entries", [an_entry("X", price)])
    return the_document(version=version, status="draft", **changes)
