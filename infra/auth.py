"""Who calls: bearer tokens (asymmetric JWT) of people and hashed keys of services.

A token is verified by a public key chosen by its `kid` from our own key set; the key fixes the
algorithm. Nothing in a token can bring its own key (no jku, x5u, jwk).
"""

import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

import jwt

from contracts.errors import Unauthenticated
from infra.keys import ALGORITHMS, KeySet, SigningKey, jwks, key_set
from infra.settings import Settings

PEOPLE = frozenset({"seller", "approver", "manager", "analyst", "admin"})
SERVICE = "service"
ROLES = PEOPLE | {SERVICE}
MAX_TOKEN_BYTES = 8192
MAX_LIFETIME = timedelta(hours=24)
LEEWAY_S = 30
_TIMES = ("exp", "nbf", "iat")
_BROUGHT_KEYS = {"jku", "x5u", "jwk", "x5c", "crit", "b64"}
_SUBJECT = re.compile(r"[A-Za-z0-9@._+|:-]{1,200}")
_SERVICE_KEY = re.compile(r"qwk_([a-z][a-z0-9_-]{0,62})_([A-Za-z0-9]{32,128})")


class TokenRefused(Unauthenticated):
    """The bearer token or service key does not verify. Says nothing about why to a stranger."""

    code = "auth.refused"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who calls and in which roles."""

    id: str
    roles: frozenset[str]
    kind: Literal["user", "service", "anonymous"]

    @property
    def actor(self) -> str:
        """The caller as facts name him: `user/<id>`, `service/<name>` or `anonymous`."""
        return self.id if self.kind == "anonymous" else f"{self.kind}/{self.id}"


ANONYMOUS = Principal("anonymous", frozenset(), "anonymous")


@dataclass(frozen=True, slots=True)
class Audience:
    """Who makes our tokens and whom they are for; both are checked exactly."""

    issuer: str
    audience: str


class Security:
    """Answers who a caller is, from the Authorization header."""

    def __init__(
        self,
        keys: KeySet | None,
        audience: Audience,
        service_keys: Mapping[str, str],
        clock: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._audience = audience
        self._service_keys = service_keys
        self._clock = clock

    @property
    def may_block(self) -> bool:
        """Whether a look at the keys may wait for the network."""
        return self._keys is not None and self._keys.may_block

    def principal(self, authorization: str | None) -> Principal:
        """Return the caller.   Raises: TokenRefused; Unavailable, if the key set can not be had."""
        scheme, _, credential = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not credential or len(credential) > MAX_TOKEN_BYTES:
            raise _refused()
        if credential.startswith("qwk_"):
            return self._service(credential)
        return self._person(credential)

    def _service(self, key: str) -> Principal:
        found = _SERVICE_KEY.fullmatch(key)
        name = found.group(1) if found else ""
        # An unknown name is compared as well, so that the time tells nothing about names.
        expected = self._service_keys.get(name, "0" * 64)
        if not hmac.compare_digest(hashlib.sha256(key.encode()).hexdigest(), expected):
            raise _refused()
        return Principal(name, frozenset({SERVICE}), "service")

    def _person(self, token: str) -> Principal:
        if self._keys is None:
            raise _refused()
        try:
            header = jwt.get_unverified_header(token)
        except (jwt.PyJWTError, ValueError):
            raise _refused() from None
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or algorithm not in ALGORITHMS or _BROUGHT_KEYS & header.keys():
            raise _refused()
        key = self._keys.key(kid)
        if key is None or key.algorithm != algorithm:
            raise _refused()
        try:
            claims = jwt.decode(
                token,
                key.public,
                algorithms=[key.algorithm],
                issuer=self._audience.issuer,
                audience=self._audience.audience,
                # Times are checked below, by our clock.
                options={
                    "require": ["iss", "aud", "sub", *_TIMES],
                    "verify_exp": False,
                    "verify_nbf": False,
                    "verify_iat": False,
                },
            )
        except (jwt.PyJWTError, ValueError, TypeError):
            raise _refused() from None
        return self._described(claims)

    def _described(self, claims: Mapping[str, Any]) -> Principal:
        if not _in_time(claims, self._clock().timestamp()):
            raise _refused()
        subject, roles = claims["sub"], claims.get("roles")
        if (
            not isinstance(subject, str)
            or not _SUBJECT.fullmatch(subject)
            or not isinstance(roles, list)
        ):
            raise _refused()
        return Principal(
            subject, PEOPLE.intersection(each for each in roles if isinstance(each, str)), "user"
        )


def security_of(
    settings: Settings, clock: Callable[[], datetime], seconds: Callable[[], float]
) -> Security:
    """Return the security that the settings describe; `seconds` is a monotonic clock.

    Who signs tokens verifies by his own key when no other key set is named. Without any, no token
    is good.
    """
    keys = None
    if settings.jwt_public_keys:
        keys = key_set(settings.jwt_public_keys, seconds)
    elif settings.jwt_private_key:
        path = settings.jwt_private_key
        keys = KeySet(lambda: json.dumps(jwks([SigningKey.load(path).public])).encode(), seconds)
    audience = Audience(settings.jwt_issuer, settings.jwt_audience)
    return Security(keys, audience, settings.service_keys, clock)


@dataclass(frozen=True, slots=True)
class Pass:
    """What a token says of a person: who, in which roles, for how long."""

    subject: str
    roles: Sequence[str]
    lifetime: timedelta = timedelta(hours=8)


def mint(key: SigningKey, to: Pass, audience: Audience, now: datetime) -> str:
    """Return a signed bearer token.

    Raises: ValueError, for a role that does not exist, a subject or a lifetime that nobody would
    accept.
    """
    if unknown := sorted(set(to.roles) - PEOPLE):
        raise ValueError(
            f"no such role: {', '.join(unknown)}; there are {', '.join(sorted(PEOPLE))}"
        )
    if not _SUBJECT.fullmatch(to.subject):
        raise ValueError("a subject is 1 to 200 letters, digits or any of @ . _ + | : -")
    if not timedelta(0) < to.lifetime <= MAX_LIFETIME:
        raise ValueError(f"a token lives for up to {MAX_LIFETIME}")
    at = int(now.timestamp())
    claims = {
        "iss": audience.issuer,
        "aud": audience.audience,
        "sub": to.subject,
        "roles": sorted(set(to.roles)),
        "iat": at,
        "nbf": at,
        "exp": at + int(to.lifetime.total_seconds()),
    }
    return jwt.encode(claims, key.private, algorithm=key.algorithm, headers={"kid": key.kid})


def service_key(name: str, randomness: Callable[[int], bytes]) -> tuple[str, str]:
    """Return a new key `qwk_<name>_<secret>`, and its hash for the asked service's settings."""
    key = f"qwk_{name}_{randomness(32).hex()}"
    if not _SERVICE_KEY.fullmatch(key):
        raise ValueError("a service's name is lower-case letters, digits, - and _")
    return key, hashlib.sha256(key.encode()).hexdigest()


def _in_time(claims: Mapping[str, Any], now: float) -> bool:
    times = [claims[name] for name in _TIMES]
    if any(isinstance(each, bool) or not isinstance(each, int) for each in times):
        return False
    expires, not_before, issued = times
    return bool(
        now - LEEWAY_S < expires
        and not_before <= now + LEEWAY_S
        and issued <= now + LEEWAY_S
        and 0 < expires - issued <= MAX_LIFETIME.total_seconds()
    )


def _refused() -> TokenRefused:
    return TokenRefused("sign in, and send the token as `Authorization: Bearer ...`")
