"""Keys that sign tokens and key sets that verify them: PEM, JWKS file or JWKS address.

Two kinds of key, and the key fixes the algorithm: P-256 signs ES256, Ed25519 signs EdDSA.
"""

import base64
import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from contracts.errors import Unavailable

ALGORITHMS = ("ES256", "EdDSA")
Algorithm: TypeAlias = Literal["ES256", "EdDSA"]
Public: TypeAlias = EllipticCurvePublicKey | Ed25519PublicKey
Private: TypeAlias = EllipticCurvePrivateKey | Ed25519PrivateKey
MAX_KEYS_BYTES = 256 * 1024
FETCH_TIMEOUT_S = 2.0
# An unknown kid makes us look again, so a stranger could make us ask the issuer without end.
REFRESH_AT_MOST_EVERY_S = 30.0
REFRESH_AFTER_S = 600.0
_PEM = re.compile(rb"-----BEGIN PUBLIC KEY-----.+?-----END PUBLIC KEY-----", re.DOTALL)


class KeysUnavailable(Unavailable):
    """The key set that verifies tokens can not be read now."""

    code = "auth.keys_unavailable"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that verifies: its id, the one algorithm it is for."""

    kid: str
    algorithm: Algorithm
    public: Public


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs; its id is the RFC 7638 thumbprint of its public half."""

    kid: str
    algorithm: Algorithm
    private: Private

    def __repr__(self) -> str:
        return f"SigningKey(kid={self.kid!r})"

    @classmethod
    def of(cls, private: Any) -> "SigningKey":
        """Make a signing key of a private key.   Raises: ValueError, if it is of another kind."""
        if not isinstance(private, EllipticCurvePrivateKey | Ed25519PrivateKey):
            raise ValueError("the signing key must be P-256 or Ed25519")
        public = public_key(private.public_key(), kid=None)
        return cls(public.kid, public.algorithm, private)

    @classmethod
    def load(cls, path: Path) -> "SigningKey":
        """Read an unencrypted PEM file.   Raises: ValueError, OSError."""
        return cls.of(serialization.load_pem_private_key(path.read_bytes(), password=None))

    @classmethod
    def create(cls, path: Path) -> "SigningKey":
        """Make a P-256 key in a new file for its owner only.   Raises: FileExistsError."""
        private = generate_private_key(SECP256R1())
        pem = private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(pem)
        return cls.of(private)

    @property
    def public(self) -> PublicKey:
        """The half that verifies."""
        return PublicKey(self.kid, self.algorithm, self.private.public_key())


class KeySet:
    """Public keys by kid, read at first use, and again for an unknown kid or after a while.

    Reading is rate-limited. If reading again fails, the keys read before stay good.
    """

    def __init__(
        self, fetch: Callable[[], bytes], seconds: Callable[[], float], *, may_block: bool = False
    ) -> None:
        self.may_block = may_block
        self._fetch = fetch
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: Mapping[str, PublicKey] = {}
        self._tried_at: float | None = None

    def key(self, kid: str) -> PublicKey | None:
        """Return the key of this id.   Raises: KeysUnavailable, if no key set was ever read."""
        found = self._keys.get(kid)
        if found is not None:
            self._renew()
            found = self._keys.get(kid)
        else:
            with self._lock:  # who comes while the keys are being read waits for them
                if kid not in self._keys and self._is_over(REFRESH_AT_MOST_EVERY_S):
                    self._refresh()
                found = self._keys.get(kid)
        if not self._keys:
            raise KeysUnavailable("tokens can not be verified now; try again in a minute")
        return found

    def _renew(self) -> None:
        """Read the keys again after a while: one caller does, the others go on with those read."""
        if self._is_over(REFRESH_AFTER_S) and self._lock.acquire(blocking=False):
            try:
                if self._is_over(REFRESH_AFTER_S):
                    self._refresh()
            finally:
                self._lock.release()

    def _is_over(self, wait_s: float) -> bool:
        return self._tried_at is None or self._seconds() - self._tried_at >= wait_s

    def _refresh(self) -> None:
        self._tried_at = self._seconds()
        try:
            keys = read_keys(self._fetch())
        except (OSError, ValueError, httpx.HTTPError):
            return
        if keys:
            self._keys = {each.kid: each for each in keys}


def key_set(location: str, seconds: Callable[[], float]) -> KeySet:
    """Return the key set at an http(s) JWKS address or in a PEM or JWKS file."""
    if location.startswith(("https://", "http://")):
        return KeySet(lambda: _download(location), seconds, may_block=True)
    return KeySet(Path(location).read_bytes, seconds)


def read_keys(content: bytes) -> list[PublicKey]:
    """Read PEM blocks or a JWKS; keys of other kinds or uses are skipped.   Raises: ValueError."""
    blocks = _PEM.findall(content)
    if blocks:
        return [public_key(serialization.load_pem_public_key(each), kid=None) for each in blocks]
    told = json.loads(content)
    members = told.get("keys") if isinstance(told, dict) else None
    if not isinstance(members, list):
        raise ValueError("neither PEM public keys nor a JWKS")
    return [key for each in members if isinstance(each, dict) and (key := _of_jwk(each))]


def public_key(public: Any, kid: str | None) -> PublicKey:
    """Describe a public key; its id is its thumbprint if it has none.   Raises: ValueError."""
    if isinstance(public, EllipticCurvePublicKey) and isinstance(public.curve, SECP256R1):
        algorithm: Algorithm = "ES256"
    elif isinstance(public, Ed25519PublicKey):
        algorithm = "EdDSA"
    else:
        raise ValueError("a public key must be P-256 or Ed25519")
    return PublicKey(kid or _thumbprint(public), algorithm, public)


def jwks(keys: Iterable[PublicKey]) -> dict[str, Any]:
    """Render public keys as a JSON Web Key Set (RFC 7517)."""
    return {
        "keys": [
            {**_members(key.public), "kid": key.kid, "alg": key.algorithm, "use": "sig"}
            for key in keys
        ]
    }


def _download(address: str) -> bytes:
    with httpx.stream("GET", address, timeout=FETCH_TIMEOUT_S, follow_redirects=False) as answer:
        answer.raise_for_status()
        content = b""
        for part in answer.iter_bytes():
            content += part
            if len(content) > MAX_KEYS_BYTES:
                raise ValueError("the key set is too large")
    return content


def _of_jwk(jwk: Mapping[str, Any]) -> PublicKey | None:
    """Read one JWK; None for a kind or a use that we do not take, or one that is broken."""
    kid = jwk.get("kid")
    if jwk.get("use", "sig") != "sig" or not (kid is None or isinstance(kid, str)):
        return None
    try:
        found = public_key(_point(jwk), kid)
    except ValueError:
        return None
    return found if jwk.get("alg", found.algorithm) == found.algorithm else None


def _point(jwk: Mapping[str, Any]) -> Public:
    kind = (jwk.get("kty"), jwk.get("crv"))
    if kind == ("OKP", "Ed25519"):
        return Ed25519PublicKey.from_public_bytes(_bytes(jwk.get("x")))
    if kind == ("EC", "P-256"):
        x, y = (int.from_bytes(_bytes(jwk.get(name))) for name in ("x", "y"))
        return EllipticCurvePublicNumbers(x, y, SECP256R1()).public_key()
    raise ValueError("another kind of key")


def _members(public: Public) -> dict[str, str]:
    if isinstance(public, Ed25519PublicKey):
        return {"crv": "Ed25519", "kty": "OKP", "x": _text(public.public_bytes_raw())}
    numbers = public.public_numbers()
    x, y = (_text(each.to_bytes(32)) for each in (numbers.x, numbers.y))
    return {"crv": "P-256", "kty": "EC", "x": x, "y": y}


def _thumbprint(public: Public) -> str:
    canonical = json.dumps(_members(public), sort_keys=True, separators=(",", ":"))
    return _text(hashlib.sha256(canonical.encode()).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: Any) -> bytes:
    if not isinstance(text, str):
        raise ValueError("a JWK member must be text")
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
