"""Commands ask a house; whatever is at the other end, they end with one sentence."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from contracts.errors import Refused
from quotewright.client import Client, NotRunning
from quotewright.proofs import PAGE, History, Quote, asks_of, open_quotes


@contextmanager
def answering(body: bytes, status: int = 200) -> Iterator[str]:
    """Serve one answer to everybody; gives its address."""

    class Stranger(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize("body", [b"", b"<html>hello</html>", b"\xff\xfe"])
def test_what_answers_no_json_is_told_to_be_no_house(body: bytes) -> None:
    with answering(body) as url, pytest.raises(NotRunning, match="does not answer as a house does"):
        Client(url, None).get("/quotes/Q-1001")


@pytest.mark.parametrize("body", [b"[]", b"no", b'{"fields": 3}', b'{"fields": [3]}'])
def test_a_refusal_in_no_form_of_ours_is_told_by_its_number(body: bytes) -> None:
    with answering(body, 422) as url, pytest.raises(Refused, match="HTTP 422"):
        Client(url, None).get("/quotes/Q-1001")


def test_a_refusal_says_of_each_field_why() -> None:
    body = b'{"detail": "it does not fit", "fields": [{"field": "day", "message": "no day"}]}'
    with answering(body, 422) as url, pytest.raises(Refused) as told:
        Client(url, None).get("/quotes/Q-1001")
    assert "it does not fit (day: no day)" in str(told.value)


@pytest.mark.parametrize("url", ["http://[", "http://a b:80", "http://h:99999999"])
def test_what_is_no_address_is_told_so(url: str) -> None:
    with pytest.raises((Refused, NotRunning)):
        Client(url, None).get("/")


def test_a_token_that_can_be_no_header_is_told_so() -> None:
    with pytest.raises(Refused, match="copy it whole"):
        Client("http://127.0.0.1:9", "tökén")


ITEM = {"item_id": "one", "product": "pump", "quantity": "1", "decisions": []}
PIN = {"id": "pump", "version": 1, "sha256": "0" * 64}
CONFIGURED = {
    **ITEM,
    "name": "Pump",
    "model": PIN,
    "options": [],
    "parameters": [],
    "bill_of_materials": [],
}
WAITS = {"number": "Q-1001", "waits_since_at": "2026-03-02T09:00:00+00:00"}


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.read("/quotes/Q-1001", Quote),
        lambda client: client.read("/crm/quotes/Q-1001/history", History),
        lambda client: asks_of(client, "Q-1001", 1),
        lambda client: list(open_quotes(client)),
    ],
    ids=["quote", "history", "revision", "open quotes"],
)
@pytest.mark.parametrize(
    "body",
    [
        [],
        None,
        3,
        "no",
        {},
        {"current": None, "hops": None, "waiting": None},
        {"current": {"revision": 1, "configured": [1]}, "hops": [1], "waiting": [1]},
        {"etag": "x", "items": [], "configured": [CONFIGURED]},
    ],
)
def test_what_answers_in_another_shape_is_told_to_be_no_house(
    body: Any, ask: Callable[[Client], object]
) -> None:
    with (
        answering(json.dumps(body).encode()) as url,
        pytest.raises(NotRunning, match="does not answer as a house does"),
    ):
        ask(Client(url, None))


def test_a_revision_is_read_with_what_its_items_were_asked_for() -> None:
    body = {"etag": "x", "items": [ITEM], "configured": [CONFIGURED]}
    with answering(json.dumps(body).encode()) as url:
        (found,) = asks_of(Client(url, None), "Q-1001", 1).configured
    assert found.item_id == "one"


def test_a_list_of_open_quotes_that_comes_back_to_a_page_ends() -> None:
    body = json.dumps({"waiting": [WAITS] * PAGE}).encode()
    with answering(body) as url, pytest.raises(NotRunning):
        list(open_quotes(Client(url, None)))


def test_open_quotes_are_listed_with_what_waits_for_a_number_left_out() -> None:
    body = json.dumps({"waiting": [WAITS, {**WAITS, "number": None}]}).encode()
    with answering(body) as url:
        assert list(open_quotes(Client(url, None))) == ["Q-1001"]
