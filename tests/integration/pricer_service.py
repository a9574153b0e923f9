"""The service pricer over PostgreSQL, its chore stepped by hand, and who asks it."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from tests.unit.pricer.history import CATALOG

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOUSE = UUID(int=77)
WHAT_IFS = "/pricer/what-ifs"


class Approvers:
    """Approvals as a peer: its own answer to the bulk question, or none."""

    def __init__(self) -> None:
        self.authority = policy.load(CATALOG)
        self.asked: list[int] = []
        self.fault: Exception | None = None

    def ask(self, service: str, method: str, path: str, json: Any = None, **more: Any) -> bytes:
        assert (service, method, path) == ("approvals", "POST", "/approvals/preview/bulk")
        if self.fault is not None:
            raise self.fault
        question = BulkQuestion.model_validate(json)
        self.asked.append(len(question.terms))
        published = self.authority.on(NOW.date())
        return preview_all(published.policy, published.pin, question).model_dump_json().encode()


class Pricer:
    """The service in one process, and who asks it."""

    def __init__(self, settings: Settings, clock: Any, key: SigningKey) -> None:
        self.clock, self.key, self.settings = clock, key, settings
        self.approvers = Approvers()

        def build(given: Settings, plumbing: Plumbing) -> Parts:
            plumbing.asker = self.approvers
            return main.build(given, plumbing)

        self.house = House(settings, {"pricer": build}, clock)
        (self.service,) = self.house.services
        self.app = self.house.app()

    def hears(self, number: str, ask: PriceAsk, revision: int = 1, unit: str | None = None) -> None:
        """Let it hear an ask of quotes for this quote."""
        quote_id = uuid5(HOUSE, number)
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

    def asks(
        self, method: str, path: str, body: Any = None, role: str = "manager", **more: str
    ) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.token(role)}", "accept": "*/*"}
        headers |= {name.replace("_", "-"): value for name, value in more.items()}
        return self.sends(method, path, headers=headers, json=body)

    def browses(
        self, method: str, path: str, fields: dict[str, str] | None = None, role: str = "manager"
    ) -> httpx.Response:
        token = self.token(role)
        headers = {
            "accept": "text/html",
            "accept-language": "en-GB",
            "cookie": f"qw_session={token}",
        }
        data = {"form_token": form_token(token), **(fields or {})} if method == "POST" else None
        return self.sends(method, path, headers=headers, data=data)

    def tries(self, **ask: Any) -> dict[str, Any]:
        """Ask for a what-if, let it be carried out, and return how it ended."""
        answer = self.asks("POST", WHAT_IFS, {"name": "a try", **ask})
        assert answer.status_code == 202, answer.text
        self.works()
        return self.found(answer.json()["what_if"]["what_if_id"])

    def found(self, what_if_id: str) -> dict[str, Any]:
        return dict(self.asks("GET", f"{WHAT_IFS}/{what_if_id}").json())

    def rows(self, statement: str) -> list[dict[str, Any]]:
        return self.service.plumbing.query(statement)

    def token(self, role: str) -> str:
        audience = Audience(self.settings.jwt_issuer, self.settings.jwt_audience)
        return mint(self.key, Pass(f"{role}-1", [role], timedelta(hours=8)), audience, self.clock())

    def sends(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
                return await client.request(method, path, **more)

        return asyncio.run(ask())


@contextmanager
def running(make_database: Any, clock: Any, tmp_path: Any) -> Iterator[Pricer]:
    """Run the service over the telecom catalogue."""
    clock.now = NOW
    key = SigningKey.create(tmp_path / "key.pem")
    (tmp_path / "keys.json").write_text(json.dumps(jwks([key.public])), encoding="utf-8")
    database = make_database(pricer=["pricer"])
    settings = Settings(
        dsn=SecretStr(database.dsn("pricer")), jwt_public_keys=str(tmp_path / "keys.json")
    )
    service = Pricer(settings, clock, key)
    yield service
    service.house.stop()
