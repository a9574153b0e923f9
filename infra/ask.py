"""Stateless questions to peer services over HTTP, with a deadline; never from a handler."""

import json as json_
import time
from collections.abc import Mapping
from typing import Any, Protocol

import httpx
import structlog
from pydantic import SecretStr

from contracts.errors import (
    Conflict,
    Forbidden,
    NotFound,
    QuotewrightError,
    Refused,
    Unauthenticated,
    Unavailable,
)

TIMEOUT_S = 2.0
MAX_ANSWER_BYTES = 4 * 1024 * 1024
_MEMBERS = {"type", "title", "status", "detail", "code", "correlation_id", "message", "self"}
_NOT_NOW = {401, 403, 408, 425, 429}
_NAMELESS: Mapping[str, str] = {}


class PeerUnavailable(Unavailable):
    """A peer service gives no answer in time; ask again later."""

    code = "peer.unavailable"


class Asker(Protocol):
    """Asks peer services."""

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        json: Any = None,
        headers: Mapping[str, str] = _NAMELESS,
    ) -> bytes:
        """Return the body of the peer's answer.

        `headers` with an authorization ask in the name of that person, and no longer in ours.
        Raises: NotFound, Conflict or Refused with the peer's own problem, and for a person also
        Unauthenticated and Forbidden; Unavailable, if the peer does not answer in time, fails, or
        is not known here.
        """
        ...


class HttpAsker:
    """Asks by HTTP at the addresses of the settings."""

    def __init__(
        self,
        peers: Mapping[str, str],
        service_key: SecretStr | None,
        timeout_s: float = TIMEOUT_S,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._peers = peers
        self._key = service_key
        self._http = httpx.Client(
            timeout=timeout_s, follow_redirects=False, transport=transport, trust_env=False
        )

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        json: Any = None,
        headers: Mapping[str, str] = _NAMELESS,
    ) -> bytes:
        """Ask a peer; see `Asker`."""
        base = self._peers.get(service)
        if base is None:
            raise PeerUnavailable(
                f"{service} is not available now: no address in QW_PEERS", peer=service
            )
        try:
            with self._http.stream(
                method, base + path, json=json, headers={**self._headers(), **headers}
            ) as answer:
                body = _read(answer, service)
        except httpx.HTTPError:
            raise PeerUnavailable(f"{service} is not available now", peer=service) from None
        if answer.is_success:
            return body
        personal = "authorization" in headers
        raise _problem(service, answer.status_code, body, personal=personal)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _headers(self) -> dict[str, str]:
        bound = structlog.contextvars.get_contextvars()
        headers = {"accept": "application/json"}
        if self._key:
            headers["authorization"] = f"Bearer {self._key.get_secret_value()}"
        if "correlation_id" in bound:
            headers["x-correlation-id"] = str(bound["correlation_id"])
        return headers


def _read(answer: httpx.Response, service: str) -> bytes:
    """Read the whole answer, within its bounds of size and time."""
    deadline = time.monotonic() + TIMEOUT_S
    body = b""
    for part in answer.iter_bytes():
        body += part
        if len(body) > MAX_ANSWER_BYTES or time.monotonic() > deadline:
            raise PeerUnavailable(f"{service} answers too much or too slowly", peer=service)
    return body


def _problem(service: str, status: int, body: bytes, *, personal: bool) -> QuotewrightError:
    """Turn a peer's refusal into our error of the same kind, with its sentence and facts."""
    kind: type[QuotewrightError] = {404: NotFound, 409: Conflict}.get(status, Refused)
    if personal:
        kind = {401: Unauthenticated, 403: Forbidden}.get(status, kind)
    # That a peer does not know our key is the operator's matter, not the caller's.
    if status >= 500 or status < 400 or (status in _NOT_NOW and kind is Refused):
        return PeerUnavailable(f"{service} is not available now", peer=service, peer_status=status)
    try:
        told = json_.loads(body)
    except ValueError:
        told = None
    told = told if isinstance(told, dict) else {}
    facts = {name: value for name, value in told.items() if name not in _MEMBERS}
    facts |= {"peer": service, "peer_code": told.get("code")}
    return kind(str(told.get("detail", f"{service} refuses this")), **facts)
