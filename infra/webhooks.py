"""Standard Webhooks both ways: sign what we send, verify what comes in, refuse replays.

Signed is `<id>.<timestamp>.<raw body>` by HMAC-SHA256. Source: the Standard Webhooks specification
1.0.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from pydantic import SecretStr

from contracts.errors import Unauthenticated
from infra.work import Cause

ID, TIMESTAMP, SIGNATURE = "webhook-id", "webhook-timestamp", "webhook-signature"
SECRET_PREFIX = "whsec_"  # noqa: S105
TOLERANCE_S = 300
MAX_SIGNATURES = 10
# No full stop: it separates the signed parts, so an id with one could borrow from the timestamp.
_ID = re.compile(r"[A-Za-z0-9_/:-]{1,200}")
_SECONDS = re.compile(r"[0-9]{1,12}")


class SignatureRefused(Unauthenticated):
    """A webhook is unsigned, wrongly signed, too old, too new or replayed."""

    code = "webhook.refused"
    title = "The webhook's signature does not verify"


@dataclass(frozen=True, slots=True)
class WebhookCall:
    """A verified webhook: message id, sending system, raw body, the hash of what was signed."""

    id: str
    system: str
    body: bytes
    digest: str

    @property
    def actor(self) -> str:
        """Who acts: `system/<name>`."""
        return f"system/{self.system}"

    def cause(self, cause: Cause) -> Cause:
        """Return the request's cause as this call's: the same message id is the same command."""
        return replace(
            cause,
            actor=self.actor,
            command_id=f"{self.actor}:{self.id}",
            request_sha256=hashlib.sha256(self.body).hexdigest(),
        )


class SeenSignatures(Protocol):
    """Remembers which signings were taken, for as long as they would still verify."""

    def claim(self, digest: str, now: datetime) -> bool:
        """Remember the signing, atomically; False if it is remembered already."""
        ...

    def release(self, digest: str) -> None:
        """Forget the signing: its handling failed and may be tried again."""
        ...


class HasHeaders(Protocol):
    """A request, as far as verifying needs it; header names are found in any case."""

    @property
    def headers(self) -> Mapping[str, str]:
        """The request's headers."""
        ...


def sign(
    secret: SecretStr, message_id: str, at: datetime, body: bytes, *older: SecretStr
) -> dict[str, str]:
    """Return the headers that sign a message; `older` secrets sign as well in a rotation."""
    seconds = str(int(at.timestamp()))
    content = _content(message_id, seconds, body)
    signatures = " ".join(f"v1,{_mac(each, content)}" for each in (secret, *older))
    return {ID: message_id, TIMESTAMP: seconds, SIGNATURE: signatures}


class Verifier:
    """Verifies incoming webhooks by the keys of each system; any one good signature is enough."""

    def __init__(
        self,
        keys: Mapping[str, Sequence[SecretStr]],
        seen: SeenSignatures,
        clock: Callable[[], datetime],
        tolerance_s: int = TOLERANCE_S,
    ) -> None:
        self._keys = keys
        self._seen = seen
        self._clock = clock
        self._tolerance_s = tolerance_s

    def only(self, systems: Sequence[str]) -> "Verifier":
        """Return a verifier that knows the keys of these systems only."""
        keys = {name: self._keys[name] for name in systems if name in self._keys}
        return Verifier(keys, self._seen, self._clock, self._tolerance_s)

    def verified(self, request: HasHeaders, raw: bytes, system: str) -> WebhookCall:
        """Return the call if it is signed by the system, now.   Raises: SignatureRefused.

        Says nothing about replays: wrap the handling in `once`.
        """
        headers = request.headers
        message_id, seconds = headers.get(ID, ""), headers.get(TIMESTAMP, "")
        if not _ID.fullmatch(message_id) or not _SECONDS.fullmatch(seconds):
            raise _refused()
        if abs(self._clock().timestamp() - int(seconds)) > self._tolerance_s:
            raise _refused()
        content = _content(message_id, seconds, raw)
        given = [
            each[3:].encode()
            for each in headers.get(SIGNATURE, "").split(" ")
            if each.startswith("v1,")
        ]
        good = False
        for secret in self._keys.get(system, ()):
            right = _mac(secret, content).encode()
            for each in given[:MAX_SIGNATURES]:
                good |= hmac.compare_digest(right, each)
        if not good:
            raise _refused()
        digest = hashlib.sha256(system.encode() + b"\0" + content).hexdigest()
        return WebhookCall(message_id, system, raw, digest)

    @contextmanager
    def once(self, call: WebhookCall) -> Iterator[WebhookCall]:
        """Handle a call inside; the very same signing comes in once.

        A failed handling may come again. The same message id signed anew passes: the sender tries
        again, and the command id makes it one outcome. Should the process die inside, only a newly
        signed attempt passes.
        Raises: SignatureRefused, if this signing was taken before or is being handled.
        """
        if not self._seen.claim(call.digest, self._clock()):
            raise _refused()
        try:
            yield call
        except BaseException:
            self._seen.release(call.digest)
            raise


def _refused() -> SignatureRefused:
    # One sentence for every reason: a stranger does not learn how far he came.
    return SignatureRefused(
        "send webhook-id, webhook-timestamp (now, in seconds) and, by a key we know,"
        " webhook-signature; each signing once"
    )


def _content(message_id: str, seconds: str, body: bytes) -> bytes:
    return b".".join((message_id.encode(), seconds.encode(), body))


def _mac(secret: SecretStr, content: bytes) -> str:
    key = base64.b64decode(secret.get_secret_value().removeprefix(SECRET_PREFIX))
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
