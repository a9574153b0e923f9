"""Capability links: whoever holds the address may look at one presented revision and answer it."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256
from uuid import UUID

MIN_KEY_BYTES = 32


class Links:
    """Derives the token of a revision from a secret key; nothing is stored, so nothing can leak.

    A change of the key makes all earlier links void.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise ValueError(f"the link key needs at least {MIN_KEY_BYTES} bytes")
        self._key = key

    def token(self, quote_id: UUID, revision: int) -> str:
        """Return the token: base64url of HMAC-SHA256 over quote and revision, 43 characters."""
        digest = hmac.new(self._key, f"{quote_id}/{revision}".encode(), sha256).digest()
        return urlsafe_b64encode(digest).rstrip(b"=").decode()

    def opens(self, quote_id: UUID, revision: int, token: str) -> bool:
        """Say whether the token is the revision's, in constant time."""
        return hmac.compare_digest(self.token(quote_id, revision).encode(), token.encode())

    def path(self, quote_id: UUID, revision: int) -> str:
        """Return the path of the customer's page for this revision."""
        return f"/quotes/offers/{quote_id}/{revision}/{self.token(quote_id, revision)}"
