"""Stand-ins for the systems around us, for demo, tests and bench: a CRM and an approvers' system.

Both speak the real protocols: Standard Webhooks over HTTP, each side with its own key. They verify
what we send as a partner would, and keep what they got.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
from pydantic import SecretStr

from contracts.errors import Unavailable
from infra.clock import wall_clock
from infra.reading import Clock
from infra.seen import MemorySeen
from infra.webhooks import SignatureRefused, Verifier, sign

Message = dict[str, Any]


class Partner:
    """An outside system: takes our webhooks at its own address and can send signed ones to us."""

    def __init__(
        self, name: str, secret_from_us: str, secret_to_us: str, clock: Clock = wall_clock
    ) -> None:
        """Listen on a free port of this machine from now on."""
        self.name = name
        self.taken: list[Message] = []
        self.refusing = 0
        self._keys = {"quotewright": (SecretStr(secret_from_us),)}
        self._secret = SecretStr(secret_to_us)
        self._clock = clock
        self._verifier = Verifier(self._keys, MemorySeen(), clock)
        self._arrived = threading.Condition()
        self._ids: set[str] = set()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.http = httpx.Client(timeout=10, trust_env=False)

    @property
    def url(self) -> str:
        """Where this partner takes webhooks."""
        return f"http://127.0.0.1:{self._server.server_port}/hook"

    def take(self, request: Any, raw: bytes) -> int:
        """Take one webhook; returns the HTTP status to answer."""
        if self.refusing:
            self.refusing -= 1
            return 503
        try:
            call = self._verifier.verified(request, raw, "quotewright")
        except SignatureRefused:
            return 401
        with self._arrived:
            if call.id not in self._ids:
                self._ids.add(call.id)
                self.taken.append({**json.loads(raw)["data"], "_taken_at": time.monotonic()})
            self._arrived.notify_all()
        return 204

    def wait(self, wanted: Callable[[Message], bool], timeout_s: float) -> Message:
        """Return the first message taken that is wanted, waiting for it.

        Raises: Unavailable, if it does not come.
        """
        found: list[Message] = []

        def look() -> bool:
            found[:] = [each for each in self.taken if wanted(each)][:1]
            return bool(found)

        with self._arrived:
            if not self._arrived.wait_for(look, timeout_s):
                states = [each.get("status") for each in self.taken[-5:]]
                raise Unavailable(
                    f"{self.name} did not hear it in {timeout_s} s; last states {states}"
                )
        return found[0]

    def send(self, address: str, body: Message, message_id: str | None = None) -> httpx.Response:
        """Send a signed webhook to us."""
        raw = json.dumps(body).encode()
        headers = sign(
            self._secret, message_id or f"msg_{secrets.token_hex(16)}", self._clock(), raw
        )
        return self.http.post(
            address, content=raw, headers={**headers, "content-type": "application/json"}
        )

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)
        self.http.close()


def _handler(partner: Partner) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", "0")))
            self.send_response(partner.take(self, raw))
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            del args

    return Handler
