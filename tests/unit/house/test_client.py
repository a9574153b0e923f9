"""Commands ask a house; whatever is at the other end, they end with one sentence."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from contracts.errors import Refused
from quotewright.client import Client, NotRunning


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
