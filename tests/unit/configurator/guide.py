"""The guided page over real models, as a browser without JavaScript meets it; its peers are played."""

import asyncio
import html
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from httpx import ASGITransport, AsyncClient, Response

from contracts import places
from contracts.envelope import Registry
from contracts.errors import Conflict, NotFound, Unavailable
from infra.auth import Audience, Pass, Security, mint
from infra.cookies import form_token
from infra.desk import CommandDesk
from infra.keys import KeySet, SigningKey, jwks
from infra.memory import MemoryStore
from infra.pages import Link, Menu, Pages
from infra.web import Readiness, Surroundings, application
from services.configurator import main, pages, picture_api, shelf
from services.configurator.counter import Counter
from services.configurator.domain.products.catalogue import Catalogue
from services.configurator.domain.products.product import Product
from services.configurator.pictures import Pictures, load
from services.configurator.sessions import Sessions

ROOT = Path(__file__).parents[3]
DEAL = UUID(int=7)
SIGNING = SigningKey.of(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
WHO = Audience("quotewright", "quotewright")
NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NR = {"a-station_type": "macro", "a-technology": "nr", "a-nr_bands-n78": "on", "a-lte_bands-": "on"}
BROWSER = {"accept": "text/html,application/xhtml+xml", "accept-language": "en-GB"}
DETAILS = {
    "name": "Radio access",
    "account_id": "a-1",
    "account_name": "Example <b>Ltd</b>",
    "customer_tier": "gold",
    "region": "EMEA",
    "currency": "EUR",
    "selling_unit": "telecom-emea",
    "owner_id": "seller-1",
}


@cache
def catalogue() -> Catalogue:
    """The telecom catalogue, published once for all tests."""
    return shelf.load(ROOT / "catalogs" / "telecom")


@cache
def drawn() -> Pictures:
    """The pictures of the telecom catalogue."""
    telecom = ROOT / "catalogs" / "telecom"
    return load(telecom, shelf.load(telecom))


def station() -> Product:
    return catalogue().product("base_station", date(2026, 3, 2))


def money(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "EUR"}


@dataclass
class Peers:
    """Stands for quotes, pricer and approvals; remembers what was asked, and in whose name."""

    away: set[str] = field(default_factory=set)
    status: str = "priced"
    charges: tuple[str, ...] = ("one_time",)
    items: list[Any] = field(default_factory=list)
    discounts: list[Any] = field(default_factory=list)
    closed: str | None = None
    stale: bool = False
    away_after_edit: bool = False
    asked: list[tuple[str, str, str, Any, dict[str, str]]] = field(default_factory=list)

    def ask(
        self, service: str, method: str, path: str, body: Any = None, headers: Any = None
    ) -> bytes:
        self.asked.append((service, method, path, body, dict(headers or {})))
        if service in self.away:
            raise Unavailable(f"{service} is not available now")
        return json.dumps(getattr(self, f"_{service}")(method, path, body)).encode()

    def wrote(self) -> list[tuple[str, str, Any]]:
        return [each[1:4] for each in self.asked if each[0] == "quotes" and each[1] != "GET"]

    def _quotes(self, method: str, path: str, body: Any) -> Any:
        if path == f"/quotes/deals/{DEAL}":
            return {
                "deal_id": str(DEAL),
                "details": DETAILS,
                "closed": self.closed,
                "ordered": None,
            }
        if method == "POST":
            return self._quote()
        if not path.startswith("/quotes/Q-1001"):
            raise NotFound("there is no quote Q-9", quote="Q-9")
        if method == "PUT":
            if self.stale:
                self.stale = False
                raise Conflict("Q-1001 was changed since you looked; reload it and decide again")
            self.items, self.discounts = body["items"], body["discounts"]
            self.away |= {"quotes"} if self.away_after_edit else set()
        return self._quote()

    def _quote(self) -> Any:
        current = {"items": self.items, "discounts": self.discounts, "etag": "e/1", "offer": None}
        return {"number": "Q-1001", "deal_id": str(DEAL), "status": self.status, "current": current}

    def _pricer(self, method: str, path: str, body: Any) -> Any:
        if path == "/pricer/prices":
            each = {"unit": "pcs", "charge": "one_time", "list_unit": money("100.00")}
            pin = {"id": "book", "version": 1, "sha256": "0" * 64}
            return {
                "book": pin,
                "fx": pin,
                "currency": "EUR",
                "day": body["day"],
                "prices": [{"sku": sku, "additive": True, **each} for sku in body["skus"]],
            }
        asked = [(each, charge) for each in body["items"] for charge in self.charges]
        lines = [
            {
                "line": at,
                "item_id": each["item_id"],
                "charge": charge,
                "list_total": money("1000.00"),
                "net_total": money("900.00"),
            }
            for at, (each, charge) in enumerate(asked, 1)
        ]
        margins = [{"line": each["line"], "margin_percent": "33.33"} for each in lines]
        totals = {
            "net": money("900.00"),
            "currency": "EUR",
            "discount_percent": "10",
            "sales_discount_percent": "5",
        }
        internal = {"margin_percent": "37.77", "lines": margins}
        return {"lines": lines, "totals": totals, "breaches": [], "internal": internal}

    def _approvals(self, method: str, path: str, body: Any) -> Any:
        cause = {"message": "the sales discount is above 3 %"}
        step = {"step": 1, "level": "regional", "approvers": ["appr-1"], "causes": [cause]}
        return {"within_authority": False, "steps": [step]}


class Guide:
    """The pages behind the real front door."""

    def __init__(self) -> None:
        self.peers = Peers()
        # In memory there are no rows: what is said of sessions is tested over PostgreSQL.
        self.commands = CommandDesk(MemoryStore("configurator", Registry([])), lambda _: None)
        self.counter = Counter(Path("/nowhere"), lambda _variables, _clauses: None)
        menu = Menu(tuple(Link(*each) for each in places.MENU), places.SIGN_IN, places.SIGN_OUT)
        face = Pages(
            "/configurator", menu, main.TEMPLATES, {"places": places, "picture_at": drawn().at}
        )
        router = picture_api.routes(drawn())
        router.routes.extend(
            pages.routes(
                self.peers, catalogue(), face, Sessions(self.commands), self.counter
            ).routes
        )
        keys = KeySet(lambda: json.dumps(jwks([SIGNING.public])).encode(), lambda: 0.0)
        app = application(
            "configurator",
            [router, face.routes()],
            Security(keys, WHO, {}, lambda: NOW),
            lambda: Readiness(ready=True),
            Surroundings(clock=lambda: NOW, draw_problem=face.problem),
        )
        self.transport = ASGITransport(app)

    def gets(self, path: str, role: str = "seller", **more: str) -> Response:
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return self._asks("GET", path, {**self._headers(role), **named})

    def posts(
        self, path: str, fields: dict[str, str], role: str = "seller", **more: str
    ) -> Response:
        token = {"form_token": form_token(self.session(role))}
        named = {name.replace("_", "-"): value for name, value in more.items()}
        return self._asks("POST", path, {**self._headers(role), **named}, {**token, **fields})

    def session(self, role: str) -> str:
        return mint(SIGNING, Pass(f"{role}-1", [role]), WHO, NOW)

    def _headers(self, role: str) -> dict[str, str]:
        self._sessions = getattr(self, "_sessions", {})
        session = self._sessions.setdefault(role, self.session(role))
        return {**BROWSER, "cookie": f"qw_session={session}"}

    def _asks(self, method: str, path: str, headers: Any, data: Any = None) -> Response:
        async def sent() -> Response:
            async with AsyncClient(transport=self.transport, base_url="http://test") as client:
                return await client.request(method, path, headers=headers, data=data)

        return asyncio.run(sent())


def text_of(page: Response) -> str:
    """The words of a page, as one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
