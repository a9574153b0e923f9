"""The HTTP door of every service: deny by default, problems as answers, the cause of each command.

A route declares exactly one policy, `Depends(allow("role", ...))` or `Depends(public())`; an app
with a route that declares none is refused at its start.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal
from uuid import uuid4

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from infra.auth import ROLES, Principal, Security
from infra.cookies import form_of, is_form
from infra.doors import BodyRefused, FrontDoor, Guard, Limits, asked_of, raw_body
from infra.openapi import describe
from infra.problems import DrawProblem, install
from infra.work import Cause

__all__ = [
    "Principal",
    "Readiness",
    "Surroundings",
    "allow",
    "application",
    "cause_of",
    "if_match",
    "policies",
    "public",
    "raw_body",
]

_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_ETAG = re.compile(r'(?:W/)?"([\x21\x23-\x7e]{1,300})"|([A-Za-z0-9._:/-]{1,300})')


class PolicyMissing(Exception):
    """A route declares no policy, or more than one; the app does not start."""


class Policy:
    """Who may call a route, and with how large a body; as a dependency it gives the caller."""

    def __init__(self, roles: frozenset[str] | None, body_bytes: int | None = None) -> None:
        self.roles = roles
        self.body_bytes = body_bytes

    async def __call__(self, request: Request) -> Principal:
        """Return the caller, whom the guard of the route has let in."""
        return asked_of(request).principal


def allow(*roles: str, body_bytes: int | None = None) -> Policy:
    """Let callers in who have any of the roles.   Raises: ValueError, for an unknown one.

    `body_bytes` lets them send more than other doors take.
    """
    if not roles or set(roles) - ROLES:
        raise ValueError(f"allow() takes one or more of {', '.join(sorted(ROLES))}, not {roles}")
    return Policy(frozenset(roles), body_bytes)


def public() -> Policy:
    """Let everyone in: for probes, capability links and signed webhooks."""
    return Policy(None)


async def cause_of(request: Request) -> Cause:
    """Say why a command happens: the caller, his Idempotency-Key, now.

    The command id is `<escaped actor>:<Idempotency-Key>`, or a fresh one without the header.
    Strangers on public routes share one name, so theirs is scoped by the address too. Correlation
    stays open: it is the deal's.
    Raises: BodyRefused, if the key is malformed.
    """
    asked = asked_of(request)
    key = request.headers.get("idempotency-key")
    if key is None and is_form(request.scope):
        key = form_of(asked.body).get("once")
    if key is not None and not _KEY.fullmatch(key):
        raise BodyRefused(
            "Idempotency-Key is 1 to 200 visible ASCII characters", field="Idempotency-Key"
        )
    address = request.url.path + "?" + request.url.query
    actor = asked.principal.actor
    scope = (
        actor if asked.principal.kind != "anonymous" else f"{actor}/{_hex(address.encode())[:16]}"
    )
    trace = request.headers.get("traceparent", "")
    # A name may hold the colon too: `a` with the key `b:c` is not `a:b` with the key `c`.
    scope = scope.replace("%", "%25").replace(":", "%3A")
    return Cause(
        command_id=f"{scope}:{key or request.app.state.new_id()}",
        now=request.app.state.clock(),
        actor=actor,
        traceparent=trace if _TRACEPARENT.fullmatch(trace) else None,
        request_sha256=_hex(b"\n".join((request.method.encode(), address.encode(), asked.body))),
    )


async def if_match(request: Request) -> str | None:
    """Return the one entity tag of If-Match, unquoted; None if the caller gives none or `*`.

    Raises: BodyRefused, for several tags or a malformed one.
    """
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    found = _ETAG.fullmatch(given.strip())
    if found is None:
        raise BodyRefused('If-Match is one entity tag, as "..."', field="If-Match")
    return found.group(1) or found.group(2)


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether a process can serve: facts not yet applied per consumer, and what is amiss."""

    ready: bool
    lag: Mapping[str, int] = field(default_factory=dict)
    reasons: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What an app takes from the world; tests fix the clock and the ids.

    `answered` is told of every request: method, route template, status, seconds. `draw_problem`
    shows an error to a browser, or returns None if it is none.
    """

    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    new_id: Callable[[], str] = lambda: str(uuid4())
    limits: Limits = field(default_factory=Limits)
    answered: Callable[[str, str, int, float], None] = lambda *_: None
    draw_problem: DrawProblem | None = None


def application(
    title: str,
    routers: Sequence[APIRouter],
    security: Security,
    readiness: Callable[[], Readiness],
    surroundings: Surroundings | None = None,
) -> FastAPI:
    """Make the app of these routers, each route behind its guard.

    Raises: PolicyMissing, if a route does not declare exactly one policy.
    """
    around = surroundings or Surroundings()
    app = FastAPI(
        title=title, openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False
    )
    app.state.clock = around.clock
    app.state.new_id = around.new_id
    for router in (*routers, _own_routes(readiness)):
        for route in _flat(router):
            app.router.routes.append(_guarded(route, security, around.limits))
    policies(app)
    install(app, around.draw_problem)
    app.add_middleware(FrontDoor, new_id=around.new_id, answered=around.answered)
    return app


def policies(app: FastAPI) -> dict[tuple[str, str], frozenset[str] | Literal["public"]]:
    """Return the policy of every route, by method and path; a page's path ends in ` page`."""
    found: dict[tuple[str, str], frozenset[str] | Literal["public"]] = {}
    for route in app.router.routes:
        policy = _policy(route)
        assert isinstance(route, APIRoute)  # noqa: S101  _policy has refused anything else
        for method in sorted(route.methods or ()):
            path = f"{route.path} page" if "pages" in route.tags else route.path
            found[method, path] = "public" if policy.roles is None else policy.roles
    return found


def _flat(router: APIRouter) -> Iterator[Any]:
    """Give the routes of a router and of those it includes, if it adds nothing to these.

    FastAPI keeps an included router as one entry, with prefix and dependencies beside it.
    """
    for route in router.routes:
        included = getattr(route, "original_router", None)
        context = getattr(route, "include_context", router)
        adds = (context.prefix, context.dependencies, router.prefix, router.dependencies)
        if included is None or any(adds):
            yield route
        else:
            yield from _flat(included)


def _guarded(route: Any, security: Security, limits: Limits) -> APIRoute:
    """Return the route with its guard; the router's own stays as it is."""
    policy = _policy(route)
    mine: APIRoute = copy(route)
    mine.app = Guard(mine.app, policy, security, limits)
    return mine


def _policy(route: Any) -> Policy:
    if not isinstance(route, APIRoute):
        raise PolicyMissing(
            f"{route!r}: only plain API routes can be guarded; include routers without prefix"
        )
    found = [call for call in _calls(route.dependant) if isinstance(call, Policy)]
    if len(found) != 1:
        methods = ",".join(sorted(route.methods or ()))
        raise PolicyMissing(
            f"{methods} {route.path} declares {len(found)} policies, not one: allow() or public()"
        )
    return found[0]


def _calls(dependant: Dependant) -> list[Any]:
    found = []
    for each in dependant.dependencies:
        found += [each.call, *_calls(each)]
    return found


def _own_routes(readiness: Callable[[], Readiness]) -> APIRouter:
    """Probes and the description of the API."""
    router = APIRouter(tags=["operations"])

    @router.get("/healthz", dependencies=[Depends(public())])
    async def healthz() -> dict[str, str]:
        """Say that the process lives."""
        return {"status": "alive"}

    @router.get("/readyz", dependencies=[Depends(public())])
    def readyz() -> JSONResponse:
        """Say whether the process can serve (503 if not), and each consumer's lag."""
        now = readiness()
        body = {"ready": now.ready, "lag": dict(now.lag), "reasons": list(now.reasons)}
        return JSONResponse(body, 200 if now.ready else 503)

    @router.get("/openapi.json", dependencies=[Depends(public())], include_in_schema=False)
    def described(request: Request) -> JSONResponse:
        """Describe the API (OpenAPI 3.1)."""
        return JSONResponse(describe(request.app, policies(request.app)))

    return router


def _hex(content: bytes) -> str:
    return sha256(content).hexdigest()
