"""The two pure-ASGI doors of every app: `FrontDoor` round the app, `Guard` round each route.

The front door binds the correlation id, adds security headers, logs one line per request and turns
an unexpected error into a problem. The guard lets a caller in by the route's policy before a byte
of the body is read, then reads the body within its bounds and hands it on.
"""

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import structlog
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.errors import Forbidden, QuotewrightError, Refused
from infra import json_body
from infra.auth import ANONYMOUS, Principal, Security
from infra.forms import check_form, session_of
from infra.problems import unexpected

ASKED = "infra.asked"
CORRELATION = "correlation_id"
MEGABYTE = 1024 * 1024
PROBES = {"/healthz", "/readyz", "/metrics"}
log = structlog.get_logger("infra.web")

_CORRELATION = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_NUL_ESCAPE = re.compile(rb"(?<!\\)(?:\\\\)*+\\u0000")
_HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


class BodyTooLarge(QuotewrightError):
    """The request body is larger than this door takes."""

    status: ClassVar[int] = 413
    code: ClassVar[str] = "request.too_large"
    title: ClassVar[str] = "The request is too large"


class BodyTooSlow(QuotewrightError):
    """The request body did not come within the deadline."""

    status: ClassVar[int] = 408
    code: ClassVar[str] = "request.too_slow"
    title: ClassVar[str] = "The request came too slowly"


class BodyRefused(Refused):
    """The request holds what no honest client sends: endless nesting, NULs, a key twice."""

    code = "request.refused"
    title = "The request does not fit"


class RoleMissing(Forbidden):
    """The caller has none of the roles that this route asks for."""

    code = "auth.role_missing"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a request may weigh: bytes of body, depth of JSON, seconds until the body is there."""

    body_bytes: int = MEGABYTE
    json_depth: int = 64
    body_deadline_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Asked:
    """What the guard found out: who asks, with which body, in which session of a browser."""

    principal: Principal
    body: bytes
    session: str | None = None


def asked_of(request: Request) -> Asked:
    """Return what the route's guard found out.   Raises: KeyError, if there is no guard."""
    asked: Asked = request.scope[ASKED]
    return asked


async def raw_body(request: Request) -> bytes:
    """Give the body as it came, for signatures."""
    return asked_of(request).body


class RoutePolicy(Protocol):
    """Which roles a route lets in, and its own limit of the body; None: everyone, the usual."""

    roles: frozenset[str] | None
    body_bytes: int | None


class Guard:
    """Lets a request into one route: policy first, then the body within its limits."""

    def __init__(
        self, app: ASGIApp, policy: RoutePolicy, security: Security, limits: Limits
    ) -> None:
        self._app = app
        self._policy = policy
        self._security = security
        self._limits = limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve the request.

        Raises: TokenRefused, RoleMissing, BodyTooLarge, BodyTooSlow, BodyRefused, FormRefused.
        """
        session = session_of(scope)
        principal = await self._who(scope, session)
        structlog.contextvars.bind_contextvars(actor=principal.actor)
        if principal is ANONYMOUS:
            session = None
        # Known before anything is refused: the page of a refusal has the menu of who reads it.
        scope[ASKED] = Asked(principal, b"", session)
        self._let_in(principal)
        if b"%00" in scope.get("raw_path", b"") or b"%00" in scope["query_string"]:
            raise BodyRefused("send an address without NUL characters")
        body = await self._body(scope, receive)
        if len(body) > self._limits.body_bytes:  # to read so much must not hold up all others
            await run_in_threadpool(check_form, scope, body, session)
        else:
            check_form(scope, body, session)
        scope[ASKED] = Asked(principal, body, session)
        await self._app(scope, _replay(body, receive), send)

    async def _who(self, scope: Scope, session: str | None) -> Principal:
        if self._policy.roles is None:
            return ANONYMOUS
        authorization = f"Bearer {session}" if session else header(scope, b"authorization")
        if self._security.may_block:
            return await run_in_threadpool(self._security.principal, authorization)
        return self._security.principal(authorization)

    def _let_in(self, principal: Principal) -> None:
        if self._policy.roles is not None and not principal.roles & self._policy.roles:
            needed = sorted(self._policy.roles)
            raise RoleMissing(f"ask somebody who is {' or '.join(needed)}", roles=needed)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        most = self._policy.body_bytes or self._limits.body_bytes
        told = header(scope, b"content-length") or "0"
        if not told.isdecimal() or len(told) > 15 or int(told) > most:
            raise _too_large(most)
        parts: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout(self._limits.body_deadline_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise BodyTooSlow("send the whole body before closing the connection")
                    parts.append(message.get("body", b""))
                    size += len(parts[-1])
                    if size > most:
                        raise _too_large(most)
                    if not message.get("more_body", False):
                        break
        except TimeoutError:
            deadline_s = self._limits.body_deadline_s
            raise BodyTooSlow(f"send the whole body within {deadline_s:g} s") from None
        body = b"".join(parts)
        if body and "json" in (header(scope, b"content-type") or "").lower():
            self._check_json(body)
        return body

    def _check_json(self, body: bytes) -> None:
        if json_body.depth_above(body, self._limits.json_depth):
            raise BodyRefused(
                f"nest JSON at most {self._limits.json_depth} deep", rule="json_depth"
            )
        if b"\\u0000" in body and _NUL_ESCAPE.search(body):
            raise BodyRefused("send text without NUL characters", rule="nul_character")
        # A door that takes more than the usual reads its documents itself, aside and as strictly.
        if self._policy.body_bytes is None:
            try:
                json_body.check(body)
            except json_body.Twice as twice:
                raise BodyRefused(str(twice), field=twice.key, rule="json_key_twice") from None


class FrontDoor:
    """Goes round a whole app: correlation id, security headers, one log line, nothing leaked."""

    def __init__(
        self,
        app: ASGIApp,
        new_id: Callable[[], str],
        answered: Callable[[str, str, int, float], None],
    ) -> None:
        self._app = app
        self._new_id = new_id
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request (or pass the lifespan on)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = header(scope, b"x-correlation-id") or ""
        correlation = given if _CORRELATION.fullmatch(given) else self._new_id()
        scope[CORRELATION] = correlation
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=correlation)
        answer = _Answer(send, correlation)
        began = time.perf_counter()
        try:
            await self._app(scope, receive, answer.send)
        except Exception:
            log.exception("request_failed", route=_route(scope), method=scope["method"])
            if answer.status:
                raise
            await unexpected(Request(scope), correlation)(scope, receive, answer.send)
        finally:
            took_s = time.perf_counter() - began
            self._answered(scope["method"], _route(scope), answer.status, took_s)
            _log(scope, answer.status, took_s)


class _Answer:
    """Passes an answer on with our headers and remembers its status."""

    def __init__(self, send: Send, correlation: str) -> None:
        self._send = send
        self._correlation = correlation
        self.status = 0

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = list(message.get("headers", ()))
            names = {name.lower() for name, _ in given}
            given += [(name, value) for name, value in _HEADERS.items() if name not in names]
            given.append((b"x-correlation-id", self._correlation.encode()))
            message = {**message, "headers": given}
        await self._send(message)


def header(scope: Scope, name: bytes) -> str | None:
    """Return a request header by its lower-case name; None if it is missing, "" if it is doubled.

    A doubled header is an old trick to show one value to the proxy and another to the app.
    """
    found = [value for each, value in scope["headers"] if each == name]
    if len(found) > 1:
        return ""
    return found[0].decode("latin-1") if found else None


def _too_large(most: int) -> BodyTooLarge:
    size = f"{most // MEGABYTE} MB" if most % MEGABYTE == 0 else f"{most} bytes"
    return BodyTooLarge(f"send at most {size}; nothing of it was taken", limit_bytes=most)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Give the body once, then whatever the connection says."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _route(scope: Scope) -> str:
    """The route's template: the path itself may hold a capability."""
    return str(getattr(scope.get("route"), "path", "-"))


def _log(scope: Scope, status: int, took_s: float) -> None:
    route = _route(scope)
    told: dict[str, Any] = {"method": scope["method"], "route": route, "status": status}
    say = log.debug if route in PROBES else log.info
    say("request", took_ms=round(took_s * 1000, 1), **told)
