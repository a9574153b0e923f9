"""Who may call what: every route of all six services against the checked-in table, role by role.

The table is `route_roles.yaml`. A new route fails here until somebody has written down who may call it.
"""

import asyncio
import re
import secrets
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
import yaml
from fastapi import FastAPI
from prometheus_client import CollectorRegistry

from contracts.catalogue import every_fact
from infra.admin import admin_routes
from infra.ask import HttpAsker
from infra.auth import PEOPLE, ROLES, Audience, Pass, mint, security_of, service_key
from infra.clock import wall_clock
from infra.cookies import FORM
from infra.desk import CommandDesk
from infra.keys import SigningKey
from infra.memory import MemoryStore
from infra.metrics import metrics_route
from infra.seen import MemorySeen
from infra.settings import Settings
from infra.status import status_routes
from infra.web import Readiness, application, policies
from infra.webhooks import Verifier
from quotewright.house import BUILDERS

TABLE = Path(__file__).parent / "route_roles.yaml"
PUBLIC = "public"
PAGE = " page"


def table() -> dict[tuple[str, str], frozenset[str]]:
    """Return the roles of each route; `{public}` where no token is asked for."""
    written = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return {
        cast("tuple[str, str]", tuple(route.split(" ", 1))): frozenset(roles)
        for service in written.values()
        for route, roles in service.items()
    }


ROUTES = sorted(table().items())
SIGNED = [
    ("POST", "/approvals/callbacks/{system}"),
    ("POST", "/crm/webhooks/{crm}"),
]
GUARDED = [(route, roles) for route, roles in ROUTES if roles != {PUBLIC}]


class NoRows(MemoryStore):
    """A store in memory, with the operator's list of a real one."""

    def parked_one(self, parked_id: int) -> None:
        del parked_id

    def parked(self, limit: int, *place: Any) -> list[Any]:  # type: ignore[override]
        del limit, place
        return []

    def parked_count(self) -> dict[str, int]:
        return {}

    def discarded(self, limit: int, before: int | None) -> list[Any]:
        del limit, before
        return []

    def ask_retry(self, parked_id: int | None) -> int:
        del parked_id
        return 0


class NoStatus:
    """How a service stands that does not run."""

    def as_json(self) -> dict[str, Any]:
        return {}


class Desk(CommandDesk):
    """What a service's main builds on, without a database."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.settings = settings
        self.clock = wall_clock
        self.pool = None
        self.ledger = NoRows(name, every_fact())
        self.verifier = Verifier(settings.webhook_keys, MemorySeen(), wall_clock)
        self.asker = HttpAsker(settings.peers, None)
        super().__init__(self.ledger, lambda: None)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """One app with the routes of all six services, and a credential for every role."""
    home = tmp_path_factory.mktemp("doors")
    key = SigningKey.create(home / "signing.pem")
    ours, digest = service_key("peer", secrets.token_bytes)
    settings = Settings(
        jwt_private_key=home / "signing.pem",
        service_keys={"peer": digest},
        link_key="x" * 32,
        local_dir=home,
    )
    desks = {name: Desk(settings, name) for name in BUILDERS}
    parts = {name: build(settings, cast("Any", desks[name])) for name, build in BUILDERS.items()}
    routers = [each.router for each in parts.values()]
    routers += [
        admin_routes(each.prefix or f"/{name}", cast("Any", desks[name].ledger), each.registry)
        for name, each in parts.items()
    ]
    routers += [
        status_routes(each.prefix or f"/{name}", lambda: cast("Any", NoStatus()))
        for name, each in parts.items()
    ]
    faces = [each for each in parts.values() if each.face]
    routers += [each.face.routes() for each in faces if each.face]
    for each in faces:
        each.close()  # so that a stream ends as soon as it has begun
    routers.append(metrics_route(CollectorRegistry))
    security = security_of(settings, wall_clock, lambda: 0.0)
    app = application("doors", routers, security, lambda: Readiness(ready=True))
    audience = Audience(settings.jwt_issuer, settings.jwt_audience)
    tokens = {
        role: mint(key, Pass(f"{role}-1", [role], timedelta(hours=1)), audience, wall_clock())
        for role in PEOPLE
    }
    yield SimpleNamespace(app=app, credentials={**tokens, "service": ours})
    for each in parts.values():
        each.close()


def statuses(
    app: FastAPI, route: tuple[str, str], tokens: Mapping[str, str | None]
) -> dict[str, int]:
    """Return the status by token of a call whose body fits nothing: the policy comes before it."""
    method, path = route
    body, kind, wanted = b"{" if method != "GET" else b"", "application/json", "*/*"
    if path.endswith(PAGE):
        path, body, kind, wanted = path.removesuffix(PAGE), b"x=y", FORM, "text/html"

    async def ask() -> dict[str, int]:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as http:
            found = {}
            for who, token in tokens.items():
                headers = {"authorization": f"Bearer {token}"} if token else {}
                headers |= {"content-type": kind, "accept": wanted}
                answer = await http.request(method, _filled(path), content=body, headers=headers)
                found[who] = answer.status_code
            return found

    return asyncio.run(ask())


def _filled(path: str) -> str:
    """Put a value that fits into every parameter of a path."""
    fits = {
        "sha256": "0" * 64,
        "deal_id": _ID,
        "quote_id": _ID,
        "case_id": _ID,
        "crm": "example-crm",
    }
    return re.sub(r"\{(\w+)\}", lambda found: fits.get(found.group(1), "1"), path)


_ID = "0d2f4c8e-55d7-5d0f-9c0b-3f6f2f4f7a21"


def test_every_route_stands_in_the_table_with_its_roles(doors: SimpleNamespace) -> None:
    found = {
        route: frozenset({PUBLIC}) if roles == PUBLIC else frozenset(roles)
        for route, roles in policies(doors.app).items()
    }
    assert found == table()


@pytest.mark.slow  # `make quick` compares the table only
@pytest.mark.parametrize(("route", "roles"), GUARDED, ids=[" ".join(route) for route, _ in GUARDED])
def test_each_role_is_let_in_or_refused_as_the_table_says(
    doors: SimpleNamespace, route: tuple[str, str], roles: frozenset[str]
) -> None:
    strangers: dict[str, str | None] = {"nobody": None, "a liar": "not-a-token"}
    found = statuses(doors.app, route, {**doors.credentials, **strangers})
    assert {who for who, status in found.items() if status == 401} == set(strangers)
    assert {who for who, status in found.items() if status == 403} == ROLES - roles


def test_public_routes_ask_for_no_token(doors: SimpleNamespace) -> None:
    public = [route for route, roles in ROUTES if roles == {PUBLIC} and route not in SIGNED]
    for route in public:
        assert statuses(doors.app, route, {"nobody": None})["nobody"] not in {401, 403}, route


@pytest.mark.parametrize("route", SIGNED, ids=lambda each: each[1])
def test_webhooks_ask_for_a_signature_instead(
    doors: SimpleNamespace, route: tuple[str, str]
) -> None:
    assert statuses(doors.app, route, {"nobody": None}) == {"nobody": 401}
