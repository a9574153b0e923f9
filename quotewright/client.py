"""The command's view of a running house: where it is, who asks, and its problems as our errors."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from contracts.errors import (
    Conflict,
    Forbidden,
    NotFound,
    QuotewrightError,
    Refused,
    Unauthenticated,
    Unavailable,
)
from infra.auth import Audience, Pass, mint
from infra.clock import wall_clock
from infra.keys import SigningKey

RUNNING = "running.json"
TIMEOUT_S = 30.0
FAULTS_SHOWN = 5
S = TypeVar("S", bound=BaseModel)
KINDS: Mapping[int, type[QuotewrightError]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}


class NotRunning(Unavailable):
    """No house answers; start one, or say where it is."""

    code = "command.not_running"


@dataclass(frozen=True, slots=True)
class Where:
    """Which house to ask: its address and a token; both are found on a laptop by themselves."""

    home: Path
    url: str | None
    token: str | None

    def address(self) -> str:
        """Return the address given, or that of the house that runs on this laptop."""
        if self.url:
            return self.url.rstrip("/")
        try:
            found: str = json.loads((self.home / RUNNING).read_text(encoding="utf-8"))["url"]
        except (OSError, ValueError, KeyError):
            raise NotRunning(
                "no house runs here: start one with `quotewright demo` or `quotewright up`,"
                " or say where it is with --url"
            ) from None
        return found

    def bearer(self, role: str) -> str:
        """Return the token given, or make one with this laptop's key."""
        return self.token or token_for(self.home, f"{role}-1", [role])


def token_for(home: Path, subject: str, roles: list[str], hours: int = 8) -> str:
    """Return a bearer token signed by this laptop's key.

    Raises: NotRunning, if there is no key; Refused, for an unknown role or a bad subject.
    """
    path = home / "signing.pem"
    if not path.exists():
        raise NotRunning(f"no signing key at {path}: start a house first, or give --token")
    to = Pass(subject, roles, timedelta(hours=hours))
    try:
        return mint(SigningKey.load(path), to, Audience("quotewright", "quotewright"), wall_clock())
    except ValueError as fault:
        raise Refused(str(fault), field="role") from None


class Client:
    """Asks a running house as one person; without a token as a customer with a link."""

    def __init__(self, url: str, token: str | None, timeout_s: float = TIMEOUT_S) -> None:
        try:
            self._http = httpx.Client(
                base_url=url,
                headers={"authorization": f"Bearer {token}"} if token else {},
                timeout=timeout_s,
                trust_env=False,
            )
        except httpx.InvalidURL:
            raise Refused(f"{url!r} is no address; write https://...", field="url") from None
        except UnicodeEncodeError:
            raise Refused("a token is plain ASCII; copy it whole", field="token") from None

    def get(self, path: str) -> Any:
        """Return the JSON found there.   Raises: the problem it answers, as our error."""
        return self._json("GET", path)

    def read(self, path: str, shape: type[S]) -> S:
        """Return what is found there in this shape.

        Raises: the problem it answers, as our error; NotRunning, if it has another shape.
        """
        try:
            return shape.model_validate(self.get(path))
        except ValidationError:
            raise self.stranger() from None

    def stranger(self) -> NotRunning:
        """Return what is said of something that answers, but is no house."""
        return NotRunning(f"{self._http.base_url} does not answer as a house does")

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        """Send and return the JSON answered.   Raises: the problem it answers, as our error."""
        return self._json("POST", path, body, headers)

    def put(self, path: str, body: Any, **headers: str) -> Any:
        """Put and return the JSON answered.   Raises: the problem it answers, as our error."""
        return self._json("PUT", path, body, headers)

    def bytes(self, path: str) -> bytes:
        """Return the body found there."""
        return self._answer("GET", path, None).content

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _json(
        self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        answer = self._answer(method, path, body, headers)
        try:
            return answer.json()
        except ValueError:
            raise self.stranger() from None

    def _answer(
        self, method: str, path: str, body: Any, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in (headers or {}).items()}
        try:
            answer = self._http.request(method, path, json=body, headers=named)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise NotRunning(
                f"{self._http.base_url} does not answer: {type(fault).__name__}"
            ) from None
        if answer.is_success:
            return answer
        raise problem_of(answer)


def problem_of(answer: httpx.Response) -> QuotewrightError:
    """Turn a problem document back into our error."""
    try:
        told = answer.json()
    except ValueError:
        told = {}
    told = told if isinstance(told, dict) else {}
    facts = {k: v for k, v in told.items() if k not in {"type", "title", "status", "detail"}}
    kind = KINDS.get(answer.status_code, Unavailable if answer.status_code >= 500 else Refused)
    return kind(_sentence(told) or f"HTTP {answer.status_code}", **facts)


def _sentence(told: Mapping[str, Any]) -> str:
    """Return what a problem says, and of each field why it was not taken."""
    detail = str(told.get("detail") or "")
    listed = told.get("fields")
    faults = [each for each in listed if isinstance(each, dict)] if isinstance(listed, list) else []
    why = [f"{each.get('field')}: {each.get('message')}" for each in faults[:FAULTS_SHOWN]]
    return f"{detail} ({'; '.join(why)})" if why and why[0] not in detail else detail
