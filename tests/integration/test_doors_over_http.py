"""The doors over real connections: sign-in by a key set's address, questions to a peer, webhooks taken."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Annotated, Any
from uuid import UUID

import httpx
import pytest
import structlog
from fastapi import APIRouter, Depends, FastAPI, Request
from pydantic import SecretStr

from contracts.errors import NotFound
from infra.ask import HttpAsker, PeerUnavailable
from infra.auth import Audience, Pass, Principal, Security, mint, service_key
from infra.deliveries import Sender, client
from infra.keys import MAX_KEYS_BYTES, KeySet, KeysUnavailable, SigningKey, jwks, key_set
from infra.outbox import MemoryOutbox
from infra.seen import MemorySeen
from infra.service import http_server
from infra.settings import Endpoint
from infra.web import Readiness, allow, application, public, raw_body
from infra.webhooks import Verifier
from infra.work import Delivery

OURS = Audience("i", "a")
KEY, KEY_SHA256 = service_key("asker", lambda size: b"\x07" * size)
SECRET = SecretStr("whsec_" + "AQEB" * 8)
DEAL = UUID("00000000-0000-4000-8000-000000000001")


def now() -> datetime:
    return datetime.now(UTC)


@contextmanager
def pages(answer: Callable[[BaseHTTPRequestHandler], None]) -> Iterator[str]:
    """Serve plain HTTP; gives the address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        do_POST = do_GET  # noqa: N815, the standard library names it

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def page(
    content: bytes, status: int = 200, **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return answer


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    server = http_server(app, "127.0.0.1", 0)
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + 10
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


def house(keys: KeySet | None, taken: list[Any]) -> FastAPI:
    routes = APIRouter()
    verifier = Verifier({"thing": [SECRET]}, MemorySeen(), now)

    @routes.post("/peer/preview")
    def preview(body: dict[str, str], who: Annotated[Principal, Depends(allow("service"))]) -> Any:
        correlation = structlog.contextvars.get_contextvars()["correlation_id"]
        return {"by": who.actor, "asked": body, "correlation": correlation}

    @routes.get("/peer/things/{number}")
    def thing(number: str, who: Annotated[Principal, Depends(allow("service", "seller"))]) -> Any:
        raise NotFound(f"no {number} for {who.actor}", number=number)

    @routes.post("/hooks", dependencies=[Depends(public())])
    def hook(request: Request, raw: Annotated[bytes, Depends(raw_body)]) -> None:
        with verifier.once(verifier.verified(request, raw, "thing")) as call:
            taken.append((call.id, json.loads(call.body)["data"]))

    security = Security(keys, OURS, {"asker": KEY_SHA256}, now)
    return application("Peer", [routes], security, lambda: Readiness(ready=True))


@pytest.fixture(autouse=True)
def lines() -> Iterator[None]:
    with structlog.testing.capture_logs():
        yield


def test_a_token_is_verified_by_keys_from_an_address(tmp_path):
    key = SigningKey.create(tmp_path / "sign.pem")
    with pages(page(json.dumps(jwks([key.public])).encode())) as issuer:
        keys = key_set(f"{issuer}/jwks", time.monotonic)
        with served(house(keys, [])) as peer:
            token = mint(key, Pass("u-7", ["seller"]), OURS, now())
            asker = HttpAsker({"peer": peer}, SecretStr(token))
            with pytest.raises(NotFound, match="no Q-1 for user/u-7"):
                asker.ask("peer", "GET", "/peer/things/Q-1")
            asker.close()


@pytest.mark.parametrize(
    "answer",
    [
        page(b"", 302, location="http://127.0.0.1:9/"),
        page(b"x" * (MAX_KEYS_BYTES + 1)),
        page(b"no keys"),
        page(b"{}", 500),
    ],
)
def test_an_address_that_gives_no_keys_verifies_nothing(answer):
    with pages(answer) as issuer, pytest.raises(KeysUnavailable):
        key_set(f"{issuer}/jwks", time.monotonic).key("any")


def test_a_question_reaches_a_peer_with_its_correlation_and_comes_back():
    with served(house(None, [])) as peer:
        asker = HttpAsker({"peer": peer}, SecretStr(KEY))
        with structlog.contextvars.bound_contextvars(correlation_id="c-42"):
            answers = [
                json.loads(asker.ask("peer", "POST", "/peer/preview", {"ü": "1.10"}))
                for _ in range(2)
            ]
        asker.close()
    assert answers == [{"by": "service/asker", "asked": {"ü": "1.10"}, "correlation": "c-42"}] * 2


def test_a_peer_that_is_slow_or_down_is_not_available_now():
    finish = threading.Event()

    def slow(handler: BaseHTTPRequestHandler) -> None:
        finish.wait(5)
        page(b"{}")(handler)

    with pages(slow) as peer:
        asker = HttpAsker({"peer": peer, "down": "http://127.0.0.1:9"}, None, timeout_s=0.05)
        for name in ("peer", "down"):
            with pytest.raises(PeerUnavailable):
                asker.ask(name, "GET", "/x")
        asker.close()
        finish.set()


def test_a_quiet_connection_is_let_go_by_our_clients_before_our_servers_close_it():
    ours = httpx.Limits().keepalive_expiry
    kept = http_server(house(None, []), "127.0.0.1", 0).config.timeout_keep_alive

    assert ours is not None
    assert kept >= ours + 60, "a server that closes first costs a caller his POST"


def test_what_the_sender_sends_a_door_of_ours_takes_once():
    taken: list[Any] = []
    with served(house(None, taken)) as peer:
        outbox, http = MemoryOutbox(), client()
        endpoint = Endpoint(url=f"{peer}/hooks", secret=SECRET)
        sender = Sender(outbox, {"crm": endpoint}, http, now, lambda most: most)
        for number in range(12):
            outbox.put(
                Delivery(f"deal/{number}", "crm", "t", {"net": "1.10", "n": number}, DEAL), now()
            )
        assert sender.run_once() == 12
        assert outbox.due(now(), 99, [], []) == []
        sender.close()
        http.close()
    assert sorted(body["n"] for _, body in taken) == list(range(12))
    assert len({message_id for message_id, _ in taken}) == 12
